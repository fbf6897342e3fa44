"""A function's retry policy, as Azure's host follows it: the pauses between its runs, and when it gives up."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from infra.local.host.invocations import Outcome
from infra.local.host.messages import RetryContext, RpcException, RpcRetryOptions
from infra.local.host.stopping import pause

_FIXED_DELAY: Final = "fixed_delay"

type Run = Callable[[RetryContext | None], Awaitable[Outcome]]
"""Runs the function once; the context says which retry it is, None that it is none."""


async def run_with_retries(policy: RpcRetryOptions | None, run: Run, stopping: asyncio.Event) -> Outcome:
    """Run until it succeeds, the policy gives up, or the host stops; give how the last run ended."""
    most = _most_retries(policy)
    count = 0
    outcome = await run(None)
    while not outcome.is_ok and policy and count < most:
        await pause(stopping, delay_before(policy, count).total_seconds())
        if stopping.is_set():
            break
        count += 1
        retry = RetryContext(
            retry_count=count,
            max_retry_count=policy.max_retry_count,
            exception=RpcException(message=outcome.failure or ""),
        )
        outcome = await run(retry)
    return outcome


def delay_before(policy: RpcRetryOptions, retries: int) -> timedelta:
    """Give the pause before the next retry, after that many."""
    if policy.retry_strategy == _FIXED_DELAY:
        return policy.delay_interval or timedelta(0)
    least = policy.minimum_interval or timedelta(0)
    most = policy.maximum_interval or timedelta.max
    # Beyond some doublings only the upper bound counts.
    return min(least * 2 ** min(retries, 20), most)


def _most_retries(policy: RpcRetryOptions | None) -> float:
    if policy is None:
        return 0
    return math.inf if policy.max_retry_count < 0 else policy.max_retry_count
