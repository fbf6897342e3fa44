"""What became of a file or a folder of Sigma rules."""

from msgspec import Struct

from shared.model.detections import AnyDetection


class Problem(Struct, frozen=True, kw_only=True):
    """A rule that isn't loaded, or a file that none could be read from, and why.

    `file` is relative to the folder; `title` is "" where it couldn't be read.
    """

    file: str
    title: str
    because: str
    is_unreadable: bool = False

    def __str__(self) -> str:
        return f"{self.file}{f' ({self.title})' if self.title else ''}: {self.because}"


class Loaded(Struct, frozen=True, kw_only=True):
    """The detections, each with its file, and the problems; both in the order of the files.

    `never_matching` are of rules that are loaded and would match no record, as far as is known.
    """

    detections: tuple[AnyDetection, ...] = ()
    files: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    never_matching: tuple[Problem, ...] = ()
