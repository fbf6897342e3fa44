"""What goes to Azure as code: the app, all of it, and nothing else."""

import subprocess
import zipfile
from pathlib import Path

from infra.scripts.package import files_of, left_out_of, pack
from tests.integration.infra.scripts.az_parser import REPOSITORY


def test_the_app_is_in_the_package_and_nothing_else() -> None:
    files = files_of(REPOSITORY)
    assert {"function_app.py", "host.json", "requirements.txt", "responders/graph_app_roles.json"} <= set(files)
    assert {name.split("/")[0] for name in files if "/" in name} == {"responders", "shared"}
    for folder in ("responders", "shared"):
        modules = {str(each.relative_to(REPOSITORY)) for each in (REPOSITORY / folder).rglob("*.py")}
        assert modules <= set(files)
    assert not [name for name in files if "settings" in name and name.endswith(".json")]
    assert not [name for name in files if "__pycache__" in name]


def _repository(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text, encoding="utf-8")
    _git(folder, "init", "--quiet")
    _git(folder, "add", ".")
    return folder


def _git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(folder), *arguments], check=True)  # noqa: S607 - git, from the PATH


def test_the_same_files_give_the_same_package(tmp_path: Path) -> None:
    repository = _repository(tmp_path, app_py="1", notes_md="x", secret_json="y", _gitignore="secret.json\n")
    (repository / ".funcignore").write_text("*.md\n.gitignore\n.funcignore\n", encoding="utf-8")
    one, other = tmp_path / "one.zip", tmp_path / "other.zip"
    (repository / ".git" / "info" / "exclude").write_text("*.zip\n", encoding="utf-8")
    digest = pack(repository, one)
    assert zipfile.ZipFile(one).namelist() == ["app.py"]
    (repository / "app.py").touch()
    (repository / "notes.md").write_text("z", encoding="utf-8")
    assert pack(repository, other) == digest
    assert one.read_bytes() == other.read_bytes()
    (repository / "app.py").write_text("2", encoding="utf-8")
    assert pack(repository, other) != digest


def test_a_file_that_moved_its_content_to_another_is_another_package(tmp_path: Path) -> None:
    repository = _repository(tmp_path, a_py="12", b_py="", _funcignore="")
    (repository / ".git" / "info" / "exclude").write_text("*.zip\n", encoding="utf-8")
    digest = pack(repository, tmp_path / "x.zip")
    (repository / "a.py").write_text("1", encoding="utf-8")
    (repository / "b.py").write_text("2", encoding="utf-8")
    assert pack(repository, tmp_path / "x.zip") != digest


def test_what_git_does_not_track_is_left_out_and_named(tmp_path: Path) -> None:
    repository = _repository(tmp_path, app_py="1", _funcignore="*.md\n.funcignore\n")
    for name in ("half-done.py", "notes.md"):
        (repository / name).write_text("", encoding="utf-8")
    assert files_of(repository) == ["app.py"]
    assert left_out_of(repository) == ["half-done.py"]
