"""App Service authentication in front of an app: who gets through, as whom, and what is taken from who doesn't."""

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlencode

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from infra.local.browser import Browser
from infra.local.stack import Stack
from infra.local.tenant.control import Resource
from infra.local.world import ALICE, MALLORY, OPERATORS_CLIENT_ID
from tests.integration.infra.local.host.conftest import Launch
from tests.integration.infra.local.host.parts import place_of
from tests.integration.infra.local.host.running import RunningHost, write_app

pytestmark = pytest.mark.stack

APP = """
    import json
    import os

    import azure.functions as func

    app = func.FunctionApp()

    def told(req: func.HttpRequest) -> str:
        by_platform = {name.lower(): value for name, value in req.headers.items() if name.lower().startswith("x-ms-")}
        return json.dumps({"on": os.environ["WEBSITE_AUTH_ENABLED"], **by_platform})

    @app.route(route="who/{*rest}", auth_level="anonymous", methods=["GET", "POST"])
    def who(req: func.HttpRequest) -> str:
        return told(req)

    @app.route(route="excluded", auth_level="anonymous")
    def excluded(req: func.HttpRequest) -> str:
        return told(req)

    @app.route(route="guarded")
    def guarded(req: func.HttpRequest) -> str:
        return "guarded"
"""
FORGED = {
    "X-MS-CLIENT-PRINCIPAL": base64.b64encode(b'{"auth_typ":"aad","claims":[]}').decode(),
    "X-MS-CLIENT-PRINCIPAL-ID": ALICE.id,
    "X-MS-CLIENT-PRINCIPAL-NAME": "alice",
    "x-ms-client-principal-idp": "aad",
    "X-MS-TOKEN-AAD-ID-TOKEN": "forged",
}

type Front = Callable[..., RunningHost]


@pytest.fixture(scope="module")
def front(parts: Stack, launch: Launch, tmp_path_factory: pytest.TempPathFactory) -> Front:
    """Start an app behind a front door that does this with whoever hasn't signed in; each door is started once."""
    started: dict[str, RunningHost] = {}

    def start(action: str | None) -> RunningHost:
        name = action or "off"
        if name not in started:
            folder = tmp_path_factory.mktemp(name)
            properties = parts.authentication()
            properties["platform"]["enabled"] = action is not None
            properties["globalValidation"] |= {
                "unauthenticatedClientAction": action,
                "excludedPaths": ["/api/excluded"],
            }
            (folder / "authentication.json").write_text(json.dumps(properties))
            file = str(folder / "authentication.json")
            app = write_app(folder / "app", APP)
            started[name] = launch(app, {}, "--authentication", file, environment=place_of(parts)).wait_until_ready()
        return started[name]

    return start


def bearer(parts: Stack, resource: Resource = "operators", *, lifetime: int = 60) -> dict[str, str]:
    return {"Authorization": f"Bearer {parts.control.token(ALICE, resource, lifetime=lifetime)}"}


def wrong(parts: Stack, shown: str) -> dict[str, str]:
    match shown:
        case "for Graph":
            return bearer(parts, "graph")
        case "for storage":
            return bearer(parts, "storage")
        case "run out":
            return bearer(parts, lifetime=-600)
        case "signed by another":
            return {"Authorization": f"Bearer {signed_by_another(bearer(parts))}"}
        case _:
            return {"Authorization": f"bearer {shown}"}


def signed_by_another(headers: dict[str, str]) -> str:
    """Give the same token with the same claims and the same key id, signed with a key of one's own."""
    token = headers["Authorization"].removeprefix("Bearer ")
    claims = jwt.decode(token, options={"verify_signature": False})
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return jwt.encode(claims, key, algorithm="RS256", headers={"kid": jwt.get_unverified_header(token)["kid"]})


class TestDoor:
    @pytest.mark.parametrize(
        ("action", "status"),
        [("RedirectToLoginPage", 302), ("Return401", 401), ("Return403", 403), ("AllowAnonymous", 200), (None, 200)],
    )
    def test_who_has_not_signed_in_is_treated_as_the_settings_say(
        self, front: Front, action: str | None, status: int
    ) -> None:
        assert front(action).client.get("/api/who/x").status_code == status

    @pytest.mark.parametrize("action", ["RedirectToLoginPage", "Return401"])
    def test_a_valid_token_gets_through(self, front: Front, parts: Stack, action: str) -> None:
        assert front(action).client.get("/api/who/x", headers=bearer(parts)).status_code == 200

    @pytest.mark.parametrize("action", ["RedirectToLoginPage", "Return401", "AllowAnonymous"])
    @pytest.mark.parametrize("shown", ["for Graph", "for storage", "run out", "signed by another", "nonsense"])
    def test_a_token_that_is_not_for_the_app_is_refused_in_every_mode(
        self, front: Front, parts: Stack, action: str, shown: str
    ) -> None:
        assert front(action).client.get("/api/who/x", headers=wrong(parts, shown)).status_code == 401

    def test_a_token_does_not_stand_for_the_key(self, front: Front, parts: Stack) -> None:
        host = front("RedirectToLoginPage")
        assert host.client.get("/api/guarded", headers=host.key("function")).status_code == 302
        assert host.client.get("/api/guarded", headers=bearer(parts)).status_code == 401
        assert host.client.get("/api/guarded", headers=bearer(parts) | host.key("function")).status_code == 200

    def test_a_script_in_a_page_is_refused_instead_of_led_away(self, front: Front) -> None:
        headers = {"X-Requested-With": "XMLHttpRequest"}
        assert front("RedirectToLoginPage").client.get("/api/who/x", headers=headers).status_code == 401

    def test_a_path_may_be_left_open(self, front: Front) -> None:
        received = front("Return401").client.get("/api/excluded", headers=FORGED)
        assert (received.status_code, received.json()) == (200, {"on": "True"})
        assert front("Return401").client.get("/api/excluded/").status_code == 401

    def test_an_unknown_path_tells_nothing_to_who_has_not_signed_in(self, front: Front, parts: Stack) -> None:
        host = front("Return401")
        assert host.client.get("/api/nothing").status_code == 401
        assert host.client.get("/.auth/nothing").status_code == 404
        assert host.client.get("/api/nothing", headers=bearer(parts)).status_code == 404
        assert host.client.post("/admin/functions/who", headers=host.key("master")).status_code == 401


class TestHeaders:
    def test_they_say_who_calls_whatever_was_sent(self, front: Front, parts: Stack) -> None:
        received = front("Return401").client.get("/api/who/x", headers=FORGED | bearer(parts)).json()
        principal = json.loads(base64.b64decode(received.pop("x-ms-client-principal")))
        assert received == {
            "on": "True",
            "x-ms-client-principal-id": ALICE.id,
            "x-ms-client-principal-name": ALICE.upn,
            "x-ms-client-principal-idp": "aad",
        }
        assert principal["auth_typ"] == "aad"
        claims = {claim["typ"]: claim["val"] for claim in principal["claims"]}
        assert claims["http://schemas.microsoft.com/identity/claims/objectidentifier"] == ALICE.id
        assert claims["preferred_username"] == ALICE.upn
        assert claims["aud"] == OPERATORS_CLIENT_ID

    def test_forged_ones_are_taken_away(self, front: Front) -> None:
        assert front("AllowAnonymous").client.get("/api/who/x", headers=FORGED).json() == {"on": "True"}

    def test_without_authentication_in_front_nobody_takes_them_away(self, front: Front) -> None:
        """The app is told so, and has to refuse."""
        received = front(None).client.get("/api/who/x", headers=FORGED).json()
        assert received["on"] == "False"
        assert received["x-ms-client-principal-id"] == ALICE.id


@pytest.fixture
def browser(front: Front) -> Iterator[Browser]:
    with Browser(front("RedirectToLoginPage").ready["url"]) as browser:
        yield browser


class TestSignIn:
    def test_a_browser_comes_back_to_where_it_wanted_to_go(self, browser: Browser) -> None:
        action, fields = browser.form_after(browser.sign_in_page("/api/who/case-1?x=1&y=%2F"), ALICE)
        back = browser.post(action, fields)
        assert (back.status_code, back.headers["location"]) == (302, "/api/who/case-1?x=1&y=%2F")
        received = browser.get(back.headers["location"]).json()
        assert (received["x-ms-client-principal-id"], received["on"]) == (ALICE.id, "True")
        (me,) = browser.get("/.auth/me").json()
        assert (me["provider_name"], me["user_id"]) == ("aad", ALICE.upn)
        for cookie in browser.set_cookies:
            if "Max-Age=0" not in cookie:
                assert {"HttpOnly", "Secure"} <= {part.strip() for part in cookie.split(";")}, cookie

    def test_signing_out_ends_the_session(self, browser: Browser) -> None:
        action, fields = browser.form_after(browser.sign_in_page("/api/who/x"), ALICE)
        browser.post(action, fields)
        assert browser.get("/api/who/x").status_code == 200
        assert browser.get("/.auth/logout").headers["location"] == "/.auth/logout/complete"
        assert browser.get("/api/who/x").status_code == 302
        assert browser.get("/.auth/me").status_code == 401

    def test_a_token_that_this_browser_did_not_ask_for_is_refused(self, front: Front, browser: Browser) -> None:
        action, fields = browser.form_after(browser.sign_in_page("/api/who/x"), ALICE)
        address = front("RedirectToLoginPage").ready["url"]
        with Browser(address) as with_another_nonce, Browser(address) as without_any:
            with_another_nonce.sign_in_page("/api/who/x")
            for other in (with_another_nonce, without_any):
                assert other.post(action, fields).status_code == 401
                assert other.get("/.auth/me").status_code == 401
        assert browser.post(action, {**fields, "id_token": "nonsense"}).status_code == 401
        assert browser.post(action, fields).status_code == 302

    @pytest.mark.parametrize("cookie", ["nonsense", jwt.encode({"oid": ALICE.id, "session_until": 2**40}, "k" * 32)])
    def test_a_session_that_the_app_did_not_begin_opens_nothing(self, browser: Browser, cookie: str) -> None:
        browser.cookies["AppServiceAuthSession"] = cookie
        assert browser.get("/api/who/x").status_code == 302

    @pytest.mark.parametrize("spelling", ["uri", "url"])
    def test_either_spelling_of_where_to_go_is_taken(self, browser: Browser, spelling: str) -> None:
        to_authority = browser.get(f"/.auth/login/aad?{urlencode({f'post_login_redirect_{spelling}': '/api/who/x'})}")
        _, fields = browser.form_after(to_authority.headers["location"], ALICE)
        assert parse_qs(fields["state"]) == {"redir": ["/api/who/x"]}

    @pytest.mark.parametrize("where", ["https://elsewhere.example/", "//elsewhere.example/", "/\\elsewhere.example"])
    def test_nobody_is_led_away_after_signing_in(self, browser: Browser, where: str) -> None:
        to_authority = browser.get(f"/.auth/login/aad?{urlencode({'post_login_redirect_uri': where})}")
        action, fields = browser.form_after(to_authority.headers["location"], ALICE)
        assert parse_qs(fields["state"]) == {"redir": ["/"]}
        fields["state"] = f"redir={where}"
        assert browser.post(action, fields).headers["location"] == "/"

    def test_who_is_not_assigned_gets_no_token(self, browser: Browser) -> None:
        page = browser.sign_in_page("/api/who/x")
        refused = browser.post(page, {"principal": MALLORY.id})
        assert refused.status_code == 403
        assert "AADSTS50105" in refused.text

    def test_an_address_that_is_not_registered_gets_no_token(self, browser: Browser) -> None:
        page = browser.sign_in_page("/api/who/x")
        elsewhere = httpx.URL(page).copy_set_param("redirect_uri", "https://elsewhere.example/.auth/login/aad/callback")
        assert "AADSTS50011" in browser.post(str(elsewhere), {"principal": ALICE.id}).text


def test_the_authority_away_lets_nobody_in(parts: Stack, launch: Launch, tmp_path: Path) -> None:
    properties = parts.authentication()
    registration = properties["identityProviders"]["azureActiveDirectory"]["registration"]
    registration["openIdIssuer"] = "https://localhost:1/none/v2.0"
    (tmp_path / "authentication.json").write_text(json.dumps(properties))
    file = str(tmp_path / "authentication.json")
    host = launch(write_app(tmp_path / "app", APP), {}, "--authentication", file, environment=place_of(parts))
    answer = host.wait_until_ready().client.get("/api/who/x", headers=bearer(parts))
    assert answer.status_code == 500
    host.until_logged("host.authentication: nobody can be let in: https://localhost:1/none/v2.0")
