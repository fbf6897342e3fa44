"""The clock and the processes of a story: interleaved at every effect, dead ones without any, the same each time."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import pytest

from infra.local.world import WORKFORCE_TENANT
from responders.catalogue import CATALOGUE
from responders.kinds.ca_policies import GET_CA_POLICY, UPDATE_CA_POLICY
from responders.rosters import LIST_CA_POLICIES_WHOLE
from shared.clients.api import TenantEdges
from shared.clients.storage_names import Table
from shared.detect.matcher import Matcher
from shared.model.errors import EdgeError, Unreachable
from shared.model.profile import TenantProfile
from shared.normalize import EVERY_RECORD, read_batch
from tests.fakes.runtime import settings_with
from tests.laws.hand import change, edit, story
from tests.laws.play import Died, Play
from tests.laws.records import Delivery, actor_id, deliveries
from tests.laws.seen import Host, Seen
from tests.laws.world import FIRST_IDS, Deed, World, kind_of

P1 = FIRST_IDS["P1"]


class Scripted:
    """A responder whose delivery runs what a test says."""

    def __init__(self, play: Play, script: Callable[["Scripted", Delivery], None]) -> None:
        self.play = play
        self.script = script
        self.notes: list[str] = []

    def set_up(self) -> None:
        self.play.storage.create_all()

    def host(self) -> Host:
        return self

    def act(self, event: Mapping[str, Any]) -> None:
        self.notes.append(str(event["do"]))

    def next_due(self) -> float:
        return float("inf")

    def deliver(self, delivery: Delivery) -> None:
        if delivery.deed >= 0:  # Core Directory writes a second record, which no detection matches
            self.script(self, delivery)

    def message(self, queue: str, body: bytes) -> None:
        self.notes.append(f"{queue} {body.decode()}")

    def each_minute(self) -> None:
        pass

    def each_hour(self) -> None:
        pass

    def seen(self) -> Seen:
        return Seen()

    @property
    def edges(self) -> TenantEdges:
        return self.play.edges(settings_with().workforce)


def _played(script: Callable[[Scripted, Delivery], None], *events: dict[str, Any]) -> Scripted:
    made: list[Scripted] = []

    def responder(play: Play) -> Scripted:
        made.append(Scripted(play, script))
        return made[0]

    Play(story("P1 G", *events), responder).run()
    return made[0]


def _two_steps(scripted: Scripted, delivery: Delivery) -> None:
    for step in range(3):
        scripted.play.storage.upsert(Table.CURSORS, "p", f"{delivery.deed}", {"step": step})
        scripted.notes.append(f"{delivery.deed}.{step}")


TWO = (edit(600, "mal", "P1", {"state": "disabled"}), edit(600.001, "mal", "P1", {"state": "enabled"}))


def test_two_processes_go_on_in_turns() -> None:
    notes = _played(_two_steps, *TWO).notes
    assert sorted(notes) == ["0.0", "0.1", "0.2", "1.0", "1.1", "1.2"]
    assert notes != sorted(notes)


def test_the_same_story_goes_on_in_the_same_turns() -> None:
    assert _played(_two_steps, *TWO).notes == _played(_two_steps, *TWO).notes


@pytest.mark.parametrize(
    ("side", "left"),
    [
        pytest.param("before", ["0.0"], id="before its second effect"),
        pytest.param("after", ["0.0"], id="after its second effect"),
    ],
)
def test_a_dead_process_does_nothing_more_and_its_delivery_comes_again(side: str, left: list[str]) -> None:
    steps: list[object] = []

    def script(scripted: Scripted, delivery: Delivery) -> None:
        try:
            _two_steps(scripted, delivery)
        finally:
            row = scripted.play.storage.row(Table.CURSORS, "p", "0")
            steps.append(row and row.columns["step"])

    played = _played(script, TWO[0], {"do": "die", "n": 2, "side": side})
    assert played.notes == [*left, "0.0", "0.1", "0.2"]
    assert steps == [2]
    assert played.play.counts["deaths"] == 1


def test_a_process_that_sleeps_goes_on_later() -> None:
    times: list[float] = []

    def script(scripted: Scripted, delivery: Delivery) -> None:
        _two_steps(scripted, delivery)
        times.append(scripted.play.now)

    _played(script, TWO[0], {"do": "pause", "n": 2, "for": 100})
    assert 700 < times[0] < 702


def test_requests_side_by_side_are_waited_for_and_raise_what_they_raised() -> None:
    def script(scripted: Scripted, delivery: Delivery) -> None:
        del delivery
        play = scripted.play
        begun = play.now
        waiting = [play.beside(lambda: play.storage.rows(Table.CURSORS, "PartitionKey eq 'p'")) for _ in range(40)]
        assert [each() for each in waiting] == [[]] * 40
        scripted.notes.append("side by side" if play.now - begun < 0.05 else "one after the other")
        failing = play.beside(lambda: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            failing()

    assert _played(script, TWO[0]).notes == ["side by side"]


def test_a_message_comes_back_after_its_delay() -> None:
    times: list[float] = []

    def script(scripted: Scripted, delivery: Delivery) -> None:
        del delivery
        times.append(scripted.play.now)
        scripted.play.storage.enqueue("one")

    assert _played(script, TWO[0]).notes == ["cases one"]


def test_what_fails_comes_again_and_what_nobody_expects_is_noted() -> None:
    def script(scripted: Scripted, delivery: Delivery) -> None:
        del delivery
        scripted.notes.append("tried")
        if len(scripted.notes) == 1:
            raise Unreachable("storage is away")
        if len(scripted.notes) == 2:
            raise KeyError("a mistake")

    played = _played(script, TWO[0])
    assert played.notes == ["tried"] * 3
    assert [each.partition(" (")[0] for each in played.play.mistakes] == ["a delivery: KeyError: 'a mistake'"]


def test_nothing_goes_on_after_the_end() -> None:
    def script(scripted: Scripted, delivery: Delivery) -> None:
        del delivery
        try:
            while True:
                scripted.play.sleep(3600)
        except Died:
            scripted.notes.append("ended")
            raise

    assert _played(script, TWO[0]).notes == ["ended"]


# What the services do.


def _asked(*events: dict[str, Any], ask: Callable[[TenantEdges], object], at: float = 700) -> list[object]:
    """Give what a question to the tenant gave at an instant, an error as its class and status."""
    found: list[object] = []

    def script(scripted: Scripted, delivery: Delivery) -> None:
        if delivery.deed != 0:
            return
        scripted.play.sleep(at - scripted.play.now)
        try:
            found.append(ask(scripted.edges))
        except EdgeError as error:
            found.append((type(error).__name__, error.status))

    _played(script, edit(600, "mal", "P1", {"state": "disabled"}), *events)
    return found


def _state(edges: TenantEdges) -> object:
    return (edges.get(GET_CA_POLICY, id=P1) or {}).get("state")


def _states(edges: TenantEdges) -> object:
    return " ".join(sorted({str(_state(edges)) for _ in range(12)}))


def _how_many(edges: TenantEdges) -> object:
    return len(edges.list(LIST_CA_POLICIES_WHOLE))


def _switch_on(edges: TenantEdges) -> object:
    edges.send(UPDATE_CA_POLICY, body={"state": "enabled"}, id=P1)
    return _state(edges)


@pytest.mark.parametrize(
    ("events", "ask", "wanted"),
    [
        pytest.param((), _state, {"disabled"}, id="what stands is read"),
        pytest.param(
            ({"t": 610, "do": "window", "what": "stale", "for": 300, "lag": 200},),
            _states,
            {"disabled enabled"},
            id="a replica is behind, and another isn't",
        ),
        pytest.param(
            ({"t": 610, "do": "window", "what": "unreadable", "on": "P1", "for": 300},),
            _state,
            {("Unreachable", 503)},
            id="an object can't be read",
        ),
        pytest.param((), _switch_on, {"enabled"}, id="a write shows"),
        pytest.param(
            ({"t": 610, "do": "fault", "kind": "throttled"},),
            _switch_on,
            {"enabled"},
            id="throttled once, then written",
        ),
        pytest.param(
            ({"t": 610, "do": "fault", "kind": "refused"},), _switch_on, {("Refused", 403)}, id="a write is refused"
        ),
        pytest.param(
            ({"t": 610, "do": "fault", "kind": "busy"},), _switch_on, {("Rejected", 409)}, id="another write goes on"
        ),
        pytest.param(
            ({"t": 610, "do": "fault", "kind": "lost", "times": 9},),
            _switch_on,
            {("Unreachable", 0)},
            id="every answer is lost",
        ),
        pytest.param(
            ({"t": 610, "do": "window", "what": "forbidden", "on": "P1", "for": 300},),
            _switch_on,
            {("Refused", 403)},
            id="writes of an object are forbidden for a while",
        ),
        pytest.param((change(620, "mal", "P1", "delete"),), _state, {None}, id="what was deleted isn't there"),
        pytest.param(
            (change(620, "mal", "N1", "create"), {"t": 610, "do": "window", "what": "listing", "for": 300, "lag": 200}),
            _how_many,
            {1},
            id="a listing lags",
        ),
    ],
)
def test_the_services_answer_as_a_story_says(
    events: tuple[dict[str, Any], ...], ask: Callable[[TenantEdges], object], wanted: set[object]
) -> None:
    assert set(_asked(*events, ask=ask)) == wanted


# What the logs say.

_THINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "P1": ("update", {"state": "disabled"}),
    "N1": ("create", {}),
    "P2": ("delete", {}),
    "A1": ("delete", {}),
    "A3": ("create", {}),
    "D0": ("update", {"xml": "v1"}),
    "D1": ("delete", {}),
}


def _deed(name: str, who: str) -> Deed:
    world = World([*_THINGS, "D0"], chance=Random(1), now=lambda: 600.0)  # noqa: S311 - a story, no secret
    op, leaves = _THINGS[name]
    deed = world.act(who, name, op, leaves)
    assert deed is not None
    return deed


@pytest.mark.parametrize("who", ["mal", "rival", "nobody"])
@pytest.mark.parametrize("name", _THINGS)
def test_the_product_reads_who_did_what_when_from_each_record(name: str, who: str) -> None:
    deed = _deed(name, who)
    matcher = Matcher(CATALOGUE, TenantProfile())
    for delivery in deliveries(deed, {"logs": 2, "twice": 10}):
        readings = list(read_batch(delivery.raw, tenant_id=delivery.tenant_id, interest=EVERY_RECORD))
        events = [each.event for each in readings if each.event is not None]
        assert len(events) == len(readings) > 0, [each.unreadable for each in readings]
        for event in events:
            assert (event.actor.id, event.target.id.lower()) == (actor_id(deed), deed.object_id.lower())
            assert abs((event.at - Play(story("P1"), _unused).clock()).total_seconds() - 4200) < 4
            assert [each.id for each in matcher.matches(event) if each.remediation] or delivery.deed < 0


def _unused(play: Play) -> Scripted:
    return Scripted(play, lambda _scripted, _delivery: None)


@pytest.mark.parametrize(
    ("how", "number"),
    [({"never": True}, 0), ({}, 1), ({"twice": 5}, 2), ({"logs": 2}, 2), ({"logs": 2, "twice": 5}, 4)],
)
def test_a_record_comes_as_often_as_a_story_says(how: dict[str, Any], number: int) -> None:
    deed = _deed("A1", "mal")
    assert len(deliveries(deed, how)) == number
    assert kind_of(deed.name) == "assignment"


@pytest.mark.parametrize(("values", "is_whole"), [("full", True), ("cut", False), ("none", False)])
def test_a_record_has_the_values_that_a_story_says(values: str, is_whole: bool) -> None:  # noqa: FBT001 - a column
    deed = _deed("P1", "mal")
    (delivery, *_) = deliveries(deed, {"values": values})
    assert delivery.is_whole is is_whole
    assert (b"grantControls" in delivery.raw and b"sessionControls" not in delivery.raw) is (values != "none")
    assert delivery.tenant_id == WORKFORCE_TENANT
