from collections.abc import Callable
from dataclasses import dataclass

import pytest

from infra.local import world
from infra.local.tenant.api_error import ApiError
from infra.local.tenant.arm_throttle import ArmThrottle
from infra.local.tenant.tokens import Caller
from infra.local.world import Principal


@dataclass
class Clock:
    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds


def _caller(principal: Principal = world.RESPONDER) -> Caller:
    return Caller(principal=principal, app_id="", roles=frozenset(), unthrottled=False, claims={})


def _passed(count: Callable[[], object], most: int = 5_000) -> int:
    """Ask until it is refused, and say how many passed."""
    for number in range(most):
        try:
            count()
        except ApiError:
            return number
    return most


@pytest.mark.parametrize(
    ("method", "size", "refill"), [("GET", 250, 25), ("PUT", 200, 10), ("POST", 200, 10), ("DELETE", 200, 10)]
)
def test_a_bucket_empties_and_fills_again(method: str, size: int, refill: int) -> None:
    clock = Clock()
    throttle = ArmThrottle(clock)

    def count() -> object:
        return throttle.count(_caller(), method, subscription=world.SUBSCRIPTION)

    assert _passed(count) == size
    clock.seconds += 1
    assert _passed(count) == refill
    clock.seconds += 3_600
    assert _passed(count) == size


def test_a_refusal_says_when_to_come_back_and_whose_limit_it_is() -> None:
    throttle = ArmThrottle(Clock())
    for _ in range(200):
        throttle.count(_caller(), "DELETE", subscription=world.SUBSCRIPTION)
    with pytest.raises(ApiError) as refused:
        throttle.count(_caller(), "DELETE", subscription=world.SUBSCRIPTION)
    error = refused.value
    assert (error.status, error.code) == (429, "SubscriptionRequestsThrottled")
    assert error.headers == {"Retry-After": "1", "x-ms-ratelimit-remaining-subscription-deletes": "0"}
    assert "'delete'" in error.message
    assert world.RESPONDER.id in error.message


def test_kinds_principals_and_subscriptions_have_their_own_buckets() -> None:
    throttle = ArmThrottle(Clock())
    assert _passed(lambda: throttle.count(_caller(), "PUT", subscription="one")) == 200
    assert _passed(lambda: throttle.count(_caller(), "GET", subscription="one")) == 250
    assert _passed(lambda: throttle.count(_caller(world.MALLORY), "PUT", subscription="one")) == 200
    assert _passed(lambda: throttle.count(_caller(), "PUT", subscription="two")) == 200
    assert _passed(lambda: throttle.count(_caller(), "PUT", subscription="")) == 200


def test_all_principals_together_have_fifteen_times_as_much() -> None:
    throttle = ArmThrottle(Clock())
    principals = [Principal(id=str(number), name="", kind="user", tenant="") for number in range(20)]
    passed = [
        _passed(lambda holder=each: throttle.count(_caller(holder), "PUT", subscription="one")) for each in principals
    ]
    assert passed == [200] * 15 + [0] * 5


def test_the_headers_tell_what_is_left() -> None:
    throttle = ArmThrottle(Clock())
    throttle.count(_caller(world.MALLORY), "GET", subscription="one")
    assert throttle.count(_caller(), "GET", subscription="one") == {
        "x-ms-ratelimit-remaining-subscription-reads": "249",
        "x-ms-ratelimit-remaining-subscription-global-reads": "3748",
    }
    assert throttle.count(_caller(), "DELETE", subscription="") == {"x-ms-ratelimit-remaining-tenant-deletes": "199"}
