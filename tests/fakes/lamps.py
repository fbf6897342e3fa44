"""The smallest thing that can be changed without approval and put back: a lamp. With its detections and records.

`shared` knows nothing of what is guarded, so its tests are about lamps; that real content works on it is tested with
the catalogue.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from infra.local.world import ALICE, MALLORY, Principal
from responders.detections.samples import audit_record
from shared.clients.api import TenantEdges
from shared.detect.fields import Audit
from shared.model.conditions import Condition, all_of
from shared.model.detections import Answer, AnyDetection, Detection
from shared.model.errors import DoneAlready, Refused, Rejected, Throttled
from shared.model.events import Actor, ActorKind, AuditEvent, Event, Log, Target
from shared.model.kinds import ApprovalList, Image, ObjectKind, Risk, TenantKind
from shared.model.object_kinds import GuardFacts, Kind, LeafRules, Made, Search, Write
from shared.model.objects import EXISTS, WHOLE, Objection, Op, Recorded, Step
from shared.model.remediations import Inventory, Remediation
from shared.model.tenant_api import TenantApi
from tests.fakes.clock import NOW

LAMP: Final = "1a3b0000-0000-4000-8000-000000000001"
AT: Final = NOW - timedelta(minutes=5)
"""When a change is made, unless it is said."""


@dataclass(slots=True)
class Lamps:
    """Lamps by id, "on" or "off". `spoil` is called before each call, with its number and name, and may raise.

    So may `spoil_after`, when the call has been carried out. `while_waiting` is called before each write.
    """

    state: dict[str, str] = field(default_factory=lambda: {LAMP: "on"})
    touches: frozenset[str] = frozenset()
    gains: frozenset[str] = frozenset()
    objection: Objection | None = None
    calls: list[str] = field(default_factory=list[str])
    spoil: Callable[[int, str], None] = lambda _number, _call: None
    spoil_after: Callable[[int, str], None] = lambda _number, _call: None
    while_waiting: Callable[[], None] = lambda: None
    new_id: str = ""
    made_first: str = ""

    @property
    def writes(self) -> list[str]:
        return [call for call in self.calls if call.startswith("set")]

    def read(self, _api: TenantApi, lamp: str) -> Image | None:
        self._call("look", lambda: None)
        state = self.state.get(lamp)
        return None if state is None else {"id": lamp, "state": state}

    def write(self, api: TenantApi, write: Write) -> str:
        if write.op is Op.CREATE and self.new_id:
            return self._make(api, write)

        def switch() -> None:
            if write.op is Op.DELETE:
                del self.state[write.object_id]
            else:
                self.state[write.object_id] = str(write.target["state"])

        self.while_waiting()
        assert isinstance(api, TenantEdges)
        self._write(api, "delete" if write.op is Op.DELETE else f"set {write.target['state']}", switch)
        return write.object_id

    def _make(self, api: TenantApi, write: Write) -> str:
        """Make a lamp under a new id, dim at first where it is to be so, unless it is there already."""
        assert isinstance(api, TenantEdges)
        state = str(write.target["state"])
        if self.new_id not in self.state:
            self._write(api, "make", lambda: self.state.update({self.new_id: self.made_first or state}))
        if self.state[self.new_id] != state:
            self._write(api, f"set {state}", lambda: self.state.update({self.new_id: state}))
        return self.new_id

    def find(self, _api: TenantApi, search: Search) -> Image | None:
        found = next((each for each in (*search.ids, self.new_id) if each in self.state), None)
        return None if found is None else {"id": found, "state": self.state[found]}

    def around(self, _api: TenantApi, _facts: GuardFacts) -> None:
        return None

    def objections(self, _facts: GuardFacts) -> Mapping[str, Objection]:
        return {} if self.objection is None else {WHOLE: self.objection}

    def _write(self, api: TenantEdges, name: str, carry_out: Callable[[], None]) -> None:
        api.before_write()
        try:
            self._call(name, carry_out)
        except (Throttled, Refused, Rejected, DoneAlready):
            api.after_refusal()
            raise

    def _call(self, name: str, carry_out: Callable[[], None]) -> None:
        number = len(self.calls)
        self.calls.append(name)
        self.spoil(number, name)
        carry_out()
        self.spoil_after(number, name)

    def read_all(self, _edges: TenantApi) -> Mapping[str, Image]:
        return {lamp: {"id": lamp, "state": state} for lamp, state in self.state.items()}

    def remediation(self) -> Remediation:
        return Remediation(
            id="switch-lamp-back",
            title="Switch the lamp back",
            undo="Switch it again.",
            kind=ObjectKind.CA_POLICY,
            destructive=False,
            find_calls=tuple,
        )

    def kind(self) -> Kind:
        return Kind(
            kind=ObjectKind.CA_POLICY,
            title="lamp",
            tenant_kind=TenantKind.WORKFORCE,
            rules=LeafRules(same=lambda _leaf, one, other: one == other, is_joint=lambda leaf: leaf == EXISTS),
            calls=(),
            log=Log.AUDIT,
            activities=frozenset({"switch lamp"}),
            inventory=Inventory(
                kind=ObjectKind.CA_POLICY, tenant_kind=TenantKind.WORKFORCE, calls=(), read=self.read_all
            ),
            id_of=lambda lamp: str(lamp["id"]),
            name_of=lambda _lamp: "The lamp in the hall",
            leaves=lambda lamp: {EXISTS: True, "state": lamp["state"]},
            recorded=_recorded,
            read=self.read,
            find=self.find,
            lane=lambda of, _id, _image: f"lamps {of.tenant_id}",
            look_around=self.around,
            objections=self.objections,
            loses=lambda _stands, _target: self.touches,
            gains=lambda _stands, _target: self.gains,
            write=self.write,
            made=lambda _lamp: Made(),
            made_first={"state": self.made_first} if self.made_first else {},
            undo="Switch it again.",
        )

    def detection(self, **differences: Any) -> AnyDetection:  # noqa: ANN401 - the fields of a detection
        """Declare the detection of a switched lamp; `differences` are its fields by name."""
        fields: dict[str, Any] = {
            "id": "lamp-switched",
            "seed_row": "lamps/1",
            "title": "Lamp switched by an unapproved actor",
            "why": "Somebody may stumble.",
            "risk": Risk.HIGH,
            "log": Log.AUDIT,
            "when": switching("Switch lamp"),
            "unless_actor_in": ApprovalList.CONDITIONAL_ACCESS,
            "answer": Answer.PAGE,
            "remediation": self.remediation(),
        }
        return Detection(**fields | differences)

    def bell(self, **differences: Any) -> AnyDetection:  # noqa: ANN401 - the fields of a detection
        """Declare a detection of what changes no guarded object: such a case is answered by itself."""
        return self.detection(**{"id": "bell-rung", "when": switching("Ring bell"), "remediation": None} | differences)


def _recorded(event: Event) -> tuple[Recorded, ...]:
    """Say what the record of a switched lamp tells: the lamp, and its state before and after."""
    if (
        not isinstance(event, AuditEvent)
        or event.activity not in {"Switch lamp", "Break lamp"}
        or event.outcome != "success"
    ):
        return ()
    wrote: dict[str, Step] = {
        change.name: (change.old, change.new) for change in event.target.changes if change.name == "state"
    }
    op = Op.UPDATE
    if any(new == "gone" for _, new in wrote.values()):
        op = Op.DELETE
        wrote = {EXISTS: (True, None)}
    elif any(old == "gone" for old, _ in wrote.values()):
        op = Op.CREATE
        wrote = {EXISTS: (None, True), **{leaf: (None, new) for leaf, (_, new) in wrote.items()}}
    recorded = Recorded(object_id=event.target.id, name=event.target.name, op=op, wrote=wrote, is_whole=bool(wrote))
    return (recorded,)


def switching(activity: str) -> Condition[AuditEvent]:
    """Give the condition of a detection: an activity that succeeded."""
    return all_of(Audit.activity.is_(activity), Audit.outcome.is_("success"))


def actor_of(principal: Principal) -> Actor:
    return Actor(id=principal.id, name=principal.upn or principal.name, kind=ActorKind(principal.kind))


def lamp_record(
    by: Principal | None = MALLORY,
    *,
    at: datetime = AT,
    to: str = "off",
    was: str = "",
    lamp: str = LAMP,
    correlation_id: str = "",
    **differences: object,
) -> Image:
    """Make Graph's record of a lamp that was switched; its ids follow from what is said."""
    was = was or ("on" if to != "on" else "off")
    correlation = correlation_id or f"c0de0000-0000-4000-8000-{at:%d%H%M%S}{(by.id if by else 'ffff')[:4]}"
    return audit_record(
        "Switch lamp",
        **{
            "id": f"Lamps_{correlation}_{at:%H%M%S}_{to}",
            "correlationId": correlation,
            "activityDateTime": at.isoformat().replace("+00:00", "Z"),
            "initiatedBy": initiated_by(by),
            "targetResources": [
                {
                    "id": lamp,
                    "displayName": "The lamp in the hall",
                    "type": "Other",
                    "modifiedProperties": [
                        {"displayName": "state", "oldValue": f'"{was}"', "newValue": f'"{to}"'},
                    ],
                }
            ],
        }
        | differences,
    )


def bell_record(by: Principal | None = MALLORY, **differences: Any) -> Image:  # noqa: ANN401 - as `lamp_record` takes
    """Make Graph's record of a bell that was rung."""
    fields: dict[str, Any] = {"activityDisplayName": "Ring bell"} | differences
    return lamp_record(by, **fields)


def initiated_by(principal: Principal | None) -> Image:
    if principal is None:
        return {"user": None, "app": None}
    if principal.kind == "user":
        return {"user": {"id": principal.id, "userPrincipalName": principal.upn, "ipAddress": principal.ip}}
    return {"app": {"servicePrincipalId": principal.id, "displayName": principal.name}}


def raw(*records: Image) -> bytes:
    """Write records as a page of Graph's."""
    return json.dumps({"value": records}).encode()


def lamp_event(by: Principal = MALLORY, *, tenant_id: str = "", **differences: Any) -> AuditEvent:  # noqa: ANN401 - fields
    """Make the event of a lamp that was switched."""
    fields: dict[str, Any] = {
        "id": "Lamps_1",
        "tenant_id": tenant_id or ALICE.tenant,
        "at": AT,
        "activity": "Switch lamp",
        "category": "Lamps",
        "service": "Lamps",
        "outcome": "success",
        "reason": "",
        "correlation_id": "c0de0000-0000-4000-8000-000000000001",
        "actor": actor_of(by),
        "targets": (Target(id=LAMP, name="The lamp in the hall", kind="Other"),),
    }
    return AuditEvent(**fields | differences)
