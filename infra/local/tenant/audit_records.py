"""Audit records as Graph returns them: built here for every write, whoever made it.

One conditional access change is logged twice (Conditional Access, and a twin from Core Directory), one B2C custom
policy change twice (category Authorization, then ResourceManagement); the two share their `correlationId`.
"""

import json
import random
import string
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Literal

from infra.local import world
from infra.local.tenant.bodies import as_object
from infra.local.tenant.instants import instant, now_ticks, ticks
from infra.local.tenant.tokens import Caller
from infra.local.world import Json

type Verb = Literal["Add", "Create", "Update", "Delete", "Restore"]

_TWIN_DELAY = ticks(0.031)
_B2C_TWIN_DELAY = ticks(0.05)
_OPERATION_TYPES = {"Add": "Add", "Create": "Add", "Update": "Update", "Delete": "Delete", "Restore": "Update"}
_serial = count(4_984_536)
_letters = random.Random(7)  # noqa: S311 - record ids are no secrets


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How the write ended; a refused one has its reason."""

    reason: str | None = None

    @property
    def result(self) -> str:
        """Graph's word for it."""
        return "success" if self.reason is None else "failure"


SUCCESS = Outcome()


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What differs between records; `graph` adds what they share."""

    id_prefix: str
    service: str
    category: str
    activity: str
    target: Json
    details: Sequence[Json] = ()
    operation: str = ""
    """Told by the first word of the activity where it isn't given."""
    more_targets: Sequence[Json] = ()

    def graph(self, caller: Caller, *, correlation_id: str, at: int, outcome: Outcome = SUCCESS) -> Json:
        """Write the record of what `caller` did at `at` (ticks)."""
        return {
            "id": f"{self.id_prefix}_{''.join(_letters.choices(string.ascii_uppercase, k=5))}_{next(_serial)}",
            "category": self.category,
            "correlationId": correlation_id,
            "result": outcome.result,
            # Conditional Access leaves the reason of a success null, the others leave it empty.
            "resultReason": outcome.reason or (None if self.service == "Conditional Access" else ""),
            "activityDisplayName": self.activity,
            "activityDateTime": instant(at),
            "loggedByService": self.service,
            "operationType": self.operation or _OPERATION_TYPES.get(self.activity.split(" ", 1)[0], ""),
            "initiatedBy": initiated_by(caller),
            "targetResources": [
                {"userPrincipalName": None, "groupType": None} | target for target in (self.target, *self.more_targets)
            ],
            "additionalDetails": list(self.details),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeKind:
    """How changes of one kind of object are logged.

    `activity` has `{verb}` where the verb stands; `value` names the modified property that holds the whole object as
    JSON. With `has_twin`, Core Directory logs the change a second time.
    """

    activity: str
    value: str
    service: str = "Conditional Access"
    category: str = "Policy"
    id_prefix: str = "IPCGraph"
    has_twin: bool = True


CA_POLICY = ChangeKind(activity="{verb} conditional access policy", value="ConditionalAccessPolicy")
NAMED_LOCATION = ChangeKind(activity="{verb} named location", value="NamedLocation")
"""The activities are Microsoft's; that the log names the property so isn't documented."""
AUTHENTICATION_CONTEXT = ChangeKind(
    activity="{verb} AuthenticationContextClassReference", value="AuthenticationContextClassReference", has_twin=False
)
AUTHENTICATION_STRENGTH = ChangeKind(
    activity="Authentication Strength Policy {verb}",
    value="AuthenticationStrengthPolicy",
    service="Authentication Methods",
    category="ApplicationManagement",
    id_prefix="AuthenticationMethods",
    has_twin=False,
)
COMBINATION_CONFIGURATION = ChangeKind(
    activity="Authentication Strength Combination Configuration {verb}",
    value="AuthenticationCombinationConfiguration",
    service="Authentication Methods",
    category="ApplicationManagement",
    id_prefix="AuthenticationMethods",
    has_twin=False,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectChange:
    """A change of an object of conditional access, or a refused one. `before` and `after` are as GET shows them."""

    kind: ChangeKind
    verb: Verb
    correlation_id: str
    before: Json | None = None
    after: Json | None = None
    outcome: Outcome = SUCCESS
    object_id: str = ""
    """Known even when the object itself isn't."""

    def records(self, caller: Caller) -> list[Json]:
        """Build the record of the object's own service and, where there is one, its twin of Core Directory."""
        at = now_ticks()
        records = [(self._first(), 0), *([(self._twin(), _TWIN_DELAY)] if self.kind.has_twin else [])]
        return [
            record.graph(caller, correlation_id=self.correlation_id, at=at + delay, outcome=self.outcome)
            for record, delay in records
        ]

    def _first(self) -> Record:
        kind = self.kind
        change = {
            "displayName": kind.value,
            "oldValue": _object_text(self.before),
            "newValue": _object_text(self.after),
        }
        return Record(
            id_prefix=f"{kind.id_prefix}_{self.correlation_id}",
            service=kind.service,
            category=kind.category,
            activity=kind.activity.format(verb=self.verb),
            operation=_OPERATION_TYPES[self.verb],
            target=self._target(change),
            details=[{"key": "Category", "value": kind.service}],
        )

    def _twin(self) -> Record:
        change = {"displayName": "Included Updated Properties", "oldValue": None, "newValue": '"PolicyDetail"'}
        return Record(
            id_prefix=f"Directory_{self.correlation_id}",
            service="Core Directory",
            category="Policy",
            activity=f"{self.verb} policy",
            target=self._target(change),
        )

    def _target(self, change: Json) -> Json:
        known = self.after or self.before
        return {
            "id": known["id"] if known else self.object_id,
            "displayName": known.get("displayName") if known else None,
            "type": "Policy",
            "modifiedProperties": [change] if known else [],
        }


def custom_policy_records(
    caller: Caller,
    verb: Literal["Create", "Update", "Delete"],
    policy_id: str,
    *,
    correlation_id: str,
    outcome: Outcome = SUCCESS,
) -> list[Json]:
    """Build both records of a B2C custom policy change. Neither carries the policy: it has to be read."""
    details = [{"key": "TenantId", "value": world.B2C_DOMAIN}, {"key": "PolicyId", "value": policy_id}]
    target: Json = {"id": policy_id, "displayName": policy_id, "type": "Other", "modifiedProperties": []}
    at = now_ticks()
    return [
        Record(
            id_prefix="B2C",
            service="B2C",
            category=category,
            activity=f"{verb} custom policy",
            target=target,
            details=details,
        ).graph(caller, correlation_id=correlation_id, at=at + delay, outcome=outcome)
        for category, delay in (("Authorization", 0), ("ResourceManagement", _B2C_TWIN_DELAY))
    ]


def initiated_by(caller: Caller) -> Json:
    """Name the actor as real records do: one side is null, and an application's `appId` always is."""
    principal = caller.principal
    if principal.kind == "user":
        user: Json = {
            "id": principal.id,
            "displayName": None,
            "userPrincipalName": principal.upn,
            "ipAddress": principal.ip,
            "userType": None,
            "homeTenantId": None,
            "homeTenantName": None,
        }
        return {"user": user, "app": None}
    application: Json = {
        "appId": None,
        "displayName": principal.name,
        "servicePrincipalId": principal.id,
        "servicePrincipalName": None,
    }
    return {"user": None, "app": application}


def _object_text(policy: Json | None) -> str | None:
    """Write an object as the log holds it: nulls and annotations left out, instants with +00:00."""
    if policy is None:
        return None
    shown = _without_nulls(policy)
    for name in ("createdDateTime", "modifiedDateTime", "deletedDateTime"):
        if name in shown:
            shown[name] = str(shown[name]).replace("Z", "+00:00")
    return json.dumps(shown, separators=(",", ":"))


def _without_nulls(values: Json) -> Json:
    kept = {name: value for name, value in values.items() if value is not None and "@odata." not in name}
    return {
        name: value if (nested := as_object(value)) is None else _without_nulls(nested) for name, value in kept.items()
    }
