"""What a change without whole values wrote, by the versions around it."""

from collections.abc import Mapping
from typing import Any

import pytest

from shared.model.objects import EXISTS, Op, Provenance, Step, Version
from shared.objects.planning import take_account
from shared.objects.versions import needed_versions
from tests.fakes.object_stories import LAMP, RULES, Story, at, lamp

type Wrote = Mapping[str, Step]
_STATE: Wrote = {"state": ("on", "off")}
_BOTH: Wrote = {"state": ("on", "off"), "colour": ("red", "blue")}


def written_by(story: Story, change: str, *, gone: bool = False, **stands: Any) -> tuple[Wrote, bool]:  # noqa: ANN401 - leaves
    """Give what a change wrote, and whether that is all, by a look at second 5000."""
    seen = story.seen(5000, gone=gone, **stands).state.versions[-1]
    account = take_account(story.state, story.changes, seen, RULES, now=at(5000))
    (found,) = (each for each in account.written if each.change.id == change)
    return found.wrote, found.is_all


BLIND = Story().change(600, "Mallory", is_whole=False)
ALICE = Story().change(600, "Alice", is_whole=False)
_READ_MEANWHILE = Story().with_state(origin=Version(at=at(599), until=at(601), leaves=dict(LAMP)))
_ACCEPTED_LATER = Story().with_state(origin=Version(at=at(1000), leaves=dict(LAMP)))
_MADE = (
    Story().absent().change(500, "Bob", Op.CREATE, state=(None, "on"), colour=(None, "red"), guests_Ann=(None, True))
)


@pytest.mark.parametrize(
    ("story", "change", "stands", "wrote", "is_all"),
    [
        pytest.param(BLIND, "Mallory 600", _OFF := {"state": "off"}, _STATE, True, id="the difference around it"),
        pytest.param(BLIND, "Mallory 600", {}, {}, False, id="equal versions bracket nothing"),
        pytest.param(
            BLIND.seen(610).seen(620, state="off").seen(630, state="dim"),
            "Mallory 600",
            {"state": "dim"},
            _STATE,
            True,
            id="the first later version that differs, for a replica was behind",
        ),
        pytest.param(
            BLIND.seen(500, colour="blue"),
            "Mallory 600",
            {"state": "off", "colour": "blue"},
            _STATE,
            True,
            id="the last version before it",
        ),
        pytest.param(
            Story().change(600, "Mallory", is_whole=False, state=("on", "off")),
            "Mallory 600",
            {"state": "off", "colour": "blue"},
            _BOTH,
            True,
            id="a record that was cut short: what it tells, and the rest by the versions",
        ),
        pytest.param(
            ALICE.change(700, "Bob", is_whole=False),
            "Alice 600",
            _OFF,
            {},
            False,
            id="another such change lies between",
        ),
        pytest.param(
            ALICE.seen(650, state="off").change(700, "Bob", is_whole=False),
            "Alice 600",
            {"state": "dim"},
            _STATE,
            True,
            id="a version lies between",
        ),
        pytest.param(
            BLIND.change(700, "Mark", is_whole=False),
            "Mallory 600",
            _OFF,
            _STATE,
            True,
            id="both are unapproved and live: they wrote it together",
        ),
        pytest.param(
            BLIND.change(700, "Mark", is_whole=False, is_live=False),
            "Mallory 600",
            _OFF,
            {},
            False,
            id="both unapproved, but one isn't live",
        ),
        pytest.param(
            BLIND.change(550, "Oscar", is_whole=False), "Mallory 600", _OFF, {}, False, id="an unknown one before it"
        ),
        pytest.param(
            ALICE.seen(550).change(550, "Oscar", is_whole=False),
            "Alice 600",
            _OFF,
            _STATE,
            True,
            id="what was written as a version was read is in it",
        ),
        pytest.param(
            Story()
            .change(550, "Mark", state=("on", "off"))
            .change(560, "Mark", Op.DELETE)
            .change(570, "Mark", Op.CREATE, state=(None, "on"), colour=(None, "red"), guests_Ann=(None, True))
            .seen(590)
            .change(600, "Alice", is_whole=False),
            "Alice 600",
            {"state": "dim"},
            {"state": ("on", "dim")},
            True,
            id="what was changed before it was deleted and made again isn't unseen",
        ),
        pytest.param(
            ALICE.change(550, "Mark", colour=("red", "blue")),
            "Alice 600",
            {"state": "off", "colour": "blue"},
            _STATE,
            True,
            id="a known change before it is worked in",
        ),
        pytest.param(
            ALICE.change(550, "Mark", Op.DELETE).change(
                560, "Mark", Op.CREATE, state=(None, "on"), colour=(None, "green"), guests_Ann=(None, True)
            ),
            "Alice 600",
            {"state": "off", "colour": "green"},
            _STATE,
            True,
            id="also where it was made anew before it",
        ),
        pytest.param(
            ALICE.change(700, "Mark", colour=("red", "blue")),
            "Alice 600",
            {"state": "off", "colour": "blue"},
            _STATE,
            True,
            id="a known change after it is worked out",
        ),
        pytest.param(
            ALICE.change(700, "Mark", state=("dim", "off")),
            "Alice 600",
            _OFF,
            {"state": ("on", "dim")},
            True,
            id="... of the same leaf",
        ),
        pytest.param(
            ALICE.change(500, "Mark", colour=("red", "blue")).seen(550),
            "Alice 600",
            {"state": "off", "colour": "blue"},
            _STATE,
            True,
            id="the version before it was behind a known change",
        ),
        pytest.param(
            ALICE.change(500, "Mark", colour=("red", "blue")).seen(550, colour="green"),
            "Alice 600",
            {"state": "off", "colour": "green"},
            _STATE,
            True,
            id="... but not where it shows a third value",
        ),
        pytest.param(
            Story()
            .change(500, "Mark", colour=("red", "blue"))
            .change(520, "Alice", is_whole=False)
            .seen(550)
            .change(600, "Bob", is_whole=False),
            "Bob 600",
            {"state": "off"},
            _STATE,
            True,
            id="... nor where somebody may have changed it back meanwhile",
        ),
        pytest.param(
            Story().change(100, "Mark", colour=("red", "blue")).seen(700).change(800, "Alice", is_whole=False),
            "Alice 800",
            {"state": "off", "colour": "blue"},
            {"state": ("on", "off"), "colour": ("red", "blue")},
            True,
            id="a replica isn't behind for longer than ten minutes",
        ),
        pytest.param(
            ALICE.ours(700, colour=("blue", "red")),
            "Alice 600",
            _OFF,
            _STATE,
            False,
            id="a leaf that we wrote after it tells nothing",
        ),
        pytest.param(
            ALICE.ours(700, sent={"guests": ("Ann",)}, guests_Max=(True, None)),
            "Alice 600",
            {"state": "off", "guests_Ann": None},
            _STATE,
            False,
            id="nor does a list that we wrote whole",
        ),
        pytest.param(
            ALICE.ours(700, Op.DELETE, exists=(True, None)),
            "Alice 600",
            {"gone": True},
            {},
            False,
            id="nor anything, where we deleted it after it",
        ),
        pytest.param(
            ALICE.ours(550, state=("dim", "on")).seen(500, state="dim"),
            "Alice 600",
            _OFF,
            _STATE,
            True,
            id="what we wrote before it is known",
        ),
        pytest.param(
            BLIND.ours(550, is_proven=False, state=("dim", "on")).seen(500, state="dim"),
            "Mallory 600",
            {"state": "off", "colour": "blue"},
            {"colour": ("red", "blue")},
            False,
            id="what we may have written before it hides that leaf only",
        ),
        pytest.param(
            BLIND.change(700, "Mark", Op.DELETE),
            "Mallory 600",
            {"gone": True},
            {},
            True,
            id="deleted by another unapproved one after it: it went with that",
        ),
        pytest.param(
            ALICE.change(700, "Mark", Op.DELETE), "Alice 600", {"gone": True}, {}, False, id="an approved one's didn't"
        ),
        pytest.param(BLIND, "Mallory 600", {"gone": True}, {}, True, id="a deletion that no record tells hides it"),
        pytest.param(ALICE, "Alice 600", {"gone": True}, {}, False, id="... unless it wasn't ours to take"),
        pytest.param(
            Story().change(600, "Alice", Op.DELETE, is_whole=False),
            "Alice 600",
            {"gone": True},
            {EXISTS: (True, None)},
            True,
            id="a deletion writes existence and nothing else",
        ),
        pytest.param(
            Story().absent().change(600, "Alice", Op.CREATE, is_whole=False),
            "Alice 600",
            {},
            {leaf: (None, value) for leaf, value in LAMP.items()},
            True,
            id="a creation's record proves that it didn't exist",
        ),
        pytest.param(
            Story().seen(500).change(600, "Alice", Op.CREATE, is_whole=False),
            "Alice 600",
            {"state": "off"},
            {leaf: (None, value) for leaf, value in lamp(state="off").items()},
            True,
            id="... though it stood before, and no record tells of its deletion",
        ),
        pytest.param(
            Story().absent().change(600, "Alice", Op.CREATE, is_whole=False).seen(610, gone=True),
            "Alice 600",
            {},
            {leaf: (None, value) for leaf, value in LAMP.items()},
            True,
            id="... though a replica didn't show it yet",
        ),
        pytest.param(
            BLIND.seen(599.5, took=1, state="off"),
            "Mallory 600",
            {"state": "off"},
            _STATE,
            True,
            id="a version that was being read meanwhile is not one before it",
        ),
        pytest.param(
            Story().change(600, "Mallory", is_whole=False, whole_properties=("state",), colour=("red", "blue")),
            "Mallory 600",
            {"state": "off", "colour": "blue"},
            {"colour": ("red", "blue")},
            True,
            id="a property of which its record tells all is somebody else's",
        ),
        pytest.param(
            Story().change(500, "Alice", state=("on", "off")).seen(510).change(600, "Mallory", is_whole=False),
            "Mallory 600",
            {"state": "off", "colour": "blue"},
            {"colour": ("red", "blue")},
            True,
            id="a version soon after a change may be behind it",
        ),
        pytest.param(
            Story()
            .change(500, "Alice", state=("on", "off"))
            .seen(505, state="off")
            .seen(510)
            .change(600, "Mallory", is_whole=False),
            "Mallory 600",
            {"colour": "blue"},
            {"colour": ("red", "blue")},
            True,
            id="... but not where one before it showed the change: somebody undid it",
        ),
        pytest.param(
            BLIND.seen(599.5, took=1, colour="blue"),
            "Mallory 600",
            {"state": "off", "colour": "blue"},
            _STATE,
            True,
            id="a version that was being read meanwhile counts as before it where only it explains a later one",
        ),
        pytest.param(
            BLIND.seen(599.5, took=1, colour="blue").change(620, "Oscar", state=("on", "off")),
            "Mallory 600",
            {"state": "off", "colour": "blue"},
            {"colour": ("red", "blue")},
            True,
            id="... but not where another change explains that",
        ),
        pytest.param(
            BLIND.seen(599.5, took=1, colour="blue")
            .change(700, "Oscar", state=("on", "off"))
            .seen(700, state="off", colour="blue"),
            "Mallory 600",
            {"state": "off", "colour": "blue"},
            {"colour": ("red", "blue")},
            True,
            id="... nor where one of the later version's instant does",
        ),
        pytest.param(
            BLIND.seen(500, colour="blue").seen(599.5, took=1, colour="blue", state="off"),
            "Mallory 600",
            {},
            {"state": ("off", "on"), "colour": ("blue", "red")},
            True,
            id="... and the later one isn't as the one right before it",
        ),
        pytest.param(
            BLIND.seen(599.5, took=1, state="off").seen(700),
            "Mallory 600",
            {},
            _STATE,
            True,
            id="... as it is where a replica was behind",
        ),
        pytest.param(
            BLIND.seen(599.5, took=5).seen(599.8, took=0.1, colour="blue"),
            "Mallory 600",
            {"state": "off", "colour": "blue"},
            _STATE,
            True,
            id="what had been read before it is before it, though another read that began earlier went on",
        ),
        pytest.param(
            _READ_MEANWHILE.change(600, "Mallory", is_whole=False)
            .seen(610)
            .change(620, "Oscar", colour=("red", "blue")),
            "Mallory 600",
            {"state": "off", "colour": "blue"},
            {},
            False,
            id="the first version was being read meanwhile, and another change may explain what differs",
        ),
        pytest.param(
            _READ_MEANWHILE.change(600, "Mallory", is_whole=False)
            .seen(610, state="off")
            .change(620, "Oscar", colour=("red", "blue")),
            "Mallory 600",
            {"state": "off", "colour": "blue"},
            _STATE,
            True,
            id="... but not if it was made later than what differs was seen",
        ),
        pytest.param(
            _ACCEPTED_LATER.change(600, "Mallory", is_whole=False),
            "Mallory 600",
            _OFF,
            {},
            False,
            id="from before the first version: nobody knows what stood before it",
        ),
        pytest.param(
            _ACCEPTED_LATER.change(600, "Alice", Op.CREATE, is_whole=False),
            "Alice 600",
            _OFF,
            {leaf: (None, value) for leaf, value in LAMP.items()},
            True,
            id="... but for a creation, which made what the first version shows",
        ),
        pytest.param(
            Story()
            .first_seen(lamp(state="off", colour="blue"), when=1000)
            .change(500, "Mallory", is_whole=False, state=("on", "off"))
            .change(600, "Mark", colour=("red", "blue")),
            "Mallory 500",
            {"state": "off", "colour": "blue"},
            _STATE,
            True,
            id="from before an object was first seen: what was worked back stood before it",
        ),
        pytest.param(
            BLIND.ours(500, is_proven=False, colour=("blue", "red")).seen(550),
            "Mallory 600",
            {"state": "off", "colour": "blue"},
            _BOTH,
            True,
            id="what we may have written before the version hides nothing",
        ),
        pytest.param(
            BLIND.ours(550, is_proven=False, colour=("blue", "red")).seen(550),
            "Mallory 600",
            {"state": "off", "colour": "blue"},
            _BOTH,
            True,
            id="... nor what we may have written at its very instant",
        ),
        pytest.param(
            ALICE.change(550, "Mark", colour=("red", "blue")).seen(550, colour="green"),
            "Alice 600",
            {"state": "off", "colour": "green"},
            _STATE,
            True,
            id="a version of the very instant of a known change shows what it shows",
        ),
        pytest.param(
            ALICE.change(550, "Mark", colour=("green", "blue")),
            "Alice 600",
            {"state": "off", "colour": "blue"},
            _STATE,
            True,
            id="a known change before it is worked in, though what stood before that isn't known",
        ),
        pytest.param(
            ALICE.change(700, "Mark", colour=("red", "blue")).seen(700, state="off", colour="blue"),
            "Alice 600",
            {"state": "off", "colour": "blue"},
            _STATE,
            True,
            id="a known change of the very instant of the later version is worked out",
        ),
        pytest.param(
            BLIND.seen(600, colour="blue"),
            "Mallory 600",
            {"state": "off", "colour": "blue"},
            {"colour": ("red", "blue")},
            True,
            id="a version that began to be read at its very instant is one after it",
        ),
        pytest.param(
            Story().change(6000, "Mallory", is_whole=False),
            "Mallory 6000",
            _OFF,
            {},
            False,
            id="nothing was read after it yet",
        ),
        pytest.param(
            _MADE.seen(520, gone=True).change(600, "Alice", is_whole=False),
            "Alice 600",
            _OFF,
            _STATE,
            True,
            id="the version before it was behind the creation",
        ),
        pytest.param(
            _MADE.seen(520, colour="blue").change(600, "Alice", is_whole=False),
            "Alice 600",
            {"state": "off", "colour": "blue"},
            _STATE,
            True,
            id="... but not where it shows the object",
        ),
        pytest.param(
            BLIND.seen(602, took=2, state="off", colour="blue").change(603, "Mark", colour=("red", "blue")),
            "Mallory 600",
            {"state": "off", "colour": "blue"},
            _STATE,
            True,
            id="what was written while the later version was being read may be in it, and is worked out",
        ),
        pytest.param(
            ALICE.seen(602, took=2, state="off", colour="blue").change(603, "Bob", is_whole=False),
            "Alice 600",
            {"state": "off", "colour": "blue"},
            {},
            False,
            id="... and may hide it",
        ),
        pytest.param(
            BLIND.change(590, "Mark", is_whole=False, whole_properties=("colour",), colour=("red", "blue")).seen(
                610, colour="blue"
            ),
            "Mallory 600",
            {"state": "off", "colour": "blue"},
            _STATE,
            True,
            id="what the record tells of one that wrote together with it before it is the other's",
        ),
        pytest.param(
            BLIND.change(610, "Mark", is_whole=False, whole_properties=("colour",), colour=("red", "blue")),
            "Mallory 600",
            {"state": "off", "colour": "blue"},
            _STATE,
            True,
            id="... or after it",
        ),
        pytest.param(
            Story().absent().change(600, "Mallory", is_whole=False),
            "Mallory 600",
            {},
            {leaf: (None, value) for leaf, value in LAMP.items() if leaf != EXISTS},
            True,
            id="an update finds the object there: it doesn't make it",
        ),
        *(
            pytest.param(
                BLIND.change(599, "Mark", state=("on", "dim"))
                .with_state(versions=(Version(at=at(598), until=at(until), leaves=dict(LAMP)),))
                .change(600.6, "Mark", state=(old, "white")),
                "Mallory 600",
                {"state": "white"},
                {"state": ("dim", new)},
                True,
                id=how,
            )
            for until, old, new, how in (
                (600.1, "off", "off", "what was read meanwhile is from before it where the next record says so"),
                (600.1, "on", "on", "... and from after it where the next record finds that"),
            )
        ),
    ],
)
def test_versions_say_what_a_change_wrote(
    story: Story, change: str, stands: dict[str, Any], wrote: Wrote, *, is_all: bool
) -> None:
    assert written_by(story, change, **stands) == (wrote, is_all)
    assert written_by(story.backwards(), change, **stands) == (wrote, is_all)


def test_what_is_known_from_before_an_object_was_first_seen_is_worked_back() -> None:
    made = Story().first_seen(when=1000).change(600, "Mallory", Op.CREATE, state=(None, "on"))
    assert made.plan(2000).baseline == made.absent().with_state(origin=made.state.origin).plan(2000).baseline
    assert made.plan(2000).op is Op.DELETE
    for second in (600, 1000):
        changed = Story().first_seen(lamp(state="off"), when=1000).change(second, "Mallory", state=("on", "off"))
        plan = changed.plan(2000, state="off")
        assert (plan.baseline["state"].value, plan.baseline["state"].provenance) == ("on", Provenance.FIRST_SEEN)
    deleted = Story().first_seen({}, when=1000).change(600, "Mallory", Op.DELETE)
    assert deleted.plan(2000, gone=True).baseline[EXISTS].value is True


def test_what_was_changed_in_turns_before_an_object_was_first_seen_is_worked_back_to_what_stood_first() -> None:
    seen = Story().first_seen(lamp(state="dim"), when=1000)
    changed = seen.change(600, "Mallory", state=("on", "off")).change(700, "Mallory", state=("off", "dim"))
    assert changed.plan(2000, state="dim").baseline["state"].value == "on"


def test_what_is_known_from_before_an_accepted_version_is_not() -> None:
    accepted = Story().with_state(origin=Story().seen(1000, state="off").state.versions[0])
    plan = accepted.change(600, "Mallory", state=("on", "off")).plan(2000, state="off")
    assert plan.verdicts == {}


def test_versions_are_kept_that_bracket_changes() -> None:
    story = (
        Story()
        .seen(100)
        .seen(200)
        .seen(500, colour="blue")
        .change(550, "Mark", colour=("red", "blue"))
        .change(600, "Alice", is_whole=False)
        .seen(700, colour="blue")
        .seen(800, state="off")
        .seen(900, state="dim")
        .seen(1000, state="off")
        .change(1100, "Bob", state=("off", "on"))
        .seen(1200)
        .seen(1300)
    )
    versions = (story.state.origin, *story.state.versions)
    kept = needed_versions(story.changes, versions, RULES)
    assert [(version.at - at(0)).total_seconds() for version in kept] == [0, 500, 700, 800, 1300]
    assert needed_versions((), (), RULES) == ()


_SWUNG = Story().seen(300).change(400, "Bea", state=("on", "off")).seen(401, state="off").ours(402, state=("off", "on"))
"""It was off for two seconds."""

_THEN = _SWUNG.seen(403).change(600, "Mallory", is_whole=False)


@pytest.mark.parametrize(
    ("story", "change", "shows", "is_all"),
    [
        pytest.param(_THEN, "Mallory 600", 601, False, id="as it was before"),
        pytest.param(_THEN, "Mallory 600", 1201, True, id="no replica is so far behind"),
        pytest.param(
            _SWUNG.seen(403).seen(1300).change(1400, "Mallory", is_whole=False),
            "Mallory 1400",
            1401,
            True,
            id="that was too long ago",
        ),
        pytest.param(
            Story().seen(403).change(600, "Mallory", is_whole=False), "Mallory 600", 601, True, id="it never was so"
        ),
    ],
)
def test_what_stood_before_may_be_a_replica_that_is_behind(
    story: Story, change: str, shows: float, *, is_all: bool
) -> None:
    """Then it isn't known what else the change wrote."""
    assert written_by(story.seen(shows, state="off"), change, state="off") == (_STATE, is_all)
