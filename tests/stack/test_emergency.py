"""Emergencies and a drill on the whole stack: by the command line and in a browser, through host and worker."""

import asyncio
import json
import os
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from aiohttp import ClientSession
from pyotp.totp import TOTP

from infra.local.desk import Desk
from infra.local.operators import LocalOperators, local_operators
from infra.local.programs import module
from infra.local.stack import REPOSITORY, Stack
from infra.local.world import BREAK_GLASS_1, COMPANY_DOMAIN, FEDERATION_SETTINGS, RESPONDER, WORKFORCE_TENANT
from responders.runbooks.break_glass import BREAK_GLASS
from responders.runbooks.playbooks import PLAYBOOKS
from shared.clients.storage_names import Table
from shared.emergency.signing import sign_request
from shared.emergency.store import PARTITION
from tests.fakes.emergencies import CONTACT
from tests.fakes.flood import Flood, forgeries
from tests.stack.faults.proxy import Proxy
from tests.stack.faults.running_stack import SELDOM, StackBehindProxy

# A scene takes up to a minute and a half where nothing else runs, and several times that on a busy machine.
pytestmark = [pytest.mark.stack, pytest.mark.timeout(480)]

_ALL: Final = range(1, 9)
_SETTINGS: Final = {**SELDOM, "SUPPORT_CONTACT": json.dumps(CONTACT)}
"""Nothing else reads the tenant meanwhile: polls would share the reports' five requests in ten seconds."""

_WITHIN: Final = 300.0
"""Seconds in which anything happens: storage that failed isn't asked again for half a minute."""

_SWITCHED: Final = f"PATCH /v1.0/domains/{COMPANY_DOMAIN}"
_FEDERATED: Final = f"POST /v1.0/domains/{COMPANY_DOMAIN}/federationConfiguration"


class _There:
    """A stack with operators, and what they do, each at a laptop with a folder of its own."""

    def __init__(self, stack: StackBehindProxy, operators: LocalOperators, proxy: Proxy) -> None:
        self.stack = stack
        self.operators = operators
        self.proxy = proxy
        self.desk = Desk(stack.operator_values())
        self.url = f"{stack.host['url']}/api/emergency"

    def run(self, operator: str, *arguments: str, app: str = "") -> subprocess.CompletedProcess[str]:
        """Run `responder emergency` as an operator."""
        url = self.stack.host["url"]
        at = ("--app", app or url, "--key", self.key_file(operator), "--host", httpx.URL(url).netloc.decode())
        return self.command(operator, *arguments, *at)

    def command(self, operator: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*module("responders", "emergency"), "--journal", str(self.laptop(operator)), *arguments],
            env={**os.environ, "RESPONDER_EMERGENCY_KEY": self.operators.emergency_key},
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=False,
        )

    def key_file(self, operator: str) -> str:
        return str(self.operators.key_files[operator][0])

    def laptop(self, operator: str) -> Path:
        """Give the folder in which an operator's command line keeps what the app answered."""
        return self.stack.folder / f"laptop-{operator}"

    def does(self, operator: str, *arguments: str, app: str = "") -> str:
        """Run `responder emergency`, which has to succeed; gives what it prints."""
        done = self.run(operator, *arguments, app=app)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def shown(self, text: str) -> str:
        """Wait until `responder emergency show` prints a text; gives all that it prints."""
        found = self._until(lambda: {"all": self.does("alice", "show")}, lambda found: text in found["all"])
        return str(found["all"])

    def proposed(self) -> str:
        """Run step 6, and give the digest of what it proposes."""
        self.does("alice", "step", "6")
        return _digest(self.shown("responder emergency ask federation "), "ask", "federation")

    def proposed_back(self) -> str:
        """Wait until the way back of step 6 is proposed."""
        return self.shown("responder emergency ask federation-back")

    def end(self) -> None:
        """Close what is open, so that the next scene begins as if nothing had been."""
        for one in self.read().raise_for_status().json()["open"]:
            at = ("--id", str(one["id"]))
            printed = self.run("alice", "close", "--summary", "end", "--left", "so", *at).stdout
            if "confirm close" in printed:
                self.does("carol", "confirm", "close", _digest(printed, "confirm", "close"), *at)
            self.closed(str(one["id"]))

    def stored(self, emergency: str) -> list[str]:
        """Give the ids of the entries that storage has of an emergency."""
        query = "PartitionKey eq @it and RowKey ge @first and RowKey lt @last"
        first, last = f"{emergency}-", f"{emergency}."
        rows = self.desk.storage.rows(Table.EMERGENCIES, query, it=PARTITION, first=first, last=last)
        return [row.key.split("-")[1] for row in rows]

    def read(self, path: str = "", **headers: str) -> httpx.Response:
        url = f"{self.url}{path}"
        now = datetime.now(UTC)
        signed = sign_request(
            self.operators.key("alice"), "GET", url, b"", emergency_key=self.operators.emergency_key, now=now
        )
        return httpx.get(url, headers={**signed, **headers}, timeout=60)

    def newest(self) -> Mapping[str, Any]:
        listed: Mapping[str, Any] = self.read().raise_for_status().json()
        found: Mapping[str, Any] = self.read(f"/{listed['newest'][0]['id']}").raise_for_status().json()
        return found

    def closed(self, emergency: str = "") -> Mapping[str, Any]:
        """Wait until one, or the newest, is closed: the timer, which comes each two seconds, may be about to do it."""

        def look() -> Mapping[str, Any]:
            found: Mapping[str, Any] = self.read(f"/{emergency}").raise_for_status().json()
            return found

        return self._until(look if emergency else self.newest, lambda found: bool(found["closed_at"]))

    def step(self, number: int, state: str) -> Mapping[str, Any]:
        """Wait until a step of the newest has a state; gives the step. The timer may have it, and be about to do it."""

        def look() -> Mapping[str, Any]:
            (found,) = [one for one in self.newest()["steps"] if one["number"] == number]
            return found

        return self._until(look, lambda found: found["state"] == state)

    def _until(
        self, look: Callable[[], Mapping[str, Any]], is_it: Callable[[Mapping[str, Any]], bool]
    ) -> Mapping[str, Any]:
        deadline = time.monotonic() + _WITHIN
        while not is_it(found := look()):
            assert time.monotonic() < deadline, found
            time.sleep(0.5)
        return found


class _Tenant:
    """The simulated tenant, and what has changed in it since it was looked at last."""

    def __init__(self, stack: Stack) -> None:
        self._control = stack.control
        self._state = stack.control.state()
        self._number = max((one["number"] for one in stack.control.requests()), default=0)

    def domain(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._control.state()[WORKFORCE_TENANT]["domains"][COMPANY_DOMAIN]
        return found

    def changed(self) -> tuple[list[str], set[str]]:
        """Give the app's writes that were carried out since the last look, and the parts of the tenant that changed."""
        made = self._control.requests(since=self._number, principal=RESPONDER)
        self._number = max([self._number, *(one["number"] for one in made)])
        writes = [f"{one['method']} {one['path']}" for one in made if one["method"] != "GET" and one["status"] < 300]
        before, self._state = self._state, self._control.state()
        parts = {
            part
            for tenant, state in self._state.items()
            for part, value in state.items()
            if value != before[tenant].get(part)
        }
        return writes, parts


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_There]:
    folder = tmp_path_factory.mktemp("emergency")
    operators = local_operators(folder / "operators")
    settings = {**operators.settings, **_SETTINGS}
    with Proxy() as proxy, StackBehindProxy(folder, proxy, settings=settings) as stack:
        yield _There(stack, operators, proxy)


@pytest.fixture
def there(started: _There) -> Iterator[_There]:
    yield started
    started.end()


def test_a_drill_tries_every_step_and_leaves_the_tenant_as_it_was(there: _There) -> None:
    before = there.stack.control.state()
    done = there.run("alice", "drill")
    assert done.returncode == 0, done.stdout + done.stderr
    assert there.stack.control.state() == before
    drill = there.newest()
    assert drill["drill"]
    assert drill["closed_at"]
    assert [one["number"] for one in drill["steps"]] == [*_ALL]
    assert {one["state"] for one in drill["steps"]} <= {"done", "blocked", "skipped"}, drill["steps"]
    (closing,) = [one["act"] for one in drill["entries"] if one["act"]["type"] == "closed"]
    assert len(closing["report"]) >= 4, "its report is kept with the evidence, in two languages and forms"


def test_an_emergency_from_its_declaration_to_its_end(there: _There) -> None:
    declared = there.run("alice", "declare", "Nobody can sign in")
    assert declared.returncode == 0, declared.stdout + declared.stderr
    again = there.run("carol", "declare", "Nobody can sign in")
    assert (again.returncode, "409" in again.stderr) == (4, True), again.stderr
    assert there.run("dave", "acknowledge").returncode == 0
    for step in (2, 3):
        done = there.run("alice", "step", str(step))
        assert done.returncode == 0, done.stdout + done.stderr
    page = there.read(f"/{there.newest()['id']}", Accept="text/html", **{"Accept-Language": "ko"})
    assert page.headers["content-type"].startswith("text/html")
    assert "비상" in page.text
    asked = there.run("alice", "close", "--summary", "It was a wrong policy")
    assert "Another operator" in asked.stdout, asked.stdout + asked.stderr
    digest = _digest(asked.stdout, "confirm", "close")
    assert there.run("alice", "confirm", "close", digest).returncode == 4, "nobody is his own second operator"
    confirmed = there.run("carol", "confirm", "close", digest)
    assert confirmed.returncode == 0, confirmed.stdout + confirmed.stderr
    there.closed()


def _digest(printed: str, verb: str, what: str) -> str:
    """Give the digest of the command that was printed, as a person copies it."""
    lines = [line for line in printed.splitlines() if f"responder emergency {verb} {what} " in line]
    assert lines, printed
    return lines[-1].split()[-1]


@pytest.fixture
def hybrid(there: _There) -> Iterator[_Tenant]:
    """A hybrid tenant, as it is on the first day."""
    there.stack.control.reset()
    there.stack.control.settings(
        audit_lag=0, consistency_lag=0, support_plan="Unified", grants_reach_issued_tokens=True
    )
    there.stack.control.make_hybrid()
    there.stack.control.settings(synchronization_app_only=True)
    there.stack.control.grant(RESPONDER, "Domain.ReadWrite.All", "Microsoft.Support/supportTickets/write")
    yield _Tenant(there.stack)
    there.stack.control.reset()


_NOTHING: Final = (list[str](), set[str]())


def test_a_hybrid_emergency_changes_the_tenant_where_two_agreed_and_nowhere_else(
    there: _There, hybrid: _Tenant
) -> None:
    """After each step it is looked at what the app wrote, and what in the tenant is another than before."""
    there.stack.control.settings(federation_app_only=True)
    there.stack.control.grant(RESPONDER, "Domain-InternalFederation.ReadWrite.All")
    there.does("alice", "declare", "The federation servers are down", "--hybrid")
    assert hybrid.changed() == _NOTHING
    there.does("dave", "acknowledge")
    for step in (2, 3):
        there.does("alice", "step", str(step))
        assert hybrid.changed() == _NOTHING, step
    there.does("alice", "step", "4")
    writes, parts = hybrid.changed()
    assert ([write.split("/")[0] for write in writes], parts) == (["PUT "], {"supportTickets"})
    there.does("alice", "step", "5")
    assert hybrid.changed() == _NOTHING
    proposed = there.proposed()
    there.does("alice", "ask", "federation", proposed)
    assert there.run("alice", "confirm", "federation", proposed).returncode == 4, "one person is not two"
    assert hybrid.changed() == _NOTHING
    there.does("carol", "confirm", "federation", proposed)
    there.step(6, "done")
    assert hybrid.changed() == ([_SWITCHED], {"domains"})
    assert hybrid.domain()["authenticationType"] == "Managed"
    for step in (7, 8):
        there.does("alice", "step", str(step))
        assert hybrid.changed() == _NOTHING, step
    closing = _digest(there.does("alice", "close", "--summary", "The servers are back"), "confirm", "close")
    there.does("dave", "confirm", "close", closing)
    back = _digest(there.proposed_back(), "ask", "federation-back")
    assert hybrid.changed() == _NOTHING, "the way back takes two as well"
    assert not there.newest()["closed_at"]
    there.does("dave", "ask", "federation-back", back)
    there.does("carol", "confirm", "federation-back", back)
    there.closed()
    assert hybrid.changed() == ([_FEDERATED], {"domains"})
    _assert_as_before(hybrid)


def _assert_as_before(hybrid: _Tenant) -> None:
    settings = hybrid.domain()["federationConfiguration"]
    assert {name: settings[name] for name in FEDERATION_SETTINGS} == FEDERATION_SETTINGS
    assert hybrid.domain()["authenticationType"] == "Federated"


def test_where_the_app_is_refused_a_person_runs_the_command_there_and_back(there: _There, hybrid: _Tenant) -> None:
    """As Graph is: no application changes the federation of a domain, whatever it was granted."""
    there.stack.control.grant(RESPONDER, "Domain-InternalFederation.ReadWrite.All")
    there.does("alice", "declare", "The federation servers are down", "--hybrid")
    for step in (2, 3, 4, 5):
        there.does("alice", "step", str(step), "--skip", "--note", "the scene before has it")
    proposed = there.proposed()
    there.does("alice", "ask", "federation", proposed)
    there.does("carol", "confirm", "federation", proposed)
    printed = there.shown("Graph refuses it to the app")
    assert f'Update-MgDomain -DomainId "{COMPANY_DOMAIN}" -AuthenticationType "Managed"' in printed
    assert hybrid.changed() == _NOTHING
    _as_break_glass(there, "PATCH", "", {"authenticationType": "Managed"})
    assert hybrid.changed() == ([], {"domains"})
    there.does("alice", "step", "6")
    there.step(6, "done")
    for step in (7, 8):
        there.does("alice", "step", str(step), "--skip", "--note", "the scene before has it")
    closing = _digest(there.does("alice", "close", "--summary", "The servers are back"), "confirm", "close")
    there.does("dave", "confirm", "close", closing)
    printed = there.proposed_back()
    assert f'New-MgDomainFederationConfiguration -DomainId "{COMPANY_DOMAIN}"' in printed
    assert there.run("alice", "step", "6", "--again", "to see").returncode in {3, 4}, "it isn't offered the switch anew"
    _as_break_glass(there, "POST", "/federationConfiguration", FEDERATION_SETTINGS)
    assert hybrid.changed() == ([], {"domains"})
    closing = _digest(there.does("alice", "close", "--summary", "The servers are back"), "confirm", "close")
    there.does("dave", "confirm", "close", closing)
    there.closed()
    assert hybrid.changed() == _NOTHING
    _assert_as_before(hybrid)


def _as_break_glass(there: _There, method: str, below: str, body: object) -> None:
    with there.stack.control.as_principal(BREAK_GLASS_1) as person:
        person.request(method, f"/v1.0/domains/{COMPANY_DOMAIN}{below}", json=body).raise_for_status()


def test_without_key_and_proof_nothing_is_shown(there: _There) -> None:
    for headers in ({}, {"x-functions-key": there.stack.keys["function"]}, there.stack.operator_headers()):
        answer = httpx.post(there.url, json={"reason": "to see"}, headers=headers, timeout=60)
        assert answer.status_code == 401, answer.text


# ---- without tokens --------------------------------------------------------------------------------------------------

_ALL_BUT_PAGERDUTY: Final = "^(?!POST /v2/enqueue$)"
"""Storage, the endpoint that gives tokens, Graph, Azure and Teams."""


def _until_stored(there: _There, emergency: str, entries: set[str]) -> None:
    deadline = time.monotonic() + _WITHIN
    while not entries <= set(there.stored(emergency)):
        assert time.monotonic() < deadline, entries - set(there.stored(emergency))
        time.sleep(0.5)


def _by_code(there: _There, operator: str, path: str, body: bytes) -> httpx.Response:
    """Send a request with an operator's one-time code, which is all that he has at hand."""
    code = TOTP(there.operators.codes[operator]).now()
    headers = {
        "X-Emergency-Key": there.operators.emergency_key,
        "X-Emergency-Operator": operator,
        "X-Emergency-Code": code,
    }
    return httpx.post(f"{there.url}{path}", content=body, headers=headers, timeout=60)


def test_without_tokens_two_instances_go_on_with_what_people_carry(there: _There) -> None:
    """Everything but PagerDuty refuses the app, whose instances are warm and know nothing of each other."""
    here, elsewhere = there.stack.host["url"], there.stack.start_another_instance()
    there.does("alice", "list", app=elsewhere)
    with there.proxy.refused(_ALL_BUT_PAGERDUTY):
        printed = there.does("alice", "declare", "Nobody gets a token", app=here)
        emergency = printed.split()[1].rstrip(",")
        assert emergency in str(httpx.get(f"{there.stack.inbox['url']}/alerts").json()), "PagerDuty has the page"
        acknowledged = _by_code(there, "dave", f"/{emergency}/acknowledge", b'{"over":"telephone"}')
        assert acknowledged.status_code == 200, acknowledged.text
        assert _by_code(there, "dave", f"/{emergency}/close", b'{"summary":"over"}').status_code in {403, 409}
        _works_without_tokens(there, emergency, here, elsewhere)
        asked = there.does("alice", "close", "--summary", "Tokens are back", app=elsewhere)
        file = there.laptop("alice") / f"{emergency}.ndjson"
        assert f"send {file} to whoever confirms" in asked
        confirm = ("confirm", "close", _digest(asked, "confirm", "close"))
        confirmed = there.does("carol", *confirm, "--journal", str(file), app=here)
        assert "aren't stored yet" in confirmed
        assert there.stored(emergency) == []
    shown = there.closed(emergency)
    _until_stored(there, emergency, {one["id"] for one in shown["entries"]})
    # Without storage both may repeat a step for themselves, and each keeps that it did: nothing else is there twice.
    entries, stored = there.newest()["entries"], Counter(there.stored(emergency))
    assert len(entries) == len(stored), "each counts once"
    repeats = {one["act"]["run"] for one in entries if one["act"].get("kind") == "repeat"}
    twice = [one for one in entries if stored[one["id"]] != 1 and one["act"].get("run") not in repeats]
    assert twice == [], "each is there once"
    notes = [one["act"]["note"] for one in entries if one["act"]["type"] == "step-recorded"]
    assert sorted(notes) == [f"note {number}" for number in range(2, 9)]


def _works_without_tokens(there: _There, emergency: str, here: str, elsewhere: str) -> None:
    """Each step's text is there in both languages, the app tries its part, and people record theirs, anywhere."""
    for language in ("en", "ko"):
        page = there.read(f"/{emergency}", Accept="text/html", **{"Accept-Language": language}).text
        for step in BREAK_GLASS:
            for words in (step.title, step.person, step.failed):
                assert escape(words.in_language(language)) in page, (step.number, language)
    printed = there.does("alice", "step", "2", app=elsewhere)
    assert any(playbook.title.en in printed for playbook in PLAYBOOKS), printed
    for number in range(2, 9):
        tried = there.run("alice", "step", str(number), app=here) if number > 2 else None
        assert tried is None or tried.returncode in {0, 1}, tried
        how = "--skip" if number == 6 else "--done"  # nobody switched the federation, so closing waits for no way back
        there.does("alice", "step", str(number), how, "--note", f"note {number}", app=elsewhere)


def test_on_a_laptop_with_the_app_gone_and_merged_once_it_answers(there: _There) -> None:
    """It was declared at the app, which is then gone or can't load its code; nobody declares it anew."""
    there.does("alice", "declare", "Nobody gets a token")
    emergency = there.newest()["id"]
    there.stack.kill_host()
    gone = there.run("alice", "step", "2")
    assert (gone.returncode, "--offline works without the app" in gone.stderr) == (5, True), gone.stderr
    settings = there.stack.folder / "offline.json"
    settings.write_text(json.dumps({"Values": there.stack.values()}), encoding="utf-8")
    common = ("--settings", str(settings), "--host", f"127.0.0.1:{there.stack.host_port}")

    def offline(operator: str, *arguments: str) -> str:
        done = there.command(operator, "--offline", *common, "--key", there.key_file(operator), *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert there.command(
        "alice", "--offline", *common, "--key", there.key_file("alice"), "--declare", "again"
    ).returncode
    offline("alice", "--acknowledge")
    shutil.copytree(there.laptop("alice"), there.laptop("dave"), dirs_exist_ok=True)
    for number in range(2, 6):
        offline("alice", "--done", str(number), "--note", f"note {number}")
    shown = offline("dave", "--skip", "6", "--note", "not hybrid")
    assert "came from the app and aren't signed" in shown
    there.stack.start_host()
    for operator in ("alice", "dave", "alice"):
        file = there.laptop(operator) / f"{emergency}.ndjson"
        at = ("--app", there.stack.host["url"], "--key", there.key_file(operator))
        merged = there.command(operator, "merge", str(file), *at, *common)
        assert merged.returncode == 0, merged.stdout + merged.stderr
    newest = there.newest()
    assert newest["id"] == emergency
    assert [one["state"] for one in newest["steps"]][1:6] == ["done"] * 4 + ["skipped"]
    stored = there.stored(emergency)
    assert len(stored) == len(set(stored))


# ---- forgeries -------------------------------------------------------------------------------------------------------

_A_SECOND: Final = 500
_SECONDS: Final = 5
"""A declaration is to be answered before as many forgeries came as do in this time."""


async def _declared_in_a_flood(there: _There) -> tuple[int, int, float, float, Counter[int]]:
    """Give a declaration's status, the forgeries answered meanwhile, its seconds, their rate, and all their answers."""
    body = b'{"reason":"Nobody can sign in","hybrid":false}'
    flood = Flood(there.url, forgeries(there.url, there.operators, now=datetime.now(UTC)))
    async with ClientSession() as session, flood.open():
        await flood.until(_A_SECOND)
        signed = sign_request(
            there.operators.key("alice"),
            "POST",
            there.url,
            body,
            emergency_key=there.operators.emergency_key,
            now=datetime.now(UTC),
        )
        before, sent = flood.answers.total(), time.monotonic()
        async with session.post(there.url, data=body, headers=signed) as answer:
            status = answer.status
            await answer.read()
        took, meanwhile = time.monotonic() - sent, flood.answers.total() - before
    return status, meanwhile, took, meanwhile / took, flood.answers


def test_a_signed_declaration_is_answered_amid_forgeries(there: _There) -> None:
    """Counted in forgeries, not in seconds, so that a slow machine, which answers fewer of them too, fails nothing."""
    status, meanwhile, took, rate, answers = asyncio.run(_declared_in_a_flood(there))
    print(f"{rate:.0f} forgeries a second; the declaration took {took:.1f} s, {meanwhile} forgeries meanwhile")  # noqa: T201
    assert status == 200
    assert meanwhile <= _A_SECOND * _SECONDS
    assert set(answers) <= {401, 403, 409, 429}, set(answers)
