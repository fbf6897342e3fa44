"""The engine and a brute force that is written apart from it judge random worlds alike.

CA_WORLDS says how many, CA_SEED which; a world that is judged otherwise is named by its number.
"""

import os
from itertools import product
from random import Random
from typing import Any, Final

import pytest

from shared.conditional_access.changes import judge_change
from shared.conditional_access.gaps import Asked, GapSearch
from shared.conditional_access.judge import evaluate
from shared.conditional_access.policy import Policy, read_policy
from shared.conditional_access.targets import Request
from shared.conditional_access.truth import Truth
from shared.conditional_access.verdicts import PolicySet
from shared.model.kinds import Image
from tests.fakes import ca_brute_force as brute
from tests.fakes.ca_engine_worlds import account_of, sign_in_of, tenant_of
from tests.fakes.ca_worlds import OWN_APP, PORTAL, World, changed, world

WORLDS: Final = int(os.environ.get("CA_WORLDS", "300"))
SEED: Final = int(os.environ.get("CA_SEED", "20260317"))
_AT_THE_PORTAL: Final = (Request(resource=PORTAL),)
_WORLD_LIMIT: Final = 240
"""Seconds for 300 worlds and less; more worlds are given more."""

pytestmark = pytest.mark.timeout(max(_WORLD_LIMIT, WORLDS))


def policies_of(images: list[Image]) -> list[Policy]:
    return [read_policy(image) for image in images]


def number(truth: Truth) -> float:
    return truth / 2


def test_one_sign_in_by_a_set_of_policies() -> None:
    for seed in range(SEED, SEED + WORLDS):
        made = world(Random(seed))  # noqa: S311 - keeps no secret
        facts = made.facts | {"trusted": 0.5 if made.trusted_ips_unread else 0.0}
        judged = evaluate(policies_of(made.policies), sign_in_of(made, facts), tenant_of(made))
        expected = [brute.applies(policy, made, facts) for policy in made.policies]
        assert [number(each.applies.truth) for each in judged.judgements] == expected, seed
        assert judged.outcome.value == brute.outcome(made, facts), seed


def test_always_and_somewhere_and_what_a_change_makes_worse() -> None:
    for seed in range(SEED, SEED + WORLDS):
        chance = Random(seed)  # noqa: S311 - keeps no secret
        made = world(chance)
        after = changed(made, chance)
        tenant, account = tenant_of(made), account_of(made, "member")
        (change,) = judge_change(
            [account],
            (policies_of(made.policies), tenant),
            (policies_of(after), tenant),
            requests=_AT_THE_PORTAL,
        )
        refused_before = brute.refusals(made)
        refused_after = brute.refusals(_with(made, after))
        for verdict, refused in ((change.before, refused_before), (change.after, refused_after)):
            assert (number(verdict.always), number(verdict.somewhere)) == brute.verdict(refused), seed
            kept_out = {each.policy.id: number(each.sure) for each in verdict.lockouts}
            assert kept_out == {name: max(row) for name, row in refused.items() if max(row)}, seed
        assert {each.policy.id for each in change.worse} == brute.worse(refused_before, refused_after), seed
        alone = PolicySet(policies_of(after), tenant, requests=_AT_THE_PORTAL).judge(account)
        assert (alone.always, alone.somewhere) == (change.after.always, change.after.somewhere), seed


_ASKED: Final = [*product(("member", "b2bCollaborationGuest"), (PORTAL, OWN_APP), ("browser", "other"))]
"""Whose a sign-in is, what it asks for, and by which client: the usual first."""


def _facts(kind: str, resource: str, client: str) -> dict[str, Any]:
    fixed = {"scopes": (), "action": None, "contexts": (), "flow": "none", "registered": False, "compliant": False}
    return fixed | {"kind": kind, "resource": resource, "client": client}


def _changed(*facts: str) -> frozenset[str]:
    return frozenset(
        name for name, fact, usual in zip(["who", "what", "by"], facts, _ASKED[0], strict=True) if fact != usual
    )


def test_the_smallest_sign_in_that_gets_in() -> None:
    for seed in range(SEED, SEED + max(WORLDS // 5, 1)):
        made = world(Random(seed))  # noqa: S311 - keeps no secret
        asked = [
            Asked(sign_in=sign_in_of(made, made.facts | _facts(*facts)), changed=_changed(*facts)) for facts in _ASKED
        ]
        gap = GapSearch(policies_of(made.policies), tenant_of(made)).smallest(asked)
        by_brute = brute.smallest(made, [(_facts(*facts), len(_changed(*facts))) for facts in _ASKED])
        assert (gap and (len(gap.changed), number(gap.sure))) == by_brute, seed
        if gap is not None:
            outcome = evaluate(policies_of(made.policies), gap.sign_in, tenant_of(made)).outcome
            assert outcome.value == ("granted" if gap.sure is Truth.YES else "unknown"), seed


def _with(made: World, policies: list[Image]) -> World:
    return World(
        policies=policies,
        members=made.members,
        roles=made.roles,
        locations=made.locations,
        trusted_ips_unread=made.trusted_ips_unread,
        baseline=made.baseline,
        facts=made.facts,
    )
