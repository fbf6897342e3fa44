"""What processes of the stack have used of the processor."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")


def children_of(parent: int) -> Iterator[int]:
    """Give the processes that another one has started and that still run."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and _stat(int(entry.name))[1:2] == [str(parent)]:
            yield int(entry.name)


def seconds_of(process: int) -> float:
    """Give the seconds of a processor that a process has used so far."""
    user, system = _stat(process)[11:13]
    return (int(user) + int(system)) / _TICKS


def _stat(process: int) -> list[str]:
    """Give the fields of a process from its state on; none where it is gone."""
    try:
        return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return []
