"""Packs the code for Azure: the tracked files that .funcignore leaves. The same files give the same package.

`python3 infra/scripts/package.py FILE` writes the zip and prints the SHA-256 of what is in it. Files that git doesn't
track are left out and named on standard error, since nobody else has them. It needs git and nothing of this project's
own.
"""

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

_REPOSITORY = Path(__file__).resolve().parents[2]
_LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can hold: files' own times would make each package another one."""

_READABLE = 0o644 << 16
_IGNORE = "--exclude-from=.funcignore"


def _listed(repository: Path, *options: str) -> set[str]:
    """Ask git for files, so that .gitignore and .funcignore mean what they mean to git."""
    command = ["git", "-C", str(repository), "ls-files", "-z", *options]
    said = subprocess.run(command, check=True, capture_output=True).stdout  # noqa: S603 - git, with our own options
    return {name for name in said.decode().split("\0") if name}


def files_of(repository: Path) -> list[str]:
    """Give the files to pack, by their paths in the repository, in alphabetical order."""
    tracked = _listed(repository, "--cached") - _listed(repository, "--cached", "--ignored", _IGNORE)
    return sorted(name for name in tracked if (repository / name).is_file())


def left_out_of(repository: Path) -> list[str]:
    """Give the files that would belong to the code, but that git doesn't track."""
    return sorted(_listed(repository, "--others", "--exclude-standard", _IGNORE))


def pack(repository: Path, package: Path) -> str:
    """Write the package, and give the digest of what is in it."""
    digest = hashlib.sha256()
    with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name in files_of(repository):
            content = (repository / name).read_bytes()
            entry = zipfile.ZipInfo(name, _LONG_AGO)
            entry.external_attr = _READABLE
            entry.compress_type = zipfile.ZIP_DEFLATED
            zipped.writestr(entry, content)
            digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


if __name__ == "__main__":
    if len(sys.argv) != 2:  # noqa: PLR2004 - the program and its one argument
        sys.exit("usage: python3 infra/scripts/package.py FILE")
    try:
        for name in left_out_of(_REPOSITORY):
            sys.stderr.write(f"! {name} is not tracked by git and stays out of the package\n")
        sys.stdout.write(pack(_REPOSITORY, Path(sys.argv[1])) + "\n")
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"the code can't be packed, is this a git checkout? {error}")
