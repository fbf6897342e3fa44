"""Restoring a deleted conditional access policy when the tenant isn't as the look before said."""

import pytest

from responders.remediations.ca_policies import RESTORE_CA_POLICY
from shared.model.errors import Rejected
from shared.model.events import Target
from shared.model.remediations import Doubt, Put
from tests.fakes.situations import POLICY_ID, ca_policy, change, situation
from tests.fakes.tenant import FakeTenant, answer_of

_TARGET = Target(id=POLICY_ID)


def planned() -> Put:
    plan = RESTORE_CA_POLICY.plan(situation({"policies": []}, change(ca_policy(), None)))
    assert isinstance(plan, Put)
    return plan


def test_a_policy_that_came_back_meanwhile_is_not_created_a_second_time() -> None:
    tenant = FakeTenant(ca_policies={POLICY_ID: ca_policy()})
    RESTORE_CA_POLICY.apply(tenant.edges(), _TARGET, planned())
    assert list(tenant.ca_policies) == [POLICY_ID]


def test_nor_is_one_that_somebody_created_again_meanwhile() -> None:
    tenant = FakeTenant(ca_policies={"new": ca_policy(id="new", state="disabled")})
    RESTORE_CA_POLICY.apply(tenant.edges(), _TARGET, planned())
    assert list(tenant.ca_policies) == ["new"]


def test_a_refusal_that_is_about_the_request_is_not_taken_for_an_empty_bin() -> None:
    conflict = answer_of({"error": {"code": "Conflict", "message": "busy"}}, 409)
    tenant = FakeTenant(
        deleted_ca_policies={POLICY_ID: ca_policy()},
        spoil=lambda _number, request: conflict if request.url.endswith("/restore") else None,
    )
    with pytest.raises(Rejected, match="busy"):
        RESTORE_CA_POLICY.apply(tenant.edges(), _TARGET, planned())
    assert tenant.ca_policies == {}


def test_what_comes_out_of_the_bin_changed_by_nobody_known_is_left_for_people() -> None:
    tenant = FakeTenant(deleted_ca_policies={POLICY_ID: ca_policy(state="disabled")})
    RESTORE_CA_POLICY.apply(tenant.edges(), _TARGET, planned())
    assert tenant.ca_policies[POLICY_ID]["state"] == "disabled"
    look = RESTORE_CA_POLICY.look(tenant.edges(), _TARGET)
    plan = RESTORE_CA_POLICY.plan(situation(None, change(ca_policy(), None), look=look))
    assert isinstance(plan, Doubt)
    assert "state" in plan.because
