"""Reads sign-in records from Microsoft Graph, diagnostic settings and Log Analytics."""

from datetime import datetime
from typing import Final

from msgspec import Raw, Struct, field
from msgspec.json import Decoder

from shared.model.errors import UnreadableRecord
from shared.model.events import Actor, ActorKind, Device, SignInEvent, fold
from shared.normalize.decoding import NULL, decode, decode_inner, plain_text
from shared.normalize.ids import first_id, principal_id, tenant_in


class Status(Struct, rename="camel"):
    """How the sign-in ended: 0 is success. `failureReason` is "Other." then, so only the code is used to decide."""

    error_code: int | str | None = None
    failure_reason: str | None = None
    additional_details: str | None = None


class Location(Struct, rename="camel"):
    """The place of the sign-in, as far as it is known."""

    country_or_region: str | None = None
    city: str | None = None


class DeviceDetail(Struct, rename="camel"):
    """The device of the sign-in, as far as it is known: programs other than browsers often send nothing about it."""

    browser: str | None = None
    operating_system: str | None = None
    device_id: str | None = None
    display_name: str | None = None
    trust_type: str | None = None
    is_compliant: bool | str | None = None
    is_managed: bool | str | None = None


class Step(Struct, rename="camel"):
    """One step of the authentication, such as a password or a second factor."""

    authentication_step_result_detail: str | None = None


class SignInRecord(Struct, rename="camel"):
    """A record of Graph's `signIns`.

    Only /beta and diagnostic settings have `authenticationProtocol`, `authenticationDetails`,
    `authenticationRequirement`, `userAgent` and the fields about other tenants.
    """

    id: str | None = None
    correlation_id: str | None = None
    user_id: str | None = None
    user_principal_name: str | None = None
    user_display_name: str | None = None
    service_principal_id: str | None = None
    service_principal_name: str | None = None
    app_id: str | None = None
    app_display_name: str | None = None
    resource_display_name: str | None = None
    ip_address: str | None = None
    client_app_used: str | None = None
    conditional_access_status: str | None = None
    authentication_protocol: str | None = None
    status: Status | None = None
    location: Location | None = None
    device_detail: DeviceDetail | None = None
    authentication_details: Raw = NULL
    authentication_requirement: str | None = None
    user_agent: str | None = None
    risk_state: str | None = None
    risk_level_during_sign_in: str | None = None
    cross_tenant_access_type: str | None = None
    home_tenant_id: str | None = None
    resource_tenant_id: str | None = None
    is_interactive: bool | str | None = None
    risk_events: Raw = field(default=NULL, name="riskEventTypes_v2")


class _Wrapped(Struct, rename="camel"):
    """The envelope of diagnostic settings around a record; its `location` is only the country."""

    tenant_id: str | None = None
    resource_id: str | None = None
    correlation_id: str | None = None
    caller_ip_address: str | None = None
    result_type: str | int | None = None
    result_description: str | None = None
    location: str | None = None
    properties: Raw = NULL


class _Row(Struct, rename="pascal"):
    """A row of SigninLogs and the like.

    Its `TenantId` is the workspace's id. AADNonInteractiveUserSignInLogs has no AADTenantId, so the tenant that was
    signed in to is used instead.
    """

    id: str | None = None
    correlation_id: str | None = None
    user_id: str | None = None
    user_principal_name: str | None = None
    user_display_name: str | None = None
    service_principal_id: str | None = None
    service_principal_name: str | None = None
    app_id: str | None = None
    app_display_name: str | None = None
    resource_display_name: str | None = None
    client_app_used: str | None = None
    conditional_access_status: str | int | None = None
    authentication_protocol: str | None = None
    result_type: str | int | None = None
    result_description: str | None = None
    location: str | None = None
    location_details: Raw = NULL
    status: Raw = NULL
    device_detail: Raw = NULL
    authentication_details: Raw = NULL
    authentication_requirement: str | None = None
    user_agent: str | None = None
    risk_state: str | None = None
    risk_level_during_sign_in: str | None = None
    cross_tenant_access_type: str | None = None
    home_tenant_id: str | None = None
    resource_tenant_id: str | None = None
    is_interactive: bool | str | None = None
    risk_events: Raw = field(default=NULL, name="RiskEventTypes_V2")
    ip_address: str | None = field(default=None, name="IPAddress")
    tenant_id: str | None = field(default=None, name="AADTenantId")


_RECORD = Decoder(SignInRecord)
_WRAPPED = Decoder(_Wrapped)
_ROW = Decoder(_Row)
_STATUS = Decoder(Status)
_LOCATION = Decoder(Location)
_DEVICE = Decoder(DeviceDetail)
_STEPS = Decoder(list[Step])
_NAMES = Decoder(list[str | None])

SECOND_FACTOR_FAILED: Final = "500121"
MFA_DENIED: Final = "mfa denied"
"""The beginning, folded, of the detail of a sign-in whose second factor was declined, reported as fraud, or missed."""


def from_graph(raw: Raw, at: datetime, tenant_id: str) -> SignInEvent:
    """Read a record of Graph's `signIns`, which doesn't name its tenant."""
    return _event(decode(_RECORD, raw), at=at, tenant_id=first_id(tenant_id))


def from_diagnostics(raw: Raw, at: datetime, tenant_id: str) -> SignInEvent:
    """Read a record of category SignInLogs, NonInteractiveUserSignInLogs and the like."""
    wrapped = decode(_WRAPPED, raw)
    record = decode_inner(_RECORD, wrapped.properties) or SignInRecord()
    record.correlation_id = record.correlation_id or wrapped.correlation_id
    record.ip_address = record.ip_address or wrapped.caller_ip_address
    record.location = _located(record.location, wrapped.location)
    if record.status is None:
        record.status = Status()
    if record.status.error_code is None:
        record.status.error_code = wrapped.result_type
        record.status.failure_reason = wrapped.result_description
    return _event(record, at=at, tenant_id=first_id(wrapped.tenant_id, tenant_in(wrapped.resource_id), tenant_id))


def from_log_analytics(raw: Raw, at: datetime, tenant_id: str) -> SignInEvent:
    """Read a row of table SigninLogs or one of its sisters."""
    row = decode(_ROW, raw)
    status = decode_inner(_STATUS, row.status) or Status()
    status.error_code, status.failure_reason = row.result_type, row.result_description
    record = SignInRecord(
        id=row.id,
        correlation_id=row.correlation_id,
        user_id=row.user_id,
        user_principal_name=row.user_principal_name,
        user_display_name=row.user_display_name,
        service_principal_id=row.service_principal_id,
        service_principal_name=row.service_principal_name,
        app_id=row.app_id,
        app_display_name=row.app_display_name,
        resource_display_name=row.resource_display_name,
        ip_address=row.ip_address,
        client_app_used=row.client_app_used,
        conditional_access_status=_text(row.conditional_access_status),
        authentication_protocol=row.authentication_protocol,
        status=status,
        location=_located(decode_inner(_LOCATION, row.location_details), row.location),
        device_detail=decode_inner(_DEVICE, row.device_detail),
        authentication_details=row.authentication_details,
        authentication_requirement=row.authentication_requirement,
        user_agent=row.user_agent,
        risk_state=row.risk_state,
        risk_level_during_sign_in=row.risk_level_during_sign_in,
        cross_tenant_access_type=row.cross_tenant_access_type,
        home_tenant_id=row.home_tenant_id,
        resource_tenant_id=row.resource_tenant_id,
        is_interactive=row.is_interactive,
        risk_events=row.risk_events,
    )
    return _event(record, at=at, tenant_id=first_id(row.tenant_id, row.resource_tenant_id, tenant_id))


def _event(record: SignInRecord, *, at: datetime, tenant_id: str) -> SignInEvent:
    identity = record.id or ""
    status = record.status or Status()
    device = record.device_detail or DeviceDetail()
    return SignInEvent(
        id=identity,
        tenant_id=tenant_id,
        at=at,
        correlation_id=first_id(record.correlation_id) or identity,
        actor=_actor(record),
        app_id=first_id(record.app_id),
        app_name=record.app_display_name or "",
        resource_name=record.resource_display_name or "",
        error_code=_text(status.error_code),
        failure_reason=status.failure_reason or "",
        country=((record.location and record.location.country_or_region) or "").strip(),
        city=((record.location and record.location.city) or "").strip(),
        client_app=record.client_app_used or "",
        authentication_protocol=record.authentication_protocol or "",
        conditional_access=record.conditional_access_status or "",
        browser=device.browser or "",
        operating_system=device.operating_system or "",
        mfa_detail=_mfa_detail(status, record.authentication_details),
        requirement=record.authentication_requirement or "",
        user_agent=record.user_agent or "",
        device=_device(device),
        risk_state=record.risk_state or "",
        risk_level=record.risk_level_during_sign_in or "",
        crossing=record.cross_tenant_access_type or "",
        home_tenant_id=first_id(record.home_tenant_id),
        resource_tenant_id=first_id(record.resource_tenant_id),
        interactive=_flag(record.is_interactive),
        risk_events=_risk_events(record.risk_events),
    )


def _risk_events(value: Raw) -> tuple[str, ...]:
    """Give the names in a list, which a table has as JSON in a string; of any other text, that text."""
    try:
        listed = decode_inner(_NAMES, value) or ()
    except UnreadableRecord:
        return tuple(filter(None, (plain_text(value),)))
    return tuple(name for name in listed if name)


def _device(detail: DeviceDetail) -> Device:
    return Device(
        id=(detail.device_id or "").lower(),
        name=detail.display_name or "",
        trust=detail.trust_type or "",
        compliant=_flag(detail.is_compliant),
        managed=_flag(detail.is_managed),
    )


def _flag(flag: bool | str | None) -> str:  # noqa: FBT001 - as the record has it
    return "" if flag is None else str(flag).lower()


def _located(details: Location | None, country: str | None) -> Location:
    """Give the detailed location, with this country where the details have none."""
    if details is None:
        return Location(country_or_region=country)
    return details if details.country_or_region else Location(country_or_region=country, city=details.city)


def _mfa_detail(status: Status, steps: Raw) -> str:
    """Give what the second factor came to: as the status says, or the first step that says that it was denied.

    The steps are read only where they can say so; of most records nobody asks.
    """
    detail = status.additional_details or ""
    if _text(status.error_code) != SECOND_FACTOR_FAILED or is_denied(detail):
        return detail
    details = (step.authentication_step_result_detail or "" for step in decode_inner(_STEPS, steps) or ())
    return next(filter(is_denied, details), detail)


def is_denied(detail: str) -> bool:
    """Say whether a detail of a sign-in means that the second factor wasn't given."""
    return fold(detail).startswith(MFA_DENIED)


def _actor(record: SignInRecord) -> Actor:
    """Give who signed in: a user, or an application with its own credentials."""
    address = record.ip_address or ""
    if user_id := principal_id(record.user_id):
        name = record.user_principal_name or record.user_display_name or ""
        return Actor(id=user_id, name=name, kind=ActorKind.USER, address=address)
    if app_id := principal_id(record.service_principal_id):
        name = record.service_principal_name or record.app_display_name or ""
        return Actor(id=app_id, name=name, kind=ActorKind.SERVICE_PRINCIPAL, address=address)
    return Actor(name=record.user_principal_name or record.user_display_name or "", address=address)


def _text(code: int | str | None) -> str:
    """Give a code as text. Python doesn't convert integers of more than 4,300 digits, so it is never very long."""
    return "" if code is None else str(code)
