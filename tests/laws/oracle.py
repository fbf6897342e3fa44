"""The laws, judged from the truth.

The oracle knows who wrote which leaf and when, which records ever came and when. Of the responder it reads only what
people can read (pages, cases, ledger, what is pending) and the writes that reached the tenant. Standing, liveness and
baselines are worked out here again, and nothing of the product's reasoning is used.

Laws by number are those of reconciliation: 1 every unapproved leaf is put back, or named and paged; 2 what approved
people wrote is untouched, or offered back; 3 only accepted, approved or put back values are written; 4 no emergency
account is locked out, and nothing that one wrote is undone; 5 one case for each change; 6 each write is in the ledger
once, with its before-image; 7 the order of records doesn't matter; 8 nobody who is disabled, contained or named gets
access.
"live" is what wasn't live and was rolled back, "unknown" what an unknown actor wrote, "pages" are too many, "theft" is
a page that says that somebody has our identity where nobody has, "rest" a story that doesn't end, "mistake" an
exception that nobody expects.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from shared.model.kinds import Image, Json
from tests.laws.play import Result
from tests.laws.records import actor_id
from tests.laws.seen import Page, SeenIntent
from tests.laws.world import (
    APP_ROLE,
    ASSIGNMENT,
    CONTEXT,
    DOCUMENT,
    EMERGENCY,
    ENDS_AT,
    EXISTS,
    FIRST_IDS,
    GONE,
    GROUP,
    LOCATION,
    OWNER,
    PEOPLE,
    POLICY,
    PROTECTED,
    RESPONDER_OF,
    ROLE,
    SAMPLES,
    SIMULATED_KINDS,
    STRENGTH,
    TIME_BOUND,
    Deed,
    Thing,
    changed,
    holder_of,
    items,
    kind_of,
    list_of,
    member_of,
    name_of,
    parent_of,
    part,
    role_of,
    template,
)

NEVER: Final = float("inf")
_TRIED_FOR: Final = 1400.0
"""Seconds for which a person goes on trying to accept or settle an object that is busy, or isn't there yet."""

_SHOWN_WITHIN: Final = 900.0
"""Seconds within which a sweep has read every object, so that what a person is shown isn't older."""

_FINISHED_WITHIN: Final = 60.0
_LOOKED_AGAIN_WITHIN: Final = 90.0
"""Seconds until an object is looked at again whose write had no answer: it is due 90 seconds after it was begun."""

_REFUSED: Final = 400
_LONGEST_PAUSE: Final = 3600.0 + 300.0
"""Seconds that lie between two tries of a write at the most, with what the tries themselves take."""

_SWEPT_WITHIN: Final = 2 * 3600.0 + 60.0

LISTED: Final = ("alice", "bob")
"""Who is approved where a story says nothing else."""

SLACK: Final = 6.0
"""Seconds within which a record may come too late for a write: a look sees nothing of it."""

_OFTEN_DETECTED: Final = frozenset({"create", "update", "delete"})

DETECTED: Final[Mapping[str, frozenset[str]]] = {
    **dict.fromkeys((DOCUMENT, ASSIGNMENT, STRENGTH, CONTEXT), _OFTEN_DETECTED),
    **dict.fromkeys((POLICY, LOCATION), _OFTEN_DETECTED | {"restore"}),
    **dict.fromkeys((ROLE, APP_ROLE), frozenset({"create", "delete"})),
    **{kind: frozenset(each.detected) for kind, each in SIMULATED_KINDS.items()},
}
"""Which actions on which kinds a detection with an approval list is about."""

ENFORCED: Final = frozenset(
    {POLICY, DOCUMENT, ASSIGNMENT, ROLE, APP_ROLE, LOCATION, STRENGTH, CONTEXT, *SIMULATED_KINDS}
)
"""Kinds of which a detection has changes put back. What happens to others is listed for people."""

NEVER_GIVEN: Final = frozenset(
    {ROLE, APP_ROLE, *(kind for kind, each in SIMULATED_KINDS.items() if not each.is_made_again)}
)
"""Kinds of right that the responder takes and never gives, and other kinds that it never makes again."""

HARMLESS: Final[Mapping[str, tuple[str, Json]]] = {
    POLICY: ("state", "disabled"),
    LOCATION: ("isTrusted", False),
    CONTEXT: ("isAvailable", False),
}
"""The leaf and the value by which an object that shouldn't exist does no harm; others are deleted."""

_NEAR_ITS_END: Final = 300.0
"""Seconds by which instants of Azure and of its logs may be apart."""

_MOST_PAGES: Final = 12
_MOST_PAGES_OF_A_CHANGE: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    law: str
    sentence: str


_LIKE_A_STATE: Final = frozenset({"state", "isTrusted", "isAvailable", "properties.condition"})


def is_joint(leaf: str) -> bool:
    """Say whether changes of a leaf by several people aren't taken apart: existence, state, grant controls.

    A location's trust, a context's being published and an assignment's condition are to the rest of the object what a
    policy's state is to its conditions. Who adds a range to a location that somebody else has just made untrusted, adds
    it to an untrusted one: if trust was put back unasked, whoever comes from there would pass without a second factor.
    """
    return leaf in {EXISTS, *_LIKE_A_STATE} or leaf.startswith("grantControls")


class Truth:
    """What a story's history means."""

    def __init__(self, result: Result) -> None:
        self.result = result
        self.world = result.world
        self.seen = result.seen
        self.story = result.story
        self.events: list[dict[str, Any]] = sorted(
            (each for each in result.story["events"] if "t" in each), key=lambda each: each["t"]
        )
        self.lists, self.controls = self._intervals()
        self.deeds: dict[str, list[Deed]] = {}
        for deed in self.world.history:
            self.deeds.setdefault(deed.name, []).append(deed)

    def _intervals(self) -> tuple[list[tuple[float, frozenset[str]]], list[tuple[float, bool]]]:
        lists = [(-NEVER, frozenset(self.story.get("listed", LISTED)))]
        is_on, is_enforced = False, self.story.get("mode", "enforce") == "enforce"
        controls = [(-NEVER, is_enforced)]
        for event in self.events:
            match event["do"]:
                case "approve":
                    now = lists[-1][1]
                    lists.append((event["t"], now | {event["who"]} if event["on"] else now - {event["who"]}))
                case "mode":
                    is_enforced = event["mode"] == "enforce"
                    controls.append((event["t"], is_enforced and not is_on))
                case "switch":
                    is_on = event["on"]
                    controls.append((event["t"], is_enforced and not is_on))
                case _:
                    pass
        return lists, controls

    def said(self, what: str, name: str) -> list[dict[str, Any]]:
        """Give the events of people about an object."""
        return [each for each in self.events if each["do"] == what and each.get("on") == name]

    # Who did it.

    def standing(self, deed: Deed) -> str:
        if deed.actor == "us":
            return "us"
        if deed.actor == "pim" and deed.name == TIME_BOUND:
            return "approved"  # it ended, as it was to
        if deed.actor in {*EMERGENCY, "engine", "nobody", "microsoft"} or not self.is_detected(deed):
            return "unknown"
        lists = [who for since, who in self.lists if since <= deed.at]
        if not any(lists):
            return "unknown"  # nobody has ever been approved
        return "approved" if deed.actor in lists[-1] else "unapproved"

    def is_live(self, deed: Deed, until: float = NEVER) -> bool:
        """Say whether from the change until then its detection enforced and its actor was unapproved, all the time."""
        if kind_of(deed.name) not in ENFORCED:
            return False
        enforced = all(on for on in _during(self.controls, deed.at, until))
        lists = _during(self.lists, deed.at, until)
        return enforced and self.standing(deed) == "unapproved" and all(deed.actor not in who for who in lists)

    @staticmethod
    def is_detected(deed: Deed) -> bool:
        """Say whether a detection with an approval list is about it."""
        return deed.op in DETECTED.get(kind_of(deed.name), ())

    def is_asked(self, deed: Deed, until: float) -> bool:
        """Say whether a person had what wasn't live put back."""
        return any(deed.at - _TRIED_FOR <= each["t"] <= until for each in self.said("settle", deed.name))

    def is_taken_again(self, deed: Deed, leaf: str) -> bool:
        """Say whether a change brings back what the responder took from an unapproved actor: its author is asked."""
        if leaf not in deed.diff:
            return False
        before = (each for each in self.deeds[deed.name] if each.actor == "us" and each.number < deed.number)
        return any(
            leaf in each.diff
            and each.diff[leaf][0] == deed.diff[leaf][1]
            and (each.before is not None or leaf == EXISTS)
            for each in before
        )

    def leaf_standing(self, deed: Deed, leaf: str) -> str:
        standing = self.standing(deed)
        return "unknown" if standing == "approved" and self.is_taken_again(deed, leaf) else standing

    # Leaves.

    def chain(self, name: str, leaf: str, until: float = NEVER) -> list[Deed]:
        """Give who wrote a leaf, but the responder, in order, from the object's last creation by somebody on."""
        theirs = [each for each in self.deeds.get(name, ()) if each.actor != "us" and each.number <= until]
        made = max((each.number for each in theirs if each.before is None), default=-1)
        return [each for each in theirs if leaf in each.diff and (leaf == EXISTS or each.number >= made)]

    def at_first(self, name: str, leaf: str) -> Json:
        return self.world.leaves(self.world.things[name].past[0][1]).get(leaf)

    def expected(self, name: str, leaf: str, until: float = NEVER, *, heard_by: float = NEVER) -> tuple[Json, bool]:
        """Give the value of the baseline, and whether a person or an approved change vouches for it.

        `heard_by` leaves out approved changes whose first record came later than that.
        """
        value = self.at_first(name, leaf)
        vouched = name not in self.story.get("first_seen", ()) or any(
            self.value_at(name, leaf, each["t"]) == value for each in self.said("accept", name)
        )
        for deed in self.deeds.get(name, ()):
            if deed.number > until or self.standing(deed) != "approved" or deed.heard > heard_by:
                continue
            if leaf in deed.diff and not self.is_taken_again(deed, leaf):
                value, vouched = deed.diff[leaf][1], True
            elif leaf not in deed.diff and (deed.before is None or deed.after is None):
                value, vouched = None, True
        return value, vouched

    def value_at(self, name: str, leaf: str, at: float) -> Json:
        return self.world.leaves(self.world.things[name].at(at)).get(leaf)

    def stands(self, deed: Deed, at: float) -> bool:
        """Say whether anything that a deed wrote still stands at an instant: its case is open then."""
        return any(self.value_at(deed.name, leaf, at) == new for leaf, (_, new) in deed.diff.items())

    def final(self, name: str, leaf: str) -> Json:
        return self.world.leaves(self.world.things[name].image).get(leaf)

    @cached_property
    def serviced(self) -> frozenset[str]:
        """Leaves that services put in by themselves."""
        from tests.laws.api import FILLED  # noqa: PLC0415 - beside its only use

        added = {leaf for each in self.events if each["do"] == "add_everywhere" for leaf in each["leaves"]}
        return frozenset({FILLED, *added})

    # What people see.

    def pages_of(self, name: str) -> list[Page]:
        ids = {each.lower() for each in self.world.things[name].ids}
        return [page for page in self.seen.pages if ids & set(page.object_ids) or _names_one(page.text, ids)]

    def intent_of(self, deed: Deed) -> SeenIntent | None:
        """Find the intent that explains a write of the responder's."""
        ids = {each.lower() for each in self.world.things[deed.name].ids}
        found = [
            each for each in self.seen.intents if each.object_id.lower() in ids and each.at <= deed.at <= each.at + 300
        ]
        return max(found, key=lambda each: each.at, default=None)

    def aimed(self, deed: Deed) -> frozenset[str]:
        """Give the leaves that a write of the responder's was about, as its intent says."""
        intent = self.intent_of(deed)
        steps = {leaf.lower() for leaf in intent.steps} if intent else set[str]()
        known = frozenset(leaf for leaf in deed.diff if leaf.lower() in steps)
        return known or frozenset(deed.diff)


def _names_one(text: str, ids: set[str]) -> bool:
    return any(each in text.lower() for each in ids)


def _during[T](intervals: list[tuple[float, T]], begin: float, end: float) -> Iterator[T]:
    for place, (since, value) in enumerate(intervals):
        until = intervals[place + 1][0] if place + 1 < len(intervals) else NEVER
        if since <= end and until > begin:
            yield value


def judge(result: Result) -> list[Violation]:
    """Give every violation of laws 1 to 6 and 8."""
    truth = Truth(result)
    return [
        *([Violation(law="rest", sentence="the story never came to rest")] if not result.ended else []),
        *(Violation(law="mistake", sentence=each) for each in dict.fromkeys(result.mistakes)),
        *(found for name in truth.world.things for found in _of_thing(truth, name)),
        *(found for deed in truth.world.history if deed.actor == "us" for found in _of_our_write(truth, deed)),
        *_of_cases(truth),
        *_of_the_ledger(truth),
        *_of_pages(truth),
    ]


# Laws 1 and 2.


def _of_thing(truth: Truth, name: str) -> Iterator[Violation]:
    if kind_of(name) == GROUP:
        return
    chain = truth.chain(name, EXISTS)
    if chain:
        yield from _of_leaf(truth, name, EXISTS)
    if truth.world.things[name].image is None or is_not_to_exist(truth, chain):
        return
    for leaf in sorted({leaf for deed in truth.deeds.get(name, ()) for leaf in deed.diff} - {EXISTS}):
        if truth.chain(name, leaf):
            yield from _of_leaf(truth, name, leaf)


def is_not_to_exist(truth: Truth, chain: list[Deed]) -> bool:
    """Say whether the object stands only because somebody made it who isn't approved: its leaves don't count then.

    Nor do they while an approved author is asked who made again what the responder had taken away.
    """
    return bool(chain) and chain[-1].after is not None and truth.leaf_standing(chain[-1], EXISTS) != "approved"


def is_put_back(truth: Truth, name: str, leaf: str, want: Json) -> bool:
    """Say whether a leaf stands as it should. What shouldn't exist may stand where it is harmless."""
    final = truth.final(name, leaf)
    if final == want:
        return leaf != EXISTS or not is_another(truth, name)
    image = truth.world.things[name].image or {}
    is_harmless = kind_of(name) in HARMLESS and image.get(HARMLESS[kind_of(name)][0]) == HARMLESS[kind_of(name)][1]
    return leaf == EXISTS and not want and is_harmless


_WHICH: Final = ("properties.principalId", "properties.roleDefinitionId")


def is_another(truth: Truth, name: str) -> bool:
    """Say whether the id of a role assignment stands for another one than in the baseline: of a role, to somebody."""
    if kind_of(name) != ASSIGNMENT or truth.final(name, EXISTS) is None:
        return False
    agreed = {leaf: truth.expected(name, leaf)[0] for leaf in _WHICH}
    return any(value is not None and truth.final(name, leaf) != value for leaf, value in agreed.items())


def _of_leaf(truth: Truth, name: str, leaf: str) -> Iterator[Violation]:
    last = truth.chain(name, leaf)[-1]
    match truth.standing(last):
        case "unapproved":
            yield from _of_unapproved(truth, name, leaf, last)
        case "approved":
            yield from _of_approved(truth, name, leaf, last)
        case _:
            pass


def _looks_like_its_end(name: str, leaf: str, last: Deed) -> bool:
    """Say whether what was given for a time was taken away so near to its end that nobody can tell the two apart."""
    return (name, leaf, last.after) == (TIME_BOUND, EXISTS, None) and last.at >= ENDS_AT - _NEAR_ITS_END


def _of_unapproved(truth: Truth, name: str, leaf: str, last: Deed) -> Iterator[Violation]:
    want, _ = truth.expected(name, leaf, last.number)
    heard, _ = truth.expected(name, leaf, last.number, heard_by=truth.world.now())
    if is_put_back(truth, name, leaf, want) or is_put_back(truth, name, leaf, heard) or leaf in truth.serviced:
        return
    if _is_offered(truth, name, leaf, last):
        return
    if not truth.is_live(last) or _looks_like_its_end(name, leaf, last):
        return
    what = f"{name} {leaf} is {truth.final(name, leaf)!r} by {last.actor}, should be {want!r}"
    because = objection(truth, name, leaf)
    if not because:
        pending = {
            key: value
            for each in truth.world.things[name].ids
            for key, value in truth.seen.pending.get(each.lower(), {}).items()
        }
        yield Violation(law="1", sentence=f"{what}; nothing true is in the way. Pending: {pending}")
    elif last.heard < NEVER and not truth.pages_of(name) and not truth.said("leave", name):
        yield Violation(law="1", sentence=f"{what} stays ({because}), and nobody was paged")


def _is_offered(truth: Truth, name: str, leaf: str, last: Deed) -> bool:
    """Say whether a leaf stands as the baseline was known when we wrote it, and people heard of what came to it since.

    An approved change beneath the unapproved one whose record comes only after our write is offered back (law 2).
    """
    ours = [each for each in truth.deeds[name] if each.actor == "us" and each.number > last.number]
    if not ours or leaf not in ours[-1].diff:
        return False
    known, _ = truth.expected(name, leaf, last.number, heard_by=ours[-1].at)
    late = [each for each in truth.chain(name, leaf, last.number) if ours[-1].at < each.heard < NEVER]
    return is_put_back(truth, name, leaf, known) and all(
        any(page.at >= each.heard - SLACK for page in truth.pages_of(name)) for each in late
    )


def _of_approved(truth: Truth, name: str, leaf: str, last: Deed) -> Iterator[Violation]:
    final = truth.final(name, leaf)
    if final == last.diff[leaf][1]:
        return
    after = [
        each
        for each in truth.deeds[name]
        if each.actor == "us" and each.number > last.number and (leaf in each.diff or EXISTS in each.diff)
    ]
    if not after:
        return
    ours = after[0]
    what = f"{name} {leaf}: {last.diff[leaf][1]!r} of {last.actor} (approved) is {final!r} by our write"
    if last.heard <= ours.at - SLACK and last.whole:
        yield Violation(law="2", sentence=f"{what}, though its record had come")
    elif _was_foreseeable(truth, name, leaf, ours):
        yield Violation(law="2", sentence=f"{what}, though known changes didn't explain what stood")
    elif last.heard < NEVER and last.whole and not any(page.at >= last.heard - SLACK for page in truth.pages_of(name)):
        yield Violation(law="2", sentence=f"{what} and wasn't offered back")


def _was_foreseeable(truth: Truth, name: str, leaf: str, ours: Deed) -> bool:
    """Say whether known changes already meant that somebody else had written what stood when we wrote.

    A policy is made switched off, and switched on by a second request of the same write, before which nobody looks.
    """
    if leaf not in ours.diff or leaf not in truth.aimed(ours) or _was_between(truth, name, ours):
        return False
    before = [each for each in truth.deeds[name] if each.number < ours.number]
    if any(each.actor != "us" and each.heard < ours.at and not each.whole for each in before):
        return False
    gone = [each for each in before if each.after is None]
    if ours.before is None and gone and not gone[-1].tells_before:
        return False  # it was deleted, and no record says what stood then
    known = [each for each in before if leaf in each.diff and (each.actor == "us" or each.heard < ours.at)]
    stood = known[-1].diff[leaf][1] if known else truth.at_first(name, leaf)
    return stood != ours.diff[leaf][0]


def _was_between(truth: Truth, name: str, ours: Deed) -> bool:
    """Say whether somebody changed an object between the two requests of one write of ours."""
    deeds = [each for each in truth.deeds[name] if each.number < ours.number]
    made = next((each for each in reversed(deeds) if each.actor == "us" and each.op == "create"), None)
    return made is not None and made.at >= ours.at - SLACK and deeds[-1].actor != "us"


# What may truly be in the way.


def objection(truth: Truth, name: str, leaf: str) -> str:
    """Give a true reason for which an unapproved leaf may stay, "" where there is none."""
    last = truth.chain(name, leaf)[-1]
    want, vouched = truth.expected(name, leaf, last.number)
    return (
        _not_vouched(truth, leaf, vouched=vouched)
        or of_secrets(truth, leaf, want)
        or of_records(truth, name, leaf, last)
        or of_unread(truth, name, leaf, last)
        or of_others(truth, name, leaf, last)
        or of_ids(truth, name, leaf, want)
        or of_additions(truth, name, leaf, last)
        or of_access(truth, name, leaf, want, last)
        or of_services(truth, name, leaf, want)
        or names_nobody(name, leaf, want)
        or of_emergency(truth, name, leaf, want)
    )


def _not_vouched(truth: Truth, leaf: str, *, vouched: bool) -> str:
    if not vouched:
        return "what stood before was only first seen"
    return "a service's own property" if leaf in truth.serviced else ""


_SECRETS: Final = frozenset({"passwordCredentials", "keyCredentials"})


def of_secrets(truth: Truth, leaf: str, want: Json) -> str:
    """Say that a secret would be taken away for good, which nobody asked of its detection by name."""
    is_asked_by_name = truth.story.get("by_name", True)
    return "" if is_asked_by_name or want or leaf.partition("[")[0] not in _SECRETS else "a secret can't come back"


def names_nobody(name: str, leaf: str, want: Json) -> str:
    """Say that what would be written names somebody who is gone."""
    gone = [PEOPLE[each] for each in GONE]
    is_named = member_of(leaf) in gone or (leaf == EXISTS and any(each in str(template(name)) for each in gone))
    return "it would name somebody who is gone" if want and kind_of(name) == POLICY and is_named else ""


def of_records(truth: Truth, name: str, leaf: str, last: Deed) -> str:
    chain = truth.chain(name, leaf)
    theirs = [each for each in truth.deeds[name] if each.actor != "us"]
    if last.heard == NEVER:
        return "no record of it ever came"
    if any(last.at - _TRIED_FOR <= each["t"] < last.heard for each in truth.said("accept", name)):
        return "a person accepted the object as it stood, before its record came"
    if any(each.heard == NEVER for each in (*chain, *theirs) if each.number <= last.number):
        return "a writer is missing"
    names_itself = leaf == EXISTS or last.whole
    is_met = any(each is not last and truth.standing(each) != "unapproved" for each in theirs)
    if not names_itself and (is_met or _was_seen_as_before(truth, last, theirs)):
        return "it isn't known what it wrote"
    is_restored = leaf == EXISTS and bool(truth.expected(name, leaf, last.number)[0])
    if any(
        not each.whole and truth.standing(each) == "approved" and (leaf != EXISTS or (is_restored and each.after))
        for each in theirs
    ):
        return "no record has the values of an approved change"
    return ""


def _was_seen_as_before(truth: Truth, last: Deed, theirs: Iterable[Deed]) -> bool:
    """Say whether a replica gave what stood before another change, when only reading could tell what this one wrote.

    Left open for good: who swings a value back and who changes another one at that moment look alike.
    """
    lags = [
        each.lag
        for each in truth.world.windows
        if each.what == "stale" and each.name in {"", last.name} and each.begin <= last.heard + SLACK < each.end + SLACK
    ]
    oldest = last.at - max(lags, default=0.0)
    return bool(lags) and any(oldest <= each.at < last.at for each in (*theirs, *truth.deeds[last.name]))


def of_unread(truth: Truth, name: str, leaf: str, last: Deed) -> str:
    """Say that a role assignment was made before, and had been deleted when its record came. Left open for good.

    The event of a role assignment says that it was written, not whether it was made or changed: only the assignment
    itself does. Where that has gone before anybody could read it, the record of its deletion stands, which proves that
    the assignment was there. Whether it is to be there is then for people: nobody has accepted it, so it isn't given
    back, and who gives it again isn't the one who made it.
    """
    if leaf != EXISTS or last.after is None or kind_of(name) != ASSIGNMENT:
        return ""
    theirs = [each for each in truth.deeds[name] if each.actor != "us" and each.number <= last.number]
    made = [each for each in theirs if each.op == "create"]
    is_so = any(
        one.number < two.number and two.after is None and two.at <= one.heard + SLACK for one in made for two in theirs
    )
    return "nobody read it before it was deleted, so no record says that it was made" if is_so else ""


def of_others(truth: Truth, name: str, leaf: str, last: Deed) -> str:
    chain = truth.chain(name, leaf)
    theirs = [each for each in truth.deeds[name] if each.actor != "us"]
    accounted = max((each.number for each in chain if truth.leaf_standing(each, leaf) == "approved"), default=-1)
    beneath = [each for each in chain[:-1] if each.number > accounted]
    if any(
        truth.leaf_standing(each, leaf) == "unknown" or _was_not_live(truth, each, _known_from(each, last))
        for each in beneath
    ):
        return "it lies over a change that isn't accounted for"
    if is_joint(leaf) and any(
        each.number > last.number and truth.standing(each) in {"approved", "unknown"} for each in theirs
    ):
        return "changes of others meet it"
    want, _ = truth.expected(name, leaf, last.number)
    deletions = [each for each in chain if leaf == EXISTS and each.after is None and each.number > accounted]
    since = [each for each in theirs if each.number > accounted]
    if any(want and _deleted_over_another(truth, since, each) for each in deletions):
        return "it lies over another change of the object that isn't accounted for"
    return "a person said to leave it" if truth.said("leave", name) else ""


def _deleted_over_another(truth: Truth, theirs: Iterable[Deed], deletion: Deed) -> bool:
    """Say whether what was deleted had been changed by somebody who isn't accounted for: it isn't made again unasked.

    The deletion needn't be the last that was done to the object. Who isn't approved may have made it again since; when
    that was taken from him, there is still the deletion to be answered, and what it lies over.
    """
    return any(
        each.number < deletion.number
        and each.before is not None
        and (
            truth.standing(each) == "unknown"
            or not each.whole
            or _was_not_live(truth, each)
            or any(truth.is_taken_again(each, leaf) for leaf in each.diff)
            or _was_met(truth, each, deletion)
        )
        for each in theirs
    )


def _was_met(truth: Truth, unapproved: Deed, deletion: Deed) -> bool:
    """Say whether a joint leaf stood as somebody unapproved wrote it when others changed the object that was deleted.

    People decide about such a leaf, so the object isn't made again unasked with the value that it had before.
    """
    between = [each for each in truth.deeds[deletion.name] if unapproved.number < each.number < deletion.number]
    others = [each for each in between if each.actor != "us" and truth.standing(each) in {"approved", "unknown"}]
    met = [leaf for leaf in unapproved.diff if is_joint(leaf) and leaf != EXISTS]
    return (
        truth.standing(unapproved) == "unapproved"
        and bool(others)
        and any(not any(leaf in each.diff for each in between) for leaf in met)
    )


def of_ids(truth: Truth, name: str, leaf: str, want: Json) -> str:
    """Say that an assignment's id names another one now: Azure lets nobody change what an assignment gives to whom."""
    is_so = leaf in {EXISTS, *_WHICH} and want and is_another(truth, name)
    return "another role assignment has this id now" if is_so else ""


def of_additions(truth: Truth, name: str, leaf: str, last: Deed) -> str:
    """Say that something was deleted before anybody could know that a property of it is new to all of its kind.

    It takes a sweep, another object of the kind to compare with, and that none had the property before. What a service
    filled in at a write of ours is known only from reading that back.
    """
    if leaf != EXISTS or last.after is not None:
        return ""
    if _was_filled_in_unseen(truth, last):
        return "a service filled in a property of it, and nobody had read that yet"
    before = [each for each in truth.events if each["t"] <= last.at]
    added = [each["t"] for each in before if each["do"] == "add_everywhere" and any(each["leaves"].values())]
    others = [each for each in truth.world.things.values() if each.kind == kind_of(name) and each.name != name]
    is_known = any(each["do"] == "fill" for each in before)
    for at in added:
        if is_known or last.at < at + _SWEPT_WITHIN or not any(each.at(at) for each in others):
            return "nobody explains a property of it"
    return ""


def _was_filled_in_unseen(truth: Truth, deletion: Deed) -> bool:
    """Say whether an object was deleted right after a write of ours, at which a service filled something in."""
    ours = [each for each in truth.deeds[deletion.name] if each.actor == "us" and each.number < deletion.number]
    if not ours or ours[-1].at < deletion.at - SLACK:
        return False
    stood, before = truth.world.leaves(deletion.before), truth.world.leaves(ours[-1].before)
    return any(leaf in stood and leaf not in before for leaf in truth.serviced)


def _known_from(beneath: Deed, last: Deed) -> float:
    """Give the instant from which a change and what lies beneath it are known: until then it can't be put back.

    Who was approved, and what was live, may have changed by then: a record that comes in hours is judged by that too.
    """
    return max([last.at, *(each.heard for each in (beneath, last) if each.heard < NEVER)])


def _was_not_live(truth: Truth, deed: Deed, until: float = NEVER) -> bool:
    return truth.standing(deed) == "unapproved" and not truth.is_live(deed, until)


def of_access(truth: Truth, name: str, leaf: str, want: Json, last: Deed) -> str:
    """Give what forbids to take access from the holder of a role, or to give it; a condition taken off gives more.

    Whom a policy reaches less has more access too.
    """
    is_role = kind_of(name) in {ASSIGNMENT, *NEVER_GIVEN}
    holder = _holder(truth, name, last) if is_role else _reached_less(leaf, want)
    if is_role and leaf == EXISTS and not want:
        return "somebody protected would lose access" if holder in {*EMERGENCY, *PROTECTED} else ""
    reasons = {
        "it was given for a time": name == TIME_BOUND and leaf == EXISTS,
        "the role is never granted": role_of(name) == OWNER or _is_never_given(name, leaf, want),
        "the holder is disabled": holder in truth.world.disabled,
        "a case holds the holder's account": holder in truth.world.contained,
    }
    if found := next((because for because, is_so in reasons.items() if is_so), ""):
        return found
    if holder == last.actor or any(
        each.actor == holder and truth.standing(each) == "unapproved" for each in truth.world.history
    ):
        return "the holder is named"
    return ""


def _is_never_given(name: str, leaf: str, want: Json) -> bool:
    """Say whether the responder never writes it: of what it doesn't make again, other properties may be put back."""
    simulated = SIMULATED_KINDS.get(kind_of(name))
    if simulated is not None and any(leaf in edit for edit in simulated.edits_to_page):
        return not any(leaf in edit and edit[leaf] != want for edit in simulated.edits)
    return kind_of(name) in NEVER_GIVEN and (leaf == EXISTS or simulated is None)


def _holder(truth: Truth, name: str, last: Deed) -> str:
    """Name who holds a role by the baseline: an assignment's id may have been used for somebody else with approval."""
    held, _ = truth.expected(name, _WHICH[0], last.number)
    return name_of(held) or holder_of(name)


def _reached_less(leaf: str, want: Json) -> str:
    """Name whom a policy would reach less, "" where that is nobody by name."""
    side = list_of(leaf).rpartition(".")[2]
    if (side, bool(want)) not in {("excludeUsers", True), ("includeUsers", False)}:
        return ""
    return name_of(member_of(leaf))


def of_services(truth: Truth, name: str, leaf: str, want: Json) -> str:
    if _is_refused(truth, name):
        return "the service still refuses"
    parent = truth.world.things.get(parent_of(name))
    is_baseless = parent is not None and parent.image is None
    if is_baseless or (leaf == EXISTS and want and _names_what_is_gone(truth, name)):
        return "what it leans on is gone"
    if (
        is_not_to_exist(truth, truth.chain(name, EXISTS))
        and kind_of(name) not in HARMLESS
        and truth.world.is_used(name)
    ):
        return "others lean on it"
    if asks_nothing(truth, name, leaf, want):
        return "the policy would ask for nothing"
    leaning = kind_of(name) in {LOCATION, STRENGTH}
    policies = (each for each in truth.world.things.values() if each.kind == POLICY)
    if leaning and any(_is_odd(each) for each in policies):
        return "a policy that leans on it can't be read"
    return ""


def _names_what_is_gone(truth: Truth, name: str) -> bool:
    """Say whether a deleted policy would name a location or a strength that isn't there: the service refuses that."""
    gone = [
        thing.id
        for thing in truth.world.things.values()
        if thing.kind in {LOCATION, STRENGTH} and thing.image is None and thing.name != name
    ]
    return kind_of(name) == POLICY and any(each in str(rebuilt(truth, name)) for each in gone)


def _is_refused(truth: Truth, name: str) -> bool:
    lasting = [each for each in truth.world.windows if each.end >= truth.world.now() and each.name in {"", name}]
    is_shut = any(each.what in {"lock", "forbidden", "unreadable", "unlisted"} for each in lasting)
    return is_shut or _is_still_tried(truth, name)


def _is_still_tried(truth: Truth, name: str) -> bool:
    """Say whether the tries at an object met faults, to the story's end: it ended before the service gave in.

    Each try that is sent uses up one fault at least. Pauses grow to an hour, so many faults aren't through when a story
    ends.
    """
    ids = {each.lower() for each in truth.world.things[name].ids}
    tries = [each.at for each in truth.seen.intents if each.object_id.lower() in ids and not each.is_done]
    if not tries or max(tries) < truth.world.now() - _LONGEST_PAUSE:
        return False
    faults = sum(int(each.get("times", 1)) for each in truth.events if each["do"] == "fault")
    refused = (each for each in truth.world.calls if each.name == name and each.at >= max(tries))
    return len(tries) <= faults or any(each.status >= _REFUSED for each in refused)


def asks_nothing(truth: Truth, name: str, leaf: str, want: Json) -> bool:
    """Say whether a grant control is the last one, and those that were there before it don't stand again."""
    image = truth.world.things[name].image
    if kind_of(name) != POLICY or image is None or want or list_of(leaf) != "grantControls.builtInControls":
        return False
    controls = part(_with_leaf(image, leaf, want), "grantControls")
    return not items(controls, "builtInControls") and not controls.get("authenticationStrength")


def _is_odd(thing: Thing) -> bool:
    """Say whether a policy holds what the product can't understand."""
    return "agents" in ((thing.image or {}).get("conditions") or {})


def of_emergency(truth: Truth, name: str, leaf: str, want: Json) -> str:
    if kind_of(name) not in {POLICY, LOCATION, STRENGTH}:
        return ""
    if member_of(leaf) in {*(PEOPLE[each] for each in (*EMERGENCY, *PROTECTED)), FIRST_IDS["G"]} and not want:
        return "somebody protected would be named less"
    thing = truth.world.things[name]
    target = _with_leaf(thing.image, leaf, want) if leaf != EXISTS else rebuilt(truth, name) if want else None
    named = items(part(part(target, "conditions"), "users"), "includeUsers")
    is_made = (leaf, want) in {("state", "enabled"), (EXISTS, True)}
    if is_made and set(named) & {PEOPLE[each] for each in PROTECTED}:
        return "somebody protected would be reached"
    targets = [target, *([_with_controls(truth, name)] if leaf.startswith("grantControls.") else [])]
    is_barred = any(is_worse(truth.world.barred(), truth.world.barred({name: each})) for each in targets)
    return "an emergency account would be locked out" if is_barred else ""


def _with_controls(truth: Truth, name: str) -> Image | None:
    """Give a policy with all its grant controls as in the baseline: one that joins others doesn't bar by itself."""
    image = truth.world.things[name].image
    moved = {leaf for deed in truth.deeds[name] for leaf in deed.diff if leaf.startswith("grantControls.")}
    return None if image is None else changed(image, {leaf: truth.expected(name, leaf)[0] for leaf in moved})


def _with_leaf(image: Image | None, leaf: str, want: Json) -> Image | None:
    return None if image is None else changed(image, {leaf: want})


def rebuilt(truth: Truth, name: str) -> Image | None:
    """Give a deleted object as the baseline has it."""
    last = next((image for _, image in reversed(truth.world.things[name].past) if image is not None), None)
    if last is None:
        return None
    leaves = {leaf for deed in truth.deeds[name] for leaf in deed.diff} - {EXISTS}
    return changed(last, {leaf: truth.expected(name, leaf)[0] for leaf in leaves})


def is_worse(before: Mapping[str, Iterable[str]], after: Mapping[str, Iterable[str]]) -> bool:
    """Say whether a policy keeps an emergency account out, where it didn't before."""
    return any(set(after[each]) - set(before[each]) for each in EMERGENCY)


# Laws 3, 4 and 8, and what else holds for each of our writes.


def _of_our_write(truth: Truth, ours: Deed) -> Iterator[Violation]:
    what = f"our {ours.op} of {ours.name} at {ours.at:.1f}"
    if "twin" in ours.name:
        return
    if is_worse(*ours.barred) and not _was_moved_under(truth, ours):
        yield Violation(law="4", sentence=f"{what} locks an emergency account out")
    for leaf in ours.diff:
        yield from _of_written_leaf(truth, ours, leaf, what)
    yield from _of_gains(truth, ours, what)


def _was_moved_under(truth: Truth, ours: Deed) -> bool:
    """Say whether the set of policies moved in the seconds before a write: then everybody has to be paged."""
    moved = [
        each
        for each in truth.world.history
        if each.actor != "us"
        and ours.at - SLACK <= each.at <= ours.at
        and kind_of(each.name) in {POLICY, LOCATION, STRENGTH, GROUP}
    ]
    return bool(moved) and any(page.at >= ours.at for page in truth.seen.pages)


def _of_written_leaf(truth: Truth, ours: Deed, leaf: str, what: str) -> Iterator[Violation]:
    if leaf in truth.serviced:
        return
    before = [each for each in truth.deeds[ours.name] if leaf in each.diff and each.number < ours.number]
    last = before[-1] if before else None
    is_aimed = leaf in truth.aimed(ours)
    if last is not None and last.actor in EMERGENCY and truth.final(ours.name, leaf) != last.diff[leaf][1]:
        was_known = last.heard < ours.at - SLACK or _was_foreseeable(truth, ours.name, leaf, ours)
        if was_known or (
            last.heard < NEVER and not any(each.at >= last.heard - SLACK for each in truth.pages_of(ours.name))
        ):
            yield Violation(law="4", sentence=f"{what} undid {leaf} of {last.actor}")
    elif last is not None and last.actor != "us" and is_aimed:
        standing = truth.leaf_standing(last, leaf)
        was_heard = last.heard < ours.at - SLACK
        is_free = truth.is_live(last, ours.at - SLACK) or truth.is_asked(last, ours.at) or _swung(before, leaf, ours)
        if standing == "unapproved" and not is_free and was_heard:
            yield Violation(law="live", sentence=f"{what} rolled back {leaf} of {last.actor}, which wasn't live")
        if (
            standing == "unknown"
            and ours.before is not None
            and (was_heard or _was_foreseeable(truth, ours.name, leaf, ours))
        ):
            yield Violation(law="unknown", sentence=f"{what} undid {leaf} of {last.actor}, who is unknown")
    if is_aimed and leaf != EXISTS and not _may_be_written(truth, ours, leaf):
        yield Violation(law="3", sentence=f"{what} wrote {leaf}={ours.diff[leaf][1]!r}, which nobody vouched for")


def _swung(before: Sequence[Deed], leaf: str, ours: Deed) -> bool:
    """Say whether a leaf was set and set back, of which no record told the values: for us nobody had written it."""
    if len(before) < 2 or before[-1].whole:
        return False
    there, back = before[-2:]
    return there.heard > ours.at and there.diff[leaf][0] == back.diff[leaf][1]


def _was_set_after(truth: Truth, ours: Deed, leaf: str) -> bool:
    """Say whether what came out of the bin was set as it is to be right after: the bin gives what was deleted.

    Where the answer was lost, only the next look shows that it came out of the bin. What was deleted again before that
    has nothing to set.
    """
    is_answered = ours.call is None or ours.call.is_answered
    until = ours.at + (_FINISHED_WITHIN if is_answered else _FINISHED_WITHIN + _LOOKED_AGAIN_WITHIN)
    after = [each for each in truth.deeds[ours.name] if each.number > ours.number and each.at <= until]
    return any((each.actor == "us" and leaf in each.diff) or each.after is None for each in after)


def _may_be_written(truth: Truth, ours: Deed, leaf: str) -> bool:
    value = ours.diff[leaf][1]
    is_made_harmless = (leaf, value) == HARMLESS.get(kind_of(ours.name))
    if is_made_harmless and truth.expected(ours.name, EXISTS, ours.number)[0] is None:
        return True
    if ours.before is None and leaf == "state" and value == "disabled":
        return True
    name = ours.name
    if ours.op == "restore" and _was_set_after(truth, ours, leaf):
        return True
    is_first = value == truth.at_first(name, leaf) or (value is None and truth.at_first(name, EXISTS) is None)
    accepted = [each["t"] for each in truth.said("accept", name)]
    if is_first and (name not in truth.story.get("first_seen", ()) or any(each <= ours.at for each in accepted)):
        return True
    if any(_was_shown(truth, name, leaf, value, each) for each in accepted if each <= ours.at):
        return True
    return any(
        truth.standing(each) == "approved"
        and each.number < ours.number
        and (each.diff.get(leaf, (0, 0))[1] == value or (value is None and each.before is None))
        for each in truth.deeds[name]
    )


def _of_gains(truth: Truth, ours: Deed, what: str) -> Iterator[Violation]:
    """Judge an access that was given back: unasked not to everybody, and some roles to nobody at all."""
    if kind_of(ours.name) not in {ASSIGNMENT, *NEVER_GIVEN} or ours.before is not None:
        return
    if role_of(ours.name) == OWNER or kind_of(ours.name) in NEVER_GIVEN:
        yield Violation(law="8", sentence=f"{what} grants a role that is never granted")
    taken = [each for each in truth.deeds[ours.name] if EXISTS in each.diff and each.number < ours.number]
    if taken and truth.is_asked(taken[-1], ours.at):
        return
    holder = name_of(part(ours.after, "properties").get("principalId")) or holder_of(ours.name)
    early = [each for each in truth.events if each["t"] < ours.at - SLACK and each.get("who") == holder]
    for done, is_so in (("disable", "disabled"), ("contain", "contained")):
        if any(each["do"] == done for each in early):
            yield Violation(law="8", sentence=f"{what} gives {holder} access, who is {is_so}")
    if any(
        each.actor == holder and truth.standing(each) == "unapproved" and each.heard < ours.at - SLACK
        for each in truth.world.history
        if truth.stands(each, ours.at)
    ):
        yield Violation(law="8", sentence=f"{what} gives {holder} access, who is named in a case")


def _was_shown(truth: Truth, name: str, leaf: str, value: Json, accepted_at: float) -> bool:
    """Whether who accepted an object was shown this value: it stood when a sweep read it last."""
    since = accepted_at - _SHOWN_WITHIN
    until = accepted_at + _TRIED_FOR
    moved = [each.at for each in truth.deeds[name] if since <= each.at <= until]
    return any(truth.value_at(name, leaf, at) == value for at in (since, *moved, until))


# Laws 5 and 6, and pages.


def _of_cases(truth: Truth) -> Iterator[Violation]:
    own = set(RESPONDER_OF.values())
    names = {each.lower(): thing.name for thing in truth.world.things.values() for each in thing.ids if each}
    names |= {target: name for name in truth.world.things if (target := _recorded_as(name))}
    found = Counter(
        (each.actor_id, names.get(each.object_id.lower(), each.object_id))
        for each in truth.seen.cases
        if each.actor_id and each.actor_id not in {*own, PEOPLE["pim"]}
    )
    wanted = Counter(
        (actor, name) for actor, name, *_ in {_as_named(deed) for deed in truth.world.history if _has_case(truth, deed)}
    )
    for actor, name in sorted({*found, *wanted}):
        if found[actor, name] != wanted[actor, name]:
            said = f"{wanted[actor, name]} detected changes of {name} by {actor}, {found[actor, name]} cases"
            yield Violation(law="5", sentence=said)
    for each in truth.seen.cases:
        if not each.detections and each.actor_id:
            yield Violation(law="5", sentence=f"case {each.id} names no detection")


def _recorded_as(name: str) -> str:
    """Give what a case is about whose record has another target than its object, where nobody knew which is meant."""
    simulated = SIMULATED_KINDS.get(kind_of(name))
    return simulated.recorded_as(SAMPLES[name].image) if simulated else ""


def _has_case(truth: Truth, deed: Deed) -> bool:
    return deed.actor not in {"us", "nobody", "pim"} and deed.heard < NEVER and truth.is_detected(deed)


def _as_named(deed: Deed) -> tuple[str, str, str, str, float, int]:
    """Give what a change is named by: without values, two of the same activity within a second can't be told apart.

    Of an assignment, an event calls a creation and an update alike a write.
    """
    is_blank = kind_of(deed.name) in {DOCUMENT, ASSIGNMENT} or not deed.whole
    op = "update" if kind_of(deed.name) == ASSIGNMENT and deed.op == "create" else deed.op
    simulated = SIMULATED_KINDS.get(kind_of(deed.name))
    activity = simulated.logged(deed.object_id, deed.before, deed.after).activity if simulated else ""
    return actor_id(deed), deed.name, op, activity, int(deed.at), -1 if is_blank else deed.number


def _of_the_ledger(truth: Truth) -> Iterator[Violation]:
    for deed in truth.world.history:
        if deed.actor == "us" and (flaw := _flaw(deed, truth.intent_of(deed))):
            yield Violation(law="6", sentence=f"our {deed.op} of {deed.name} at {deed.at:.1f} {flaw}")
    for intent in truth.seen.intents:
        if intent.is_done and not _was_carried_out(truth, intent):
            yield Violation(law="6", sentence=f"intent {intent.id} counts as carried out, and nobody carried it out")
    for number, total in Counter(each.id for each in truth.seen.intents).items():
        if total > 1:
            yield Violation(law="6", sentence=f"intent {number} is {total} times in the ledger")
    for thing in truth.world.things.values():
        if "twin" in thing.name and any(image for _, image in thing.past):
            yield Violation(law="6", sentence=f"{thing.name} was made beside one that stood")


def _flaw(ours: Deed, intent: SeenIntent | None) -> str:
    if intent is None:
        return "has no intent"
    if not intent.has_before and intent.op != "create" and ours.before is not None:
        return "has no before-image"
    return "" if intent.is_done else "isn't in the ledger as carried out"


def _was_carried_out(truth: Truth, intent: SeenIntent) -> bool:
    names = {
        thing.name
        for thing in truth.world.things.values()
        if intent.object_id.lower() in [each.lower() for each in thing.ids]
    }
    return any(
        call.name in names and call.status < 300 and intent.at <= call.at <= intent.at + 300
        for call in truth.world.calls
    )


def _of_pages(truth: Truth) -> Iterator[Violation]:
    stolen = next((page for page in truth.seen.pages if "somebody has its identity" in page.text), None)
    if stolen is not None:
        yield Violation(law="theft", sentence=f"nobody but us acted under our identity: {stolen.text[:200]}")
    changes = sum(deed.actor != "us" for deed in truth.world.history)
    if len(truth.seen.pages) > _MOST_PAGES + _MOST_PAGES_OF_A_CHANGE * changes:
        yield Violation(law="pages", sentence=f"{len(truth.seen.pages)} pages for {changes} changes")


def must_write(result: Result) -> list[str]:
    """Name the live unapproved changes that nothing true is in the way of: a story with one ends in a write."""
    truth = Truth(result)
    found: list[str] = []
    for name, thing in truth.world.things.items():
        theirs = [each for each in truth.deeds.get(name, ()) if each.actor != "us"]
        is_unwanted = is_not_to_exist(truth, truth.chain(name, EXISTS))
        for leaf in sorted({leaf for deed in theirs for leaf in deed.diff} - truth.serviced):
            chain = truth.chain(name, leaf)
            if not chain or (leaf != EXISTS and (thing.image is None or is_unwanted)):
                continue
            last = chain[-1]
            want, _ = truth.expected(name, leaf, last.number)
            is_left_harmless = (
                leaf == EXISTS and is_unwanted and len(theirs) > 1 and is_put_back(truth, name, leaf, want)
            )
            moves = last.diff[leaf][1] != want and (leaf == EXISTS or EXISTS not in last.diff) and not is_left_harmless
            if (
                truth.standing(last) == "unapproved"
                and truth.is_live(last)
                and moves
                and not objection(truth, name, leaf)
            ):
                found.append(f"{name} {leaf}")
    return found


__all__ = ["Truth", "Violation", "judge", "list_of", "must_write", "objection"]
