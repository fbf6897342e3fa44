"""The event loop for all HTTP requests: one thread of the process. Nothing on it may block."""

import asyncio
import threading
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, Final

from shared.model.errors import Unreachable
from shared.model.once import Once

_LOOKING_UP_NAMES: Final = 32
"""Threads for DNS lookups, more than asyncio's default: lookups that hang for one service don't delay another."""


def _start() -> asyncio.AbstractEventLoop:
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - imported on first use, start-up is a feature

    loop = asyncio.new_event_loop()
    loop.set_default_executor(ThreadPoolExecutor(_LOOKING_UP_NAMES, thread_name_prefix="names"))
    threading.Thread(target=loop.run_forever, name="http", daemon=True).start()
    return loop


_LOOP: Final = Once(_start)


def run[T](coroutine: Coroutine[Any, Any, T], *, service: str, within: timedelta) -> T:
    """Run a coroutine on the loop and wait for its result; called from any other thread.

    `within` is the outermost limit: what runs here has shorter time limits of its own.

    Raises:
        Unreachable: it took longer than `within`.
    """
    future = asyncio.run_coroutine_threadsafe(coroutine, _LOOP())
    try:
        return future.result(within.total_seconds())
    except BaseException as error:
        if not future.done():
            future.cancel()
            if isinstance(error, TimeoutError):
                raise Unreachable(f"{service} gave no answer within {within.total_seconds():g} s") from None
        raise
