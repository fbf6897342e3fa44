"""Every remediation, from look to proof, against a tenant in memory that refuses what the services refuse."""

import re
from collections.abc import Callable
from contextlib import suppress

import pytest

from responders.content import GUARDED
from responders.permissions import CALLS
from responders.remediations import ca_policies, custom_policies, role_assignments
from shared.clients.api import Answer
from shared.model.calls import Call, Permission
from shared.model.errors import EdgeError, Locked, Refused, Unreachable
from shared.model.remediations import Already, Put, Remediation
from tests.fakes.situations import SCOPE
from tests.fakes.stories import STORIES, Story
from tests.fakes.tenant import FakeTenant, Request, answer_of

_REMEDIATIONS = tuple(remediation for each in GUARDED for remediation in each.remediations)

each_story = pytest.mark.parametrize("story", STORIES, ids=lambda story: story.id)
each_remediation = pytest.mark.parametrize("remediation", _REMEDIATIONS, ids=lambda remediation: remediation.id)


def put_back(story: Story, tenant: FakeTenant) -> None:
    """Do what the engine does, up to the second look."""
    plan = story.plan(tenant)
    if isinstance(plan, Put):
        story.apply(tenant, plan)


def clean_run(story: Story) -> list[Request]:
    tenant = story.attacked()
    put_back(story, tenant)
    return tenant.log


@each_story
def test_with_what_it_declares_it_works_and_a_second_run_writes_nothing(story: Story) -> None:
    tenant = story.attacked()
    tenant.granted = set(story.remediation.needs)
    assert not story.is_right(tenant)
    put_back(story, tenant)
    assert story.is_right(tenant)
    written = len(tenant.writes)
    assert written
    assert isinstance(story.plan(tenant), Already)
    put_back(story, tenant)
    assert len(tenant.writes) == written


@each_remediation
def test_without_any_one_of_its_permissions_it_says_which_is_missing(remediation: Remediation) -> None:
    # Locks are read for the page alone: what that permission is for is tested with role assignments.
    for missing in set(remediation.needs) - {Permission.LOCK_READ}:
        outcomes = [_outcome_without(missing, story) for story in STORIES if story.remediation is remediation]
        assert "refused" in outcomes, f"{missing} is declared and never used"


def _outcome_without(missing: Permission, story: Story) -> str:
    tenant = story.attacked()
    tenant.granted = set(Permission) - {missing}
    refused: Refused | None = None
    try:
        put_back(story, tenant)
    except Refused as error:
        refused = error
    assert story.is_right(tenant) == (refused is None)
    assert refused is None or (missing in refused.needed and missing in str(refused))
    return "refused" if refused else "done"


def _once(answer: Callable[[], Answer], at: int) -> Callable[[int, Request], Answer | None]:
    return lambda number, _request: answer() if number == at else None


def _from_then_on(answer: Callable[[], Answer], at: int) -> Callable[[int, Request], Answer | None]:
    return lambda number, _request: answer() if number >= at else None


def _cut() -> Answer:
    raise Unreachable("the connection was cut")


_FAILURES: dict[str, Callable[[], Answer]] = {
    "500": lambda: answer_of({"error": {"code": "x"}}, 500),
    "429": lambda: answer_of({"error": {"code": "x"}}, 429),
    "403": lambda: answer_of({"error": {"code": "x"}}, 403),
    "400": lambda: answer_of({"error": {"code": "x"}}, 400),
    "404 of a gateway": lambda: Answer(status=404, headers={}, body=b"<html>"),
    "a page that isn't JSON": lambda: Answer(status=200, headers={}, body=b"<html>"),
    "cut": _cut,
}


@each_story
@pytest.mark.parametrize("failure", _FAILURES)
@pytest.mark.parametrize("spoiling", [_once, _from_then_on])
def test_a_failing_request_never_makes_it_look_done(
    story: Story, failure: str, spoiling: Callable[[Callable[[], Answer], int], Callable[[int, Request], Answer | None]]
) -> None:
    for at in range(len(clean_run(story))):
        tenant = story.attacked()
        tenant.spoil = spoiling(_FAILURES[failure], at)
        try:
            put_back(story, tenant)
            assert not isinstance(story.plan(tenant), Already) or story.is_right(tenant)
        except EdgeError:
            pass
        tenant.spoil = lambda _number, _request: None
        assert isinstance(story.plan(tenant), Already) == story.is_right(tenant)
        put_back(story, tenant)
        assert story.is_right(tenant), f"{failure} at request {at} could not be made good"


@each_story
def test_a_lost_answer_is_made_good_by_the_next_run(story: Story) -> None:
    """The request was carried out and the answer never came: nothing may be there twice in the end."""
    for lost in range(len(clean_run(story))):
        tenant = story.attacked()
        tenant.lose = frozenset({lost})
        try:
            put_back(story, tenant)
        except Unreachable:
            put_back(story, tenant)
        assert story.is_right(tenant), f"the answer to request {lost} was lost"
        assert isinstance(story.plan(tenant), Already)


@each_story
def test_it_makes_only_the_calls_that_it_declares(story: Story) -> None:
    for request in clean_run(story):
        assert any(_is_of(call, request) for call in story.remediation.calls), request


@each_remediation
def test_it_declares_only_calls_that_are_made(remediation: Remediation) -> None:
    stories = [story for story in STORIES if story.remediation is remediation]
    made = [request for story in stories for request in (*clean_run(story), *_locked_run(story))]
    for call in remediation.calls:
        assert any(_is_of(call, request) for request in made), call
        assert call in CALLS


def _locked_run(story: Story) -> list[Request]:
    tenant = story.attacked()
    tenant.locks = [f"{SCOPE}/providers/Microsoft.Authorization/locks/keep"]
    with suppress(Locked):
        put_back(story, tenant)
    return tenant.log


def _is_of(call: Call, request: Request) -> bool:
    if request.method != call.method:
        return False
    path = re.sub(r"\\\{(scope|role_assignment)\\\}", ".+", re.escape(call.path))
    return re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", path), request.url, re.IGNORECASE) is not None


@each_story
def test_what_is_told_to_people_names_what_changes(story: Story) -> None:
    plan = story.plan(story.attacked())
    assert isinstance(plan, Put)
    assert plan.summary
    assert plan.changes
    assert all(change.old != change.new for change in plan.changes)


@each_remediation
def test_its_declaration_reads_well(remediation: Remediation) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z0-9]+)+", remediation.id)
    assert remediation.title[0].isupper()
    assert remediation.undo.endswith(".")
    assert "case" in remediation.undo
    constants = vars(ca_policies) | vars(custom_policies) | vars(role_assignments)
    assert constants[remediation.id.replace("-", "_").upper()] is remediation


def test_ids_are_unique() -> None:
    assert len({remediation.id for remediation in _REMEDIATIONS}) == len(_REMEDIATIONS)
