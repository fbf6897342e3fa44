"""Conditional access policies over Graph, with their 30-day bin."""

import uuid
from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus

from aiohttp import web

from infra.local.tenant import ca_rules
from infra.local.tenant.api_error import bad_request, not_found
from infra.local.tenant.audit_records import CaChange, Outcome, Verb
from infra.local.tenant.bodies import json_answer
from infra.local.tenant.directory import new_ca_policy
from infra.local.tenant.graph import Call, Operation
from infra.local.tenant.instants import instant
from infra.local.tenant.odata import list_page, selected
from infra.local.tenant.permissions import DELETED_POLICIES, POLICIES
from infra.local.tenant.replicated import Replicated
from infra.local.world import Json


def _checked_id(call: Call) -> str:
    try:
        return str(uuid.UUID(call.id))
    except ValueError as error:
        raise bad_request(f"Invalid object identifier '{call.id}'.") from error


def _found(policy: Json | None, policy_id: str) -> Json:
    if policy is None:
        raise not_found(f"{policy_id} could not be found.")
    return policy


def _record(call: Call, verb: Verb, *, before: Json | None, after: Json | None) -> None:
    change = CaChange(
        verb=verb,
        correlation_id=call.correlation_id,
        before=before and ca_rules.shown(before),
        after=after and ca_rules.shown(after),
    )
    for record in change.records(call.caller):
        call.directory.audit.add(record)


def _refusal(verb: Verb) -> Callable[[Call, Outcome], list[Json]]:
    def records(call: Call, outcome: Outcome) -> list[Json]:
        policy_id = call.request.match_info.get("id", "")
        change = CaChange(verb=verb, correlation_id=call.correlation_id, outcome=outcome, policy_id=policy_id)
        return change.records(call.caller)

    return records


async def _list(policies: Callable[[Call], Replicated[Json]], context: str, call: Call) -> web.Response:
    shown = [ca_rules.shown(policy) for policy in policies(call).all_seen().values()]
    return list_page(call, shown, size=call.settings.ca_page_size, context=context)


async def _get(policies: Callable[[Call], Replicated[Json]], context: str, call: Call) -> web.Response:
    policy_id = _checked_id(call)
    policy = _found(policies(call).seen(policy_id), policy_id)
    return json_answer({"@odata.context": call.context(f"{context}/$entity")} | selected(call, ca_rules.shown(policy)))


async def _create(call: Call) -> web.Response:
    checked = ca_rules.checked(await call.json())
    ca_rules.refuse_incomplete(checked)
    ca_rules.refuse_contradictions(checked)
    policy = new_ca_policy(str(uuid.uuid4()), checked, created=instant())
    call.directory.ca_policies.put(policy["id"], policy)
    _record(call, "Add", before=None, after=policy)
    return _answer(call, policy, HTTPStatus.CREATED)


async def _update(call: Call) -> web.Response:
    policy_id = _checked_id(call)
    before = _found(call.met(call.directory.ca_policies, policy_id), policy_id)
    # A property that was sent is replaced as a whole: what its old value held and the new one leaves out is gone.
    after = before | ca_rules.checked(await call.json()) | {"modifiedDateTime": instant()}
    ca_rules.refuse_contradictions(after)
    call.directory.ca_policies.put(policy_id, after)
    _record(call, "Update", before=before, after=after)
    return web.Response(status=HTTPStatus.NO_CONTENT)


async def _delete(call: Call) -> web.Response:
    policy_id = _checked_id(call)
    policy = _found(call.met(call.directory.ca_policies, policy_id), policy_id)
    call.directory.ca_policies.put(policy_id, None)
    call.directory.deleted_ca_policies.put(policy_id, policy | {"deletedDateTime": instant()})
    _record(call, "Delete", before=policy, after=None)
    return web.Response(status=HTTPStatus.NO_CONTENT)


async def _purge(call: Call) -> web.Response:
    policy_id = _checked_id(call)
    _found(call.met(call.directory.deleted_ca_policies, policy_id), policy_id)
    call.directory.deleted_ca_policies.put(policy_id, None)
    return web.Response(status=HTTPStatus.NO_CONTENT)


async def _restore(call: Call) -> web.Response:
    policy_id = _checked_id(call)
    deleted = _found(call.met(call.directory.deleted_ca_policies, policy_id), policy_id)
    policy = {name: value for name, value in deleted.items() if name != "deletedDateTime"}
    call.directory.deleted_ca_policies.put(policy_id, None)
    call.directory.ca_policies.put(policy_id, policy)
    _record(call, "Restore", before=None, after=policy)
    return _answer(call, policy, HTTPStatus.OK)


def _answer(call: Call, policy: Json, status: int) -> web.Response:
    context = {"@odata.context": call.context("identity/conditionalAccess/policies/$entity")}
    return json_answer(context | ca_rules.shown(policy), status=status)


def _live(call: Call) -> Replicated[Json]:
    return call.directory.ca_policies


def _deleted(call: Call) -> Replicated[Json]:
    return call.directory.deleted_ca_policies


_LIVE, _DELETED = "identity/conditionalAccess/policies", "identity/conditionalAccess/deletedItems/policies"


def _operation(
    method: str, path: str, handle: Callable[[Call], Awaitable[web.StreamResponse]], verb: Verb | None = None
) -> Operation:
    return Operation(
        method=method,
        path=path,
        handle=handle,
        throttle="conditionalAccess",
        on_refusal=verb and _refusal(verb),
    )


OPERATIONS = (
    _operation("GET", POLICIES, partial(_list, _live, _LIVE)),
    _operation("POST", POLICIES, _create, "Add"),
    _operation("GET", f"{POLICIES}/{{id}}", partial(_get, _live, _LIVE)),
    _operation("PATCH", f"{POLICIES}/{{id}}", _update, "Update"),
    _operation("DELETE", f"{POLICIES}/{{id}}", _delete, "Delete"),
    _operation("GET", DELETED_POLICIES, partial(_list, _deleted, _DELETED)),
    _operation("GET", f"{DELETED_POLICIES}/{{id}}", partial(_get, _deleted, _DELETED)),
    _operation("DELETE", f"{DELETED_POLICIES}/{{id}}", _purge, "Delete"),
    _operation("POST", f"{DELETED_POLICIES}/{{id}}/restore", _restore, "Restore"),
)
