"""Authentication contexts over Graph: c1 to c99, which applications ask for and policies answer."""

import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final

from aiohttp import web

from infra.local.tenant.api_error import ApiError, bad_request
from infra.local.tenant.audit_records import AUTHENTICATION_CONTEXT, Verb
from infra.local.tenant.bodies import as_object, json_answer
from infra.local.tenant.graph import Call, Operation
from infra.local.tenant.object_changes import found, record, refusal
from infra.local.tenant.odata import list_page, selected
from infra.local.tenant.permissions import CONTEXTS
from infra.local.world import Json

_ID: Final = re.compile(r"c[1-9]\d?")
_CONTEXT: Final = "identity/conditionalAccess/authenticationContextClassReferences"
_OWN: Final[Json] = {"displayName": None, "description": None, "isAvailable": False}


def _checked(body: object) -> Json:
    given = dict(as_object(body) or {})
    for annotation in [name for name in given if name.startswith("@odata.")]:
        del given[annotation]
    if unknown := sorted(given.keys() - {"id", *_OWN}):
        raise bad_request(f"The property '{unknown[0]}' does not exist on type 'authenticationContextClassReference'.")
    return given


def _checked_id(context_id: object) -> str:
    if not isinstance(context_id, str) or not _ID.fullmatch(context_id):
        raise bad_request(f"Invalid id '{context_id}'. Authentication contexts are c1 to c99.")
    return context_id


def _write(call: Call, context_id: str, given: Json) -> tuple[Json | None, Json]:
    """Create or update; answers the context before and after."""
    before = call.met(call.directory.authentication_contexts, context_id)
    after: Json = (before or {"id": context_id} | _OWN) | given | {"id": context_id}
    call.directory.authentication_contexts.put(context_id, after)
    record(call, AUTHENTICATION_CONTEXT, "Update" if before else "Add", before=before, after=after)
    return before, after


async def _list(call: Call) -> web.Response:
    values = list(call.directory.authentication_contexts.all_seen().values())
    return list_page(call, values, size=call.settings.ca_page_size, context=_CONTEXT, filters=("isAvailable",))


async def _get(call: Call) -> web.Response:
    context = found(call.directory.authentication_contexts.seen(call.id), call.id)
    return json_answer({"@odata.context": call.context(f"{_CONTEXT}/$entity")} | selected(call, context))


async def _create(call: Call) -> web.Response:
    given = _checked(await call.json())
    _before, after = _write(call, _checked_id(given.get("id")), given)
    return json_answer({"@odata.context": call.context(f"{_CONTEXT}/$entity")} | after, status=HTTPStatus.CREATED)


async def _update(call: Call) -> web.Response:
    """Update, or create where the id is free: the service does both by PATCH."""
    _write(call, _checked_id(call.id), _checked(await call.json()))
    return web.Response(status=HTTPStatus.NO_CONTENT)


async def _delete(call: Call) -> web.Response:
    context = found(call.met(call.directory.authentication_contexts, call.id), call.id)
    if context["isAvailable"]:
        message = "A published authentication context can't be deleted."
        raise ApiError(HTTPStatus.FORBIDDEN, "AccessDenied", message)
    if call.directory.users_of(call.id):
        raise bad_request("The authentication context is used by a conditional access policy.")
    call.directory.authentication_contexts.put(call.id, None)
    record(call, AUTHENTICATION_CONTEXT, "Delete", before=context, after=None)
    return web.Response(status=HTTPStatus.NO_CONTENT)


def _operation(
    method: str, path: str, handle: Callable[[Call], Awaitable[web.StreamResponse]], verb: Verb | None = None
) -> Operation:
    return Operation(
        method=method,
        path=path,
        handle=handle,
        throttle="conditionalAccess",
        on_refusal=verb and refusal(AUTHENTICATION_CONTEXT, verb),
    )


OPERATIONS = (
    _operation("GET", CONTEXTS, _list),
    _operation("POST", CONTEXTS, _create, "Add"),
    _operation("GET", f"{CONTEXTS}/{{id}}", _get),
    _operation("PATCH", f"{CONTEXTS}/{{id}}", _update, "Update"),
    _operation("DELETE", f"{CONTEXTS}/{{id}}", _delete, "Delete"),
)
