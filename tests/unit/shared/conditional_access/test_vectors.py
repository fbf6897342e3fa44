"""The table of what is documented and measured, row by row, by judging each policy and the whole set."""

from typing import Final

import pytest

from shared.conditional_access.judge import evaluate
from shared.conditional_access.policy import read_policy
from shared.conditional_access.targets import AZURE_PORTAL, REGISTER_SECURITY_INFO, Request
from shared.conditional_access.verdicts import NEEDED, REGISTERING, PolicySet, repairing
from tests.fakes.ca_samples import EM, TENANT, N, Y, apps, policy
from tests.fakes.ca_vectors import VECTORS, Vector

_PORTAL: Final = (Request(resource=AZURE_PORTAL),)
_ROWS: Final = pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: f"{vector.number} {vector.name}")


@_ROWS
def test_each_row_is_judged_as_documented(vector: Vector) -> None:
    evaluation = evaluate(map(read_policy, vector.policies), vector.sign_in, vector.tenant)
    assert tuple(each.applies.truth for each in evaluation.judgements) == vector.applies
    assert evaluation.outcome is vector.outcome


@pytest.mark.parametrize(
    "vector",
    [vector for vector in VECTORS if vector.always is not None or vector.somewhere is not None],
    ids=lambda vector: f"{vector.number} {vector.name}",
)
def test_the_verdicts_of_the_rows_that_have_them(vector: Vector) -> None:
    verdict = PolicySet(map(read_policy, vector.policies), vector.tenant, requests=_PORTAL).judge(EM)
    assert vector.always in {None, verdict.always}
    assert vector.somewhere in {None, verdict.somewhere}


def test_every_row_of_the_table_is_here() -> None:
    assert {vector.number for vector in VECTORS} == set(range(1, 86))


@_ROWS
def test_what_keeps_a_sign_in_out_is_named(vector: Vector) -> None:
    evaluation = evaluate(map(read_policy, vector.policies), vector.sign_in, vector.tenant)
    assert all(each.unmet for each in evaluation.refusals)
    unsure = [each for each in evaluation.judgements if each.refuses not in {Y, N}]
    assert all(each.depends_on for each in unsure)


def test_row_52_would_block_if_it_were_enforced() -> None:
    reported = read_policy(policy(state="enabledForReportingButNotEnforced"))
    verdict = PolicySet([reported], TENANT).judge(EM)
    assert (verdict.always, verdict.lockouts) == (Y, ())
    assert [(each.policy.name, each.sure, each.controls) for each in verdict.waiting] == [("Policy", Y, ("block",))]


def test_row_68_is_a_lockout_under_risk_only() -> None:
    at_risk = policy(grant="passwordChange", userRiskLevels=["high"])
    (lockout,) = PolicySet([read_policy(at_risk)], TENANT).judge(EM).lockouts
    assert (lockout.under_risk_only, lockout.needs) == (True, ("user risk high",))
    (outright,) = PolicySet([read_policy(policy())], TENANT).judge(EM).lockouts
    assert (outright.under_risk_only, outright.needs) == (False, ())


def test_row_71_can_sign_in_and_cannot_repair() -> None:
    blocked = [read_policy(policy(targets={"includeAuthenticationContextClassReferences": ["C1"]}))]
    assert PolicySet(blocked, TENANT).judge(EM).always is Y
    assert PolicySet(blocked, TENANT, requests=repairing(["C1"])).judge(EM).always is N


def test_row_74_can_sign_in_and_cannot_register_from_everywhere() -> None:
    limited = [read_policy(policy(targets={"includeUserActions": [REGISTER_SECURITY_INFO]}))]
    assert PolicySet(limited, TENANT).judge(EM).always is Y
    (lockout,) = PolicySet(limited, TENANT, requests=REGISTERING).judge(EM).lockouts
    assert lockout.resources == (REGISTER_SECURITY_INFO,)


@pytest.mark.parametrize("resource", [each.resource for each in NEEDED if each.resource != AZURE_PORTAL])
def test_a_block_on_one_resource_that_repairing_takes_is_a_lockout(resource: str) -> None:
    (lockout,) = PolicySet([read_policy(policy(targets=apps(resource)))], TENANT).judge(EM).lockouts
    assert resource in lockout.resources
