"""Waiting that ends when the host stops."""

import asyncio


async def pause(stopping: asyncio.Event, seconds: float, *also: asyncio.Event) -> None:
    """Wait that long, or until the host stops or one of the other events is set."""
    waits = [asyncio.ensure_future(event.wait()) for event in (stopping, *also)]
    try:
        await asyncio.wait(waits, timeout=max(seconds, 0.0), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
