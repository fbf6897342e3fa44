from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from responders.catalogue import CATALOGUE
from responders.detections.samples import CA_POLICY, ca_policy_record
from shared.catalog import Answer, AnyDetection, ApprovalList, Detection, Risk
from shared.conditions import Audit, Condition, Resource, all_of, any_of, holds
from shared.events import AuditEvent, Event, Log, ResourceEvent
from shared.match import Matcher
from shared.normalize import read_batch
from tests.shared.record_strategies import SAMPLES, everything, written


def detection(name: str, log: Log, when: Condition[Any]) -> AnyDetection:
    return Detection[Any](
        id=name,
        seed_row="",
        title="",
        why="",
        risk=Risk.LOW,
        log=log,
        when=when,
        unless_actor_in=ApprovalList.RBAC_ROLES,
        answer=Answer.PAGE,
    )


DELETED = detection("deleted", Log.AUDIT, Audit.activity.is_("Delete user"))
ANY_FAILURE = detection("any-failure", Log.AUDIT, Audit.outcome.is_("failure"))
ADDED_OR_DELETED = detection("added-or-deleted", Log.AUDIT, Audit.activity.one_of("Add user", "Delete user"))
ROLE_WRITTEN = detection("role-written", Log.RESOURCE, Resource.operation.is_("A/b/write"))
BY_POLICY = detection(
    "by-policy", Log.AUDIT, any_of(Audit.category.is_("Policy"), all_of(Audit.activity.is_("Add user")))
)
MADE_UP = (DELETED, ANY_FAILURE, ADDED_OR_DELETED, ROLE_WRITTEN, BY_POLICY)


def event_of(record: dict[str, Any]) -> Event:
    (reading,) = read_batch(written(record), tenant_id="", interest=everything)
    assert reading.event is not None
    return reading.event


def audit_event(activity: str, *, outcome: str = "success") -> AuditEvent:
    event = event_of(ca_policy_record(activity, result=outcome, category="UserManagement"))
    assert isinstance(event, AuditEvent)
    return event


def test_a_match_is_found_whatever_the_spelling() -> None:
    found = Matcher(MADE_UP).matches(audit_event("  DELETE\N{NO-BREAK SPACE}user "))
    assert found == (DELETED, ADDED_OR_DELETED)


def test_a_detection_without_a_name_sees_every_record_of_its_log() -> None:
    matcher = Matcher(MADE_UP)
    assert matcher.matches(audit_event("Something new", outcome="failure")) == (ANY_FAILURE,)
    assert matcher.matches(audit_event("Delete user", outcome="failure")) == (DELETED, ANY_FAILURE, ADDED_OR_DELETED)
    assert matcher.interested(Log.AUDIT, "Something new")


def test_interest_is_by_log_and_name() -> None:
    matcher = Matcher((DELETED, ROLE_WRITTEN))
    assert matcher.interested(Log.AUDIT, "delete User")
    assert matcher.interested(Log.RESOURCE, "A/B/WRITE")
    assert not matcher.interested(Log.RESOURCE, "delete user")
    assert not matcher.interested(Log.AUDIT, "Delete users")
    assert not matcher.interested(Log.SIGN_IN, "50126")


def test_no_detections_match_nothing() -> None:
    assert Matcher(()).matches(audit_event("Delete user")) == ()


_ACTIVITIES = (
    "Add user",
    "Delete user",
    "delete  USER",
    "Add conditional access policy",
    "Update custom policy",
    "",
    "x",
)


@settings(deadline=None, max_examples=60)
@given(
    activity=st.sampled_from(_ACTIVITIES),
    service=st.sampled_from(("Conditional Access", "B2C", "Core Directory")),
    outcome=st.sampled_from(("success", "failure", "")),
    chosen=st.lists(st.sampled_from((*CATALOGUE, *MADE_UP)), unique_by=lambda one: one.id),
)
def test_the_index_finds_what_trying_every_detection_would(
    activity: str, service: str, outcome: str, chosen: list[AnyDetection]
) -> None:
    event = event_of(
        ca_policy_record(activity, new=CA_POLICY, loggedByService=service, result=outcome, id="x", category="Policy")
    )
    matcher = Matcher(chosen)
    expected = tuple(one for one in chosen if one.log is event.log and holds(one.when, event))
    assert matcher.matches(event) == expected
    if expected:
        assert matcher.interested(event.log, activity)


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
def test_asking_for_interest_first_loses_no_match(sample: dict[str, Any]) -> None:
    matcher = Matcher(CATALOGUE)
    (reading,) = read_batch(written(sample), tenant_id="", interest=matcher.interested)
    assert reading.event is None or reading.event == event_of(sample)
    assert matcher.matches(event_of(sample)) == (matcher.matches(reading.event) if reading.event else ())


def test_a_started_operation_is_no_match() -> None:
    row = SAMPLES["diagnostic activity"]
    started = event_of(row | {"resultType": "Start"})
    assert isinstance(started, ResourceEvent)
    assert started.outcome == "started"
    assert Matcher(CATALOGUE).matches(started) == ()
    assert [one.id for one in Matcher(CATALOGUE).matches(event_of(row))] == ["rbac-role-assigned"]
