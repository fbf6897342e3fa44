import copy
import json
import re
from collections.abc import Callable
from datetime import timedelta
from functools import reduce
from typing import Any, Final, cast

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw

from responders.catalogue import CATALOGUE
from responders.detections.directory_samples import SAMPLE_PROFILE
from responders.detections.samples import CA_POLICY, TENANT, ca_policy_record, diagnostic_record
from shared.detect.conditions import holds
from shared.detect.fields import Audit, Resource, SignIn
from shared.detect.matcher import Matcher
from shared.model.conditions import Condition, all_of, any_of
from shared.model.detections import After, Answer, AnyDetection, Detection
from shared.model.events import AuditEvent, Event, Log, ResourceEvent
from shared.model.kinds import ApprovalList, Image, Risk
from shared.model.profile import TenantProfile
from shared.normalize import read_batch
from tests.fakes.record_strategies import SAMPLES, broken_records, everything, places, replaced, written


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


def interested(matcher: Matcher, log: Log, name: str, raw: bytes = b"{}", tenant_id: str = "") -> bool:
    return matcher.interest.in_record(log, name, Raw(raw), tenant_id)


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
    assert interested(matcher, Log.AUDIT, "Something new")


def test_interest_is_by_log_and_name() -> None:
    matcher = Matcher((DELETED, ROLE_WRITTEN))
    assert interested(matcher, Log.AUDIT, "delete User")
    assert interested(matcher, Log.RESOURCE, "A/B/WRITE")
    assert not interested(matcher, Log.RESOURCE, "delete user")
    assert not interested(matcher, Log.AUDIT, "Delete users")
    assert not interested(matcher, Log.SIGN_IN, "50126")


def test_what_a_detection_follows_is_of_interest_and_no_match() -> None:
    after = After(step_a=Audit.activity.is_("Add user"), by=Audit.target, window=timedelta(days=1))
    followed = copy.replace(DELETED, after=after)
    matcher = Matcher((followed, BY_POLICY))
    assert interested(matcher, Log.AUDIT, "add  USER")
    assert not interested(Matcher((DELETED,)), Log.AUDIT, "add user")
    first, second = audit_event("Add user"), audit_event("Delete user")
    assert (matcher.matches_step_a(first), matcher.matches_step_a(second)) == ((followed,), ())
    assert (followed in matcher.matches(first), followed in matcher.matches(second)) == (False, True)
    assert Matcher((DELETED,)).matches_step_a(first) == ()


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
        assert interested(matcher, event.log, activity)


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
def test_asking_for_interest_first_loses_no_match(sample: dict[str, Any]) -> None:
    matcher = Matcher(CATALOGUE)
    (reading,) = read_batch(written(sample), tenant_id="", interest=matcher.interest)
    assert reading.event is None or reading.event == event_of(sample)
    assert matcher.matches(event_of(sample)) == (matcher.matches(reading.event) if reading.event else ())


# What a record must hold.

_SOMEBODY: Final = "86f1d3a9-c27e-4b08-95d4-e0a7b3c6f512"
_ANOTHER: Final = "0e5b72c8-d4f1-4a96-8b3e-69c7f0a21d58"
_WORDS: Final = TenantProfile(emergency_accounts=frozenset({_SOMEBODY}), consumer_tenants=frozenset())
ABOUT_SOMEBODY: Final = detection(
    "about-somebody", Log.AUDIT, all_of(Audit.activity.is_("Update user"), Audit.target_account.is_("emergency"))
)
ABOUT_CONSUMERS: Final = detection(
    "about-consumers", Log.AUDIT, all_of(Audit.activity.is_("Add user"), Audit.tenant.is_("consumer"))
)


@pytest.mark.parametrize(
    ("text", "is_of_interest"),
    [
        (_SOMEBODY, True),
        (_SOMEBODY.upper(), True),
        (f"and {_SOMEBODY}.", True),
        (_ANOTHER, False),
        ("", False),
        ("\\u0038" + _SOMEBODY[1:], True),
        ("any \\u0041", True),
        ("any \N{LATIN SMALL LETTER E WITH ACUTE}", True),
    ],
)
def test_a_record_is_of_interest_only_if_it_holds_what_is_looked_for(text: str, *, is_of_interest: bool) -> None:
    matcher = Matcher((ABOUT_SOMEBODY,), _WORDS)
    raw = f'{{"targetResources": "{text}"}}'.encode()
    assert interested(matcher, Log.AUDIT, "Update user", raw) is is_of_interest
    assert not interested(matcher, Log.AUDIT, "Add user", raw)


def test_what_no_record_can_be_is_never_of_interest() -> None:
    assert not interested(Matcher((ABOUT_CONSUMERS,), _WORDS), Log.AUDIT, "Add user", written("\u00e9"))
    assert interested(Matcher((ABOUT_CONSUMERS,), TenantProfile()), Log.AUDIT, "Add user")


@pytest.mark.parametrize("tenant_id", [_ANOTHER, _ANOTHER.upper()])
def test_the_tenant_that_a_record_is_from_counts_as_held_by_it(tenant_id: str) -> None:
    matcher = Matcher((ABOUT_CONSUMERS,), TenantProfile(consumer_tenants=frozenset({_ANOTHER})))
    assert interested(matcher, Log.AUDIT, "Add user", tenant_id=tenant_id)
    assert interested(matcher, Log.AUDIT, "Add user", written({"tenantId": tenant_id}))
    assert not interested(matcher, Log.AUDIT, "Add user", tenant_id=_SOMEBODY)


def test_ids_are_looked_for_however_many_there_are() -> None:
    many = frozenset(f"86f1d3a9-c27e-4b08-95d4-{number:012}" for number in range(1_000))
    matcher = Matcher((ABOUT_SOMEBODY,), TenantProfile(emergency_accounts=many))
    assert all(interested(matcher, Log.AUDIT, "Update user", written({"id": one})) for one in many)
    assert not interested(matcher, Log.AUDIT, "Update user", written({"id": _ANOTHER}))


def test_more_words_than_are_worth_looking_for_are_not_looked_for() -> None:
    protocols = [f"protocol{number}" for number in range(100)]
    few, many = (
        Matcher([detection("by-protocol", Log.SIGN_IN, SignIn.protocol.one_of(*some))])
        for some in (protocols[:5], protocols)
    )
    assert not interested(few, Log.SIGN_IN, "0")
    assert interested(few, Log.SIGN_IN, "0", written({"authenticationProtocol": "Protocol3"}))
    assert interested(many, Log.SIGN_IN, "0")


def test_a_wrapped_record_is_known_by_its_own_name_when_it_is_json_in_a_string() -> None:
    record = diagnostic_record(ca_policy_record("Delete user"))
    del record["operationName"]
    record["properties"] = json.dumps(record["properties"])
    (reading,) = read_batch(written(record), tenant_id="", interest=Matcher((DELETED,)).interest)
    assert reading.event is not None


HITS: Final = [hit for one in CATALOGUE for hit in one.hits]
ALL_WORDS: Final = msgspec.structs.replace(SAMPLE_PROFILE, consumer_tenants=frozenset({TENANT}))
NO_WORDS: Final = TenantProfile(consumer_tenants=frozenset())
MATCHERS: Final = [Matcher(CATALOGUE, words) for words in (SAMPLE_PROFILE, ALL_WORDS, NO_WORDS, TenantProfile())]


def escaped(value: object) -> bytes:
    """Write JSON with every letter and digit of its strings in an escape."""
    return re.sub(rb'"[^"\\]*"', lambda text: re.sub(rb"\w", lambda c: b"\\u%04x" % ord(c[0]), text[0]), written(value))


@st.composite
def changed_hits(draw: st.DrawFn) -> Image:
    """A record that some detection is about, with up to three texts of it changed or taken from another one."""
    record = draw(st.sampled_from(HITS))
    others = [value for other in (draw(st.sampled_from(HITS)),) for value in texts(other)]
    for _ in range(draw(st.integers(0, 3))):
        path = draw(st.sampled_from([path for path in places(record) if isinstance(at(record, path), str)]))
        text = at(record, path)
        changed = (text.upper(), text.title(), f" {text} ", draw(st.sampled_from(others)))
        record = replaced(record, path, draw(st.sampled_from(changed)))
    return record


def at(record: Image, path: tuple[str | int, ...]) -> Any:  # noqa: ANN401 - anything that JSON has
    return reduce(lambda value, name: value[name], path, cast("Any", record))


def texts(record: Image) -> list[str]:
    return [value for path in places(record) if isinstance(value := at(record, path), str)]


@settings(deadline=None, max_examples=400)
@given(
    record=changed_hits() | broken_records(),
    write=st.sampled_from((written, escaped)),
    matcher=st.sampled_from(
        [Matcher(CATALOGUE, words) for words in (SAMPLE_PROFILE, ALL_WORDS, NO_WORDS, TenantProfile())]
    ),
)
def test_nothing_matches_that_was_of_no_interest(
    record: Image, write: Callable[[object], bytes], matcher: Matcher
) -> None:
    raw = write(record)
    looked_at = list(read_batch(raw, tenant_id=TENANT, interest=everything))
    asked_first = list(read_batch(raw, tenant_id=TENANT, interest=matcher.interest))
    for whole, reading in zip(looked_at, asked_first, strict=True):
        if whole.event and (matcher.matches(whole.event) or matcher.matches_step_a(whole.event)):
            assert reading.event == whole.event


@pytest.mark.parametrize(("words", "are_all"), [(ALL_WORDS, True), (NO_WORDS, False)], ids=["all words", "no words"])
def test_the_law_is_about_records_that_are_read_and_records_that_are_passed_over(
    words: TenantProfile, *, are_all: bool
) -> None:
    readings = list(read_batch(written(HITS), tenant_id=TENANT, interest=Matcher(CATALOGUE, words).interest))
    assert any(reading.event for reading in readings)
    assert all(reading.event for reading in readings) is are_all


def test_a_started_operation_is_no_match() -> None:
    row = SAMPLES["diagnostic activity"]
    started = event_of(row | {"resultType": "Start"})
    assert isinstance(started, ResourceEvent)
    assert started.outcome == "started"
    assert Matcher(CATALOGUE).matches(started) == ()
    assert [one.id for one in Matcher(CATALOGUE).matches(event_of(row))] == ["rbac-role-assigned"]
