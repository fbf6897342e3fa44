from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.kinds import Risk
from shared.model.objects import (
    EXISTS,
    WHOLE,
    BaselineLeaf,
    LeafVerdict,
    Objection,
    ObjectPlan,
    Op,
    Provenance,
    Step,
    Verdict,
)
from shared.objects.guards import GUARDS, Assessed, Facts, Guard, Place, Spent, Waiting, allowed, objections
from tests.fakes.object_stories import Story, at

_UPDATE = Story().change(600, "Mallory", state=("on", "off"), colour=("red", "blue"))
_CREATION = Story().change(600, "Mallory", Op.DELETE)
_DELETION = Story().absent().change(600, "Mallory", Op.CREATE, state=(None, "on"))
_LAWS: Final = {guard.id for guard in GUARDS}
NOTHING_SPENT: Final = Spent(now=at(700))


def facts_of(story: Story, plan: ObjectPlan, **differences: Any) -> Facts:  # noqa: ANN401 - the fields of Facts
    changes = {judged.change.id: judged for judged in story.changes}
    assert plan.op is not None
    facts = Facts(
        op=plan.op,
        steps=plan.steps,
        assessed=Assessed(),
        baseline=plan.baseline,
        verdicts=plan.verdicts,
        changes=changes,
        is_stopped=False,
        is_configured=True,
        spent=NOTHING_SPENT,
        limit=10,
        limit_in_all=20,
        decision="lamp",
    )
    return msgspec.structs.replace(facts, **differences)


def update(**differences: Any) -> Facts:  # noqa: ANN401 - the fields of Facts
    return facts_of(_UPDATE, _UPDATE.plan(700, state="off", colour="blue"), **differences)


def creation(**differences: Any) -> Facts:  # noqa: ANN401 - the fields of Facts
    return facts_of(_CREATION, _CREATION.plan(700, gone=True), **differences)


def deletion(**differences: Any) -> Facts:  # noqa: ANN401 - the fields of Facts
    return facts_of(_DELETION, _DELETION.plan(700), **differences)


def with_provenance(facts: Facts, how: Provenance, *leaves: str) -> Facts:
    old = facts.baseline
    changed = {
        leaf: BaselineLeaf(value=old[leaf].value if leaf in old else None, provenance=how, since=at(0))
        for leaf in leaves
    }
    return msgspec.structs.replace(facts, baseline={**old, **changed})


def gains(*who: str) -> Assessed:
    return Assessed(gains=frozenset(who))


def loses(*who: str) -> Assessed:
    return Assessed(loses=frozenset(who))


def spent(*places: str, now: float = 700, waiting: tuple[Waiting, ...] = ()) -> Spent:
    """Take places, "ACTOR DECISION SECOND" each; "" is for those in all."""
    taken = [each.rsplit(" ", 2) for each in places]
    return Spent(
        now=at(now),
        places=tuple(
            Place(actor=actor, number=number, decision=decision, at=at(float(second)))
            for number, (actor, decision, second) in enumerate(taken)
        ),
        waiting=waiting,
    )


SPENT: Final = spent("mallory a 100", "mallory b 200", " a 100", " b 200", " c 300")
ANN: Final = frozenset({"ann"})
EDITED: Final = {_UPDATE.changes[0].change.id: _UPDATE.changes[0]}


@pytest.mark.parametrize("facts", [update(), creation(), deletion()], ids=["update", "creation", "deletion"])
def test_nothing_stands_in_the_way(facts: Facts) -> None:
    assert objections(facts) == {}
    found = allowed(facts, lambda _op, _steps: Assessed())
    assert (found.op, found.steps, found.objections) == (facts.op, facts.steps, {})


CASES: Final = (
    ("kill-switch", update(is_stopped=True), {WHOLE}, True),
    ("kill-switch", update(is_stopped=None), {WHOLE}, True),
    ("tenant-configured", update(is_configured=False), {WHOLE}, False),
    ("provenance", with_provenance(update(), Provenance.FIRST_SEEN, "state"), {"state"}, False),
    ("provenance", with_provenance(update(), Provenance.BRACKETED, "state"), {"state"}, False),
    ("provenance", with_provenance(creation(), Provenance.FIRST_SEEN, "colour"), {WHOLE}, False),
    (
        "provenance",
        with_provenance(
            deletion(op=Op.UPDATE, steps={"state": ("on", "off")}, changes={}), Provenance.FIRST_SEEN, EXISTS
        ),
        {WHOLE},
        False,
    ),
    ("provenance", with_provenance(deletion(changes=EDITED), Provenance.FIRST_SEEN, EXISTS), {WHOLE}, False),
    ("emergency-account", update(assessed=loses("ann"), emergency=ANN), {WHOLE}, True),
    ("protected-principal", update(assessed=loses("ann"), protected=ANN), {WHOLE}, True),
    ("protected-principal", update(assessed=loses("ann"), protected=None), {WHOLE}, True),
    ("disabled-account", update(assessed=gains("ann"), disabled=ANN), {WHOLE}, True),
    ("disabled-account", update(assessed=gains("ann"), unread=ANN), {WHOLE}, True),
    ("named-in-case", update(assessed=gains("ann"), named=ANN), {WHOLE}, True),
    ("named-in-case", update(assessed=gains("ann"), named=None), {WHOLE}, True),
    ("restrained", update(assessed=gains("ann"), restrained=ANN), {WHOLE}, True),
    ("restrained", update(assessed=gains("ann"), restrained=None), {WHOLE}, True),
    (
        "cannot-come-back",
        update(steps={"state": ("off", None)}, unreturnable=frozenset({"state"})),
        {"state"},
        False,
    ),
    ("cannot-come-back", deletion(unreturnable=frozenset({EXISTS})), {WHOLE}, False),
    ("hourly-limit", update(spent=None), {WHOLE}, True),
    ("hourly-limit", update(spent=SPENT, limit=2), {WHOLE}, True),
    ("hourly-limit", update(spent=SPENT, limit_in_all=3), {WHOLE}, True),
    ("hourly-limit", update(spent=SPENT, limit_in_all=2), {WHOLE}, True),
)


@pytest.mark.parametrize(("guard", "facts", "leaves", "can_pass"), CASES)
def test_each_guard_objects_and_nothing_else_would(
    guard: str, facts: Facts, leaves: set[str], *, can_pass: bool
) -> None:
    found = objections(facts)
    assert {leaf: objection.guard for leaf, objection in found.items()} == dict.fromkeys(leaves, guard)
    assert {objection.can_pass for objection in found.values()} == {can_pass}
    assert all(objection.because for objection in found.values())
    others = [each for each in GUARDS if each.id != guard]
    assert objections(facts, others) == {}


def test_every_guard_is_played() -> None:
    assert {case[0] for case in CASES} == _LAWS


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(
            update(assessed=gains("bea"), disabled=ANN, unread=ANN, named=ANN, restrained=ANN), id="others gain"
        ),
        pytest.param(update(assessed=loses("bea"), emergency=ANN, protected=ANN), id="others lose"),
        pytest.param(update(assessed=loses("ann"), disabled=ANN, named=ANN, restrained=ANN), id="it loses, not gains"),
        pytest.param(update(assessed=gains("ann"), emergency=ANN, protected=ANN), id="it gains, not loses"),
        pytest.param(update(protected=None, named=None, restrained=None), id="nobody gains or loses"),
        pytest.param(update(spent=SPENT, limit=6, limit_in_all=4), id="just under the limits"),
        pytest.param(update(spent=SPENT, limit=2, limit_in_all=3, decision="a"), id="it counts already"),
        pytest.param(
            update(steps={"state": ("off", None)}, unreturnable=frozenset({"state"}), chosen_by_name={"Mallory 600"}),
            id="enforce was chosen by name",
        ),
        pytest.param(
            deletion(unreturnable=frozenset({EXISTS}), chosen_by_name={"Mallory 600"}),
            id="enforce was chosen by name, and all is taken away",
        ),
        pytest.param(update(unreturnable=frozenset({"state"})), id="it is given back, not taken away"),
        pytest.param(
            with_provenance(deletion(), Provenance.FIRST_SEEN, EXISTS, WHOLE), id="a record says that it was made"
        ),
        pytest.param(with_provenance(update(), Provenance.PUT_BACK, "state", "colour"), id="put back before"),
        pytest.param(with_provenance(update(), Provenance.APPROVED, "state", "colour"), id="approved"),
        pytest.param(with_provenance(update(), Provenance.FIRST_SEEN, "guests[Ann]", WHOLE), id="other leaves"),
    ],
)
def test_guards_let_pass_what_is_none_of_their_business(facts: Facts) -> None:
    assert objections(facts) == {}


_SIX: Final = tuple("fadbec")
_ALL: Final = frozenset(_SIX)


@pytest.mark.parametrize(
    "facts",
    [
        update(assessed=loses(*_SIX), emergency=_ALL),
        update(assessed=loses(*_SIX), protected=_ALL),
        update(assessed=gains(*_SIX), disabled=_ALL),
        update(assessed=gains(*_SIX), unread=_ALL),
        update(assessed=gains(*_SIX), named=_ALL),
    ],
)
def test_principals_are_named_in_order(facts: Facts) -> None:
    assert ", ".join(sorted(_SIX)) in objections(facts)[WHOLE].because


def test_leaves_of_what_is_to_be_restored_are_named_in_order() -> None:
    facts = with_provenance(creation(), Provenance.FIRST_SEEN, *creation().steps)
    assert objections(facts)[WHOLE].because.endswith("colour, exists, guests[Ann], state")


def test_a_deletion_that_no_creation_explains_needs_a_baseline_that_somebody_accepted() -> None:
    facts = with_provenance(deletion(changes={}), Provenance.FIRST_SEEN, EXISTS, WHOLE)
    assert objections(facts)[WHOLE].guard == "provenance"


def test_a_leaf_that_is_absent_in_the_baseline_has_the_provenance_of_all_that_is_absent() -> None:
    story = Story().first_seen().change(600, "Mallory", glow=(None, "x"))
    assert objections(facts_of(story, story.plan(700, glow="x")))["glow"].guard == "provenance"
    accepted = Story().change(600, "Mallory", glow=(None, "x"))
    assert objections(facts_of(accepted, accepted.plan(700, glow="x"))) == {}


_UNASKED_ONLY: Final = {
    "disabled-account",
    "named-in-case",
    "restrained",
    "cannot-come-back",
    "hourly-limit",
}
"""Guards that a person passes who asks for a write; every other one holds for him too."""


@pytest.mark.parametrize(("guard", "facts", "leaves", "can_pass"), CASES)
def test_some_guards_hold_too_where_a_person_asked(
    guard: str,
    facts: Facts,
    leaves: set[str],
    *,
    can_pass: bool,  # noqa: ARG001 - of the table
) -> None:
    asked = objections(msgspec.structs.replace(facts, is_asked=True))
    assert asked.keys() == (set[str]() if guard in _UNASKED_ONLY else leaves)


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.id)
def test_every_guard_says_why_it_is_there(guard: Guard) -> None:
    assert guard.why


def test_the_kinds_own_objections_come_last() -> None:
    own = {"state": Objection(guard="own", because="it would go dark", can_pass=True)}
    facts = update(assessed=Assessed(objections=own))
    assert objections(facts) == own
    both = with_provenance(facts, Provenance.FIRST_SEEN, "state")
    assert objections(both)["state"].guard == "provenance"


type Assess = Callable[[Op, Mapping[str, Step]], Assessed]


def harms_where(*leaves: str) -> Assess:
    """A kind that objects to the whole difference as long as any of these leaves is in it."""

    def assess(_op: Op, steps: Mapping[str, Step]) -> Assessed:
        hit = [leaf for leaf in leaves if leaf in steps]
        objection = Objection(guard="own", because=f"{hit} would harm", can_pass=True)
        return Assessed(objections={WHOLE: objection} if hit else {})

    return assess


def test_what_harms_nobody_is_put_back_and_the_rest_is_pending_by_name() -> None:
    found = allowed(update(), harms_where("state"))
    assert (found.op, list(found.steps)) == (Op.UPDATE, ["colour"])
    assert {leaf: objection.guard for leaf, objection in found.objections.items()} == {"state": "own"}


@pytest.mark.parametrize(
    ("guard", "facts", "assessed"),
    [
        ("emergency-account", update(emergency=ANN), loses("ann")),
        ("protected-principal", update(protected=ANN), loses("ann")),
        ("disabled-account", update(disabled=ANN), gains("ann")),
        ("named-in-case", update(named=ANN), gains("ann")),
        ("restrained", update(restrained=ANN), gains("ann")),
    ],
)
def test_what_touches_a_principal_by_one_leaf_is_put_back_without_it(
    guard: str, facts: Facts, assessed: Assessed
) -> None:
    found = allowed(facts, lambda _op, steps: assessed if "state" in steps else Assessed())
    assert (found.op, list(found.steps)) == (Op.UPDATE, ["colour"])
    assert {leaf: objection.guard for leaf, objection in found.objections.items()} == {"state": guard}


def test_a_leaf_that_a_guard_names_is_left_out() -> None:
    found = allowed(with_provenance(update(), Provenance.FIRST_SEEN, "state"), harms_where())
    assert (list(found.steps), list(found.objections)) == (["colour"], ["state"])


def test_what_is_objected_to_beside_the_difference_is_nothing_that_waits() -> None:
    objection = Objection(guard="own", because="it would go dark", can_pass=True)
    both = Assessed(objections={"state": objection, "glow": objection})
    found = allowed(update(), lambda _op, steps: both if "state" in steps else Assessed())
    assert (list(found.steps), list(found.objections)) == (["colour"], ["state"])


def test_the_rest_is_judged_again_without_it() -> None:
    def only_together(_op: Op, steps: Mapping[str, Step]) -> Assessed:
        objection = Objection(guard="own", because="colour alone harms", can_pass=True)
        return Assessed(objections={} if "state" in steps else {"colour": objection})

    found = allowed(with_provenance(update(), Provenance.FIRST_SEEN, "state"), only_together)
    assert (found.op, found.steps) == (None, {})
    assert {leaf: objection.guard for leaf, objection in found.objections.items()} == {
        "state": "provenance",
        "colour": "own",
    }


@pytest.mark.parametrize(
    "facts",
    [
        update(is_stopped=True),
        update(spent=None),
        update(is_configured=False),
    ],
)
def test_what_is_against_any_write_is_against_each_leaf(facts: Facts) -> None:
    asked: list[int] = []

    def assess(_op: Op, steps: Mapping[str, Step]) -> Assessed:
        asked.append(len(steps))
        return Assessed()

    found = allowed(facts, assess)
    assert (found.op, found.steps, set(found.objections)) == (None, {}, {"state", "colour"})
    assert asked == [2]


LEAVES: Final = tuple(f"leaf{number}" for number in range(9))
_STEPS: Final[dict[str, Any]] = dict.fromkeys(LEAVES, (None, "x"))
_STAND: Final[dict[str, Any]] = dict.fromkeys(LEAVES, "x")
STORY: Final = Story().change(600, "Mallory", **_STEPS)
PLAN: Final = STORY.plan(700, **_STAND)


def test_what_is_against_any_write_is_said_also_of_a_leaf_that_a_guard_names() -> None:
    found = allowed(with_provenance(update(is_stopped=True), Provenance.FIRST_SEEN, "state"), harms_where())
    assert {leaf: objection.guard for leaf, objection in found.objections.items()} == {
        "state": "kill-switch",
        "colour": "kill-switch",
    }


@pytest.mark.parametrize(
    ("found", "shown"),
    [
        (("leaf1",), "leaf1"),
        (("leaf1", WHOLE), WHOLE),
        ((WHOLE, "leaf2"), "leaf2"),
        (("leaf1", "leaf2"), "leaf2"),
    ],
)
def test_a_leaf_shows_the_objection_to_itself_else_to_the_whole_else_to_another(
    found: tuple[str, ...], shown: str
) -> None:
    """What a leaf would do to one that may be written keeps it out, and people read why."""

    def assess(_op: Op, steps: Mapping[str, Step]) -> Assessed:
        named = (WHOLE,) if "leaf0" in steps else found if "leaf2" in steps else ()
        return Assessed(objections={each: Objection(guard=each, because="it harms", can_pass=True) for each in named})

    three = {leaf: PLAN.steps[leaf] for leaf in LEAVES[:3]}
    left = allowed(facts_of(STORY, PLAN, steps=three), assess)
    assert left.steps.keys() == {"leaf1"}
    assert {leaf: each.guard for leaf, each in left.objections.items()} == {"leaf0": WHOLE, "leaf2": shown}


@pytest.mark.parametrize("facts", [creation(), deletion()])
def test_an_object_is_made_or_taken_away_as_a_whole(facts: Facts) -> None:
    found = allowed(facts, harms_where(EXISTS))
    assert (found.op, found.steps, set(found.objections)) == (None, {}, set(facts.steps))


def test_one_leaf_that_may_not_be_written_keeps_the_object_from_being_made() -> None:
    own = {"colour": Objection(guard="own", because="no such colour", can_pass=False)}
    found = allowed(creation(), lambda _op, steps: Assessed(objections=own if "colour" in steps else {}))
    assert (found.op, set(found.objections)) == (None, set(creation().steps))


def test_an_object_that_is_made_harmless_is_so_as_a_whole() -> None:
    facts = deletion(op=Op.UPDATE, steps={"state": ("on", "off"), "colour": ("red", "grey")})
    assert facts.takes_away
    found = allowed(facts, harms_where("colour"))
    assert (found.op, set(found.objections)) == (None, {"state", "colour"})


def test_an_object_that_stands_as_it_should_is_not_taken_away() -> None:
    facts = update(verdicts={**update().verdicts, EXISTS: LeafVerdict(verdict=Verdict.MISSING)})
    assert not facts.takes_away


@given(harmful=st.sets(st.sampled_from(LEAVES)), unaccepted=st.sets(st.sampled_from(LEAVES)))
def test_exactly_the_harmless_leaves_are_written(harmful: set[str], unaccepted: set[str]) -> None:
    facts = with_provenance(facts_of(STORY, PLAN), Provenance.FIRST_SEEN, *unaccepted)
    found = allowed(facts, harms_where(*harmful))
    assert set(found.steps) == set(LEAVES) - harmful - unaccepted
    assert set(found.objections) == harmful | unaccepted


@given(pairs=st.sets(st.frozensets(st.sampled_from(LEAVES), min_size=2, max_size=2), max_size=6))
def test_what_is_written_has_passed_every_guard_as_a_whole(pairs: set[frozenset[str]]) -> None:
    def assess(_op: Op, steps: Mapping[str, Step]) -> Assessed:
        hit = any(pair <= steps.keys() for pair in pairs)
        objection = Objection(guard="own", because="together they harm", can_pass=True)
        return Assessed(objections={WHOLE: objection} if hit else {})

    found = allowed(facts_of(STORY, PLAN), assess)
    assert assess(Op.UPDATE, found.steps).objections == {}
    assert found.steps.keys() | found.objections.keys() == set(LEAVES)
    assert all(assess(Op.UPDATE, {**found.steps, leaf: (None, "x")}).objections for leaf in found.objections)


# The hourly limit.

HOUR: Final = 3600


def limited(
    spent: Spent, *, limit: int = 2, risk: Risk = Risk.HIGH, since: float = 600, is_ours: bool = False
) -> Objection | None:
    """Ask the limit about Mallory's change of a lamp."""
    facts = update(spent=spent, limit=limit, is_ours=is_ours)
    changes = {
        name: msgspec.structs.replace(
            each, change=msgspec.structs.replace(each.change, risk=risk, arrived_at=at(since))
        )
        for name, each in facts.changes.items()
    }
    return objections(msgspec.structs.replace(facts, changes=changes)).get(WHOLE)


def waits(decision: str, second: float, *, risk: Risk = Risk.HIGH) -> Waiting:
    return Waiting(decision=decision, actor="mallory", risk=risk, since=at(second))


@pytest.mark.parametrize(
    ("places", "waiting", "until"),
    [
        pytest.param(("mallory a 100", "mallory b 200"), (), 100 + HOUR, id="the first place that becomes free"),
        pytest.param(("mallory a 100", "mallory b 200"), (waits("x", 1),), 200 + HOUR, id="the second: one goes first"),
        pytest.param(
            ("mallory a 100", "mallory b 200"),
            tuple(waits(f"{each}", each) for each in range(5)),
            200 + 3 * HOUR,
            id="two an hour: the sixth in the third hour",
        ),
        pytest.param(
            ("mallory a 100", "mallory b 200", "mallory c 300"), (), 200 + HOUR, id="the limit was lowered meanwhile"
        ),
        pytest.param(("mallory a 100",), (waits("x", 1),), 100 + HOUR, id="the last free place is another's"),
        pytest.param((), (waits("x", 1), waits("y", 2)), None, id="all places are free, and others'"),
    ],
)
def test_who_waits_for_a_place_until_when(
    places: tuple[str, ...], waiting: tuple[Waiting, ...], until: float | None
) -> None:
    found = limited(spent(*places, waiting=waiting))
    assert found is not None
    assert found.until == (None if until is None else at(until))
    is_one_free = len(places) < 2
    assert ("go first" in found.because) is is_one_free
    assert ("is reached" in found.because) is not is_one_free


@pytest.mark.parametrize(
    ("places", "waiting"),
    [
        pytest.param(("mallory a 100",), (waits("x", 601),), id="what is younger doesn't go first"),
        pytest.param(("mallory a 100",), (waits("x", 1, risk=Risk.LOW),), id="nor what is less risky"),
        pytest.param(("mallory a 100",), (waits("lamp", 1),), id="nor what was noted of the same one before"),
        pytest.param(("mallory a 100", "trudy b 200"), (), id="another actor's places"),
        pytest.param(("mallory a -2901", "mallory b 200"), (), id="an hour ago"),
        pytest.param(("mallory lamp 100", "mallory b 200", " lamp 100"), (), id="it has its place already"),
    ],
)
def test_who_need_not_wait_for_a_place(places: tuple[str, ...], waiting: tuple[Waiting, ...]) -> None:
    assert limited(spent(*places, waiting=waiting)) is None


@pytest.mark.parametrize(
    ("spent", "limit_in_all", "until"),
    [(SPENT, 3, at(100 + HOUR)), (NOTHING_SPENT, 0, None)],
)
def test_a_place_among_those_in_all_is_free_when_the_oldest_put_back_is_an_hour_old(
    spent: Spent, limit_in_all: int, until: datetime | None
) -> None:
    found = objections(update(spent=spent, limit_in_all=limit_in_all))[WHOLE]
    assert (found.guard, found.until) == ("hourly-limit", until)


@pytest.mark.parametrize(
    ("risk", "since", "is_kept"),
    [
        (Risk.HIGH, 699, False),
        (Risk.MEDIUM, 699, True),
        (Risk.LOW, 401, True),
        (Risk.LOW, 400, False),
        (Risk.LOW, 300, False),
    ],
)
def test_half_of_the_places_are_kept_for_the_riskiest_for_a_while(risk: Risk, since: float, *, is_kept: bool) -> None:
    """What comes first may be decoys."""
    found = limited(spent("mallory a 100", "mallory b 200"), limit=4, risk=risk, since=since)
    assert (found is not None) is is_kept
    if found is not None:
        assert found.until == at(since + 300)
    one_free = limited(spent("mallory a 100", "mallory b 200", "mallory c 300"), limit=4, risk=risk, since=since)
    assert (one_free is not None) is is_kept
    assert limited(spent("mallory a 100"), limit=4, risk=risk, since=since) is None


@pytest.mark.parametrize("is_ours", [True, False])
def test_what_the_responder_hears_by_waits_for_no_place_that_is_kept(*, is_ours: bool) -> None:
    taken = spent("mallory a 100", "mallory b 200")
    assert (limited(taken, limit=4, risk=Risk.LOW, since=699, is_ours=is_ours) is None) is is_ours


def test_what_has_taken_its_place_is_not_asked_again() -> None:
    assert objections(update(spent=None, has_place=True)) == {}
