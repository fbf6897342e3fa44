"""The stylesheet and the script: their content stands in their names, so browsers keep them for a year."""

import hashlib
from functools import cached_property
from pathlib import Path
from typing import Final


class Asset:
    """A file beside this module, under a name that changes with its content."""

    def __init__(self, stem: str, ending: str, content_type: str) -> None:
        self._stem, self._ending = stem, ending
        self.content_type = content_type

    @cached_property
    def content(self) -> bytes:
        """The bytes of the file."""
        return Path(__file__).with_name(f"{self._stem}.{self._ending}").read_bytes()

    @cached_property
    def name(self) -> str:
        """The last part of its address."""
        return f"{self._stem}-{hashlib.sha256(self.content).hexdigest()[:12]}.{self._ending}"


STYLE: Final = Asset("console", "css", "text/css")
SCRIPT: Final = Asset("console", "js", "text/javascript")
