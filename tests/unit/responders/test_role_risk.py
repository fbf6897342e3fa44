"""Azure roles that only read wake nobody, however many are given at once, and hold up nothing that is worse."""

import copy
import json
from datetime import timedelta
from typing import Final

import pytest

from infra.local.world import ALICE, BREAK_GLASS_1, MALLORY, RESPONDER, SUBSCRIPTION
from responders.catalogue import CATALOGUE
from responders.detections.samples import event_grid_record
from responders.kinds.principals import is_enabled
from responders.kinds.role_assignments import ROLE_ASSIGNMENT
from shared.ingest.deliveries import take_in_delivery
from shared.model.kinds import ApprovalList, Image, Mode, Risk
from shared.model.privileges import READING_AZURE_ROLES
from shared.respond.resume import resume
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import A_MINUTE, TENANT, Bench, approval, bench, settings_with
from tests.fakes.situations import ASSIGNMENT_ID, CONTRIBUTOR, role_assignment
from tests.fakes.tenant import FakeTenant

_MANY: Final = 150
_READER: Final = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
_OWNER: Final = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
_IN_SAMPLE: Final = "d40a6b7e-8c15-4f29-93e6-1b7f52ac80d3"


def _ready(memory: MemoryStorage, tenant: FakeTenant, mode: Mode) -> Bench:
    edges = copy.replace(tenant.edges(), tenant=settings_with().workforce)
    made = bench(
        memory,
        detections=CATALOGUE,
        kinds=(ROLE_ASSIGNMENT,),
        is_enabled=is_enabled,
        edges=edges,
        SUBSCRIPTION_IDS=SUBSCRIPTION,
    )
    made.runtime.approvals.approve(approval(ALICE, ApprovalList.RBAC_ROLES), since=made.clock() - timedelta(days=1))
    made.runtime.controls.set_mode("*", mode, by="a test")
    made.clock.move(A_MINUTE)
    return made


def _id_of(number: int) -> str:
    return f"{ASSIGNMENT_ID[:-12]}{number:012x}"


def _give(made: Bench, tenant: FakeTenant, number: int, role: str, holder: str = MALLORY.id) -> None:
    """Let Mallory give a role, and its event come."""
    identity, at = _id_of(number), made.clock() - timedelta(seconds=5)
    tenant.role_assignments[identity.lower()] = role_assignment(
        assignment_id=identity, role=role, holder=holder, created_at=at
    )
    record: Image = event_grid_record("Microsoft.Authorization/roleAssignments/write")
    data = record["data"]
    moved = {
        record["subject"]: identity,
        data["subscriptionId"]: SUBSCRIPTION,
        data["tenantId"]: TENANT,
        record["eventTime"]: at.isoformat().replace("+00:00", "Z"),
        _IN_SAMPLE: MALLORY.id,
    }
    text = json.dumps(record)
    for old, new in moved.items():
        text = text.replace(old, new)
    take_in_delivery(made.runtime, text.encode())


def test_many_readers_at_once_are_one_page_of_low_risk_with_their_number_and_an_owner_rings(
    memory: MemoryStorage,
) -> None:
    tenant = FakeTenant()
    made = _ready(memory, tenant, Mode.PAGE)
    for number in range(_MANY):
        _give(made, tenant, number, _READER)
    made.clock.move(7 * A_MINUTE)
    resume(made.runtime)
    assert made.pagerduty.sent == []
    assert len({sent.message.key for sent in made.teams.sent}) == 1
    assert len(made.teams.sent) <= 3, "it grows, and isn't sent anew for each"
    last = made.teams.sent[-1].message
    assert len(last.changes) == len(made.cases()) == _MANY
    assert {change.risk for change in last.changes} == {Risk.LOW}
    _give(made, tenant, _MANY, _OWNER)
    (rung,) = made.pagerduty.sent
    assert rung.message.changes[0].risk is Risk.HIGH
    assert rung.case.target.id == _id_of(_MANY).lower()


def test_what_is_worse_is_put_back_before_many_readers_that_came_first(memory: MemoryStorage) -> None:
    tenant = FakeTenant()
    made = _ready(memory, tenant, Mode.ENFORCE)
    for number in range(30):
        _give(made, tenant, number, _READER)
    made.clock.move(3 * A_MINUTE)
    _give(made, tenant, 30, _OWNER)
    assert _id_of(30).lower() not in tenant.role_assignments
    assert len(tenant.role_assignments) > 0, "the hour has no room for all readers"


@pytest.mark.parametrize(
    ("role", "holder", "risk"),
    [
        *((role, MALLORY.id, Risk.LOW) for role in sorted(READING_AZURE_ROLES)),
        (CONTRIBUTOR, MALLORY.id, Risk.HIGH),
        ("0c3b7d52-9e41-4f86-a2d8-5b60c7f1e394", MALLORY.id, Risk.HIGH),
        (_READER, RESPONDER.id, Risk.HIGH),
        (_READER, BREAK_GLASS_1.id, Risk.HIGH),
    ],
)
def test_the_risk_is_the_roles_but_for_whom_nobody_may_touch(
    memory: MemoryStorage, role: str, holder: str, risk: Risk
) -> None:
    """A role that nobody knows may be anything."""
    tenant = FakeTenant()
    made = _ready(memory, tenant, Mode.PAGE)
    _give(made, tenant, 1, role, holder)
    (sent,) = made.teams.sent
    assert sent.message.changes[0].risk is risk
    assert bool(made.pagerduty.sent) is (risk is Risk.HIGH)
