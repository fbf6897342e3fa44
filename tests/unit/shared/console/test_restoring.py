"""An object is restored to a version from its page: shown first, done as shown, by who may."""

import re
from typing import Any, Final
from urllib.parse import unquote

import pytest

from infra.local.world import ALICE, MALLORY
from shared.authority.journal import history
from shared.authority.operator_store import setting_of
from shared.authority.owners import NamedOwner, TableOwners
from shared.authority.signed_in import session_from
from shared.clients.storage import Storage
from shared.console.frame import ROOT
from shared.console.sheets import subject_of
from shared.console.tokens import Holder
from shared.model.kinds import Mode
from shared.respond.persons import subject_of as subject_in_journal
from tests.fakes.console import Answered, Desk, desk, signed_in
from tests.fakes.operators import GENESIS
from tests.fakes.signed_lists import signing

_WHY: Final = "Restore: it was right then. CHG-7"


def _path(made: Desk) -> str:
    one = made.bench.only_object().id
    return f"/o/{one.kind}/{one.key}"


def _link(made: Desk) -> str:
    """Give the address of the sheet to which the object's page leads: of its first version."""
    found = re.search(r'href="/api/console(/o/[^"]*/restore)\?to=([^"]*)"', made.ask(f"{_path(made)}?from=1&to=2").text)
    assert found
    return f"{found[1]}?to={found[2]}"


def _press(made: Desk, fields: dict[str, str], reason: str = "was-right", **more: Any) -> Answered:  # noqa: ANN401 - as `press` takes
    return made.press(f"{_path(made)}/restore", {**fields, "reason": reason, "note": "CHG-7"}, **more)


def _asked(made: Desk) -> list[tuple[str, str]]:
    entries = history(made.bench.storage, subject_in_journal(made.bench.only_object().id)).entries
    return [(entry.act.who, entry.act.why) for entry in entries if entry.act.what.value == "restore"]


def _excluded(made: Desk) -> bool:
    return MALLORY.id in made.policy["conditions"]["users"]["excludeUsers"]


def test_a_version_is_shown_restored_and_not_twice(storage: Storage) -> None:
    made = desk(storage, mode=Mode.PAGE)
    sheet = made.ask(_link(made))
    assert (sheet.status, "What will be written" in sheet.text, made.tenant.writes) == (200, True, [])
    fields = sheet.fields("restore")
    for said in ("The responder writes it at its next look", "Nothing was done twice"):
        pressed = _press(made, fields)
        assert pressed.location.startswith(f"{ROOT}{_path(made)}?")
        assert said in made.ask(pressed.location.removeprefix(ROOT)).text
    made.go_on()
    assert not _excluded(made)
    assert _asked(made) == [(f"{ALICE.upn} ({ALICE.id})", _WHY)]


def test_what_moved_meanwhile_is_shown_anew_and_nothing_is_done(storage: Storage) -> None:
    made = desk(storage, mode=Mode.PAGE)
    fields = made.ask(_link(made)).fields("restore")
    made.policy["state"] = "disabled"
    pressed = _press(made, fields)
    assert (pressed.status, "It changed while you looked" in pressed.text) == (409, True)
    assert _asked(made) == []


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"token": "1.0"}, 403),
        ({"plan": "0" * 64}, 403),
        ({"to": "2020-01-01"}, 403),
        ({"reason": "wanted"}, 400),
    ],
)
def test_what_was_not_shown_is_not_done(storage: Storage, wrong: dict[str, str], status: int) -> None:
    made = desk(storage, mode=Mode.PAGE)
    fields = made.ask(_link(made)).fields("restore")
    assert made.press(f"{_path(made)}/restore", {**fields, "reason": "was-right", **wrong}).status == status
    assert _press(made, fields, headers={"Origin": "https://evil.example"}).status == 403
    assert _asked(made) == []


@pytest.mark.parametrize("to", ["", "yesterday", "<b>"])
def test_an_instant_that_is_none_leads_nowhere(storage: Storage, to: str) -> None:
    made = desk(storage, mode=Mode.PAGE)
    assert made.ask(f"{_path(made)}/restore?to={to}").status == 404
    assert made.ask(f"/o/ca-policy/nothing/restore?to={unquote(_link(made).partition('=')[2])}").status == 404


def test_of_a_time_of_which_nothing_is_kept_it_says_so(storage: Storage) -> None:
    made = desk(storage, mode=Mode.PAGE)
    sheet = made.ask(f"{_path(made)}/restore?to=2020-01-01")
    assert (sheet.status, "Nothing is to be done" in sheet.text) == (200, True)


def test_who_is_no_operator_is_shown_no_way_there_and_restores_nothing(storage: Storage) -> None:
    made = desk(storage, mode=Mode.PAGE, EMERGENCY_OPERATORS=setting_of([GENESIS]))
    owner = NamedOwner(scope="*", order="010", name="Alice", upn=ALICE.upn or "")
    TableOwners(storage, clock=made.bench.clock, acts=signing(made.bench.runtime)).name(owner, by="a test")
    page = made.ask(f"{_path(made)}?from=1&to=2")
    assert (page.status, "/restore?" in page.text) == (200, False)
    to, plan = "2026-03-02T09:56:00Z", "0" * 64
    holder = Holder(id=ALICE.id, session=session_from(signed_in()).id)
    subject = subject_of(tuple(_path(made).strip("/").split("/")), to)
    token = made.console.tokens.make(holder, "restore", subject, plan, now=made.bench.clock())
    pressed = _press(made, {"token": token, "plan": plan, "to": to})
    assert (pressed.status, "Only operators act" in pressed.text) == (403, True)
    assert _asked(made) == []
