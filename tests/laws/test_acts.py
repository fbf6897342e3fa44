"""What people do about cases, on every kind of object: with services that refuse, answers that are lost, deaths.

A person undoes, accepts, denies or restores, or takes back what a stolen administrator did. In the end the tenant
stands leaf by leaf as the plan said, or the object says what it waits for; no emergency account was locked out.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final, override

import pytest

from shared.model.cases import Case
from shared.model.errors import EdgeError, LeaseLost
from shared.model.kinds import Json
from shared.respond.act_plans import plan_act
from shared.respond.acts import act
from shared.respond.asking import ActPlan, Asking, Verb, asking_of
from shared.respond.persons import Result
from shared.respond.stolen import Revocation, plan_revocation, revoke_since
from tests.laws.hand import ADD_GUEST, DESCRIBED, Ending, Event, change, edit, story
from tests.laws.play import Play, Story, play
from tests.laws.product import Product
from tests.laws.world import BRANCH, HOTEL, PEOPLE, instant, template

_AGAIN: Final = 45.0
_TRIES: Final = 60
_FAULTS: Final = (
    "unauthorized",
    "refused",
    "busy",
    "stale-etag",
    "held",
    "throttled",
    "slow",
    "early",
    "down",
    "replicating",
    "cut",
    "lost",
)


class Acting(Product):
    """The product, with a person who does about cases what a story says, as it was shown."""

    def __init__(self, played: Play) -> None:
        super().__init__(played)
        self.plans: list[ActPlan] = []
        self.revocations: list[Revocation] = []
        self.results: list[Result] = []

    @override
    def act(self, event: Mapping[str, Any]) -> None:
        if event["do"] == "ask":
            self._ask(event, tries=_TRIES)
        else:
            super().act(event)

    def _ask(self, event: Mapping[str, Any], *, tries: int) -> None:
        """Have a plan shown, and do it; what is busy, or can't be read, is tried again."""
        try:
            result = self._revoked(event) if event["verb"] == "revoke" else self._acted(event)
        except (EdgeError, LeaseLost):
            result = Result.BUSY
        self.results.append(result)
        if result in {Result.BUSY, Result.MOVED, Result.NOT_ALL} and tries:
            self.play.at(self.play.now + _AGAIN, partial(self._ask, event, tries=tries - 1))

    def _acted(self, event: Mapping[str, Any]) -> Result:
        asking = self._asking(event)
        plan = plan_act(self.runtime, asking).plan
        self.plans.append(plan)
        return act(self.runtime, asking, digest=plan.digest or "0" * 64, by="Olga", reason="a story").result

    def _revoked(self, event: Mapping[str, Any]) -> Result:
        actor, since = PEOPLE[event["who"]], instant(event["since"])
        revocation = plan_revocation(self.runtime, actor, since)
        self.revocations.append(revocation)
        return revoke_since(self.runtime, actor, since, digest=revocation.digest, by="Olga", reason="stolen").result

    def _asking(self, event: Mapping[str, Any]) -> Asking:
        object_id = self._id_of(event["on"])
        assert object_id is not None
        if event["verb"] == "restore":
            return Asking(verb=Verb.RESTORE, id=object_id, to=instant(event["to"]))
        return asking_of(self._case(event["on"], event.get("of")), Verb(event["verb"]))

    def _case(self, name: str, at: float | None) -> Case:
        """Give the case of the change at an instant; without one, of the last one."""
        if at is None:
            last = self.last_case(name)
            assert last is not None
            return last
        mine = self.cases_of(name)
        return next(case for case in mine if case.at.replace(microsecond=0) == instant(at))


class Played:
    """A story of a person's act that is over."""

    def __init__(self, one: Story) -> None:
        made: list[Acting] = []

        def responder(played: Play) -> Acting:
            made.append(Acting(played))
            return made[0]

        self.result = play(one, responder)
        (self.product,) = made
        self.end = Ending(self.result)

    def stood(self, name: str, at: float) -> Mapping[str, Json]:
        """Give the leaves of an object as they stood at an instant."""
        return _settable(self.result.world.leaves(self.result.world.things[name].at(at)))

    def stands(self, name: str) -> Mapping[str, Json]:
        return _settable(self.result.world.leaves(self.result.world.things[name].image))


_SET_BY_SERVICES: Final = ("id", "name", "createdDateTime", "modifiedDateTime", "properties.createdOn", "createdOn")


def _settable(leaves: Mapping[str, Json]) -> Mapping[str, Json]:
    """Leave out what nobody can set."""
    return {
        leaf: value
        for leaf, value in leaves.items()
        if leaf not in _SET_BY_SERVICES and not leaf.startswith("properties.updated") and "createdBy" not in leaf
    }


def ask(at: float, verb: str, on: str = "", **more: Any) -> Event:  # noqa: ANN401 - what the verb takes
    return {"t": at, "do": "ask", "verb": verb, "on": on, **more}


def _faults(*kinds: str, at: float) -> list[Event]:
    return [{"t": at, "do": "fault", "kind": kind} for kind in kinds]


CHANGES: Final[Mapping[str, Event]] = {
    "P1": edit(600, "mal", "P1", ADD_GUEST | DESCRIBED),
    "N1": change(600, "mal", "N1", "create"),
    "L1": edit(600, "mal", "L1", {f"ipRanges[{HOTEL}]": True}),
    "L2": change(600, "mal", "L2", "create"),
    "S1": edit(600, "mal", "S1", {"displayName": "Anything"}),
    "C1": edit(600, "mal", "C1", {"displayName": "Anything"}),
    "A1": edit(600, "mal", "A1", {"properties.condition": "@Resource[name] StringEquals 'a'"}),
    "A9": change(600, "mal", "A9", "create"),
    "D1": edit(600, "mal", "D1", {"xml": "evil"}),
}
"""A change of each kind that is put back and can be made again by the app. Roles and permissions are never given."""


_THINGS: Final = {
    "P": "P1 P2 G",
    "N": "P1 N1 G",
    "L": "P3 L1 L2 G",
    "S": "S1 P2",
    "C": "C1 P2",
    "D": "D0 D1",
    "A": "A1 A2 A6 A9",
}
"""What stories about objects have in them, by the letter that those begin with."""


def _things(name: str) -> str:
    return _THINGS[name[0]]


def _plain(name: str, *events: Event, **more: Any) -> Played:  # noqa: ANN401 - settings of a story
    return Played(story(_things(name), CHANGES[name], *events, **more))


@pytest.mark.parametrize("name", CHANGES)
def test_an_undo_brings_back_leaf_by_leaf_what_was_put_back(name: str) -> None:
    done = _plain(name, ask(3000, "undo", name))
    assert done.product.results[-1] is Result.DONE
    plan = done.product.plans[-1]
    promised = {row.leaf: row.will_be for row in plan.rows}
    stands = done.stands(name)
    if plan.objections:
        assert done.end.pending(name), "what it waits for was said before"
        return
    kind = done.product.runtime.kinds[plan.asking.id.kind]
    image = done.result.world.things[name].image
    seen = kind.leaves(image) if image else {}
    assert {leaf: value for leaf, value in promised.items() if not kind.rules.same(leaf, seen.get(leaf), value)} == {}
    assert stands, "it stands again"
    assert done.end.can_all_sign_in()


@pytest.mark.parametrize("name", CHANGES)
def test_what_is_denied_while_people_only_watch_is_put_back_and_held(name: str) -> None:
    again = {**CHANGES[name], "t": 9000}
    if name == "A9":
        # Its holder named, it comes under the id that it had: a role given under another id is another object.
        again["leaves"] = {"properties.principalId": template(name)["properties"]["principalId"]}
    done = _plain(name, ask(3000, "deny", name), again, mode="page")
    assert done.product.results[-1] is Result.DONE
    is_harmless = done.end.is_off(name) or done.end.leaf(name, "isTrusted") is False
    assert done.stands(name) == done.stood(name, 500) or is_harmless
    assert len(done.end.ours) >= 1
    assert done.end.can_all_sign_in()


@pytest.mark.parametrize("name", CHANGES)
def test_what_is_accepted_stays_when_enforce_is_switched_on(name: str) -> None:
    mode = {"t": 4000, "do": "mode", "mode": "enforce"}
    done = _plain(name, ask(3000, "accept", name), mode, mode="page")
    assert done.product.results[-1] is Result.DONE
    assert (done.end.ours, done.stands(name)) == ([], done.stood(name, 700))


@pytest.mark.parametrize("name", [each for each in CHANGES if each not in {"N1", "L2", "A9"}])
def test_an_object_is_restored_to_how_it_stood(name: str) -> None:
    by_alice = {**CHANGES[name], "who": "alice"}
    done = Played(story(_things(name), by_alice, ask(3000, "restore", name, to=500)))
    assert done.product.results[-1] is Result.DONE
    assert done.stands(name) == done.stood(name, 500)
    assert done.end.can_all_sign_in()


@pytest.mark.parametrize("name", ["P1", "A9"])
@pytest.mark.parametrize("fault", _FAULTS)
def test_a_service_that_refuses_once_or_an_answer_that_is_lost_costs_time_only(name: str, fault: str) -> None:
    done = _plain(name, ask(3000, "deny", name), *_faults(fault, at=2999), mode="page")
    assert done.product.results[-1] is Result.DONE
    assert done.stands(name) == done.stood(name, 500)
    assert len([each for each in done.end.ours if each.name == name]) == 1, "written once"


@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("number", range(30, 150, 8))
def test_a_process_that_dies_at_any_effect_leaves_the_act_to_the_next(number: int, side: str) -> None:
    death: Event = {"do": "die", "n": number, "side": side}
    done = _plain("P1", death, ask(3000, "deny", "P1"), mode="page")
    assert done.stands("P1") == done.stood("P1", 500)
    assert len(done.end.ours) == 1


def test_an_object_that_is_gone_is_nobodys_to_undo_but_can_be_restored() -> None:
    gone = change(2000, "alice", "P1", "delete")
    done = _plain("P1", gone, ask(3000, "restore", "P1", to=500))
    assert done.product.results[-1] is Result.DONE
    assert done.product.plans[-1].cannot != ()
    assert done.end.leaf("P1", "state") == "enabled"
    assert not done.end.has_twin()


def test_what_a_person_asks_locks_nobody_out() -> None:
    """Restoring the policy as it was would bar the emergency accounts, which have left its excluded group since."""
    away = [edit(1000 + place, "alice", "G", {f"members[{each}]": None}) for place, each in enumerate(("em1", "em2"))]
    off = edit(600, "alice", "P1", {"state": "disabled"})
    done = Played(story("P1 G", off, *away, ask(3000, "restore", "P1", to=500)))
    assert done.product.results[-1] is Result.DONE
    assert done.end.can_all_sign_in()
    assert done.end.is_off("P1")
    assert done.end.pending("P1")


# A stolen administrator.

_TWO_HOURS: Final = (
    edit(600, "alice", "P1", ADD_GUEST),
    edit(900, "alice", "P1", {"state": "disabled"}),
    edit(1300, "alice", "P2", {"state": "disabled"}),
    change(1700, "alice", "N1", "create"),
    change(2100, "alice", "P3", "delete"),
    edit(2600, "alice", "L1", {f"ipRanges[{HOTEL}]": True}),
    edit(3100, "alice", "L1", {f"ipRanges[{BRANCH}]": True}),
    change(3700, "alice", "A9", "create"),
    change(4300, "alice", "A3", "create"),
    change(5000, "alice", "R2", "create"),
    change(6000, "alice", "E2", "create"),
    edit(7000, "alice", "D1", {"xml": "evil"}),
)
"""Twelve changes by an approved administrator whose session was stolen, over six kinds."""

_STOLEN: Final = "P1 P2 P3 P4 N1 L1 A2 A3 A6 A8 A9 R1 R2 E1 E2 D0 D1 G"
_BEFORE: Final = edit(300, "alice", "P2", {"displayName": "Alice's own"})
_ROBBED: Final = ("P1", "P2", "P3", "L1", "A3", "A9", "R2", "E2", "D1")


def _robbed(*events: Event) -> Played:
    return Played(story(_STOLEN, _BEFORE, *_TWO_HOURS, *events))


def test_a_stolen_administrator_is_answered_by_one_plan() -> None:
    done = _robbed(ask(7800, "revoke", who="alice", since=590))
    (revocation,) = done.product.revocations
    assert done.product.results == [Result.DONE]
    assert {plan.tenants_id.lower() for plan in revocation.plans} == {
        done.result.world.things[name].ids[0].lower() for name in (*_ROBBED, "N1")
    }
    for name in _ROBBED:
        assert done.stands(name) == done.stood(name, 590), name
    assert done.end.is_off("N1")
    assert done.end.leaf("P2", "displayName") == "Alice's own", "from before it was stolen"
    assert done.end.can_all_sign_in()


@pytest.mark.parametrize("fault", ["throttled", "refused", "lost", "down"])
def test_a_stolen_administrator_is_answered_though_services_fail(fault: str) -> None:
    done = _robbed(ask(7800, "revoke", who="alice", since=590), *_faults(*[fault] * 4, at=7799))
    for name in _ROBBED:
        assert done.stands(name) == done.stood(name, 590), name
    assert done.end.can_all_sign_in()


def test_of_a_stolen_administrator_what_a_guard_forbids_was_said_before_and_waits() -> None:
    """One policy names somebody who was deleted, one role is a protected principal's; the rest is put back."""
    more = (change(7100, "alice", "P4", "delete"), change(7200, "alice", "A8", "create"))
    done = _robbed(*more, ask(7800, "revoke", who="alice", since=590))
    (revocation,) = done.product.revocations
    objected = {plan.tenants_id.lower() for plan in revocation.plans if plan.objections}
    assert objected == {done.result.world.things[name].ids[0].lower() for name in ("P4", "A8")}
    assert (done.end.pending("P4"), done.end.pending("A8")) == ({"reference-gone"}, {"protected-principal"})
    for name in _ROBBED:
        assert done.stands(name) == done.stood(name, 590), name


@pytest.mark.parametrize("name", ["R2", "E2", "A3"])
def test_what_the_app_never_gives_is_said_before_an_undo(name: str) -> None:
    """Taking it away is undone by hand: the plan has the command, and nothing is given."""
    things = {"R": "R1 R2 R3", "E": "E1 E2", "A": "A2 A3 A6"}[name[0]]
    given = change(600, "mal", name, "create")
    done = Played(story(things, given, ask(3000, "undo", name)))
    assert done.end.leaf(name) is None
    objections = done.product.plans[-1].objections.values()
    assert any(one.by_hand and not one.can_pass for one in objections)


def test_what_a_person_asks_for_does_not_wait_for_what_nobody_asked_for() -> None:
    """One change of the policy is denied while another one waits for a place among those of the hour."""
    done = Played(
        story(
            "P1 P2 G",
            {"t": 500, "do": "mode", "mode": "page"},
            edit(600, "mal", "P1", ADD_GUEST),
            {"t": 1200, "do": "mode", "mode": "enforce"},
            edit(1300, "mal", "P2", {"state": "disabled"}),
            edit(1400, "mal", "P1", DESCRIBED),
            ask(1500, "deny", "P1", of=600),
            limit=1,
        )
    )
    ours = [(each.at < 1800, sorted(each.diff)) for each in done.end.ours if each.name == "P1"]
    assert ours == [(True, [f"conditions.users.excludeUsers[{PEOPLE['guest']}]"]), (False, ["description"])]
