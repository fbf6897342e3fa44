"""The runtime over any storage: a clock that tests move, channels that remember, lamps or a tenant to guard."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final

import msgspec

from infra.local.world import (
    ALICE,
    B2C_TENANT,
    BREAK_GLASS_1,
    BREAK_GLASS_2,
    LOGGED_RESOURCES,
    RESPONDER,
    RESPONDER_B2C,
    SUBSCRIPTION,
    WORKFORCE_TENANT,
    Principal,
)
from shared.authority.approvals import TableApprovals
from shared.authority.controls import Controls
from shared.authority.standing import Approval
from shared.clients.api import TenantEdges
from shared.clients.storage import Storage
from shared.clients.storage_names import CASES_QUEUE
from shared.detect.rosters import Roster
from shared.ingest.intake import Intake, take_in
from shared.model.account_acts import AccountAct
from shared.model.cases import Case, State
from shared.model.detections import AnyDetection
from shared.model.events import ActorKind
from shared.model.kinds import ApprovalList, Image, Mode
from shared.model.object_kinds import Kind
from shared.model.objects import ObjectState
from shared.model.settings import Settings, settings_from
from shared.model.start import one_after_another
from shared.model.tenant_api import TenantApi
from shared.notify.outbox import Sender
from shared.notify.paged import Channel
from shared.respond.case_run import MOST_ATTEMPTS
from shared.respond.components import Content, FindApplication, Runtime, no_application
from shared.respond.messages import Message, ObjectMessage
from shared.respond.persons import accept
from shared.respond.pipeline import answer
from shared.respond.reconcile import reconcile
from shared.respond.resume import resume
from shared.respond.sweep import sweep
from shared.runtime import build_runtime
from tests.fakes.clock import FakeClock
from tests.fakes.lamps import LAMP, Lamps, raw
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.senders import FakeSender
from tests.fakes.signed_lists import signing
from tests.fakes.tenant import Unpaced

TENANT: Final = WORKFORCE_TENANT
A_MINUTE: Final = timedelta(minutes=1)

SETTINGS: Final[Mapping[str, str]] = {
    "AzureWebJobsStorage": "UseDevelopmentStorage=true",
    "WORKFORCE_TENANT_ID": WORKFORCE_TENANT,
    "WORKFORCE_RESPONDER_ID": RESPONDER.id,
    "SUBSCRIPTION_IDS": SUBSCRIPTION,
    "LOGGED_RESOURCES": ",".join(LOGGED_RESOURCES),
    "EMERGENCY_ACCOUNT_IDS": f"{BREAK_GLASS_1.id},{BREAK_GLASS_2.id}",
    "B2C_TENANT_ID": B2C_TENANT,
    "B2C_RESPONDER_ID": RESPONDER_B2C.id,
    "B2C_CLIENT_ID": RESPONDER_B2C.client_id or "",
    "B2C_CERTIFICATE": "certificate.pem",
    "TEAMS_WEBHOOK_URL": "https://flows.example/workflows/1?sig=made-up",
    "PAGERDUTY_ROUTING_KEY": "0123456789abcdef0123456789abcdef",
    "CASE_LINK": "https://responder.example/api/cases/{case}",
}
"""Settings that are right; a test changes what it is about."""


def approval(
    principal: Principal, approval_list: ApprovalList = ApprovalList.CONDITIONAL_ACCESS, **changes: object
) -> Approval:
    """Make a row that approves somebody of everything on a list for the years around the tests."""
    fields: dict[str, object] = {
        "approval_list": approval_list,
        "actor_id": principal.id,
        "kind": ActorKind(principal.kind),
        "name": principal.name,
        "valid_from": datetime.fromisoformat("2026-01-01T00:00:00Z"),
        "valid_until": datetime.fromisoformat("2026-12-31T00:00:00Z"),
        "ticket": "CHG-1042",
        "approved_by": "Head of identity",
    }
    return Approval(**fields | changes)  # pyright: ignore[reportArgumentType] - the fields of an approval


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A machine and everything that a test looks at or moves."""

    runtime: Runtime
    storage: Storage
    clock: FakeClock
    teams: FakeSender
    pagerduty: FakeSender
    lamps: Lamps

    def seed(self, mode: Mode = Mode.ENFORCE) -> None:
        """Approve Alice, set the mode of every detection, take the snapshots that nobody has spoilt yet."""
        acts = signing(self.runtime)
        TableApprovals(self.storage, clock=self.clock, acts=acts).approve(approval(ALICE))
        Controls(self.storage, clock=self.clock, acts=acts).set_mode("*", mode, by="a test")

    def sweep(self) -> None:
        """Read every object of every kind."""
        for kind in self.runtime.kinds.values():
            sweep(self.runtime, kind, self.runtime.settings.workforce)

    def accept(self) -> None:
        """Accept every object as it stands."""
        for kind in self.runtime.kinds:
            for seen in [*self.runtime.objects.seen(TENANT, kind)]:
                accept(self.runtime, seen.id, digest=seen.digest, by="Carol Chen", reason="a test")

    def take_in(self, *records: Image, tenant_id: str = TENANT) -> Intake:
        return self.take_in_raw(raw(*records), tenant_id=tenant_id)

    def take_in_raw(self, records: bytes, *, tenant_id: str = TENANT) -> Intake:
        return take_in(self.runtime, records, tenant_id=tenant_id)

    def cases(self, tenant_id: str = TENANT) -> list[Case]:
        """Give every case, oldest first."""
        return self.runtime.ledger.cases(tenant_id)[::-1]

    def answer_all(self, tenant_id: str = TENANT) -> list[Case]:
        """Answer everything that the queue has, and each open case once; give how all cases stand then."""
        self.answer_queue()
        for case in self.cases(tenant_id):
            if not case.object_key:
                answer(self.runtime, tenant_id, case.id)
        return self.cases(tenant_id)

    def answer_queue(self) -> None:
        """Do what the messages of the queue ask for, each once."""
        for message in self.storage.take_messages(CASES_QUEUE, most=1000, hidden_for=A_MINUTE):
            asked = msgspec.json.decode(message.body, type=Message)
            if isinstance(asked, ObjectMessage):
                reconcile(self.runtime, asked.id, tenants_id=asked.tenants_id, looks=asked.looks)
                self.storage.delete_message(message)

    def answer_until_closed(self, tenant_id: str = TENANT) -> Case:
        """Go on with the only case as the queue and the timer would; gives it when it is closed."""
        for _ in range(MOST_ATTEMPTS + 2):
            if self.only_case(tenant_id).state is State.CLOSED:
                break
            self.clock.move(3 * A_MINUTE)
            answer(self.runtime, tenant_id, self.only_case(tenant_id).id)
        case = self.only_case(tenant_id)
        assert case.state is State.CLOSED, case
        return case

    def only_object(self, tenant_id: str = TENANT) -> ObjectState:
        (seen,) = [one for kind in self.runtime.kinds for one in self.runtime.objects.seen(tenant_id, kind)]
        kept = self.runtime.objects.read(seen.id)
        assert kept is not None
        return kept.state

    def only_case(self, tenant_id: str = TENANT) -> Case:
        (case,) = self.cases(tenant_id)
        return case


@cache
def settings_with(**changes: str) -> Settings:
    """Read the settings with changes; the same are read once a process."""
    return settings_from({**SETTINGS, **changes})


def bench(
    storage: Storage,
    *,
    lamps: Lamps | None = None,
    detections: tuple[AnyDetection, ...] = (),
    kinds: tuple[Kind, ...] = (),
    rosters: tuple[Roster, ...] = (),
    edges: TenantEdges | None = None,
    senders: Mapping[Channel, Sender] | None = None,
    is_enabled: Callable[[TenantApi, str], bool | None] = lambda _api, _id: None,
    is_microsofts: Callable[[TenantApi, str], bool | None] = lambda _api, _id: False,
    find_application: FindApplication = no_application,
    clock: FakeClock | None = None,
    account_acts: tuple[AccountAct, ...] = (),
    **settings: str,
) -> Bench:
    """Put a machine together over `storage`; about lamps, where no other content is given."""
    clock = clock or FakeClock()
    if isinstance(inner := getattr(storage, "inner", storage), MemoryStorage):
        inner.clock = clock
    lamps = lamps or Lamps()
    read = settings_with(**settings)
    detections = detections or (lamps.detection(),)
    teams, pagerduty = FakeSender(), FakeSender()
    channels: Mapping[Channel, Sender] = senders or {Channel.TEAMS: teams, Channel.PAGERDUTY: pagerduty}
    each = {
        tenant.id: TenantEdges(tenant=tenant, transports={}, pacer=Unpaced(), wait=clock.wait)
        for tenant in read.tenants
    }
    runtime = build_runtime(
        read,
        Content(
            detections=detections,
            kinds=kinds or (lamps.kind(),),
            rosters=rosters,
            is_enabled=is_enabled,
            is_microsofts=is_microsofts,
            find_application=find_application,
            account_acts=account_acts,
        ),
        storage=storage,
        senders=channels,
        edges=each | ({edges.tenant.id: edges} if edges else {}),
        clock=clock,
        wait=clock.wait,
        elapsed=lambda: clock().timestamp(),
        start=one_after_another,
    )
    return Bench(runtime=runtime, storage=storage, clock=clock, teams=teams, pagerduty=pagerduty, lamps=lamps)


def ready_bench(storage: Storage, *, mode: Mode = Mode.ENFORCE, **options: Any) -> Bench:  # noqa: ANN401 - as `bench` takes
    """Give a machine with Alice approved and a lamp that was on ten minutes ago, and that somebody accepted.

    Then the lamp is switched off, as an actor of a test would.
    """
    made = bench(storage, **options)
    made.clock.move(-10 * A_MINUTE)
    made.seed(mode)
    made.sweep()
    made.accept()
    resume(made.runtime)
    made.clock.move(10 * A_MINUTE)
    made.lamps.state[LAMP] = "off"
    return made
