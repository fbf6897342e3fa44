"""Whoever registers an application becomes its owner; anybody else who does is somebody to ask about."""

import copy
from typing import Any, Final

import msgspec
import pytest

from infra.local.world import ALICE
from responders.detections.applications import APP_OWNER_ADDED
from responders.detections.directory_samples import APPLICATION, COLLEAGUE, change, owner_record, role_record, target
from responders.detections.samples import ADMINISTRATOR, BY_USER, audit_record
from responders.kinds.registrars import BY_REGISTERING, excuse
from responders.sources import DIRECTORY_AUDITS
from shared.model.cases import Decision, Standing
from shared.model.errors import Unreachable
from shared.model.events import Event
from shared.model.kinds import ApprovalList, Image, Mode
from shared.normalize import read_batch
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.record_strategies import everything, written
from tests.fakes.runtime import TENANT, approval, bench
from tests.fakes.scripted_api import ScriptedApi

OWNED: Final = owner_record("Add owner to application")
OTHER: Final = "5d03c1f7-a298-4e6b-8d40-b7f3e9126c0a"
_BY_COLLEAGUE: Final[Image] = {"user": BY_USER["user"] | {"id": COLLEAGUE}, "app": None}


def registered(activity: str = "Add application", made: str = APPLICATION, **differences: object) -> Image:
    return audit_record(activity, **{"targetResources": [target(made, "Application")]} | differences)


def event(record: Image) -> Event:
    (reading,) = read_batch(written(record), tenant_id=TENANT, interest=everything)
    assert reading.event is not None
    return reading.event


def asked(record: Image, *beside: Image) -> str:
    return excuse(ScriptedApi({DIRECTORY_AUDITS: [record, *beside]}), event(record))


def by_another() -> Image:
    owner = target(COLLEAGUE, "User", change("Application.ObjectID", None, APPLICATION))
    return owner_record("Add owner to application", targetResources=[owner, target(APPLICATION, "Application")])


@pytest.mark.parametrize("activity", ["Add application", "Add service principal", "ADD\N{NO-BREAK SPACE}application "])
def test_who_registers_it_becomes_its_owner(activity: str) -> None:
    assert asked(OWNED, registered(activity)) == BY_REGISTERING


@pytest.mark.parametrize(
    ("record", "beside"),
    [
        (OWNED, ()),
        (OWNED, (registered(made=OTHER),)),
        (OWNED, (registered(initiatedBy=_BY_COLLEAGUE),)),
        (OWNED, (registered(result="failure"),)),
        (OWNED, (registered("Update application"),)),
        (OWNED, ({"activityDisplayName": "Add application", "result": "success", "initiatedBy": None},)),
        (by_another(), (registered(),)),
        (OWNED | {"correlationId": "x' or id ne '"}, (registered(),)),
    ],
    ids=["nothing beside", "another app", "by another", "failed", "changed", "nobody", "for another", "no id"],
)
def test_anybody_else_has_to_be_approved(record: Image, beside: tuple[Image, ...]) -> None:
    assert asked(record, *beside) == ""


def test_what_cannot_be_read_excuses_nobody_and_of_other_changes_nothing_is_read() -> None:
    assert excuse(ScriptedApi({DIRECTORY_AUDITS: Unreachable("503")}), event(OWNED)) == ""
    assert excuse(ScriptedApi({}), event(role_record("Add member to role"))) == ""


@pytest.mark.parametrize(("said", "decision"), [(BY_REGISTERING, Decision.RECORD), ("", Decision.PAGE)])
def test_it_is_recorded_and_the_case_says_why(memory: MemoryStorage, said: str, decision: Decision) -> None:
    made = bench(memory, detections=(APP_OWNER_ADDED,))

    def says(_api: Any, _event: Event) -> str:  # noqa: ANN401 - nothing is asked of it
        return said

    ready = copy.replace(made, runtime=msgspec.structs.replace(made.runtime, excuse=says))
    ready.runtime.approvals.approve(approval(ALICE, ApprovalList.APP_REGISTRATIONS))
    ready.runtime.controls.set_mode("*", Mode.ENFORCE, by="a test")
    ready.take_in(OWNED | {"activityDateTime": ready.clock().isoformat()})
    (case,) = ready.answer_all(TENANT)
    assert case.actor.id == ADMINISTRATOR
    assert (case.decision, case.standing) == (decision, Standing.APPROVED if said else Standing.UNAPPROVED)
    assert said in (case.standing_because or "")
