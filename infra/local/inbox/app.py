"""The HTTP side: two services that page, control calls, and the page with its live updates."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from secrets import token_hex

import msgspec
from aiohttp import web

from infra.local.inbox.cards import refusal_of
from infra.local.inbox.mailbox import Arrival, Health, Mailbox, Service, Settings, Verdict
from infra.local.inbox.pagerduty import EVENT_LIMIT_BYTES, errors_in, event_from
from infra.local.inbox.webhook import EVENTS, INTEGRATION, PEOPLE, Webhook, body_of, user
from infra.local.inbox.wire import Json, json_from, text_at

WORKFLOW_ID = "demo"
SIGNATURE = "demo"
WORKFLOW_PATH = f"/workflows/{WORKFLOW_ID}/triggers/manual/paths/invoke"
ENQUEUE_PATH = "/v2/enqueue"
STATIC = Path(__file__).with_name("static")

_BODY_LIMIT_BYTES = 16 * 1024 * 1024
_HEARTBEAT_SECONDS = 15.0
_LONG = 12
_OWN_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
_HEADERS = {
    # Cards come from whoever can post: the page runs its own scripts only, asks nobody else, and no text becomes markup
    # except through the card library's own three policies.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
        "trusted-types adaptivecards#deprecatedExportedFunctionPolicy adaptivecards#markdownPassthroughPolicy "
        "adaptivecards#restoreContentsPolicy"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Libraries:
    """Where the page's two scripts from npm lie."""

    adaptivecards: Path
    markdown_it: Path


@dataclass(slots=True, kw_only=True)
class Inbox:
    """One running inbox."""

    libraries: Libraries
    routing_key: str
    mailbox: Mailbox
    webhook: Webhook


_INBOX = web.AppKey("inbox", Inbox)


def new_inbox(libraries: Libraries, *, webhook_url: str = "") -> Inbox:
    """Make an inbox with keys of its own; PagerDuty's webhooks go to `webhook_url`, "" for nowhere."""
    webhook = Webhook(url=webhook_url)
    return Inbox(libraries=libraries, routing_key=token_hex(16), mailbox=Mailbox(), webhook=webhook)


def application(inbox: Inbox) -> web.Application:
    """Build the web application around `inbox`."""
    app = web.Application(middlewares=[_own_host_only], client_max_size=_BODY_LIMIT_BYTES)
    app[_INBOX] = inbox
    app.add_routes(
        [
            web.post("/workflows/{workflow}/triggers/manual/paths/invoke", _post_to_teams),
            web.post(ENQUEUE_PATH, _post_to_pagerduty),
            web.get("/messages", _list_messages),
            web.delete("/messages", _clear_messages),
            web.get("/alerts", _list_alerts),
            web.get("/control/settings", _show_settings),
            web.post("/control/settings", _change_settings),
            web.post("/control/alerts/{alert}", _act_on_alert),
            web.get("/state", _show_state),
            web.get("/stream", _stream_revisions),
            web.get("/", _page),
            web.get("/vendor/adaptivecards.js", _adaptivecards),
            web.get("/vendor/markdown-it.js", _markdown_it),
            web.static("/static", STATIC),
        ]
    )
    app.on_response_prepare.append(_add_headers)
    app.on_shutdown.append(_let_streams_go)
    return app


@web.middleware
async def _own_host_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse other host names: a web page elsewhere could point its own name at loopback and read the posts."""
    if request.url.host not in _OWN_HOSTS:
        raise web.HTTPMisdirectedRequest(text=f"This inbox answers to 127.0.0.1 and localhost, not to {request.host}.")
    return await handler(request)


async def _add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    for name, value in _HEADERS.items():
        response.headers[name] = value


async def _let_streams_go(app: web.Application) -> None:
    app[_INBOX].mailbox.close()
    await app[_INBOX].webhook.close()


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), status=status, content_type="application/json")


def _dropped(request: web.Request) -> web.Response:
    """End the connection without an answer; the response returned is never seen."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=503)


async def _post_to_teams(request: web.Request) -> web.Response:
    mailbox = request.app[_INBOX].mailbox
    body = await request.read()
    arrival = mailbox.arrive()
    verdict, answer = _judge_teams(request, mailbox.settings.teams, body)
    mailbox.keep(Service.TEAMS, body, verdict, arrival)
    return _dropped(request) if verdict.status == 0 else answer


def _judge_teams(request: web.Request, health: Health, body: bytes) -> tuple[Verdict, web.Response]:
    if out := _outage("Teams", health):
        return out, web.Response(status=503)
    workflow = request.match_info["workflow"]
    if workflow != WORKFLOW_ID:
        return _turned_away(404, "WorkflowNotFound", f"The workflow '{workflow}' could not be found.")
    signature = request.query.get("sig")
    if signature is None:
        message = "The request must be authenticated only by Shared Access scheme."
        return _turned_away(401, "DirectApiAuthorizationRequired", message)
    if signature != SIGNATURE:
        return _turned_away(401, "AuthorizationFailed", "The authentication credentials are not valid.")
    if health is Health.OFF:
        verdict = Verdict(status=202, accepted=False, rule="flow-off", reason="The flow is switched off.")
    elif refusal := refusal_of(body):
        verdict = Verdict(status=202, accepted=False, rule=refusal.rule, reason=refusal.reason)
    else:
        verdict = Verdict(status=202, accepted=True)
    return verdict, web.Response(status=202)


def _turned_away(status: int, code: str, message: str) -> tuple[Verdict, web.Response]:
    verdict = Verdict(status=status, accepted=False, rule=code, reason=message)
    return verdict, _json({"error": {"code": code, "message": message}}, status)


def _outage(name: str, health: Health) -> Verdict | None:
    if health is Health.DOWN:
        return Verdict(status=503, accepted=False, rule="down", reason=f"{name} is down (503).")
    if health is Health.CUT:
        return Verdict(status=0, accepted=False, rule="cut", reason=f"{name} dropped the connection.")
    return None


async def _post_to_pagerduty(request: web.Request) -> web.Response:
    inbox = request.app[_INBOX]
    body = await request.read()
    arrival = inbox.mailbox.arrive()
    verdict, answer = _judge_pagerduty(inbox, body, arrival)
    inbox.mailbox.keep(Service.PAGERDUTY, body, verdict, arrival)
    return _dropped(request) if verdict.status == 0 else answer


def _judge_pagerduty(inbox: Inbox, body: bytes, arrival: Arrival) -> tuple[Verdict, web.Response]:
    mailbox = inbox.mailbox
    if out := _outage("PagerDuty", mailbox.settings.pagerduty):
        return out, web.Response(status=503)
    if len(body) > EVENT_LIMIT_BYTES:
        verdict = Verdict(status=413, accepted=False, rule="too-large", reason="The event has more than 512 KB.")
        return verdict, web.Response(status=413, text="Request Entity Too Large")
    event = event_from(body)
    if event is None:
        return _refused("Unrecognized object", "Event object format is unrecognized", ("JSON parse error",))
    if errors := errors_in(event, routing_key=inbox.routing_key):
        return _refused("invalid event", "Event object is invalid", errors)
    dedup_key, dropped = mailbox.alerts.take(event, post_id=arrival.id, at=arrival.at)
    action = text_at(event, "event_action")
    alert = mailbox.alerts.of_key(dedup_key)
    if action in EVENTS and alert and not dropped:
        inbox.webhook.send_later(body_of(alert, action, INTEGRATION, at=arrival.at))
    verdict = Verdict(status=202, accepted=True, reason=dropped, dedup_key=dedup_key)
    return verdict, _json({"status": "success", "message": "Event processed", "dedup_key": dedup_key}, 202)


def _refused(status: str, message: str, errors: tuple[str, ...]) -> tuple[Verdict, web.Response]:
    verdict = Verdict(status=400, accepted=False, rule=status, reason="; ".join(errors))
    return verdict, _json({"status": status, "message": message, "errors": errors}, 400)


async def _list_messages(request: web.Request) -> web.Response:
    return _json(request.app[_INBOX].mailbox.newest_first())


async def _clear_messages(request: web.Request) -> web.Response:
    request.app[_INBOX].mailbox.clear()
    return web.Response(status=204)


async def _list_alerts(request: web.Request) -> web.Response:
    return _json(request.app[_INBOX].mailbox.alerts.newest_first())


async def _show_settings(request: web.Request) -> web.Response:
    return _json(request.app[_INBOX].mailbox.settings)


async def _change_settings(request: web.Request) -> web.Response:
    """Change the settings named in the body; the content type is one that no foreign page can send unasked."""
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="Send the settings as application/json.")
    mailbox = request.app[_INBOX].mailbox
    try:
        wanted = json_from(await request.read())
    except ValueError as error:
        raise web.HTTPBadRequest(text=f"The body isn't JSON: {error}.") from error
    settings = _changed(mailbox.settings, wanted)
    mailbox.set(settings)
    return _json(settings)


async def _act_on_alert(request: web.Request) -> web.Response:
    """Acknowledge or resolve an alert as one of PagerDuty's users, and send the webhook; says how it was answered."""
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="Send what is done as application/json.")
    inbox = request.app[_INBOX]
    try:
        wanted = json_from(await request.read())
    except ValueError as error:
        raise web.HTTPBadRequest(text=f"The body isn't JSON: {error}.") from error
    action, by = text_at(wanted, "action"), text_at(wanted, "user")
    if action not in EVENTS or by not in PEOPLE:
        text = f"action is {' or '.join(EVENTS)}; user is {' or '.join(PEOPLE)}"
        raise web.HTTPBadRequest(text=f"{text}.")
    number = request.match_info["alert"]
    alert = inbox.mailbox.alerts.act(int(number), action) if number.isdecimal() and len(number) < _LONG else None
    if alert is None:
        raise web.HTTPNotFound(text=f"No open alert has the number {number}.")
    inbox.mailbox.touch()
    status = await inbox.webhook.send_in_turn(body_of(alert, action, user(by), at=inbox.mailbox.clock()))
    return _json({"alert": alert, "webhook": status})


def _changed(current: Settings, wanted: Json) -> Settings:
    if not isinstance(wanted, dict):
        raise web.HTTPBadRequest(text='Send an object such as {"teams":"off"}.')
    for name, value in wanted.items():
        match name, value:
            case "teams", "on" | "off" | "down" | "cut":
                current = replace(current, teams=Health(value))
            case "pagerduty", "on" | "down" | "cut":
                current = replace(current, pagerduty=Health(value))
            case _:
                said = msgspec.json.encode({name: value}).decode()
                allowed = "teams is on, off, down or cut; pagerduty is on, down or cut"
                raise web.HTTPBadRequest(text=f"{said} isn't a setting: {allowed}.")
    return current


async def _show_state(request: web.Request) -> web.Response:
    """Give the page all it shows, in one consistent piece."""
    mailbox = request.app[_INBOX].mailbox
    return _json(
        {
            "revision": mailbox.revision,
            "settings": mailbox.settings,
            "people": PEOPLE,
            "posts": mailbox.newest_first(),
            "alerts": mailbox.alerts.newest_first(),
        }
    )


async def _stream_revisions(request: web.Request) -> web.StreamResponse:
    """Send the revision number at once and after each change, as server-sent events."""
    mailbox = request.app[_INBOX].mailbox
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    sent = -1
    while not mailbox.closed:
        try:
            await asyncio.wait_for(mailbox.wait_past(sent), _HEARTBEAT_SECONDS)
            sent = mailbox.revision
            await response.write(f"data: {sent}\n\n".encode())
        except TimeoutError:
            await response.write(b": nothing new\n\n")
        except ConnectionResetError:
            break
    return response


async def _page(_request: web.Request) -> web.FileResponse:
    return web.FileResponse(STATIC / "index.html")


async def _adaptivecards(request: web.Request) -> web.FileResponse:
    return web.FileResponse(request.app[_INBOX].libraries.adaptivecards)


async def _markdown_it(request: web.Request) -> web.FileResponse:
    return web.FileResponse(request.app[_INBOX].libraries.markdown_it)
