"""Reads directory audit records from Microsoft Graph, diagnostic settings and Log Analytics."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Raw, Struct, field
from msgspec.json import Decoder

from shared.model.events import Actor, ActorKind, AuditEvent, Change, Target
from shared.normalize.decoding import NULL, decode, decode_inner, plain_text, unwrapped
from shared.normalize.ids import first_id, principal_id, tenant_in


class User(Struct, rename="camel"):
    """`initiatedBy.user`."""

    id: str | None = None
    display_name: str | None = None
    user_principal_name: str | None = None
    ip_address: str | None = None


class App(Struct, rename="camel"):
    """`initiatedBy.app`; Core Directory leaves `appId` null."""

    app_id: str | None = None
    display_name: str | None = None
    service_principal_id: str | None = None
    service_principal_name: str | None = None


class Initiator(Struct, rename="camel"):
    """`initiatedBy`: usually one of the two is null or missing."""

    user: User | None = None
    app: App | None = None


class Property(Struct, rename="camel"):
    """One of `modifiedProperties`; `oldValue` may be missing."""

    display_name: str | None = None
    old_value: Raw = NULL
    new_value: Raw = NULL


class TargetResource(Struct, rename="camel"):
    """One of `targetResources`; a domain has no id, a user often no display name."""

    id: str | None = None
    display_name: str | None = None
    type: str | None = None
    user_principal_name: str | None = None
    modified_properties: list[Property | None] | None = None


class Detail(Struct):
    """One of `additionalDetails`."""

    key: str | None = None
    value: Raw = NULL


class AuditRecord(Struct, rename="camel"):
    """A record of Graph's `directoryAudits`; diagnostic settings carry the same under `properties`."""

    id: str | None = None
    category: str | None = None
    correlation_id: str | None = None
    result: str | None = None
    result_reason: str | None = None
    activity_display_name: str | None = None
    logged_by_service: str | None = None
    initiated_by: Initiator | None = None
    target_resources: list[TargetResource | None] | None = None
    additional_details: list[Detail | None] | None = None


class _Wrapped(Struct, rename="camel"):
    """The envelope of diagnostic settings around a record. Its own `category` is always AuditLogs."""

    operation_name: str | None = None
    tenant_id: str | None = None
    resource_id: str | None = None
    correlation_id: str | None = None
    caller_ip_address: str | None = None
    properties: Raw = NULL


class _Row(Struct, rename="pascal"):
    """A row of table AuditLogs. Its `TenantId` is the workspace's id; the tenant is in `AADTenantId`."""

    id: str | None = None
    category: str | None = None
    correlation_id: str | None = None
    result: str | None = None
    result_reason: str | None = None
    activity_display_name: str | None = None
    operation_name: str | None = None
    logged_by_service: str | None = None
    initiated_by: Raw = NULL
    target_resources: Raw = NULL
    additional_details: Raw = NULL
    tenant_id: str | None = field(default=None, name="AADTenantId")


_RECORD = Decoder(AuditRecord)
_WRAPPED = Decoder(_Wrapped)
_ROW = Decoder(_Row)
_INITIATOR = Decoder(Initiator)
_TARGETS = Decoder(list[TargetResource | None])
_DETAILS = Decoder(list[Detail | None])


def from_graph(raw: Raw, at: datetime, tenant_id: str) -> AuditEvent:
    """Read a record of Graph's `directoryAudits`, which doesn't name its tenant."""
    return _event(decode(_RECORD, raw), at=at, tenant_id=first_id(tenant_id))


def from_diagnostics(raw: Raw, at: datetime, tenant_id: str) -> AuditEvent:
    """Read a record of category AuditLogs, as streamed to an Event Hub or stored in a blob."""
    wrapped = decode(_WRAPPED, raw)
    record = decode_inner(_RECORD, wrapped.properties) or AuditRecord()
    record.activity_display_name = record.activity_display_name or wrapped.operation_name
    record.correlation_id = record.correlation_id or wrapped.correlation_id
    tenant = first_id(wrapped.tenant_id, tenant_in(wrapped.resource_id), tenant_id)
    return _event(record, at=at, tenant_id=tenant, address=wrapped.caller_ip_address)


def from_log_analytics(raw: Raw, at: datetime, tenant_id: str) -> AuditEvent:
    """Read a row of table AuditLogs, whose nested columns are JSON in strings."""
    row = decode(_ROW, raw)
    record = AuditRecord(
        id=row.id,
        category=row.category,
        correlation_id=row.correlation_id,
        result=row.result,
        result_reason=row.result_reason,
        activity_display_name=row.activity_display_name or row.operation_name,
        logged_by_service=row.logged_by_service,
        initiated_by=decode_inner(_INITIATOR, row.initiated_by),
        target_resources=decode_inner(_TARGETS, row.target_resources),
        additional_details=decode_inner(_DETAILS, row.additional_details),
    )
    return _event(record, at=at, tenant_id=first_id(row.tenant_id, tenant_id))


def _event(record: AuditRecord, *, at: datetime, tenant_id: str, address: str | None = None) -> AuditEvent:
    """Build the event. A record without a correlation id gets its own id as one, so it is a case of its own."""
    identity = record.id or ""
    return AuditEvent(
        id=identity,
        tenant_id=tenant_id,
        at=at,
        activity=record.activity_display_name or "",
        category=record.category or "",
        service=record.logged_by_service or "",
        outcome=(record.result or "").strip().lower(),
        reason=record.result_reason or "",
        correlation_id=first_id(record.correlation_id) or identity,
        actor=_actor(record.initiated_by, address or ""),
        targets=_targets(record.target_resources or ()),
        details={
            detail.key: plain_text(detail.value) or ""
            for detail in record.additional_details or ()
            if detail and detail.key
        },
    )


def _actor(initiator: Initiator | None, address: str) -> Actor:
    """Give the actor. If the record names a user and an application, it isn't clear who acted, so the id is ""."""
    user = _named_user(initiator.user) if initiator and initiator.user else None
    app = _named_app(initiator.app) if initiator and initiator.app else None
    # The address is used even where the user isn't named.
    where = (initiator.user.ip_address if initiator and initiator.user else None) or address
    if user and app:
        return Actor(name=f"{user.name} or {app.name}", address=where)
    actor = user or app or Actor()
    return Actor(id=actor.id, name=actor.name, kind=actor.kind, address=where)


def _named_user(user: User) -> Actor | None:
    """Give the user. The display name comes last, because records of consent have "Azure ESTS Service" there."""
    identity, name = principal_id(user.id), user.user_principal_name or user.display_name or ""
    if not identity and not name:
        return None
    return Actor(id=identity, name=name, kind=ActorKind.USER)


def _named_app(app: App) -> Actor | None:
    """Give the service principal. An app id is used only as its name: approvals are for object ids."""
    identity = principal_id(app.service_principal_id)
    name = app.display_name or app.service_principal_name or app.app_id or ""
    if not identity and not name:
        return None
    return Actor(id=identity, name=name, kind=ActorKind.SERVICE_PRINCIPAL)


def _targets(resources: Sequence[TargetResource | None]) -> tuple[Target, ...]:
    """Give the targets. A domain is logged without an id, so its name is used as the id."""
    return tuple(
        [
            Target(
                id=first_id(resource.id, resource.display_name, resource.user_principal_name),
                name=resource.display_name or resource.user_principal_name or "",
                kind=resource.type or "",
                changes=_changes(resource.modified_properties) if resource.modified_properties else (),
                upn=resource.user_principal_name or "",
            )
            for resource in resources
            if resource
        ]
    )


def _changes(properties: Sequence[Property | None]) -> tuple[Change, ...]:
    return tuple(
        [
            Change(name=changed.display_name or "", old=unwrapped(changed.old_value), new=unwrapped(changed.new_value))
            for changed in properties
            if changed
        ]
    )
