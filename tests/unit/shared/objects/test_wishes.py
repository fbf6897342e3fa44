"""What a person decides is worked out leaf by leaf, and what he asked for gives way to whoever writes after him."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
import pytest

from shared.model.kinds import Json
from shared.model.objects import (
    EXISTS,
    WHOLE,
    Acceptance,
    Asked,
    Duel,
    Intent,
    IntentState,
    Op,
    Provenance,
    Step,
    Verdict,
    Version,
    asked_id,
    is_asked_id,
)
from shared.objects import wishes
from shared.objects.planning import take_account
from shared.objects.verdicts import Account
from shared.objects.wishes import Target
from tests.fakes.object_stories import LAMP, RULES, Story, at, lamp, verdicts

_NOW: Final = 5000
_MALLORYS: Final = Story().change(600, "Mallory", state=("on", "off"), guests_Mal=(None, True))


def _account(story: Story, *, without: tuple[str, ...] = (), gone: bool = False, **stands: Any) -> Account:  # noqa: ANN401
    changes = wishes.without_approval(story.changes, without)
    seen = Version(at=at(_NOW), leaves={} if gone else lamp(**stands))
    return take_account(story.state, changes, seen, RULES, now=at(_NOW))


def _wish(
    story: Story, seconds: float, wanted: Mapping[str, Json], stood: Mapping[str, Json], act: Asked = Asked.UNDO
) -> Story:
    target = Target(leaves=wanted)
    acceptance = wishes.acceptance_of(target, stood, act, at=at(seconds), by="Paula", reason="CHG-7", about=())
    acceptance = msgspec.structs.replace(acceptance, id=f"wish {seconds:g}")
    return story.with_state(**_changed(story, wishes.with_acceptance(story.state, acceptance)))


def _changed(story: Story, state: Any) -> dict[str, Any]:  # noqa: ANN401 - the fields of ObjectState
    fields = state.__struct_fields__
    return {name: getattr(state, name) for name in fields if getattr(state, name) != getattr(story.state, name)}


def _intent(seconds: float, op: Op, steps: dict[str, Step], *changes: str) -> Intent:
    return Intent(
        id=f"intent {seconds:g}", at=at(seconds), op=op, steps=steps, changes=changes, state=IntentState.BOOKED
    )


# A wish.


def test_what_a_person_asked_for_is_written() -> None:
    plan = _wish(_MALLORYS, 900, {"state": "dim"}, {"state": "off"}).plan(_NOW, state="off", guests_Mal=True)
    assert plan.verdicts["state"].verdict is Verdict.PUT_BACK
    assert plan.verdicts["state"].change == asked_id("wish 900")
    assert plan.steps["state"] == ("off", "dim")
    assert plan.baseline["state"].provenance is Provenance.ACCEPTED


@pytest.mark.parametrize(
    ("who", "verdict"), [("Alice", None), ("Mallory", Verdict.PUT_BACK), ("Oscar", Verdict.UNKNOWN)]
)
def test_whoever_writes_after_the_person_is_judged_as_ever(who: str, verdict: Verdict | None) -> None:
    """Also where he writes what stood before: it isn't gone over because somebody had asked before."""
    story = _wish(_MALLORYS, 900, {"state": "dim"}, {"state": "off"}).change(1000, who, state=("off", "off"))
    plan = story.plan(_NOW, state="off", guests_Mal=True)
    found = plan.verdicts.get("state")
    assert (found.verdict if found else None) is verdict
    assert found is None or found.change == f"{who} 1000"


def test_what_stands_otherwise_than_the_person_was_shown_is_not_gone_over() -> None:
    plan = _wish(_MALLORYS, 900, {"state": "dim"}, {"state": "off"}).plan(_NOW, state="red", guests_Mal=True)
    assert plan.verdicts["state"].verdict is not Verdict.PUT_BACK


def test_what_was_written_for_a_person_and_came_back_by_itself_is_nobodys_wish_any_more() -> None:
    story = _wish(_MALLORYS, 900, {"state": "dim"}, {"state": "off"}).ours(1000, state=("off", "dim"))
    assert story.plan(1100, state="off", guests_Mal=True).verdicts["state"].verdict is Verdict.WAIT_UNEXPLAINED


def test_a_wish_ends_where_a_person_accepts_something_else_later() -> None:
    story = _wish(Story(), 900, {"state": "dim"}, {"state": "off"}).accepted(1000, state="blue")
    assert verdicts(story.plan(1100, state="off")) == {"state": Verdict.WAIT_UNEXPLAINED}


def test_only_the_named_leaves_are_accepted() -> None:
    plan = _wish(Story().first_seen(), 900, {"state": "dim"}, {"state": "on"}).plan(_NOW)
    assert plan.baseline["colour"].provenance is plan.baseline[WHOLE].provenance is Provenance.FIRST_SEEN
    assert verdicts(plan) == {"state": Verdict.PUT_BACK}


def test_what_was_left_is_wished_for_all_the_same() -> None:
    story = _wish(_MALLORYS.left("state", "off").left("guests[Mal]", True), 900, {"state": "on"}, {"state": "off"})
    assert verdicts(story.plan(_NOW, state="off", guests_Mal=True)) == {
        "state": Verdict.PUT_BACK,
        "guests[Mal]": Verdict.LEFT,
    }


@pytest.mark.parametrize(("act", "is_back"), [(Asked.UNDO, False), (Asked.RESTORE, False), (Asked.DENY, True)])
def test_an_approved_actor_may_write_again_what_only_an_undo_took(act: Asked, *, is_back: bool) -> None:
    story = _wish(Story().change(600, "Oscar", state=("on", "off")), 900, {"state": "dim"}, {"state": "off"}, act)
    story = story.with_state(intents=(_intent(1000, Op.UPDATE, {"state": ("off", "dim")}, asked_id("wish 900")),))
    story = story.ours(1000, state=("off", "dim")).change(2000, "Alice", state=("dim", "off"))
    found = verdicts(story.plan(_NOW, state="off"))
    assert found == ({"state": Verdict.UNKNOWN} if is_back else {})


def test_nothing_that_a_wish_covered_is_offered_back() -> None:
    """The person was shown that it goes."""
    story = Story().change(600, "Alice", state=("on", "off"))
    story = _wish(story, 900, {"state": "on"}, {"state": "off"}, Asked.RESTORE).ours(1000, state=("off", "on"))
    assert story.plan(_NOW).offers == ()


def test_an_approved_change_that_came_to_be_known_only_after_the_wish_is_offered_back() -> None:
    """Nobody knew when the person decided that it was Alice's."""
    story = Story().change(600, "Alice", state=("on", "off"), late=350)
    story = _wish(story, 900, {"state": "on"}, {"state": "off"}, Asked.RESTORE).ours(1000, state=("off", "on"))
    assert [(one.leaf, one.covered, one.stands) for one in story.plan(_NOW).offers] == [("state", "off", "on")]


def test_of_a_write_for_two_changes_an_undo_takes_back_only_what_it_is_asked_about() -> None:
    """One request put both back; what the other actor did isn't wanted with it."""
    story = Story().change(600, "Oscar", state=("on", "off")).change(700, "Mallory", guests_Mal=(None, True))
    intent = _intent(900, Op.UPDATE, {"state": ("off", "on"), "guests[Mal]": (True, None)}, "Oscar 600", "Mallory 700")
    account = _account(story.with_state(intents=(intent,)).ours(900, state=("off", "on"), guests_Mal=(True, None)))
    whole = wishes.undone(account, [intent], {})
    assert whole.leaves == {"state": "off", "guests[Mal]": True}
    assert wishes.only_of(account, whole, ["Oscar 600"]).leaves == {"state": "off"}
    assert wishes.only_of(account, whole, ["Mallory 700"]).leaves == {"guests[Mal]": True}
    assert wishes.only_of(account, whole, ["one that isn't kept any more"]) == whole


def test_of_a_write_for_two_wishes_an_undo_takes_back_only_its_own() -> None:
    story = _wish(_MALLORYS, 800, {"state": "on"}, {"state": "off"})
    account = _account(_wish(story, 900, {"guests[Mal]": None}, {"guests[Mal]": True}))
    whole = Target(leaves={"state": "off", "guests[Mal]": True})
    assert wishes.only_of(account, whole, [asked_id("wish 800")]).leaves == {"state": "off"}


@pytest.mark.parametrize(("leaf", "is_answered"), [("state", False), ("colour", True)])
def test_an_offer_is_answered_only_by_who_decides_about_its_leaf(leaf: str, *, is_answered: bool) -> None:
    story = (
        Story().change(600, "Alice", colour=("red", "blue"), late=1000).change(700, "Mallory", colour=("red", "off"))
    )
    story = story.ours(800, colour=("off", "red"))
    acceptance = Acceptance(at=at(2000), by="Paula", leaves={leaf: LAMP[leaf]}, only=(leaf,))
    assert story.plan(_NOW).offers != ()
    story = story.with_state(**_changed(story, wishes.with_acceptance(story.state, acceptance)))
    assert (story.plan(_NOW).offers == ()) is is_answered


def test_a_wish_is_no_duel() -> None:
    intents = tuple(
        _intent(seconds, Op.UPDATE, {"state": ("off", "on")}, asked_id(f"wish {seconds}")) for seconds in (900, 1000)
    )
    rival = tuple(_intent(seconds, Op.UPDATE, {"state": ("off", "on")}, f"Mal {seconds}") for seconds in (900, 1000))
    assert Story().with_state(intents=intents).plan(_NOW).duels == ()
    assert [type(one) for one in Story().with_state(intents=rival).plan(_NOW).duels] == [Duel]


def test_an_acceptance_of_no_leaf_is_refused() -> None:
    """It would read as one of the whole object."""
    with pytest.raises(ValueError, match="no leaf"):
        wishes.acceptance_of(Target(leaves={}), LAMP, Asked.UNDO, at=at(1), by="Paula", reason="x", about=())


@pytest.mark.parametrize(("change", "is_asked"), [(asked_id("1"), True), ("Mallory 600", False), ("", False)])
def test_a_wish_is_told_apart_from_a_change(change: str, *, is_asked: bool) -> None:
    assert is_asked_id(change) is is_asked


# Denied for good.


def _denied(story: Story) -> Story:
    acceptance = Acceptance(at=at(900), by="Paula", leaves={"state": "on"}, only=("state",), id="1")
    return story.with_state(**_changed(story, wishes.with_acceptance(story.state, acceptance, {"state": "off"})))


@pytest.mark.parametrize(
    ("who", "value", "verdict"),
    [
        ("Mallory", "off", Verdict.PUT_BACK),
        ("Mallory", "dim", Verdict.LISTED),
        ("Oscar", "off", Verdict.UNKNOWN),
        ("Alice", "off", None),
    ],
)
def test_a_denied_value_is_put_back_where_somebody_unapproved_writes_it(
    who: str, value: str, verdict: Verdict | None
) -> None:
    plan = _denied(Story()).change(1000, who, state=("on", value), is_live=False).plan(_NOW, state=value)
    assert verdicts(plan) == ({"state": verdict} if verdict else {})


def test_a_denied_value_whose_record_may_still_come_waits() -> None:
    assert verdicts(_denied(Story()).plan(1000, state="off")) == {"state": Verdict.WAIT_UNEXPLAINED}


@pytest.mark.parametrize(("value", "is_denied"), [("off", False), ("dim", True)])
def test_who_accepts_the_denied_value_ends_that(value: str, *, is_denied: bool) -> None:
    acceptance = Acceptance(at=at(1000), by="Paula", leaves={"state": value}, only=("state",))
    state = wishes.with_acceptance(_denied(Story()).state, acceptance)
    assert bool(state.denied) is is_denied


# What is to stand.


def test_an_accepted_change_covers_its_own_leaves() -> None:
    account = _account(_MALLORYS, state="off", guests_Mal=True, colour="blue")
    leaves = wishes.leaves_of(account, ("Mallory 600",))
    assert wishes.accepted(account, leaves, ("Mallory 600",)).leaves == {"state": "off", "guests[Mal]": True}


def test_what_another_wrote_into_an_accepted_object_is_not_accepted_with_it() -> None:
    story = Story().absent().change(600, "Mallory", Op.CREATE, state=(None, "on"), colour=(None, "red"))
    story = story.change(700, "Mark", state=("on", "off"))
    account = _account(story, state="off", guests_Ann=None)
    target = wishes.accepted(account, wishes.leaves_of(account, ("Mallory 600",)), ("Mallory 600",))
    assert (target.is_whole, target.leaves["state"], target.leaves["colour"]) == (True, "on", "red")
    assert set(target.notes) == {"state"}


def test_what_is_taken_back_is_the_baseline_of_its_leaves() -> None:
    account = _account(_MALLORYS, state="off", guests_Mal=True, colour="blue")
    target = wishes.taken_back(account, wishes.leaves_of(account, ("Mallory 600",)), ("Mallory 600",))
    assert (target.leaves, target.notes) == ({"state": "on", "guests[Mal]": None}, {})


def test_what_nobody_has_accepted_is_taken_back_with_a_word() -> None:
    story = Story().first_seen().change(600, "Mallory", state=("on", "off"))
    target = wishes.taken_back(_account(story, state="off"), {"state"}, ("Mallory 600",))
    assert (target.leaves, target.notes) == ({"state": "on"}, {"state": wishes.UNSEEN})


def test_an_approved_change_is_taken_back_to_what_stood_before() -> None:
    story = Story().change(600, "Alice", state=("on", "off"))
    account = _account(story, without=("Alice 600",), state="off")
    assert wishes.taken_back(account, {"state"}, ("Alice 600",)).leaves == {"state": "on"}
    accepted = story.accepted(700, state="off")
    account = _account(accepted, without=("Alice 600",), state="off")
    assert wishes.taken_back(account, {"state"}, ("Alice 600",)).leaves == {"state": "on"}, "also once accepted"


def test_a_creation_is_taken_back_whole_and_so_is_a_deletion() -> None:
    made = Story().absent().change(600, "Mallory", Op.CREATE, state=(None, "on"))
    target = wishes.taken_back(_account(made), {EXISTS}, ("Mallory 600",))
    assert (target.is_whole, target.leaves) == (True, {})
    gone = Story().change(600, "Mallory", Op.DELETE)
    target = wishes.taken_back(_account(gone, gone=True), {EXISTS}, ("Mallory 600",))
    assert (target.is_whole, target.leaves) == (True, LAMP)


def test_an_undo_gives_what_stood_before_the_first_of_several_writes() -> None:
    intents = [
        _intent(700, Op.UPDATE, {"state": ("off", "dim")}),
        _intent(710, Op.UPDATE, {"state": ("dim", "on"), "colour": ("blue", "red")}),
    ]
    assert wishes.undone(_account(Story()), intents, {}).leaves == {"state": "off", "colour": "blue"}


@pytest.mark.parametrize(("op", "leaves"), [(Op.DELETE, LAMP), (Op.CREATE, {})])
def test_the_undo_of_a_deletion_is_the_object_and_that_of_a_creation_nothing(
    op: Op, leaves: Mapping[str, Json]
) -> None:
    target = wishes.undone(_account(Story()), [_intent(700, op, {})], {"intent 700": LAMP} if leaves else {})
    assert (target.is_whole, target.leaves) == (True, leaves)


def test_what_others_wrote_after_a_put_back_is_said_before_it_is_undone() -> None:
    story = Story().change(900, "Alice", state=("on", "dim"))
    intents = [_intent(700, Op.UPDATE, {"state": ("off", "on"), "colour": ("blue", "red")})]
    assert wishes.undone(_account(story, state="dim"), intents, {}).notes == {"state": "changed since by Alice"}


def test_only_what_differs_is_restored() -> None:
    version = Version(at=at(100), leaves=lamp(state="dim", colour=None))
    target = wishes.restored(_account(Story()), version)
    assert (target.is_whole, target.leaves) == (False, {"state": "dim", "colour": None})
    assert wishes.restored(_account(Story(), gone=True), version).is_whole
    assert wishes.restored(_account(Story()), Version(at=at(100), leaves={})).leaves == {}


def test_an_object_that_is_not_to_be_there_is_undone_with_its_existence() -> None:
    """It was switched off instead of being deleted: switching it on again is wanting it."""
    story = Story().absent().change(600, "Mallory", Op.CREATE, state=(None, "on"), colour=(None, "red"))
    account = _account(story, state="off", guests_Ann=None)
    target = wishes.with_existence(account, Target(leaves={"state": "on"}))
    assert (target.is_whole, target.leaves) == (True, {EXISTS: True, "state": "on", "colour": "red"})
    assert not wishes.with_existence(_account(Story()), Target(leaves={"state": "off"})).is_whole


# A stolen account.

_STOLEN: Final = ("Alice 600", "Alice 700")


def _stolen(story: Story, **stands: Any) -> tuple[Mapping[str, Json] | None, Mapping[str, str]]:  # noqa: ANN401 - leaves
    account = _account(story, without=_STOLEN, **stands)
    target = wishes.taken_from(account, wishes.leaves_of(account, _STOLEN), _STOLEN)
    return target.leaves if target else None, wishes.kept_from(account, _STOLEN)


def test_what_a_stolen_account_wrote_is_taken_back_to_before_it() -> None:
    story = Story().change(500, "Alice", state=("on", "dim")).change(600, "Alice", state=("dim", "off"))
    story = story.change(700, "Alice", state=("off", "blue"), guests_Mal=(None, True))
    assert _stolen(story, state="blue", guests_Mal=True) == ({"state": "dim", "guests[Mal]": None}, {})


@pytest.mark.parametrize(
    ("story", "stands", "why"),
    [
        pytest.param(
            Story().change(600, "Alice", state=("on", "off")).change(900, "Bob", state=("off", "dim")),
            {"state": "dim"},
            "written since by Bob",
            id="another wrote over it",
        ),
        pytest.param(
            Story().change(600, "Alice", state=("on", "off")).accepted(900, state="off"),
            {"state": "off"},
            "accepted since by a person",
            id="a person accepted it",
        ),
        pytest.param(
            Story().first_seen().change(600, "Alice", state=("on", "off")),
            {"state": "off"},
            "nobody had accepted the value before",
            id="what was before is only seen",
        ),
    ],
)
def test_what_leans_on_a_stolen_account_stays_and_is_named(story: Story, stands: Mapping[str, Json], why: str) -> None:
    taken, stays = _stolen(story, **stands)
    assert taken is None
    assert stays["state"].startswith(why)


def test_what_a_stolen_account_made_is_taken_away_though_its_absence_was_only_seen() -> None:
    """Its record proves that it wasn't there."""
    story = Story().first_seen({}).change(600, "Alice", Op.CREATE, state=(None, "on"))
    assert _stolen(story, guests_Ann=None, colour=None) == ({}, {})
