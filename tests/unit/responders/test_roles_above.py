"""Azure roles that management groups and the root of all give: no log tells of them, so they are found by listing."""

import copy
from datetime import timedelta
from typing import Final

import pytest

from infra.local.world import ALICE, MALLORY, SUBSCRIPTION
from responders.catalogue import CATALOGUE
from responders.kinds.principals import is_enabled
from responders.kinds.role_assignments import ROLE_ASSIGNMENT
from shared.model.cases import Decision
from shared.model.errors import Refused
from shared.model.kinds import Mode
from shared.objects.planning import GRACE
from shared.respond.resume import resume
from shared.respond.unexplained import UNEXPLAINED
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import A_MINUTE, Bench, bench, settings_with
from tests.fakes.situations import ASSIGNMENT_ID, CONTRIBUTOR, role_assignment
from tests.fakes.tenant import FakeTenant

_NAME: Final = "/providers/Microsoft.Authorization/roleAssignments/0a551600-0002-4e1f-8c3a-5d7b9f204e61"
_GROUP: Final = "/providers/Microsoft.Management/managementGroups/contoso"
_OWNER: Final = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
_SCOPES: Final = {"a management group": _GROUP, "the root": ""}
_EACH: Final = pytest.mark.parametrize("scope", _SCOPES.values(), ids=_SCOPES)


def _give(tenant: FakeTenant, scope: str, *, role: str, holder: str, by: str) -> str:
    identity = f"{scope}{_NAME}"
    given = role_assignment(assignment_id=identity, role=role, holder=holder, by=by)
    given["properties"] |= {"scope": scope or "/", "createdOn": "2026-03-02T10:20:00Z"}
    tenant.role_assignments[identity.lower()] = given
    return identity.lower()


def _ready(memory: MemoryStorage, tenant: FakeTenant) -> Bench:
    edges = copy.replace(tenant.edges(), tenant=settings_with().workforce)
    made = bench(
        memory,
        detections=CATALOGUE,
        kinds=(ROLE_ASSIGNMENT,),
        is_enabled=is_enabled,
        edges=edges,
        SUBSCRIPTION_IDS=SUBSCRIPTION,
    )
    made.runtime.controls.set_mode("*", Mode.ENFORCE, by="a test")
    for _ in range(2):
        made.sweep()
        made.clock.move(10 * A_MINUTE)
    return made


def _sweep_for(made: Bench, time: timedelta) -> None:
    for _ in range(time // (10 * A_MINUTE)):
        made.clock.move(10 * A_MINUTE)
        made.sweep()
        resume(made.runtime)


@_EACH
@pytest.mark.parametrize("reads_above", [True, False], ids=["may be read", "may not be read by itself"])
def test_one_that_no_log_tells_is_found_by_a_sweep_and_paged_with_its_maker(
    memory: MemoryStorage, scope: str, *, reads_above: bool
) -> None:
    tenant = FakeTenant(reads_above=reads_above)
    made = _ready(memory, tenant)
    identity = _give(tenant, scope, role=_OWNER, holder=MALLORY.id, by=MALLORY.id)
    _sweep_for(made, GRACE - 10 * A_MINUTE)
    assert made.teams.sent == []
    _sweep_for(made, 40 * A_MINUTE)
    case = made.only_case()
    assert (case.detection, case.decision, case.target.id) == (UNEXPLAINED.id, Decision.PAGE, identity)
    assert f"names {MALLORY.id} as its maker, at 2026-03-02 10:20 UTC" in case.because
    assert tenant.writes == []
    assert made.pagerduty.case_ids() == {case.id}


@_EACH
def test_one_that_is_taken_away_again_is_noticed_too(memory: MemoryStorage, scope: str) -> None:
    tenant = FakeTenant(reads_above=False)
    identity = _give(tenant, scope, role=CONTRIBUTOR, holder=ALICE.id, by=ALICE.id)
    made = _ready(memory, tenant)
    made.accept()
    del tenant.role_assignments[identity]
    _sweep_for(made, GRACE + 40 * A_MINUTE)
    assert (made.only_case().detection, made.only_case().target.id) == (UNEXPLAINED.id, identity)


def test_of_what_is_in_a_subscription_a_refusal_stays_one() -> None:
    tenant = FakeTenant(granted=set())
    with pytest.raises(Refused):
        ROLE_ASSIGNMENT.read(tenant.edges(), ASSIGNMENT_ID)


def test_what_is_above_and_not_listed_is_not_there() -> None:
    assert ROLE_ASSIGNMENT.read(FakeTenant(reads_above=False).edges(), f"{_GROUP}{_NAME}") is None
