"""Plays a story: two hosts and more, interleaved at every effect on storage or the tenant, on one clock.

The product's code is synchronous. Each of its functions runs in a greenlet of its own, which hands over where an effect
takes time; then whatever comes first goes on. Nothing runs at the same time as something else, so a seed replays the
same story. A process dies or falls asleep at the nth effect of the story, or at the first of a kind; a dead one has no
further effect.
"""

import heapq
import os
from collections import Counter, deque
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from math import inf
from random import Random
from typing import Any, Final, cast, override

import greenlet

from shared.clients.answers import Answer
from shared.clients.api import TenantEdges
from shared.clients.storage import Storage
from shared.clients.storage_names import CASES_QUEUE, Table
from shared.model.calls import Lane, Service
from shared.model.errors import EdgeError, LeaseLost
from shared.model.settings import Tenant
from tests.fakes.memory_storage import MemoryStorage
from tests.laws.api import Api
from tests.laws.records import Delivery, activity_record, deliveries, is_in_azures_log
from tests.laws.seen import Host, Responder, Seen
from tests.laws.world import (
    SHORT,
    START,
    Deed,
    Window,
    World,
    id_of,
    instant,
    leaves_of,
    list_of,
    member_of,
)

type Story = dict[str, Any]
type Event = Mapping[str, Any]

HOSTS: Final = 3
"""Processes that take work; each does one thing at a time."""

AFTER: Final = 9 * 3600.0
"""Seconds that a story goes on after its last event: the latest record, its grace and the longest pause."""

_MOST_STEPS: Final = 20_000
_AGAIN: Final = 40.0
"""Seconds after which a delivery that failed comes again."""

_MOST_DELIVERIES: Final = 40


class Died(BaseException):
    """The process was killed. Nothing of the product catches it."""


@dataclass(slots=True)
class Life:
    """What a function and all that it runs beside itself share: they die together."""

    is_over: bool = False


@dataclass(slots=True, kw_only=True)
class Process:
    """A function that runs on a host, or one of the requests that it makes side by side; those have no `place`."""

    what: str
    run: "greenlet.greenlet"
    life: Life
    place: int | None = None
    depth: int = 0


@dataclass(slots=True, kw_only=True)
class Job:
    """Work for whichever host is free; `again` is called where it failed."""

    what: str
    run: Callable[[Host], None]
    again: Callable[[], None] = lambda: None


@dataclass(slots=True, kw_only=True)
class Result:
    """A story that was played, with the truth and what people see."""

    story: Story
    world: World
    seen: Seen
    ended: bool
    mistakes: list[str]
    effects: int
    steps: int
    counts: Counter[str] = field(default_factory=Counter[str])


class Play:
    """A story while it is played."""

    def __init__(self, story: Story, responder: "Callable[[Play], Responder]") -> None:
        self.story = story
        self.chance = Random(story["seed"])  # noqa: S311 - a story, no secret
        self.now = -3600.0
        self.effects = 0
        self.mistakes: list[str] = []
        self.counts: Counter[str] = Counter()
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._number = 0
        self._main = greenlet.getcurrent()
        self._running: Process | None = None
        self._waiting: deque[Job] = deque()
        self._busy: list[Process | None] = [None] * HOSTS
        self._beside: list[Process] = []
        deaths = [e for e in story["events"] if e["do"] == "die"]
        self._kills = {int(e["n"]): str(e.get("side", "before")) for e in deaths if "n" in e}
        self._killers = [(str(e["at"]), str(e.get("side", "before"))) for e in deaths if "at" in e]
        self._pauses = {int(e["n"]): float(e.get("for", 100)) for e in story["events"] if e["do"] == "pause"}
        self._hooks: dict[str, list[Event]] = {}
        self._moved = True
        self.world = World(story["things"], chance=self.chance, now=lambda: self.now)
        self.world.written = self._our_write
        self.world.restores_for_applications = bool(story.get("bin", True))
        self.storage = PlayStorage(self)
        self.responder = responder(self)
        self._hosts: list[Host] = []
        self.until = 0.0

    # The clock.

    def clock(self) -> datetime:
        return instant(self.now)

    def at(self, when: float, what: Callable[[], None]) -> None:
        self._number += 1
        heapq.heappush(self._heap, (when, self._number, what))

    def sleep(self, seconds: float) -> None:
        """Let time pass for the process that runs; what is due before goes first."""
        process = self._running
        if process is None or greenlet.getcurrent() is not process.run:
            return
        if process.life.is_over:
            raise Died
        then = self.now + seconds
        if self._heap and self._heap[0][0] <= then:
            self.at(then, partial(self._resume, process))
            self._main.switch()
            if process.life.is_over:
                raise Died
        else:
            self.now = max(self.now, then)

    def effect[T](self, what: str, carry_out: Callable[[], T], *, before: float, after: float = 0.0) -> T:
        """Carry out an effect of the process that runs, which takes seconds before and after it shows."""
        process = self._running
        if process is None or greenlet.getcurrent() is not process.run or process.depth:
            return carry_out()
        if process.life.is_over:
            raise Died
        self.effects += 1
        number = self.effects
        kill, pause = self._kills.get(number) or self._killed_at(what), self._pauses.get(number)
        if kill == "before":
            self._kill(process)
        self.sleep(before + (pause or 0.0))
        process.depth += 1
        try:
            result = carry_out()
        finally:
            process.depth -= 1
        self._moved = self._moved or not what.startswith("GET")
        if kill == "after":
            self._kill(process)
        if after:
            self.sleep(after)
        return result

    def _killed_at(self, what: str) -> str | None:
        """Say on which side of an effect its process dies, by how the effect's name begins; each such death once."""
        found = next((each for each in self._killers if what.startswith(each[0])), None)
        if found is not None:
            self._killers.remove(found)
        return found[1] if found else None

    def _kill(self, process: Process) -> None:
        self.counts["deaths"] += 1
        process.life.is_over = True
        raise Died

    # Processes.

    def start(self, job: Job) -> None:
        if None in self._busy:
            self._run_on(self._busy.index(None), job)
        else:
            self._waiting.append(job)

    def _run_on(self, place: int, job: Job) -> None:
        host = self._hosts[place]
        run = greenlet.greenlet(partial(self._body, place, host, job), parent=self._main)
        process = Process(what=job.what, place=place, run=run, life=Life())
        self._busy[place] = process
        self._resume(process)

    def _body(self, place: int, host: Host, job: Job) -> None:
        try:
            job.run(host)
        except Died:
            self._hosts[place] = self.responder.host()
            job.again()
        except Exception as error:  # noqa: BLE001 - the host repeats what failed; the oracle hears of mistakes
            self._note(job.what, error)
            job.again()

    def beside[T](self, run: Callable[[], T]) -> Callable[[], T]:
        """Start something beside the process that runs; what it gives waits for it, and raises what it raised."""
        starter = self._running
        if starter is None:
            value = run()
            return lambda: value
        done: list[tuple[T | None, BaseException | None]] = []
        waiting: list[Process] = []

        def body() -> None:
            try:
                done.append((run(), None))
            except BaseException as error:  # noqa: BLE001 - raised where it is waited for
                done.append((None, error))
            for each in waiting:
                self.at(self.now, partial(self._resume, each))

        child = Process(what="beside", run=greenlet.greenlet(body, parent=self._main), life=starter.life)
        self._beside.append(child)
        self.at(self.now, partial(self._resume, child))

        def result() -> T:
            while not done:
                process = self._running
                assert process is not None
                waiting.append(process)
                self._main.switch()
                waiting.remove(process)
                if process.life.is_over:
                    raise Died
            value, error = done[0]
            if error is not None:
                raise error
            return cast("T", value)

        return result

    def _note(self, what: str, error: Exception) -> None:
        self.counts[f"failed: {type(error).__name__}"] += 1
        if not isinstance(error, EdgeError | LeaseLost):
            import traceback  # noqa: PLC0415 - only where something failed

            frames = traceback.extract_tb(error.__traceback__)[-3:]
            where = " < ".join(
                f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in reversed(frames)
            )
            self.mistakes.append(f"{what}: {type(error).__name__}: {error} ({where})")

    def _resume(self, process: Process) -> None:
        before, self._running = self._running, process
        process.run.switch()
        self._running = before
        if process.run.dead and process.place is not None:
            self._busy[process.place] = None
            if self._waiting:
                self._run_on(process.place, self._waiting.popleft())

    # The story.

    def run(self) -> Result:
        with _same_ids(self.chance):
            return self._run()

    def _run(self) -> Result:
        self.responder.set_up()
        self.now = 0.0
        self._hosts = [self.responder.host() for _ in range(HOSTS)]
        last = 0.0
        for event in self.story["events"]:
            if "after" in event:
                self._hooks.setdefault(event["after"], []).append(event)
            elif "t" in event:
                last = max(last, float(event["t"]))
                self.at(float(event["t"]), partial(self._happen, event))
        self.until = last + AFTER
        self.at(60.0, self._minute)
        self.at(3600.0, self._hour)
        steps = 0
        while self._heap and steps < _MOST_STEPS:
            when, _, what = heapq.heappop(self._heap)
            if when > self.until:
                break
            self.now = max(self.now, when)
            steps += 1
            what()
        ended = steps < _MOST_STEPS and not self._waiting
        self._abandon()
        return Result(
            story=self.story,
            world=self.world,
            seen=self.responder.seen(),
            ended=ended,
            mistakes=self.mistakes,
            effects=self.effects,
            steps=steps,
            counts=self.counts,
        )

    def _abandon(self) -> None:
        """End what still runs, so that nothing of this story goes on in the next."""
        self._waiting.clear()
        for process in [*(each for each in self._busy if each is not None), *self._beside]:
            process.life.is_over = True
            if process.run and not process.run.dead:
                process.run.throw(Died)
        self._running = None

    def _minute(self) -> None:
        self.at(self.now + 60.0, self._minute)
        if self._moved or self.responder.next_due() <= self.now:
            self._moved = False
            self.start(Job(what="each minute", run=lambda host: host.each_minute()))

    def _hour(self) -> None:
        self.at(self.now + 3600.0, self._hour)
        self.start(Job(what="each hour", run=lambda host: host.each_hour()))

    def message(self, queue: str, body: bytes, delay: float) -> None:
        """Let a message of the product's own become visible to it."""
        again = partial(self.message, queue, body, _AGAIN)
        job = Job(what=f"message of {queue}", run=lambda host: host.message(queue, body), again=again)
        self.at(self.now + delay + 0.2, partial(self.start, job))

    def _deliver(self, delivery: Delivery, number: int = 0) -> None:
        self._moved = True
        deed = self.world.history[delivery.deed] if delivery.deed >= 0 else None
        was_heard = deed.heard if deed is not None else inf
        confirmed = deed.logged if deed is not None and delivery.is_hint and deed.op == "delete" else 0.0
        heard = max(self.now, confirmed)

        def again() -> None:
            if number < _MOST_DELIVERIES:
                if deed is not None and deed.heard == heard:
                    # The process died with it, or couldn't store it: it is heard when it comes again.
                    deed.heard = was_heard
                self.at(self.now + _AGAIN, partial(self._deliver, delivery, number + 1))

        if deed is not None:
            deed.heard = min(was_heard, heard)
            deed.whole = deed.whole or delivery.is_whole
            deed.tells_before = deed.tells_before or delivery.tells_before
        self.start(Job(what="a delivery", run=lambda host: host.deliver(delivery), again=again))

    def log(self, deed: Deed, how: dict[str, Any]) -> None:
        """Let the logs write of an action."""
        deed.logged = deed.at + how.get("late", 0) + how.get("gap", 90)
        for delivery in deliveries(deed, how):
            self.at(delivery.arrives, partial(self._deliver, delivery))
        if is_in_azures_log(deed) and not how.get("never"):
            record = activity_record(deed, how.get("one") or f"c0de0000-0000-4000-8000-{deed.number:012d}")
            self.world.activity.append((deed.logged, record))

    def _our_write(self, deed: Deed) -> None:
        if deed.actor == "us":
            self.log(deed, {"late": self.story.get("own_late", 60)})
            self.hook("write", deed.name)

    def hook(self, what: str, name: str) -> None:
        """Let what a story wants to happen right after one of our own effects happen."""
        waiting = self._hooks.get(what, [])
        found = next((each for each in waiting if each.get("on") == name), None)
        if found is not None:
            waiting.remove(found)
            self.at(self.now + float(found.get("in", 0.7)), partial(self._happen, found))

    def _happen(self, event: Event) -> None:
        self._moved = True
        getattr(self, f"_do_{event['do']}")(event)

    def _do_change(self, event: Event) -> None:
        deed = self.world.act(event["who"], event["on"], event.get("op", "update"), event.get("leaves", {}))
        if deed is not None:
            self.log(deed, dict(event.get("rec", {})))

    def _do_form(self, event: Event) -> None:
        """Save a form: whole lists, as they stood when it was opened."""
        thing = self.world.things[event["on"]]
        if thing.image is None:
            return
        leaves: dict[str, Any] = {}
        for name, members in event["lists"].items():
            opened = thing.image
            long = _members_of(opened, name)
            wanted = {f"{name}[{id_of(each)}]" for each in members}
            leaves |= {leaf: None for leaf in long if leaf not in {each.lower() for each in wanted}}
            leaves |= dict.fromkeys(wanted, True)
        self._do_change({**event, "leaves": leaves})

    def _do_rival(self, event: Event) -> None:
        """Let a tool write its value again whenever it finds another."""
        left = event["times"]
        if left <= 0:
            return
        deed = self.world.act(event["who"], event["on"], "update", event["leaves"])
        if deed is not None:
            self.log(deed, dict(event.get("rec", {})))
        again = {**event, "times": left - (1 if deed else 0.1)}
        self.at(self.now + float(event.get("every", 121)), partial(self._do_rival, again))

    def _do_engine(self, event: Event) -> None:
        member = id_of(event["member"])
        (self.world.dynamic.add if event["on"] else self.world.dynamic.discard)(member)

    def _do_fault(self, event: Event) -> None:
        self.world.faults += [event["kind"]] * int(event.get("times", 1))

    def _do_window(self, event: Event) -> None:
        self.world.windows.append(
            Window(
                what=event["what"],
                name=event.get("on", ""),
                begin=self.now,
                end=self.now + event["for"],
                lag=event.get("lag", 0.0),
            )
        )

    def _do_fill(self, _event: Event) -> None:
        self.world.to_fill += 1

    def _do_add_everywhere(self, event: Event) -> None:
        self.world.add_everywhere(event.get("kind", "policy"), event["leaves"])

    def _do_disable(self, event: Event) -> None:
        self.world.disabled.add(event["who"])

    def _do_contain(self, event: Event) -> None:
        self.world.contained.add(event["who"])
        self.responder.act(event)

    def _person(self, event: Event) -> None:
        self.responder.act(event)

    _do_approve = _do_mode = _do_switch = _do_accept = _do_leave = _do_settle = _do_deny = _do_ask = _person

    # What a host reaches.

    def edges(self, tenant: Tenant) -> TenantEdges:
        """Give the tenant's APIs, as a process reaches them."""
        transports = {service: Api(self.world, service, self._request) for service in Service}
        return TenantEdges(
            tenant=tenant,
            transports=cast("Any", transports),
            pacer=SometimesBusy(self),
            wait=self.sleep,
            clock=self.clock,
        )

    def _request(self, what: str, carry_out: Callable[[], Answer]) -> Answer:
        answer = self.effect(
            what, carry_out, before=self.chance.uniform(0.05, 0.4), after=self.chance.uniform(0.05, 0.3)
        )
        if what.startswith("GET"):
            for event in list(self._hooks.get("read", [])):
                if self.world.things[event["on"]].id in what or what.lower().endswith(("policies", "assignments")):
                    self.hook("read", event["on"])
        return answer


def _members_of(image: Mapping[str, Any], name: str) -> list[str]:
    wanted = SHORT.get(name, name)
    return [f"{name}[{member_of(leaf)}]" for leaf in leaves_of(dict(image)) if list_of(leaf) == wanted]


class SometimesBusy:
    """A pacer whose lane is sometimes taken, so that what was looked at before may have moved."""

    def __init__(self, play: Play) -> None:
        self._play = play

    def wait_for(self, tenant_id: str, lane: Lane) -> None:
        del tenant_id, lane
        self._play.sleep(self._play.chance.choice((0.0, 0.0, 0.0, 0.0, 1.0, 3.0)))

    def reserved(self, tenant_id: str, lane: Lane, calls: int) -> "SometimesBusy":
        """Give the same: somebody else's call may always come between."""
        del tenant_id, lane, calls
        return self


class PlayStorage(MemoryStorage):
    """Storage whose every operation takes a moment, and whose messages come back to the app."""

    def __init__(self, play: Play) -> None:
        super().__init__()
        self._play = play
        self.clock = play.clock

    def keys(self, table: Table) -> list[tuple[str, str]]:
        """Give the partition and key of each row of a table; takes no time of the story's."""
        return list(self._rows.get(table, ()))

    @override
    def enqueue(self, content: str | bytes, *, queue: str = CASES_QUEUE, delay: timedelta = timedelta()) -> None:
        body = content.encode() if isinstance(content, str) else content
        self._play.effect("PUT message", lambda: None, before=0.01)
        self._play.message(queue, body, delay.total_seconds())


_READS: Final = frozenset({"row", "rows", "pages", "timed_rows", "blob", "blobs", "blob_names", "queue_length"})


def _timed(name: str) -> Callable[..., Any]:
    plain = getattr(MemoryStorage, name)
    label = f"GET {name}" if name in _READS else f"PUT {name}"

    def timed(self: PlayStorage, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - as the operation takes
        play = self._play  # pyright: ignore[reportPrivateUsage] - of the same module
        return play.effect(label, lambda: plain(self, *args, **options), before=play.chance.uniform(0.004, 0.03))

    return timed


for _name in [each for each in vars(MemoryStorage) if not each.startswith("_") and each in dir(Storage)]:
    if callable(getattr(MemoryStorage, _name)) and _name not in vars(PlayStorage):
        setattr(PlayStorage, _name, _timed(_name))


@contextmanager
def _same_ids(chance: Random) -> Generator[None]:
    """Let ids that are made at random be the same in each play of a story."""
    plain = os.urandom
    os.urandom = lambda size: chance.getrandbits(size * 8).to_bytes(size)  # the function that uuid4 asks
    try:
        yield
    finally:
        os.urandom = plain


def play(story: Story, responder: Callable[[Play], Responder]) -> Result:
    """Play a story with a responder. The same story and responder give the same result."""
    return Play(story, responder).run()


__all__ = ["START", "Died", "Host", "Play", "PlayStorage", "Result", "Story", "play"]
