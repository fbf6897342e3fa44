"""Attacks on a tenant in memory: how it stands afterwards, and what the engine would know."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from responders.remediations.ca_policies import DISABLE_CA_POLICY, PUT_BACK_CA_POLICY, RESTORE_CA_POLICY
from responders.remediations.ca_policy_json import differing
from responders.remediations.custom_policies import (
    DELETE_CUSTOM_POLICY,
    PUT_BACK_CUSTOM_POLICY,
    RESTORE_CUSTOM_POLICY,
)
from responders.remediations.role_assignments import RECREATE_ROLE_ASSIGNMENT, REMOVE_ROLE_ASSIGNMENT
from shared.model.events import Target
from shared.model.remediations import Baseline, EarlierCase, Plan, Put, Remediation
from tests.fakes.situations import (
    ALICE,
    ASSIGNMENT_ID,
    AT,
    CUSTOM_POLICY,
    NEVER_THERE,
    OWNER,
    POLICY_ID,
    TRUDY,
    UNKNOWN,
    ca_policy,
    case,
    change,
    custom_policy_xml,
    known,
    role_assignment,
    situation,
    with_users,
)
from tests.fakes.tenant import FakeTenant


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """`attacked` makes the tenant as the attack left it; `is_right` says whether it stands as it did before."""

    id: str
    remediation: Remediation
    target: str
    attacked: Callable[[], FakeTenant]
    is_right: Callable[[FakeTenant], bool]
    run: tuple[EarlierCase, ...]
    baseline: Baseline = UNKNOWN

    def plan(self, tenant: FakeTenant) -> Plan:
        look = self.remediation.look(tenant.edges(), Target(id=self.target))
        asked = situation(None, *self.run, target=self.target, baseline=self.baseline, look=look)
        return self.remediation.plan(asked)

    def apply(self, tenant: FakeTenant, put: Put) -> None:
        self.remediation.apply(tenant.edges(), Target(id=self.target), put)


_BASE: Final = "B2C_1A_TrustFrameworkBase"
_OFF: Final = ca_policy(state="disabled")
_OPENED: Final = with_users(_OFF, excludeUsers=[TRUDY.id])
_LONG_AGO: Final = AT - timedelta(days=400)
_TRUDY_READS: Final = role_assignment(holder=TRUDY.id, by=ALICE.id, created_at=_LONG_AGO, condition="@Resource")
_UNCONDITIONAL: Final = role_assignment(holder=TRUDY.id, by=ALICE.id, created_at=_LONG_AGO, updated_by=case().actor.id)
_ALICE_OWNS: Final = role_assignment(
    assignment_id=ASSIGNMENT_ID[:-4] + "ffff", role=OWNER, holder=ALICE.id, by=ALICE.id, created_at=_LONG_AGO
)


def _policies(**policies: dict[str, object]) -> FakeTenant:
    return FakeTenant(ca_policies={str(each["id"]): copy.deepcopy(each) for each in policies.values()})


def _binned(*, app_only: bool, as_: dict[str, object] | None = None) -> Callable[[], FakeTenant]:
    return lambda: FakeTenant(
        deleted_ca_policies={POLICY_ID: copy.deepcopy(as_ or ca_policy())}, restores_for_applications=app_only
    )


def _assigned(*assignments: dict[str, object]) -> Callable[[], FakeTenant]:
    return lambda: FakeTenant(role_assignments={str(each["id"]).lower(): copy.deepcopy(each) for each in assignments})


def _has_once(tenant: FakeTenant) -> bool:
    return [differing(policy, ca_policy()) for policy in tenant.ca_policies.values()] == [()]


def _has_the_condition(tenant: FakeTenant) -> bool:
    return tenant.role_assignments[ASSIGNMENT_ID.lower()]["properties"]["condition"] == "@Resource"


_CUSTOM_IMAGE: Final = {
    "id": CUSTOM_POLICY,
    "xml": custom_policy_xml(base=_BASE),
    "parents": [{"id": _BASE, "xml": custom_policy_xml(_BASE)}],
}

STORIES: Final = (
    Story(
        id="a policy is created",
        remediation=DISABLE_CA_POLICY,
        target=POLICY_ID,
        attacked=lambda: _policies(one=ca_policy()),
        is_right=lambda tenant: tenant.ca_policies[POLICY_ID]["state"] == "disabled",
        run=(change(None, ca_policy()),),
    ),
    Story(
        id="a policy is opened and switched off",
        remediation=PUT_BACK_CA_POLICY,
        target=POLICY_ID,
        attacked=lambda: _policies(one=_OPENED),
        is_right=_has_once,
        run=(change(ca_policy(), _OFF), change(_OFF, _OPENED, by=TRUDY, after=timedelta(minutes=1))),
        baseline=known(ca_policy()),
    ),
    Story(
        id="a policy is deleted and can be taken out of the bin",
        remediation=RESTORE_CA_POLICY,
        target=POLICY_ID,
        attacked=_binned(app_only=True),
        is_right=_has_once,
        run=(change(ca_policy(), None),),
    ),
    Story(
        id="a policy is deleted and applications may not use the bin",
        remediation=RESTORE_CA_POLICY,
        target=POLICY_ID,
        attacked=_binned(app_only=False),
        is_right=_has_once,
        run=(change(ca_policy(), None),),
        baseline=known(ca_policy()),
    ),
    Story(
        id="a policy is deleted for good",
        remediation=RESTORE_CA_POLICY,
        target=POLICY_ID,
        attacked=FakeTenant,
        is_right=_has_once,
        run=(change(ca_policy(), None),),
    ),
    Story(
        id="a policy is opened and then deleted",
        remediation=RESTORE_CA_POLICY,
        target=POLICY_ID,
        attacked=_binned(app_only=True, as_=_OPENED),
        is_right=_has_once,
        run=(change(ca_policy(), _OPENED), change(_OPENED, None, after=timedelta(minutes=1))),
    ),
    Story(
        id="a custom policy is created",
        remediation=DELETE_CUSTOM_POLICY,
        target=CUSTOM_POLICY,
        attacked=lambda: FakeTenant(
            custom_policies={_BASE: custom_policy_xml(_BASE), CUSTOM_POLICY: custom_policy_xml(base=_BASE)}
        ),
        is_right=lambda tenant: CUSTOM_POLICY not in tenant.custom_policies,
        run=(case(),),
        baseline=NEVER_THERE,
    ),
    Story(
        id="a custom policy is changed",
        remediation=PUT_BACK_CUSTOM_POLICY,
        target=CUSTOM_POLICY,
        attacked=lambda: FakeTenant(
            custom_policies={_BASE: custom_policy_xml(_BASE), CUSTOM_POLICY: custom_policy_xml(content="<Evil/>")}
        ),
        is_right=lambda tenant: tenant.custom_policies[CUSTOM_POLICY] == _CUSTOM_IMAGE["xml"],
        run=(case(),),
        baseline=known(_CUSTOM_IMAGE),
    ),
    Story(
        id="a custom policy and its parent are deleted",
        remediation=RESTORE_CUSTOM_POLICY,
        target=CUSTOM_POLICY,
        attacked=FakeTenant,
        is_right=lambda tenant: list(tenant.custom_policies) == [_BASE, CUSTOM_POLICY],
        run=(case(),),
        baseline=known(_CUSTOM_IMAGE),
    ),
    Story(
        id="the role of owner is given",
        remediation=REMOVE_ROLE_ASSIGNMENT,
        target=ASSIGNMENT_ID.lower(),
        attacked=_assigned(role_assignment(role=OWNER), _ALICE_OWNS),
        is_right=lambda tenant: ASSIGNMENT_ID.lower() not in tenant.role_assignments,
        run=(case(),),
    ),
    Story(
        id="the condition of a role is taken off",
        remediation=REMOVE_ROLE_ASSIGNMENT,
        target=ASSIGNMENT_ID.lower(),
        attacked=_assigned(_UNCONDITIONAL),
        is_right=_has_the_condition,
        run=(case(),),
        baseline=known(_TRUDY_READS),
    ),
    Story(
        id="a role is taken away",
        remediation=RECREATE_ROLE_ASSIGNMENT,
        target=ASSIGNMENT_ID.lower(),
        attacked=_assigned(_ALICE_OWNS),
        is_right=lambda tenant: ASSIGNMENT_ID.lower() in tenant.role_assignments and _has_the_condition(tenant),
        run=(case(),),
        baseline=known(_TRUDY_READS),
    ),
)
