"""Domains, how people of each sign in, and synchronization with a directory on the premises, over Graph.

A federated domain sends its people to a provider of the company's own; of a managed one, Entra ID checks the passwords
itself, by the hashes that synchronization brings. Making a domain managed destroys its federation settings.
"""

import uuid
from collections.abc import Mapping
from copy import deepcopy
from http import HTTPStatus

import msgspec
from aiohttp import web

from infra.local.tenant.api_error import ApiError, bad_request
from infra.local.tenant.audit_records import Record
from infra.local.tenant.bodies import as_object, json_answer
from infra.local.tenant.domain_seeds import FEDERATED, FEDERATION, MANAGED, root_of
from infra.local.tenant.graph import Call, Operation
from infra.local.tenant.instants import instant, now_ticks, ticks
from infra.local.tenant.odata import list_page, selected
from infra.local.tenant.people import no_such_object
from infra.local.tenant.permissions import DOMAINS, SYNCHRONIZATION
from infra.local.tenant.settings import Settings
from infra.local.world import Json


class _Change(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    authenticationType: str  # noqa: N815 - Graph's name


class _Federation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may be posted; names and values are Graph's."""

    issuerUri: str  # noqa: N815
    passiveSignInUri: str  # noqa: N815
    signingCertificate: str  # noqa: N815
    preferredAuthenticationProtocol: str  # noqa: N815
    displayName: str | None = None  # noqa: N815
    metadataExchangeUri: str | None = None  # noqa: N815
    activeSignInUri: str | None = None  # noqa: N815
    signOutUri: str | None = None  # noqa: N815
    promptLoginBehavior: str | None = None  # noqa: N815
    isSignedAuthenticationRequestRequired: bool | None = None  # noqa: N815
    nextSigningCertificate: str | None = None  # noqa: N815
    federatedIdpMfaBehavior: str | None = None  # noqa: N815
    passwordResetUri: str | None = None  # noqa: N815


# -- reads --


def _shown(domain: Json, domains: Mapping[str, Json]) -> Json:
    """Print a domain without its federation settings, which Graph gives under a path of their own."""
    authentication = root_of(domain, domains)["authenticationType"]
    return {name: value for name, value in domain.items() if name != FEDERATION} | {
        "authenticationType": authentication
    }


def _found(call: Call) -> Json:
    domain = call.directory.domains.seen(call.id.lower())
    if domain is None:
        raise no_such_object(call.id)
    return domain


async def _list(call: Call) -> web.Response:
    domains = call.directory.domains.all_seen()
    shown = [_shown(domain, domains) for domain in domains.values()]
    return list_page(call, shown, size=call.settings.directory_page_size, context="domains")


async def _get(call: Call) -> web.Response:
    domain = _shown(_found(call), call.directory.domains.all_seen())
    return json_answer({"@odata.context": call.context("domains/$entity")} | selected(call, domain))


def _no_federation() -> ApiError:
    return no_such_object(FEDERATION)


async def _federations(call: Call) -> web.Response:
    domains = call.directory.domains.all_seen()
    federation = root_of(_found(call), domains)[FEDERATION]
    if federation is None:
        raise _no_federation()
    context = call.context(f"domains('{call.id}')/{FEDERATION}")
    return json_answer({"@odata.context": context, "value": [federation]})


# -- writes --


def _changeable(call: Call) -> Json:
    """Give the domain that a write is for; raises ApiError 404, or 400 for one that follows its root."""
    domain = call.directory.domains.current(call.id.lower())
    if domain is None:
        raise no_such_object(call.id)
    if not domain["isRoot"]:
        message = (
            "Unable to change the authentication type of this domain because it is a subdomain. To change the"
            " authentication type of this subdomain, find the root domain and then change the root domain"
            " authentication type."
        )
        raise bad_request(message, "Request_BadRequest")
    return domain


async def _update(call: Call) -> web.Response:
    domain = _changeable(call)
    try:
        wanted = msgspec.convert(as_object(await call.json()), _Change).authenticationType
    except msgspec.ValidationError as error:
        raise bad_request(f"Invalid property: {error}", "Request_BadRequest") from error
    if wanted not in {MANAGED, FEDERATED}:
        raise bad_request("One or more properties contains invalid values.", "Request_BadRequest")
    if wanted == domain["authenticationType"]:
        return web.Response(status=HTTPStatus.NO_CONTENT)
    if wanted == FEDERATED:
        message = "Changing authenticationType from Managed to Federated is currently not supported."
        raise bad_request(message, "Request_BadRequest")
    _make_managed(call, domain)
    return web.Response(status=HTTPStatus.NO_CONTENT)


def _make_managed(call: Call, domain: Json) -> None:
    name = str(domain["id"])
    call.directory.domains.put(name, domain | {"authenticationType": MANAGED, FEDERATION: None})
    _record(call, "Set domain authentication", name, old=FEDERATED, new=MANAGED)


async def _create_federation(call: Call) -> web.Response:
    domain = _changeable(call)
    try:
        wanted = msgspec.convert(as_object(await call.json()), _Federation)
    except msgspec.ValidationError as error:
        raise bad_request(f"Invalid property: {error}", "Request_BadRequest") from error
    if domain[FEDERATION] is not None:
        # That there can be one alone is documented, with which words a second is refused isn't.
        raise ApiError(HTTPStatus.CONFLICT, "Request_MultipleObjectsWithSameKeyValue", "The domain is federated.")
    if domain["isDefault"] or domain["isInitial"]:
        raise bad_request("The default domain can't be federated.", "Request_BadRequest")
    federation: Json = {"@odata.type": "#microsoft.graph.internalDomainFederation", "id": str(uuid.uuid4())}
    federation |= msgspec.to_builtins(wanted)
    name = str(domain["id"])
    call.directory.domains.put(name, domain | {"authenticationType": FEDERATED, FEDERATION: federation})
    _record(call, "Set federation settings on domain", name, old=None, new=wanted.issuerUri)
    _record(call, "Set domain authentication", name, old=MANAGED, new=FEDERATED)
    context = {"@odata.context": call.context(f"domains('{name}')/{FEDERATION}/$entity")}
    return json_answer(context | deepcopy(federation), status=HTTPStatus.CREATED)


async def _delete_federation(call: Call) -> web.Response:
    domain = _changeable(call)
    federation = as_object(domain[FEDERATION])
    if federation is None or federation["id"] != call.request.match_info["part"].lower():
        raise _no_federation()
    _make_managed(call, domain)
    return web.Response(status=HTTPStatus.NO_CONTENT)


def _record(call: Call, activity: str, name: str, *, old: str | None, new: str) -> None:
    change: Json = {
        "displayName": "LiveType" if activity == "Set domain authentication" else "IssuerUri",
        "oldValue": None if old is None else f'["{old}"]',
        "newValue": f'["{new}"]',
    }
    record = Record(
        id_prefix=f"Directory_{call.correlation_id}",
        service="Core Directory",
        category="DirectoryManagement",
        activity=activity,
        operation="Update",
        target={"id": None, "displayName": name, "type": "Other", "modifiedProperties": [change]},
    )
    call.directory.audit.add(record.graph(call.caller, correlation_id=call.correlation_id, at=now_ticks()))


# -- synchronization --


def synchronized_at(seconds_ago: float) -> str:
    """Print when something was synchronized, as Graph does: to the second."""
    return instant(now_ticks() - ticks(seconds_ago))[:19] + "Z"


def synchronization(settings: Settings, *, is_beta: bool) -> Json:
    """Print an organization's properties of synchronization; beta alone says when password hashes last came."""
    if not settings.is_hybrid:
        shown: Json = {"onPremisesSyncEnabled": None, "onPremisesLastSyncDateTime": None}
        return shown | ({"onPremisesLastPasswordSyncDateTime": None} if is_beta else {})
    shown = {
        "onPremisesSyncEnabled": True,
        "onPremisesLastSyncDateTime": synchronized_at(settings.directory_sync_age),
    }
    if is_beta:
        had_any = settings.has_password_hashes
        shown["onPremisesLastPasswordSyncDateTime"] = synchronized_at(settings.password_sync_age) if had_any else None
    return shown


async def _synchronization(call: Call) -> web.Response:
    settings = call.settings
    if not settings.is_hybrid:
        return json_answer({"@odata.context": call.context("directory/onPremisesSynchronization"), "value": []})
    shown: Json = {
        "id": call.directory.tenant,
        "configuration": {
            "accidentalDeletionPrevention": {"synchronizationPreventionType": "enabledForCount", "alertThreshold": 500},
            "synchronizationInterval": "PT30M",
            "customerRequestedSynchronizationInterval": None,
        },
        "features": {
            "passwordSyncEnabled": settings.has_password_hashes,
            "passwordWritebackEnabled": False,
            "blockSoftMatchEnabled": True,
            "blockCloudObjectTakeoverThroughHardMatchEnabled": True,
        },
    }
    return json_answer({"@odata.context": call.context("directory/onPremisesSynchronization"), "value": [shown]})


OPERATIONS = (
    Operation(method="GET", path=DOMAINS, handle=_list),
    Operation(method="GET", path=f"{DOMAINS}/{{id}}", handle=_get),
    Operation(method="PATCH", path=f"{DOMAINS}/{{id}}", handle=_update),
    Operation(method="GET", path=f"{DOMAINS}/{{id}}/{FEDERATION}", handle=_federations),
    Operation(method="POST", path=f"{DOMAINS}/{{id}}/{FEDERATION}", handle=_create_federation),
    Operation(method="DELETE", path=f"{DOMAINS}/{{id}}/{FEDERATION}/{{part}}", handle=_delete_federation),
    Operation(method="GET", path=SYNCHRONIZATION, handle=_synchronization),
)
