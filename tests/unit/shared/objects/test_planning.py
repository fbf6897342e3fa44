"""Each clause of what is decided about an object, as a story with its ending."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
import pytest

from shared.model.kinds import Json
from shared.model.objects import (
    EXISTS,
    WHOLE,
    Acceptance,
    Asked,
    BaselineLeaf,
    Intent,
    JudgedChange,
    Noticed,
    Op,
    Provenance,
    Step,
    Verdict,
    Wish,
    asked_id,
)
from tests.fakes.object_stories import HOUR, LAMP, RULES, Story, at, lamp, named, verdicts

_ALL_AGAIN: Final[dict[str, Any]] = {leaf: (None, value) for leaf, value in LAMP.items()}


@dataclass(frozen=True, kw_only=True)
class Ending:
    """A story, what a look shows at an instant, and what must be decided; `about` are the changes of some verdicts."""

    name: str
    story: Story
    stands: Mapping[str, Any]
    verdicts: dict[str, Verdict]
    steps: Mapping[str, Step] | None = None
    op: Op | None = None
    at: float = 5000
    about: Mapping[str, str] = field(default_factory=dict[str, str])


_GONE: Final[dict[str, Any]] = {"gone": True}
_OFF: Final[dict[str, Any]] = {"state": "off"}
_TO_ON: Final[dict[str, Step]] = {"state": ("off", "on")}


def _brought_back(who: str, *, is_live: bool = True, between: bool = False, changes: tuple[str, ...] = ()) -> Story:
    """Somebody deletes it, switched off; we bring it back as it was deleted, and can't go on."""
    brought: dict[str, Any] = {leaf: step for leaf, step in _ALL_AGAIN.items() if "[" not in leaf} | {
        "state": (None, "off")
    }
    before = Intent(id="intent 100", at=at(99), op=Op.UPDATE, steps={})
    made = Intent(
        id="intent 800",
        at=at(799),
        op=Op.CREATE,
        steps=named(_ALL_AGAIN),
        changes=changes or ("Mallory 600", f"{who} 700"),
    )
    story = Story().change(600, "Mallory", state=("on", "off"))
    if between:
        story = story.change(650, "Mallory", colour=("red", "blue"))
    return (
        story.change(700, who, Op.DELETE, is_live=is_live)
        .ours(800, Op.CREATE, **brought)
        .with_state(intents=(before, made))
    )


ENDINGS: Final = (
    # Who wrote it decides.
    Ending(
        name="unapproved: it is put back",
        story=Story().change(600, "Mallory", state=("on", "off")),
        stands=_OFF,
        verdicts={"state": Verdict.PUT_BACK},
        op=Op.UPDATE,
        steps=_TO_ON,
    ),
    Ending(
        name="approved: it is the baseline",
        story=Story().change(600, "Alice", state=("on", "off")),
        stands=_OFF,
        verdicts={},
    ),
    Ending(
        name="unknown: people",
        story=Story().change(600, "Oscar", state=("on", "off")),
        stands=_OFF,
        verdicts={"state": Verdict.UNKNOWN},
    ),
    Ending(
        name="not live all the time: listed for a person",
        story=Story().change(600, "Mallory", is_live=False, state=("on", "off")),
        stands=_OFF,
        verdicts={"state": Verdict.LISTED},
    ),
    Ending(
        name="left by a person, at this value",
        story=Story().change(600, "Mallory", state=("on", "off")).left("state", "off"),
        stands=_OFF,
        verdicts={"state": Verdict.LEFT},
    ),
    Ending(
        name="... which says nothing of another leaf that has the same value",
        story=Story().change(600, "Mallory", state=("on", "off")).left("colour", "off"),
        stands=_OFF,
        verdicts={"state": Verdict.PUT_BACK},
        op=Op.UPDATE,
        steps=_TO_ON,
    ),
    Ending(
        name="left by a person, but at another value: people decide about its target",
        story=Story()
        .change(600, "Mallory", state=("on", "dim"))
        .left("state", "dim")
        .change(900, "Mallory", state=("dim", "off")),
        stands=_OFF,
        verdicts={"state": Verdict.BENEATH},
    ),
    Ending(
        name="left on Monday; another leaf on Thursday is put back, the left one stays",
        story=Story()
        .change(600, "Mallory", state=("on", "off"))
        .left("state", "off")
        .change(900, "Mallory", colour=("red", "blue")),
        stands={"state": "off", "colour": "blue"},
        verdicts={"state": Verdict.LEFT, "colour": Verdict.PUT_BACK},
        op=Op.UPDATE,
        steps={"colour": ("blue", "red")},
    ),
    # The latest known change of the leaf counts, if it wrote what stands.
    Ending(
        name="the latest change wrote another value: unexplained, whoever once wrote this one",
        story=Story().change(600, "Mallory", state=("on", "off")).change(700, "Alice", state=("off", "dim")),
        stands=_OFF,
        verdicts={"state": Verdict.WAIT_UNEXPLAINED},
        at=701,
    ),
    Ending(
        name="an older baseline's value is a change like any other",
        story=Story().change(600, "Alice", state=("on", "dim")).change(700, "Mallory", state=("dim", "on")),
        stands={},
        verdicts={"state": Verdict.PUT_BACK},
        op=Op.UPDATE,
        steps={"state": ("on", "dim")},
    ),
    Ending(
        name="an approved change counts although an unapproved one swung it back before either record came",
        story=Story()
        .change(600, "Alice", late=5000, state=("on", "dim"))
        .change(601, "Mallory", late=5000, state=("dim", "on")),
        stands={},
        verdicts={"state": Verdict.PUT_BACK},
        op=Op.UPDATE,
        steps={"state": ("on", "dim")},
        at=6000,
    ),
    Ending(
        name="a repair needs no answer, whoever made it",
        story=Story().change(600, "Mallory", state=("on", "off")).change(700, "Mark", state=("off", "on")),
        stands={},
        verdicts={},
    ),
    # A missing writer.
    Ending(
        name="an old value isn't what stood before: a record is waited for",
        story=Story().change(600, "Mallory", state=("dim", "off")),
        stands=_OFF,
        verdicts={"state": Verdict.WAIT_MISSING},
        at=630 + HOUR - 1,
    ),
    Ending(
        name="... and then people",
        story=Story().change(600, "Mallory", state=("dim", "off")),
        stands=_OFF,
        verdicts={"state": Verdict.MISSING},
        at=630 + HOUR,
    ),
    Ending(
        name="it is missing along the chain, not only under the latest change",
        story=Story().change(600, "Mallory", state=("dim", "blink")).change(700, "Mark", state=("blink", "off")),
        stands=_OFF,
        about={"state": "Mark 700"},
        verdicts={"state": Verdict.MISSING},
    ),
    Ending(
        name="what we read for a write needs no writer any more",
        story=Story()
        .change(600, "Mallory", state=("dim", "off"))
        .ours(700, state=("off", "on"))
        .change(800, "Mallory", state=("on", "off")),
        stands=_OFF,
        verdicts={"state": Verdict.PUT_BACK},
        op=Op.UPDATE,
        steps=_TO_ON,
    ),
    Ending(
        name="nor what a person accepted",
        story=Story()
        .change(600, "Alice", state=("blink", "dim"))
        .accepted(700, state="dim")
        .change(800, "Mallory", state=("dim", "off")),
        stands=_OFF,
        verdicts={"state": Verdict.PUT_BACK},
        op=Op.UPDATE,
        steps={"state": ("off", "dim")},
    ),
    Ending(
        name="... unless the acceptance didn't cover the leaf",
        story=Story()
        .change(600, "Mallory", state=("blink", "dim"))
        .accepted(700, "state", state="dim")
        .change(800, "Mallory", state=("dim", "off")),
        stands=_OFF,
        verdicts={"state": Verdict.MISSING},
    ),
    Ending(
        name="... nor does one of the very instant of the change that is judged",
        story=Story().accepted(800, state="dim").change(800, "Mallory", state=("dim", "off")),
        stands=_OFF,
        verdicts={"state": Verdict.MISSING},
    ),
    Ending(
        name="... nor does a later one",
        story=Story().change(800, "Mallory", state=("dim", "off")).accepted(900),
        stands=_OFF,
        verdicts={"state": Verdict.MISSING},
    ),
    Ending(
        name="of several acceptances the last one counts",
        story=Story()
        .accepted(650, state="blink")
        .accepted(700, state="dim")
        .change(800, "Mallory", state=("dim", "off")),
        stands=_OFF,
        verdicts={"state": Verdict.PUT_BACK},
        op=Op.UPDATE,
        steps={"state": ("off", "dim")},
    ),
    Ending(
        name="a writer that is missing after an acceptance is missing, though there was none before it",
        story=Story()
        .change(600, "Alice", state=("on", "dim"))
        .accepted(700, state="dim")
        .change(800, "Mallory", state=("blink", "off")),
        stands=_OFF,
        verdicts={"state": Verdict.MISSING},
    ),
    Ending(
        name="what a deletion took away needs no writer, though the object was made again without it",
        story=Story()
        .change(600, "Mallory", Op.DELETE)
        .change(700, "Alice", Op.CREATE, state=(None, "on"), guests_Ann=(None, True))
        .change(800, "Mark", colour=(None, "blue"))
        .change(900, "Mallory", colour=("blue", None)),
        stands={"colour": None},
        verdicts={},
    ),
    Ending(
        name="the baseline's value, written by an unapproved actor over a missing writer",
        story=Story().change(600, "Mallory", state=("dim", "on")),
        stands={},
        verdicts={"state": Verdict.MISSING},
    ),
    Ending(
        name="... but not if it is unknown who wrote it: then it stands as it should, and nobody need be asked",
        story=Story().change(600, "Oscar", state=("dim", "on")),
        stands={},
        verdicts={},
    ),
    Ending(
        name="... until a person accepts it",
        story=Story().change(600, "Mallory", state=("dim", "on")).accepted(700),
        stands={},
        verdicts={},
    ),
    Ending(
        name="... also at the very instant at which it was written",
        story=Story().change(600, "Mallory", state=("dim", "on")).accepted(600),
        stands={},
        verdicts={},
    ),
    Ending(
        name="... or over an unknown change",
        story=Story().change(600, "Oscar", state=("on", "dim")).change(700, "Mallory", state=("dim", "on")),
        stands={},
        verdicts={"state": Verdict.BENEATH},
    ),
    Ending(
        name="... but a person may leave it so",
        story=Story()
        .change(600, "Oscar", state=("on", "dim"))
        .change(700, "Mallory", state=("dim", "on"))
        .left("state", "on"),
        stands={},
        verdicts={},
    ),
    Ending(
        name="a removal that no record tells, given back by an unapproved actor",
        story=Story().change(700, "Mallory", Op.CREATE, exists=(None, True), state=(None, "on")),
        stands={},
        verdicts={EXISTS: Verdict.MISSING, "state": Verdict.MISSING},
    ),
    Ending(
        name="a creation that no record tells, taken away by an unapproved actor",
        story=Story().absent().change(600, "Mallory", Op.DELETE),
        stands=_GONE,
        verdicts={EXISTS: Verdict.MISSING},
    ),
    # A target is never older than what lies beneath.
    Ending(
        name="over an unknown change: people",
        story=Story().change(600, "Oscar", state=("on", "dim")).change(700, "Mallory", state=("dim", "off")),
        stands=_OFF,
        verdicts={"state": Verdict.BENEATH},
    ),
    Ending(
        name="over one that wasn't live: people",
        story=Story()
        .change(600, "Mark", is_live=False, state=("on", "dim"))
        .change(700, "Mallory", state=("dim", "off")),
        stands=_OFF,
        verdicts={"state": Verdict.BENEATH},
    ),
    Ending(
        name="over another unapproved one: both go",
        story=Story().change(600, "Mark", state=("on", "dim")).change(700, "Mallory", state=("dim", "off")),
        stands=_OFF,
        about={"state": "Mallory 700"},
        verdicts={"state": Verdict.PUT_BACK},
        op=Op.UPDATE,
        steps=_TO_ON,
    ),
    Ending(
        name="an unknown change before an approved one isn't between",
        story=Story()
        .change(500, "Oscar", state=("on", "blink"))
        .change(600, "Alice", state=("blink", "dim"))
        .change(700, "Mallory", state=("dim", "off")),
        stands=_OFF,
        verdicts={"state": Verdict.PUT_BACK},
        op=Op.UPDATE,
        steps={"state": ("off", "dim")},
    ),
    Ending(
        name="an unknown change before an acceptance isn't between",
        story=Story()
        .change(500, "Oscar", state=("on", "dim"))
        .accepted(600, state="dim")
        .change(700, "Mallory", state=("dim", "off")),
        stands=_OFF,
        verdicts={"state": Verdict.PUT_BACK},
        op=Op.UPDATE,
        steps={"state": ("off", "dim")},
    ),
    Ending(
        name="... nor one of the same instant: it was accepted as it stood then",
        story=Story()
        .change(600, "Oscar", state=("blink", "dim"))
        .accepted(600, state="dim")
        .change(700, "Mallory", state=("dim", "off")),
        stands=_OFF,
        verdicts={"state": Verdict.PUT_BACK},
        op=Op.UPDATE,
        steps={"state": ("off", "dim")},
    ),
    Ending(
        name="over what an approved actor brought back when he made it again: people",
        story=Story()
        .change(600, "Mallory", state=("on", "off"))
        .ours(650, state=("off", "on"))
        .change(700, "Bob", Op.DELETE)
        .change(750, "Alice", Op.CREATE, state=(None, "off"), colour=(None, "red"), guests_Ann=(None, True))
        .change(800, "Mallory", state=("off", "dim")),
        stands={"state": "dim"},
        verdicts={"state": Verdict.BENEATH},
    ),
    Ending(
        name="one that wasn't live before a write of ours isn't between: a person dealt with it",
        story=Story()
        .change(600, "Alice", late=4000, state=("on", "dim"))
        .change(610, "Mark", is_live=False, state=("dim", "off"))
        .ours(650, state=("off", "on"))
        .change(700, "Mallory", state=("on", "off")),
        stands=_OFF,
        verdicts={"state": Verdict.PUT_BACK},
        op=Op.UPDATE,
        steps={"state": ("off", "dim")},
    ),
    # Existence, state and controls: both sides together go to people.
    Ending(
        name="made by one, edited by an approved one",
        story=Story()
        .absent()
        .change(600, "Mallory", Op.CREATE, state=(None, "on"), colour=(None, "red"), guests_Ann=(None, True))
        .change(700, "Alice", colour=("red", "blue")),
        stands={"colour": "blue"},
        verdicts={EXISTS: Verdict.MIXED},
    ),
    Ending(
        name="made by one, switched off by one of whom it isn't known",
        story=Story()
        .absent()
        .change(600, "Mallory", Op.CREATE, state=(None, "on"))
        .change(700, "Oscar", state=("on", "off")),
        stands=_OFF,
        verdicts={EXISTS: Verdict.MIXED},
    ),
    Ending(
        name="switched by one, widened by the other",
        story=Story().change(600, "Mallory", state=("on", "off")).change(700, "Alice", guests_Bea=(None, True)),
        stands={"state": "off", "guests_Bea": True},
        verdicts={"state": Verdict.MIXED},
    ),
    Ending(
        name="an approved change before the unapproved one doesn't meet it",
        story=Story().change(500, "Alice", guests_Bea=(None, True)).change(600, "Mallory", state=("on", "off")),
        stands={"state": "off", "guests_Bea": True},
        verdicts={"state": Verdict.PUT_BACK},
        op=Op.UPDATE,
        steps=_TO_ON,
    ),
    Ending(
        name="other leaves are taken apart",
        story=Story().change(600, "Mallory", colour=("red", "blue")).change(700, "Alice", guests_Bea=(None, True)),
        stands={"colour": "blue", "guests_Bea": True},
        verdicts={"colour": Verdict.PUT_BACK},
        op=Op.UPDATE,
        steps={"colour": ("blue", "red")},
    ),
    # Deletions.
    Ending(
        name="deleted: made again as in the baseline",
        story=Story().change(600, "Mallory", Op.DELETE),
        stands=_GONE,
        verdicts={EXISTS: Verdict.PUT_BACK},
        op=Op.CREATE,
        steps=_ALL_AGAIN,
    ),
    Ending(
        name="deleted by an approved actor, made again by another: taken away again",
        story=Story()
        .change(600, "Alice", Op.DELETE, late=5400)
        .change(700, "Mallory", Op.CREATE, late=5300, exists=(None, True), state=(None, "on")),
        stands={},
        verdicts={EXISTS: Verdict.PUT_BACK},
        op=Op.DELETE,
        steps={EXISTS: (True, None)},
        at=6001,
    ),
    Ending(
        name="changed and deleted by unapproved ones: as before both",
        story=Story().change(600, "Mallory", state=("on", "off")).change(700, "Mark", Op.DELETE),
        stands=_GONE,
        verdicts={EXISTS: Verdict.PUT_BACK},
        op=Op.CREATE,
        steps=_ALL_AGAIN,
    ),
    Ending(
        name="what came out of the bin because a person asked is set for that",
        story=_brought_back("Mallory", changes=(asked_id("w"),)),
        stands=_OFF,
        verdicts={"state": Verdict.PUT_BACK},
        about={"state": asked_id("w")},
        op=Op.UPDATE,
        steps=_TO_ON,
    ),
    Ending(
        name="... and what we brought back is as the attacker left it: it is put back",
        story=_brought_back("Mallory"),
        stands=_OFF,
        about={"state": "Mallory 700"},
        verdicts={"state": Verdict.PUT_BACK},
        op=Op.UPDATE,
        steps=_TO_ON,
    ),
    Ending(
        name="... and it answers the last of those for which it was made again",
        story=_brought_back("Mallory", between=True, changes=("Mallory 600", "Mallory 650", "Mallory 700")),
        stands=_OFF,
        about={"state": "Mallory 700"},
        verdicts={"state": Verdict.PUT_BACK},
        op=Op.UPDATE,
        steps=_TO_ON,
    ),
    Ending(
        name="... unless mode or switch moved meanwhile: listed",
        story=_brought_back("Mallory", is_live=False),
        stands=_OFF,
        verdicts={"state": Verdict.LISTED},
    ),
    Ending(
        name="... or he who deleted it is known to be another now: people",
        story=_brought_back("Oscar"),
        stands=_OFF,
        verdicts={"state": Verdict.UNKNOWN},
    ),
    Ending(
        name="... and where it isn't known any more for what it was made again: people",
        story=_brought_back("Mallory", changes=("long ago",)),
        stands=_OFF,
        verdicts={"state": Verdict.UNKNOWN},
    ),
    Ending(
        name="... and what we brought back as intended, before an approved change of it was known, is offered back",
        story=Story()
        .change(590, "Alice", late=5000, state=("on", "dim"))
        .change(600, "Mallory", Op.DELETE)
        .ours(700, Op.CREATE, exists=(None, True), state=(None, "on"), colour=(None, "red"), guests_Ann=(None, True))
        .with_state(
            intents=(
                Intent(id="intent 700", at=at(699), op=Op.CREATE, steps=named(_ALL_AGAIN), changes=("Mallory 600",)),
            )
        ),
        stands={},
        verdicts={"state": Verdict.OFFER},
        about={"state": "Alice 590"},
        at=5700,
    ),
    Ending(
        name="deleted over an unknown change of any leaf: people",
        story=Story().change(600, "Oscar", colour=("red", "blue")).change(700, "Mallory", Op.DELETE),
        stands=_GONE,
        verdicts={EXISTS: Verdict.BENEATH},
    ),
    Ending(
        name="deleted as its record tells: made again as in the baseline",
        story=Story().change(600, "Mallory", Op.DELETE, exists=(True, None)),
        stands=_GONE,
        verdicts={EXISTS: Verdict.PUT_BACK},
        op=Op.CREATE,
        steps=_ALL_AGAIN,
    ),
    Ending(
        name="... also where it tells a part",
        story=Story().change(600, "Mallory", Op.DELETE, is_whole=False, colour=("red", None)),
        stands=_GONE,
        verdicts={EXISTS: Verdict.PUT_BACK},
        op=Op.CREATE,
        steps=_ALL_AGAIN,
    ),
    Ending(
        name="... but a leaf that had gone before it, as it tells, went by nobody known: people",
        story=Story().change(600, "Mallory", Op.DELETE, state=("on", None), guests_Ann=(True, None)),
        stands=_GONE,
        verdicts={EXISTS: Verdict.BENEATH},
    ),
    Ending(
        name="made anew by an approved actor and then deleted: made again as he made it",
        story=Story()
        .change(600, "Alice", Op.DELETE)
        .change(650, "Alice", Op.CREATE, state=(None, "on"), guests_Ann=(None, True))
        .change(700, "Mallory", Op.DELETE),
        stands=_GONE,
        verdicts={EXISTS: Verdict.PUT_BACK},
        op=Op.CREATE,
        steps={leaf: step for leaf, step in _ALL_AGAIN.items() if leaf != "colour"},
    ),
    Ending(
        name="... also where nobody knows what an unapproved one wrote into what he had before",
        story=Story()
        .change(550, "Mallory", is_whole=False)
        .change(600, "Alice", Op.DELETE)
        .change(650, "Alice", Op.CREATE, state=(None, "on"), colour=(None, "red"), guests_Ann=(None, True))
        .change(700, "Mallory", Op.DELETE),
        stands=_GONE,
        verdicts={WHOLE: Verdict.UNTOLD, EXISTS: Verdict.PUT_BACK},
        op=Op.CREATE,
        steps=_ALL_AGAIN,
    ),
    Ending(
        name="deleted over what versions say that an approved actor wrote, though a later look was behind it",
        story=Story()
        .change(600, "Alice", is_whole=False)
        .seen(650, state="off")
        .seen(660)
        .change(700, "Mallory", Op.DELETE),
        stands=_GONE,
        verdicts={EXISTS: Verdict.PUT_BACK},
        op=Op.CREATE,
        steps={**_ALL_AGAIN, "state": (None, "off")},
    ),
    Ending(
        name="deleted over a leaf that no record explains: people",
        story=Story().seen(650, colour="blue").change(700, "Mallory", Op.DELETE),
        stands=_GONE,
        verdicts={EXISTS: Verdict.BENEATH},
    ),
    Ending(
        name="... also where it was seen at the very instant of the deletion",
        story=Story().seen(700, colour="blue").change(700, "Mallory", Op.DELETE),
        stands=_GONE,
        verdicts={EXISTS: Verdict.BENEATH},
    ),
    Ending(
        name="... but what a look shows after it isn't what stood before it",
        story=Story().change(700, "Mallory", Op.DELETE).seen(705, colour="blue"),
        stands=_GONE,
        verdicts={EXISTS: Verdict.PUT_BACK},
        op=Op.CREATE,
        steps=_ALL_AGAIN,
    ),
    Ending(
        name="... also where an old change once wrote that leaf",
        story=Story()
        .change(3400, "Alice", colour=("red", "green"))
        .seen(4000, colour="blue")
        .change(4100, "Mallory", Op.DELETE),
        stands=_GONE,
        verdicts={EXISTS: Verdict.BENEATH},
    ),
    Ending(
        name="... however old that change is",
        story=Story()
        .change(600, "Alice", colour=("red", "green"))
        .seen(4000, colour="blue")
        .change(4100, "Mallory", Op.DELETE),
        stands=_GONE,
        verdicts={EXISTS: Verdict.BENEATH},
    ),
    Ending(
        name="... or that somebody unknown wrote since, whatever older changes a look showed",
        story=Story()
        .change(600, "Alice", state=("on", "dim"))
        .seen(4000, state="dim")
        .change(4010, "Oscar", colour=("red", "blue"))
        .change(4100, "Mallory", Op.DELETE),
        stands=_GONE,
        verdicts={EXISTS: Verdict.BENEATH},
    ),
    Ending(
        name="made by an approved actor, and deleted before anybody looked: made again as its record tells",
        story=Story()
        .absent()
        .change(600, "Alice", Op.CREATE, state=(None, "on"), colour=(None, "red"), guests_Ann=(None, True))
        .change(700, "Mallory", Op.DELETE),
        stands=_GONE,
        verdicts={EXISTS: Verdict.PUT_BACK},
        op=Op.CREATE,
        steps=_ALL_AGAIN,
    ),
    Ending(
        name="... also where a look did not show it: the deletion proves that it stood",
        story=Story()
        .absent()
        .change(600, "Alice", Op.CREATE, state=(None, "on"), colour=(None, "red"), guests_Ann=(None, True))
        .seen(1300, gone=True)
        .change(1400, "Mallory", Op.DELETE),
        stands=_GONE,
        verdicts={EXISTS: Verdict.PUT_BACK},
        op=Op.CREATE,
        steps=_ALL_AGAIN,
    ),
    Ending(
        name="deleted over a leaf that people left: people",
        story=Story()
        .change(600, "Mallory", colour=("red", "blue"))
        .left("colour", "blue")
        .change(700, "Mallory", Op.DELETE),
        stands=_GONE,
        verdicts={EXISTS: Verdict.BENEATH},
    ),
    Ending(
        name="deleted over a change of which nobody knows what it wrote: people",
        story=Story().change(600, "Oscar", is_whole=False).change(700, "Mallory", Op.DELETE),
        stands=_GONE,
        verdicts={EXISTS: Verdict.BENEATH, WHOLE: Verdict.UNTOLD},
    ),
    Ending(
        name="changed by an unapproved one, and nobody is known to have made it: people",
        story=Story().absent().change(600, "Mallory", is_whole=False),
        stands={},
        verdicts={EXISTS: Verdict.WAIT_UNEXPLAINED},
    ),
    Ending(
        name="made by an unapproved one, who changed it at once, and only versions tell what he wrote: it goes",
        story=Story()
        .absent()
        .change(600, "Mallory", Op.CREATE, is_whole=False, late=10800)
        .change(604, "Mallory", is_whole=False),
        stands={},
        verdicts={EXISTS: Verdict.PUT_BACK},
        op=Op.DELETE,
        steps={EXISTS: (True, None)},
    ),
    Ending(
        name="deleted and made again by unapproved ones: each leaf as before",
        story=Story()
        .change(600, "Mallory", Op.DELETE)
        .change(700, "Mark", Op.CREATE, state=(None, "off"), guests_Ann=(None, True)),
        stands={"state": "off", "colour": None},
        verdicts={"state": Verdict.PUT_BACK, "colour": Verdict.PUT_BACK},
        op=Op.UPDATE,
        steps={"colour": (None, "red"), "state": ("off", "on")},
    ),
    Ending(
        name="... also a value that only a person accepted, which no record had told of",
        story=Story()
        .accepted(500, session="x", colour="blue")
        .change(600, "Mallory", Op.DELETE)
        .change(700, "Mark", Op.CREATE, state=(None, "on"), colour=(None, "red"), guests_Ann=(None, True)),
        stands={},
        verdicts={"session": Verdict.PUT_BACK, "colour": Verdict.PUT_BACK},
        op=Op.UPDATE,
        steps={"colour": ("red", "blue"), "session": (None, "x")},
    ),
    Ending(
        name="deleted by one of whom it isn't known, made again by another: no leaf is put back",
        story=Story()
        .change(600, "Mallory", colour=("red", None))
        .change(605, "Mallory", glow=(None, "x"))
        .change(610, "Oscar", Op.DELETE)
        .change(620, "Mallory", Op.CREATE, state=(None, "off"), guests_Ann=(None, True), glow=(None, "x")),
        stands={"state": "off", "colour": None, "glow": "x"},
        verdicts={
            EXISTS: Verdict.BENEATH,
            "state": Verdict.BENEATH,
            "colour": Verdict.UNKNOWN,
            "guests[Ann]": Verdict.BENEATH,
            "glow": Verdict.BENEATH,
        },
    ),
    Ending(
        name="... also where it was deleted and made again once more",
        story=Story()
        .change(610, "Oscar", Op.DELETE)
        .change(620, "Mallory", Op.CREATE, state=(None, "on"), colour=(None, "red"), guests_Ann=(None, True))
        .change(630, "Mark", Op.DELETE)
        .change(640, "Mark", Op.CREATE, state=(None, "on"), colour=(None, "red"), guests_Ann=(None, True)),
        stands={},
        verdicts=dict.fromkeys(LAMP, Verdict.BENEATH),
    ),
    # Our own writes.
    Ending(
        name="what we wrote over an approved change that is known only now is offered back",
        story=Story()
        .change(600, "Alice", late=5000, state=("on", "dim"))
        .change(610, "Mallory", state=("on", "off"))
        .ours(650, state=("off", "on")),
        stands={},
        verdicts={"state": Verdict.OFFER},
        at=5700,
    ),
    Ending(
        name="... by the change that made it what it is to be, not by one before that",
        story=Story()
        .change(500, "Oscar", state=("on", "blink"))
        .change(600, "Alice", late=5000, state=("blink", "dim"))
        .change(610, "Mallory", state=("dim", "off"))
        .ours(650, state=("off", "on")),
        stands={},
        verdicts={"state": Verdict.OFFER},
        about={"state": "Alice 600"},
        at=5700,
    ),
    Ending(
        name="... and by our write where a person accepted it, and no change made it so",
        story=Story()
        .accepted(600, state="dim")
        .change(610, "Mallory", state=("dim", "off"))
        .ours(650, state=("off", "on")),
        stands={},
        verdicts={"state": Verdict.OFFER},
        about={"state": "we 650"},
    ),
    Ending(
        name="a member that our write of the whole list swept away is offered back",
        story=Story()
        .change(600, "Alice", late=5000, guests_Bea=(None, True))
        .change(610, "Mallory", guests_Max=(None, True))
        .ours(650, sent={"guests": ("Ann",)}, guests_Max=(True, None)),
        stands={},
        verdicts={"guests[Bea]": Verdict.OFFER},
        at=5700,
    ),
    Ending(
        name="... also where it had gone and come back before",
        story=Story()
        .change(600, "Alice", late=5000, guests_Ann=(True, None))
        .change(605, "Alice", late=5000, guests_Ann=(None, True))
        .change(610, "Mallory", guests_Max=(None, True))
        .ours(650, sent={"guests": ()}, guests_Max=(True, None)),
        stands={"guests_Ann": None},
        verdicts={"guests[Ann]": Verdict.OFFER},
        at=5700,
    ),
    Ending(
        name="... and one that a look showed long after it had come",
        story=Story()
        .change(600, "Alice", guests_Bea=(None, True))
        .seen(4000, guests_Bea=True)
        .change(4010, "Mallory", guests_Max=(None, True))
        .ours(4050, sent={"guests": ("Ann",)}, guests_Max=(True, None)),
        stands={},
        verdicts={"guests[Bea]": Verdict.OFFER},
    ),
    Ending(
        name="... but one that had gone before isn't our doing",
        story=Story()
        .change(3400, "Alice", guests_Bea=(None, True))
        .seen(4000)
        .change(4010, "Mallory", guests_Max=(None, True))
        .ours(4050, sent={"guests": ("Ann",)}, guests_Max=(True, None)),
        stands={},
        verdicts={"guests[Bea]": Verdict.WAIT_UNEXPLAINED},
    ),
    Ending(
        name="... as a look of the instant of our write showed",
        story=Story()
        .change(3400, "Alice", guests_Bea=(None, True))
        .change(4010, "Mallory", guests_Max=(None, True))
        .seen(4050)
        .ours(4050, sent={"guests": ("Ann",)}, guests_Max=(True, None)),
        stands={},
        verdicts={"guests[Bea]": Verdict.WAIT_UNEXPLAINED},
    ),
    Ending(
        name="... of several members each is looked at by itself, and a look may be behind the latest change of one",
        story=Story()
        .change(600, "Alice", colour=("red", "blue"))
        .change(610, "Alice", guests_Cid=(None, True))
        .change(620, "Alice", guests_Bea=(None, True))
        .change(630, "Alice", guests_Dan=(None, True))
        .change(640, "Bob", guests_Dan=(True, None))
        .change(3401, "Bob", guests_Dan=(None, True))
        .seen(4000, colour="blue", guests_Cid=True)
        .change(4010, "Mallory", guests_Max=(None, True))
        .ours(4050, sent={"guests": ("Ann", "Cid")}, guests_Max=(True, None)),
        stands={"colour": "blue", "guests_Cid": True},
        verdicts={"guests[Bea]": Verdict.WAIT_UNEXPLAINED, "guests[Dan]": Verdict.OFFER},
    ),
    Ending(
        name="a member that our write of the whole list swept in stands",
        story=Story()
        .change(600, "Mallory", late=5000, guests_Ann=(True, None))
        .change(610, "Mallory", guests_Max=(None, True))
        .ours(650, sent={"guests": ("Ann",)}, guests_Max=(True, None))
        .change(700, "Mallory", guests_Ann=(True, None)),
        stands={"guests_Ann": None},
        verdicts={"guests[Ann]": Verdict.PUT_BACK},
        op=Op.UPDATE,
        steps={"guests[Ann]": (None, True)},
        at=5700,
    ),
    Ending(
        name="a member that our write of the whole list brought back, which had been taken out by an approved change",
        story=Story()
        .change(600, "Alice", late=5000, guests_Ann=(True, None))
        .change(610, "Mallory", guests_Max=(None, True))
        .ours(650, sent={"guests": ("Ann",)}, guests_Max=(True, None))
        .with_state(
            intents=(
                Intent(
                    id="intent 650",
                    at=at(649),
                    op=Op.UPDATE,
                    steps=named({"guests_Max": (True, None)}),
                    changes=("Mallory 610",),
                ),
            )
        ),
        stands={},
        verdicts={"guests[Ann]": Verdict.OFFER},
        at=5700,
    ),
    Ending(
        name="an approved change that brings back what we took: its author is asked",
        story=Story()
        .change(600, "Mallory", guests_Max=(None, True))
        .ours(650, guests_Max=(True, None))
        .change(700, "Alice", guests_Max=(None, True), guests_Bea=(None, True)),
        stands={"guests_Max": True, "guests_Bea": True},
        verdicts={"guests[Max]": Verdict.UNKNOWN},
    ),
    Ending(
        name="... also where he deletes again what we made again",
        story=Story()
        .change(600, "Mallory", Op.DELETE)
        .ours(650, Op.CREATE, **{leaf: step for leaf, step in _ALL_AGAIN.items() if "[" not in leaf})
        .change(700, "Alice", Op.DELETE),
        stands=_GONE,
        verdicts={EXISTS: Verdict.UNKNOWN},
    ),
    Ending(
        name="... but what he takes out of what we made again is the baseline",
        story=Story()
        .change(600, "Mallory", Op.DELETE)
        .ours(650, Op.CREATE, exists=(None, True), state=(None, "on"), colour=(None, "red"), guests_Ann=(None, True))
        .change(700, "Alice", guests_Ann=(True, None)),
        stands={"guests_Ann": None},
        verdicts={},
    ),
    Ending(
        name="... and if another makes it again then, no leaf of it is put back",
        story=Story()
        .change(600, "Mallory", Op.DELETE)
        .ours(650, Op.CREATE, exists=(None, True), state=(None, "on"), colour=(None, "red"), guests_Ann=(None, True))
        .change(700, "Alice", Op.DELETE)
        .change(750, "Mallory", Op.CREATE, state=(None, "off"), colour=(None, "red"), guests_Ann=(None, True)),
        stands=_OFF,
        verdicts={
            EXISTS: Verdict.BENEATH,
            "state": Verdict.BENEATH,
            "colour": Verdict.BENEATH,
            "guests[Ann]": Verdict.BENEATH,
        },
    ),
    Ending(
        name="... but not where another had made it again before us",
        story=Story()
        .change(600, "Mallory", Op.DELETE)
        .change(640, "Alice", Op.CREATE, late=5400, exists=(None, True), state=(None, "on"))
        .ours(650, Op.CREATE, exists=(None, True), state=(None, "on"))
        .change(700, "Bob", Op.DELETE),
        stands=_GONE,
        verdicts={},
        at=7000,
    ),
    Ending(
        name="the same change again after our put-back is another one, and is put back too",
        story=Story()
        .change(600, "Mallory", state=("on", "off"))
        .ours(650, state=("off", "on"))
        .change(700, "Mallory", state=("on", "off")),
        stands=_OFF,
        verdicts={"state": Verdict.PUT_BACK},
        op=Op.UPDATE,
        steps=_TO_ON,
    ),
    Ending(
        name="a write whose answer was lost may be ours: our record is waited for",
        story=Story()
        .change(600, "Alice", late=4000, state=("on", "dim"))
        .change(610, "Mallory", state=("dim", "off"))
        .ours(650, is_proven=False, state=("off", "on")),
        stands=_OFF,
        about={"state": "we 650"},
        verdicts={"state": Verdict.WAIT_CLAIM},
        at=4700,
    ),
    Ending(
        name="... if another wrote the same after it, that one wrote it",
        story=Story()
        .change(610, "Mallory", state=("on", "off"))
        .ours(650, is_proven=False, state=("off", "dim"))
        .change(660, "Mark", state=("off", "dim")),
        stands={"state": "dim"},
        verdicts={"state": Verdict.PUT_BACK},
        op=Op.UPDATE,
        steps={"state": ("dim", "on")},
    ),
    Ending(
        name="... but not if he wrote it before",
        story=Story()
        .change(610, "Mallory", state=("on", "off"))
        .change(640, "Bob", late=4000, state=("off", "on"))
        .ours(650, is_proven=False, state=("off", "on")),
        stands=_OFF,
        verdicts={"state": Verdict.WAIT_CLAIM},
        at=4700,
    ),
    Ending(
        name="... nor if he wrote another value after it",
        story=Story()
        .change(610, "Mallory", state=("on", "off"))
        .ours(650, is_proven=False, state=("off", "on"))
        .change(660, "Mark", state=("on", "dim")),
        stands={"state": "dim"},
        verdicts={"state": Verdict.PUT_BACK},
        op=Op.UPDATE,
        steps={"state": ("dim", "on")},
    ),
    Ending(
        name="... nor if we wrote it again",
        story=Story()
        .change(610, "Mallory", state=("on", "off"), colour=("red", "blue"))
        .ours(650, is_proven=False, state=("off", "on"), colour=("blue", "red"))
        .change(690, "Mallory", state=("on", "off"))
        .ours(700, state=("off", "on")),
        stands={"colour": "blue"},
        verdicts={"colour": Verdict.WAIT_CLAIM},
    ),
    Ending(
        name="... for three hours it may be ours",
        story=Story().change(610, "Mallory", state=("on", "off")).ours(650, is_proven=False, state=("off", "on")),
        stands=_OFF,
        verdicts={"state": Verdict.WAIT_CLAIM},
        at=651 + 3 * HOUR,
    ),
    Ending(
        name="... and after three hours it wasn't ours",
        story=Story().change(610, "Mallory", state=("on", "off")).ours(650, is_proven=False, state=("off", "on")),
        stands=_OFF,
        verdicts={"state": Verdict.PUT_BACK},
        op=Op.UPDATE,
        steps=_TO_ON,
        at=651 + 3 * HOUR + 1,
    ),
    # Records without whole values.
    Ending(
        name="versions say what an unapproved change wrote",
        story=Story().change(600, "Mallory", is_whole=False),
        stands={"state": "off", "colour": "blue"},
        verdicts={"state": Verdict.PUT_BACK, "colour": Verdict.PUT_BACK},
        op=Op.UPDATE,
        steps={"colour": ("blue", "red"), "state": ("off", "on")},
    ),
    Ending(
        name="two unapproved ones wrote the difference together, so that neither misses a writer",
        story=Story().change(600, "Mallory", is_whole=False).change(700, "Mark", is_whole=False),
        stands=_OFF,
        verdicts={"state": Verdict.PUT_BACK},
        op=Op.UPDATE,
        steps=_TO_ON,
    ),
    Ending(
        name="... but if the record of the later one tells what stood before it, a writer is missing",
        story=Story()
        .change(600, "Mallory", is_whole=False)
        .seen(650, state="off")
        .change(700, "Mark", state=("dim", "x")),
        stands={"state": "x"},
        verdicts={"state": Verdict.MISSING},
    ),
    Ending(
        name="... nor did they write together what lies between other versions",
        story=Story()
        .change(600, "Mallory", is_whole=False)
        .seen(650, state="dim")
        .seen(1400, state="out")
        .change(1500, "Mark", is_whole=False),
        stands={"state": "zap"},
        verdicts={"state": Verdict.MISSING},
        at=6000,
    ),
    Ending(
        name="... nor where a record tells the later one",
        story=Story()
        .change(600, "Mallory", is_whole=False)
        .seen(650, state="off")
        .change(700, "Mark", state=("on", "off")),
        stands=_OFF,
        verdicts={"state": Verdict.MISSING},
    ),
    Ending(
        name="... or the earlier one",
        story=Story().change(600, "Mallory", state=("on", "off")).seen(1300).change(1400, "Mark", is_whole=False),
        stands=_OFF,
        verdicts={"state": Verdict.MISSING},
        at=6000,
    ),
    Ending(
        name="what only versions say of an approved change stands, to be accepted by a person",
        story=Story().change(600, "Alice", is_whole=False),
        stands=_OFF,
        verdicts={"state": Verdict.BRACKETED},
    ),
    Ending(
        name="... until a person accepts it",
        story=Story().change(600, "Alice", is_whole=False).accepted(700, state="off"),
        stands=_OFF,
        verdicts={},
    ),
    Ending(
        name="... nor where he made something of a right of his own",
        story=Story().change(500, "Bob", colour=("red", "blue")).change(600, "Alice", is_whole=False, is_own_use=True),
        stands={"state": "off", "colour": "blue"},
        verdicts={},
    ),
    Ending(
        name="... nor where a person left it so",
        story=Story().change(600, "Alice", is_whole=False).left("state", "off"),
        stands=_OFF,
        verdicts={},
    ),
    Ending(
        name="... but nobody is waited for to claim it, if something else stands then",
        story=Story().change(600, "Alice", is_whole=False).seen(650, state="off"),
        stands={"state": "dim"},
        verdicts={"state": Verdict.WAIT_UNEXPLAINED},
    ),
    Ending(
        name="... which says nothing of another leaf",
        story=Story().change(600, "Alice", is_whole=False).change(700, "Bob", is_own_use=True, colour=("red", "blue")),
        stands={"state": "off", "colour": "blue"},
        verdicts={"state": Verdict.BRACKETED},
    ),
    Ending(
        name="of two changes it isn't known who wrote what: waited for",
        story=Story().change(600, "Alice", is_whole=False).change(610, "Mallory", is_whole=False),
        stands=_OFF,
        verdicts={WHOLE: Verdict.WAIT_UNTOLD, "state": Verdict.WAIT_UNTOLD},
        at=630 + HOUR - 1,
    ),
    Ending(
        name="... and then people",
        story=Story().change(600, "Alice", is_whole=False).change(610, "Mallory", is_whole=False),
        stands=_OFF,
        verdicts={WHOLE: Verdict.UNTOLD, "state": Verdict.UNTOLD},
        at=630 + HOUR,
    ),
    Ending(
        name="what a change wrote stays unknown: people, though nothing differs",
        story=Story().change(600, "Mallory", is_whole=False),
        stands={},
        verdicts={WHOLE: Verdict.UNTOLD},
    ),
    Ending(
        name="... until a person settles it",
        story=Story().change(600, "Mallory", is_whole=False).with_state(settled=("Mallory 600",)),
        stands={},
        verdicts={},
    ),
    Ending(
        name="what differs from what a person accepted isn't put down to changes from before that",
        story=Story().change(600, "Alice", is_whole=False).change(610, "Oscar", is_whole=False).accepted(700),
        stands=_OFF,
        verdicts={WHOLE: Verdict.UNTOLD, "state": Verdict.WAIT_UNEXPLAINED},
    ),
    Ending(
        name="... nor to one of that very instant",
        story=Story()
        .change(600, "Alice", is_whole=False)
        .change(610, "Oscar", is_whole=False)
        .accepted(610)
        .with_state(settled=("Alice 600",)),
        stands=_OFF,
        verdicts={WHOLE: Verdict.UNTOLD, "state": Verdict.WAIT_UNEXPLAINED},
    ),
    # Values in any spelling; filled-in leaves.
    Ending(
        name="another spelling is no difference",
        story=Story(),
        stands={"state": "ON", "colour": "Red"},
        verdicts={},
    ),
    Ending(
        name="an approved value in the log's words is written in the API's spelling",
        story=Story()
        .seen(500, state="Dim")
        .change(400, "Alice", state=("on", "DIM"))
        .change(600, "Mallory", state=("dim", "off")),
        stands=_OFF,
        verdicts={"state": Verdict.PUT_BACK},
        op=Op.UPDATE,
        steps={"state": ("off", "Dim")},
    ),
    Ending(
        name="filled in by the service: no change",
        story=Story().filled(500, "session", "default"),
        stands={"session": "default"},
        verdicts={},
    ),
    Ending(
        name="... unless a record of another names it after all",
        story=Story().filled(500, "session", "default").change(400, "Mallory", late=4000, session=(None, "default")),
        stands={"session": "default"},
        verdicts={"session": Verdict.PUT_BACK},
        op=Op.UPDATE,
        steps={"session": ("default", None)},
    ),
    Ending(
        name="... and a creation leaves it out",
        story=Story().filled(500, "session", "default").change(600, "Mallory", Op.DELETE),
        stands=_GONE,
        verdicts={EXISTS: Verdict.PUT_BACK},
        op=Op.CREATE,
        steps=_ALL_AGAIN,
    ),
    Ending(
        name="... also where a look had shown it",
        story=Story().filled(500, "session", "default").seen(550, session="default").change(600, "Mallory", Op.DELETE),
        stands=_GONE,
        verdicts={EXISTS: Verdict.PUT_BACK},
        op=Op.CREATE,
        steps=_ALL_AGAIN,
    ),
    Ending(
        name="... after which it isn't missed",
        story=Story()
        .filled(500, "session", "default")
        .change(600, "Mallory", Op.DELETE)
        .ours(650, Op.CREATE, exists=(None, True), state=(None, "on"), colour=(None, "red"), guests_Ann=(None, True)),
        stands={},
        verdicts={},
    ),
    Ending(
        name="a filled-in leaf that somebody changed then has no missing writer",
        story=Story().filled(500, "session", "default").change(600, "Mallory", session=("default", "x")),
        stands={"session": "x"},
        verdicts={"session": Verdict.PUT_BACK},
        op=Op.UPDATE,
        steps={"session": ("x", "default")},
    ),
    Ending(
        name="... but one that was never filled in has",
        story=Story()
        .filled(500, "glow", "default")
        .filled(500, "warmth", "default")
        .change(600, "Mallory", session=("default", "x")),
        stands={"session": "x", "glow": "default", "warmth": "default"},
        verdicts={"session": Verdict.MISSING},
    ),
    Ending(
        name="... and so has one that somebody set back to what it was filled in with",
        story=Story()
        .filled(500, "session", "default")
        .change(600, "Mallory", session=("default", "x"))
        .change(700, "Mark", session=("default", "y")),
        stands={"session": "y"},
        verdicts={"session": Verdict.MISSING},
    ),
    Ending(
        name="... nor does it explain what was there before it was taken away",
        story=Story()
        .filled(500, "session", "default")
        .change(600, "Mallory", session=("y", None))
        .change(700, "Mark", session=("default", "x")),
        stands={"session": "x"},
        verdicts={"session": Verdict.MISSING},
    ),
)


@pytest.mark.parametrize("ending", ENDINGS, ids=lambda ending: ending.name)
def test_a_story_ends_as_it_must(ending: Ending) -> None:
    plan = ending.story.plan(ending.at, **ending.stands)
    assert verdicts(plan) == ending.verdicts
    assert (plan.op, plan.steps) == (ending.op, ending.steps or {})
    assert {leaf: plan.verdicts[leaf].change for leaf in ending.about} == ending.about


@pytest.mark.parametrize("ending", ENDINGS, ids=lambda ending: ending.name)
def test_it_ends_the_same_in_whatever_order_the_records_came(ending: Ending) -> None:
    plan = ending.story.plan(ending.at, **ending.stands)
    assert ending.story.backwards().plan(ending.at, **ending.stands) == plan


def test_what_no_record_explains_waits_its_grace_and_then_goes_to_people() -> None:
    first = Story().plan(600, state="off")
    assert verdicts(first) == {"state": Verdict.WAIT_UNEXPLAINED}
    assert first.verdicts["state"].until == at(600 + HOUR)
    later = Story().with_state(differing=first.state.differing)
    assert verdicts(later.plan(600 + HOUR - 1, state="off")) == {"state": Verdict.WAIT_UNEXPLAINED}
    assert verdicts(later.plan(600 + HOUR, state="off")) == {"state": Verdict.DRIFT}
    assert verdicts(later.plan(600 + HOUR, state="dim")) == {"state": Verdict.WAIT_UNEXPLAINED}
    of_another = Story().with_state(differing=(Noticed(leaf="colour", value="off", since=at(0)),))
    assert verdicts(of_another.plan(600 + HOUR, state="off")) == {"state": Verdict.WAIT_UNEXPLAINED}


def test_only_what_nobody_explains_is_noted_and_only_once() -> None:
    """How long a record is waited for counts from when the leaf was found so first."""
    explained = Story().change(600, "Mallory", state=("on", "off")).plan(5000, state="off")
    assert explained.state.differing == ()
    first = Story().plan(1000, state="off")
    again = Story(state=first.state).plan(1600, state="off", colour="blue")
    noticed = [(each.leaf, each.since) for each in again.state.differing]
    assert noticed == [("state", at(1000)), ("colour", at(1600))]


def test_what_only_versions_said_waits_for_a_person_though_the_change_was_compacted() -> None:
    agreed = {
        leaf: BaselineLeaf(value=value, provenance=Provenance.ACCEPTED, since=at(0)) for leaf, value in LAMP.items()
    }
    agreed[WHOLE] = BaselineLeaf(value=None, provenance=Provenance.ACCEPTED, since=at(0))
    agreed["state"] = BaselineLeaf(value="on", provenance=Provenance.BRACKETED, since=at(0))
    assert verdicts(Story().with_state(accounted=agreed).plan(5000)) == {"state": Verdict.BRACKETED}


def test_what_goes_back_and_forth_is_waited_for_once_a_day() -> None:
    first = Story().plan(600, state="off").state.differing
    back = Story().with_state(differing=first).plan(900).state.differing
    assert back == first
    assert verdicts(Story().with_state(differing=back).plan(600 + HOUR, state="off")) == {"state": Verdict.DRIFT}
    assert Story().with_state(differing=back).plan(600 + 24 * HOUR).state.differing == ()


def test_the_grace_is_the_callers() -> None:
    story = Story().with_state(differing=Story().plan(600, state="off").state.differing)
    assert verdicts(story.plan(610, more={"grace": timedelta(seconds=10)}, state="off")) == {"state": Verdict.DRIFT}


def _added(**leaves: Json) -> dict[str, Any]:
    return {"added": [Noticed(leaf=leaf, value=value, since=at(500)) for leaf, value in leaves.items()]}


def test_a_leaf_that_was_added_to_the_whole_kind_is_first_seen_and_told_once() -> None:
    more = _added(glow="x")
    plan = Story().plan(600, more=more, glow="x")
    assert [each.leaf for each in plan.new_to_kind] == ["glow"]
    assert plan.verdicts == {}
    assert plan.baseline["glow"].provenance is Provenance.FIRST_SEEN
    again = Story().with_state(filled=plan.state.filled).plan(700, more=more, glow="x")
    assert (again.new_to_kind, again.verdicts) == ((), {})


@pytest.mark.parametrize(
    ("added", "verdict"),
    [
        pytest.param({}, {"glow": Verdict.WAIT_UNEXPLAINED}, id="nothing was added"),
        pytest.param({"glow": "y"}, {"glow": Verdict.WAIT_UNEXPLAINED}, id="it has another value here"),
        pytest.param({"heat": "x"}, {"glow": Verdict.WAIT_UNEXPLAINED}, id="another one was added"),
    ],
)
def test_else_it_is_drift(added: dict[str, Any], verdict: dict[str, Verdict]) -> None:
    plan = Story().plan(600, more=_added(**added), glow="x")
    assert (plan.new_to_kind, verdicts(plan)) == ((), verdict)


def test_a_leaf_that_a_record_names_is_a_change_even_where_all_have_it() -> None:
    plan = Story().change(500, "Mallory", glow=(None, "x")).plan(600, more=_added(glow="x"), glow="x")
    assert (verdicts(plan), plan.new_to_kind) == ({"glow": Verdict.PUT_BACK}, ())


def test_a_leaf_that_a_person_accepted_as_absent_is_none_that_was_added() -> None:
    plan = Story().change(500, "Alice", glow=("y", None)).plan(600, more=_added(glow="x"), glow="x")
    assert plan.new_to_kind == ()


_MADE_AGAIN: Final = (
    Story()
    .change(600, "Mallory", Op.DELETE, state=("on", None), colour=("red", None), glow=("x", None))
    .ours(610, Op.CREATE, exists=(None, True), state=(None, "on"), colour=(None, "red"))
)


@pytest.mark.parametrize(
    ("filled_at", "found"),
    [
        pytest.param(615, {}, id="it was filled in again, as it was read back"),
        pytest.param(300, {"glow": Verdict.WAIT_UNEXPLAINED}, id="it was filled in only before"),
    ],
)
def test_what_a_service_fills_in_again_when_the_object_is_made_again_is_no_drift(
    filled_at: float, found: dict[str, Verdict]
) -> None:
    assert verdicts(_MADE_AGAIN.filled(filled_at, "glow", "x").plan(700, glow="x")) == found


def test_a_deletion_tells_what_stood_and_what_nobody_explains_there_waits_for_its_record() -> None:
    stood = {leaf: (value, None) for leaf, value in lamp(colour="blue").items() if leaf != EXISTS}
    change = Story().change(700, "Mallory", Op.DELETE).changes[0]
    recorded = replace(Story(), changes=(_with_wrote(change, stood),))
    assert verdicts(recorded.plan(710, gone=True)) == {EXISTS: Verdict.BENEATH}
    heard = recorded.change(600, "Alice", colour=("red", "blue"), late=900)
    assert heard.plan(1600, gone=True).steps["colour"] == (None, "blue")


def _with_wrote(judged: JudgedChange, wrote: Mapping[str, Step]) -> JudgedChange:
    return msgspec.structs.replace(judged, change=msgspec.structs.replace(judged.change, wrote=dict(wrote)))


def _switching_off(leaves: Mapping[str, Json]) -> Mapping[str, Step]:
    return {} if leaves["state"] == "off" else {"state": (leaves["state"], "off")}


_REMOVAL: Final = {"removal": _switching_off}


def test_a_write_of_ours_that_was_sent_whole_wrote_no_leaf_of_another_part() -> None:
    story = Story().change(500, "Mallory", colour=("red", "blue")).change(600, "Bea", guests_Max=(None, True))
    plan = story.ours(650, sent={"guests": ("Ann",)}, guests_Max=(True, None)).plan(700, colour="blue")
    assert (verdicts(plan), plan.verdicts["colour"].change) == ({"colour": Verdict.PUT_BACK}, "Mallory 500")


def test_a_look_that_lacks_somebodys_newest_change_is_out_of_date_though_it_has_our_own_later_one() -> None:
    story = Story().change(600, "Mallory", colour=("red", "blue")).change(650, "Bea", guests_Max=(None, True))
    story = story.change(690, "Alice", body=(None, "x")).ours(700, guests_Max=(True, None))
    plan = story.plan(710, colour="blue")
    assert (plan.verdicts["colour"].verdict, plan.op) == (Verdict.WAIT_STALE, None)
    assert story.plan(710, colour="blue", body="x").op is Op.UPDATE
    both = story.plan(710, colour="blue", guests_Max=True).verdicts["colour"]
    assert (both.verdict, both.change, both.until) == (Verdict.WAIT_STALE, "we 700", at(700 + HOUR))


def _wished(when: datetime, leaf: str, *, stood: str, wanted: str) -> Acceptance:
    """Give what a person asks to have written into a leaf, by what stood when he was shown it."""
    wish = Wish(act=Asked.DENY, stood={leaf: stood})
    return Acceptance(id=f"w {leaf}", at=when, by="Carol", leaves={leaf: wanted}, only=(leaf,), wish=wish)


@pytest.mark.parametrize(
    ("since", "verdict"),
    [
        pytest.param((), Verdict.PUT_BACK, id="nothing was said since"),
        pytest.param(
            (Acceptance(at=at(850), by="Dave", leaves={"colour": "red"}, only=("colour",)),),
            Verdict.PUT_BACK,
            id="another leaf was accepted since",
        ),
        pytest.param(
            (_wished(at(850), "colour", stood="red", wanted="red"),),
            Verdict.PUT_BACK,
            id="another leaf was wished for since",
        ),
        pytest.param(
            (Acceptance(at=at(850), by="Dave", leaves=dict(LAMP)),),
            Verdict.WAIT_UNEXPLAINED,
            id="the object was accepted since, with another value",
        ),
    ],
)
def test_what_a_person_wants_written_waits_for_no_look_that_shows_what_stood_before_it(
    since: tuple[Acceptance, ...], verdict: Verdict
) -> None:
    """He saw what nobody is known to have written; that the last record of the leaf says otherwise is no replica."""
    wish = _wished(at(800), "state", stood="dim", wanted="on")
    story = Story().change(600, "Mallory", state=("on", "off")).with_state(acceptances=(wish, *since))
    plan = story.plan(900, state="dim")
    assert verdicts(plan) == {"state": verdict}
    assert plan.steps == ({"state": ("dim", "on")} if verdict is Verdict.PUT_BACK else {})


@pytest.mark.parametrize(("second", "change"), [(799, "asked w state"), (800, "asked w state"), (801, "Mallory 801")])
def test_a_wish_holds_until_somebody_writes_the_leaf_after_it(second: float, change: str) -> None:
    wish = _wished(at(800), "state", stood="dim", wanted="on")
    story = Story().change(second, "Mallory", state=("on", "dim")).with_state(acceptances=(wish,))
    assert story.plan(900, state="dim").verdicts["state"].change == change


@pytest.mark.parametrize(
    ("who", "stands"),
    [
        pytest.param("Alice", "off", id="it shows"),
        pytest.param("Mallory", "dim", id="the leaf is looked at again anyway"),
    ],
)
def test_what_shows_or_waits_is_not_looked_for_again(who: str, stands: str) -> None:
    assert Story().change(600, who, state=("on", "off")).plan(610, state=stands).shows_at is None


def test_a_creation_lies_over_nothing_that_was_deleted_before_it() -> None:
    story = Story().change(500, "Alice", is_whole=False).change(600, "Alice", Op.DELETE).seen(650, gone=True)
    plan = story.change(700, "Mallory", Op.CREATE, state=(None, "on")).plan(5000)
    assert (plan.verdicts[EXISTS].verdict, plan.op) == (Verdict.PUT_BACK, Op.DELETE)


def test_a_deletion_over_what_may_be_our_own_write_is_looked_at_again_when_that_is_known() -> None:
    """Its answer was lost, and what was read since doesn't show it. People hear of it at once all the same."""
    story = Story().change(500, "Mallory", state=("on", "off"), colour=("red", "blue"))
    story = story.ours(510, is_proven=False, state=("off", "on")).ours(520, is_proven=False, colour=("blue", "red"))
    story = story.seen(1500, state="off", colour="blue").change(1600, "Mallory", Op.DELETE)
    first, second = 511 + 3 * HOUR, 521 + 3 * HOUR
    for now, until in ((1700, first), (first, first), (first + 1, second), (second, second)):
        found = story.plan(now, gone=True).verdicts[EXISTS]
        assert (found.verdict, found.until) == (Verdict.BENEATH, at(until))
    plan = story.plan(second + 1, gone=True)
    assert (verdicts(plan), plan.op) == ({EXISTS: Verdict.PUT_BACK}, Op.CREATE)


def test_an_object_that_is_not_to_be_there_can_be_made_harmless_instead() -> None:
    story = Story().absent().change(600, "Mallory", Op.CREATE, state=(None, "on"))
    plan = story.plan(700, more=_REMOVAL)
    assert (plan.op, plan.steps, verdicts(plan)) == (Op.UPDATE, {"state": ("on", "off")}, {EXISTS: Verdict.PUT_BACK})
    after = story.ours(710, state=("on", "off")).plan(720, more=_REMOVAL, state="off")
    assert (after.op, after.steps, after.verdicts) == (None, {}, {})
    assert "Mallory 600" in after.state.settled


@pytest.mark.parametrize(
    ("story", "found"),
    [
        (Story(), {"state": Verdict.WAIT_UNEXPLAINED}),
        (Story().change(720, "Oscar", state=("off", "dim")), {EXISTS: Verdict.MIXED}),
        (Story().change(720, "Mallory", state=("off", "dim"), is_live=False), {"state": Verdict.LISTED}),
        (Story().change(720, "Mallory", state=("off", "dim")), None),
    ],
    ids=["nobody is known", "an unknown actor", "not live", "its maker"],
)
def test_what_was_made_harmless_is_so_again_only_where_it_is_its_makers_doing(
    story: Story, found: dict[str, Verdict] | None
) -> None:
    made = Story().absent().change(600, "Mallory", Op.CREATE, state=(None, "on")).ours(710, state=("on", "off"))
    settled = made.plan(715, more=_REMOVAL, state="off").state.settled
    later = replace(made, changes=(*made.changes, *story.changes)).with_state(settled=settled)
    plan = later.plan(730, more=_REMOVAL, state="dim")
    if found is None:
        assert (plan.op, plan.steps) == (Op.UPDATE, {"state": ("dim", "off")})
        return
    assert (plan.op, plan.steps, verdicts(plan)) == (None, {}, found)


def test_a_creation_waits_for_the_record_of_whoever_changed_the_object_since() -> None:
    story = Story().absent().change(600, "Mallory", Op.CREATE, state=(None, "on"))
    plan = story.plan(700, more=_REMOVAL, state="dim")
    assert (plan.op, verdicts(plan)) == (None, {EXISTS: Verdict.WAIT_MISSING, "state": Verdict.WAIT_UNEXPLAINED})
    later = story.with_state(differing=plan.state.differing).plan(5000, more=_REMOVAL, state="dim")
    assert (later.op, verdicts(later)) == (None, {EXISTS: Verdict.MISSING, "state": Verdict.DRIFT})


def test_same_is_the_kinds_word() -> None:
    assert RULES.same("x", "A", "a")


def test_what_is_unexplained_soon_after_a_change_is_looked_at_when_every_replica_has_it() -> None:
    """Else a replica that was behind would stand as the last version before the next change."""
    story = Story().change(600, "Mallory", state=("on", "off")).ours(610, state=("off", "on"))
    (waiting,) = story.plan(615, state="off").verdicts.values()
    assert (waiting.verdict, waiting.until) == (Verdict.WAIT_UNEXPLAINED, at(610 + 600))
    (then,) = story.plan(610 + 600, state="off").verdicts.values()
    assert (then.verdict, then.until) == (Verdict.WAIT_UNEXPLAINED, at(610 + 600 + HOUR))
    (later,) = story.plan(1300, state="off").verdicts.values()
    assert (later.verdict, later.until) == (Verdict.WAIT_UNEXPLAINED, at(1300 + HOUR))


_UNSEEN: Final = Story().change(600, "Mallory", late=1, state=("on", "off"))
"""Mallory switched it off, and the look shows it on."""


@pytest.mark.parametrize(
    ("story", "second", "stands", "again"),
    [
        pytest.param(_UNSEEN, 601, {}, 616, id="soon"),
        pytest.param(_UNSEEN, 640, {}, 680, id="then when it is twice as old"),
        pytest.param(_UNSEEN, 1199, {}, 1798, id="as long as a replica may be behind"),
        pytest.param(_UNSEEN, 1200, {}, None, id="and no longer"),
        pytest.param(_UNSEEN, 601, {"state": "off"}, None, id="what shows is answered"),
        pytest.param(_UNSEEN.ours(602, state=("off", "on")), 603, {}, None, id="we wrote over it"),
        pytest.param(
            Story().change(600, "Mallory", late=1, state=("off", "ON")), 601, {}, None, id="it is as agreed already"
        ),
        pytest.param(
            _UNSEEN.change(660, "Mallory", late=1, colour=("red", "blue")), 690, {}, 720, id="by the newest of them"
        ),
        pytest.param(Story().change(600, "Alice", late=1, state=("on", "off")), 601, {}, None, id="drift waits anyway"),
        pytest.param(
            Story().absent().change(600, "Mallory", Op.CREATE, late=1, state=(None, "on")), 601, None, 616, id="made"
        ),
        pytest.param(Story().change(600, "Mallory", Op.DELETE, late=1), 601, {}, 616, id="deleted"),
    ],
)
def test_a_change_that_does_not_show_is_looked_for_again(
    story: Story, second: float, stands: Mapping[str, Any] | None, again: float | None
) -> None:
    plan = story.plan(second, gone=stands is None, **(stands or {}))
    assert plan.shows_at == (at(again) if again is not None else None)
