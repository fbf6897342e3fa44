"""What a check found."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Problem:
    """One thing that is wrong. `file` is relative to the repository; `right` says what would be right, or is "" ."""

    file: str
    line: int
    wrong: str
    right: str = ""

    def __str__(self) -> str:
        """Write it as editors read it: file:line: what."""
        return f"{self.file}:{self.line}: {self.wrong}" + (f"; {self.right}" if self.right else "")
