"""Event Grid events of writes and deletes of resources.

They say who called and what resource was touched; they do NOT say what was written: which role was given, or to whom.
"""

import uuid
from dataclasses import dataclass
from typing import Literal

from infra.local import world
from infra.local.tenant.instants import instant
from infra.local.tenant.tokens import ARM, Caller
from infra.local.world import Json

_OID = "http://schemas.microsoft.com/identity/claims/objectidentifier"
_TENANT = "http://schemas.microsoft.com/identity/claims/tenantid"
_NAME_ID = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier"
_SOAP_NAME = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"
_UPN = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"
_METHODS = "http://schemas.microsoft.com/claims/authnmethodsreferences"
_SCOPE = "http://schemas.microsoft.com/identity/claims/scope"
_CLASS = "http://schemas.microsoft.com/claims/authnclassreference"
_IDENTITY_PROVIDER = "http://schemas.microsoft.com/identity/claims/identityprovider"

_EVENT_TYPES = {
    "write": "Microsoft.Resources.ResourceWriteSuccess",
    "delete": "Microsoft.Resources.ResourceDeleteSuccess",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """A resource that was written or deleted. `http` is left out of the event when it was newly created."""

    resource_id: str
    resource_type: str
    action: Literal["write", "delete"]
    caller: Caller
    evidence: Json
    correlation_id: str
    http: Json | None


def resource_event(touched: Touched) -> Json:
    """Build the event in the Event Grid schema."""
    operation = f"{touched.resource_type}/{touched.action}"
    data: Json = {
        "authorization": {"scope": touched.resource_id, "action": operation, "evidence": touched.evidence},
        "claims": _claims(touched.caller),
        "correlationId": touched.correlation_id,
        "resourceProvider": touched.resource_type.partition("/")[0],
        "resourceUri": touched.resource_id,
        "operationName": operation,
        "status": "Succeeded",
        "subscriptionId": world.SUBSCRIPTION,
        "tenantId": world.WORKFORCE_TENANT,
    }
    if touched.http is not None:
        data["httpRequest"] = touched.http
    return {
        "id": str(uuid.uuid4()),
        "topic": world.SUBSCRIPTION_SCOPE,
        "subject": touched.resource_id,
        "eventType": _EVENT_TYPES[touched.action],
        "eventTime": instant(),
        "data": data,
        "dataVersion": "2",
        "metadataVersion": "1",
    }


def as_cloud_event(event: Json) -> Json:
    """Write an event of the Event Grid schema as a CloudEvent 1.0."""
    return {
        "id": event["id"],
        "source": event["topic"],
        "subject": event["subject"],
        "type": event["eventType"],
        "time": event["eventTime"],
        "specversion": "1.0",
        "data": event["data"],
    }


def http_request(method: str, url: str, *, address: str | None) -> Json:
    """Describe the request, as updates and deletes carry it."""
    return {
        "clientRequestId": str(uuid.uuid4()),
        "clientIpAddress": address or "20.50.2.11",
        "method": method,
        "url": url,
    }


def _claims(caller: Caller) -> Json:
    """Give the claims of the caller's token; every value is text. A service principal has neither name nor upn."""
    principal, token = caller.principal, caller.claims
    claims: Json = {
        "aud": f"{ARM}/",
        "iss": token["iss"],
        "iat": str(token["iat"]),
        "nbf": str(token["nbf"]),
        "exp": str(token["exp"]),
        "appid": caller.app_id,
        "appidacr": "2",
        _OID: principal.id,
        _NAME_ID: principal.id,
        _TENANT: principal.tenant,
        "uti": uuid.uuid4().hex[:22],
        "ver": "1.0",
    }
    if principal.kind == "servicePrincipal":
        return claims | {_IDENTITY_PROVIDER: token["iss"], "idtyp": "app"}
    return claims | {
        _CLASS: "1",
        _METHODS: "pwd,mfa",
        _SCOPE: "user_impersonation",
        "ipaddr": principal.ip,
        "name": principal.name,
        _SOAP_NAME: principal.upn,
        _UPN: principal.upn,
    }
