"""What our writes covered is offered back, what is settled needs no answer, and nothing is sent on a stale look."""

from typing import Any

import pytest

from shared.model.objects import EXISTS, WHOLE, Intent, Op, Verdict
from shared.objects.planning import plan_object
from shared.objects.staleness import has_moved, is_stale
from tests.fakes.object_stories import HOUR, RULES, Story, at, verdicts

_LATE = Story().change(600, "Alice", late=5000, state=("on", "dim"))
_TAKEN = _LATE.change(610, "Mallory", state=("on", "off")).ours(650, state=("off", "on"))
_UNKNOWN = (
    Story()
    .change(600, "Oscar", late=5000, state=("on", "dim"))
    .change(610, "Mallory", state=("on", "off"))
    .ours(650, state=("off", "on"))
)


@pytest.mark.parametrize(
    ("story", "stands", "offered"),
    [
        pytest.param(_TAKEN, {}, [("state", "dim", "on")], id="an approved one, with both values"),
        pytest.param(_UNKNOWN, {}, [("state", "dim", "on")], id="an unknown one"),
        pytest.param(_TAKEN, {"state": "dim"}, [], id="it stands already"),
        pytest.param(_TAKEN.left("state", "on"), {}, [], id="a person left it as it is"),
        pytest.param(_TAKEN.accepted(5650), {}, [], id="a person accepted what stands, knowing it"),
        pytest.param(
            _TAKEN.accepted(5500), {}, [("state", "dim", "on")], id="a person accepted it before it was known"
        ),
        pytest.param(
            _TAKEN.accepted(5650, "state"), {}, [("state", "dim", "on")], id="an acceptance without that leaf"
        ),
        pytest.param(
            _LATE.ours(650, colour=("blue", "red")),
            {"state": "dim"},
            [],
            id="we wrote another leaf",
        ),
        pytest.param(
            Story()
            .change(600, "Alice", late=5000, guests_Bea=(None, True))
            .ours(650, sent={"guests": ("Ann",)}, guests_Max=(True, None)),
            {},
            [("guests[Bea]", True, None)],
            id="a member of a list that we wrote whole",
        ),
        pytest.param(
            Story()
            .change(600, "Alice", late=5000, guests_Bea=(None, True))
            .ours(650, sent={"guests": ("Ann", "Bea")}, guests_Max=(True, None)),
            {"guests_Bea": True},
            [],
            id="a member that we kept",
        ),
        pytest.param(
            _LATE.change(610, "Mallory", Op.DELETE).ours(650, Op.CREATE, exists=(None, True), state=(None, "on")),
            {"colour": None, "guests_Ann": None},
            [("state", "dim", "on")],
            id="an object that we made again without it",
        ),
        pytest.param(
            Story()
            .absent()
            .change(600, "Mallory", Op.CREATE, state=(None, "on"))
            .change(610, "Alice", late=5000, state=("on", "dim"))
            .ours(650, Op.DELETE, exists=(True, None)),
            {"gone": True},
            [("state", "dim", None)],
            id="an object that we deleted with it in it",
        ),
        pytest.param(
            Story()
            .absent()
            .change(600, "Alice", Op.CREATE, late=5000, state=(None, "on"))
            .ours(650, Op.DELETE, exists=(True, None)),
            {"gone": True},
            [(EXISTS, True, None)],
            id="an approved object that we deleted, as one offer",
        ),
        pytest.param(
            Story()
            .change(600, "Alice", Op.DELETE)
            .change(610, "Mallory", Op.CREATE, state=(None, "on"))
            .change(620, "Alice", state=("on", "off"))
            .change(630, "Mallory", Op.DELETE)
            .change(640, "Mallory", Op.CREATE, state=(None, "on"))
            .ours(650, Op.DELETE, exists=(True, None)),
            {"gone": True},
            [],
            id="what an approved one wrote into an object that its maker deleted himself",
        ),
        pytest.param(
            Story()
            .change(600, "Alice", state=("on", "dim"))
            .change(605, "Bob", state=("dim", "on"))
            .change(610, "Mallory", state=("on", "off"))
            .ours(650, state=("off", "on")),
            {},
            [],
            id="an approved one that another approved one had gone over",
        ),
        pytest.param(
            Story()
            .change(600, "Oscar", late=5000, state=("on", "dim"))
            .change(605, "Bob", late=5000, state=("dim", "on"))
            .change(610, "Mallory", state=("on", "off"))
            .ours(650, state=("off", "on")),
            {},
            [],
            id="an unknown one that an approved one had gone over",
        ),
        pytest.param(
            Story().change(600, "Oscar", late=10, state=("on", "off")).ours(650, state=("off", "on")),
            {},
            [],
            id="an unknown one that was known: a person asked for it",
        ),
        pytest.param(
            Story().change(600, "Alice", late=5000, is_whole=False).ours(650, state=("off", "on")),
            {},
            [(WHOLE, None, None)],
            id="one of which it isn't known what it wrote",
        ),
        pytest.param(
            Story()
            .change(600, "Alice", late=5000, is_whole=False)
            .ours(650, state=("off", "on"))
            .with_state(settled=("Alice 600",)),
            {},
            [],
            id="... until a person settled it",
        ),
        pytest.param(
            Story()
            .change(600, "Mark", late=5000, state=("on", "dim"))
            .change(610, "Mallory", state=("on", "off"))
            .ours(650, state=("off", "on")),
            {},
            [],
            id="an unapproved one",
        ),
    ],
)
def test_what_a_write_of_ours_covered_is_offered_back(
    story: Story, stands: dict[str, Any], offered: list[tuple[str, Any, Any]]
) -> None:
    plan = story.plan(5700, **stands)
    assert [(offer.leaf, offer.covered, offer.stands) for offer in plan.offers] == offered
    assert {offer.change for offer in plan.offers} <= {"Alice 600", "Alice 610", "Oscar 600"}
    assert not {offer.change for offer in plan.offers} & set(plan.state.settled)


def test_a_record_that_came_after_the_decision_came_after_the_write() -> None:
    story = _UNKNOWN.with_state(
        intents=(Intent(id="intent 650", at=at(640), op=Op.UPDATE, steps={"state": ("off", "on")}),)
    )
    early = Story(state=story.state).change(600, "Oscar", late=45, state=("on", "dim"))
    changes = (*early.changes, *story.changes[1:])
    seen = story.seen(5700).state.versions[-1]
    assert [offer.leaf for offer in plan_object(story.state, changes, seen, RULES, now=at(5700)).offers] == ["state"]


@pytest.mark.parametrize(
    ("story", "stands", "settled"),
    [
        pytest.param(
            Story().change(600, "Alice", state=("on", "off")), {"state": "off"}, True, id="it is the baseline"
        ),
        pytest.param(
            Story().change(600, "Mallory", state=("on", "off")).ours(650, state=("off", "on")), {}, True, id="put back"
        ),
        pytest.param(Story().change(600, "Mallory", state=("on", "off")), {"state": "off"}, False, id="it stands"),
        pytest.param(
            Story().change(600, "Mallory", state=("on", "off")).left("state", "off"), {"state": "off"}, True, id="left"
        ),
        pytest.param(
            Story().change(600, "Mallory", state=("on", "off"), colour=("red", "blue")).left("state", "off"),
            {"state": "off", "colour": "blue"},
            False,
            id="left in part",
        ),
        pytest.param(Story().change(600, "Oscar", state=("on", "off")), {"state": "off"}, False, id="people are asked"),
        pytest.param(Story().change(600, "Mallory", is_whole=False), {}, False, id="it isn't known what it wrote"),
        pytest.param(
            Story().change(600, "Alice", is_whole=False), {"state": "off"}, False, id="only versions tell of it"
        ),
        pytest.param(_TAKEN, {}, False, id="it is offered back"),
        pytest.param(
            Story().change(600, "Alice", state=("on", "off")).change(700, "Mallory", Op.DELETE),
            {"gone": True},
            True,
            id="approved, and the object was deleted after it",
        ),
    ],
)
def test_a_change_is_settled_when_it_needs_no_answer(story: Story, stands: dict[str, Any], *, settled: bool) -> None:
    first = min(story.changes, key=lambda judged: judged.change.at).change.id
    assert (first in story.plan(5700, **stands).state.settled) is settled


def test_none_of_several_changes_is_settled_while_it_is_not_known_what_each_wrote() -> None:
    story = Story().change(600, "Alice", is_whole=False).change(610, "Mallory", is_whole=False)
    assert story.plan(5700, state="off").state.settled == ()


def test_settled_changes_stay_settled_and_are_still_read() -> None:
    story = Story().change(600, "Mallory", state=("on", "off")).with_state(settled=("Mallory 600", "older"))
    plan = story.plan(5700, state="off")
    assert set(plan.state.settled) == {"Mallory 600", "older"}
    assert verdicts(plan) == {"state": Verdict.PUT_BACK}


_TWO = Story().change(600, "Mallory", state=("on", "off")).change(650, "Mark", guests_Max=(None, True))


@pytest.mark.parametrize(
    ("story", "second", "stands", "stale"),
    [
        pytest.param(_TWO, 700, {"state": "off", "guests_Max": True}, False, id="it shows everything"),
        pytest.param(_TWO, 700, {"state": "off"}, True, id="it lacks what the newest change made"),
        pytest.param(_TWO, 650 + HOUR, {"state": "off"}, False, id="... after the grace it isn't waited for"),
        pytest.param(_TWO.left("guests[Max]", None), 700, {"state": "off"}, False, id="... nor where a person left it"),
        pytest.param(
            Story()
            .change(600, "Mallory", colour=("red", "blue"))
            .ours(640, colour=("blue", "red"))
            .change(650, "Mallory", state=("on", "off")),
            700,
            {"colour": "blue", "state": "off"},
            True,
            id="it lacks what our newest write made",
        ),
        pytest.param(
            Story()
            .change(600, "Mark", colour=("red", "blue"))
            .change(640, "Mallory", guests_Max=(None, True))
            .change(650, "Mallory", guests_Moe=(None, True))
            .change(660, "Alice", state=("on", "off")),
            700,
            {"guests_Moe": True, "colour": "blue", "state": "off"},
            True,
            id="it lacks a member of a list that is written whole",
        ),
        pytest.param(
            Story()
            .change(600, "Mark", session=(None, "x"))
            .change(640, "Mallory", guests_Max=(None, True))
            .change(660, "Alice", state=("on", "off")),
            700,
            {"guests_Max": True, "state": "off"},
            False,
            id="it lacks an older change of another leaf, which is unexplained by itself",
        ),
    ],
)
def test_nothing_is_sent_on_a_look_that_is_behind(
    story: Story, second: float, stands: dict[str, Any], *, stale: bool
) -> None:
    plan = story.plan(second, **stands)
    assert is_stale(plan) is stale
    assert (plan.op is None) is stale


def test_a_look_has_moved_if_any_leaf_did() -> None:
    first, same, other = Story().seen(1).seen(2, state="ON").seen(3, state="off").state.versions
    assert not has_moved(first, same, RULES)
    assert has_moved(first, other, RULES)
