"""HTTP for PagerDuty's webhook: what people acknowledge and resolve there is heard here.

Anonymous to the host and to App Service authentication: PagerDuty has no token. Its signature is checked here, by code.
"""

import logging
from collections.abc import Mapping
from typing import Final

import azure.functions as func
import msgspec

from responders.app import runtime
from shared.model.errors import EdgeError

pagerduty = func.Blueprint()
_log = logging.getLogger("responder.notify")
_LATER: Final = 503


@pagerduty.function_name("hear_pagerduty")
@pagerduty.route(route="emergency/pagerduty", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
def hear_pagerduty(req: func.HttpRequest) -> func.HttpResponse:
    """Keep one event of a v3 webhook. It is only stored here, since PagerDuty waits for five seconds at most.

    An event that came before is answered like the first, so that PagerDuty doesn't send it again; nothing comes of it.
    """
    from shared.notify.pagerduty_webhook import SIGNATURE, NotHeard, event_from  # noqa: PLC0415 - asked for rarely

    signatures = _header(req.headers, SIGNATURE)
    secrets = runtime().settings.pagerduty_webhook_secrets
    try:
        event = event_from(req.get_body(), signatures, secrets=secrets, now=runtime().clock())
    except NotHeard as not_heard:
        _log.warning("a request in PagerDuty's name was refused with %s", not_heard.status.value)
        return _problem(not_heard.status, not_heard.detail)
    try:
        is_new = runtime().notifier.heard.keep(event)
    except EdgeError as error:
        _log.warning("what PagerDuty told could not be stored: %s", error)
        return _problem(_LATER, "it could not be stored; send it again")
    body = msgspec.json.encode({"heard": "now" if is_new else "before"})
    return func.HttpResponse(body, mimetype="application/json", headers={"Cache-Control": "no-store"})


def _header(headers: Mapping[str, str], name: str) -> str:
    return headers.get(name, "")


def _problem(status: int, detail: str) -> func.HttpResponse:
    body = msgspec.json.encode({"status": int(status), "detail": detail})
    return func.HttpResponse(body, status_code=int(status), mimetype="application/problem+json")
