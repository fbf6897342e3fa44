"""Stories that somebody thought of, each with its ending: every one is behind a clause of how changes are answered."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from shared.model.kinds import Json
from tests.laws.oracle import LISTED, Truth
from tests.laws.play import Result, Story
from tests.laws.world import EMERGENCY, PEOPLE, READER, SCOPE, Deed, list_of, long_name, member_of

type Event = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class HandStory:
    """A story, and whether it ended as it must. `ends` says that in words.

    What it is about may be a moment that comes with some seeds only, and with others after each change of the product's
    requests. Then it is played with up to `seeds` of them until it comes; the laws are to be kept with each.
    """

    name: str
    story: Story
    ends: str
    is_right: Callable[["Ending"], bool]
    seeds: int = 1

    def stories(self) -> Iterator[Story]:
        """Give the story with its own seed, then with others."""
        return ({**self.story, "seed": self.story["seed"] + number} for number in range(self.seeds))


class Ending:
    """How a story ended, as its check asks for it."""

    def __init__(self, result: Result) -> None:
        self.result = result
        self.truth = Truth(result)

    def leaf(self, name: str, leaf: str = "exists") -> Json:
        """Give the value of a leaf as it stands, None where it isn't there."""
        whole = long_name(leaf)
        leaves = self.result.world.leaves(self.result.world.things[name].image)
        return leaves.get(f"{list_of(whole)}[{member_of(whole).lower()}]" if list_of(whole) else whole)

    def has_twin(self) -> bool:
        return any("twin" in each for each in self.result.world.things)

    def pending(self, name: str) -> set[str]:
        """Give the guards and verdicts for which an object waits."""
        ids = [each.lower() for each in self.result.world.things[name].ids]
        reasons = [because for each in ids for because in self.result.seen.pending.get(each, {}).values()]
        return {because.partition(":")[0] for because in reasons}

    def is_off(self, name: str) -> bool:
        return self.leaf(name) is None or self.leaf(name, "state") == "disabled"

    def document(self, name: str) -> str:
        return str((self.result.world.things[name].image or {}).get("xml", ""))

    @property
    def ours(self) -> list[Deed]:
        return [each for each in self.result.world.history if each.actor == "us"]

    def paged(self, name: str, *words: str) -> bool:
        """Say whether a page was about an object, and has one of these words."""
        pages = self.truth.pages_of(name)
        return any(not words or any(word in page.text.lower() for word in words) for page in pages)

    def said(self) -> list[str]:
        """Give how each page begins that is about no case, in four words."""
        return [" ".join(page.text.split()[:4]) for page in self.result.seen.pages if not page.object_ids]

    def is_one_page(self) -> bool:
        """Say whether every message has all changes of those before it: it is one page that grew."""
        listed = [page.object_ids for page in self.result.seen.pages]
        return bool(listed) and all(after[: len(before)] == before for before, after in pairwise(listed))

    def cases(self, actor_id: str) -> int:
        return sum(each.actor_id == actor_id for each in self.result.seen.cases)

    def can_all_sign_in(self) -> bool:
        return not any(self.result.world.barred().values())


def change(at: float, who: str, on: str, op: str = "update", rec: Event | None = None, **leaves: Json) -> Event:
    """Make a change; names of leaves are given with keyword-safe names or in `leaves`."""
    return {"do": "change", "t": at, "who": who, "on": on, "op": op, "rec": rec or {}, "leaves": leaves}


def edit(at: float, who: str, on: str, leaves: dict[str, Json], **rec: Any) -> Event:  # noqa: ANN401 - as records are told
    return {"do": "change", "t": at, "who": who, "on": on, "op": "update", "rec": rec, "leaves": leaves}


def form(at: float, who: str, on: str, lists: dict[str, list[str]], **rec: Any) -> Event:  # noqa: ANN401 - the same
    return {"do": "form", "t": at, "who": who, "on": on, "rec": rec, "lists": lists}


def story(things: str, *events: Event, **more: Any) -> Story:  # noqa: ANN401 - settings of a story
    return {"seed": 7, "things": things.split(), "events": list(events), "own_late": 60, **more}


MAL: Final = PEOPLE["mal"]
LATE: Final = {"late": 5400}
REPORT: Final = "enabledForReportingButNotEnforced"
ADD_GUEST: Final[dict[str, Json]] = {"excludeUsers[guest]": True}
ADD_SERVICE: Final[dict[str, Json]] = {"excludeUsers[svc]": True}
ADD_BOSS: Final[dict[str, Json]] = {"excludeUsers[boss]": True}
NEW_LEAF: Final = "sessionControls.disableResilienceDefaults"
ADDED: Final[dict[str, Json]] = {NEW_LEAF: True}
DESCRIBED: Final[dict[str, Json]] = {"description": "Anything goes"}
CONDITION: Final[dict[str, Json]] = {"properties.condition": "@Resource[name] StringEquals 'a'"}
TO_SOMEBODY_ELSE: Final[dict[str, Json]] = {
    "properties.principalId": PEOPLE["guest"],
    "properties.principalType": "User",
    "properties.roleDefinitionId": f"{SCOPE}/providers/Microsoft.Authorization/roleDefinitions/{READER}",
}
OFTEN: Final[dict[str, Json]] = {"sessionControls.signInFrequency.value": 4}


def _lag(seconds: float) -> Event:
    """Let listings not show for a while what was made."""
    return {"t": 590, "do": "window", "what": "listing", "for": seconds * 6, "lag": seconds}


def _after(what: str, event: Event, seconds: float = 0.7) -> Event:
    """Let something happen some seconds after the product's next read or write of the object."""
    return {key: value for key, value in event.items() if key != "t"} | {"after": what, "in": seconds}


def _then_faults(*kinds: str) -> list[Event]:
    """Let the tenant's next writes fail so, in their order; "" lets one through."""
    return [{"t": 1, "do": "fault", "kind": kind} for kind in kinds]


ATTACKS_ON_N1: Final[dict[str, Event]] = {
    "deletes": change(700, "mal", "N1", "delete"),
    "switches off": edit(700, "mal", "N1", {"state": "disabled"}),
}
ATTACKS_ON_WHAT_BARS: Final[dict[str, Event]] = {
    "deletes": change(900, "mal", "P1", "delete"),
    "narrows": edit(900, "mal", "P1", {"includeUsers[All]": None, "includeUsers[boss]": True}),
    "switches off": edit(900, "mal", "P1", {"state": "disabled"}),
}
MADE_HARMLESS: Final[dict[str, Event]] = {
    "off": change(600, "mal", "N1", "create", state="disabled"),
    "for report only": change(600, "mal", "N1", "create", state=REPORT),
}
SWITCHED_OFF_AND_DELETED: Final = (
    edit(600, "mal", "P2", ADD_GUEST | {"state": "disabled"}),
    change(602, "mal", "P2", "delete"),
)

HAND: Final[tuple[HandStory, ...]] = (
    HandStory(
        name="an approved admin removes a contractor's Owner, an attacker gives it back, the records come together",
        story=story(
            "A2 A6",
            change(600, "alice", "A2", "delete", {"late": 5400}),
            change(700, "mal", "A2", "create", {"late": 5300}),
        ),
        ends="taken away again",
        is_right=lambda end: end.leaf("A2") is None,
    ),
    HandStory(
        name="enforce is switched on after two weeks of observing",
        story=story(
            "P1 G",
            {"t": 500, "do": "mode", "mode": "observe"},
            edit(600, "mal", "P1", ADD_GUEST),
            {"t": 40000, "do": "mode", "mode": "enforce"},
        ),
        ends="nothing is rolled back unasked",
        is_right=lambda end: not end.ours and end.paged("P1") | bool(end.result.seen.pending),
    ),
    HandStory(
        name="the kill switch is released after a migration",
        story=story(
            "P1 G",
            {"t": 500, "do": "switch", "on": True},
            edit(600, "mal", "P1", ADD_GUEST),
            {"t": 4000, "do": "switch", "on": False},
        ),
        ends="nothing is rolled back unasked",
        is_right=lambda end: not end.ours,
    ),
    HandStory(
        name="the first approval is added to an empty list",
        story=story(
            "P1 G",
            edit(600, "mal", "P1", ADD_GUEST),
            {"t": 4000, "do": "approve", "who": "alice", "on": True},
            listed=[],
        ),
        ends="nothing is rolled back unasked",
        is_right=lambda end: not end.ours,
    ),
    HandStory(
        name="a leaver's row is ended before his late record comes",
        story=story(
            "P1 G",
            edit(600, "alice", "P1", ADD_BOSS, late=5400),
            {"t": 700, "do": "approve", "who": "alice", "on": False},
        ),
        ends="nothing is rolled back unasked",
        is_right=lambda end: not end.ours and bool(end.leaf("P1", "excludeUsers[boss]")),
    ),
    HandStory(
        name="an attacker adds a guest to an exclusion, an approved admin saves a form with both",
        story=story(
            "P1 G",
            edit(600, "mal", "P1", ADD_GUEST, late=60),
            form(610, "alice", "P1", {"excludeUsers": ["guest", "boss"]}, late=5),
        ),
        ends="the admin's stays, the attacker's goes",
        is_right=lambda end: bool(end.leaf("P1", "excludeUsers[boss]")) and not end.leaf("P1", "excludeUsers[guest]"),
    ),
    HandStory(
        name="a form that was opened before brings back what was taken",
        story=story("P1 G", edit(600, "mal", "P1", ADD_GUEST), form(900, "alice", "P1", {"excludeUsers": ["guest"]})),
        ends="it stays, its author is asked",
        is_right=lambda end: bool(end.leaf("P1", "excludeUsers[guest]")) and end.paged("P1"),
    ),
    HandStory(
        name="an approved change whose record comes three hours late, an unapproved one over it at once",
        story=story(
            "P1 G",
            edit(600, "alice", "P1", {"displayName": "Alice's"}, late=10800),
            edit(640, "mal", "P1", {"displayName": "Mallory's"}),
        ),
        ends="the approved value in the end, or offered back",
        is_right=lambda end: end.leaf("P1", "displayName") == "Alice's" or end.paged("P1"),
    ),
    HandStory(
        name="the same, records without values",
        story=story(
            "P1 G",
            edit(600, "alice", "P1", {"displayName": "Alice's"}, late=10800),
            edit(640, "mal", "P1", {"displayName": "Mallory's"}, values="none"),
        ),
        ends="the approved value in the end, or offered back",
        is_right=lambda end: end.leaf("P1", "displayName") == "Alice's" or end.paged("P1"),
    ),
    HandStory(
        name="two hosts: a location and a policy that leans on it",
        story=story(
            "P3 L1 G",
            edit(600, "mal", "P3", {"state": "disabled"}),
            edit(600.2, "mal", "L1", {"ipRanges[198.51.100.0/24]": True}),
            edit(601, "mal", "G", {"members[em1]": None}),
        ),
        ends="nobody is locked out by us",
        is_right=lambda end: end.can_all_sign_in(),
    ),
    HandStory(
        name="a policy is switched off and the emergency accounts leave its excluded group",
        story=story(
            "P1 G",
            edit(600, "mal", "P1", {"state": "disabled"}),
            edit(600.5, "alice", "G", {"members[em1]": None}),
            edit(600.7, "alice", "G", {"members[em2]": None}),
        ),
        ends="nobody is locked out by us for long, or people are paged",
        is_right=lambda end: end.can_all_sign_in() or end.paged("P1"),
    ),
    HandStory(
        name="two Owners of one scope are given by an attacker, and the others deleted",
        story=story(
            "A2 A3 A6",
            change(600, "mal", "A3", "create"),
            change(601, "mal", "A2", "delete"),
            change(601.5, "mal", "A6", "delete"),
        ),
        ends="his goes; theirs are paged with the command",
        is_right=lambda end: end.leaf("A3") is None and end.leaf("A2") is None and end.paged("A2") and end.paged("A6"),
    ),
    HandStory(
        name="an approved admin disables a policy, an attacker switches it on and then to report only",
        story=story(
            "P1 G",
            edit(600, "alice", "P1", {"state": "disabled"}),
            edit(900, "mal", "P1", {"state": "enabled"}),
            edit(2000, "mal", "P1", {"state": REPORT}),
        ),
        ends="it is disabled again",
        is_right=lambda end: end.leaf("P1", "state") == "disabled",
    ),
    HandStory(
        name="a rival tool writes its value every two minutes",
        story=story(
            "P2 G",
            {
                "t": 600,
                "do": "rival",
                "who": "rival",
                "on": "P2",
                "leaves": {"state": "disabled"},
                "times": 4,
                "rec": {},
            },
        ),
        ends="the baseline stands, and both sides' owners are paged",
        is_right=lambda end: end.leaf("P2", "state") == "enabled" and end.paged("P2"),
    ),
    HandStory(
        name="throttled between look and write",
        story=story(
            "P1 G",
            {"t": 500, "do": "fault", "kind": "throttled", "times": 3},
            edit(600, "mal", "P1", ADD_GUEST),
        ),
        ends="put back all the same",
        is_right=lambda end: not end.leaf("P1", "excludeUsers[guest]"),
    ),
    HandStory(
        name="the answer to a creation is lost, and listings lag",
        story=story(
            "P2",
            {"t": 500, "do": "window", "what": "listing", "for": 1800, "lag": 300},
            {"t": 500, "do": "fault", "kind": "lost"},
            change(600, "mal", "P2", "delete"),
            own_late=900,
            bin=False,
        ),
        ends="one policy stands, no twin",
        is_right=lambda end: bool(end.leaf("P2")) and not any("twin" in each for each in end.result.world.things),
    ),
    HandStory(
        name="what comes out of the bin was changed before, and the answer is lost",
        story=story(
            "P2",
            edit(600, "mal", "P2", {"state": "enabledForReportingButNotEnforced"}, late=600),
            {"t": 650, "do": "fault", "kind": "lost"},
            change(700, "mal", "P2", "delete"),
        ),
        ends="it stands as in the baseline",
        is_right=lambda end: end.leaf("P2", "state") == "enabled",
    ),
    *(
        HandStory(
            name=f"the process dies {side} effect {number} of putting a policy back",
            story=story(
                "P2",
                {"do": "die", "n": number, "side": side},
                change(600, "mal", "P2", "delete"),
                own_late=900,
                bin=False,
            ),
            ends="one policy stands, enabled, no twin",
            is_right=lambda end: (
                end.leaf("P2", "state") == "enabled" and not any("twin" in each for each in end.result.world.things)
            ),
        )
        for number in range(4, 64, 12)
        for side in ("before", "after")
    ),
    HandStory(
        name="the same change again after our put-back",
        story=story("P1 G", edit(600, "mal", "P1", ADD_GUEST), edit(900, "mal", "P1", ADD_GUEST)),
        ends="put back again, two cases",
        is_right=lambda end: not end.leaf("P1", "excludeUsers[guest]") and end.cases(MAL) == 2,
    ),
    HandStory(
        name="two changes share a correlation id",
        story=story(
            "P1 G",
            edit(600, "mal", "P1", ADD_GUEST, one="c0de0000-0000-4000-8000-aaaaaaaaaaaa"),
            edit(630, "mal", "P1", {"displayName": "Hidden"}, one="c0de0000-0000-4000-8000-aaaaaaaaaaaa"),
        ),
        ends="both are put back, two cases",
        is_right=lambda end: (
            not end.leaf("P1", "excludeUsers[guest]")
            and end.leaf("P1", "displayName") != "Hidden"
            and end.cases(MAL) == 2
        ),
    ),
    HandStory(
        name="03:00: an emergency account switches off the policy that locks everybody out",
        story=story("P1 G", edit(600, "em1", "P1", {"state": "disabled"})),
        ends="it stays off, everybody is paged",
        is_right=lambda end: end.leaf("P1", "state") == "disabled" and end.paged("P1"),
    ),
    HandStory(
        name="an attacker touches what an emergency account switched off",
        story=story("P1 G", edit(600, "em1", "P1", {"state": "disabled"}), edit(900, "mal", "P1", {"state": REPORT})),
        ends="it isn't switched on",
        is_right=lambda end: end.leaf("P1", "state") != "enabled",
    ),
    HandStory(
        name="an emergency account acts, and an attacker takes it out of the excluded group",
        story=story(
            "P1 G",
            edit(600, "em1", "P1", ADD_BOSS),
            edit(900, "mal", "P1", {"excludeGroups[G]": None}),
        ),
        ends="the emergency accounts can sign in again",
        is_right=lambda end: end.can_all_sign_in() and bool(end.leaf("P1", "excludeUsers[boss]")),
    ),
    HandStory(
        name="an attacker's own policy hides that another put-back would lock somebody out",
        story=story(
            "P1 P2 G",
            edit(600, "mal", "P1", {"state": "disabled"}, late=400),
            edit(700, "alice", "G", {"members[em2]": None}),
            edit(800, "mal", "P2", {"controls[mfa]": None, "controls[block]": True}, late=400),
        ),
        ends="em2 can sign in",
        is_right=lambda end: not end.result.world.barred()["em2"],
    ),
    HandStory(
        name="an unlisted on-call strips a compromised account's role",
        story=story("A1 P2", edit(500, "svc", "P2", ADD_GUEST), change(600, "oncall", "A1", "delete")),
        ends="it isn't given back",
        is_right=lambda end: end.leaf("A1") is None and end.paged("A1"),
    ),
    HandStory(
        name="a listing is accepted while an attacker's exclusion is pending",
        story=story(
            "P1 G",
            edit(600, "mal", "P1", ADD_GUEST),
            {"t": 1200, "do": "accept", "on": "P1"},
            edit(1500, "mal", "P1", {"controls[block]": None, "controls[mfa]": True}),
            first_seen=["P1"],
        ),
        ends="the exclusion stays unaccepted, the rest is accepted and put back",
        is_right=lambda end: bool(end.leaf("P1", "controls[block]")),
    ),
    HandStory(
        name="what was only first seen is never written back",
        story=story("P2", edit(600, "mal", "P2", {"state": "disabled"}), first_seen=["P2"]),
        ends="nothing is written, people are paged",
        is_right=lambda end: not end.ours and end.paged("P2"),
    ),
    HandStory(
        name="an attacker adds a policy that can't be understood",
        story=story(
            "P1 N1 G",
            change(500, "mal", "N1", "create", {"late": 900})
            | {"leaves": {"conditions.agents": {"includeAgents": ["All"]}}},
            edit(600, "mal", "P1", ADD_GUEST),
        ),
        ends="the other is put back all the same while it stands, and it is switched off once it is known whose it is",
        is_right=lambda end: (
            not end.leaf("P1", "excludeUsers[guest]")
            and end.is_off("N1")
            and [each.name for each in end.ours] == ["P1", "N1"]
        ),
    ),
    HandStory(
        name="a policy can't be read for hours",
        story=story(
            "P1 P2 G",
            {"t": 500, "do": "window", "what": "unreadable", "on": "P2", "for": 5000},
            edit(600, "mal", "P1", ADD_GUEST),
        ),
        ends="the other is put back all the same",
        is_right=lambda end: not end.leaf("P1", "excludeUsers[guest]"),
    ),
    HandStory(
        name="a dynamic rule lets somebody into a group",
        story=story("P1 G", {"t": 600, "do": "engine", "member": "svc", "on": True}),
        ends="nothing",
        is_right=lambda end: not end.ours and not end.paged("P1"),
    ),
    HandStory(
        name="an emergency account is in the excluded group by a dynamic rule alone",
        story=story(
            "P1 G",
            {"t": 400, "do": "engine", "member": "em2", "on": True},
            edit(500, "alice", "G", {"members[em2]": None}),
            edit(600, "mal", "P1", {"state": "disabled"}),
        ),
        ends="the policy is switched on again: whoever is in by a rule is in",
        is_right=lambda end: end.leaf("P1", "state") == "enabled" and end.can_all_sign_in(),
    ),
    HandStory(
        name="and the rule lets it go before an attacker's change is known",
        story=story(
            "P1 G",
            {"t": 400, "do": "engine", "member": "em2", "on": True},
            edit(500, "alice", "G", {"members[em2]": None}),
            edit(600, "mal", "P1", {"state": "disabled"}, late=300),
            {"t": 700, "do": "engine", "member": "em2", "on": False},
        ),
        ends="it stays off, for it would lock that account out, and people are paged",
        is_right=lambda end: end.leaf("P1", "state") == "disabled" and end.paged("P1") and end.can_all_sign_in(),
    ),
    HandStory(
        name="a policy created by an unapproved actor",
        story=story("P1 N1 G", change(600, "mal", "N1", "create")),
        ends="it is switched off",
        is_right=lambda end: end.is_off("N1"),
    ),
    HandStory(
        name="created by an unapproved actor, edited by an approved one",
        story=story("P2 N1", change(600, "mal", "N1", "create", {"late": 60}), edit(610, "alice", "N1", ADD_BOSS)),
        ends="people decide",
        is_right=lambda end: end.leaf("N1", "state") == "enabled" and end.paged("N1"),
    ),
    HandStory(
        name="created by an unapproved actor, switched off by an emergency account",
        story=story(
            "P2 N1", change(600, "mal", "N1", "create", {"late": 60}), edit(610, "em1", "N1", {"state": "disabled"})
        ),
        ends="it stays off, people are paged",
        is_right=lambda end: end.leaf("N1", "state") == "disabled" and end.paged("N1"),
    ),
    HandStory(
        name="set to report only by one, widened by the other",
        story=story(
            "P2 G",
            edit(600, "mal", "P2", {"state": REPORT}, late=60),
            edit(610, "alice", "P2", {"excludeUsers[em1]": None}),
        ),
        ends="people decide",
        is_right=lambda end: end.leaf("P2", "state") == REPORT and end.paged("P2"),
    ),
    HandStory(
        name="deleted by an attacker and made again; a late record of the old id",
        story=story("P2", edit(500, "alice", "P2", ADD_BOSS, late=5400), change(600, "mal", "P2", "delete"), bin=False),
        ends="one object, the late value there or offered back",
        is_right=lambda end: (
            bool(end.leaf("P2"))
            and not any("twin" in each for each in end.result.world.things)
            and (bool(end.leaf("P2", "excludeUsers[boss]")) or end.paged("P2"))
        ),
    ),
    HandStory(
        name="made again under a new id, and changed by an attacker under it",
        story=story(
            "P2", change(600, "mal", "P2", "delete"), edit(4000, "mal", "P2", {"state": "disabled"}), bin=False
        ),
        ends="enabled, one object",
        is_right=lambda end: (
            end.leaf("P2", "state") == "enabled" and not any("twin" in each for each in end.result.world.things)
        ),
    ),
    HandStory(
        name="deleted and purged by an attacker",
        story=story("P2", change(600, "mal", "P2", "delete"), change(601, "mal", "P2", "purge")),
        ends="made again",
        is_right=lambda end: end.leaf("P2", "state") == "enabled",
    ),
    HandStory(
        name="left on Monday, another change on Thursday",
        story=story(
            "P1 G",
            {"t": 500, "do": "mode", "mode": "observe"},
            edit(600, "mal", "P1", ADD_GUEST),
            {"t": 4000, "do": "mode", "mode": "enforce"},
            {"t": 9000, "do": "leave", "on": "P1"},
            edit(20000, "mal", "P1", {"displayName": "Renamed"}),
        ),
        ends="Monday's leaf stays, Thursday's goes",
        is_right=lambda end: bool(end.leaf("P1", "excludeUsers[guest]")) and end.leaf("P1", "displayName") != "Renamed",
    ),
    HandStory(
        name="a first trifle, then the real change",
        story=story(
            "P1 G", edit(600, "mal", "P1", {"displayName": "A trifle"}), edit(1500, "mal", "P1", {"state": "disabled"})
        ),
        ends="both are put back, both have a case",
        is_right=lambda end: end.leaf("P1", "state") == "enabled" and end.cases(MAL) == 2,
    ),
    HandStory(
        name="more objects than the limit of an hour",
        story=story(
            "A1 A5 P1 P2 G",
            change(600, "mal", "A1", "delete"),
            change(601, "mal", "A5", "delete"),
            edit(602, "mal", "P2", ADD_GUEST),
            edit(603, "mal", "P1", ADD_GUEST),
            limit=2,
        ),
        ends="every object is put back in the end",
        is_right=lambda end: (
            bool(end.leaf("A1"))
            and bool(end.leaf("A5"))
            and not end.leaf("P1", "excludeUsers[guest]")
            and not end.leaf("P2", "excludeUsers[guest]")
        ),
    ),
    HandStory(
        name="a family of custom policies under a limit of two",
        story=story(
            "D0 D1",
            change(600, "mal", "D1", "delete"),
            change(601, "mal", "D0", "delete"),
            limit=2,
        ),
        ends="the whole family stands",
        is_right=lambda end: bool(end.leaf("D0")) and bool(end.leaf("D1")),
    ),
    HandStory(
        name="Microsoft changes its own policy, and again",
        story=story(
            "P1 P2 G",
            edit(600, "microsoft", "P2", {"state": REPORT}),
            edit(900, "microsoft", "P2", {"state": "enabled", "excludeUsers[guest]": True}),
        ),
        ends="nothing is written, and people have it on one page",
        is_right=lambda end: (
            not end.ours and bool(end.leaf("P2", "excludeUsers[guest]")) and end.is_one_page() and end.paged("P2")
        ),
    ),
    HandStory(
        name="Microsoft changes three of its policies at once",
        story=story(
            "P1 P2 P3 L1 G",
            edit(600, "microsoft", "P1", {"displayName": "New"}),
            edit(601, "microsoft", "P2", {"displayName": "New"}),
            edit(602, "microsoft", "P3", {"displayName": "New"}),
        ),
        ends="nothing is written, and people have all on one page",
        is_right=lambda end: not end.ours and end.is_one_page() and all(end.paged(each) for each in ("P1", "P2", "P3")),
    ),
    HandStory(
        name="Microsoft adds a property to every policy",
        story=story("P1 P2 P3 L1 G", {"t": 600, "do": "add_everywhere", "leaves": ADDED}),
        ends="said once for all of them, nothing written, nothing waits",
        is_right=lambda end: not end.ours and end.said() == ["A property is new"] and not end.result.seen.pending,
    ),
    HandStory(
        name="Microsoft adds a property that says nothing",
        story=story(
            "P1 P2 G",
            {"t": 600, "do": "add_everywhere", "leaves": {"sessionControls.disableResilienceDefaults": False}},
        ),
        ends="nothing at all",
        is_right=lambda end: not end.ours and not end.result.seen.pages,
    ),
    *(
        HandStory(
            name=f"Microsoft adds a property to every policy, and one is deleted after, {how}",
            story=story(
                "P1 P2 G",
                {"t": 600, "do": "add_everywhere", "leaves": ADDED},
                change(9000, "mal", "P2", "delete"),
                bin=has_bin,
            ),
            ends="it stands again as it was, and nobody is said to have stolen our identity",
            is_right=lambda end: (
                end.leaf("P2", "state") == "enabled"
                and end.leaf("P2", NEW_LEAF) is True
                and end.said() == ["A property is new"]
                and not end.result.seen.pending
                and not any(NEW_LEAF in step for each in end.result.seen.intents for step in each.steps)
            ),
        )
        for how, has_bin in (("taken from the bin", True), ("made anew", False))
    ),
    HandStory(
        name="Microsoft adds a property to every policy, and an attacker edits one at once",
        story=story(
            "P1 P2 G", {"t": 600, "do": "add_everywhere", "leaves": ADDED}, edit(700, "mal", "P1", ADD_GUEST, late=60)
        ),
        ends="what he wrote is put back, the property stays and is said once",
        is_right=lambda end: (
            not end.leaf("P1", "excludeUsers[guest]")
            and end.leaf("P1", NEW_LEAF) is True
            and end.said() == ["A property is new"]
        ),
    ),
    HandStory(
        name="an attacker adds a property to every policy",
        story=story("P1 P2 G", edit(600, "mal", "P1", ADDED, late=5400), edit(601, "mal", "P2", ADDED, late=5400)),
        ends="it goes once his records say that he did",
        is_right=lambda end: end.leaf("P1", NEW_LEAF) is None and end.leaf("P2", NEW_LEAF) is None,
    ),
    HandStory(
        name="a record is padded until it is cut short",
        story=story(
            "P2 G",
            edit(600, "mal", "P2", {"state": REPORT, "excludeUsers[guest]": True, "displayName": "x"}, values="cut"),
        ),
        ends="judged by the versions around it: all is put back",
        is_right=lambda end: (
            end.leaf("P2", "state") == "enabled"
            and not end.leaf("P2", "excludeUsers[guest]")
            and end.leaf("P2", "displayName") != "x"
        ),
    ),
    HandStory(
        name="an event of a role assignment without a body",
        story=story("A1 A2", edit(600, "mal", "A1", {"properties.description": "mine"})),
        ends="judged by the versions around it: put back",
        is_right=lambda end: end.leaf("A1", "properties.description") is None,
    ),
    HandStory(
        name="a custom policy is uploaded twice",
        story=story("D0 D1", change(600, "mal", "D0", xml="v1"), change(601, "mal", "D0", xml="v2")),
        ends="the first document stands",
        is_right=lambda end: "v0" in end.document("D0"),
    ),
    HandStory(
        name="a custom policy is put back in the moment in which an approved admin deletes it",
        story=story(
            "D0 D1 D2 D3",
            change(602, "mal", "D0", xml="v2"),
            change(603, "mal", "D1", "delete"),
            change(603.4, "alice", "D0", "delete"),
        ),
        seeds=30,
        ends="what is made by that is ours, and it is offered back",
        is_right=lambda end: [each.op for each in end.ours][:1] == ["create"] and end.paged("D0"),
    ),
    HandStory(
        name="a custom policy is made, with another based on it",
        story=story("D0 D2", change(600, "mal", "D2", "create", xml="evil")),
        ends="it is deleted",
        is_right=lambda end: end.leaf("D2") is None,
    ),
    HandStory(
        name="our PATCH comes back with filled-in defaults",
        story=story("P1 G", {"t": 500, "do": "fill"}, edit(600, "mal", "P1", ADD_GUEST)),
        ends="put back, and nobody is said to have stolen our identity",
        is_right=lambda end: (
            not end.leaf("P1", "excludeUsers[guest]") and not end.paged("P1", "stolen", "theft", "identity of")
        ),
    ),
    HandStory(
        name="a permission is given and taken again in the same second, before anybody saw it, and given later",
        story=story(
            "E3",
            change(600, "mal", "E3", "create"),
            change(600, "trudy", "E3", "delete"),
            change(7000, "mal", "E3", "create"),
        ),
        ends="taken away, and no writer is missing",
        is_right=lambda end: end.leaf("E3") is None and end.pending("E3") == set(),
    ),
    HandStory(
        name="a removal that no record tells, given back by an attacker",
        story=story("A1 A2", change(600, "alice", "A1", "delete", {"never": True}), change(700, "mal", "A1", "create")),
        ends="taken away, or people are asked",
        is_right=lambda end: end.leaf("A1") is None or end.paged("A1"),
    ),
    HandStory(
        name="an approved admin writes the attacker's value again a second after our write, its record late",
        story=story(
            "P1 G",
            edit(600, "mal", "P1", {"state": "disabled"}),
            {
                "do": "change",
                "after": "write",
                "in": 1,
                "who": "alice",
                "on": "P1",
                "op": "update",
                "rec": LATE,
                "leaves": {"state": "disabled"},
            },
            edit(900, "mal", "P1", ADD_GUEST),
            own_late=900,
        ),
        ends="it stays disabled, or is offered back",
        is_right=lambda end: end.leaf("P1", "state") == "disabled" or end.paged("P1"),
    ),
    HandStory(
        name="our process dies before the write, an approved admin repairs by hand",
        story=story(
            "P1 G",
            edit(600, "mal", "P1", {"state": REPORT}),
            {"do": "die", "at": "PATCH "},
            edit(620, "alice", "P1", {"state": "enabled"}),
        ),
        ends="its intent is in the ledger as one that wasn't carried out, and nothing else of ours",
        is_right=lambda end: (
            end.result.counts["deaths"] == 1
            and not end.ours
            and [each.is_done for each in end.result.seen.intents] == [False]
        ),
    ),
    HandStory(
        name="a lock on the resource group, gone after half an hour",
        story=story(
            "A1 A3 A6", {"t": 500, "do": "window", "what": "lock", "for": 1800}, change(600, "mal", "A3", "create")
        ),
        ends="paged at once, taken away when the lock is gone",
        is_right=lambda end: end.leaf("A3") is None and end.paged("A3"),
    ),
    HandStory(
        name="stale replicas after an attack",
        story=story(
            "P1 G",
            {"t": 600, "do": "window", "what": "stale", "for": 300, "lag": 120},
            edit(600.5, "mal", "P1", ADD_GUEST),
        ),
        ends="put back",
        is_right=lambda end: not end.leaf("P1", "excludeUsers[guest]"),
    ),
    *(
        HandStory(
            name=f"an attacker {how} what an approved admin made, {which}{'' if is_in_bin else ', and no bin'}",
            story=story("P2 N1", *before, change(600, "alice", "N1", "create", {"late": late}), attack, bin=is_in_bin),
            ends="it stands, enabled, no twin, and nobody is said to have our identity",
            is_right=lambda end: (
                end.leaf("N1", "state") == "enabled" and not end.has_twin() and not end.paged("N1", "has its identity")
            ),
        )
        for how, attack in ATTACKS_ON_N1.items()
        for which, before, late in (
            ("before listings show it", [_lag(300)], 0),
            ("before its record comes", list[Event](), 900),
        )
        for is_in_bin in (True, False)
    ),
    HandStory(
        name="an attacker takes a role that an approved admin gave, whose event has no body",
        story=story("A1 A8", change(600, "alice", "A8", "create"), change(700, "mal", "A8", "delete")),
        ends="it isn't given back on versions alone, people are paged",
        is_right=lambda end: not end.ours and end.paged("A8") and end.pending("A8") == {"provenance"},
    ),
    HandStory(
        name="the same, and the event of the gift comes late",
        story=story("A1 A8", change(600, "alice", "A8", "create", {"late": 900}), change(700, "mal", "A8", "delete")),
        ends="it isn't given back on a deletion alone, people are paged",
        is_right=lambda end: not end.ours and end.paged("A8") and "untold" in end.pending("A8"),
    ),
    HandStory(
        name="a role is given back after tries that timed out",
        story=story(
            "A5",
            change(4600, "trudy", "A5", "create", {"late": 10800}),
            {"t": 11004, "do": "fault", "kind": "refused"},
            {
                "do": "change",
                "after": "read",
                "in": 0.7,
                "who": "mal",
                "on": "A5",
                "op": "delete",
                "rec": {"late": 3000},
            },
            change(15276, "mal", "A5", "delete", {"twice": 40}),
            {"t": 15876, "do": "fault", "kind": "slow", "times": 6},
            seed=1213,
            own_late=60,
        ),
        ends="only the last try counts as carried out, although the role says since when it is there",
        is_right=lambda end: (
            bool(end.leaf("A5")) and [each.is_done for each in end.result.seen.intents].count(True) == len(end.ours)
        ),
    ),
    HandStory(
        name="an attacker adds a member whose record is late, and a decoy to the same list",
        story=story("P1 G", edit(600, "mal", "P1", ADD_GUEST, late=600), edit(620, "mal", "P1", ADD_SERVICE)),
        ends="our write of the list shields neither, two cases",
        is_right=lambda end: (
            not end.leaf("P1", "excludeUsers[guest]")
            and not end.leaf("P1", "excludeUsers[svc]")
            and end.cases(MAL) == 2
        ),
    ),
    *(
        HandStory(
            name=f"an attacker {how} a policy by which an approved admin locked everybody out",
            story=story("P1 G", edit(500, "alice", "P1", {"excludeGroups[G]": None}), attack),
            ends="it isn't undone, people are paged with the reason, everybody can sign in",
            is_right=lambda end: (
                not end.ours
                and end.can_all_sign_in()
                and end.paged("P1", "would keep it out")
                and end.pending("P1") == {"emergency-sign-in"}
            ),
        )
        for how, attack in ATTACKS_ON_WHAT_BARS.items()
    ),
    HandStory(
        name="an attacker has a policy ask for less, and the emergency accounts leave its excluded group",
        story=story(
            "P1 G",
            edit(3000, "alice", "G", {"members[em2]": None}),
            edit(9410, "mal", "P1", {"controls[block]": None, "controls[mfa]": True}),
        ),
        ends="it asks for no less than the attacker left, people are paged, nobody is said to have our identity",
        is_right=lambda end: (
            not end.ours
            and bool(end.leaf("P1", "controls[mfa]"))
            and end.pending("P1") == {"emergency-sign-in", "no-control-left"}
            and end.paged("P1")
        ),
    ),
    *(
        HandStory(
            name=f"an attacker makes a policy {how}, and switches it on when that was answered",
            story=story("P1 N1 G", made, edit(4000, "mal", "N1", {"state": "enabled"})),
            ends="it is switched off, two cases",
            is_right=lambda end: end.leaf("N1", "state") == "disabled" and end.cases(MAL) == 2,
        )
        for how, made in MADE_HARMLESS.items()
    ),
    HandStory(
        name="an attacker makes two custom policies, one based on the other",
        story=story(
            "D0 D2 D3",
            change(600, "mal", "D2", "create", xml="evil"),
            change(601, "mal", "D3", "create", xml="evil too"),
        ),
        ends="both go, what they are based on stays",
        is_right=lambda end: end.leaf("D2") is None and end.leaf("D3") is None and "v0" in end.document("D0"),
    ),
    HandStory(
        name="an attacker makes a custom policy beside one that can't be read for hours",
        story=story(
            "D0 D1 D2",
            {"t": 500, "do": "window", "what": "unreadable", "on": "D1", "for": 9000},
            change(600, "mal", "D2", "create", xml="evil"),
        ),
        ends="people are paged at once, and it goes when the other can be read",
        is_right=lambda end: end.leaf("D2") is None and end.paged("D2", "could not be read"),
    ),
    *(
        HandStory(
            name=f"the bin gives a policy back, and the PATCH after it is answered {fault}, {tries} times",
            story=story("P2 G", *_then_faults("", *[fault] * tries), *SWITCHED_OFF_AND_DELETED, own_late=late),
            ends="one policy stands, as before both changes",
            is_right=lambda end: (
                end.leaf("P2", "state") == "enabled"
                and not end.leaf("P2", "excludeUsers[guest]")
                and len(end.result.world.things["P2"].ids) == 1
                and not end.has_twin()
            ),
        )
        for fault, tries, late in (("busy", 1, 60), ("busy", 2, 900), ("throttled", 1, 60), ("throttled", 6, 5))
    ),
    *(
        HandStory(
            name=f"a policy is made again, its PATCH answered {fault}, before our record comes after {late} s",
            story=story(
                "P2 G",
                *_then_faults("", "", "", *[fault] * tries),
                change(600, "mal", "P2", "delete"),
                bin=False,
                own_late=late,
            ),
            ends="one policy stands, enabled, and people hear of one change and of no theft",
            is_right=lambda end: (
                end.leaf("P2", "state") == "enabled"
                and not end.has_twin()
                and not end.paged("P2", "has its identity", "again and again")
            ),
        )
        for fault, tries in (("busy", 2), ("lost", 1))
        for late in (2, 60)
    ),
    HandStory(
        name="a family of custom policies under a limit of one",
        story=story(
            "D0 D1",
            change(600, "mal", "D1", "delete"),
            change(601, "mal", "D0", "delete"),
            limit=1,
        ),
        ends="the parent is made first, the child in the next hour",
        is_right=lambda end: (
            [each.name for each in end.ours] == ["D0", "D1"]
            and end.ours[1].at - end.ours[0].at >= 3600
            and all("v0" in end.document(each) for each in ("D0", "D1"))
        ),
    ),
    HandStory(
        name="an attacker changes what can't be put back, then another property and another object, one an hour",
        story=story(
            "P1 P2 P3 G",
            edit(600, "mal", "P1", {"excludeUsers[em1]": True}),
            edit(1000, "mal", "P2", {"state": "disabled"}),
            edit(1600, "mal", "P1", {"state": "disabled"}),
            edit(1700, "mal", "P3", {"state": "disabled"}),
            limit=1,
        ),
        ends="what can't be put back holds up neither the rest of its policy nor the others",
        is_right=lambda end: not end.is_off("P1") and not end.is_off("P2") and not end.is_off("P3"),
    ),
    HandStory(
        name="the service adds a property to all policies while the only one lies in the bin",
        story=story(
            "P2",
            {"t": 601, "do": "fault", "kind": "cut"},
            change(602, "mal", "P2", "delete"),
            {"t": 1208, "do": "add_everywhere", "leaves": ADDED},
            seed=1509,
        ),
        ends="it comes back with the property, and nobody is said to have our identity",
        is_right=lambda end: bool(end.leaf("P2")) and not end.paged("P2", "has its identity"),
    ),
    HandStory(
        name="somebody takes a condition away that our look still showed, and our write of another one sends it again",
        story=story(
            "P2",
            _after("write", edit(0, "mal", "P2", {"includeUsers[All]": None}, **LATE), 0.7),
            edit(6020, "mal", "P2", ADD_GUEST, late=200),
            {"t": 6170, "do": "window", "what": "stale", "for": 900, "lag": 100},
            edit(6210, "mal", "P2", {"displayName": "Another name"}),
            seed=3562,
        ),
        ends="all stands as before, and nobody is said to have our identity",
        is_right=lambda end: (
            bool(end.leaf("P2", "includeUsers[All]"))
            and not end.leaf("P2", "excludeUsers[guest]")
            and not end.paged("P2", "has its identity")
        ),
    ),
    HandStory(
        name="one an hour: a property can't be put back, another one's record comes late, and a second object waits",
        story=story(
            "P3 L1 L2",
            edit(1200, "mal", "L1", {"ipRanges[198.51.100.0/24]": True}),
            edit(2006, "mal", "P3", OFTEN, late=600),
            edit(2096, "mal", "P3", ADD_BOSS),
            change(2116, "mal", "L2", "create"),
            limit=1,
        ),
        ends="what can't be put back doesn't wait before what can: both go, an hour apart",
        is_right=lambda end: end.leaf("P3", "sessionControls.signInFrequency.value") is None and len(end.ours) >= 3,
    ),
    HandStory(
        name="a policy comes out of the bin, and an approved actor changes it before it would be set as it was",
        story=story(
            "P1",
            change(1200, "oncall", "P1", "delete"),
            _after("write", edit(0, "bob", "P1", OFTEN, late=60), 0.2),
            seed=7937,
        ),
        ends="his change stands: only what came out of the bin was judged",
        is_right=lambda end: (
            end.leaf("P1", "sessionControls.signInFrequency.value") == 4 and not end.paged("P1", "wrote over")
        ),
    ),
    *(
        HandStory(
            name=f"a policy is deleted again {seconds} s after it came out of the bin, before it is set as it was",
            story=story(
                "P1 G",
                edit(5200, "em1", "G", {"members[em1]": None}),
                edit(9200, "mal", "P1", {"state": REPORT}),
                change(9387, "mal", "P1", "delete"),
                edit(13296, "alice", "G", {"members[em1]": True}),
                _after("write", change(0, "mal", "P1", "delete"), seconds),
                seed=84,
            ),
            ends="it comes back and enforces again: what the bin gave was never ours",
            is_right=lambda end: end.leaf("P1", "state") == "enabled" and len(end.ours) >= 3,
        )
        for seconds in (0.2, 1.0, 4.0)
    ),
    HandStory(
        name="a grant whose record has no id of it is given again after it was taken away",
        story=story(
            "user-grant:2", change(600, "mal", "user-grant:2", "create"), change(3600, "mal", "user-grant:2", "create")
        ),
        ends="it is taken away again: what was gone can be made",
        is_right=lambda end: len(end.ours) == 2 and not end.leaf("user-grant:2"),
    ),
    HandStory(
        name="one an hour: the tenant refuses each hour to delete a decoy, and another policy is changed",
        story=story(
            "D0 D1 D2 D3",
            change(602, "mal", "D2", "create"),
            change(602.4, "alice", "D3", "create"),
            change(604, "svc", "D3", "delete", LATE),
            change(605, "mal", "D3", "create"),
            edit(3005, "bob", "D0", {"xml": "v2"}, logs=2, skew=2.6),
            edit(3006, "oncall", "D1", {"xml": "v0"}, **LATE),
            edit(3008, "mal", "D1", {"xml": "v3"}),
            change(3009, "oncall", "D2", "create"),
            limit=1,
            seed=3942,
            own_late=5,
        ),
        ends="the decoy keeps no place from what can be put back",
        is_right=lambda end: "v0" in end.document("D1"),
    ),
    HandStory(
        name="an emergency account changes a policy, its record late; a deletion after it has a record without values",
        story=story(
            "P1 G",
            edit(604, "em1", "P1", {"state": REPORT}, late=300),
            change(694, "oncall", "P1", "delete", {"values": "none"}),
            bin=False,
        ),
        ends="it is made again as it was accepted, and what the emergency account wrote is offered back when known",
        is_right=lambda end: (
            end.leaf("P1", "state") == "enabled" and "The responder wrote over" in {each[:24] for each in end.said()}
        ),
    ),
    HandStory(
        name="a role is taken away, and the id of its assignment is used at once for what somebody else is given",
        story=story(
            "A1 A5",
            change(900, "mal", "A1", "delete"),
            change(900.4, "mal", "A1", "create", None, **TO_SOMEBODY_ELSE),
        ),
        ends="nothing is written over the other assignment, and people hear that it has this id now",
        is_right=lambda end: (
            not end.ours
            and end.pending("A1") == {"identity"}
            and end.paged("A1", "another role assignment has this id")
        ),
    ),
    HandStory(
        name="an Owner is removed, and the id of its assignment is used at once for what somebody else is given",
        story=story(
            "A2 A5",
            change(900, "mal", "A2", "delete"),
            change(900.4, "mal", "A2", "create", None, **TO_SOMEBODY_ELSE),
        ),
        ends="people are told to take it away, and no command would give that one the Owner's role",
        is_right=lambda end: (
            not end.ours
            and end.pending("A2") == {"identity"}
            and end.paged("A2", "az role assignment delete --ids")
            and not end.paged("A2", f"--assignee-object-id {PEOPLE['guest']}")
        ),
    ),
    HandStory(
        name="a role is taken away by somebody approved, and its assignment's id is used by somebody who isn't",
        story=story(
            "A1 A5",
            change(900, "alice", "A1", "delete"),
            change(900.4, "mal", "A1", "create", None, **TO_SOMEBODY_ELSE),
        ),
        ends="what was given is taken away, and nothing comes back",
        is_right=lambda end: end.leaf("A1") is None and [deed.op for deed in end.ours] == ["delete"],
    ),
    HandStory(
        name="a person has both Owners of a scope taken away at once, on two hosts",
        story=story(
            "A3 A9",
            change(600, "mal", "A3", "create"),
            change(800, "mal", "A9", "create"),
            {"t": 4000, "do": "mode", "mode": "enforce"},
            {"t": 9000, "do": "settle", "on": "A3"},
            {"t": 9000, "do": "settle", "on": "A9"},
            mode="observe",
        ),
        ends="one goes, the last one stays, and people hear why",
        is_right=lambda end: (
            bool(end.leaf("A3")) is not bool(end.leaf("A9"))
            and end.pending("A3" if end.leaf("A3") else "A9") == {"last-holder"}
            and end.paged("A3" if end.leaf("A3") else "A9", "last living holder")
        ),
    ),
    *(
        HandStory(
            name=f"an approved admin takes out of the bin what {who} deleted, and an attacker has it {what}",
            story=story(
                "P2 G",
                change(500, who, "P2", "delete", {"never": who == "mal"}),
                change(600, "alice", "P2", "restore"),
                then,
            ),
            ends="it stands, enabled and without the guest, or people are paged",
            is_right=lambda end: (
                (not end.is_off("P2") and not end.leaf("P2", "excludeUsers[guest]")) or end.paged("P2")
            ),
        )
        for who in ("alice", "mal")
        for what, then in (
            ("deleted", change(780, "mal", "P2", "delete")),
            ("disabled", edit(780, "mal", "P2", {"state": "disabled"})),
            ("opened for a guest", edit(780, "mal", "P2", ADD_GUEST)),
        )
    ),
    HandStory(
        name="an approved admin takes a role away, somebody unknown gives it again, and an attacker edits that later",
        story=story(
            "A1 A3",
            change(600, "alice", "A1", "delete"),
            change(700, "nobody", "A1", "create", {"late": 60}),
            edit(4900, "mal", "A1", {"properties.description": "for the shop"}),
        ),
        ends="the attacker is not taken for who gave it: it stays, people are paged",
        is_right=lambda end: not end.ours and bool(end.leaf("A1")) and end.paged("A1"),
    ),
    HandStory(
        name="Microsoft adds a property to every policy while a deleted one waits in the bin",
        story=story(
            "P1 P2 P3 G",
            {"t": 590, "do": "window", "what": "unreadable", "on": "P1", "for": 3600},
            change(600, "mal", "P1", "delete"),
            {"t": 700, "do": "add_everywhere", "leaves": ADDED},
        ),
        ends="it comes back out of the bin, and nobody is said to have our identity",
        is_right=lambda end: bool(end.leaf("P1")) and not end.paged("P1", "somebody has its identity"),
    ),
    HandStory(
        name="whose role was taken away has just taken away another one, which so far only a delivery tells",
        story=story(
            "A1 A2 A5",
            change(8600, "mal", "A5", "delete", {"late": 30}),
            change(8624, "svc", "A2", "delete", {"values": "none"}),
        ),
        ends="he gets nothing back while that is open",
        is_right=lambda end: not any(each.name == "A5" and each.at < 8800 for each in end.ours),
    ),
    HandStory(
        name="an attacker takes a policy out of the bin that an approved admin deleted",
        story=story("P2 G", change(500, "alice", "P2", "delete"), change(600, "mal", "P2", "restore")),
        ends="off again, or people are paged",
        is_right=lambda end: end.is_off("P2") or end.paged("P2"),
    ),
    *(
        HandStory(
            name=f"an attacker makes {name} and changes it {after} s later, the record of its making comes in hours",
            story=story(
                name, change(600, "mal", name, "create", {"late": 10800}), edit(600 + after, "mal", name, leaves)
            ),
            ends="taken away",
            is_right=lambda end, name=name: end.leaf(name) is None,
        )
        for name, leaves in (("S2", DESCRIBED), ("A3", CONDITION))
        for after in (4, 2400)
    ),
    HandStory(
        name="an assignment is made again while a replica is behind, so it isn't there when its record is confirmed",
        story=story(
            "A3",
            {"t": 590, "do": "window", "what": "stale", "for": 1800, "lag": 300},
            change(621, "mal", "A3", "create"),
            change(716, "mal", "A3", "delete", LATE),
            change(807, "mal", "A3", "create"),
        ),
        ends="taken away when it shows",
        is_right=lambda end: end.leaf("A3") is None,
    ),
    HandStory(
        name="an assignment that was given back is deleted again, before Azure's own log has the second deletion",
        story=story(
            "A1", change(780, "trudy", "A1", "delete"), change(1000, "mal", "A1", "delete", {"late": 5}), own_late=5
        ),
        ends="given back again, and nobody hears that a delivery was forged",
        is_right=lambda end: bool(end.leaf("A1")) and not any("wasn't made" in p.text for p in end.result.seen.pages),
    ),
    HandStory(
        name="an attacker changes a policy right after we read back what we wrote, and no record says what",
        story=story(
            "P2",
            {"t": 500, "do": "fill"},
            edit(600, "mal", "P2", {"state": "disabled"}),
            _after("write", edit(0, "mal", "P2", ADD_GUEST, values="cut")),
        ),
        ends="the baseline stands",
        is_right=lambda end: not end.is_off("P2") and not end.leaf("P2", "excludeUsers[guest]"),
    ),
    HandStory(
        name="a policy is made and deleted by one who is approved later; meanwhile an attacker makes it",
        story=story(
            "D2",
            change(600, "mal", "D2", "create", {"late": 10800}),
            change(610, "mal", "D2", "delete", LATE),
            change(4000, "trudy", "D2", "create", {"late": 6000}),
            {"t": 4500, "do": "approve", "who": "mal", "on": True},
        ),
        ends="people decide: what lies beneath it isn't live any more",
        is_right=lambda end: bool(end.leaf("D2")) and "beneath" in end.pending("D2") and end.paged("D2"),
    ),
    HandStory(
        name="an unapproved one takes trust from a location, an approved one adds a range to it",
        story=story(
            "L1 P3 G",
            edit(600, "mal", "L1", {"isTrusted": False}, late=60),
            edit(620, "alice", "L1", {"ipRanges[198.51.100.0/24]": True}),
        ),
        ends="people decide whether the range is to be trusted",
        is_right=lambda end: (
            not end.leaf("L1", "isTrusted") and end.pending("L1") == {"mixed"} and end.paged("L1", "meet")
        ),
    ),
    HandStory(
        name="a policy is deleted after an approved admin changed it over a state that people are to decide about",
        story=story(
            "P1",
            edit(600, "mal", "P1", {"state": "enabledForReportingButNotEnforced"}),
            edit(600.4, "alice", "P1", {"sessionControls.signInFrequency.value": 4}),
            change(1400, "mal", "P1", "delete"),
        ),
        ends="people decide: whether the policy comes back, and in which state",
        is_right=lambda end: end.leaf("P1") is None and end.pending("P1") == {"beneath"} and end.paged("P1", "meet"),
    ),
    HandStory(
        name="an emergency account sets a condition, an attacker deletes the assignment and gives another like it",
        story=story(
            "A5",
            edit(600, "em1", "A5", CONDITION),
            change(604, "mal", "A5", "delete", LATE),
            change(900, "mal", "A5", "create"),
        ),
        seeds=30,
        ends="the attacker's goes; people decide whether the first comes back",
        is_right=lambda end: end.leaf("A5") is None and end.pending("A5") == {"beneath"} and end.paged("A5"),
    ),
    HandStory(
        name="an Owner is made and deleted before anybody could read it; later another makes it again",
        story=story(
            "A3 A9",
            change(600, "mal", "A3", "create"),
            _after("read", change(0, "mal", "A9", "delete"), 2.0),
            _after("read", change(0, "mal", "A9", "create"), 0.2),
            change(7600, "oncall", "A9", "create"),
        ),
        ends="people decide: no record says that it wasn't there at first",
        is_right=lambda end: end.paged("A9") and not end.pending("A9") <= {"drift"},
    ),
    HandStory(
        name="somebody undoes what we put back before our write is answered, and his record comes an hour later",
        story=story(
            "P2",
            edit(600, "mal", "P2", ADD_GUEST),
            _after("write", edit(0, "trudy", "P2", ADD_GUEST, **LATE), 0.2),
            own_late=5,
            seed=27,
        ),
        ends="his change goes too, and nobody is said to be missing",
        is_right=lambda end: (
            not end.leaf("P2", "excludeUsers[guest]") and len(end.ours) == 2 and end.pending("P2") == set()
        ),
    ),
    HandStory(
        name="a policy comes out of the bin; somebody changes it before it is set as it was; later another does",
        story=story(
            "P2",
            edit(600, "mal", "P2", {"state": "disabled"}),
            change(601, "mal", "P2", "delete"),
            _after("write", edit(0, "trudy", "P2", OFTEN), 0.2),
            edit(5000, "mal", "P2", OFTEN, late=60),
        ),
        ends="both changes are gone, and no writer is missing between them",
        is_right=lambda end: (
            not end.is_off("P2")
            and end.leaf("P2", "sessionControls.signInFrequency.value") is None
            and end.pending("P2") == set()
        ),
    ),
    HandStory(
        name="a document is uploaded again three seconds after it, and both logs tell of each upload within a second",
        story=story(
            "D0 D1 D2",
            change(690, "mal", "D2", "create", {"logs": 2}),
            _after("write", change(0, "mal", "D2", "create", {"logs": 2}), 0.2),
        ),
        ends="two uploads are two cases, however near they are",
        is_right=lambda end: end.cases(MAL) == 2 and end.leaf("D2") is None,
    ),
    HandStory(
        name="a run dies as it makes a policy again, and the service had filled in what nobody has read",
        story=story(
            "P2 G",
            {"do": "die", "at": "POST /identity/conditionalAccess/policies", "side": "after"},
            change(600, "mal", "P2", "delete"),
            {"t": 601, "do": "fill"},
            own_late=3600,
            bin=False,
        ),
        ends="the one that it made is found and finished, and nobody hears of a theft",
        is_right=lambda end: bool(end.leaf("P2")) and not end.is_off("P2") and not end.has_twin(),
    ),
    HandStory(
        name="a write takes two requests, and the answer to the first one is lost",
        story=story(
            "S1",
            {"t": 1, "do": "fault", "kind": "lost"},
            edit(600, "mal", "S1", {**DESCRIBED, "allowedCombinations[password,sms]": True}),
        ),
        ends="our own record proves only the first one, and the second one is sent as well",
        is_right=lambda end: (
            end.leaf("S1", "description") is None
            and end.leaf("S1", "allowedCombinations[password,sms]") is None
            and end.pending("S1") == set()
        ),
    ),
    HandStory(
        name="somebody else takes an owner away just after a run died that was about to",
        story=story(
            "application-owner:3",
            {"do": "die", "at": "DELETE /", "side": "before"},
            change(600, "mal", "application-owner:3", "create"),
            change(604, "svc", "application-owner:3", "delete"),
        ),
        ends="it isn't in the ledger as ours",
        is_right=lambda end: (
            not end.leaf("application-owner:3") and not any(one.is_done for one in end.result.seen.intents)
        ),
    ),
    HandStory(
        name="a record without values is one of two within a second, while somebody moves the object without rest",
        story=story(
            "P4 S1 S2",
            *(edit(601 + 1.3 * number, "mal", "S1", {"description": f"Draft {number}"}) for number in range(13)),
            edit(616, "mal", "S1", DESCRIBED, values="cut"),
            seed=894,
        ),
        ends="what it wrote is what the next one found, and all of it is put back",
        is_right=lambda end: end.leaf("S1", "description") is None and end.pending("S1") == set(),
    ),
    HandStory(
        name="an attacker uses the id of an assignment that was deleted with approval, and deletes it within a second",
        story=story(
            "A1 A5",
            change(900, "alice", "A1", "delete", {"late": 610}),
            change(900.4, "mal", "A1", "create", {"late": 310}, **TO_SOMEBODY_ELSE),
            change(900.9, "mal", "A1", "delete", {"late": 10}),
        ),
        ends="the approved deletion isn't taken for one that wasn't made, and is offered back",
        is_right=lambda end: (
            "offer" in end.pending("A1") and not any("wasn't made" in page.text for page in end.result.seen.pages)
        ),
    ),
    HandStory(
        name="a custom policy is asked back that went before anybody could read it",
        story=story(
            "D0 D2",
            change(600, "alice", "D2", "create"),
            change(600.4, "alice", "D2", "delete"),
            {"t": 1800, "do": "deny", "on": "D2"},
        ),
        ends="nothing is uploaded, and people hear that no document is left",
        is_right=lambda end: "source-missing" in end.pending("D2") and not end.ours and end.paged("D2", "no document"),
    ),
    HandStory(
        name="an attacker takes a role from an account that a case holds",
        story=story("A1 A5", {"t": 500, "do": "contain", "who": "svc"}, change(600, "mal", "A1", "delete")),
        ends="it isn't given back unasked",
        is_right=lambda end: not end.leaf("A1") and end.pending("A1") == {"restrained"} and end.paged("A1"),
    ),
    HandStory(
        name="the tenant cuts every connection until the story's end",
        story=story(
            "P2", {"t": 500, "do": "fault", "kind": "cut", "times": 20}, edit(600, "mal", "P2", {"state": "disabled"})
        ),
        ends="it is tried again each hour, and people hear of it",
        is_right=lambda end: end.is_off("P2") and end.paged("P2") and len(end.result.seen.intents) > 9,
    ),
)
"""In the order of the design's table, then what the model found."""

__all__ = ["EMERGENCY", "HAND", "LISTED", "Ending", "HandStory"]
