"""B2C custom policies over Graph beta: XML in and out, parents before children, and no bin."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Literal

from aiohttp import web

from infra.local.tenant.api_error import ApiError, bad_request, not_found
from infra.local.tenant.audit_records import Outcome, custom_policy_records
from infra.local.tenant.bodies import json_answer
from infra.local.tenant.graph import BETA, Call, Operation
from infra.local.tenant.odata import list_page
from infra.local.tenant.permissions import CUSTOM_POLICIES
from infra.local.tenant.policy_xml import PolicyHeader, read_header
from infra.local.world import Json

type _Verb = Literal["Create", "Update", "Delete"]

_PAGE = 1000


def _in_b2c(handle: Callable[[Call], Awaitable[web.StreamResponse]]) -> Callable[[Call], Awaitable[web.StreamResponse]]:
    async def checked(call: Call) -> web.StreamResponse:
        if not call.directory.is_b2c:
            raise ApiError(HTTPStatus.FORBIDDEN, "AADB2C", "The tenant is not an Azure AD B2C tenant.")
        return await handle(call)

    return checked


def _record(call: Call, verb: _Verb, policy_id: str) -> None:
    for record in custom_policy_records(call.caller, verb, policy_id, correlation_id=call.correlation_id):
        call.directory.audit.add(record)


def _refusal(verb: _Verb) -> Callable[[Call, Outcome], list[Json]]:
    def records(call: Call, outcome: Outcome) -> list[Json]:
        policy_id = call.request.match_info.get("id", "")
        exists = call.directory.custom_policies.current(policy_id) is not None
        recorded_verb: _Verb = "Create" if verb == "Update" and not exists else verb
        return custom_policy_records(
            call.caller, recorded_verb, policy_id, correlation_id=call.correlation_id, outcome=outcome
        )

    return records


def _found(xml: str | None, policy_id: str) -> str:
    if xml is None:
        raise not_found(f"Policy '{policy_id}' does not exist.", "AADB2C90073")
    return xml


async def _list(call: Call) -> web.Response:
    values: list[Json] = [{"id": policy_id} for policy_id in call.directory.custom_policies.all_seen()]
    return list_page(call, values, size=_PAGE, context="trustFramework/policies")


async def _get(call: Call) -> web.Response:
    _found(call.directory.custom_policies.seen(call.id), call.id)
    return json_answer({"@odata.context": call.context("trustFramework/policies/$entity"), "id": call.id})


async def _get_xml(call: Call) -> web.Response:
    return _xml(_found(call.directory.custom_policies.seen(call.id), call.id), HTTPStatus.OK)


async def _create(call: Call) -> web.Response:
    xml, header = await _uploaded(call)
    if call.directory.custom_policies.current(header.id) is not None:
        raise ApiError(HTTPStatus.CONFLICT, "AADB2C90071", f"Policy '{header.id}' already exists.")
    return _store(call, "Create", xml, header)


async def _put(call: Call) -> web.Response:
    xml, header = await _uploaded(call)
    if header.id != call.id:
        raise bad_request(f"The policy id '{header.id}' in the document differs from '{call.id}' in the request.")
    exists = call.directory.custom_policies.current(call.id) is not None
    return _store(call, "Update" if exists else "Create", xml, header)


def _store(call: Call, verb: _Verb, xml: str, header: PolicyHeader) -> web.Response:
    call.directory.custom_policies.put(header.id, xml)
    _record(call, verb, header.id)
    return _xml(xml, HTTPStatus.CREATED if verb == "Create" else HTTPStatus.OK)


async def _uploaded(call: Call) -> tuple[str, PolicyHeader]:
    """Read and check the document; raises ApiError 400 with the details."""
    if call.request.content_type not in {"application/xml", "text/xml"}:
        raise bad_request(f"The content type is '{call.request.content_type}', expected 'application/xml'.")
    try:
        xml = (await call.request.read()).decode("utf-8-sig")
        header = read_header(xml)
    except ValueError as error:
        raise bad_request(f"Validation failed: 1 validation error(s) found. {error}") from error
    directory = call.directory
    if header.tenant.lower() not in {directory.domain, directory.tenant}:
        raise bad_request(f"The tenant id '{header.tenant}' in the document is not this tenant, '{directory.domain}'.")
    if header.base is not None and call.met(directory.custom_policies, header.base) is None:
        raise bad_request(f"The base policy '{header.base}' of policy '{header.id}' does not exist in this tenant.")
    return xml, header


async def _delete(call: Call) -> web.Response:
    _found(call.met(call.directory.custom_policies, call.id), call.id)
    children = [
        policy_id
        for policy_id, xml in call.directory.custom_policies.all_current().items()
        if read_header(xml).base == call.id
    ]
    if children:
        raise bad_request(f"The policy '{call.id}' is the base policy of '{children[0]}' and cannot be deleted.")
    call.directory.custom_policies.put(call.id, None)
    _record(call, "Delete", call.id)
    return web.Response(status=HTTPStatus.NO_CONTENT)


def _xml(xml: str, status: int) -> web.Response:
    return web.Response(text=xml, status=status, content_type="application/xml", charset="utf-8")


def _operation(
    method: str, path: str, handle: Callable[[Call], Awaitable[web.StreamResponse]], verb: _Verb | None = None
) -> Operation:
    return Operation(
        method=method, path=path, handle=_in_b2c(handle), versions=BETA, on_refusal=verb and _refusal(verb)
    )


OPERATIONS = (
    _operation("GET", CUSTOM_POLICIES, _list),
    _operation("POST", CUSTOM_POLICIES, _create, "Create"),
    _operation("GET", f"{CUSTOM_POLICIES}/{{id}}", _get),
    _operation("GET", f"{CUSTOM_POLICIES}/{{id}}/$value", _get_xml),
    _operation("PUT", f"{CUSTOM_POLICIES}/{{id}}/$value", _put, "Update"),
    _operation("DELETE", f"{CUSTOM_POLICIES}/{{id}}", _delete, "Delete"),
)
