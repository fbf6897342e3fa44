"""How long it takes to judge 20 accounts by 500 conditional access policies, on one core.

The policies are read before; what is measured is what a guard does with them: preparing the set, and one verdict for
each account on everything that repairing a tenant takes.
"""

import statistics
import time
from random import Random
from typing import Final

from msgspec.structs import replace

from shared.conditional_access.account import Memberships
from shared.conditional_access.policy import read_policy
from shared.conditional_access.verdicts import PolicySet, Verdict
from shared.model.kinds import Image
from tests.fakes.ca_samples import COUNTRY, EM, OFFICE, TENANT, apps, controls, places, platforms, policy

_POLICIES: Final = 500
_ACCOUNTS: Final = 20
_RUNS: Final = 15
_GROUPS: Final = tuple(f"group-{number}" for number in range(200))
_CONDITIONS: Final[tuple[Image, ...]] = (
    {},
    {"locations": places("All", exclude=("AllTrusted",))},
    {"locations": places("All", exclude=(OFFICE, COUNTRY))},
    {"platforms": platforms("android", "iOS")},
    {"signInRiskLevels": ["high"]},
    {"userRiskLevels": ["high", "medium"], "platforms": platforms("all", exclude=("windows",))},
    {"clientAppTypes": ["exchangeActiveSync", "other"]},
    {"devices": {"deviceFilter": {"mode": "include", "rule": 'device.isCompliant -ne True -and device.model -ne "x"'}}},
)
_GRANTS: Final = ("block", "mfa", controls("OR", "mfa", "compliantDevice"), controls("AND", "mfa", "compliantDevice"))


def measure() -> dict[str, float]:
    """Give milliseconds (the median): of reading all policies, and of judging all accounts by them."""
    chance = Random(20260317)  # noqa: S311 - keeps no secret
    images = [_policy(chance, number) for number in range(_POLICIES)]
    accounts = [
        replace(EM, id=f"account-{number}", groups=Memberships(held=frozenset(chance.sample(_GROUPS, 10))))
        for number in range(_ACCOUNTS)
    ]
    reading: list[float] = []
    judging: list[float] = []
    verdicts: list[Verdict] = []
    for _ in range(_RUNS):
        began = time.perf_counter()
        policies = [read_policy(image) for image in images]
        read = time.perf_counter()
        judged = PolicySet(policies, TENANT)
        verdicts = [judged.judge(account) for account in accounts]
        reading.append((read - began) * 1000)
        judging.append((time.perf_counter() - read) * 1000)
    if not all(verdict.lockouts for verdict in verdicts):
        raise AssertionError("nobody is kept out, so that little was judged")
    return {
        "read_ms": round(statistics.median(reading), 1),
        "judge_ms": round(statistics.median(judging), 1),
        "judge_least_ms": round(min(judging), 1),
        "lockouts": statistics.mean(len(verdict.lockouts) for verdict in verdicts),
    }


def _policy(chance: Random, number: int) -> Image:
    users: Image = chance.choice(
        (
            {"includeUsers": ["All"], "excludeGroups": chance.sample(_GROUPS, 2)},
            {"includeUsers": ["All"], "excludeUsers": [f"account-{each}" for each in range(_ACCOUNTS)]},
            {"includeGroups": chance.sample(_GROUPS, 5)},
            {"includeRoles": [next(iter(EM.roles.held))], "excludeGroups": chance.sample(_GROUPS, 1)},
        )
    )
    target = chance.choice((apps("All"), apps("Office365"), apps("All", exclude=("other-app",)), apps("other-app")))
    made = policy(users, target, chance.choice(_GRANTS), **chance.choice(_CONDITIONS))
    return made | {"id": f"policy-{number}", "displayName": f"Policy {number}"}
