"""Of every kind of object: what no record tells is found and told, and an approved change with a late record isn't.

The kinds are those that the app registers; the tenant is that of the stories. A kind that its world doesn't have fails
here until it has.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any, Final

import pytest

from infra.local.world import ALICE
from responders.catalogue import CATALOGUE
from responders.content import CONTENT
from responders.rosters import ROLE_ASSIGNABLE_GROUPS
from shared.clients.api import TenantEdges
from shared.ingest.deliveries import take_in_delivery
from shared.model.calls import Service
from shared.model.cases import Case, Decision, State
from shared.model.kinds import ApprovalList, Json, Mode, ObjectKind
from shared.model.object_kinds import Kind
from shared.objects.planning import GRACE
from shared.respond.persons import accept
from shared.respond.resume import resume
from shared.respond.sweep import sweep
from shared.respond.unexplained import UNEXPLAINED
from tests.fakes.clock import FakeClock
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import A_MINUTE, Bench, approval, bench, settings_with
from tests.fakes.tenant import Unpaced
from tests.laws.api import Api
from tests.laws.records import activity_record, deliveries, is_in_azures_log
from tests.laws.stories import EDITS
from tests.laws.world import (
    ABSENT_AT_FIRST,
    FIRST_IDS,
    KINDS,
    SIMULATED_KINDS,
    START,
    Deed,
    World,
    kind_of,
    parent_of,
)

_SWEPT_EACH: Final = 10 * A_MINUTE
_LATE: Final = GRACE - 5 * A_MINUTE
_ASKS: Final = "and a person has to accept that"


@dataclass(slots=True, kw_only=True)
class Place:
    """The app over a tenant of one kind of object, of which one is about to change."""

    made: Bench
    kind: Kind
    world: World
    name: str

    def sweep(self) -> None:
        tenant = self.made.runtime.edges[self.tenant_id].tenant
        sweep(self.made.runtime, self.kind, tenant)

    @property
    def tenant_id(self) -> str:
        (tenant,) = (one for one in self.made.runtime.settings.tenants if one.kind is self.kind.tenant_kind)
        return tenant.id

    def pass_time(self, time: timedelta) -> None:
        """Let the timers tick for a while: what is due each minute, a sweep each ten."""
        until = self.made.clock() + time
        since = timedelta()
        while self.made.clock() < until:
            self.made.clock.move(A_MINUTE)
            since += A_MINUTE
            self.made.answer_queue()
            resume(self.made.runtime)
            if since % _SWEPT_EACH == timedelta():
                self.sweep()

    def is_due(self) -> bool:
        """Say whether the object is to be looked at again by the time at which the grace has ended."""
        due = self.made.runtime.due.ready(self.made.clock() + GRACE + A_MINUTE, 100)
        return bool(due)

    def take_in(self, deed: Deed) -> bool:
        """Let the record of an action come, by the way on which records of its kind come; say whether it has values."""
        if is_in_azures_log(deed):
            correlation = f"c0de0000-0000-4000-8000-{deed.number:012d}"
            self.world.activity.append((deed.at, activity_record(deed, correlation)))
        records = deliveries(deed, {})
        for delivery in records:
            if delivery.is_hint:
                take_in_delivery(self.made.runtime, delivery.raw)
            else:
                self.made.take_in_raw(delivery.raw, tenant_id=delivery.tenant_id)
        return any(delivery.is_whole for delivery in records)

    def messages(self) -> list[Any]:
        """Give everything that people were sent."""
        teams, pagerduty = self.made.teams, self.made.pagerduty
        return [*teams.sent, *teams.digests, *teams.notices, *pagerduty.sent, *pagerduty.notices]

    def cases(self) -> list[Case]:
        return self.made.cases(self.tenant_id)


def _names(kind: ObjectKind) -> list[str]:
    """Give the objects of a kind that the world has, and those that they lean on."""
    own = [name for name in FIRST_IDS if KINDS.get(kind_of(name)) is kind]
    assert own, f"the stories' world has no {kind}: add one to tests/laws/world.py, its records, requests and edits"
    return own


def _place(kind: Kind, name: str) -> Place:
    storage, clock = MemoryStorage(), FakeClock(START)
    storage.create_all()
    needed = [each for each in (parent_of(name), name) if each]
    world = World(needed, chance=Random(1), now=lambda: (clock() - START) / timedelta(seconds=1))  # noqa: S311 - no secret
    if (world.things[name].image or {}).get("isTrusted"):
        world.quietly(name, {"isTrusted": False})  # what is trusted can't be deleted
    (tenant,) = (one for one in settings_with().tenants if one.kind is kind.tenant_kind)
    transports = {service: Api(world, service, lambda _what, carry_out: carry_out()) for service in Service}
    edges = TenantEdges(tenant=tenant, transports=transports, pacer=Unpaced(), wait=clock.wait, clock=clock)
    made = bench(
        storage,
        detections=CATALOGUE,
        kinds=(kind,),
        rosters=(ROLE_ASSIGNABLE_GROUPS,),
        edges=edges,
        is_enabled=CONTENT.is_enabled,
        is_microsofts=CONTENT.is_microsofts,
        clock=clock,
    )
    for each in ApprovalList:
        made.runtime.approvals.approve(approval(ALICE, each))
    made.runtime.controls.set_mode("*", Mode.ENFORCE, by="a test")
    place = Place(made=made, kind=kind, world=world, name=name)
    if kind.kind is ObjectKind.GUARDED_GROUP:
        made.runtime.rosters.sweep(ROLE_ASSIGNABLE_GROUPS, edges)
    place.sweep()
    for seen in [*made.runtime.objects.seen(tenant.id, kind.kind)]:
        accept(made.runtime, seen.id, digest=seen.digest, by="Carol Chen", reason="a test")
    place.pass_time(30 * A_MINUTE)
    assert place.messages() == []
    return place


def _actions(kind: Kind) -> Iterator[tuple[str, str, dict[str, Json]]]:
    """Give an object of the kind for each action: the object, the action and the values that it sets."""
    own = _names(kind.kind)
    standing = [name for name in own if name not in ABSENT_AT_FIRST]
    absent = [name for name in own if name in ABSENT_AT_FIRST]
    if edits := EDITS.get(kind_of(standing[-1])):
        yield standing[-1], "update", edits[0]
    simulated = SIMULATED_KINDS.get(kind_of(standing[-1]))
    if simulated is None or not simulated.is_always_there:
        yield standing[-1], "delete", {}
        yield absent[0], "create", {}


_OF_ANYBODY: Final = {each.id for each in CATALOGUE if each.unless_actor_in is None}
"""Detections that page whoever did it."""

_ACTIONS: Final = [
    pytest.param(kind, *action, id=f"{kind.kind} {action[1]}") for kind in CONTENT.kinds for action in _actions(kind)
]
_EACH: Final = pytest.mark.parametrize(("kind", "name", "op", "leaves"), _ACTIONS)


def has_records(kind: Any) -> bool:  # noqa: ANN401 - what a parameter is made of
    """Whether any record tells of objects of a kind."""
    return isinstance(kind, Kind) and bool(kind.activities)


def _acted(place: Place, who: str, op: str, leaves: dict[str, Json]) -> Deed:
    deed = place.world.act(who, place.name, op, leaves)
    assert deed is not None, "the world did nothing"
    return deed


@_EACH
def test_a_change_that_no_record_tells_is_due_within_two_sweeps_and_paged_when_the_grace_ends(
    kind: Kind, name: str, op: str, leaves: dict[str, Json]
) -> None:
    place = _place(kind, name)
    _acted(place, "mal", op, leaves)
    place.pass_time(2 * _SWEPT_EACH)
    assert place.is_due()
    assert place.messages() == []
    place.pass_time(GRACE - 2 * _SWEPT_EACH)
    assert place.messages() == [], "a record may still come"
    place.pass_time(2 * _SWEPT_EACH + 2 * A_MINUTE)
    (case,) = place.cases()
    assert (case.detection, case.decision, case.state) == (UNEXPLAINED.id, Decision.PAGE, State.CLOSED)
    assert place.made.teams.case_ids() == place.made.pagerduty.case_ids() == {case.id}
    assert [each.actor for each in place.world.history] == ["mal"], "what nobody is known to have done is left"
    place.pass_time(3 * GRACE)
    assert len(place.cases()) == 1


@pytest.mark.parametrize(("kind", "name", "op", "leaves"), [each for each in _ACTIONS if has_records(each.values[0])])
def test_an_approved_change_whose_record_comes_within_the_grace_cries_to_nobody(
    kind: Kind, name: str, op: str, leaves: dict[str, Json]
) -> None:
    place = _place(kind, name)
    deed = _acted(place, "alice", op, leaves)
    place.pass_time(_LATE)
    has_values = place.take_in(deed)
    place.pass_time(3 * GRACE)
    cases = [case for case in place.cases() if case.detection not in _OF_ANYBODY]
    asked = [case for case in cases if case.decision is not Decision.RECORD]
    if has_values or op == "delete":
        assert asked == []
    # Of a record without values only a person can say whether what stands is what it wrote: that is asked once.
    assert all(case.because.endswith(_ASKS) for case in asked)
    assert {case.detection for case in cases}.isdisjoint({UNEXPLAINED.id})
    of_anybody = {case.id for case in place.cases() if case.detection in _OF_ANYBODY}
    assert place.made.teams.case_ids() == {case.id for case in asked} | of_anybody
    assert bool(place.messages()) == bool(place.made.teams.case_ids())
    assert [each.actor for each in place.world.history] == ["alice"]
