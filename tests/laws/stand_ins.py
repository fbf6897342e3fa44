"""Responders that know the truth, to judge the judge: a perfect one breaks no law, and each fault breaks its own.

None is a model of the product. They read the story's truth, write at once, and never see a stale replica.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from shared.model.kinds import Image, Json
from tests.laws import oracle
from tests.laws.oracle import DETECTED, NEVER, Truth
from tests.laws.play import Play, Result
from tests.laws.records import Delivery, actor_id
from tests.laws.seen import Host, Page, Responder, Seen, SeenCase, SeenIntent
from tests.laws.world import EXISTS, GROUP, Deed, changed, kind_of

FAULTS: Final[Mapping[str, str]] = {
    "writes nothing": "1",
    "pages nobody": "1",
    "takes everybody for unapproved": "2",
    "writes what was only first seen": "3",
    "forgets the emergency accounts": "4",
    "undoes what emergency accounts do": "4",
    "opens one case for each actor": "5",
    "forgets its ledger": "6",
    "keeps no before-image": "6",
    "books what it never did": "6",
    "gives access to anybody": "8",
    "acts on what wasn't live": "live",
    "undoes what unknown actors do": "unknown",
    "pages without end": "pages",
    "raises": "mistake",
}
"""Faults, with the law that each has to be found to break."""


class StandIn:
    """A responder that knows the truth, and has one fault or none."""

    def __init__(self, play: Play, fault: str = "", *, by_arrival: bool = False) -> None:
        self.play = play
        self.fault = fault
        self.by_arrival = by_arrival
        self.pages: dict[tuple[str, str], Page] = {}
        self.cases: dict[str, SeenCase] = {}
        self.intents: list[SeenIntent] = []
        self.left: set[str] = set()

    def set_up(self) -> None:
        pass

    def host(self) -> Host:
        return self

    def act(self, event: Mapping[str, Any]) -> None:
        del event

    def next_due(self) -> float:
        return NEVER

    def message(self, queue: str, body: bytes) -> None:
        raise AssertionError(f"nobody writes into {queue}: {body!r}")

    def deliver(self, delivery: Delivery) -> None:
        if delivery.deed < 0:
            return
        deed = self.play.world.history[delivery.deed]
        if deed.actor != "us" and deed.op in DETECTED[kind_of(deed.name)]:
            key = deed.actor if self.fault == "opens one case for each actor" else str(deed.number)
            case = SeenCase(
                id=key,
                actor_id=actor_id(deed),
                object_id=deed.object_id,
                at=deed.at,
                detections=("a detection",),
            )
            self.cases.setdefault(key, case)
        if self.fault == "raises":
            raise ZeroDivisionError("as it was meant to")

    def each_minute(self) -> None:
        if self.fault == "writes nothing":
            self._page("", "nothing is done")
            return
        for name in list(self.play.world.things):
            if kind_of(name) != GROUP:
                self._reconcile(name)

    def each_hour(self) -> None:
        self.each_minute()

    def seen(self) -> Seen:
        pages = list(self.pages.values())
        return Seen(pages=pages, cases=list(self.cases.values()), intents=self.intents)

    def _truth(self) -> Truth:
        result = Result(
            story=self.play.story,
            world=self.play.world,
            seen=Seen(),
            ended=True,
            mistakes=[],
            effects=0,
            steps=0,
        )
        truth = Truth(result)
        if self.fault == "takes everybody for unapproved":
            truth.standing = lambda deed: "us" if deed.actor == "us" else "unapproved"
            truth.is_live = lambda deed, until=NEVER: True  # noqa: ARG005 - as the method
        return truth

    def _page(self, name: str, because: str) -> None:
        if self.fault == "pages nobody":
            return
        object_id = self.play.world.things[name].id.lower() if name else ""
        times = 60 if self.fault == "pages without end" else 1
        for number in range(times):
            key = (object_id, f"{because} {number}")
            self.pages.setdefault(key, Page(at=self.play.now, object_ids=(object_id,), text=because))

    def _reconcile(self, name: str) -> None:
        truth, thing = self._truth(), self.play.world.things[name]
        made = truth.chain(name, EXISTS)
        is_written = bool(made) and self._settle(truth, name, EXISTS)
        if is_written or thing.image is None or oracle.is_not_to_exist(truth, made):
            return
        for leaf in sorted({leaf for deed in truth.deeds.get(name, ()) for leaf in deed.diff} - {EXISTS}):
            if truth.chain(name, leaf):
                self._settle(truth, name, leaf)

    def _settle(self, truth: Truth, name: str, leaf: str) -> bool:
        """Put a leaf back where it has to be; says whether something was written."""
        last = truth.chain(name, leaf)[-1]
        want, _ = truth.expected(name, leaf)
        if self.by_arrival:
            want = self._last_to_arrive(truth, name, leaf, want)
        if oracle.is_put_back(truth, name, leaf, want) or last.heard > self.play.now or leaf in truth.serviced:
            return False
        if truth.final(name, leaf) != last.diff[leaf][1]:
            return False
        if because := self._objection(truth, name, leaf, want, last):
            self._page(name, because)
            return False
        self._write(name, leaf, want)
        return True

    @staticmethod
    def _last_to_arrive(truth: Truth, name: str, leaf: str, want: Json) -> Json:
        approved = [each for each in truth.deeds[name] if truth.standing(each) == "approved" and leaf in each.diff]
        return max(approved, key=lambda each: each.heard).diff[leaf][1] if approved else want

    def _objection(self, truth: Truth, name: str, leaf: str, want: Json, last: Deed) -> str:
        standing = truth.leaf_standing(last, leaf)
        fault = self.fault
        undoes = (fault == "undoes what emergency accounts do" and last.actor.startswith("em")) or (
            fault == "undoes what unknown actors do" and last.actor == "nobody"
        )
        if standing != "unapproved" and not undoes:
            return f"{last.actor} is {standing}"
        if fault != "acts on what wasn't live" and not undoes and not truth.is_live(last, self.play.now):
            return "it wasn't live"
        vouched = truth.expected(name, leaf, last.number)[1] or fault == "writes what was only first seen"
        checks: tuple[tuple[str, Callable[[], str]], ...] = (
            ("nothing", lambda: "" if vouched else "what stood before was only first seen"),
            ("acts on what wasn't live", lambda: oracle.of_records(truth, name, leaf, last)),
            ("acts on what wasn't live", lambda: oracle.of_others(truth, name, leaf, last)),
            ("gives access to anybody", lambda: oracle.of_access(truth, name, leaf, want, last)),
            ("nothing", lambda: oracle.of_services(truth, name, leaf, want)),
            ("nothing", lambda: oracle.names_nobody(name, leaf, want)),
            ("forgets the emergency accounts", lambda: oracle.of_emergency(truth, name, leaf, want)),
        )
        return next((said for ignored_by, check in checks if ignored_by != fault and (said := check())), "")

    def _write(self, name: str, leaf: str, want: Json) -> None:
        world, thing = self.play.world, self.play.world.things[name]
        standing, at = thing.image, self.play.now
        after: Image | None
        if leaf != EXISTS:
            after, op = changed(standing or {}, {leaf: want}), "update"
        elif want:
            after, op = oracle.rebuilt(self._truth(), name), "create"
        elif kind_of(name) in oracle.HARMLESS:
            leaf, value = oracle.HARMLESS[kind_of(name)]
            after, op = changed(standing or {}, {leaf: value}), "update"
        else:
            after, op = None, "delete"
        deed = world.write("us", name, op, after)
        if deed is None:
            return
        times = 2 if self.fault == "books what it never did" else 1
        for number in range(0 if self.fault == "forgets its ledger" else times):
            intent = SeenIntent(
                id=str(len(self.intents)),
                at=at if number == 0 else at - 4000,
                object_id=thing.id,
                op=op,
                steps={leaf: deed.diff.get(leaf, (None, want))},
                is_done=True,
                has_before=self.fault != "keeps no before-image",
            )
            self.intents.append(intent)
        from tests.laws.world import OurCall  # noqa: PLC0415 - beside its only use

        world.calls.append(OurCall(at=at, name=name, method="PATCH", status=200, deed=deed))


def perfect(play: Play) -> Responder:
    return StandIn(play)


def with_fault(fault: str) -> Callable[[Play], Responder]:
    return lambda play: StandIn(play, fault)


def by_arrival(play: Play) -> Responder:
    """Take the approved change that arrived last for the baseline, instead of the one made last."""
    return StandIn(play, by_arrival=True)
