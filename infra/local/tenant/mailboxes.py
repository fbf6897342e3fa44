"""Mailboxes of Exchange Online over Graph (inbox rules, automatic replies).

Not every user has a mailbox: emergency accounts and guests have none, and their 404 has a code of its own.
Who reads without the permission gets Exchange's refusal, not the directory's. There is no forwarding address in Graph.
"""

import uuid
from http import HTTPStatus
from typing import Any, Final

from aiohttp import web

from infra.local.tenant.api_error import ApiError, bad_request, not_found
from infra.local.tenant.bodies import as_object, json_answer
from infra.local.tenant.graph import Call, Operation
from infra.local.tenant.mailbox_state import Mailbox
from infra.local.tenant.odata import list_page
from infra.local.tenant.people import principal_in
from infra.local.tenant.permissions import INBOX_RULES, MAILBOX_SETTINGS
from infra.local.world import Json, Principal

_PAGE: Final = 100
_ACTIONS: Final = frozenset(
    {"assignCategories", "copyToFolder", "delete", "forwardAsAttachmentTo", "forwardTo", "markAsRead", "markImportance"}
    | {"moveToFolder", "permanentDelete", "redirectTo", "stopProcessingRules"}
)
EXCHANGE_REFUSAL: Final = ("ErrorAccessDenied", "Access is denied. Check credentials and try again.")


def _mailbox(call: Call) -> tuple[Principal, Mailbox]:
    try:
        principal = principal_in(call, "user")
    except ApiError as error:
        raise not_found(f"The requested user '{call.id}' is invalid.", "ErrorInvalidUser") from error
    mailbox = call.directory.mailboxes.get(principal.id)
    if mailbox is None:
        message = "The mailbox is either inactive, soft-deleted, or is hosted on-premise."
        raise not_found(message, "MailboxNotEnabledForRESTAPI")
    return principal, mailbox


async def _list_rules(call: Call) -> web.Response:
    principal, mailbox = _mailbox(call)
    context = f"users('{principal.id}')/mailFolders('inbox')/messageRules"
    return list_page(call, mailbox.rules, size=_PAGE, context=context)


async def _add_rule(call: Call) -> web.Response:
    _, mailbox = _mailbox(call)
    body = as_object(await call.json())
    actions = as_object(body.get("actions")) if body else None
    if not body or not body.get("displayName") or not actions:
        raise bad_request("The property 'displayName' and one of 'actions' are required.", "ErrorInvalidRequest")
    if unknown := sorted(actions.keys() - _ACTIONS):
        raise bad_request(f"The property '{unknown[0]}' does not exist on type 'messageRuleActions'.")
    rule: dict[str, Any] = {
        "id": uuid.uuid4().hex[:16],
        "displayName": body["displayName"],
        "sequence": body.get("sequence", len(mailbox.rules) + 1),
        "isEnabled": body.get("isEnabled", True),
        "hasError": False,
        "isReadOnly": False,
        "conditions": body.get("conditions", {}),
        "actions": actions,
    }
    mailbox.rules.append(rule)
    return json_answer(rule, status=HTTPStatus.CREATED)


async def _delete_rule(call: Call) -> web.Response:
    _, mailbox = _mailbox(call)
    left = [rule for rule in mailbox.rules if rule["id"] != call.request.match_info["part"]]
    if len(left) == len(mailbox.rules):
        raise not_found("The specified object was not found in the store.", "ErrorItemNotFound")
    mailbox.rules[:] = left
    return web.Response(status=HTTPStatus.NO_CONTENT)


async def _settings(call: Call) -> web.Response:
    principal, mailbox = _mailbox(call)
    return json_answer(_shown(call, principal, mailbox))


async def _update_settings(call: Call) -> web.Response:
    principal, mailbox = _mailbox(call)
    body = as_object(await call.json()) or {}
    if unknown := sorted(body.keys() - {"automaticRepliesSetting"}):
        raise bad_request(f"The property '{unknown[0]}' is not played here.")
    mailbox.replies |= as_object(body.get("automaticRepliesSetting")) or {}
    return json_answer(_shown(call, principal, mailbox))


def _shown(call: Call, principal: Principal, mailbox: Mailbox) -> Json:
    return {
        "@odata.context": call.context(f"users('{principal.id}')/mailboxSettings"),
        "userPurpose": "user",
        "timeZone": "UTC",
        "automaticRepliesSetting": mailbox.replies,
    }


OPERATIONS = (
    Operation(method="GET", path=INBOX_RULES, handle=_list_rules, refusal=EXCHANGE_REFUSAL),
    Operation(method="POST", path=INBOX_RULES, handle=_add_rule, refusal=EXCHANGE_REFUSAL),
    Operation(method="DELETE", path=f"{INBOX_RULES}/{{part}}", handle=_delete_rule, refusal=EXCHANGE_REFUSAL),
    Operation(method="GET", path=MAILBOX_SETTINGS, handle=_settings, refusal=EXCHANGE_REFUSAL),
    Operation(method="PATCH", path=MAILBOX_SETTINGS, handle=_update_settings, refusal=EXCHANGE_REFUSAL),
)
