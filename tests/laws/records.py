"""What the logs say of a true action, in the raw shapes in which records reach the product."""

import json
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from infra.local.world import SUBSCRIPTION
from shared.model.kinds import Image
from tests.laws.world import (
    APP_ROLE,
    ASSIGNMENT,
    CONTEXT,
    DOCUMENT,
    LOCATION,
    PEOPLE,
    POLICY,
    RESOURCE_TYPES,
    RESPONDER_OF,
    ROLE,
    SERVICES,
    SIMULATED_KINDS,
    STRENGTH,
    TENANT_OF,
    Deed,
    as_logged,
    kind_of,
    printed,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One record on its way: `arrives` is when it reaches the product, `is_whole` whether it has all values.

    `tells_before` says that it has the values that stood before, which one of a deletion may lack and still be whole.
    """

    deed: int
    arrives: float
    tenant_id: str
    raw: bytes
    is_whole: bool = False
    tells_before: bool = False
    is_hint: bool = False


_TWIN_AFTER: Final = 0.05
_SHORTEST: Final = 12


def actor_id(deed: Deed) -> str:
    """Give the id by which the logs name the actor: the responder has another one in each tenant."""
    return RESPONDER_OF[TENANT_OF[kind_of(deed.name)]] if deed.actor == "us" else PEOPLE[deed.actor]


def deliveries(deed: Deed, how: dict[str, Any]) -> list[Delivery]:
    """Give the records of an action.

    `how` is: `late` (seconds), `never`, `values` (full, cut, none), `twice` (seconds). `logs` 2 has a second log write
    a copy, `skew` seconds apart and `gap` seconds later; `one` is the correlation id that several actions share.
    """
    if how.get("never") or kind_of(deed.name) not in TENANT_OF:
        return []
    kind = kind_of(deed.name)
    if kind in RESOURCE_TYPES:
        return _twice(_arm(deed, how), how) if is_in_azures_log(deed) else []
    if kind in SIMULATED_KINDS:
        return _twice(_simulated(deed, how), how)
    write = {DOCUMENT: _b2c, ROLE: _core_directory, APP_ROLE: _core_directory}.get(kind, _directory)
    return _twice(write(deed, how), how)


def _twice(made: list[Delivery], how: dict[str, Any]) -> list[Delivery]:
    """Deliver each once more, where a story wants that."""
    again = [
        Delivery(
            deed=each.deed,
            arrives=each.arrives + how["twice"],
            tenant_id=each.tenant_id,
            raw=each.raw,
            is_whole=each.is_whole,
            tells_before=each.tells_before,
            is_hint=each.is_hint,
        )
        for each in made
        if how.get("twice")
    ]
    return made + again


def _initiator(deed: Deed) -> Image:
    identity = actor_id(deed)
    if not identity:
        return {"user": None, "app": None}
    if deed.actor in SERVICES:
        app = {"appId": None, "displayName": deed.actor, "servicePrincipalId": identity, "servicePrincipalName": None}
        return {"user": None, "app": app}
    user = {"id": identity, "displayName": None, "userPrincipalName": f"{deed.actor}@contoso.example"}
    return {"user": user | {"ipAddress": "203.0.113.7"}, "app": None}


def _correlation(deed: Deed, how: dict[str, Any]) -> str:
    return how.get("one") or f"c0de0000-0000-4000-8000-{deed.number:012d}"


_WORDS: Final = {
    POLICY: ("{verb} conditional access policy", "ConditionalAccessPolicy", "Conditional Access"),
    LOCATION: ("{verb} named location", "NamedLocation", "Conditional Access"),
    STRENGTH: ("Authentication Strength Policy {verb}", "AuthenticationStrengthPolicy", "Authentication Methods"),
    CONTEXT: (
        "{verb} AuthenticationContextClassReference",
        "AuthenticationContextClassReference",
        "Conditional Access",
    ),
}
"""The activity, the modified property that holds the whole object, and the service that logs it."""

_VERBS: Final = {"create": "Add", "update": "Update", "delete": "Delete", "restore": "Restore"}


def _directory(deed: Deed, how: dict[str, Any]) -> list[Delivery]:
    words, name, service = _WORDS[kind_of(deed.name)]
    verb = "Create" if deed.op == "create" and kind_of(deed.name) == STRENGTH else _VERBS[deed.op]
    old, new = as_logged(deed.before), as_logged(deed.after)
    values = how.get("values", "full")
    if values == "cut":
        old, new = _cut(old), _cut(new)
    change = {"displayName": name, "oldValue": old, "newValue": new}
    correlation = _correlation(deed, how)
    known = deed.after or deed.before or {}
    target: Image = {
        "id": deed.object_id,
        "displayName": known.get("displayName"),
        "type": "Policy",
        "userPrincipalName": None,
        "groupType": None,
        "modifiedProperties": [] if values == "none" else [change],
    }
    record: Image = {
        "id": f"IPCGraph_{correlation}_{deed.number}",
        "category": "Policy" if service == "Conditional Access" else "ApplicationManagement",
        "correlationId": correlation,
        "result": "success",
        "resultReason": None,
        "activityDisplayName": words.format(verb=verb),
        "activityDateTime": printed(deed.at),
        "loggedByService": service,
        "operationType": _VERBS[deed.op],
        "initiatedBy": _initiator(deed),
        "targetResources": [target],
        "additionalDetails": [{"key": "Category", "value": service}],
    }
    whole = values == "full" or deed.op == "delete"
    delivery = partial(_delivery, deed, is_whole=whole, tells_before=values == "full")
    made = [delivery(deed.at + how.get("late", 0), {"value": [record]})]
    if how.get("logs", 1) > 1:
        made.append(delivery(deed.at + how.get("late", 0) + how.get("gap", 30), _streamed(deed, record)))
    included = {"displayName": "Included Updated Properties", "oldValue": None, "newValue": '"PolicyDetail"'}
    twin: Image = record | {
        "id": f"Directory_{correlation}_{deed.number}",
        "activityDisplayName": f"{_VERBS[deed.op]} policy",
        "activityDateTime": printed(deed.at + 0.031),
        "loggedByService": "Core Directory",
        "targetResources": [target | {"modifiedProperties": [included]}],
    }
    if kind_of(deed.name) in {POLICY, LOCATION} and deed.number % 3 == 0:
        made.append(_delivery(deed, deed.at + how.get("late", 0) + 1, {"value": [twin]}, is_whole=False, counts=False))
    return made


def _core_directory(deed: Deed, how: dict[str, Any]) -> list[Delivery]:
    """Write the record of a role or a permission that was given or taken: it is short, and never cut."""
    correlation, is_given = _correlation(deed, how), deed.op == "create"
    activity, targets = _of_app_role(deed) if kind_of(deed.name) == APP_ROLE else _of_role(deed)
    record: Image = {
        "id": f"Directory_{correlation}_{deed.number}",
        "category": "RoleManagement",
        "correlationId": correlation,
        "result": "success",
        "resultReason": "",
        "activityDisplayName": activity,
        "activityDateTime": printed(deed.at),
        "loggedByService": "Core Directory",
        "operationType": "Assign" if is_given else "Unassign",
        "initiatedBy": _initiator(deed),
        "targetResources": targets,
        "additionalDetails": [],
    }
    late = deed.at + how.get("late", 0)
    made = [_delivery(deed, late, {"value": [record]}, is_whole=True)]
    if how.get("logs", 1) > 1:
        made.append(_delivery(deed, late + how.get("gap", 30), _streamed(deed, record), is_whole=True))
    return made


def _simulated(deed: Deed, how: dict[str, Any]) -> list[Delivery]:
    """Write the records of a kind that is declared for all simulated tenants. B2C writes two of each change."""
    simulated = SIMULATED_KINDS[kind_of(deed.name)]
    logged, correlation = simulated.logged(deed.object_id, deed.before, deed.after), _correlation(deed, how)
    late = deed.at + how.get("late", 0)
    records: list[Image] = [
        {
            "id": f"{logged.service}_{correlation}_{deed.number}_{category}",
            "category": category,
            "correlationId": correlation,
            "result": "success",
            "resultReason": "",
            "activityDisplayName": logged.activity,
            "activityDateTime": printed(deed.at + number * _TWIN_AFTER),
            "loggedByService": logged.service,
            "operationType": logged.operation,
            "initiatedBy": _initiator(deed),
            "targetResources": logged.targets,
            "additionalDetails": logged.details,
        }
        for number, category in enumerate(logged.categories)
    ]
    delivery = partial(_delivery, deed, is_whole=simulated.tells_values, tells_before=simulated.tells_values)
    if how.get("logs", 1) > 1:
        again = records[1:] or [_streamed(deed, records[0])]
        first = delivery(late, {"value": records[:1]})
        return [first, *(delivery(late + how.get("gap", 30), _page(each)) for each in again)]
    return [delivery(late, {"value": records})]


def _page(record: Image) -> Image:
    return record if "records" in record else {"value": [record]}


def _of_role(deed: Deed) -> tuple[str, list[Image]]:
    role, _, holder = deed.object_id.partition("/")
    changes = _given_or_taken(deed, {"Role.DisplayName": "A role", "Role.TemplateId": role})
    targets: list[Image] = [
        {"id": holder, "displayName": None, "type": "User", "modifiedProperties": changes},
        {"id": role, "displayName": None, "type": "Role", "modifiedProperties": []},
    ]
    return ("Add member to role" if deed.op == "create" else "Remove member from role"), targets


def _of_app_role(deed: Deed) -> tuple[str, list[Image]]:
    api, holder, role = deed.object_id.split("/")
    values = {"AppRole.Id": role, "AppRole.Value": "Mail.Read", "ServicePrincipal.ObjectID": holder}
    targets: list[Image] = [
        {
            "id": api,
            "displayName": "Microsoft Graph",
            "type": "ServicePrincipal",
            "modifiedProperties": _given_or_taken(deed, values),
        },
        {"id": holder, "displayName": None, "type": "ServicePrincipal", "modifiedProperties": []},
    ]
    way = "Add app role assignment to" if deed.op == "create" else "Remove app role assignment from"
    return f"{way} service principal", targets


def _given_or_taken(deed: Deed, values: dict[str, str]) -> list[Image]:
    side, other = ("newValue", "oldValue") if deed.op == "create" else ("oldValue", "newValue")
    return [{"displayName": name, side: f'"{value}"', other: None} for name, value in values.items()]


def _streamed(deed: Deed, record: Image) -> Image:
    """Write a record as diagnostic settings stream it."""
    wrapped = {
        "time": record["activityDateTime"],
        "resourceId": f"/tenants/{TENANT_OF[kind_of(deed.name)]}/providers/Microsoft.aadiam",
        "operationName": record["activityDisplayName"],
        "operationVersion": "1.0",
        "category": "AuditLogs",
        "tenantId": TENANT_OF[kind_of(deed.name)],
        "resultSignature": "None",
        "durationMs": 0,
        "correlationId": record["correlationId"],
        "properties": record | {"activityDateTime": record["activityDateTime"].replace("Z", "+00:00")},
    }
    return {"records": [wrapped]}


def _cut(text: str | None) -> str | None:
    """Cut a value short, as the log does with long ones."""
    return text if text is None or len(text) < _SHORTEST else text[: len(text) * 2 // 3]


def _b2c(deed: Deed, how: dict[str, Any]) -> list[Delivery]:
    """Write both records of a custom policy; neither has the document."""
    verb = {"create": "Create", "update": "Update", "delete": "Delete"}[deed.op]
    correlation = _correlation(deed, how)
    records: list[Image] = [
        {
            "id": f"B2C_{correlation}_{deed.number}_{category}",
            "category": category,
            "correlationId": correlation,
            "result": "success",
            "resultReason": "",
            "activityDisplayName": f"{verb} custom policy",
            "activityDateTime": printed(deed.at + after),
            "loggedByService": "B2C",
            "operationType": verb,
            "initiatedBy": _initiator(deed),
            "targetResources": [
                {"id": deed.object_id, "displayName": deed.object_id, "type": "Other", "modifiedProperties": []}
            ],
            "additionalDetails": [{"key": "PolicyId", "value": deed.object_id}],
        }
        for category, after in (("Authorization", 0.0), ("ResourceManagement", _TWIN_AFTER))
    ]
    late = deed.at + how.get("late", 0)
    if how.get("logs", 1) > 1:
        gap = how.get("gap", 30)
        return [_delivery(deed, late + number * gap, {"value": [each]}) for number, each in enumerate(records)]
    return [_delivery(deed, late, {"value": records})]


_IDENTITY: Final = "http://schemas.microsoft.com/identity/claims/"
_PERSON: Final = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"


def _arm(deed: Deed, how: dict[str, Any]) -> list[Delivery]:
    """Write the event of a role assignment, and with two logs the record of the activity log as well."""
    late = deed.at + how.get("late", 0)
    made = [_delivery(deed, late, grid_event(deed, _correlation(deed, how)), is_hint=True)]
    if how.get("logs", 1) > 1:
        record = activity_record(deed, _correlation(deed, how), after=how.get("skew", 2))
        made.append(_delivery(deed, late + how.get("gap", 30), {"value": [record]}))
    return made


def is_in_azures_log(deed: Deed) -> bool:
    """Say whether a subscription's log tells of an action: it does of what is in the subscription."""
    return kind_of(deed.name) in RESOURCE_TYPES and deed.object_id.lower().startswith("/subscriptions/")


def _operation(deed: Deed) -> str:
    return f"{RESOURCE_TYPES[kind_of(deed.name)]}/{'delete' if deed.op == 'delete' else 'write'}"


def _claims(deed: Deed) -> Image:
    identity = actor_id(deed)
    claims: Image = {"aud": "https://management.azure.com/", f"{_IDENTITY}tenantid": TENANT_OF[ASSIGNMENT]}
    if identity:
        claims[f"{_IDENTITY}objectidentifier"] = identity
    if deed.actor in SERVICES:
        return claims | {"appid": "0d9b5e37-61c8-42fa-b7a4-e3f5c2918d06", "idtyp": "app", "appidacr": "2"}
    return claims | {
        "name": deed.actor,
        f"{_IDENTITY}scope": "user_impersonation",
        f"{_PERSON}upn": f"{deed.actor}@contoso.example",
    }


def grid_event(deed: Deed, correlation: str) -> Image:
    operation = _operation(deed)
    ending = "Delete" if deed.op == "delete" else "Write"
    return {
        "id": f"e2b64a19-05cf-4d73-92b8-{deed.number:012d}",
        "topic": f"/subscriptions/{SUBSCRIPTION}",
        "subject": deed.object_id,
        "eventType": f"Microsoft.Resources.Resource{ending}Success",
        "eventTime": printed(deed.at),
        "data": {
            "authorization": {"scope": deed.object_id, "action": operation},
            "claims": _claims(deed),
            "correlationId": correlation,
            "resourceProvider": RESOURCE_TYPES[kind_of(deed.name)].partition("/")[0],
            "resourceUri": deed.object_id,
            "operationName": operation,
            "status": "Succeeded",
            "subscriptionId": SUBSCRIPTION,
            "tenantId": TENANT_OF[ASSIGNMENT],
        },
        "dataVersion": "2",
        "metadataVersion": "1",
    }


def activity_record(deed: Deed, correlation: str, *, after: float = 1.0) -> Image:
    operation = _operation(deed)
    return {
        "authorization": {"action": operation, "scope": deed.object_id},
        "caller": f"{deed.actor}@contoso.example",
        "category": {"value": "Administrative", "localizedValue": "Administrative"},
        "claims": _claims(deed),
        "correlationId": correlation,
        "eventDataId": f"94c3e1d8-7ab0-4f56-85d2-{deed.number:012d}",
        "eventTimestamp": printed(deed.at + after),
        "operationName": {"value": operation, "localizedValue": operation},
        "properties": {"eventCategory": "Administrative", "entity": deed.object_id},
        "resourceId": deed.object_id,
        "status": {"value": "Succeeded", "localizedValue": "Succeeded"},
        "subscriptionId": SUBSCRIPTION,
        "tenantId": TENANT_OF[ASSIGNMENT],
    }


def _delivery(
    deed: Deed,
    arrives: float,
    body: Image,
    *,
    is_whole: bool = False,
    tells_before: bool = False,
    counts: bool = True,
    is_hint: bool = False,
) -> Delivery:
    return Delivery(
        deed=deed.number if counts else -1,
        arrives=max(arrives, deed.at + 0.5),
        tenant_id=TENANT_OF[kind_of(deed.name)],
        raw=json.dumps(body).encode(),
        is_whole=is_whole,
        tells_before=tells_before,
        is_hint=is_hint,
    )
