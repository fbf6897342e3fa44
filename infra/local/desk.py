"""The operator's side of the local stack: what they see in storage, and what a team enters on its first day."""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import timedelta
from functools import cached_property
from typing import Final

from infra.local.inbox.webhook import PEOPLE
from infra.local.operators import LocalOperators
from infra.local.signing import two_operators
from infra.local.stack import Stack
from infra.local.world import (
    ALICE,
    BREAK_GLASS_1,
    CAROL,
    READER,
    RELEASE_PIPELINE,
    TRUDY,
    Principal,
    role_assignment_path,
    role_definition_id,
)
from responders.content import CONTENT
from shared.authority.acts import UNSIGNED
from shared.authority.approvals import TableApprovals
from shared.authority.controls import Controls
from shared.authority.owners import NamedOwner, TableOwners
from shared.authority.standing import Approval
from shared.clients.storage import Storage
from shared.clients.storage_names import Table
from shared.model.cases import Case
from shared.model.clock import utc_now
from shared.model.events import ActorKind
from shared.model.kinds import ApprovalList, Mode, ObjectKind
from shared.model.objects import ObjectId
from shared.model.settings import Settings, settings_from
from shared.notify.page_store import cases_on_pages
from shared.notify.paged import Channel
from shared.notify.reached import note_reached
from shared.respond.components import Runtime
from shared.respond.ledger import Ledger
from shared.respond.persons import Result, accept, show
from shared.respond.sweep import swept_at
from shared.runtime import build_runtime

_ASSIGNMENT: Final = "0a551600-00d0-4c70-b0c7-000000000001"


class Desk:
    """What an operator sees and sets: the storage account behind the app."""

    def __init__(self, values: dict[str, str], operators: LocalOperators | None = None) -> None:
        self.settings: Settings = settings_from(values)
        self.storage = Storage(values)
        self._values = values
        self.acts = two_operators(self.settings, self.storage, values, operators) if operators else UNSIGNED
        evidence = Storage(values, prefix="EvidenceStorage")
        self.ledger = Ledger(self.storage, evidence, clock=utc_now, lease=timedelta(minutes=1))
        self.approvals = TableApprovals(self.storage, clock=utc_now, acts=self.acts)
        self.controls = Controls(self.storage, clock=utc_now, acts=self.acts)
        self._read: set[tuple[str, ObjectKind]] = set()

    def seed(self) -> None:
        """Approve the approved, name the owners, switch the whole catalogue to enforce."""
        self.storage.create_all()
        self.approve(ALICE, ApprovalList.CONDITIONAL_ACCESS)
        self.approve(ALICE, ApprovalList.RBAC_ROLES)
        self.approve(RELEASE_PIPELINE, ApprovalList.CONDITIONAL_ACCESS)
        self.approve(CAROL, ApprovalList.B2C_CUSTOM_POLICIES)
        owner = NamedOwner(scope="*", order="010", name=ALICE.name, upn=ALICE.upn or "", pagerduty=next(iter(PEOPLE)))
        TableOwners(self.storage, clock=utc_now, acts=self.acts).name(owner, by="the demo")
        note_reached(self.storage, owner, Channel.TEAMS, at=utc_now())  # as if she had answered the weekly test
        self.controls.set_mode("*", Mode.ENFORCE, by="the demo")

    def approve(self, principal: Principal, approval_list: ApprovalList) -> None:
        """Approve somebody for a month."""
        self.approvals.approve(
            Approval(
                approval_list=approval_list,
                actor_id=principal.id,
                kind=ActorKind(principal.kind),
                name=principal.name,
                valid_from=utc_now() - timedelta(days=1),
                valid_until=utc_now() + timedelta(days=30),
                ticket="CHG-1042",
                approved_by=BREAK_GLASS_1.name,
            )
        )

    def approve_everywhere(self, principal: Principal) -> None:
        """Approve somebody in each list in which nobody is: an empty list approves nobody and tells nothing apart."""
        for approval_list in ApprovalList:
            if self.approvals.is_empty(approval_list):
                self.approve(principal, approval_list)

    def objects_read(self) -> bool:
        """Whether every guarded object was read once that a tier lets the app read. Of those read it asks no more."""
        for tenant in self.settings.tenants:
            for kind in CONTENT.kinds:
                place = tenant.id, kind.kind
                if kind.tenant_kind is not tenant.kind or kind.inventory.is_by_hand or place in self._read:
                    continue
                if swept_at(self.storage, *place) is None:
                    return False
                self._read.add(place)
        return True

    def accept_all(self, *, within: float = 60.0) -> str:
        """Accept every object as it stands, as people do on the first day; gives what came of it, in words.

        One that is just being looked at, or was read anew since it was shown, is tried again.

        Raises:
            TimeoutError: not every object could be accepted in time.
        """
        accepted: set[ObjectId] = set()

        def are_all_accepted() -> bool:
            found = self.object_ids()
            accepted.update(each for each in found if each not in accepted and self._accepts(each))
            return accepted.issuperset(found)

        until(are_all_accepted, within=within, what="every object accepted")
        return f"{CAROL.name} accepts {len(accepted)} objects as they stand: only what is accepted is ever written back"

    def _accepts(self, object_id: ObjectId) -> bool:
        shown = show(self.runtime, object_id)
        done = accept(self.runtime, shown.state.id, digest=shown.seen.digest, by=CAROL.name, reason="the first day")
        return done.result is Result.DONE

    def object_ids(self) -> list[ObjectId]:
        """Name every guarded object that was read."""
        objects = self.runtime.objects
        kinds = [(tenant, kind) for tenant in self.settings.tenants for kind in CONTENT.kinds]
        return [seen.id for tenant, kind in kinds for seen in objects.seen(tenant.id, kind.kind)]

    @cached_property
    def runtime(self) -> Runtime:
        """Give the app's parts, over the same accounts, without its tenants and channels."""
        return build_runtime(self.settings, CONTENT, environment=self._values, senders={}, edges={})

    def rosters_read(self) -> bool:
        """Whether each tenant has every roster of its kind."""
        rosters = ((roster, tenant) for roster in CONTENT.rosters for tenant in self.settings.tenants)
        due = sum(tenant.kind in roster.tenant_kinds for roster, tenant in rosters)
        return len(self.storage.rows(Table.ROSTERS, "PartitionKey ge ''")) == due

    def cases(self) -> list[Case]:
        """Read every case of both tenants."""
        return [case for tenant in self.settings.tenants for case in self.ledger.cases(tenant.id)]

    def pages(self) -> list[frozenset[str]]:
        """Give the ids of the cases on each page of today and yesterday."""
        now = utc_now()
        days = (cases_on_pages(self.storage, day) for day in (now - timedelta(days=1), now))
        return [cases for day in days for cases in day.values()]

    @contextmanager
    def without_approvals(self) -> Generator[None]:
        """Take the approval table away, and give it back with what was in it."""
        rows = self.storage.rows(Table.APPROVED_ACTORS, "PartitionKey ge ''")
        self.storage.delete_table(Table.APPROVED_ACTORS)
        try:
            yield
        finally:
            self.storage.create_all()
            for row in rows:
                self.storage.upsert(Table.APPROVED_ACTORS, row.partition, row.key, row.columns)


def settle_in(stack: Stack, operators: LocalOperators | None = None) -> Desk:
    """Approve who is approved, name the owner, and have a role given, so that Event Grid has something to deliver."""
    desk = Desk(stack.operator_values(), operators)
    desk.seed()
    desk.approve_everywhere(ALICE)
    until(desk.objects_read, within=60, what="the first look at every guarded object")
    print(desk.accept_all(), flush=True)
    body = {"properties": {"roleDefinitionId": role_definition_id(READER), "principalId": TRUDY.id}}
    with stack.control.as_principal(ALICE, "arm") as arm:
        path = role_assignment_path(_ASSIGNMENT)
        arm.put(path, params={"api-version": "2022-04-01"}, json=body).raise_for_status()
    return desk


def until[T](find: Callable[[], T | None], *, within: float, what: str) -> T:
    """Ask until there is an answer.

    Raises:
        TimeoutError: there is none in time.
    """
    deadline = time.monotonic() + within
    while True:
        found = find()
        if found:
            return found
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: nothing in {within:.0f} s")
        time.sleep(0.1)
