"""The files by which others run the checks: GitHub's workflow and the pre-commit hooks."""

import os
import re
from typing import Any, Final

import pytest
import yaml

from infra.checks.compiler import REPOSITORY

_COMMIT: Final = re.compile(r"[\w./-]+@[0-9a-f]{40}")
_TARGETS: Final = frozenset(
    re.findall(r"^([a-z]+):", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
)


def read(path: str) -> dict[Any, Any]:
    return yaml.safe_load((REPOSITORY / path).read_text(encoding="utf-8"))


def workflow() -> dict[Any, Any]:
    return read(".github/workflows/ci.yml")


def steps() -> list[dict[str, Any]]:
    return workflow()["jobs"]["check-and-test"]["steps"]


def hooks() -> list[dict[str, Any]]:
    return [hook for repository in read(".pre-commit-config.yaml")["repos"] for hook in repository["hooks"]]


def test_the_workflow_runs_what_ci_runs() -> None:
    assert steps()[-1]["run"] == ".ci/run"
    assert os.access(REPOSITORY / ".ci" / "run", os.X_OK)


def test_the_workflow_may_only_read_and_keeps_no_credentials() -> None:
    assert workflow()["permissions"] == {"contents": "read"}
    assert all("permissions" not in job for job in workflow()["jobs"].values())
    checkout = next(step for step in steps() if step.get("uses", "").startswith("actions/checkout@"))
    assert checkout["with"]["persist-credentials"] is False


def test_an_older_run_of_a_branch_is_cancelled() -> None:
    group = workflow()["concurrency"]
    assert "github.ref" in group["group"]
    assert group["cancel-in-progress"] is True


def test_actions_are_pinned_to_a_commit() -> None:
    used = [step["uses"] for step in steps() if "uses" in step]
    assert {one.partition("@")[0] for one in used} == {
        "actions/checkout",
        "actions/setup-python",
        "actions/setup-node",
    }
    assert [one for one in used if not _COMMIT.fullmatch(one)] == []


def test_the_workflow_uses_the_python_of_this_repository() -> None:
    python = next(step for step in steps() if "setup-python" in step.get("uses", ""))
    assert (REPOSITORY / python["with"]["python-version-file"]).is_file()


def test_hooks_run_make_targets_and_nothing_from_elsewhere() -> None:
    assert [one["repo"] for one in read(".pre-commit-config.yaml")["repos"]] == ["local"]
    assert hooks()
    for hook in hooks():
        assert (hook["language"], hook["pass_filenames"]) == ("system", False)
        assert hook["entry"].split()[0] == "make"


@pytest.mark.parametrize("hook", hooks(), ids=lambda hook: hook["id"])
def test_a_hook_names_a_target_of_the_makefile(hook: dict[str, Any]) -> None:
    _, *targets = hook["entry"].split()
    assert targets
    assert set(targets) <= _TARGETS


def test_each_hook_has_a_stage_that_is_installed() -> None:
    installed = set(read(".pre-commit-config.yaml")["default_install_hook_types"])
    assert all(set(hook["stages"]) <= installed for hook in hooks())
