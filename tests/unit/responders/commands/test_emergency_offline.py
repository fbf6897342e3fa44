import argparse
import json
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from html.parser import HTMLParser
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, override

import msgspec
import pytest

from infra.local.world import BREAK_GLASS_1, BREAK_GLASS_2, COMPANY_DOMAIN, SUBSCRIPTION, WORKFORCE_TENANT
from responders.commands import emergency
from responders.commands.connection import CommandError
from responders.commands.emergency_offline import (
    batches,
    federation_files,
    read_accounts,
    read_federation_state,
)
from responders.runbooks.break_glass import BREAK_GLASS
from responders.runbooks.playbooks import PLAYBOOKS
from shared.authority.operator_store import setting_of
from shared.emergency.answering import take
from shared.emergency.asking import Problem, carried_in, nonce_in, parted, says_what_was_signed, wanted_in
from shared.emergency.engine import Engine
from shared.emergency.entries import Answer, Caller, Entry, StepState
from shared.emergency.proofs import caller_of, signed_request_of, signer_of
from shared.emergency.signed_requests import Request
from shared.emergency.state import Emergency
from shared.emergency.store import Emergencies
from shared.model.clock import utc_now
from shared.model.errors import ResponderError
from tests.fakes.clock import NOW
from tests.fakes.http_service import Asked, HttpService, Reply, http_service
from tests.fakes.hybrid_tenant import HybridTenant
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.operators import ALICE, GENESIS, HOST, KEY, door, private
from tests.fakes.runtime import bench
from tests.fakes.tenant import Request as Sent
from tests.fakes.tenant import answer_of

_ROUTING_KEY: Final = "0123456789abcdef0123456789abcdef"
_TEAMS: Final = "https://flows.example/workflows/1?sig=made-up"
_PHONES: Final = "Alice Alvarez +353 1 555 0100; Erin <Egger> +353 1 555 0101"


def _responder(*words: str) -> int:
    parser = argparse.ArgumentParser(prog="responder")
    emergency.add_parser(parser.add_subparsers())
    arguments = parser.parse_args(words)
    status: int = arguments.run(arguments)
    return status


class Laptop:
    """A laptop with a settings file, Alice's key and an empty folder."""

    def __init__(self, folder: Path, pagerduty: str, **changes: str) -> None:
        self.journal = folder / "journal"
        self.folder = folder
        values = {
            "WORKFORCE_TENANT_ID": WORKFORCE_TENANT,
            "SUBSCRIPTION_IDS": SUBSCRIPTION,
            "EMERGENCY_ACCOUNT_IDS": f"{BREAK_GLASS_1.id},{BREAK_GLASS_2.id}",
            "PAGERDUTY_ROUTING_KEY": _ROUTING_KEY,
            "PAGERDUTY_URL": pagerduty,
            "TEAMS_WEBHOOK_URL": _TEAMS,
            "CASE_LINK": f"https://{HOST}/api/open/{{case}}",
            "SUPPORT_PHONE": "+353 1 555 0199, access id 1234567890",
            "SEALED_CREDENTIAL": "Safe in room 2.14 <Erin has the key>",
            "EMERGENCY_PHONES": _PHONES,
            "EMERGENCY_OPERATORS": setting_of([GENESIS]),
            "EMERGENCY_GENESIS": GENESIS.digest,
            **changes,
        }
        self.settings = folder / "emergency.json"
        self.settings.write_text(json.dumps({"Values": values}), encoding="utf-8")
        self.key = folder / "alice.key"
        self.write_key("alice-1")

    def write_key(self, seed: str) -> None:
        from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415 - of this helper alone
            Encoding,
            NoEncryption,
            PrivateFormat,
        )

        content = private(seed).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        self.key.write_bytes(content)
        self.key.chmod(0o600)

    def run(self, *words: str) -> int:
        """Run `responder emergency --offline …`."""
        common = ["--settings", str(self.settings), "--key", str(self.key), "--journal", str(self.journal)]
        return _responder("emergency", "--offline", *common, *words)

    def command(self, *words: str) -> int:
        """Run another command of `responder emergency`."""
        return _responder("emergency", *words, "--settings", str(self.settings))

    @property
    def file(self) -> Path:
        (file,) = self.journal.glob("*.ndjson")
        return file


@pytest.fixture
def pagerduty() -> Iterator[HttpService]:
    with http_service(Reply(status=202, body=b'{"status":"success"}')) as service:
        yield service


@pytest.fixture
def laptop(tmp_path: Path, pagerduty: HttpService) -> Laptop:
    return Laptop(tmp_path, pagerduty.url)


def test_without_the_app_has_to_be_asked_for() -> None:
    with pytest.raises(CommandError, match="--offline"):
        _responder("emergency")


# ---- declaring, recording --------------------------------------------------------------------------------------------


def test_declaring_pages_and_prints_every_text_in_both_languages(
    laptop: Laptop, pagerduty: HttpService, capsys: pytest.CaptureFixture[str]
) -> None:
    assert laptop.run("--declare", "Nobody can sign in", "--hybrid") == 0
    (asked,) = pagerduty.asked
    event: dict[str, Any] = json.loads(asked.body)
    assert event["routing_key"] == _ROUTING_KEY
    assert event["payload"]["severity"] == "critical"
    assert "Nobody can sign in" in event["payload"]["summary"]
    assert event["dedup_key"].endswith(laptop.file.stem)
    printed = capsys.readouterr().out
    for step in BREAK_GLASS:
        for words in (step.title, step.person, step.failed, step.check):
            assert words.en in printed
            assert words.ko in printed
    for playbook in PLAYBOOKS:
        assert playbook.text.en in printed
        assert playbook.text.ko in printed
    for shown in ("room 2.14", "+353 1 555 0199", f"Tenant id: {WORKFORCE_TENANT}", "Alice Alvarez"):
        assert shown in printed
    assert _ROUTING_KEY not in printed


def test_the_page_is_in_the_language_of_the_settings(tmp_path: Path, pagerduty: HttpService) -> None:
    laptop = Laptop(tmp_path, pagerduty.url, NOTICE_LANGUAGE="ko")
    assert laptop.run("--declare", "Nobody can sign in", "--drill") == 0
    payload = json.loads(pagerduty.asked[0].body)["payload"]
    assert payload["summary"] == "훈련: 비상 상황이 선언되었습니다: Nobody can sign in"
    assert "전화번호는 아래에 있습니다." in payload["custom_details"]["내용"]
    assert any("+353 1 555 0100" in line for line in payload["custom_details"].values())
    assert payload["source"] == WORKFORCE_TENANT


@pytest.mark.parametrize("count", [0, 40])
def test_the_page_has_each_telephone_whole(tmp_path: Path, pagerduty: HttpService, count: int) -> None:
    phones = [f"Person {number} of the operators: +353 1 555 {number:04}" for number in range(count)]
    laptop = Laptop(tmp_path, pagerduty.url, EMERGENCY_PHONES="; ".join(phones))
    laptop.run("--declare", "Nobody can sign in", "--drill")
    details = json.loads(pagerduty.asked[0].body)["payload"]["custom_details"]
    assert set(phones) <= set(details.values())
    assert ("EMERGENCY_PHONES isn't set" in details["What"]) is (count == 0)


def test_what_people_did_is_shown_and_signed(laptop: Laptop, capsys: pytest.CaptureFixture[str]) -> None:
    laptop.run("--declare", "Nobody can sign in")
    assert laptop.run("--done", "4", "--note", "Ticket 2603") == 0
    assert laptop.run("--skip", "6", "--note", "not hybrid") == 0
    assert laptop.run("--acknowledge") == 0
    assert laptop.run("--announce", BREAK_GLASS_1.id) == 0
    capsys.readouterr()
    assert laptop.run() == 0
    shown = capsys.readouterr().out
    assert "4  done      Alice: Ticket 2603" in shown
    assert "6  skipped   Alice: not hybrid" in shown
    assert "Don't trust" not in shown


def test_a_journal_that_somebody_changed_is_not_trusted(laptop: Laptop, capsys: pytest.CaptureFixture[str]) -> None:
    laptop.run("--declare", "Nobody can sign in")
    laptop.file.write_bytes(laptop.file.read_bytes().replace(b"Nobody can sign in", b"All is as it was"))
    capsys.readouterr()
    laptop.run()
    assert "Don't trust the entry" in capsys.readouterr().out


def test_a_drill_pages_as_one_and_ends_for_a_real_emergency(laptop: Laptop, pagerduty: HttpService) -> None:
    laptop.run("--declare", "Practice", "--drill")
    event = json.loads(pagerduty.asked[0].body)
    assert event["payload"]["summary"].startswith("DRILL: ")
    assert event["payload"]["severity"] == "info"
    assert laptop.run("--declare", "Nobody can sign in") == 0
    for words in (("--declare", "Nobody can sign in"), ("--declare", "Practice", "--drill")):
        with pytest.raises(CommandError, match="is open in this journal"):
            laptop.run(*words)


@pytest.mark.parametrize("reply", [Reply(status=500), Reply(status=400), Reply(cut=True)])
def test_a_page_that_nobody_got_is_said_with_the_telephones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], reply: Reply
) -> None:
    with http_service(reply) as service:
        laptop = Laptop(tmp_path, service.url)
        assert laptop.run("--declare", "Nobody can sign in") == 1
    printed = capsys.readouterr().out
    assert "didn't take the page" in printed
    assert "+353 1 555 0100" in printed
    assert laptop.file.exists()


def test_without_a_key_for_pages_people_telephone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    laptop = Laptop(tmp_path, "https://unused.example", PAGERDUTY_ROUTING_KEY="")
    assert laptop.run("--declare", "Nobody can sign in") == 1
    assert "Nobody was paged" in capsys.readouterr().out


def test_what_the_person_has_to_put_right_is_said(tmp_path: Path, laptop: Laptop) -> None:
    with pytest.raises(CommandError, match="declare one"):
        laptop.run("--done", "4")
    laptop.write_key("somebody else")
    with pytest.raises(CommandError, match="no operator's key"):
        laptop.run("--declare", "x")
    wrong = Laptop(tmp_path, "https://unused.example", WORKFORCE_TENANT_ID="contoso", PAGERDUTY_ROUTING_KEY="short")
    with pytest.raises(
        CommandError, match=r"WORKFORCE_TENANT_ID is 'contoso'.*PAGERDUTY_ROUTING_KEY is a secret value"
    ):
        wrong.run("--declare", "x")
    assert not list(laptop.journal.glob("*"))


def test_a_step_that_is_left_out_needs_a_reason(laptop: Laptop) -> None:
    laptop.run("--declare", "Nobody can sign in")
    with pytest.raises(CommandError, match="--note"):
        laptop.run("--skip", "4")


@pytest.mark.parametrize("words", [("--declare", " "), ("--declare", "x" * 5_000)])
def test_what_the_app_would_refuse_is_not_recorded(laptop: Laptop, words: Sequence[str]) -> None:
    with pytest.raises(ResponderError):
        laptop.run(*words)
    assert not list(laptop.journal.glob("*"))


# ---- merging ---------------------------------------------------------------------------------------------------------


class _App:
    """The app's side of a journal that is brought: the same parts, behind a door with the same operators."""

    def __init__(self) -> None:
        self.door = door()
        self.storage = MemoryStorage()
        self.storage.create_all()
        runtime = bench(self.storage).runtime
        store = Emergencies(self.storage, clock=utc_now, is_signed=self._is_signed)
        self.engine = Engine(runtime=runtime, store=store, steps=BREAK_GLASS)

    def _is_signed(self, entry: Entry) -> bool:
        if entry.signed is None or not says_what_was_signed(entry):
            return False
        signer = signer_of(entry.signed, self.door, at=entry.at, now=utc_now())
        return isinstance(signer, Caller) and (signer.operator, signer.name) == (entry.by, entry.name)

    def emergency(self, emergency: str) -> Emergency:
        found = self.engine.store.read(emergency)
        assert found is not None
        return found

    def respond(self, asked: Asked) -> Reply:
        first, rest = parted(asked.body, asked.headers.get("content-type", ""))
        request = Request(method=asked.method, url=asked.path, headers=asked.headers, body=first)
        caller = caller_of(request, self.door, now=utc_now())
        if not isinstance(caller, Caller):
            return Reply(status=caller.status, body=caller.detail.encode())
        signed = signed_request_of(request)
        try:
            wanted = wanted_in(asked.path, first, otherwise=lambda: nonce_in(signed) if signed else "")
            carried = carried_in(rest, wanted, now=utc_now())
            take(self.engine, wanted, caller, signed=signed, carried=carried)
        except Problem as problem:
            return Reply(status=problem.status, body=problem.detail.encode())
        return Reply(status=HTTPStatus.OK)


@contextmanager
def _app() -> Generator[tuple[_App, str]]:
    app = _App()
    with http_service(respond=app.respond) as service:
        yield app, service.url


def _merge(laptop: Laptop, url: str) -> int:
    words = ("merge", str(laptop.file), "--app", url, "--key", str(laptop.key), "--host", HOST)
    return laptop.command(*words)


def test_a_laptops_journal_is_in_the_app_once_and_believed(laptop: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESPONDER_EMERGENCY_KEY", KEY)
    laptop.run("--declare", "Nobody can sign in", "--hybrid")
    laptop.run("--done", "4", "--note", "Ticket 2603")
    with _app() as (app, url):
        assert _merge(laptop, url) == 0
        merged = app.emergency(laptop.file.stem)
        assert (merged.reason, merged.hybrid, merged.declared_by) == ("Nobody can sign in", True, ALICE.id)
        assert merged.step(4).state is StepState.DONE
        assert merged.carried == frozenset()
        assert _merge(laptop, url) == 0
        assert len(app.emergency(laptop.file.stem).entries) == len(merged.entries) == 2


def test_an_entry_that_was_forged_is_carried_and_not_believed(laptop: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESPONDER_EMERGENCY_KEY", KEY)
    laptop.run("--declare", "Nobody can sign in")
    lines = laptop.file.read_bytes().splitlines()
    forged = json.loads(lines[0]) | {"id": "f" * 32, "act": {"type": "confirmed", "what": "close", "digest": "0" * 64}}
    laptop.file.write_bytes(b"\n".join([*lines, json.dumps(forged).encode()]) + b"\n")
    with _app() as (app, url):
        assert _merge(laptop, url) == 0
        assert app.emergency(laptop.file.stem).carried == {"f" * 32}


def test_a_journal_is_refused_without_the_emergency_key(laptop: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    laptop.run("--declare", "Nobody can sign in")
    monkeypatch.delenv("RESPONDER_EMERGENCY_KEY", raising=False)
    with _app() as (app, url):
        with pytest.raises(CommandError, match="RESPONDER_EMERGENCY_KEY"):
            _merge(laptop, url)
        monkeypatch.setenv("RESPONDER_EMERGENCY_KEY", "another one")
        with pytest.raises(CommandError, match="answered 4"):
            _merge(laptop, url)
        assert app.engine.store.read(laptop.file.stem) is None


def test_an_app_that_gives_no_answer_is_tried_again_later(laptop: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESPONDER_EMERGENCY_KEY", KEY)
    laptop.run("--declare", "Nobody can sign in")
    with http_service(Reply(cut=True)) as service, pytest.raises(CommandError, match="merge again"):
        _merge(laptop, service.url)


def test_a_line_that_can_not_be_read_is_said_and_the_rest_is_merged(
    laptop: Laptop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RESPONDER_EMERGENCY_KEY", KEY)
    laptop.run("--declare", "Nobody can sign in")
    with laptop.file.open("ab") as file:
        file.write(b'{"id":"cut')
    with _app() as (app, url):
        assert _merge(laptop, url) == 1
        assert app.emergency(laptop.file.stem).reason == "Nobody can sign in"
    assert "Line 2 can't be read" in capsys.readouterr().out


def test_many_entries_are_sent_in_batches_with_the_declaration_first(laptop: Laptop) -> None:
    laptop.run("--declare", "Nobody can sign in")
    first = msgspec.json.decode(laptop.file.read_bytes().splitlines()[0], type=Entry)
    early = [
        msgspec.structs.replace(first, id=f"{number:032x}", at=first.at - timedelta(hours=1), act=_note())
        for number in range(1_200)
    ]
    parts = [*batches([*early, first])]
    assert parts[0][0] == first
    assert [len(part) for part in parts] == [500, 500, 201]
    assert {entry.id for part in parts for entry in part} == {entry.id for entry in (*early, first)}


def _note() -> Any:  # noqa: ANN401 - one of the acts
    from shared.emergency.entries import Acknowledged  # noqa: PLC0415 - of this helper alone

    return Acknowledged(over="laptop")


# ---- reading with one's own token ------------------------------------------------------------------------------------


def _user(**changes: object) -> dict[str, object]:
    return {
        "userPrincipalName": "emergency-1@contoso",
        "accountEnabled": True,
        "onPremisesSyncEnabled": None,
        **changes,
    }


@pytest.mark.parametrize(
    ("body", "status", "answer", "shown"),
    [
        (_user(), 200, Answer.FINE, "of the cloud"),
        (_user(accountEnabled=False), 200, Answer.WRONG, "it is disabled"),
        (_user(accountEnabled=None), 200, Answer.WRONG, "it is disabled"),
        (_user(onPremisesSyncEnabled=True), 200, Answer.WRONG, "it is synchronized"),
        ({"error": {"code": "Request_ResourceNotFound"}}, 404, Answer.WRONG, "isn't there"),
        ({"error": {"code": "Authorization_RequestDenied"}}, 403, Answer.UNKNOWN, "can't be read"),
        ({"error": {"code": "x"}}, 503, Answer.UNKNOWN, "can't be read"),
    ],
)
def test_each_emergency_account_is_looked_at(body: dict[str, object], status: int, answer: Answer, shown: str) -> None:
    def spoil(request: Sent) -> Any:  # noqa: ANN401 - an answer
        return answer_of(body, status) if request.url.startswith("/users/") else None

    tenant = HybridTenant(spoil=spoil)
    (finding,) = read_accounts(tenant.edges(), [BREAK_GLASS_1.id])
    assert finding.answer is answer
    assert shown in finding.text
    assert tenant.writes == []


def test_the_federation_is_read_and_kept_with_the_command_for_two(laptop: Laptop) -> None:
    del laptop
    tenant = HybridTenant()
    *hashes, domains = read_federation_state(tenant.edges(), NOW)
    assert {one.answer for one in hashes} == {Answer.FINE}
    assert "Update-MgDomain" in domains.what_to_do
    ((name, content),) = federation_files(tenant.edges())
    assert name == COMPANY_DOMAIN
    assert json.loads(content)["post"]["issuerUri"]
    off = read_federation_state(HybridTenant(features={"passwordSyncEnabled": False}).edges(), NOW)
    assert "Update-MgDomain" not in "".join(one.what_to_do for one in off)
    assert tenant.writes == []


# ---- paper -----------------------------------------------------------------------------------------------------------


class _Tags(HTMLParser):
    """Notes every tag and all text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    @override
    def handle_data(self, data: str) -> None:
        self.text += data


def _paper(laptop: Laptop, *words: str) -> tuple[str, _Tags]:
    file = laptop.folder / "runbook.html"
    assert laptop.command("print", "--to", str(file), *words) == 0
    page, tags = file.read_text(encoding="utf-8"), _Tags()
    tags.feed(page)
    return page, tags


def test_the_paper_has_every_step_in_both_languages_and_whom_to_call(laptop: Laptop) -> None:
    page, tags = _paper(laptop)
    for step in BREAK_GLASS:
        for words in (step.title, step.person, step.failed, step.check):
            assert words.en in tags.text
            assert words.ko in tags.text
    for playbook in PLAYBOOKS:
        assert playbook.text.en in tags.text
        assert playbook.text.ko in tags.text
    for shown in ("Erin <Egger> +353 1 555 0101", "Safe in room 2.14 <Erin has the key>", "access id 1234567890"):
        assert shown in tags.text
    assert GENESIS.digest in tags.text
    for key in ALICE.keys:
        assert key.id[:4] in tags.text
    assert "@page { size: A4" in page
    assert [attributes["lang"] for tag, attributes in tags.tags if tag == "section"] == ["en", "ko"]


def test_the_paper_has_no_secret_and_nothing_from_elsewhere(laptop: Laptop) -> None:
    page, tags = _paper(laptop)
    for secret in (_ROUTING_KEY, _TEAMS, "sig=made-up", KEY, setting_of([GENESIS])):
        assert secret not in page
    assert {tag for tag, _ in tags.tags}.isdisjoint({"script", "img", "link", "iframe", "egger", "erin"})
    assert not [name for _, attributes in tags.tags for name in attributes if name in {"src", "href", "onload"}]


def test_the_paper_of_one_language_and_of_an_empty_installation(tmp_path: Path) -> None:
    empty = dict.fromkeys(("SEALED_CREDENTIAL", "EMERGENCY_PHONES", "SUPPORT_PHONE", "EMERGENCY_OPERATORS"), "")
    laptop = Laptop(tmp_path, "https://unused.example", EMERGENCY_GENESIS="", **empty)
    _, tags = _paper(laptop, "--language", "ko")
    assert tags.text.count("여기에 직접 적으세요") == 5
    assert "Break-glass runbook" not in tags.text
