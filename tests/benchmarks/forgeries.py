"""What refusing a forged request costs, and how long a signed declaration takes amid them: on the local stack.

The rate is this machine's, which also runs what forges and a host in place of Azure's; what the app itself spends on
one is the figure that counts on a machine that does other work.
"""

import asyncio
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from aiohttp import ClientSession

from infra.local.operators import LocalOperators, local_operators
from infra.local.stack import Stack
from shared.emergency.signing import sign_request
from tests.benchmarks.processes import children_of, seconds_of
from tests.fakes.flood import Flood, forgeries

_FIRST: Final = 500
_FORGERIES: Final = 3_000
_DECLARATION: Final = b'{"reason":"Nobody can sign in","hybrid":false}'
_NEVER: Final = "0 0 0 1 1 *"
_SETTINGS: Final = {
    "AUDIT_POLL_SCHEDULE": _NEVER,
    "SIGN_IN_POLL_SCHEDULE": _NEVER,
    "SNAPSHOT_SCHEDULE": _NEVER,
    "ROSTER_SCHEDULE": _NEVER,
    "RESUME_SCHEDULE": _NEVER,
}


def measure() -> Mapping[str, float]:
    """Give forgeries a second, processor milliseconds for one, and the seconds of a declaration amid them."""
    with tempfile.TemporaryDirectory() as name:
        operators = local_operators(Path(name) / "operators")
        with Stack(Path(name), settings={**operators.settings, **_SETTINGS}) as stack:
            return asyncio.run(_flooded(stack, operators))


async def _flooded(stack: Stack, operators: LocalOperators) -> Mapping[str, float]:
    url = f"{stack.host['url']}/api/emergency"
    flood = Flood(url, forgeries(url, operators, now=datetime.now(UTC)))
    async with flood.open():
        await flood.until(_FIRST)
        began, used, answered = time.monotonic(), _processor_seconds(stack), flood.answers.total()
        ours = time.process_time()
        await flood.until(_FIRST + _FORGERIES)
        seconds, count = time.monotonic() - began, flood.answers.total() - answered
        spent = {what: now - used[what] for what, now in _processor_seconds(stack).items()}
        forging = time.process_time() - ours
        took = await _declared(url, operators)
    return {
        "forgeries_per_second": round(count / seconds, 1),
        "app_cpu_ms_per_forgery": round(1000 * spent["app"] / count, 3),
        "host_cpu_ms_per_forgery": round(1000 * spent["host"] / count, 3),
        "forging_cpu_ms_per_forgery": round(1000 * forging / count, 3),
        "declaration_seconds": round(took, 2),
    }


async def _declared(url: str, operators: LocalOperators) -> float:
    key = operators.key("alice")
    signed = sign_request(key, "POST", url, _DECLARATION, emergency_key=operators.emergency_key, now=datetime.now(UTC))
    began = time.monotonic()
    async with ClientSession() as session, session.post(url, data=_DECLARATION, headers=signed) as answer:
        answer.raise_for_status()
        await answer.read()
    return time.monotonic() - began


def _processor_seconds(stack: Stack) -> Mapping[str, float]:
    """Give what the host and the app's worker below it have used so far."""
    host = stack.host_pid
    return {"host": seconds_of(host), "app": sum(seconds_of(each) for each in children_of(host))}
