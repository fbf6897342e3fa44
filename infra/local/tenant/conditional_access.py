"""Conditional access policies over Graph, with their 30-day bin."""

import uuid
from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus

from aiohttp import web

from infra.local.tenant import ca_rules
from infra.local.tenant.api_error import bad_request
from infra.local.tenant.audit_records import CA_POLICY, Verb
from infra.local.tenant.bodies import json_answer
from infra.local.tenant.directory import locations_of, new_ca_policy
from infra.local.tenant.graph import Call, Operation
from infra.local.tenant.instants import instant
from infra.local.tenant.object_changes import checked_guid, found, record, refusal
from infra.local.tenant.odata import list_page, selected
from infra.local.tenant.permissions import DELETED_POLICIES, POLICIES
from infra.local.tenant.replicated import Replicated
from infra.local.world import Json

_NOT_LOCATIONS = frozenset({"All", "AllTrusted", "00000000-0000-0000-0000-000000000000"})
"""Words, and the id that stands for the trusted addresses of the multifactor service."""


def _terms(call: Call) -> ca_rules.Terms:
    return ca_rules.Terms(
        is_beta=call.is_beta,
        added=call.settings.ca_added_properties,
        strengths=frozenset(
            strength_id for strength_id in call.directory.strengths.all_current() if _is_met(call, strength_id)
        ),
    )


def _is_met(call: Call, strength_id: str) -> bool:
    return call.met(call.directory.strengths, strength_id) is not None


def _refuse_unknown_locations(call: Call, policy: Json) -> None:
    for location in locations_of(policy):
        if location not in _NOT_LOCATIONS and call.met(call.directory.named_locations, location) is None:
            raise bad_request(f"1040: NamedLocation with id {location} does not exist in the directory.")


def _shown(call: Call, *policies: Json) -> list[Json]:
    """Print policies as this version of Graph does, their strengths as a reader is shown them."""
    strengths, added = call.directory.strengths.all_seen(), call.settings.ca_added_properties
    printed = [ca_rules.shown(policy, strengths) for policy in policies]
    if not call.is_beta:
        printed = [ca_rules.without_preview_parts(policy) for policy in printed]
    return [ca_rules.filled_in(policy, added) for policy in printed] if added else printed


def _is_hidden(call: Call, policy: Json) -> bool:
    hides = not call.is_beta and call.settings.preview_policies == "hidden"
    return hides and ca_rules.has_preview_parts(policy)


def _unhidden(call: Call, policy: Json | None, policy_id: str) -> Json:
    """Give the policy; raises ApiError 404, or 400 when v1.0 is asked for what only beta shows."""
    if _is_hidden(call, found(policy, policy_id)):
        message = "1037: The policy you requested contains preview features. Use the Beta endpoint."
        raise bad_request(message)
    return found(policy, policy_id)


def _record(call: Call, verb: Verb, *, before: Json | None, after: Json | None) -> None:
    strengths = call.directory.strengths.all_current()
    shown = [policy and ca_rules.shown(policy, strengths) for policy in (before, after)]
    record(call, CA_POLICY, verb, before=shown[0], after=shown[1])


async def _list(policies: Callable[[Call], Replicated[Json]], context: str, call: Call) -> web.Response:
    standing = [policy for policy in policies(call).all_seen().values() if not _is_hidden(call, policy)]
    return list_page(call, _shown(call, *standing), size=call.settings.ca_page_size, context=context)


async def _get(policies: Callable[[Call], Replicated[Json]], context: str, call: Call) -> web.Response:
    policy_id = checked_guid(call)
    (policy,) = _shown(call, _unhidden(call, policies(call).seen(policy_id), policy_id))
    return json_answer({"@odata.context": call.context(f"{context}/$entity")} | selected(call, policy))


async def _create(call: Call) -> web.Response:
    checked = ca_rules.checked(await call.json(), _terms(call))
    ca_rules.refuse_incomplete(checked)
    ca_rules.refuse_contradictions(checked)
    _refuse_unknown_locations(call, checked)
    policy = new_ca_policy(str(uuid.uuid4()), checked, created=instant())
    call.directory.ca_policies.put(policy["id"], ca_rules.filled_in(policy, call.settings.ca_fill_ins))
    _record(call, "Add", before=None, after=policy)
    return _answer(call, policy, HTTPStatus.CREATED)


async def _update(call: Call) -> web.Response:
    policy_id = checked_guid(call)
    before = _unhidden(call, call.met(call.directory.ca_policies, policy_id), policy_id)
    # A property that was sent is replaced as a whole: what its old value held and the new one leaves out is gone.
    after = before | ca_rules.checked(await call.json(), _terms(call)) | {"modifiedDateTime": instant()}
    ca_rules.refuse_contradictions(after)
    _refuse_unknown_locations(call, after)
    call.directory.ca_policies.put(policy_id, ca_rules.filled_in(after, call.settings.ca_fill_ins))
    _record(call, "Update", before=before, after=after)
    return web.Response(status=HTTPStatus.NO_CONTENT)


async def _delete(call: Call) -> web.Response:
    policy_id = checked_guid(call)
    policy = _unhidden(call, call.met(call.directory.ca_policies, policy_id), policy_id)
    call.directory.ca_policies.put(policy_id, None)
    call.directory.deleted_ca_policies.put(policy_id, policy | {"deletedDateTime": instant()})
    _record(call, "Delete", before=policy, after=None)
    return web.Response(status=HTTPStatus.NO_CONTENT)


async def _purge(call: Call) -> web.Response:
    policy_id = checked_guid(call)
    found(call.met(call.directory.deleted_ca_policies, policy_id), policy_id)
    call.directory.deleted_ca_policies.put(policy_id, None)
    return web.Response(status=HTTPStatus.NO_CONTENT)


async def _restore(call: Call) -> web.Response:
    policy_id = checked_guid(call)
    deleted = _unhidden(call, call.met(call.directory.deleted_ca_policies, policy_id), policy_id)
    policy = {name: value for name, value in deleted.items() if name != "deletedDateTime"}
    call.directory.deleted_ca_policies.put(policy_id, None)
    call.directory.ca_policies.put(policy_id, policy)
    _record(call, "Restore", before=None, after=policy)
    if call.settings.restore_wraps_in_value:
        return json_answer({"value": _shown(call, policy)[0]})
    return _answer(call, policy, HTTPStatus.OK)


def _answer(call: Call, policy: Json, status: int) -> web.Response:
    context = {"@odata.context": call.context("identity/conditionalAccess/policies/$entity")}
    return json_answer(context | _shown(call, policy)[0], status=status)


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
        on_refusal=verb and refusal(CA_POLICY, verb),
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
