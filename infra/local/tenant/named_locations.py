"""Named locations over Graph, with their bin: address ranges and countries that policies refer to."""

import ipaddress
import uuid
from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus
from typing import Final

from aiohttp import web

from infra.local.tenant.api_error import bad_request
from infra.local.tenant.audit_records import NAMED_LOCATION, Verb
from infra.local.tenant.bodies import as_list, as_object, json_answer
from infra.local.tenant.graph import Call, Operation
from infra.local.tenant.instants import instant
from infra.local.tenant.object_changes import checked_guid, found, record, refusal
from infra.local.tenant.odata import list_page, selected
from infra.local.tenant.permissions import DELETED_LOCATIONS, NAMED_LOCATIONS
from infra.local.tenant.replicated import Replicated
from infra.local.world import Json

_IP: Final = "#microsoft.graph.ipNamedLocation"
_COUNTRY: Final = "#microsoft.graph.countryNamedLocation"
_RANGES: Final = {4: "#microsoft.graph.iPv4CidrRange", 6: "#microsoft.graph.iPv6CidrRange"}
_DEFAULTS: Final[dict[str, Json]] = {
    _IP: {"isTrusted": False, "ipRanges": []},
    _COUNTRY: {
        "countriesAndRegions": [],
        "countryLookupMethod": "clientIpAddress",
        "includeUnknownCountriesAndRegions": False,
    },
}
_LOOKUPS: Final = frozenset({"clientIpAddress", "authenticatorAppGps"})
_LIVE: Final = "identity/conditionalAccess/namedLocations"
_DELETED: Final = "identity/conditionalAccess/deletedItems/namedLocations"


def _checked(body: object, kind: str | None) -> Json:
    """Return what a body changes; raises ApiError 400. `kind` is the location's `@odata.type`, None for a new one."""
    given = dict(as_object(body) or {})
    stated = given.pop("@odata.type", None)
    if stated not in _DEFAULTS:
        raise bad_request("1016: The type of the named location must be given in '@odata.type'.")
    if kind is not None and stated != kind:
        raise bad_request(f"1017: A named location of type '{kind}' can't become one of type '{stated}'.")
    for name in given.keys() & {"id", "createdDateTime", "modifiedDateTime", "deletedDateTime"}:
        raise bad_request(f"1001: '{name}' is a readonly field and cannot be updated.")
    if unknown := sorted(given.keys() - {"displayName"} - _DEFAULTS[stated].keys()):
        raise bad_request(f"The property '{unknown[0]}' does not exist on type '{stated.removeprefix('#')}'.")
    if "displayName" in given and not given["displayName"]:
        raise bad_request("1008: The display name of a named location can't be empty.")
    if "ipRanges" in given:
        _refuse_bad_ranges(as_list(given["ipRanges"]))
    if "countriesAndRegions" in given and not given["countriesAndRegions"]:
        raise bad_request("1018: A country named location needs at least one country or region.")
    if given.get("countryLookupMethod", "clientIpAddress") not in _LOOKUPS:
        raise bad_request("1019: The country lookup method is not valid.")
    return given


def _refuse_bad_ranges(ranges: list[object]) -> None:
    if not ranges:
        raise bad_request("1020: An IP named location needs at least one IP range.")
    for each in ranges:
        held: Json = as_object(each) or {}
        try:
            network = ipaddress.ip_network(str(held.get("cidrAddress")), strict=False)
        except ValueError as error:
            raise bad_request(f"1021: '{held.get('cidrAddress')}' is not a valid IP range.") from error
        if held.get("@odata.type") != _RANGES[network.version]:
            raise bad_request(f"1021: The type of the range '{held['cidrAddress']}' is not valid.")


def _record(call: Call, verb: Verb, *, before: Json | None, after: Json | None) -> None:
    record(call, NAMED_LOCATION, verb, before=before, after=after)


async def _list(locations: Callable[[Call], Replicated[Json]], context: str, call: Call) -> web.Response:
    values = list(locations(call).all_seen().values())
    return list_page(call, values, size=call.settings.ca_page_size, context=context)


async def _get(locations: Callable[[Call], Replicated[Json]], context: str, call: Call) -> web.Response:
    location_id = checked_guid(call)
    location = found(locations(call).seen(location_id), location_id)
    return json_answer({"@odata.context": call.context(f"{context}/$entity")} | selected(call, location))


async def _create(call: Call) -> web.Response:
    body = await call.json()
    given = _checked(body, None)
    kind = str((as_object(body) or {})["@odata.type"])
    needed = "ipRanges" if kind == _IP else "countriesAndRegions"
    if not given.get("displayName") or needed not in given:
        raise bad_request(f"1008: A named location needs 'displayName' and '{needed}'.")
    now = instant()
    own: Json = {"@odata.type": kind, "id": str(uuid.uuid4()), "createdDateTime": now, "modifiedDateTime": now}
    location = own | _DEFAULTS[kind] | given
    call.directory.named_locations.put(location["id"], location)
    _record(call, "Add", before=None, after=location)
    return _answer(call, location, HTTPStatus.CREATED)


async def _update(call: Call) -> web.Response:
    location_id = checked_guid(call)
    before = found(call.met(call.directory.named_locations, location_id), location_id)
    after = before | _checked(await call.json(), before["@odata.type"]) | {"modifiedDateTime": instant()}
    call.directory.named_locations.put(location_id, after)
    _record(call, "Update", before=before, after=after)
    return web.Response(status=HTTPStatus.NO_CONTENT)


async def _delete(call: Call) -> web.Response:
    location_id = checked_guid(call)
    location = found(call.met(call.directory.named_locations, location_id), location_id)
    if location.get("isTrusted"):
        raise bad_request("1112: A trusted named location can't be deleted. Make it untrusted first.")
    if users := call.directory.users_of(location_id):
        names = ", ".join(policy["id"] for policy in users)
        raise bad_request(f"1113: The named location is used by these policies and can't be deleted: {names}.")
    call.directory.named_locations.put(location_id, None)
    call.directory.deleted_named_locations.put(location_id, location | {"deletedDateTime": instant()})
    _record(call, "Delete", before=location, after=None)
    return web.Response(status=HTTPStatus.NO_CONTENT)


async def _purge(call: Call) -> web.Response:
    location_id = checked_guid(call)
    found(call.met(call.directory.deleted_named_locations, location_id), location_id)
    call.directory.deleted_named_locations.put(location_id, None)
    return web.Response(status=HTTPStatus.NO_CONTENT)


async def _restore(call: Call) -> web.Response:
    location_id = checked_guid(call)
    deleted = found(call.met(call.directory.deleted_named_locations, location_id), location_id)
    location = {name: value for name, value in deleted.items() if name != "deletedDateTime"}
    call.directory.deleted_named_locations.put(location_id, None)
    call.directory.named_locations.put(location_id, location)
    _record(call, "Restore", before=None, after=location)
    return _answer(call, location, HTTPStatus.OK)


def _answer(call: Call, location: Json, status: int) -> web.Response:
    return json_answer({"@odata.context": call.context(f"{_LIVE}/$entity")} | location, status=status)


def _live(call: Call) -> Replicated[Json]:
    return call.directory.named_locations


def _deleted(call: Call) -> Replicated[Json]:
    return call.directory.deleted_named_locations


def _operation(
    method: str, path: str, handle: Callable[[Call], Awaitable[web.StreamResponse]], verb: Verb | None = None
) -> Operation:
    return Operation(
        method=method,
        path=path,
        handle=handle,
        throttle="conditionalAccess",
        on_refusal=verb and refusal(NAMED_LOCATION, verb),
    )


OPERATIONS = (
    _operation("GET", NAMED_LOCATIONS, partial(_list, _live, _LIVE)),
    _operation("POST", NAMED_LOCATIONS, _create, "Add"),
    _operation("GET", f"{NAMED_LOCATIONS}/{{id}}", partial(_get, _live, _LIVE)),
    _operation("PATCH", f"{NAMED_LOCATIONS}/{{id}}", _update, "Update"),
    _operation("DELETE", f"{NAMED_LOCATIONS}/{{id}}", _delete, "Delete"),
    _operation("GET", DELETED_LOCATIONS, partial(_list, _deleted, _DELETED)),
    _operation("GET", f"{DELETED_LOCATIONS}/{{id}}", partial(_get, _deleted, _DELETED)),
    _operation("DELETE", f"{DELETED_LOCATIONS}/{{id}}", _purge, "Delete"),
    _operation("POST", f"{DELETED_LOCATIONS}/{{id}}/restore", _restore, "Restore"),
)
