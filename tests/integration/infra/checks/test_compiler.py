"""Finding the compiler, asking it, and what is said where there is none."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from infra.checks import __main__ as checks
from infra.checks import compiler as compilers
from infra.checks.building import AGES, PLACE, SETS, TEMPLATE, kept, outdated_template, sorted_out, write
from infra.checks.compiler import REPOSITORY, Answer, Compiler, CompilerError, Diagnostic, locate
from infra.checks.snapshots import MAIN


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without a compiler; gives an empty folder."""
    monkeypatch.setattr(compilers, "PLACES", (tmp_path / "az" / "bicep", tmp_path / "tools" / "bicep"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("BICEP", raising=False)
    return tmp_path


def _program(path: Path, text: str = "#!/bin/sh\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_the_compiler_is_looked_for_where_it_may_be(nowhere: Path) -> None:
    found: list[Path | None] = [locate()]
    for place in ("tools/bicep", "az/bicep", "bin/bicep"):
        _program(nowhere / place)
        found.append(locate())
    named = _program(nowhere / "named")
    found.append(locate({**os.environ, "BICEP": str(named)}))
    assert found == [None, nowhere / "tools/bicep", nowhere / "az/bicep", nowhere / "bin/bicep", named]


def test_the_places_are_those_of_az_and_of_the_tools_beside_the_repository() -> None:
    assert (  # pyright: ignore[reportPrivateUsage] - what the documentation promises
        Path.home() / ".azure" / "bin" / "bicep",
        REPOSITORY.parent / "shared" / "tools" / "bicep",
    ) == compilers.PLACES


def test_a_compiler_that_is_named_has_to_be_there(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BICEP", str(nowhere / "gone"))
    assert checks.main([]) == 1
    assert capsys.readouterr().err == f"$BICEP is {nowhere / 'gone'}, and there is no such file\n"


def test_without_a_compiler_it_is_said_loudly_and_the_rules_judge_what_is_committed(
    nowhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not nowhere.joinpath("bin").exists()
    assert checks.main([]) == 0
    said = capsys.readouterr()
    assert "!!! THE BICEP WAS NOT COMPILED: there is no Bicep compiler here." in said.err
    assert "az bicep install" in said.err
    assert said.out == f"infra: {len(kept(REPOSITORY).snapshots)} parameter sets, NOTHING COMPILED, no problems\n"


def test_without_a_compiler_a_problem_in_what_is_committed_fails(
    nowhere: Path, copied: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert nowhere
    root = copied(f"{SETS}/default.snapshot.json", '"httpsOnly": true', '"httpsOnly": false')
    assert checks.main([], root) == 1
    said = capsys.readouterr()
    assert "httpsOnly of Microsoft.Web/sites is false; it should be true" in said.err
    assert said.out.endswith("NOTHING COMPILED, 1 problem\n")


_SERVER: Final = """#!{python}
import json, sys
while (line := sys.stdin.buffer.readline()):
    length = int(line.split(b":")[1])
    sys.stdin.buffer.readline()
    asked = json.loads(sys.stdin.buffer.read(length))
    if asked["method"] != "bicep/version":
        {then}
    body = json.dumps({{"id": asked["id"], "result": {{"version": "{version}"}}}}).encode()
    sys.stdout.buffer.write(b"Content-Length: %d\\r\\nContent-Type: json\\r\\n\\r\\n%b" % (len(body), body))
    sys.stdout.buffer.flush()
"""


def _server(path: Path, *, version: str, then: str = "sys.exit()") -> Path:
    return _program(path, _SERVER.format(python=sys.executable, version=version, then=then))


@pytest.mark.parametrize("version", ["0.37.0", "0.9.9"])
def test_an_old_compiler_is_refused(tmp_path: Path, version: str) -> None:
    with pytest.raises(CompilerError, match=f"Bicep {version} is too old for these checks: run `az bicep upgrade`"):
        Compiler(_server(tmp_path / "bicep", version=version))


@pytest.mark.parametrize("version", ["0.37.1", "0.100.0", "1.0.0-beta.1"])
def test_a_newer_compiler_is_taken(tmp_path: Path, version: str) -> None:
    with Compiler(_server(tmp_path / "bicep", version=version)) as compiler:
        assert compiler.version == version


def test_a_compiler_that_stops_is_told(tmp_path: Path) -> None:
    with (
        Compiler(_server(tmp_path / "bicep", version="1.0.0")) as compiler,
        pytest.raises(CompilerError, match="the compiler stopped while asked for format"),
    ):
        compiler.formatted(tmp_path / "x.bicep")


def test_what_it_refuses_is_told(compiler: Compiler, copied: Callable[..., Path]) -> None:
    root = copied(f"{SETS}/default.bicepparam", "using", "param locks = 'x'\nusing")
    with pytest.raises(CompilerError, match="Compilation failed"):
        compiler.snapshot(root / SETS / "default.bicepparam", PLACE)


def test_parameter_files_see_no_variables_but_those_they_are_given(
    compiler_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPERATORS_CLIENT_ID", "from the shell of whoever runs the checks")
    file = (REPOSITORY / MAIN).with_suffix(".bicepparam")
    with Compiler(compiler_path, {"ALERT_EMAIL": "a@contoso.com"}) as compiler:
        answer = compiler.build_parameters(file)
    assert answer.text == ""
    assert sorted(one.message.split('"')[1] for one in answer.diagnostics) == [
        "EMERGENCY_ACCOUNT_IDS",
        "OPERATORS_CLIENT_ID",
    ]
    assert {one.code for one in answer.diagnostics} == {"BCP427"}


def test_what_comes_with_time_is_shown_and_everything_else_fails() -> None:
    file = REPOSITORY / MAIN
    shown = [Diagnostic(file, 7, "warning", code, "newer") for code in sorted(AGES)]
    failing = [
        Diagnostic(file, 7, "error", min(AGES), "newer"),
        Diagnostic(file, 8, "warning", "BCP081", "no types"),
        Diagnostic(file, 9, "info", "BCP999", "by the way"),
    ]
    problems, remarks = sorted_out(REPOSITORY, Answer("", (*shown, *failing)))
    assert [str(one) for one in remarks] == [f"infra/main.bicep:7: warning {code}: newer" for code in sorted(AGES)]
    assert [str(one) for one in problems] == [
        f"infra/main.bicep:7: error {min(AGES)}: newer",
        "infra/main.bicep:8: warning BCP081: no types",
        "infra/main.bicep:9: info BCP999: by the way",
    ]


def test_every_rule_of_the_linter_is_on() -> None:
    """Those that come with time warn, all the others fail a build; `off` or a forgotten rule would hide findings."""
    rules = json.loads((REPOSITORY / "infra" / "bicepconfig.json").read_bytes())["analyzers"]["core"]["rules"]
    assert {name for name, rule in rules.items() if rule["level"] != "error"} == set(AGES)
    assert {"what-if-short-circuiting", "no-hardcoded-location", "no-loc-expr-outside-params"} <= set(rules)


def test_the_server_says_what_the_command_line_says(
    compiler_path: Path, compiler: Compiler, copied: Callable[..., Path]
) -> None:
    """`bicep lint` and `bicep snapshot --mode validate` themselves, once: the checks ask the same program otherwise."""
    root = copied(MAIN, "param locks bool", "param spare bool = true\nparam locks bool")
    (problem,) = [one for one in sorted_out(root, compiler.build(root / MAIN))[0] if "no-unused-params" in one.text]
    linted = _run(compiler_path, "lint", str(root / MAIN))
    assert linted.returncode == 1
    number = problem.line
    assert f"main.bicep({number},7) : Error no-unused-params:" in linted.stderr
    options = [f"--{option}={value}" for option, value in (
        ("tenant-id", PLACE["tenantId"]), ("subscription-id", PLACE["subscriptionId"]),
        ("location", PLACE["location"]), ("deployment-name", PLACE["deploymentName"]),
    )]  # fmt: skip
    validated = _run(compiler_path, "snapshot", str(REPOSITORY / SETS / "act.bicepparam"), "--mode=validate", *options)
    assert validated.returncode == 0, validated.stdout + validated.stderr


def _run(path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    unpacked = REPOSITORY / ".local" / "bicep"
    environment = {
        **os.environ,
        "DOTNET_BUNDLE_EXTRACT_BASE_DIR": os.environ.get("DOTNET_BUNDLE_EXTRACT_BASE_DIR", str(unpacked)),
        "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1",
    }
    return subprocess.run([path, *arguments], env=environment, capture_output=True, text=True, check=False, timeout=120)


def test_what_is_written_is_current_and_written_only_where_it_says_something_else(copied: Callable[..., Path]) -> None:
    root = copied(f"{SETS}/act.snapshot.json", "predictedResources", "resources")
    committed = kept(REPOSITORY)
    by_another = json.loads(committed.template)
    by_another["metadata"]["_generator"]["version"] = "9.9.9"
    (root / TEMPLATE).write_text(json.dumps(by_another))
    write(root, committed)
    assert json.loads((root / TEMPLATE).read_bytes())["metadata"]["_generator"]["version"] == "9.9.9"
    assert (root / SETS / "act.snapshot.json").read_bytes() == (REPOSITORY / SETS / "act.snapshot.json").read_bytes()


def test_a_template_with_the_marks_of_a_merge_is_not_current_and_written_anew(copied: Callable[..., Path]) -> None:
    root = copied(TEMPLATE, "{", "<<<<<<< HEAD\n{")
    committed = kept(REPOSITORY)
    assert [one.file for one in outdated_template(root, committed.template)] == [TEMPLATE]
    write(root, committed)
    assert list(outdated_template(root, committed.template)) == []
