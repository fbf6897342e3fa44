"""What a check found."""

import posixpath
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Problem:
    """One thing that is wrong. `file` is relative to `infra/`; `right` says what would be right or what to do."""

    file: str
    line: int
    wrong: str
    right: str

    def __str__(self) -> str:
        """Write it as editors read it: file:line: what."""
        place = posixpath.normpath(f"infra/{self.file}")
        return f"{place}:{self.line}: {self.wrong}; {self.right}"


class UnparsedError(Exception):
    """A file that can't be read as Bicep; carries its problems."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems
