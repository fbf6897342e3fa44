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
from shared.model.events import Actor, ActorKind, AuditEvent, Change, Log, Target
from shared.model.kinds import ApprovalList, Image, ObjectKind, Risk, TenantKind
from shared.model.remediations import Already, Doubt, Inventory, Known, Look, Plan, Put, Remediation, Situation
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
    plan_touches: frozenset[str] = frozenset()
    last_holder: bool | None = False
    calls: list[str] = field(default_factory=list[str])
    spoil: Callable[[int, str], None] = lambda _number, _call: None
    spoil_after: Callable[[int, str], None] = lambda _number, _call: None
    while_waiting: Callable[[], None] = lambda: None
    situations: list[Situation] = field(default_factory=list[Situation])

    @property
    def writes(self) -> list[str]:
        return [call for call in self.calls if call.startswith("set")]

    def look(self, _edges: TenantApi, target: Target) -> Look:
        self._call("look", lambda: None)
        state = self.state.get(target.id)
        current = None if state is None else {"id": target.id, "state": state}
        return Look(current=current, touches=self.touches, last_holder=self.last_holder)

    def plan(self, situation: Situation) -> Plan:
        """Go back to how the snapshot has it."""
        self.situations.append(situation)
        if not isinstance(situation.baseline, Known):
            return Doubt(because=f"it isn't known how the lamp was: {situation.baseline.because}")
        wanted = str((situation.baseline.image or {}).get("state", "gone"))
        standing = str((situation.current or {}).get("state", "gone"))
        if standing == wanted:
            return Already(because=f"the lamp is {wanted}")
        if situation.approved_later:
            return Doubt(because="an approved change came after it")
        return Put(
            summary=f"Switch the lamp {wanted}",
            image={"state": wanted},
            touches=self.plan_touches,
            changes=(Change(name="state", old=standing, new=wanted),),
        )

    def apply(self, edges: TenantApi, target: Target, put: Put) -> None:
        def switch() -> None:
            self.state[target.id] = put.image["state"]

        self.while_waiting()
        assert isinstance(edges, TenantEdges)
        edges.before_write()
        self._call(f"set {put.image['state']}", switch)

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
            calls=(),
            needs_baseline=True,
            look=self.look,
            plan=self.plan,
            apply=self.apply,
        )

    def inventory(self) -> Inventory:
        return Inventory(kind=ObjectKind.CA_POLICY, tenant_kind=TenantKind.WORKFORCE, calls=(), read=self.read_all)

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
    lamp: str = LAMP,
    correlation_id: str = "",
    **differences: object,
) -> Image:
    """Make Graph's record of a lamp that was switched; its ids follow from what is said."""
    was = "on" if to == "off" else "off"
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
