"""The part of a Python traceback that is the app's own; the rest is the worker's and the libraries'."""

import re

_FRAME = re.compile(r'^ +File "(?P<file>[^"]+)", line (?P<line>\d+)', re.MULTILINE)
_OF_LIBRARIES = re.compile(r"site-packages|<frozen|/lib/python3")


def app_frames(trace: str) -> list[tuple[str, int]]:
    """Give file and line of the app's frames, the one that raised last."""
    frames = [(found["file"], int(found["line"])) for found in _FRAME.finditer(trace)]
    return [(file, line) for file, line in frames if not _OF_LIBRARIES.search(file)]
