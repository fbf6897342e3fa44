"""Authentication strengths over Graph: which methods satisfy a policy that asks for one."""

import uuid
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final

from aiohttp import web

from infra.local import world
from infra.local.tenant.api_error import bad_request, not_found
from infra.local.tenant.audit_records import AUTHENTICATION_STRENGTH, COMBINATION_CONFIGURATION, ChangeKind, Verb
from infra.local.tenant.bodies import as_list, as_object, json_answer
from infra.local.tenant.graph import Call, Operation
from infra.local.tenant.instants import instant
from infra.local.tenant.object_changes import checked_guid, found, record, refusal
from infra.local.tenant.odata import list_page, selected
from infra.local.tenant.permissions import STRENGTHS
from infra.local.world import Json

_COMBINATIONS: Final = frozenset(
    {*(each for strength in world.BUILT_IN_STRENGTHS for each in strength["allowedCombinations"])}
    | {"password", "sms", "hardwareOath", "softwareOath", "federatedSingleFactor", "x509CertificateSingleFactor"}
    | {"qrCodePin"}
)
"""Graph's combinations, single factors too: a strength made of one of those is weaker than multifactor."""
_MULTIFACTOR: Final = frozenset(world.BUILT_IN_STRENGTHS[0]["allowedCombinations"])
_CONFIGURATIONS: Final = {
    "#microsoft.graph.fido2CombinationConfiguration": ("allowedAAGUIDs", "fido2"),
    "#microsoft.graph.x509CertificateCombinationConfiguration": ("allowedIssuerSkis", "x509CertificateMultiFactor"),
}
_CONTEXT: Final = "policies/authenticationStrengthPolicies"


def _combinations(value: object) -> list[str]:
    """Read a list of combinations; raises ApiError 400."""
    given = [str(each).replace(", ", ",") for each in as_list(value)]
    if not given or set(given) - _COMBINATIONS:
        raise bad_request("The allowed combinations are empty, or one of them is not valid.")
    return given


def _satisfied(combinations: list[str]) -> str:
    return "mfa" if set(combinations) <= _MULTIFACTOR else "none"


def _own(call: Call) -> Json:
    """Give the strength that is to be changed; raises ApiError 404, or 400 for one of Microsoft's own."""
    strength = _met(call)
    if strength["policyType"] == "builtIn":
        raise bad_request("A built-in authentication strength policy can't be changed or deleted.")
    return strength


def _met(call: Call) -> Json:
    strength_id = checked_guid(call)
    return found(call.met(call.directory.strengths, strength_id), strength_id)


def _put(call: Call, kind: ChangeKind, verb: Verb, before: Json, after: Json) -> None:
    call.directory.strengths.put(before["id"], after)
    record(call, kind, verb, before=before, after=after)


async def _list(call: Call) -> web.Response:
    values = list(call.directory.strengths.all_seen().values())
    return list_page(
        call,
        values,
        size=call.settings.ca_page_size,
        context=_CONTEXT,
        filters=("policyType", "displayName"),
        options=("$expand",),
    )


async def _get(call: Call) -> web.Response:
    strength_id = checked_guid(call)
    strength = found(call.directory.strengths.seen(strength_id), strength_id)
    return json_answer({"@odata.context": call.context(f"{_CONTEXT}/$entity")} | selected(call, strength))


async def _create(call: Call) -> web.Response:
    body = as_object(await call.json()) or {}
    if unknown := sorted(body.keys() - {"displayName", "description", "allowedCombinations", "@odata.type"}):
        raise bad_request(f"The property '{unknown[0]}' can't be set.")
    combinations = _combinations(body.get("allowedCombinations"))
    if not body.get("displayName"):
        raise bad_request("An authentication strength policy needs 'displayName'.")
    now = instant()
    strength: Json = {
        "id": str(uuid.uuid4()),
        "createdDateTime": now,
        "modifiedDateTime": now,
        "displayName": body["displayName"],
        "description": body.get("description") or "",
        "policyType": "custom",
        "requirementsSatisfied": _satisfied(combinations),
        "allowedCombinations": combinations,
        "combinationConfigurations": [],
    }
    call.directory.strengths.put(strength["id"], strength)
    record(call, AUTHENTICATION_STRENGTH, "Create", before=None, after=strength)
    context = {"@odata.context": call.context(f"{_CONTEXT}/$entity")}
    return json_answer(context | strength, status=HTTPStatus.CREATED)


async def _update(call: Call) -> web.Response:
    before = _own(call)
    body = dict(as_object(await call.json()) or {})
    body.pop("@odata.type", None)
    if "allowedCombinations" in body:
        raise bad_request("The allowed combinations can only be changed by the action updateAllowedCombinations.")
    if unknown := sorted(body.keys() - {"displayName", "description"}):
        raise bad_request(f"The property '{unknown[0]}' can't be set.")
    _put(call, AUTHENTICATION_STRENGTH, "Update", before, before | body | {"modifiedDateTime": instant()})
    return web.Response(status=HTTPStatus.NO_CONTENT)


async def _update_combinations(call: Call) -> web.Response:
    before = _own(call)
    combinations = _combinations((as_object(await call.json()) or {}).get("allowedCombinations"))
    changed = {"allowedCombinations": combinations, "requirementsSatisfied": _satisfied(combinations)}
    _put(call, AUTHENTICATION_STRENGTH, "Update", before, before | changed | {"modifiedDateTime": instant()})
    return json_answer(
        {
            "@odata.context": call.context("microsoft.graph.updateAllowedCombinationsResult"),
            "currentCombinations": combinations,
            "previousCombinations": before["allowedCombinations"],
            "conditionalAccessReferences": [policy["id"] for policy in call.directory.users_of(before["id"])],
            "additionalInformation": "",
        }
    )


async def _delete(call: Call) -> web.Response:
    strength = _own(call)
    if call.directory.users_of(strength["id"]):
        raise bad_request("The authentication strength policy is used by conditional access policies.")
    call.directory.strengths.put(strength["id"], None)
    record(call, AUTHENTICATION_STRENGTH, "Delete", before=strength, after=None)
    return web.Response(status=HTTPStatus.NO_CONTENT)


# Combination configurations: which keys, or whose certificates, a combination takes.


async def _list_configurations(call: Call) -> web.Response:
    strength_id = checked_guid(call)
    strength = found(call.directory.strengths.seen(strength_id), strength_id)
    context = f"{_CONTEXT}('{strength_id}')/combinationConfigurations"
    return list_page(call, strength["combinationConfigurations"], size=call.settings.ca_page_size, context=context)


def _part(call: Call, strength: Json) -> Json:
    """Give the configuration that the path names; raises ApiError 404."""
    part = call.request.match_info["part"]
    for configuration in strength["combinationConfigurations"]:
        if configuration["id"] == part:
            return configuration
    raise not_found(f"{part} could not be found.")


async def _get_configuration(call: Call) -> web.Response:
    strength_id = checked_guid(call)
    return json_answer(_part(call, found(call.directory.strengths.seen(strength_id), strength_id)))


def _checked_configuration(body: object, combinations: list[str]) -> Json:
    given = as_object(body) or {}
    known = _CONFIGURATIONS.get(given.get("@odata.type", ""))
    if known is None:
        raise bad_request("The type of the combination configuration must be given in '@odata.type'.")
    values, combination = known
    if not given.get(values) or given.get("appliesToCombinations") != [combination] or combination not in combinations:
        raise bad_request(f"A combination configuration needs '{values}', and the strength's '{combination}'.")
    kept = ("@odata.type", "appliesToCombinations", values)
    return {name: given[name] for name in kept}


def _replace_configurations(call: Call, verb: Verb, before: Json, configurations: list[Json]) -> None:
    changed = {"combinationConfigurations": configurations, "modifiedDateTime": instant()}
    _put(call, COMBINATION_CONFIGURATION, verb, before, before | changed)


async def _create_configuration(call: Call) -> web.Response:
    before = _own(call)
    checked = _checked_configuration(await call.json(), before["allowedCombinations"])
    configuration = {"id": str(uuid.uuid4())} | checked
    _replace_configurations(call, "Create", before, [*before["combinationConfigurations"], configuration])
    return json_answer(configuration, status=HTTPStatus.CREATED)


async def _update_configuration(call: Call) -> web.Response:
    before = _own(call)
    part = _part(call, before)
    body = as_object(await call.json()) or {}
    changed = part | _checked_configuration(part | body, before["allowedCombinations"])
    configurations = [changed if each is part else each for each in before["combinationConfigurations"]]
    _replace_configurations(call, "Update", before, configurations)
    return web.Response(status=HTTPStatus.NO_CONTENT)


async def _delete_configuration(call: Call) -> web.Response:
    before = _own(call)
    part = _part(call, before)
    _replace_configurations(
        call, "Delete", before, [each for each in before["combinationConfigurations"] if each is not part]
    )
    return web.Response(status=HTTPStatus.NO_CONTENT)


type _Handler = Callable[[Call], Awaitable[web.StreamResponse]]

_READS: Final[tuple[tuple[str, _Handler], ...]] = (
    ("", _list),
    ("/{id}", _get),
    ("/{id}/combinationConfigurations", _list_configurations),
    ("/{id}/combinationConfigurations/{part}", _get_configuration),
)
_WRITES: Final[tuple[tuple[str, str, _Handler, ChangeKind, Verb], ...]] = (
    ("POST", "", _create, AUTHENTICATION_STRENGTH, "Create"),
    ("PATCH", "/{id}", _update, AUTHENTICATION_STRENGTH, "Update"),
    ("DELETE", "/{id}", _delete, AUTHENTICATION_STRENGTH, "Delete"),
    ("POST", "/{id}/updateAllowedCombinations", _update_combinations, AUTHENTICATION_STRENGTH, "Update"),
    ("POST", "/{id}/combinationConfigurations", _create_configuration, COMBINATION_CONFIGURATION, "Create"),
    ("PATCH", "/{id}/combinationConfigurations/{part}", _update_configuration, COMBINATION_CONFIGURATION, "Update"),
    ("DELETE", "/{id}/combinationConfigurations/{part}", _delete_configuration, COMBINATION_CONFIGURATION, "Delete"),
)

OPERATIONS = tuple(
    operation
    for root in STRENGTHS
    for operation in (
        *(Operation(method="GET", path=f"{root}{path}", handle=handle) for path, handle in _READS),
        *(
            Operation(method=method, path=f"{root}{path}", handle=handle, on_refusal=refusal(kind, verb))
            for method, path, handle, kind, verb in _WRITES
        ),
    )
)
