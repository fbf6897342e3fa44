from datetime import timedelta
from itertools import pairwise, permutations
from typing import Any

import msgspec
import pytest

from shared.model.cases import Standing
from shared.model.events import Actor, AuditEvent, Change, ResourceEvent, Target
from shared.model.objects import JudgedChange, Op, Recorded
from shared.objects.folding import change_id, fold_copies, history
from tests.fakes.object_stories import LAMP, RULES, Story, at

_RECORDED = Recorded(object_id="1", name="the lamp", op=Op.UPDATE)
_AUDIT = AuditEvent(
    id="r1",
    tenant_id="t",
    at=at(600),
    activity="Update lamp",
    category="",
    service="",
    outcome="success",
    reason="",
    correlation_id="c1",
    actor=Actor(id="mallory"),
    targets=(Target(id="1", changes=(Change(name="State", old="on", new="off"),)), Target(id="2")),
)
_RESOURCE = ResourceEvent(
    id="r1",
    tenant_id="t",
    subscription_id="s",
    at=at(600),
    operation="Microsoft.Lamps/write",
    outcome="success",
    correlation_id="c1",
    actor=Actor(id="mallory"),
    resource_id="/lamps/1",
)


OFF: dict[str, Any] = {"state": ("on", "off")}


def other(event: Any, **differences: Any) -> Any:  # noqa: ANN401 - any event
    return msgspec.structs.replace(event, **differences)


@pytest.mark.parametrize(
    ("event", "same"),
    [
        pytest.param(_AUDIT, other(_AUDIT, id="r2"), id="another record"),
        pytest.param(_AUDIT, other(_AUDIT, correlation_id="c2"), id="another correlation id"),
        pytest.param(_AUDIT, other(_AUDIT, at=at(600.9)), id="the same second"),
        pytest.param(_AUDIT, other(_AUDIT, targets=_AUDIT.targets[::-1]), id="targets in another order"),
        pytest.param(_AUDIT, other(_AUDIT, actor=Actor(id="MALLORY", name="M")), id="an id in capitals"),
        pytest.param(_RESOURCE, other(_RESOURCE, operation="microsoft.lamps/WRITE"), id="an operation in capitals"),
    ],
)
def test_the_same_change_has_the_same_id(event: Any, same: Any) -> None:  # noqa: ANN401 - any event
    assert change_id(event, _RECORDED) == change_id(same, _RECORDED)


@pytest.mark.parametrize(
    ("event", "another"),
    [
        pytest.param(_AUDIT, other(_AUDIT, at=at(601)), id="another second"),
        pytest.param(_AUDIT, other(_AUDIT, activity="Delete lamp"), id="another activity"),
        pytest.param(_AUDIT, other(_AUDIT, actor=Actor(id="mark")), id="another actor"),
        pytest.param(_AUDIT, other(_AUDIT, targets=(*_AUDIT.targets, Target(id="3"))), id="one more target"),
        pytest.param(
            _AUDIT,
            other(_AUDIT, targets=(other(_AUDIT.targets[0], changes=(Change(name="State", old="on", new="dim"),)),)),
            id="another value",
        ),
        pytest.param(_RESOURCE, other(_RESOURCE, resource_id="/lamps/2"), id="another resource"),
        pytest.param(_RESOURCE, other(_RESOURCE, request_body="{}"), id="another body"),
    ],
)
def test_another_change_has_another_id(event: Any, another: Any) -> None:  # noqa: ANN401 - any event
    assert change_id(event, _RECORDED) != change_id(another, _RECORDED)


def test_a_record_about_two_objects_is_two_changes() -> None:
    assert change_id(_AUDIT, _RECORDED) != change_id(_AUDIT, other(_RECORDED, object_id="2"))


def test_what_the_tenant_says_of_one_copy_counts_for_the_action() -> None:
    story = Story().change(600, "Mallory", source="a", **OFF).change(601, "Mallory", source="b", **OFF)
    delivered, logged = story.changes
    hint = msgspec.structs.replace(delivered, change=other(delivered.change, is_confirmed=False))
    expiry = msgspec.structs.replace(logged, change=other(logged.change, is_expiry=True))
    for copies in permutations((hint, expiry)):
        (folded,) = fold_copies(copies, RULES)
        assert folded.change.is_confirmed
        assert folded.change.is_expiry


def ids(changes: tuple[JudgedChange, ...]) -> list[str]:
    return sorted(judged.change.id for judged in fold_copies(changes, RULES))


@pytest.mark.parametrize(
    ("story", "left"),
    [
        pytest.param(
            Story().change(600, "Mallory", source="a", **OFF).change(605, "Mallory", source="b", **OFF),
            ["Mallory 600a"],
            id="two logs, 5 s apart",
        ),
        pytest.param(
            Story().change(605, "Mallory", source="a", **OFF).change(600, "Mallory", source="b", **OFF),
            ["Mallory 600b"],
            id="the other log is first",
        ),
        pytest.param(
            Story().change(600, "Mallory", source="a", **OFF).change(605.1, "Mallory", source="b", **OFF),
            ["Mallory 600a", "Mallory 605.1b"],
            id="farther apart",
        ),
        pytest.param(
            Story().change(600, "Mallory", source="a", **OFF).change(602, "Mallory", source="a", **OFF),
            ["Mallory 600a", "Mallory 602a"],
            id="copies of one log",
        ),
        pytest.param(
            Story()
            .change(600, "Mallory", source="a", **OFF)
            .change(602, "Mallory", source="a", **OFF)
            .change(603, "Mallory", source="b", **OFF)
            .change(604, "Mallory", source="b", **OFF),
            ["Mallory 600a", "Mallory 602a"],
            id="the nth of one log is the nth of the other",
        ),
        pytest.param(
            Story()
            .change(600, "Mallory", source="a", **OFF)
            .ours(601, state=("off", "on"))
            .change(602, "Mallory", source="a", **OFF)
            .change(603, "Mallory", source="b", **OFF),
            ["Mallory 600a", "Mallory 602a", "we 601"],
            id="whatever lies between",
        ),
        pytest.param(
            Story().change(600, "Mallory", source="a", **OFF).change(601, "Mark", source="b", **OFF),
            ["Mallory 600a", "Mark 601b"],
            id="another actor",
        ),
        pytest.param(
            Story().change(600, "Mallory", source="a", **OFF).change(601, "Mallory", source="b", state=("on", "dim")),
            ["Mallory 600a", "Mallory 601b"],
            id="another value",
        ),
        pytest.param(
            Story()
            .change(600, "Mallory", source="a", **OFF)
            .change(601, "Mallory", source="b", colour=("red", "blue")),
            ["Mallory 600a", "Mallory 601b"],
            id="another leaf",
        ),
        pytest.param(
            Story().change(600, "Mallory", source="a", **OFF).change(601, "Mallory", Op.DELETE, source="b"),
            ["Mallory 600a", "Mallory 601b"],
            id="another operation",
        ),
        pytest.param(
            Story().change(600, "Mallory", source="a", is_whole=False).change(601, "Mallory", source="b", **OFF),
            ["Mallory 600a", "Mallory 601b"],
            id="a change without values can't hide behind another one",
        ),
        pytest.param(
            Story()
            .change(600, "Mallory", source="a", is_whole=False, **OFF)
            .change(601, "Mallory", source="a", **OFF)
            .change(602, "Mallory", source="b", **OFF),
            ["Mallory 600a", "Mallory 601a"],
            id="the exact copy goes first",
        ),
        pytest.param(
            Story()
            .change(600, "Mallory", source="a", is_whole=False)
            .change(601, "Mallory", source="b", is_whole=False),
            ["Mallory 600a"],
            id="two logs without values",
        ),
        pytest.param(
            Story()
            .change(600, "Mallory", source="a", is_whole=False)
            .change(601, "Mallory", Op.CREATE, source="b", is_whole=False),
            ["Mallory 600a"],
            id="one log doesn't tell a creation from a change",
        ),
    ],
)
def test_copies_fold_across_two_logs_and_nothing_else(story: Story, left: list[str]) -> None:
    assert ids(story.changes) == left
    assert ids(story.backwards().changes) == left


def test_two_logs_that_give_one_id_have_both_told_of_it() -> None:
    """Within a second both name an action alike. Neither tells of it again, so the next one has copies of its own."""
    first, same, next_one, its_copy = (
        Story()
        .change(600.0, "Mallory", Op.CREATE, source="a", is_whole=False)
        .change(600.1, "Mallory", Op.CREATE, source="b", is_whole=False)
        .change(602.95, "Mallory", Op.CREATE, source="a", is_whole=False)
        .change(603.05, "Mallory", Op.CREATE, source="b", is_whole=False)
        .changes
    )
    same = msgspec.structs.replace(same, change=other(same.change, id=first.change.id))
    for known, left in (
        ((first, same, next_one), [(first.change.id, at(600.0)), (next_one.change.id, at(602.95))]),
        ((first, same, next_one, its_copy), [(first.change.id, at(600.0)), (next_one.change.id, at(602.95))]),
        ((first, next_one, its_copy), [(first.change.id, at(600.0)), (next_one.change.id, at(602.95))]),
    ):
        for changes in permutations(known):
            folded = [(each.change.id, each.change.at) for each in fold_copies(changes, RULES)]
            assert sorted(folded) == sorted(left)


def test_a_folded_change_has_what_either_log_tells() -> None:
    story = (
        Story()
        .change(600, "Mallory", source="a", late=900, is_whole=False, **OFF)
        .change(602, "Mallory", source="b", late=5, colour=("red", "blue"), **OFF)
    )
    (folded,) = fold_copies(story.changes, RULES)
    assert folded.change.wrote == {"colour": ("red", "blue"), **OFF}
    assert (folded.change.is_whole, folded.is_live) == (True, True)
    assert (folded.change.id, folded.change.at, folded.change.arrived_at) == ("Mallory 602b", at(600), at(607))


def test_the_exact_copy_is_paired_first() -> None:
    story = (
        Story()
        .change(600, "Mallory", source="a", is_whole=False, **OFF)
        .change(601, "Mallory", source="a", **OFF)
        .change(602, "Mallory", source="b", **OFF)
    )
    assert [judged.change.is_whole for judged in fold_copies(story.changes, RULES)] == [False, True]


def test_copies_that_are_judged_differently_are_unknown() -> None:
    first, second = Story().change(600, "Mallory", source="a", **OFF).change(601, "Mallory", source="b", **OFF).changes
    second = msgspec.structs.replace(second, standing=Standing.APPROVED, is_live=False)
    (folded,) = fold_copies((first, second), RULES)
    assert (folded.standing, folded.is_live) == (Standing.UNKNOWN, False)


def test_what_was_stored_twice_is_one_change() -> None:
    (change,) = Story().change(600, "Mallory", late=900, **OFF).changes
    again = msgspec.structs.replace(change, change=msgspec.structs.replace(change.change, arrived_at=at(610)))
    (folded,) = fold_copies((change, again), RULES)
    assert folded.change.arrived_at == at(610)


@pytest.mark.parametrize(
    ("story", "order"),
    [
        pytest.param(
            Story().change(600, "Zoe", state=("on", "off")).change(601, "Amy", state=("off", "dim")),
            ["Zoe 600", "Amy 601"],
            id="by instants",
        ),
        pytest.param(
            Story().change(600.9, "Zoe", state=("on", "off")).change(600.1, "Amy", state=("off", "dim")),
            ["Zoe 600.9", "Amy 600.1"],
            id="within a second by values",
        ),
        pytest.param(
            Story()
            .change(600.1, "Amy", state=("on", "dim"))
            .change(600.2, "Zoe", state=("on", "off"))
            .change(600.3, "Bea", state=("off", "on")),
            ["Zoe 600.2", "Bea 600.3", "Amy 600.1"],
            id="by all values, not the first that fits",
        ),
        pytest.param(
            Story().change(600.9, "Zoe", Op.DELETE).change(600.1, "Amy", Op.CREATE, exists=(None, True)),
            ["Zoe 600.9", "Amy 600.1"],
            id="a deletion before a creation",
        ),
        pytest.param(
            Story().change(600.9, "Zoe", state=("on", "off")).change(600.1, "Amy", Op.DELETE),
            ["Zoe 600.9", "Amy 600.1"],
            id="a change before the deletion",
        ),
        pytest.param(
            Story().change(600.9, "Zoe", state=("x", "off")).change(600.1, "Amy", state=("y", "dim")),
            ["Amy 600.1", "Zoe 600.9"],
            id="by instants where no order fits",
        ),
        pytest.param(
            Story()
            .change(599, "Bea", is_whole=False)
            .change(600.1, "Zoe", state=("dim", "on"))
            .change(600.9, "Amy", state=("on", "dim")),
            ["Bea 599", "Zoe 600.1", "Amy 600.9"],
            id="by instants where it isn't known what stood before",
        ),
        pytest.param(
            Story().change(600.9, "Zoe", is_whole=False).change(600.1, "Amy", state=("dim", "off")),
            ["Zoe 600.9", "Amy 600.1"],
            id="what a record doesn't tell may be what another one of its second found",
        ),
        pytest.param(
            Story().change(600.1, "Zoe", state=("on", "off")).change(600.9, "Amy", colour=("blue", "red")),
            ["Zoe 600.1", "Amy 600.9"],
            id="of different leaves by instants",
        ),
    ],
)
def test_changes_are_in_the_order_in_which_they_were_made(story: Story, order: list[str]) -> None:
    for changes in permutations(story.changes):
        assert [judged.change.id for judged in history(changes, LAMP, RULES)] == order


def test_many_changes_of_one_second_are_ordered_one_after_the_other() -> None:
    values = ["on", *(f"v{number}" for number in range(12))]
    story = Story()
    for number, (old, new) in enumerate(pairwise(values)):
        story = story.change(600.9 - number / 100, "Mallory", state=(old, new))
    ordered = history(story.changes, LAMP, RULES)
    assert [judged.change.wrote["state"][1] for judged in ordered] == values[1:]
    assert max(judged.change.at for judged in ordered) - min(judged.change.at for judged in ordered) < timedelta(
        seconds=1
    )
