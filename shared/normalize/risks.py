"""Reads what Identity Protection says of users, as the audit stream brings it: detected risks, and users at risk.

Both become events of the audit log under names of our own, since the record has none: about the user, by nobody. They
are in no table that the audit log's queries read.
"""

from datetime import datetime
from typing import Final

from msgspec import Raw, Struct
from msgspec.json import Decoder

from shared.model.events import Actor, AuditEvent, Change, Target
from shared.normalize.decoding import NULL, decode, decode_inner
from shared.normalize.ids import first_id, principal_id, tenant_in

RISK_DETECTED: Final = "Risk of a user detected"
USER_AT_RISK: Final = "User at risk"
SERVICE: Final = "Identity Protection"


class _Risk(Struct, rename="camel"):
    """What both have; a user at risk has his own id in `id`."""

    id: str | None = None
    user_id: str | None = None
    user_principal_name: str | None = None
    user_display_name: str | None = None
    risk_level: str | None = None
    risk_state: str | None = None
    risk_detail: str | None = None
    risk_event_type: str | None = None
    ip_address: str | None = None
    correlation_id: str | None = None


class _Wrapped(Struct, rename="camel"):
    tenant_id: str | None = None
    resource_id: str | None = None
    correlation_id: str | None = None
    properties: Raw = NULL


_RISK: Final = Decoder(_Risk)
_WRAPPED: Final = Decoder(_Wrapped)


def detected(raw: Raw, at: datetime, tenant_id: str) -> AuditEvent:
    """Read a record of category UserRiskEvents."""
    risk, tenant = _read(raw, tenant_id)
    return _event(risk, RISK_DETECTED, at=at, tenant_id=tenant, user_id=principal_id(risk.user_id))


def at_risk(raw: Raw, at: datetime, tenant_id: str) -> AuditEvent:
    """Read a record of category RiskyUsers."""
    risk, tenant = _read(raw, tenant_id)
    return _event(risk, USER_AT_RISK, at=at, tenant_id=tenant, user_id=principal_id(risk.user_id or risk.id))


def _read(raw: Raw, tenant_id: str) -> tuple[_Risk, str]:
    wrapped = decode(_WRAPPED, raw)
    risk = decode_inner(_RISK, wrapped.properties) or _Risk()
    risk.correlation_id = risk.correlation_id or wrapped.correlation_id
    return risk, first_id(wrapped.tenant_id, tenant_in(wrapped.resource_id), tenant_id)


def _event(risk: _Risk, activity: str, *, at: datetime, tenant_id: str, user_id: str) -> AuditEvent:
    said = {
        "riskLevel": risk.risk_level,
        "riskState": risk.risk_state,
        "riskDetail": risk.risk_detail,
        "riskEventType": risk.risk_event_type,
    }
    upn = risk.user_principal_name or ""
    user = Target(
        id=user_id,
        name=upn or risk.user_display_name or "",
        kind="User",
        changes=tuple([Change(name=name, new=value) for name, value in said.items() if value]),
        upn=upn,
    )
    identity = risk.id or ""
    return AuditEvent(
        id=identity,
        tenant_id=tenant_id,
        at=at,
        activity=activity,
        category=activity,
        service=SERVICE,
        outcome="success",
        reason="",
        correlation_id=first_id(risk.correlation_id) or identity,
        actor=Actor(address=risk.ip_address or ""),
        targets=(user,),
    )
