"""Reads changes of Azure resources: events of Event Grid, and the Activity Log from each of its sources."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Raw, Struct, field
from msgspec.json import Decoder, encode
from msgspec.structs import replace

from shared.model.events import Actor, ActorKind, ResourceEvent
from shared.normalize.decoding import NULL, LocalizedText, decode, decode_inner, plain_text, word
from shared.normalize.ids import claimed_id, first_id

OUTCOMES: Mapping[str, str] = {
    "succeeded": "success",
    "failed": "failure",
    "start": "started",
    "accept": "started",
    "accepted": "started",
    "cancelled": "canceled",
}
"""Azure's words for how far an operation got, where they aren't the ones used here; most operations are logged twice or
three times: started, accepted, and how they ended."""

_IDENTITY_CLAIMS = "http://schemas.microsoft.com/identity/claims/"
_PERSON = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"
_UPN = f"{_PERSON}upn"
_NAMES = (f"{_PERSON}name", f"{_PERSON}emailaddress", "name", "appid")
_PERSONS_CLAIMS = (_UPN, f"{_IDENTITY_CLAIMS}scope", "puid")
_KINDS = {
    "user": ActorKind.USER,
    "app": ActorKind.SERVICE_PRINCIPAL,
    "serviceprincipal": ActorKind.SERVICE_PRINCIPAL,
}
_SNAKE = re.compile(r"_([a-z0-9])")


class Evidence(Struct, rename="camel"):
    """The role that let the caller do it, and who holds that role: the caller, or a group the caller is in."""

    principal_id: str | None = None
    principal_type: str | None = None


class Authorization(Struct):
    """`authorization`: about the caller's own rights, never about a right that was granted."""

    evidence: Evidence | None = None


class HttpRequest(Struct, rename="camel"):
    """`httpRequest`."""

    client_ip_address: str | None = None


class GridData(Struct, rename="camel"):
    """`data` of a subscription's event; the first three fields may be JSON in strings."""

    authorization: Raw = NULL
    claims: Raw = NULL
    http_request: Raw = NULL
    correlation_id: str | None = None
    resource_uri: str | None = None
    operation_name: str | None = None
    status: str | None = None
    subscription_id: str | None = None
    tenant_id: str | None = None


class GridEvent(Struct, rename="camel"):
    """An Event Grid event in either schema: Event Grid's own or CloudEvents."""

    id: str | None = None
    subject: str | None = None
    event_type: str | None = None
    type: str | None = None
    data: GridData | None = None


class ActivityRecord(Struct, rename="camel"):
    """An Activity Log record of the Azure Monitor API."""

    id: str | None = None
    event_data_id: str | None = None
    correlation_id: str | None = None
    operation_name: LocalizedText | str | None = None
    status: LocalizedText | str | None = None
    caller: str | None = None
    claims: Raw = NULL
    authorization: Raw = NULL
    http_request: Raw = NULL
    properties: Raw = NULL
    resource_id: str | None = None
    resource_uri: str | None = None
    subscription_id: str | None = None
    tenant_id: str | None = None


class Identity(Struct):
    """`identity` of a diagnostic export."""

    authorization: Raw = NULL
    claims: Raw = NULL


class Exported(Struct, rename="camel"):
    """An Activity Log record of diagnostic settings, which write operation and resource in capitals."""

    correlation_id: str | None = None
    operation_name: str | None = None
    result_type: str | int | None = None
    caller_ip_address: str | None = None
    identity: Raw = NULL
    properties: Raw = NULL
    resource_id: str | None = None
    tenant_id: str | None = None


class Row(Struct, rename="pascal"):
    """A row of table AzureActivity, where older rows lack the columns ending in `Value`.

    `TenantId` there is the workspace; the tenant is in the claims.
    """

    event_data_id: str | None = None
    correlation_id: str | None = None
    operation_name_value: str | None = None
    operation_name: str | None = None
    activity_status_value: str | None = None
    activity_status: str | None = None
    caller: str | None = None
    caller_ip_address: str | None = None
    claims: Raw = NULL
    authorization: Raw = NULL
    properties: Raw = NULL
    resource_id: str | None = None
    newer_resource_id: str | None = field(default=None, name="_ResourceId")
    subscription_id: str | None = None


_GRID_EVENT = Decoder(GridEvent)
_ACTIVITY = Decoder(ActivityRecord)
_EXPORTED = Decoder(Exported)
_ROW = Decoder(Row)
_IDENTITY = Decoder(Identity)
_AUTHORIZATION = Decoder(Authorization)
_HTTP_REQUEST = Decoder(HttpRequest)
_CLAIMS = Decoder(dict[str, Any])
_MEMBERS = Decoder(dict[str, Raw])


def from_event_grid(raw: Raw, at: datetime, tenant_id: str) -> ResourceEvent:
    """Read an event of a subscription. It doesn't contain what was written, so the resource itself has to be read."""
    event = decode(_GRID_EVENT, raw)
    data = event.data or GridData()
    record = ActivityRecord(
        id=event.id,
        correlation_id=data.correlation_id,
        operation_name=data.operation_name,
        status=data.status or _ending(event.event_type or event.type or ""),
        claims=data.claims,
        authorization=data.authorization,
        http_request=data.http_request,
        resource_id=data.resource_uri or event.subject,
        subscription_id=data.subscription_id,
        tenant_id=data.tenant_id,
    )
    return replace(_event(record, at=at, tenant_id=tenant_id), is_delivered=True)


def from_activity_log(raw: Raw | bytes, at: datetime, tenant_id: str) -> ResourceEvent:
    """Read a record of the Azure Monitor API."""
    return _event(decode(_ACTIVITY, raw), at=at, tenant_id=tenant_id)


def from_python_sdk(raw: Raw, at: datetime, tenant_id: str) -> ResourceEvent:
    """Read the same record as the Azure SDK for Python dumps it, with snake_case names."""
    members = _camel_cased(decode(_MEMBERS, raw))
    request = decode_inner(_MEMBERS, members.get("httpRequest", NULL)) or {}
    members["httpRequest"] = Raw(encode(_camel_cased(request)))
    return from_activity_log(encode(members), at, tenant_id)


def from_diagnostics(raw: Raw, at: datetime, tenant_id: str) -> ResourceEvent:
    """Read a record of category Administrative and the like. It has no id of its own."""
    exported = decode(_EXPORTED, raw)
    identity = decode_inner(_IDENTITY, exported.identity) or Identity()
    record = ActivityRecord(
        correlation_id=exported.correlation_id,
        operation_name=exported.operation_name,
        status=str(exported.result_type or ""),
        claims=identity.claims,
        authorization=identity.authorization,
        properties=exported.properties,
        resource_id=exported.resource_id,
        tenant_id=exported.tenant_id,
    )
    return _event(record, at=at, tenant_id=tenant_id, address=exported.caller_ip_address)


def from_log_analytics(raw: Raw, at: datetime, tenant_id: str) -> ResourceEvent:
    """Read a row of table AzureActivity, whose nested columns are JSON in strings."""
    row = decode(_ROW, raw)
    record = ActivityRecord(
        event_data_id=row.event_data_id,
        correlation_id=row.correlation_id,
        operation_name=row.operation_name_value or row.operation_name,
        status=row.activity_status_value or row.activity_status,
        caller=row.caller,
        claims=row.claims,
        authorization=row.authorization,
        properties=row.properties,
        resource_id=row.resource_id or row.newer_resource_id,
        subscription_id=row.subscription_id,
    )
    return _event(record, at=at, tenant_id=tenant_id, address=row.caller_ip_address)


def _event(record: ActivityRecord, *, at: datetime, tenant_id: str, address: str | None = None) -> ResourceEvent:
    """Build the event. Where the record names no tenant, the token's tenant is used.

    That is the subscription's own tenant, except for callers who come in by Azure Lighthouse.
    """
    claims = decode_inner(_CLAIMS, record.claims) or {}
    identity = record.event_data_id or record.id or ""
    correlation = first_id(record.correlation_id)
    status = word(record.status).strip().lower()
    resource = (record.resource_id or record.resource_uri or "").strip()
    return ResourceEvent(
        id=identity or correlation,
        tenant_id=first_id(record.tenant_id, _claim(claims, f"{_IDENTITY_CLAIMS}tenantid"), tenant_id),
        subscription_id=first_id(record.subscription_id, _subscription_of(resource)),
        at=at,
        operation=word(record.operation_name),
        outcome=OUTCOMES.get(status, status),
        correlation_id=correlation or identity,
        actor=_actor(record, claims, address or ""),
        resource_id=resource,
        request_body=_request_body(record.properties),
    )


def _actor(record: ActivityRecord, claims: Mapping[str, Any], address: str) -> Actor:
    """Name the caller by the object id of the token, or by the role's evidence where the token's claims have none.

    The evidence may be about a group that the caller is in; a group never acts, so its id is left out.
    """
    authorization = decode_inner(_AUTHORIZATION, record.authorization) or Authorization()
    evidence = authorization.evidence or Evidence()
    evidence_id = claimed_id(evidence.principal_id)
    evidence_kind = _KINDS.get((evidence.principal_type or "").strip().lower(), ActorKind.UNKNOWN)
    request = decode_inner(_HTTP_REQUEST, record.http_request) or HttpRequest()
    identity = claimed_id(_claim(claims, f"{_IDENTITY_CLAIMS}objectidentifier"))
    kind = _kind_of(claims) if identity else ActorKind.UNKNOWN
    if identity in {"", evidence_id} and evidence_kind is not ActorKind.UNKNOWN:
        identity, kind = evidence_id, evidence_kind
    return Actor(
        id=identity,
        name=_claim(claims, _UPN) or record.caller or next(filter(None, (_claim(claims, name) for name in _NAMES)), ""),
        kind=kind,
        address=request.client_ip_address or address or _claim(claims, "ipaddr"),
    )


def _kind_of(claims: Mapping[str, Any]) -> ActorKind:
    """Say whether a token is a person's or an application's: only a person's has a UPN, a scope or a PUID."""
    if named := _KINDS.get(_claim(claims, "idtyp").lower()):
        return named
    if any(_claim(claims, name) for name in _PERSONS_CLAIMS):
        return ActorKind.USER
    return ActorKind.SERVICE_PRINCIPAL if _claim(claims, "appid") else ActorKind.UNKNOWN


def _claim(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    return value.strip() if isinstance(value, str) else ""


def _ending(event_type: str) -> str:
    """Give the outcome that an event type ends with: Microsoft.Resources.ResourceWriteSuccess, -Failure, -Cancel."""
    return next((outcome for outcome in ("success", "failure") if event_type.lower().endswith(outcome)), "canceled")


def _subscription_of(resource_id: str) -> str:
    """Give the subscription of a resource, `/subscriptions/ID/…`, or ""."""
    before, word_of, found, *_ = (*resource_id.split("/", maxsplit=3), "", "")
    return found if not before and word_of.lower() == "subscriptions" else ""


def _request_body(properties: Raw) -> str:
    """Give what was written, where the record kept it; its name is `requestbody` in lower case in every export seen."""
    members = decode_inner(_MEMBERS, properties) or {}
    return next((plain_text(value) or "" for name, value in members.items() if name.lower() == "requestbody"), "")


def _camel_cased(members: Mapping[str, Raw]) -> dict[str, Raw]:
    """Give the members with camelCase names, as the service writes them."""
    return {_SNAKE.sub(lambda found: found[1].upper(), name): value for name, value in members.items()}
