from collections.abc import Set as AbstractSet
from datetime import timedelta
from typing import Final

import msgspec
import pytest

from shared.model.events import Actor
from shared.model.kinds import Json
from shared.model.objects import EXISTS, Duel, Intent, IntentState, ObjectChange, Op, Recorded, Step, Version
from shared.objects.booking import (
    booked,
    closed,
    explaining,
    filled_in,
    judge_own_record,
    own_change,
    proven,
    resolve_open,
    shows,
    without_own_records,
)
from shared.objects.duels import duels, duels_of_approved
from shared.objects.planning import take_account
from tests.fakes.object_stories import RULES, Story, at, lamp

INTENT = Intent(
    id="i1",
    at=at(600),
    op=Op.UPDATE,
    steps={"state": ("off", "on"), "guests[Max]": (True, None)},
    sent={"guests": {"[Ann]": True}},
    actors=("Mallory",),
)
DELETION = Intent(id="i2", at=at(600), op=Op.DELETE, steps={EXISTS: (True, None)})
CREATION = Intent(id="i3", at=at(600), op=Op.CREATE, steps={EXISTS: (None, True), "state": (None, "on")})


def seen(second: float, leaves: dict[str, Json]) -> Version:
    return Version(at=at(second), leaves=leaves)


@pytest.mark.parametrize(
    ("intent", "leaves", "shown"),
    [
        (INTENT, lamp(), True),
        (INTENT, lamp(state="ON"), True),
        (INTENT, lamp(state="off"), False),
        (INTENT, lamp(guests_Max=True), False),
        (INTENT, {}, False),
        (DELETION, {}, True),
        (DELETION, lamp(), False),
        (CREATION, lamp(colour="blue"), True),
        (CREATION, lamp(state="off"), False),
        (CREATION, {}, False),
    ],
)
def test_a_version_shows_an_intent(intent: Intent, leaves: dict[str, Json], *, shown: bool) -> None:
    assert shows(intent, seen(700, leaves), RULES) is shown


@pytest.mark.parametrize(
    ("intent", "leaves", "now", "showing", "gone"),
    [
        (INTENT, lamp(), 610, ["i1"], []),
        (INTENT, lamp(), 600 + 3 * 3600, ["i1"], []),
        (INTENT, lamp(), 601 + 3 * 3600, [], ["i1"]),
        (INTENT, lamp(state="off"), 900, [], []),
        (INTENT, lamp(state="off"), 901, [], ["i1"]),
        (CREATION, {}, 1200, [], []),
        (CREATION, {}, 1201, [], ["i3"]),
        (
            closed(Story().with_state(intents=(INTENT,)).state, "i1", IntentState.NOT_SENT).intents[0],
            lamp(),
            610,
            [],
            [],
        ),
        (booked(Story().with_state(intents=(INTENT,)).state, "i1").intents[0], lamp(state="off"), 9000, [], []),
    ],
)
def test_what_became_of_open_intents(
    intent: Intent, leaves: dict[str, Json], now: float, showing: list[str], gone: list[str]
) -> None:
    resolved = resolve_open((intent,), seen(now, leaves), RULES, now=at(now))
    assert [each.id for each in resolved.showing] == showing
    assert [each.id for each in resolved.gone] == gone


def test_what_is_booked_stays_booked() -> None:
    state = Story().with_state(intents=(INTENT, DELETION)).state
    after = closed(booked(state, "i1"), "i1", IntentState.CLOSED)
    assert [each.state for each in after.intents] == [IntentState.BOOKED, IntentState.OPEN]


@pytest.mark.parametrize(
    ("second", "op", "state", "explained"),
    [
        pytest.param(600, Op.UPDATE, IntentState.OPEN, True, id="at once"),
        pytest.param(720, Op.UPDATE, IntentState.OPEN, True, id="two minutes later"),
        pytest.param(721, Op.UPDATE, IntentState.OPEN, False, id="later: nobody sends it any more"),
        pytest.param(571, Op.UPDATE, IntentState.OPEN, True, id="the log's clock is behind"),
        pytest.param(569, Op.UPDATE, IntentState.OPEN, False, id="before it"),
        pytest.param(610, Op.DELETE, IntentState.OPEN, False, id="another operation"),
        pytest.param(610, Op.UPDATE, IntentState.NOT_SENT, False, id="it wasn't sent"),
        pytest.param(610, Op.UPDATE, IntentState.CLOSED, True, id="given up, but our own record says otherwise"),
        pytest.param(610, Op.UPDATE, IntentState.BOOKED, True, id="booked"),
    ],
)
def test_an_intent_explains_a_record_of_ours(second: float, op: Op, state: IntentState, *, explained: bool) -> None:
    intent = msgspec.structs.replace(INTENT, state=state)
    assert (explaining((intent,), op=op, at=at(second)) is intent) is explained
    own = judge_own_record((intent,), Recorded(object_id="1", name="", op=op), at(second), RULES)
    assert own.is_theft is not explained


def test_the_latest_intent_before_it_explains_it() -> None:
    later = msgspec.structs.replace(INTENT, id="later", at=at(660))
    assert explaining((INTENT, later), op=Op.UPDATE, at=at(650)) is INTENT
    assert explaining((INTENT, later), op=Op.UPDATE, at=at(670)) is later


@pytest.mark.parametrize(
    ("intent", "wrote", "read_back", "covered", "filled", "unexplained"),
    [
        pytest.param(INTENT, {"state": ("off", "ON")}, None, [], [], (), id="what we intended"),
        pytest.param(INTENT, {"state": ("off", "dim")}, None, [], [], ("state",), id="another value"),
        pytest.param(INTENT, {"guests[Bea]": (True, None)}, None, ["guests[Bea]"], [], (), id="a member swept away"),
        pytest.param(INTENT, {"guests[Ann]": (None, True)}, None, ["guests[Ann]"], [], (), id="a member swept in"),
        pytest.param(
            INTENT, {"guests[Bea]": (None, True)}, None, [], [], ("guests[Bea]",), id="a member we didn't send"
        ),
        pytest.param(INTENT, {"session": (None, "x")}, lamp(session="x"), [], ["session"], (), id="filled in"),
        pytest.param(INTENT, {"session": (None, "x")}, lamp(session="y"), [], [], ("session",), id="not what we read"),
        pytest.param(
            INTENT, {"session": ("y", "x")}, lamp(session="x"), [], [], ("session",), id="it was there before"
        ),
        pytest.param(INTENT, {"session": (None, "x")}, None, [], [], ("session",), id="it wasn't read back"),
        pytest.param(DELETION, {EXISTS: (True, None), "state": ("on", None)}, None, [], [], (), id="a deletion"),
        pytest.param(CREATION, {EXISTS: (None, True), "state": (None, "on")}, None, [], [], (), id="a creation"),
        pytest.param(INTENT, {EXISTS: (None, True)}, None, [], [], (EXISTS,), id="an update doesn't make it"),
    ],
)
def test_what_an_intent_does_not_explain_is_theft(  # noqa: PLR0917 - a table
    intent: Intent,
    wrote: dict[str, Step],
    read_back: dict[str, Json] | None,
    covered: list[str],
    filled: list[str],
    unexplained: tuple[str, ...],
) -> None:
    recorded = Recorded(object_id="1", name="", op=intent.op, wrote=wrote)
    own = judge_own_record((intent,), recorded, at(610), RULES, read_back=read_back)
    assert (list(own.covered), [each.leaf for each in own.filled], own.unexplained) == (covered, filled, unexplained)
    assert own.is_theft is bool(unexplained)


_WHOLE: Final = Intent(
    id="i4",
    at=at(600),
    op=Op.UPDATE,
    steps={"lid.guests[Max]": (True, None)},
    sent={"lid": {".guests[Ann]": True, ".colour": "blue"}},
)
"""It sent all of the lid."""


@pytest.mark.parametrize(
    ("leaf", "step", "is_covered"),
    [
        pytest.param("lid.guests[Ann]", (None, True), True, id="a member that had gone meanwhile"),
        pytest.param("lid.guests[Bea]", (True, None), True, id="a member that had come"),
        pytest.param("lid.hosts[Bea]", (True, None), True, id="a list that had come"),
        pytest.param("lid.colour", ("red", "BLUE"), True, id="a value that had moved"),
        pytest.param("lid.shape", ("round", None), True, id="a value that had come"),
        pytest.param("lid.guests[Ann]", (True, None), False, id="what we sent doesn't go by our write"),
        pytest.param("lid.guests[Bea]", (None, True), False, id="what we didn't send doesn't come by it"),
        pytest.param("lid.colour", ("blue", "red"), False, id="another value"),
        pytest.param("lids.colour", ("red", "blue"), False, id="another part whose name begins alike"),
        pytest.param("state", ("on", "off"), False, id="no part at all"),
    ],
)
def test_what_a_write_sent_whole_covers_what_had_changed_in_it(leaf: str, step: Step, *, is_covered: bool) -> None:
    recorded = Recorded(object_id="1", name="", op=Op.UPDATE, wrote={leaf: step})
    own = judge_own_record((_WHOLE,), recorded, at(610), RULES)
    assert (list(own.covered), own.unexplained) == (([leaf], ()) if is_covered else ([], (leaf,)))


@pytest.mark.parametrize(
    ("intent", "state", "unfinished", "unexplained"),
    [
        pytest.param(CREATION, "off", ["state"], (), id="as it is made first"),
        pytest.param(CREATION, "on", [], (), id="as it is to be"),
        pytest.param(CREATION, "red", [], ("state",), id="as it never was"),
        pytest.param(INTENT, "off", [], ("state",), id="an update makes nothing"),
    ],
)
def test_what_is_made_may_be_set_as_it_is_to_be_after(
    intent: Intent, state: str, unfinished: list[str], unexplained: tuple[str, ...]
) -> None:
    recorded = Recorded(object_id="1", name="", op=intent.op, wrote={"state": (None, state)})
    own = judge_own_record((intent,), recorded, at(610), RULES, made_as={"state": "off"})
    assert (list(own.unfinished), own.unexplained) == (unfinished, unexplained)


_TWO: Final = Intent(
    id="i5",
    at=at(600),
    op=Op.UPDATE,
    steps={"state": ("off", "on"), "colour": ("blue", "red"), "guests[Max]": (True, None)},
    sent={"guests": {"[Ann]": True}, "colour": {"": "red"}},
)


@pytest.mark.parametrize(
    ("intent", "wrote", "leaves", "story", "steps", "sent"),
    [
        pytest.param(
            _TWO,
            {"state": ("off", "on")},
            lamp(colour="blue", guests_Max=True),
            Story(),
            {"state"},
            frozenset[str](),
            id="the rest wasn't sent",
        ),
        pytest.param(
            _TWO,
            {"state": ("off", "on")},
            lamp(guests_Max=True),
            Story(),
            {"state", "colour"},
            {"colour"},
            id="it shows",
        ),
        pytest.param(
            _TWO,
            {"state": ("off", "on")},
            lamp(colour="blue", guests_Max=True),
            Story().change(700, "Zoe", colour=("red", "blue")).change(590, "Zoe", guests_Max=(None, True)),
            {"state", "colour"},
            {"colour"},
            id="somebody wrote it afterwards",
        ),
        pytest.param(
            _TWO, {}, lamp(state="off"), Story(), set(_TWO.steps), set(_TWO.sent), id="a record that tells nothing"
        ),
        pytest.param(
            _TWO, {"state": ("off", "on")}, {}, Story(), set(_TWO.steps), set(_TWO.sent), id="it is gone since"
        ),
        pytest.param(
            CREATION,
            {EXISTS: (None, True)},
            lamp(state="off"),
            Story(),
            set(CREATION.steps),
            frozenset[str](),
            id="a creation",
        ),
    ],
)
def test_a_record_of_ours_proves_no_more_than_it_tells_and_what_shows(  # noqa: PLR0917 - a table
    intent: Intent,
    wrote: dict[str, Step],
    leaves: dict[str, Json],
    story: Story,
    steps: set[str],
    sent: AbstractSet[str],
) -> None:
    own = own_change(intent, actor=Actor(id="us"), at=at(603), booked_at=at(604), is_proven=True)
    record = msgspec.structs.replace(own, id="record", wrote=wrote)
    part = proven(intent, record, seen(700, leaves), [each.change for each in story.changes], RULES)
    assert (part.steps.keys(), part.sent.keys()) == (steps, sent)


def test_a_record_without_an_intent_is_theft() -> None:
    own = judge_own_record(
        (), Recorded(object_id="1", name="", op=Op.UPDATE, wrote={"state": ("on", "off")}), at(1), RULES
    )
    assert (own.is_theft, own.unexplained) == (True, ("state",))


@pytest.mark.parametrize("is_proven", [True, False])
def test_a_write_is_in_the_history(*, is_proven: bool) -> None:
    change = own_change(INTENT, actor=Actor(id="us"), at=at(603), booked_at=at(604), is_proven=is_proven)
    assert (change.intent, change.is_ours, change.is_whole) == ("i1", True, is_proven)
    assert (change.wrote, change.sent, change.at, change.arrived_at) == (INTENT.steps, INTENT.sent, at(603), at(604))


def test_leaves_are_filled_in_that_were_absent_and_that_nobody_names() -> None:
    before, after = lamp(), lamp(session="x", glow="y", guests_Bea=True, state="dim")
    changes = Story().change(590, "Mallory", glow=(None, "z")).ours(603, session=(None, "x")).changes
    filled = filled_in(INTENT, before, after, changes, now=at(610))
    assert [(each.leaf, each.value, each.since) for each in filled] == [("session", "x", at(610))]
    old = Story().change(100, "Mallory", glow=(None, "z")).changes
    assert [each.leaf for each in filled_in(INTENT, before, after, old, now=at(610))] == ["session", "glow"]
    deleted = Story().change(590, "Mallory", Op.DELETE, colour=("red", None)).changes
    made = filled_in(CREATION, {}, lamp(), deleted, now=at(610))
    assert [each.leaf for each in made] == ["colour"]


@pytest.mark.parametrize(
    ("changes", "is_duel"),
    [
        pytest.param(("one",), False, id="the same change"),
        pytest.param(("two",), True, id="another change"),
        pytest.param(("one", "two"), True, id="another change too"),
        pytest.param((), True, id="it isn't known for which"),
    ],
)
def test_a_put_back_that_takes_two_writes_is_no_duel(changes: tuple[str, ...], *, is_duel: bool) -> None:
    first = msgspec.structs.replace(INTENT, state=IntentState.BOOKED, changes=("one",))
    second = msgspec.structs.replace(first, id="second", at=first.at + timedelta(minutes=1), changes=changes)
    assert bool(duels((first, second))) is is_duel


def test_a_leaf_put_back_twice_is_a_duel() -> None:
    once = msgspec.structs.replace(INTENT, state=IntentState.BOOKED)
    assert duels((once,)) == ()
    again = msgspec.structs.replace(
        once, id="again", at=once.at + timedelta(minutes=1), steps={"state": ("off", "on")}, actors=("Mark",)
    )
    assert duels((once, again)) == (Duel(leaf="state", rivals=("Mallory", "Mark"), times=2),)
    assert duels((once, again, once)) == (
        Duel(leaf="guests[Max]", rivals=("Mallory",), times=2),
        Duel(leaf="state", rivals=("Mallory", "Mark"), times=3),
    )
    for other in (
        msgspec.structs.replace(again, state=IntentState.NOT_SENT),
        msgspec.structs.replace(again, at=once.at + timedelta(days=1, seconds=1)),
        msgspec.structs.replace(again, steps={"colour": ("red", "blue")}),
    ):
        assert duels((once, other)) == ()
    assert duels(()) == ()


def test_an_object_made_again_twice_is_one_duel_whatever_leaves_it_has() -> None:
    once = msgspec.structs.replace(
        INTENT, state=IntentState.BOOKED, steps={"exists": (None, True), "state": (None, "on"), "colour": (None, "red")}
    )
    again = msgspec.structs.replace(once, id="again", at=once.at + timedelta(minutes=1))
    assert duels((once, again)) == (Duel(leaf="exists", rivals=("Mallory",), times=2),)


def test_two_approved_actors_who_delete_and_make_an_object_again_are_one_duel() -> None:
    played = Story()
    for number, who in enumerate(["Alice", "Bob"] * 2):
        at_second = 600 + 10 * number
        if who == "Alice":
            played = played.change(at_second, who, op=Op.DELETE, exists=(True, None))
        else:
            played = played.change(at_second, who, Op.CREATE, exists=(None, True), state=(None, "on"))
    account = take_account(played.state, played.changes, seen(900, lamp()), RULES, now=at(900))
    assert duels_of_approved(account) == (Duel(leaf="exists", rivals=("Alice", "Bob"), times=0),)


@pytest.mark.parametrize(
    ("story", "is_duel"),
    [
        pytest.param(
            [("Alice", "off"), ("Bob", "on"), ("Alice", "off"), ("Bob", "on")], True, id="two approved ones, each twice"
        ),
        pytest.param([("Alice", "off"), ("Bob", "on"), ("Alice", "off")], False, id="not yet"),
        pytest.param([("Alice", "off"), ("Alice", "on")] * 2, False, id="one person who can't decide"),
        pytest.param([("Alice", "off"), ("Oscar", "on")] * 2, False, id="one isn't approved"),
        pytest.param(
            [("Alice", "off"), ("Bob", "on"), ("Alice", "dim"), ("Bob", "on")], False, id="they write other values"
        ),
        pytest.param([("Alice", "off"), ("Bob", "OFF"), ("Alice", "off"), ("Bob", "OFF")], False, id="they agree"),
    ],
)
def test_two_approved_actors_swing_a_leaf(story: list[tuple[str, str]], *, is_duel: bool) -> None:
    played, stood = Story(), "on"
    for number, (who, new) in enumerate(story):
        played, stood = played.change(600 + 10 * number, who, state=(stood, new)), new
    account = take_account(played.state, played.changes, seen(900, lamp(state=stood)), RULES, now=at(900))
    found = duels_of_approved(account)
    assert found == ((Duel(leaf="state", rivals=("Alice", "Bob"), times=0),) if is_duel else ())


def own(instant: float, booked_at: float, intent: Intent = INTENT) -> ObjectChange:
    return own_change(intent, actor=Actor(id="we"), at=at(instant), booked_at=at(booked_at), is_proven=True)


def record_of_ours(instant: float, intent: Intent = INTENT, number: str = "r") -> ObjectChange:
    return msgspec.structs.replace(own(instant, instant + 60, intent), id=f"{number} {instant}")


@pytest.mark.parametrize(
    ("records", "booked_at", "counts_from"),
    [
        pytest.param([], (603, 603), 603, id="no record yet: the instant of the answer"),
        pytest.param([602], (603, 603), 602, id="the instant of the record"),
        pytest.param([601, 602], (603, 603), 602, id="of several requests the last one"),
        pytest.param([602, 601], (603, 603), 602, id="in whatever order they come"),
        pytest.param([590], (603, 603), 600, id="never before the intent: the log's clock is behind"),
        pytest.param([640], (603, 603), 603, id="never after the answer: the log's clock is ahead"),
        pytest.param([602], (600, 700), 602, id="the answer was lost, and it was seen to show later"),
    ],
)
def test_a_write_of_ours_counts_from_when_it_was_carried_out(
    records: list[float], booked_at: tuple[float, float], counts_from: float
) -> None:
    changes = (own(*booked_at), *map(record_of_ours, records))
    (ours,) = without_own_records(changes, [INTENT])
    assert (ours.id, ours.at) == (f"own {INTENT.id}", at(counts_from))
    assert without_own_records(changes[::-1], [INTENT]) == (ours,)


def test_a_record_says_when_only_of_its_own_write() -> None:
    another = msgspec.structs.replace(INTENT, id="i9", at=at(700))
    theirs = msgspec.structs.replace(own(500, 560), id="theirs", intent="")
    changes = (own(603, 603), own(703, 703, another), record_of_ours(602), theirs)
    assert [one.at for one in without_own_records(changes, [INTENT, another])] == [at(602), at(703), at(500)]


def test_a_write_whose_intent_was_compacted_still_counts_from_its_record() -> None:
    (ours,) = without_own_records((own(603, 603), record_of_ours(602)), [])
    assert ours.at == at(602)
