"""The console over a tenant with one conditional access policy that somebody has changed, and its visitors."""

import base64
import copy
import dataclasses
import json
import re
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, override
from urllib.parse import parse_qs, urlencode, urlsplit

import msgspec

from infra.local.world import ALICE, BREAK_GLASS_1, BREAK_GLASS_2, MALLORY, WORKFORCE_TENANT, Principal
from responders.catalogue import CATALOGUE
from responders.detections.samples import ca_policy_record
from responders.kinds.ca_policies import CA_POLICY
from responders.posture.pages import pages_of
from shared.authority.operator_keys import PublicKey
from shared.authority.operator_store import read_operators, setting_of
from shared.authority.operators import Genesis, Operators, SignedStatement
from shared.clients.storage import Storage
from shared.console.frame import ROOT
from shared.console.routes import Console, Reply
from shared.console.tokens import Tokens
from shared.emergency.proofs import Request
from shared.ingest.coverage import Coverage, Entry, Sight
from shared.model.kinds import Image, Mode
from shared.respond.resume import resume
from tests.fakes.operators import ALICE as OPERATOR
from tests.fakes.operators import CAROL as OTHER_OPERATOR
from tests.fakes.operators import DAVE, FOUNDED, SoftPasskey, door, signed
from tests.fakes.runtime import A_MINUTE, Bench, bench
from tests.fakes.situations import POLICY_ID, ca_policy, with_users
from tests.fakes.tenant import FakeTenant

ORIGIN: Final = "https://responder.example"
IN_FRONT: Final = {"WEBSITE_AUTH_ENABLED": "True"}
FORM: Final = "application/x-www-form-urlencoded"
_EMERGENCY: Final = (BREAK_GLASS_1, BREAK_GLASS_2)
_NOTHING: Final[Mapping[str, str]] = {}


def signed_in(who: Principal = ALICE, *, session: str = "first", **claims: str) -> dict[str, str]:
    """Give the headers that the platform sets for somebody."""
    every = {"oid": who.id, "tid": WORKFORCE_TENANT, "nonce": session, "name": who.name} | claims
    typed = [{"typ": name, "val": value} for name, value in every.items()]
    return {
        "X-MS-CLIENT-PRINCIPAL": base64.b64encode(json.dumps({"claims": typed}).encode()).decode(),
        "X-MS-CLIENT-PRINCIPAL-ID": who.id,
        "X-MS-CLIENT-PRINCIPAL-NAME": who.upn or who.name,
        "X-MS-CLIENT-PRINCIPAL-IDP": "aad",
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An answer of the console, with what its forms would send."""

    reply: Reply

    @property
    def status(self) -> int:
        return self.reply.status

    @property
    def text(self) -> str:
        return self.reply.body.decode()

    @property
    def location(self) -> str:
        return self.reply.headers["Location"]

    def fields(self, act: str) -> dict[str, str]:
        """Give the hidden fields of the form whose address ends with an act."""
        found = re.search(rf'<form method="post" action="[^"]*/{act}"[^>]*>(.*?)</form>', self.text, re.DOTALL)
        assert found, f"no form for {act}"
        return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', found[1]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The console with everything behind it, and how somebody's browser asks it."""

    bench: Bench
    tenant: FakeTenant
    console: Console

    def ask(
        self,
        path: str = "",
        *,
        method: str = "GET",
        who: Mapping[str, str] | None = None,
        body: str = "",
        headers: Mapping[str, str] = _NOTHING,
    ) -> Answered:
        """Send a request as a browser does; `headers` that are "" are left out."""
        sent = {"Accept": "text/html", "Cookie": "responder-console=en.", **(signed_in() if who is None else who)}
        if method == "POST":
            sent |= {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin", "Content-Type": FORM}
        sent = {name: value for name, value in (sent | dict(headers)).items() if value}
        url = f"{ORIGIN}{ROOT}{path}"
        return Answered(reply=self.console.answer(Request(method=method, url=url, headers=sent, body=body.encode())))

    def press(self, path: str, fields: Mapping[str, str], **options: Any) -> Answered:  # noqa: ANN401 - as `ask` takes
        """Send a form."""
        return self.ask(path, method="POST", body=urlencode(fields), **options)

    @property
    def case_id(self) -> str:
        return self.bench.only_case().id

    def go_on(self) -> None:
        """Let two minutes pass, as the app's timers would see them."""
        for _ in range(2):
            self.bench.clock.move(A_MINUTE)
            resume(self.bench.runtime)
            self.bench.answer_queue()

    @property
    def policy(self) -> Image:
        return self.tenant.ca_policies[POLICY_ID]


SEEN: Final = "directory audit log"


def all_seen(made: Bench) -> Coverage:
    """Say that everything is seen."""
    entry = Entry(
        about=SEEN, tenant="Entra ID", tenant_id=WORKFORCE_TENANT, sight=Sight.SEES, read_at=made.clock() - A_MINUTE
    )
    return Coverage(at=made.clock(), entries=(entry,))


def desk(
    storage: Storage,
    *,
    mode: Mode = Mode.ENFORCE,
    by: Principal = MALLORY,
    name: str = "CA001: Require phishing-resistant MFA for administrators",
    change: Mapping[str, Any] | None = None,
    is_answered: bool = True,
    **settings: Any,  # noqa: ANN401 - as `bench` takes
) -> Desk:
    """Accept a policy as it stands, let ten minutes pass, have somebody change it, and answer that.

    By default `by` leaves out their own account; `change` gives other properties of the policy.
    """
    accepted = with_users(ca_policy(displayName=name), excludeUsers=[one.id for one in _EMERGENCY])
    principals = {one.id: {"id": one.id, "userType": "Member", "accountEnabled": True} for one in (*_EMERGENCY, by)}
    tenant = FakeTenant(ca_policies={POLICY_ID: copy.deepcopy(accepted)}, principals=principals)
    made = bench(storage, detections=CATALOGUE, kinds=(CA_POLICY,), edges=tenant.edges(), **settings)
    tenant.pass_time = lambda: made.clock.move(timedelta(milliseconds=100))
    made.clock.move(-10 * A_MINUTE)
    made.seed(mode)
    made.sweep()
    made.accept()
    resume(made.runtime)
    made.clock.move(9 * A_MINUTE)
    users = accepted["conditions"]["users"]["excludeUsers"]
    changed = with_users(accepted, excludeUsers=[*users, by.id]) if change is None else accepted | dict(change)
    tenant.ca_policies[POLICY_ID] = copy.deepcopy(changed)
    record = ca_policy_record(
        "Update conditional access policy",
        old=accepted,
        new=changed,
        initiatedBy={"user": {"id": by.id, "userPrincipalName": by.upn, "displayName": by.name, "ipAddress": by.ip}},
        activityDateTime=made.clock().isoformat(),
    )
    record["targetResources"][0] |= {"id": POLICY_ID, "displayName": name}
    made.clock.move(timedelta(seconds=21))
    made.take_in(record)
    if is_answered:
        made.answer_queue()
        made.clock.move(timedelta(seconds=40))
    return Desk(
        bench=made,
        tenant=tenant,
        console=Console(
            runtime=made.runtime,
            door=door(environment=IN_FRONT),
            tokens=Tokens(storage),
            coverage=lambda: all_seen(made),
            posture=pages_of(storage, made.runtime.settings).page,
        ),
    )


ALICES_PASSKEY: Final = SoftPasskey("alice's")


def founding(*keys: PublicKey) -> SignedStatement:
    """Found the operators: Alice of the tenant with these keys beside her own, Carol and Dave."""
    alice = msgspec.structs.replace(OPERATOR, object_id=ALICE.id, keys=(*OPERATOR.keys, *keys))
    genesis = Genesis(at=FOUNDED, operators=(alice, OTHER_OPERATOR, DAVE))
    return signed(genesis, "alice-1", "carol-1", "dave-1")


def founded_desk(storage: Storage, *keys: PublicKey, **options: Any) -> Desk:  # noqa: ANN401 - as `desk` takes
    """Give a console of an installation with operators; Alice, who is one, has these keys besides."""
    genesis = founding(*keys)
    options = {"mode": Mode.PAGE, **options, "EMERGENCY_OPERATORS": setting_of([genesis])}
    made = desk(storage, **options, EMERGENCY_GENESIS=genesis.digest)

    def operators() -> Operators:
        now, setting = made.bench.clock(), options["EMERGENCY_OPERATORS"]
        return read_operators(storage, setting=setting, pinned=genesis.digest, now=now)

    known = dataclasses.replace(made.console.door, operators=operators)
    return dataclasses.replace(made, console=msgspec.structs.replace(made.console, door=known))


_SESSION: Final = "AppServiceAuthSession"
_LOGIN: Final = "/.auth/login/aad"
_LOGOUT: Final = "/.auth/logout"
_SIGN_IN_PAGE: Final = (
    "<!doctype html><title>Contoso</title><p>Who signs in?<form method=post>"
    + "".join(f"<p><button name=who value={who.id}>{who.name}</button>" for who in (ALICE, MALLORY))
    + "</form>"
)


class FrontDoor:
    """A sign-in in front of the console as App Service has it: a page, a session of an hour, and headers that it sets.

    Whatever a browser says of itself in those headers is taken away.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now

    def headers(self, sent: Mapping[str, str]) -> dict[str, str]:
        """Give a request's headers as the app sees them."""
        plain = {name: value for name, value in sent.items() if not name.lower().startswith("x-ms-client-principal")}
        found = SimpleCookie(sent.get("Cookie", "")).get(_SESSION)
        who, _, until = found.value.partition(".") if found else ("", "", "")
        person = next((one for one in (ALICE, MALLORY) if one.id == who), None)
        return {**plain, **(signed_in(person, session=until, exp=until) if person else {})}

    def answer(self, method: str, path: str, body: str) -> Reply | None:
        """Answer at the platform's own addresses; None for the app's."""
        parts = urlsplit(path)
        back = parse_qs(parts.query)
        match method, parts.path:
            case "GET", _ if parts.path == _LOGIN:
                return Reply(status=200, body=_SIGN_IN_PAGE.encode(), headers={})
            case "POST", _ if parts.path == _LOGIN:
                until = int((self._now() + timedelta(hours=1)).timestamp())
                who = parse_qs(body).get("who", [""])[0]
                cookie = f"{_SESSION}={who}.{until}; Path=/; HttpOnly; Secure; SameSite=None"
                to = back.get("post_login_redirect_uri", ["/"])[0]
                return Reply(status=302, headers={"Location": to, "Set-Cookie": cookie})
            case "GET", _ if parts.path == _LOGOUT:
                to = back.get("post_logout_redirect_uri", ["/"])[0]
                ended = f"{_SESSION}=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=None"
                return Reply(status=302, headers={"Location": to, "Set-Cookie": ended})
            case _:
                return None


@contextmanager
def served(made: Desk, *, host: str = "127.0.0.1", front: FrontDoor | None = None) -> Generator[str]:
    """Serve the console on loopback; gives the address of its root.

    Alice has signed in with every browser, unless there is a `front` door at which one signs in.
    """

    class _Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer("GET")

        def do_POST(self) -> None:
            self._answer("POST")

        def _answer(self, method: str) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            sent = dict(self.headers.items())
            headers = front.headers(sent) if front else {**sent, **signed_in()}
            url = f"{origin}{self.path}"
            own = front.answer(method, self.path, body.decode()) if front else None
            reply = own or console.answer(Request(method=method, url=url, headers=headers, body=body))
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", f"{reply.content_type}; charset=utf-8")
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        @override
        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    origin = f"http://{host}:{server.server_port}"
    at_home = dataclasses.replace(
        made.console.door, host=f"127.0.0.1:{server.server_port}", own_origins=frozenset({origin, ORIGIN})
    )
    console = msgspec.structs.replace(made.console, door=at_home)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"{origin}{ROOT}"
    finally:
        server.shutdown()
        server.server_close()
