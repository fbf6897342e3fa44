"""What the person at the terminal sees: one line a record on stderr, and nothing on stdout but what is announced."""

import logging
import os
import sys
import time
from collections.abc import Iterable
from typing import TextIO, override

HOST_LIBRARIES = ("aiohttp", "asyncio", "azure", "msal", "urllib3", "httpx")
"""Of which the host's own process says no more than it has to."""

# The worker's own logger lies under azure, whose other loggers tell of every single request.
WORKER_LOGGER = "azure.functions"


class _OneLine(logging.Formatter):
    """Time in UTC, level, logger, message; a traceback follows on the same line."""

    converter = time.gmtime
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")

    @override
    def format(self, record: logging.LogRecord) -> str:
        return " | ".join(line.rstrip() for line in super().format(record).splitlines() if line.strip())


def log_to_stderr(*, quiet: bool, hushed: Iterable[str] = HOST_LIBRARIES) -> None:
    """Send what this process logs to stderr; quiet keeps warnings and failures only, as of the hushed libraries."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OneLine())
    handler.setLevel(logging.WARNING if quiet else logging.INFO)
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for name in hushed:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger(WORKER_LOGGER).setLevel(logging.INFO)


def claim_stdout(*, quiet: bool) -> TextIO:
    """Give the real stdout; what others print, above all the app, goes to stderr from now on, or nowhere when quiet."""
    real = os.fdopen(os.dup(1), "w", encoding="utf-8")
    sys.stdout.flush()
    if quiet:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.close(nowhere)
    else:
        os.dup2(2, 1)
    return real
