"""The product, as a story plays it: the one module that knows its entry points and where people look."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, override

import msgspec

from infra.local.world import SUBSCRIPTION
from responders.content import CONTENT
from responders.rosters import ROLE_ASSIGNABLE_GROUPS
from shared.authority.standing import Approval
from shared.clients.storage_names import Table
from shared.ingest.deliveries import take_in_delivery
from shared.ingest.intake import take_in
from shared.model.cases import Case
from shared.model.errors import EdgeError, LeaseLost
from shared.model.events import ActorKind
from shared.model.kinds import ApprovalList, Mode, ObjectKind
from shared.model.notices import SystemNotice
from shared.model.objects import IntentState, ObjectId, Objection, ObjectState, key_of
from shared.notify.messages import Digest, NoticeCall, NoticeDigest, PageMessage
from shared.notify.paged import Channel, Signal
from shared.objects.object_store import Kept, ObjectStore, instant_of
from shared.objects.restraints import Containment, Entry, RestraintStep, Said, StepState
from shared.objects.vouching import Vouching
from shared.respond.act_plans import plan_act
from shared.respond.acts import act
from shared.respond.asking import Verb, asking_of
from shared.respond.components import Runtime
from shared.respond.messages import CaseMessage, Message, ObjectMessage
from shared.respond.persons import Result, accept, leave, settle, show
from shared.respond.pipeline import answer
from shared.respond.reconcile import reconcile
from shared.respond.resume import resume
from shared.respond.sweep import sweep
from shared.respond.unexplained import UNEXPLAINED
from shared.runtime import build_runtime, vouching_of
from tests.fakes.declared_scenes import BY_NAME
from tests.fakes.runtime import settings_with
from tests.laws.oracle import LISTED, NEVER
from tests.laws.play import Play
from tests.laws.records import Delivery
from tests.laws.seen import Host, Page, Responder, Seen, SeenCase, SeenIntent
from tests.laws.world import GROUP, KINDS, PEOPLE, PROTECTED, SERVICES, START, TENANT_OF, instant

LISTS: Final = (
    ApprovalList.CONDITIONAL_ACCESS,
    ApprovalList.B2C_CUSTOM_POLICIES,
    ApprovalList.RBAC_ROLES,
    ApprovalList.DIRECTORY_ROLES,
    ApprovalList.APP_PERMISSIONS,
    ApprovalList.B2C_USER_FLOWS,
    ApprovalList.TENANT_SETTINGS,
    ApprovalList.B2C_API_CONNECTORS,
    ApprovalList.APP_REGISTRATIONS,
    ApprovalList.IDENTITY_PROVIDERS,
)
_AGAIN: Final = 45.0
_TRIES: Final = 30
_ACKNOWLEDGED_AFTER: Final = 180.0
"""Seconds after which the person on call acknowledges a page."""


class NotedObjects(ObjectStore):
    """The store of objects, which counts each new reason for which a leaf isn't put back."""

    def __init__(self, play: Play, firings: Counter[str], vouching: Vouching) -> None:
        super().__init__(play.storage, clock=play.clock, vouching=vouching)
        self._firings = firings

    @override
    def insert(self, state: ObjectState) -> Kept | None:
        self._count({}, state)
        return super().insert(state)

    @override
    def replace(self, kept: Kept, state: ObjectState) -> Kept:
        self._count(kept.state.pending, state)
        return super().replace(kept, state)

    def _count(self, before: Mapping[str, Objection], state: ObjectState) -> None:
        for leaf, objection in state.pending.items():
            if leaf not in before or before[leaf].guard != objection.guard:
                self._firings[objection.guard] += 1


@dataclass(slots=True, kw_only=True)
class OnCall:
    """Somebody who gets every message, and acknowledges the cases of a page a while later."""

    play: Play
    product: "Product"
    pages: list[tuple[float, tuple[str, ...], str]] = field(default_factory=list[tuple[float, tuple[str, ...], str]])
    """Each message: when it came, which cases it lists, and what it says."""

    def send(self, message: PageMessage) -> None:
        self._note(tuple(change.case_id for change in message.changes), _text(message))
        if message.worst is not None:
            acknowledge = partial(self.product.acknowledge, message.worst.case)
            self.play.at(self.play.now + _ACKNOWLEDGED_AFTER, acknowledge)

    def send_digest(self, digest: Digest) -> None:
        cases = tuple(change.case_id for message in digest.pages for change in message.changes)
        self._note(cases, " ".join(map(_text, digest.pages)))

    def send_system_notice(self, system_notice: SystemNotice) -> None:
        self._note((), _notice_text(system_notice))

    def send_call(self, call: NoticeCall) -> None:
        self._note((), _notice_text(call.system_notice))

    def signal(self, key: str, signal: Signal) -> None:
        """Nobody sees it."""

    def send_notice_digest(self, digest: NoticeDigest) -> None:
        self._note((), " ".join(map(_notice_text, digest.system_notices)))

    def _note(self, cases: tuple[str, ...], text: str) -> None:
        self.play.effect("GET channel", lambda: None, before=0.2)
        self.pages.append((self.play.now, cases, text))


def _fail_tampered(object_id: ObjectId, what: str) -> None:
    """Nobody tampers with anything in a story, whoever is killed when."""
    raise AssertionError(f"{object_id.kind} {object_id.key}: {what}")


def _text(message: PageMessage) -> str:
    worst = message.worst.case if message.worst else None
    said = (worst.because, worst.summary, worst.proof, worst.by_hand, worst.would) if worst else ()
    return " ".join((*(f"{change.what} {change.about}" for change in message.changes), *said))


def _notice_text(system_notice: SystemNotice) -> str:
    return f"{system_notice.title} {system_notice.text} {system_notice.what_to_do}"


class Product:
    """The product over a story's storage and tenant."""

    def __init__(self, play: Play) -> None:
        self.play = play
        limit = str(play.story.get("limit", 10))
        self.settings = settings_with(
            SUBSCRIPTION_IDS=SUBSCRIPTION,
            REMEDIATIONS_PER_HOUR=limit,
            STATE_KEYS="5a" * 32,
            PROTECTED_PRINCIPAL_IDS=",".join(PEOPLE[each] for each in PROTECTED),
        )
        self.on_call = OnCall(play=play, product=self)
        self.firings: Counter[str] = Counter()
        self.runtime = self._runtime()

    def _runtime(self) -> Runtime:
        play = self.play
        made = build_runtime(
            self.settings,
            CONTENT,
            storage=play.storage,
            senders={Channel.TEAMS: self.on_call},
            edges={each.id: play.edges(each) for each in self.settings.tenants},
            clock=play.clock,
            wait=play.sleep,
            elapsed=lambda: play.now,
            start=play.beside,
        )
        vouching = vouching_of(self.settings, play.storage, play.beside, _fail_tampered)
        return msgspec.structs.replace(made, objects=NotedObjects(play, self.firings, vouching))

    def set_up(self) -> None:
        self.play.storage.create_all()
        story = self.play.story
        for who in story.get("listed", LISTED):
            self._approve(who)
        for each in self._modes():
            self.runtime.controls.set_mode(each, Mode(story.get("mode", "enforce")), by="a story", reason="to begin")
        if any(each.kind == ObjectKind.GUARDED_GROUP for each in self.play.world.things.values()):
            self.runtime.rosters.sweep(ROLE_ASSIGNABLE_GROUPS, self.runtime.edges[TENANT_OF[ObjectKind.GUARDED_GROUP]])
        _ProductHost(self.runtime, self._kinds()).each_hour()
        for name in self.play.world.things:
            if name not in story.get("first_seen", ()) and self._id_of(name) is not None:
                self._person("accept", name, tries=0)

    def _approve(self, who: str) -> None:
        for each in LISTS:
            self.runtime.approvals.approve(
                Approval(
                    approval_list=each,
                    actor_id=PEOPLE[who],
                    kind=ActorKind.SERVICE_PRINCIPAL if who in SERVICES else ActorKind.USER,
                    name=who,
                    valid_from=instant(-9e6) if self.play.now < 0 else self.play.clock(),
                    valid_until=instant(9e6),
                    ticket="CHG-1",
                    approved_by="a story",
                ),
                reason="a story",
                since=instant(-9e6) if self.play.now < 0 else None,
            )

    def host(self) -> "Host":
        return _ProductHost(self._runtime(), self._kinds())

    def _kinds(self) -> frozenset[ObjectKind]:
        return frozenset(KINDS[each.kind] for each in self.play.world.things.values() if each.kind != GROUP)

    def _id_of(self, name: str) -> ObjectId | None:
        """Find an object of the tenant in the product's store, by any id that it had."""
        thing = self.play.world.things[name]
        if thing.kind == GROUP:
            return None
        kind, tenant_id = KINDS[thing.kind], TENANT_OF[thing.kind]
        found = (
            self.runtime.objects.read(ObjectId(tenant_id=tenant_id, kind=kind, key=key_of(each))) for each in thing.ids
        )
        return next((kept.id for kept in found if kept is not None), None)

    def _modes(self) -> tuple[str, ...]:
        """Give whose mode is set: that of all, and mostly those that have to be set by name too."""
        return ("*", *BY_NAME) if self.play.story.get("by_name", True) else ("*",)

    def act(self, event: Mapping[str, Any]) -> None:
        controls, approvals = self.runtime.controls, self.runtime.approvals
        match event["do"]:
            case "approve" if event["on"]:
                self._approve(event["who"])
            case "approve":
                for each in LISTS:
                    approvals.revoke(each, PEOPLE[event["who"]], by="a story", reason="a story")
            case "mode":
                for each in self._modes():
                    controls.set_mode(each, Mode(event["mode"]), by="a story", reason="a story")
            case "switch" if event["on"]:
                controls.stop(by="a story", reason="a migration")
            case "switch":
                controls.start(by="a story", reason="it is over")
            case "contain":
                self._contain(event["who"])
            case "accept" | "leave" | "settle" | "deny":
                self._person(event["do"], event["on"], tries=_TRIES)
            case _:
                pass

    def _contain(self, who: str) -> None:
        """Have a case hold an account: all that could be taken from it has been."""
        said = Said(by="Olga", at=self.play.clock(), reason="stolen")
        taken = Entry(at=said.at, state=StepState.DONE)
        step = RestraintStep(account=PEOPLE[who], name=who, act="disable", entries=(taken,))
        for tenant in self.settings.tenants:
            held = Containment(
                tenant_id=tenant.id,
                case=f"contained-{who}",
                detection="a story",
                asked=said,
                is_unasked=False,
                steps=(step,),
            )
            self.runtime.restraints.insert(held)

    def cases_of(self, name: str) -> list[Case]:
        """Give the cases of changes of an object."""
        ids = {each.lower() for each in self.play.world.things[name].ids}
        cases = (case for tenant in self.settings.tenants for case in self.runtime.ledger.cases(tenant.id))
        return [case for case in cases if case.target.id.lower() in ids and case.change]

    def last_case(self, name: str) -> Case | None:
        """Give the case of the last change of an object; None where it has none."""
        cases = self.cases_of(name)
        return max(cases, key=lambda case: (not case.detection.startswith("person-"), case.at), default=None)

    def _deny(self, name: str) -> Result:
        case = self.last_case(name)
        if case is None:
            return Result.BUSY
        asking = asking_of(case, Verb.DENY)
        plan = plan_act(self.runtime, asking).plan
        return act(self.runtime, asking, digest=plan.digest or "0" * 64, by="Olga", reason="it is needed").result

    def _person(self, what: str, name: str, *, tries: int) -> None:
        """Do what a person does to an object as it is shown; what is being looked at is tried again."""
        object_id, runtime = self._id_of(name), self.runtime
        try:
            if object_id is None:
                result = Result.BUSY
            elif what == "accept":
                digest = show(runtime, object_id).seen.digest
                result = accept(runtime, object_id, digest=digest, by="Olga", reason="as it should be").result
            elif what == "deny":
                result = self._deny(name)
            elif what == "leave":
                result = leave(runtime, object_id, leaves=(), by="Olga", reason="as it is").result
            else:
                result = settle(runtime, object_id, by="Olga", reason="it is wrong").result
        except (EdgeError, LeaseLost):
            result = Result.BUSY
        if result in {Result.BUSY, Result.MOVED} and tries:
            self.play.at(self.play.now + _AGAIN, partial(self._person, what, name, tries=tries - 1))

    def acknowledge(self, case: Case) -> None:
        try:
            self.runtime.notifier.acknowledge(case, by="Olga")
            self.runtime.ledger.acknowledge(case, by="Olga")
        except (EdgeError, LeaseLost):
            self.play.at(self.play.now + _AGAIN, partial(self.acknowledge, case))

    def next_due(self) -> float:
        stamps = [key.partition("|")[0] for _, key in self.play.storage.keys(Table.DUE)]
        return (instant_of(min(stamps)) - START).total_seconds() if stamps else NEVER

    def seen(self) -> Seen:
        found = Seen(firings=dict(self.firings))
        cases = [case for tenant in self.settings.tenants for case in self.runtime.ledger.cases(tenant.id)]
        # What no record explains has a case that is nobody's change.
        found.cases.extend(_seen_case(case) for case in cases if case.detection != UNEXPLAINED.id)
        objects = {case.id: case.target.id.lower() for case in cases}
        for at, cases, text in self.on_call.pages:
            found.pages.append(Page(at=at, object_ids=tuple(objects.get(each, "") for each in cases), text=text))
        for kept in self._objects():
            state = kept.state
            found.intents.extend(_seen_intents(state))
            reasons = {leaf: f"{each.guard}: {each.because}" for leaf, each in state.pending.items()}
            found.pending.update({each.lower(): reasons for each in state.ids if reasons})
        return found

    def _objects(self) -> Iterator[Kept]:
        for tenant in self.settings.tenants:
            for kind in self.runtime.kinds.values():
                for seen in self.runtime.objects.seen(tenant.id, kind.kind):
                    kept = self.runtime.objects.read(seen.id)
                    if kept is not None:
                        yield kept


def _seen_case(case: Case) -> SeenCase:
    return SeenCase(
        id=case.id,
        actor_id=case.actor.id,
        object_id=case.target.id,
        at=(case.at - START).total_seconds(),
        detections=case.detections or (case.detection,),
    )


def _seen_intents(state: ObjectState) -> list[SeenIntent]:
    return [
        SeenIntent(
            id=each.id,
            at=(each.at - START).total_seconds(),
            object_id=each.object_id or state.ids[-1],
            op=each.op,
            steps=each.steps,
            is_done=each.state is IntentState.BOOKED,
            has_before=bool(each.before),
        )
        for each in state.intents
    ]


class _ProductHost:
    """A process. Of kinds that a story has no object of it sweeps nothing: that would only take time."""

    def __init__(self, runtime: Runtime, swept: frozenset[ObjectKind]) -> None:
        self.runtime = runtime
        self.swept = swept

    def deliver(self, delivery: Delivery) -> None:
        if delivery.is_hint:
            take_in_delivery(self.runtime, delivery.raw)
        else:
            take_in(self.runtime, delivery.raw, tenant_id=delivery.tenant_id)

    def message(self, queue: str, body: bytes) -> None:
        assert queue == "cases", queue
        asked: CaseMessage | ObjectMessage = msgspec.json.decode(body, type=Message)
        if isinstance(asked, CaseMessage):
            answer(self.runtime, asked.tenant_id, asked.case_id)
        else:
            reconcile(self.runtime, asked.id, tenants_id=asked.tenants_id, looks=asked.looks)

    def each_minute(self) -> None:
        resume(self.runtime)

    def each_hour(self) -> None:
        for tenant in self.runtime.settings.tenants:
            for kind in self.runtime.kinds.values():
                if kind.tenant_kind is tenant.kind and kind.kind in self.swept:
                    sweep(self.runtime, kind, tenant)


def product(play: Play) -> Responder:
    return Product(play)
