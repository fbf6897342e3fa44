"""Graph reads of things that nobody changes here: both logs, users, service principals, the organization."""

from collections.abc import Sequence
from http import HTTPStatus

import msgspec
from aiohttp import web

from infra.local import world
from infra.local.tenant.api_error import ApiError, not_found
from infra.local.tenant.bodies import json_answer
from infra.local.tenant.domains import synchronization
from infra.local.tenant.graph import Call, Operation
from infra.local.tenant.odata import selected
from infra.local.tenant.people import principal_in
from infra.local.tenant.permissions import AUDITS, REGISTRATIONS, SIGN_IN_LOG
from infra.local.tenant.record_query import DIRECTORY_AUDITS, SIGN_INS, SIGN_INS_V1, LogShape, parse_query
from infra.local.tenant.settings import Settings
from infra.local.tenant.sign_in_records import in_v1
from infra.local.world import Json


async def _audits(call: Call) -> web.Response:
    records, skiptoken = call.directory.audit.page(parse_query(call.request.query, DIRECTORY_AUDITS))
    return _page(call, DIRECTORY_AUDITS, records, skiptoken)


async def _audit(call: Call) -> web.Response:
    return _record(call, DIRECTORY_AUDITS, call.directory.audit.find(call.id))


async def _sign_ins(call: Call) -> web.Response:
    _refuse_unlicensed(call)
    query = parse_query(call.request.query, SIGN_INS if call.is_beta else SIGN_INS_V1)
    records, skiptoken = call.directory.sign_ins.page(query)
    if call.is_beta:
        return _page(call, SIGN_INS, records, skiptoken)
    return _page(call, SIGN_INS, [in_v1(msgspec.json.decode(record)) for record in records], skiptoken)


async def _sign_in(call: Call) -> web.Response:
    _refuse_unlicensed(call)
    record = call.directory.sign_ins.find(call.id)
    return _record(call, SIGN_INS, record and _shown(call, record))


def _shown(call: Call, sign_in: Json) -> Json:
    return sign_in if call.is_beta else in_v1(sign_in)


def _refuse_unlicensed(call: Call) -> None:
    if call.directory.tenant not in call.settings.unlicensed_tenants:
        return
    code = "Authentication_RequestFromNonPremiumTenantOrB2CTenant"
    message = "Neither tenant is B2C or tenant doesn't have premium license"
    raise ApiError(HTTPStatus.FORBIDDEN, code, message)


def _page(call: Call, shape: LogShape, records: Sequence[Json | msgspec.Raw], skiptoken: str | None) -> web.Response:
    body: Json = {"@odata.context": call.context(shape.path), "value": records}
    if skiptoken is not None:
        body["@odata.nextLink"] = str(call.request.url.update_query({"$skiptoken": skiptoken}))
    return json_answer(body)


def _record(call: Call, shape: LogShape, record: Json | None) -> web.Response:
    if record is None:
        raise not_found(f"Resource '{call.id}' does not exist.", "UnknownError")
    return json_answer({"@odata.context": call.context(f"{shape.path}/$entity")} | record)


_SHOWN_UNASKED = (
    "id",
    "displayName",
    "givenName",
    "surname",
    "userPrincipalName",
    "mail",
    "jobTitle",
)
"""Graph gives a user's other properties only to who names them in `$select`."""


def user_of(call: Call, principal: world.Principal) -> Json:
    """Print a user, with all properties that are played here."""
    return {
        "id": principal.id,
        "displayName": principal.name,
        "givenName": principal.name.split(" ", 1)[0],
        "surname": principal.name.rsplit(" ", 1)[-1],
        "userPrincipalName": principal.upn,
        "mail": principal.upn,
        "jobTitle": None,
        "accountEnabled": principal.id not in call.settings.disabled_accounts,
        "userType": "Guest" if principal.is_guest else "Member",
        "externalUserState": "Accepted" if principal.is_guest else None,
        "onPremisesSyncEnabled": None,
        "signInSessionsValidFromDateTime": call.settings.sessions_valid_from.get(principal.id, world.SEEDED_AT),
        "createdDateTime": world.SEEDED_AT,
    }


async def _user(call: Call) -> web.Response:
    user = user_of(call, principal_in(call, "user"))
    shown = selected(call, user) if "$select" in call.request.query else {name: user[name] for name in _SHOWN_UNASKED}
    return json_answer({"@odata.context": call.context("users/$entity")} | shown)


async def _registration(call: Call) -> web.Response:
    """Answer which methods a user has registered: a report, in which users who are disabled are missing."""
    principal = principal_in(call, "user")
    if principal.id in call.settings.disabled_accounts:
        raise not_found(f"Resource '{principal.id}' does not exist.", "UnknownError")
    context = call.context("reports/authenticationMethods/userRegistrationDetails/$entity")
    return json_answer({"@odata.context": context} | registration_of(principal))


def registration_of(principal: world.Principal) -> Json:
    """Print what a user has registered."""
    methods = ["passKeyDeviceBound"] if "Emergency" in principal.name else ["microsoftAuthenticatorPush"]
    return {
        "id": principal.id,
        "userPrincipalName": principal.upn,
        "userDisplayName": principal.name,
        "isMfaRegistered": True,
        "isMfaCapable": True,
        "methodsRegistered": methods,
        "userType": "guest" if principal.is_guest else "member",
        "lastUpdatedDateTime": world.SEEDED_AT,
    }


async def _organization(call: Call) -> web.Response:
    directory = call.directory
    organization: Json = {
        "id": directory.tenant,
        "displayName": world.TENANT_NAMES[directory.tenant],
        "tenantType": "AAD B2C" if directory.is_b2c else "AAD",
        "createdDateTime": world.SEEDED_AT,
        "technicalNotificationMails": [f"it@{directory.domain}"],
        "securityComplianceNotificationMails": [],
        "verifiedDomains": [
            {"name": directory.domain, "isDefault": True, "isInitial": True, "type": "Managed", "capabilities": "Email"}
        ],
    } | synchronization(call.settings if not directory.is_b2c else Settings(), is_beta=call.is_beta)
    context = call.context("organization")
    return json_answer({"@odata.context": context, "value": [selected(call, organization)]})


OPERATIONS = (
    Operation(method="GET", path=AUDITS, handle=_audits, throttle="audit"),
    Operation(method="GET", path=f"{AUDITS}/{{id}}", handle=_audit, throttle="audit"),
    Operation(method="GET", path=SIGN_IN_LOG, handle=_sign_ins, throttle="audit"),
    Operation(method="GET", path=f"{SIGN_IN_LOG}/{{id}}", handle=_sign_in, throttle="audit"),
    Operation(method="GET", path="/users/{id}", handle=_user),
    Operation(method="GET", path=REGISTRATIONS, handle=_registration),
    Operation(method="GET", path="/organization", handle=_organization),
)
