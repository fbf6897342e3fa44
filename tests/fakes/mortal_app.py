"""An app that is killed with kill -9 right before or after a chosen effect: `python -m tests.fakes.mortal_app`.

It reads an `Order` a line. For each it forks, so that a process takes milliseconds; the fork has a memory of its own,
connections of its own, and goes on from what is stored: it does what the timer does, then answers one request. It is
killed by the first effect that the order doesn't say was survived: a write to storage, to the tenant, or a message.
What came of it is one line: an `Outcome`.
"""

import importlib
import os
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast, override

import msgspec
from azure.core.credentials import AccessToken
from msgspec import Struct

from infra.local.world import RESPONDER, SUBSCRIPTION, WORKFORCE_TENANT
from responders.runbooks.break_glass import BREAK_GLASS
from shared.clients.answers import Answer
from shared.clients.api import TenantEdges
from shared.clients.arm import ArmTransport
from shared.clients.graph import GraphTransport
from shared.clients.storage import Storage
from shared.emergency.asking import Problem
from shared.emergency.presenting import report_writer
from shared.model.calls import Service
from shared.model.kinds import TenantKind
from shared.model.settings import Settings, Tenant
from shared.notify.channels import PagerDutySender, TeamsSender
from shared.notify.outbox import Sender
from shared.notify.paged import Channel
from tests.fakes.clock import FakeClock
from tests.fakes.emergencies import CAROL, DAVE
from tests.fakes.runbooks import Desk, desk
from tests.fakes.runtime import settings_with
from tests.fakes.spoilt_storage import Faults, SpoiltStorage
from tests.fakes.tenant import Unpaced


class Order(Struct, frozen=True, kw_only=True):
    """What a process is to do, and what it may survive.

    `path`, `by` and `body` are the request ("" for none: the timer alone comes); `now` is its time. `survived` are the
    names of effects that kill nothing more. `tokens` are for Graph and ARM.
    """

    storage: str
    graph: str
    arm: str
    tokens: tuple[str, str]
    settings: Mapping[str, str]
    now: datetime
    path: str | None
    by: str
    body: dict[str, Any]
    survived: frozenset[str]


class Outcome(Struct, frozen=True, kw_only=True):
    """`killed_by` is the effect that the process was killed at, "" where it came to its end.

    `problem` is what the request was answered with where it was refused. `imported` are modules that were imported only
    then: they are imported before the next fork, since that takes longer than all else.
    """

    killed_by: str = ""
    problem: str = ""
    imported: tuple[str, ...] = ()


@dataclass(slots=True)
class Fate:
    """Kills at the first effect of a kind that isn't among those which were survived.

    A step that keeps fifty files dies of the first one, and not of the next forty-nine.
    """

    survived: frozenset[str]
    report: Callable[[str], None]

    def over[T](self, what: str, carry_out: Callable[[], T], *, also_before: bool = False) -> T:
        if also_before:
            self._met(f"before {what}")
        done = carry_out()
        self._met(f"after {what}")
        return done

    def _met(self, name: str) -> None:
        if name not in self.survived:
            self.report(name)
            os.kill(os.getpid(), signal.SIGKILL)


_READS: Final = frozenset({"row", "rows", "blob", "blobs", "blob_names", "take"})


@dataclass(slots=True, kw_only=True)
class _Deadly(Faults):
    """Spoils nothing; what writes to storage may be a process's last act."""

    fate: Fate

    @override
    def over[T](self, operation: str, carry_out: Callable[[], T]) -> T:
        is_read = operation.partition(" ")[0] in _READS
        return carry_out() if is_read else self.fate.over(operation, carry_out)


def _mortal_storage(inner: Storage, fate: Fate) -> SpoiltStorage:
    storage = SpoiltStorage(inner)
    storage.faults = _Deadly(fate=fate)
    return storage


class _MortalTransport:
    """Graph or ARM over HTTP; a write may be a process's last act."""

    def __init__(self, inner: GraphTransport | ArmTransport, fate: Fate) -> None:
        self._inner = inner
        self._fate = fate

    def exchange(
        self, method: str, url: str, *, query: Mapping[str, str], body: bytes | None, content_type: str
    ) -> Answer:
        def send() -> Answer:
            return self._inner.exchange(method, url, query=query, body=body, content_type=content_type)

        if method == "GET":
            return send()
        return self._fate.over(f"{method} {url.rpartition('?')[0] or url}", send, also_before=True)


class _MortalSender:
    """A channel over HTTP; each message may be a process's last act."""

    def __init__(self, inner: Sender, fate: Fate, name: str) -> None:
        self._inner = inner
        self._fate = fate
        self._name = name

    def __getattr__(self, method: str) -> Callable[..., None]:
        send = getattr(self._inner, method)
        return lambda *message: self._fate.over(f"{self._name} {method}", lambda: send(*message), also_before=True)


class _Token:
    def __init__(self, token: str) -> None:
        self._token = token

    def get_token(self, *_scopes: str, **_options: object) -> AccessToken:
        return AccessToken(self._token, 2**33)


def _edges(order: Order, fate: Fate, clock: FakeClock) -> TenantEdges:
    graph, arm = (_Token(token) for token in order.tokens)
    transports = {
        Service.GRAPH: GraphTransport(url=order.graph, version="v1.0", credential=graph),
        Service.GRAPH_BETA: GraphTransport(url=order.graph, version="beta", credential=graph),
        Service.ARM: ArmTransport(url=order.arm, credential=arm),
    }
    tenant = Tenant(
        kind=TenantKind.WORKFORCE,
        id=WORKFORCE_TENANT,
        responder_id=RESPONDER.id,
        client_id="",
        subscriptions=frozenset({SUBSCRIPTION}),
    )
    mortal = {service: _MortalTransport(transport, fate) for service, transport in transports.items()}
    return TenantEdges(tenant=tenant, transports=mortal, pacer=Unpaced(), wait=clock.wait, clock=clock)


def _senders(settings: Settings, fate: Fate, clock: FakeClock) -> dict[Channel, Sender]:
    made = {
        Channel.TEAMS: TeamsSender(settings, clock=clock),
        Channel.PAGERDUTY: PagerDutySender(settings, clock=clock),
    }
    return {channel: cast("Sender", _MortalSender(sender, fate, channel)) for channel, sender in made.items()}


def _app(order: Order, fate: Fate) -> Desk:
    storage = _mortal_storage(Storage({"AzureWebJobsStorage": order.storage}), fate)
    clock = FakeClock(order.now)
    senders = _senders(settings_with(**order.settings), fate, clock)
    made = desk(
        storage,
        runbook=BREAK_GLASS,
        clock=clock,
        senders=senders,
        edges=_edges(order, fate, clock),
        **cast("dict[str, Any]", order.settings),
    )
    writer = report_writer(made.bench.runtime, BREAK_GLASS, former=lambda: ())
    return Desk(bench=made.bench, engine=msgspec.structs.replace(made.engine, write_report=writer), steps=made.steps)


def _digest(app: Desk, what: str) -> str:
    """Give the digest that a person copies from what he was shown: of what is proposed, or of what waits."""
    emergency = app.emergency
    waiting = [one.digest for one in emergency.asked(what)]
    return next((one.digest for one in emergency.step(6).proposals if one.what == what), waiting[-1] if waiting else "")


def _live(order: Order, fate: Fate) -> str:
    """Do what the timer does, and answer the request; gives why it was refused, "" where it wasn't."""
    app = _app(order, fate)
    app.tick()
    app.bench.runtime.notifier.resume(lambda _tenant, _case: None)
    if order.path is None:
        return ""
    body = order.body | ({"digest": _digest(app, order.body["what"])} if "what" in order.body else {})
    try:
        app.ask(order.path, {"carol": CAROL, "dave": DAVE}[order.by], **body)
    except Problem as problem:
        return problem.detail
    return ""


def _process(order: Order) -> None:
    """Live in a process of one's own, wait for its end, and say what came of it."""
    words, mouth = os.pipe()
    known = frozenset(sys.modules)
    child = os.fork()
    if child == 0:
        os.close(words)

        def say(outcome: Outcome) -> None:
            imported = tuple(sys.modules.keys() - known)
            os.write(mouth, msgspec.json.encode(msgspec.structs.replace(outcome, imported=imported)))

        say(Outcome(problem=_live(order, Fate(order.survived, lambda name: say(Outcome(killed_by=name))))))
        os._exit(0)
    os.close(mouth)
    with os.fdopen(words, "rb") as heard:
        outcome = msgspec.json.decode(heard.read(), type=Outcome)
    _, status = os.waitpid(child, 0)
    assert status == (signal.SIGKILL if outcome.killed_by else 0), status
    for name in outcome.imported:
        with suppress(ImportError):
            importlib.import_module(name)
    sys.stdout.buffer.write(msgspec.json.encode(outcome) + b"\n")
    sys.stdout.buffer.flush()


def main() -> None:
    """Carry out orders until there are no more."""
    for line in sys.stdin.buffer:
        _process(msgspec.json.decode(line, type=Order))


if __name__ == "__main__":
    main()
