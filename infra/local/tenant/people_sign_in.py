"""How people sign in to the responder's app: the page that asks who they are, the id token it gives, and its keys.

Only who is assigned to the operators' registration gets a token for it, as the deployed registration is set up.
"""

import re
from html import escape
from http import HTTPStatus

from aiohttp import web

from infra.local import world
from infra.local.tenant.api_error import ApiError
from infra.local.tenant.simulation import Simulation
from infra.local.world import Principal

_REDIRECT = re.compile(r"https?://(127\.0\.0\.1|localhost)(:\d+)?/\.auth/login/aad/callback")
_HEAD = "<!doctype html><meta charset=utf-8><meta name=viewport content='width=device-width'>"
_STYLE = (
    "<style>body{font:16px system-ui;margin:3rem auto;max-width:30rem}button{font:inherit;padding:.5rem 1rem}</style>"
)


class PeopleSignIn:
    """The authorization endpoint, by HTTP on loopback so that a browser takes it, and the signing keys."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    def plain_routes(self) -> list[web.RouteDef]:
        """Routes that are served over HTTP."""
        return [
            web.get("/{tenant}/oauth2/v2.0/authorize", self._ask),
            web.post("/{tenant}/oauth2/v2.0/authorize", self._answer),
        ]

    def tls_routes(self) -> list[web.RouteDef]:
        """Routes that are served over HTTPS."""
        return [web.get("/{tenant}/discovery/v2.0/keys", self._keys)]

    async def _keys(self, _request: web.Request) -> web.Response:
        return web.json_response({"keys": [self._simulation.operators.public_key()]})

    async def _ask(self, request: web.Request) -> web.Response:
        refusal = _refusal(request)
        if refusal:
            return _page(refusal, status=HTTPStatus.BAD_REQUEST)
        buttons = "".join(
            f"<p><button name=principal value={escape(person.id)}>{escape(person.name)}</button></p>"
            for person in world.PRINCIPALS
            if person.kind == "user" and person.tenant == world.WORKFORCE_TENANT
        )
        return _page(f"<h1>Contoso</h1><p>Who signs in? (simulated)</p><form method=post>{buttons}</form>")

    async def _answer(self, request: web.Request) -> web.Response:
        refusal = _refusal(request)
        if refusal:
            return _page(refusal, status=HTTPStatus.BAD_REQUEST)
        person = world.PRINCIPALS_BY_ID.get(str((await request.post()).get("principal", "")))
        if person is None or person.kind != "user":
            return _page("AADSTS50034: The user account doesn't exist.", status=HTTPStatus.BAD_REQUEST)
        try:
            token = self._simulation.id_token(person, nonce=request.query["nonce"])
        except ApiError as error:
            return _page(escape(error.message), status=HTTPStatus.FORBIDDEN)
        return _form_post(request, person, token)


def _refusal(request: web.Request) -> str:
    """Say what is wrong with a request to sign in; "" when nothing is."""
    query = request.query
    if request.match_info["tenant"] != world.WORKFORCE_TENANT:
        return "AADSTS90002: Tenant not found."
    if query.get("client_id") != world.OPERATORS_CLIENT_ID:
        return "AADSTS700016: The application wasn't found in the directory."
    if not _REDIRECT.fullmatch(query.get("redirect_uri", "")):
        return "AADSTS50011: The redirect URI doesn't match those configured for the application."
    if (query.get("response_type"), query.get("response_mode")) != ("id_token", "form_post"):
        return "AADSTS700054: Only an id token, sent as a form, is enabled for the application."
    if not query.get("nonce") or "openid" not in query.get("scope", "").split():
        return "AADSTS90014: nonce or the scope openid is missing."
    return ""


def _form_post(request: web.Request, person: Principal, token: str) -> web.Response:
    """Have the browser send the token to the app by itself, or at a click where scripts are off."""
    fields = {"id_token": token, "state": request.query.get("state", "")}
    inputs = "".join(f'<input type=hidden name={name} value="{escape(value)}">' for name, value in fields.items())
    action = escape(request.query["redirect_uri"])
    button = f"<button>Go on as {escape(person.name)}</button>"
    return _page(
        f'<form method=post action="{action}">{inputs}{button}</form><script>document.forms[0].submit()</script>'
    )


def _page(body: str, *, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    return web.Response(text=f"{_HEAD}<title>Sign in</title>{_STYLE}{body}", content_type="text/html", status=status)
