"""Stories at random from a seed, and a shrinker that drops whatever a violation doesn't need."""

import copy
import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any, Final

from shared.model.kinds import ObjectKind
from tests.laws.play import Story
from tests.laws.world import (
    ABSENT_AT_FIRST,
    APP_ROLE,
    ASSIGNMENT,
    BRANCH,
    DOCUMENT,
    ENDS_AT,
    FIRST_IDS,
    GROUP,
    HOTEL,
    OFFICE,
    PEOPLE,
    POLICY,
    READER,
    ROLE,
    SAMPLES,
    SCOPE,
    SIMULATED_KINDS,
    TIME_BOUND,
    kind_of,
)

type Event = dict[str, Any]

THINGS: Final = (
    ("P1", "G"),
    ("P1", "G"),
    ("P1", "G"),
    ("P1", "P2", "G"),
    ("P1", "P2", "G"),
    ("P2", "G"),
    ("P3", "L1", "G"),
    ("P1", "P3", "L1", "G"),
    ("P1", "N1", "G"),
    ("P2", "N1", "N2"),
    ("P4", "S1"),
    ("P4", "S1", "S2"),
    ("P4", "S1", "S2"),
    ("C1", "C2", "P2"),
    ("P3", "L1", "L2", "G"),
    ("P4", "S1", "S2"),
    ("P4", "S1", "S2"),
    ("P4", "S1", "S2"),
    ("P4", "S1", "S2"),
    ("P4", "S1", "S2"),
    ("A1", "A2", "A5"),
    ("A1", "A2", "A5", "A6"),
    ("A2", "A3", "A6"),
    ("A3", "A9"),
    ("A3", "A9"),
    ("A3", "A9"),
    ("A3", "A9"),
    ("A3", "A9"),
    ("A1", "A3", "A9"),
    ("A1", "A4", "A8"),
    ("A1", "A4", "A8"),
    ("A1", "A7", "A8"),
    ("A1", "A5", "A7", "P2"),
    ("A1", "A5", "P1", "P2", "G"),
    ("D0", "D1"),
    ("D0", "D1", "D2"),
    ("D0", "D1", "D2", "D3"),
    ("D0", "D1", "D2", "D3"),
    ("D0", "D2", "D3"),
    ("D0",),
    ("P1", "A1", "G"),
    ("R1", "R2"),
    ("R1", "R2"),
    ("R1", "R2", "R3"),
    ("R2", "R4", "R5"),
    ("R2", "R4", "R5"),
    ("E1", "E2", "E3"),
    ("E2", "E3", "R2"),
)
"""Of which objects a story may be."""

_MORE_OFTEN: Final = (
    *(ObjectKind.SERVICE_PRINCIPAL,) * 48,
    *(ObjectKind.APPLICATION,) * 14,
    *(ObjectKind.API_CONNECTOR,) * 10,
    *(ObjectKind.IDENTITY_PROVIDER,) * 10,
    *(ObjectKind.RESTRICTED_UNIT,) * 14,
)
"""Kinds with guards of their own that seldom have a reason to object."""

_OF_DECLARED_KINDS: Final = tuple(
    tuple(name for name in SAMPLES if kind_of(name) == kind)
    for kind in (*(kind for kind, each in SIMULATED_KINDS.items() if not each.resource_type), *_MORE_OFTEN)
)
_DECLARED: Final = 0.36
"""The share of stories of kinds that are simulated as they are declared: however many there are, the rest stay."""

_SHARED: Final = "c0de0000-0000-4000-8000-aaaaaaaaaaaa"
RECORDS: Final[tuple[Event, ...]] = (
    {},
    {},
    {},
    {},
    {"late": 60},
    {"late": 600},
    {"late": 5400},
    {"late": 10800},
    {"values": "none"},
    {"values": "cut"},
    {"values": "none", "late": 3000},
    {"values": "cut", "late": 60},
    {"logs": 2, "skew": 2.6},
    {"logs": 2, "skew": 3, "gap": 900, "late": 60},
    {"twice": 40},
    {"twice": 4000, "late": 30},
    {"one": _SHARED},
    {"one": _SHARED, "late": 300},
    {"never": True},
)
"""What becomes of the records of a change."""

_REPORT: Final = "enabledForReportingButNotEnforced"
_OFTEN: Final = {
    "sessionControls.signInFrequency.value": 4,
    "sessionControls.signInFrequency.type": "hours",
    "sessionControls.signInFrequency.isEnabled": True,
}
EDITS: Final[dict[str, tuple[dict[str, Any], ...]]] = {
    **{kind: tuple(map(dict, (*each.edits, *each.edits_to_page))) for kind, each in SIMULATED_KINDS.items()},
    POLICY: (
        {"state": "disabled"},
        {"state": _REPORT},
        {"state": "enabled"},
        {"controls[block]": None, "controls[mfa]": True},
        {"controls[mfa]": None, "controls[block]": True},
        {"excludeUsers[guest]": True},
        {"excludeUsers[guest]": True},
        {"excludeUsers[guest]": None},
        {"excludeUsers[boss]": True},
        {"includeUsers[All]": None, "includeUsers[boss]": True},
        {"excludeGroups[G]": None},
        {"excludeUsers[em1]": None},
        {"excludeUsers[em1]": True},
        {"excludeUsers[guest]": True, "state": _REPORT},
        {"excludeUsers[ghost]": None},
        {"displayName": "Renamed"},
        _OFTEN,
        _OFTEN | {"sessionControls.signInFrequency.value": 12},
    ),
    "location": (
        {f"ipRanges[{HOTEL}]": True},
        {f"ipRanges[{HOTEL}]": True, f"ipRanges[{OFFICE}]": None},
        {f"ipRanges[{BRANCH}]": True},
        {"isTrusted": False},
        {"displayName": "Places"},
    ),
    "strength": (
        {"allowedCombinations[password,sms]": True},
        {"allowedCombinations[fido2]": None},
        {"description": "Anything goes"},
    ),
    "context": ({"isAvailable": False}, {"description": "Nothing special"}, {"displayName": "Old"}),
    GROUP: (
        {"members[guest]": True},
        {"members[em1]": None},
        {"members[em2]": None},
        {"members[em1]": True},
        {"members[boss]": True},
    ),
    DOCUMENT: ({"xml": "v1"}, {"xml": "v2"}, {"xml": "v3"}, {"xml": "v0"}),
    ASSIGNMENT: (
        {"properties.condition": "@Resource[name] StringEquals 'a'"},
        {"properties.description": "for the shop"},
    ),
}
FORMS: Final[tuple[list[str], ...]] = (["guest"], ["guest", "boss"], ["em1", "boss"], ["em1", "guest"], [])
"""Whole lists of excluded users."""
ACTORS: Final = (
    ("mal",) * 9 + ("trudy",) + ("alice",) * 5 + ("bob",) * 2 + ("oncall",) * 2 + ("em1",) * 2 + ("nobody", "svc")
)
GAPS: Final = (1, 2, 4, 20, 90, 600, 2400, 4000)
FAULTS: Final = (
    "throttled",
    "throttled",
    "refused",
    "lost",
    "lost",
    "cut",
    "cut",
    "busy",
    "held",
    "slow",
    "down",
    "stale-etag",
    "early",
    "replicating",
    "unauthorized",
)


def a_change(chance: Random, things: list[str], at: float | None) -> Event:
    """Make a change by somebody, at an instant, or right after an effect of the responder's."""
    on = chance.choice(things)
    kind = kind_of(on)
    event: Event = {"do": "change", "who": chance.choice(ACTORS), "on": on, "op": "update"}
    event |= {"leaves": dict(chance.choice(EDITS.get(kind) or ({},))), "rec": dict(chance.choice(RECORDS))}
    dice = chance.random()
    if (
        kind in SIMULATED_KINDS
        and not SIMULATED_KINDS[kind].is_always_there
        and (on in ABSENT_AT_FIRST or not EDITS[kind] or dice < 0.3)
    ):
        event |= {"op": chance.choice(("create", "delete")), "leaves": {}}
    elif kind in {ROLE, APP_ROLE}:
        event |= {"op": chance.choice(("create", "delete"))}
    elif on in ABSENT_AT_FIRST and kind not in {ASSIGNMENT, DOCUMENT} and dice < 0.6:
        other = {"excludeUsers[em1]": None} if kind == POLICY and chance.random() < 0.2 else {}
        event |= {"op": "create", "leaves": other}
    elif kind == ASSIGNMENT and dice < 0.9:
        event |= {"op": chance.choice(("create", "delete")), "leaves": {}}
    elif kind == DOCUMENT and (dice < 0.2 or on in {"D2", "D3"}):
        event |= {"op": chance.choice(("create", "delete")), "leaves": {"xml": "v1"}}
    elif kind == POLICY and dice < 0.15:
        event |= {"op": chance.choice(("delete", "delete", "delete", "restore", "purge")), "leaves": {}}
    elif kind in {"location", "strength"} and dice < 0.1:
        event |= {"op": "delete", "leaves": {}}
    elif kind == POLICY and dice < 0.22:
        is_of_groups = "G" in things and chance.random() < 0.3
        lists = (
            {"excludeGroups": chance.choice((["G"], []))} if is_of_groups else {"excludeUsers": chance.choice(FORMS)}
        )
        event = {**event, "do": "form", "lists": lists}
        del event["leaves"]
    if at is None:
        event |= {"after": chance.choice(("read", "write")), "in": chance.choice((0.2, 0.7, 2.0))}
    else:
        event["t"] = at
    return event


def random_story(seed: int) -> Story:
    """Make the story of a seed."""
    chance = Random(seed)  # noqa: S311 - a story, no secret
    is_declared = chance.random() < _DECLARED
    things = list(chance.choice(_OF_DECLARED_KINDS if is_declared else THINGS))
    story: Story = {
        "seed": seed,
        "things": things,
        "events": [],
        "own_late": chance.choice((5, 60, 3600)),
        "limit": chance.choice((1, 1, 2, 10, 10, 10)),
        "bin": chance.random() < 0.6,
    }
    if chance.random() < 0.05:
        story["listed"] = []
    if chance.random() < 0.05:
        story["mode"] = "observe"
    if is_declared and chance.random() < 0.4:
        story["by_name"] = False
    if chance.random() < 0.12:
        story["first_seen"] = [chance.choice(things)]
    at = 600
    if TIME_BOUND in things and chance.random() < 0.3:
        story["events"].append(
            {"t": ENDS_AT, "do": "change", "who": "pim", "on": TIME_BOUND, "op": "delete", "rec": {}}
        )
    for _ in range(chance.randint(3, 12)):
        at += chance.choice(GAPS)
        story["events"].extend(_events(chance, things, at))
    if things[0] == "D0" and "D2" not in things:
        things.append("D2")
        story["events"].extend(_asked_back_unseen(at + 600))
    return story


def _events(chance: Random, things: list[str], at: int) -> list[Event]:
    dice = chance.random()
    for share, make in _KINDS_OF_EVENTS:
        dice -= share
        if dice < 0:
            return make(chance, things, at)
    return [a_change(chance, things, at)]


def _timed_change(chance: Random, things: list[str], at: int) -> list[Event]:
    return [a_change(chance, things, at)]


def _raced_change(chance: Random, things: list[str], at: int) -> list[Event]:
    del at
    return [a_change(chance, things, None)]


def _death(chance: Random, things: list[str], at: int) -> list[Event]:
    del things, at
    if chance.random() < 0.7:
        return [{"do": "die", "n": chance.randint(2, 400), "side": chance.choice(("before", "after"))}]
    return [{"do": "pause", "n": chance.randint(2, 400), "for": chance.choice((15, 70, 200))}]


def _fault(chance: Random, things: list[str], at: int) -> list[Event]:
    del things
    return [{"t": at, "do": "fault", "kind": chance.choice(FAULTS), "times": chance.choice((1, 1, 1, 2, 6))}]


def _window(chance: Random, things: list[str], at: int) -> list[Event]:
    kinds = ("stale", "stale", "stale", "listing", "unreadable", "unreadable", "forbidden")
    what = chance.choice(kinds if things[0][0] != "A" else (*kinds, "lock", "lock", "lock"))
    event: Event = {"t": at, "do": "window", "what": what, "for": chance.choice((300, 1800))}
    if what in {"stale", "listing"}:
        event["lag"] = chance.choice((5, 30, 120, 300))
    if what in {"unreadable", "forbidden"}:
        event["on"] = chance.choice(things)
    return [event]


def _control(chance: Random, things: list[str], at: int) -> list[Event]:
    del things
    if chance.random() < 0.5:
        off = at + chance.choice((60, 4000))
        return [{"t": at, "do": "switch", "on": True}, {"t": off, "do": "switch", "on": False}]
    return [{"t": at, "do": "mode", "mode": chance.choice(("observe", "enforce"))}]


def _list(chance: Random, things: list[str], at: int) -> list[Event]:
    del things
    return [{"t": at, "do": "approve", "who": chance.choice(("oncall", "mal", "alice")), "on": chance.random() < 0.5}]


def _person(chance: Random, things: list[str], at: int) -> list[Event]:
    return [{"t": at, "do": chance.choice(("leave", "accept", "settle")), "on": chance.choice(things)}]


def _principal(chance: Random, things: list[str], at: int) -> list[Event]:
    del things
    return [{"t": at, "do": chance.choice(("disable", "contain")), "who": chance.choice(("svc", "con", "boss"))}]


def _service(chance: Random, things: list[str], at: int) -> list[Event]:
    del things
    if chance.random() < 0.6:
        return [{"t": at, "do": "fill"}]
    # What is False means the same to the product as what isn't there.
    added = {"sessionControls.disableResilienceDefaults": chance.random() < 0.8}
    return [{"t": at, "do": "add_everywhere", "leaves": added}]


def _others(chance: Random, things: list[str], at: int) -> list[Event]:
    policies = [each for each in things if kind_of(each) == POLICY and each[0] == "P"]
    if "G" in things and chance.random() < 0.4:
        return [{"t": at, "do": "engine", "member": chance.choice(("em1", "svc")), "on": chance.random() < 0.5}]
    if policies:
        leaves = dict(chance.choice(({"state": "disabled"}, {"excludeUsers[guest]": True})))
        rival: Event = {
            "t": at,
            "do": "rival",
            "who": chance.choice(("rival", "mal", "alice")),
            "on": chance.choice(policies),
        }
        return [rival | {"leaves": leaves, "times": 3, "rec": {}}]
    return [a_change(chance, things, at)]


def _together(chance: Random, things: list[str], at: int) -> list[Event]:
    """Make what seldom comes together by chance.

    Somebody leans on what is unwanted, somebody asks while nothing may be put back, a lock, a tenant that throttles, a
    control that can't come back yet, an object that never rests, a record that comes after we wrote over its change, a
    replica that has one change and not the next, an answer that is lost while listings lag, or before somebody writes.
    """
    throttled: Event = {"t": at, "do": "fault", "kind": "throttled", "times": 6}
    refused: Event = {**a_change(chance, things, at + 1), "who": "mal", "rec": {}}
    options: list[list[Event]] = [_asked(chance, things, at), [throttled, refused]]
    if "A1" in things:
        held: Event = {"t": at, "do": chance.choice(("contain", "disable")), "who": "svc"}
        options += [[held, _did(at + 1, "mal", "A1", "delete")]] * 12
    options += [_plainly(chance, each, at) for each in things * 3 if kind_of(each) in SIMULATED_KINDS]
    options += _together_on_policies(chance, things, at)
    if "D3" in things:
        options += [[_did(at, "mal", "D2", "create"), _did(at + 0.4, "alice", "D3", "create")]] * 6
    if "D1" in things:
        options += [[_did(at, "mal", "D1", "delete"), _did(at + 0.4, "alice", "D0", "delete")]] * 4
    if "D0" in things:
        unlisted: Event = {"t": at, "do": "window", "what": "unlisted", "for": 1800}
        options += [[unlisted, _did(at + 1, "mal", "D0", "update", {"xml": "v2"})]] * 4
    if "A9" in things:
        options += [_two_owners(at)] * 48
    if things[0][0] == "A":
        options += _together_on_roles(chance, things, at)
    return chance.choice(options)


def _plainly(chance: Random, on: str, at: int) -> list[Event]:
    """Have somebody unapproved change an object of a declared kind, or delete it, of which every record comes."""
    kind = SIMULATED_KINDS[kind_of(on)]
    edits = [_did(at, "mal", on, "update", dict(each)) for each in (*kind.edits, *kind.edits_to_page)]
    if not kind.is_always_there:
        edits += [_did(at, "mal", on, "create" if on in ABSENT_AT_FIRST else "delete")] * max(1, len(edits))
    return [chance.choice(edits)]


def _together_on_policies(chance: Random, things: list[str], at: int) -> list[list[Event]]:
    options: list[list[Event]] = []
    if "S2" in things:
        use: Event = {"grantControls.authenticationStrength": {"id": FIRST_IDS["S2"]}}
        options += [[_did(at, "mal", "S2", "create"), _did(at + 0.4, "alice", "P4", "update", use)]] * 60
    if "S1" in things:
        options += [_restless(at)] * 60
    if "P1" in things and "G" in things:
        options += [_barring_alone(at)] * 8
    if policies := [each for each in things if each[0] == "P"]:
        options += [_covered(chance, policies, at)] * 2
        options += [_met(chance, policies, at)]
        options += [_behind(chance, policies, at)] * 3
        options += [_made_in_doubt(chance, policies, at)] * 4
        options += [_claimed(chance, policies, at)] * 4
    return options


def _together_on_roles(chance: Random, things: list[str], at: int) -> list[list[Event]]:
    given = [each for each in things if each in {"A3", "A4", "A8"}]
    lock: Event = {"t": at, "do": "window", "what": "lock", "for": 1800}
    options = [[lock, _did(at + 1, "mal", chance.choice(given or things[:1]), "create")]] * 28
    if "A1" in things:
        options += [_made_in_doubt(chance, ["A1"], at)] * 2
        options += [_given_to_another(chance, at)] * 26
    if TIME_BOUND in things:
        options += [[_did(at, "mal", TIME_BOUND, "delete")]] * 16
    if "A3" in things:
        options += [_one_owner(at)] * 12
    if "A1" in things and given:
        holder = _did(at + 1, "svc", chance.choice(given), "create")
        options += [[lock, holder, _did(at + 60, "mal", "A1", "delete")]] * 12
    return options


def _restless(at: int) -> list[Event]:
    """Have somebody move an object faster than anybody can look at it and write."""
    return [_did(at + 1.3 * number, "mal", "S1", "update", {"description": f"Draft {number}"}) for number in range(20)]


def _barring_alone(at: int) -> list[Event]:
    """Have a control put in place of the one that bars, while an emergency account is in no excluded group.

    The one that bars doesn't come back then, and the other one can't go alone.
    """
    other: Event = {"controls[block]": None, "controls[mfa]": True}
    return [
        _did(at, "mal", "G", "update", {"members[em1]": None}),
        _did(at + 20, "mal", "P1", "update", other),
        _did(at + 4000, "alice", "G", "update", {"members[em1]": True}),
    ]


def _covered(chance: Random, policies: list[str], at: int) -> list[Event]:
    """Have somebody unapproved write over an approved change whose record comes only when that was put back."""
    on = chance.choice(policies)
    theirs = {**_did(at, "alice", on, "update", dict(_OFTEN)), "rec": {"late": 5400}}
    over = _did(at + 2, "mal", on, "update", _OFTEN | {"sessionControls.signInFrequency.value": 12})
    return [theirs, over | {"rec": {"values": "none"}}]


def _met(chance: Random, policies: list[str], at: int) -> list[Event]:
    """Have somebody approved change a policy that somebody unapproved has just switched to reporting."""
    on = chance.choice(policies)
    return [_did(at, "mal", on, "update", {"state": _REPORT}), _did(at + 0.4, "alice", on, "update", dict(_OFTEN))]


def _behind(chance: Random, policies: list[str], at: int) -> list[Event]:
    """Have a replica show one of two changes and not the later one, of which the record has come already."""
    on = chance.choice(policies)
    first = _did(at, "mal", on, "update", {"excludeUsers[guest]": True}) | {"rec": {"late": 200}}
    stale: Event = {"t": at + 150, "do": "window", "what": "stale", "for": 900, "lag": 100}
    return [first, stale, _did(at + 190, "mal", on, "update", {"displayName": "Another name"})]


def _made_in_doubt(chance: Random, things: list[str], at: int) -> list[Event]:
    """Have the connection break as something is made again, while listings don't show yet what was made."""
    return [
        {"t": at, "do": "fault", "kind": "cut", "times": 1},
        {"t": at, "do": "window", "what": "listing", "for": 1800, "lag": 300},
        _did(at + 1, "mal", chance.choice(things), "delete"),
    ]


def _given_to_another(chance: Random, at: int) -> list[Event]:
    """Have a role taken from its holder, and its assignment's id used at once for what somebody else is given."""
    another = {
        "properties.principalId": PEOPLE[chance.choice(("guest", "mal"))],
        "properties.principalType": "User",
        "properties.roleDefinitionId": f"{SCOPE}/providers/Microsoft.Authorization/roleDefinitions/{READER}",
    }
    taken = _did(at, chance.choice(("mal", "mal", "mal", "mal", "alice", "nobody")), "A1", "delete")
    return [taken, _did(at + chance.choice((0.4, 1.2)), "mal", "A1", "create", another)]


def _claimed(chance: Random, policies: list[str], at: int) -> list[Event]:
    """Have the answer to what we write be lost, and somebody write over it before it is read back."""
    on = chance.choice(policies)
    over = _did(at + chance.choice((10, 12, 14)), "mal", on, "update", {"state": _REPORT})
    return [
        {"t": at, "do": "fault", "kind": "lost", "times": 1},
        _did(at + 1, "mal", on, "update", {"state": "disabled"}),
        over | {"rec": {"late": chance.choice((60, 600))}},
    ]


def _one_owner(at: int) -> list[Event]:
    """Have an Owner of a scope given while people only watch, and asked away later: it may be the only one."""
    return [
        {"t": at, "do": "mode", "mode": "observe"},
        _did(at + 1, "mal", "A3", "create"),
        {"t": at + 400, "do": "mode", "mode": "enforce"},
        {"t": at + 800, "do": "settle", "on": "A3"},
    ]


def _two_owners(at: int) -> list[Event]:
    """Have both Owners of a scope given while people only watch, and asked away later: one of them has to stay."""
    return [
        {"t": at, "do": "mode", "mode": "observe"},
        _did(at + 1, "mal", "A3", "create"),
        _did(at + 200, "mal", "A9", "create"),
        {"t": at + 400, "do": "mode", "mode": "enforce"},
        {"t": at + 800, "do": "settle", "on": "A3"},
        {"t": at + 800, "do": "settle", "on": "A9"},
    ]


def _asked_back_unseen(at: float) -> list[Event]:
    """Have a person deny the deletion of a custom policy that went before anybody could read what was in it."""
    return [
        _did(at, "alice", "D2", "create", {"xml": "v1"}),
        _did(at + 0.4, "alice", "D2", "delete"),
        {"t": at + 1200, "do": "deny", "on": "D2"},
    ]


def _did(at: float, who: str, on: str, op: str, leaves: Event | None = None) -> Event:
    return {"t": at, "do": "change", "who": who, "on": on, "op": op, "leaves": leaves or {}, "rec": {}}


def _asked(chance: Random, things: list[str], at: int) -> list[Event]:
    changed: Event = {**a_change(chance, things, at + 10), "who": "mal", "rec": {}}
    return [
        {"t": at, "do": "mode", "mode": "observe"},
        changed,
        {"t": at + 400, "do": "mode", "mode": "enforce"},
        {"t": at + 410, "do": "switch", "on": True},
        {"t": at + 500, "do": "settle", "on": changed["on"]},
        {"t": at + 4000, "do": "switch", "on": False},
    ]


_KINDS_OF_EVENTS: Final[tuple[tuple[float, Callable[[Random, list[str], int], list[Event]]], ...]] = (
    (0.43, _timed_change),
    (0.07, _raced_change),
    (0.04, _death),
    (0.05, _fault),
    (0.05, _window),
    (0.04, _control),
    (0.03, _list),
    (0.03, _person),
    (0.08, _principal),
    (0.03, _service),
    (0.03, _others),
    (0.12, _together),
)


def reordered(story: Story, chance: Random) -> Story:
    """Give the same actions, every record after the last of them, in an order of its own (law 7)."""
    actions = [copy.deepcopy(each) for each in story["events"] if each["do"] in {"change", "form"} and "t" in each]
    order = list(range(len(actions)))
    chance.shuffle(order)
    end = max((each["t"] for each in actions), default=0) + 10
    for place, event in zip(order, actions, strict=True):
        event["rec"] = {"values": event["rec"].get("values", "full"), "late": end - event["t"] + 300 * place}
    return {**story, "events": actions}


# Shrinking.


def shrink(story: Story, is_broken: Callable[[Story], bool], *, most: int = 400) -> Story:
    """Drop events, things and settings while it stays broken; `most` stories are played for that."""
    tries = 0
    again = True
    while again and tries < most:
        again = False
        for smaller in _smaller(story):
            tries += 1
            if tries > most:
                break
            if is_broken(smaller):
                story, again = smaller, True
                break
    return story


def _smaller(story: Story) -> Iterator[Story]:
    events: list[Event] = story["events"]
    for place in reversed(range(len(events))):
        yield {**story, "events": events[:place] + events[place + 1 :]}
    for place, event in enumerate(events):
        for plainer in _plainer(event):
            yield {**story, "events": [*events[:place], plainer, *events[place + 1 :]]}
    for name in ("first_seen", "listed", "mode", "limit", "bin", "own_late"):
        if name in story:
            yield {key: value for key, value in story.items() if key != name}
    used = {each.get("on") for each in events}
    for name in story["things"]:
        if len(story["things"]) > 1 and name not in used:
            yield {**story, "things": [each for each in story["things"] if each != name]}


def _plainer(event: Event) -> Iterator[Event]:
    record = event.get("rec")
    if record:
        yield {**event, "rec": {}}
        if len(record) > 1:
            yield from ({**event, "rec": {name: record[name]}} for name in record)
    leaves: dict[str, Any] = event.get("leaves") or {}
    if len(leaves) > 1:
        yield from ({**event, "leaves": {name: value}} for name, value in leaves.items())


def described(story: Story) -> str:
    """Write a story on a line for people, and on one that can be played again."""
    parts = [_described(each) for each in story["events"]]
    settings = {name: value for name, value in story.items() if name not in {"events", "things", "seed"}}
    return f"{' '.join(story['things'])} {settings}: {' | '.join(parts)}\n      --story '{json.dumps(story)}'"


def _described(event: Event) -> str:
    hidden = {"t", "do", "who", "on", "op", "after"}
    rest = {name: value for name, value in event.items() if name not in hidden and value not in ({}, None)}
    when = f"{event['t']}" if "t" in event else f"after our {event['after']}" if "after" in event else ""
    what = event.get("op", event["do"]) if event["do"] == "change" else event["do"]
    words = (when, event.get("who", ""), what, event.get("on", ""), str(rest or ""))
    return " ".join(str(each) for each in words if each != "")
