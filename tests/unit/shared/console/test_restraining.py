"""An account is taken from whoever uses it, and given back, by who may, as it was shown, once."""

from datetime import timedelta
from typing import Any, Final

import msgspec
import pytest

from infra.local.world import ALICE, BREAK_GLASS_1, MALLORY
from responders.account_acts import ACCOUNT_ACTS
from shared.authority.acts import NotSigned
from shared.authority.journal import read_all
from shared.authority.operator_store import setting_of
from shared.authority.owners import NamedOwner, TableOwners
from shared.authority.signed_in import session_from
from shared.clients.storage import Storage
from shared.clients.storage_names import Table
from shared.console.frame import ROOT
from shared.console.tokens import Holder
from shared.model.kinds import Mode
from shared.objects.restraints import Containment
from shared.respond import stolen
from shared.respond.restraining import go_on_with_restraints
from tests.fakes.console import Answered, Desk, desk, signed_in
from tests.fakes.operators import GENESIS
from tests.fakes.restraints import user
from tests.fakes.signed_lists import signing

_ALICE: Final = f"{ALICE.upn} ({ALICE.id})"


def _desk(storage: Storage, **options: Any) -> Desk:  # noqa: ANN401 - as `desk` takes
    made = desk(storage, account_acts=ACCOUNT_ACTS, **options)
    made.tenant.principals[MALLORY.id] = user(id=MALLORY.id, userType="Member")
    return made


def _press(made: Desk, act: str, reason: str, **more: Any) -> Answered:  # noqa: ANN401 - as `press` takes
    path = f"/i/{made.case_id}/{act}"
    fields: dict[str, str] = more.pop("fields", None) or made.ask(path).fields(act)
    return made.press(path, {**fields, "reason": reason, "note": "CHG-7"}, **more)


def _kept(made: Desk) -> Containment | None:
    case = made.bench.only_case()
    kept = made.bench.runtime.restraints.read(case.tenant_id, case.id)
    return kept.containment if kept else None


def _acts(made: Desk) -> list[tuple[str, str, str]]:
    acts = (entry.act for chain in read_all(made.bench.storage) for entry in chain.entries)
    return [(act.what.value, act.who, act.why) for act in acts if act.what.value in {"contain", "release"}]


@pytest.mark.parametrize("mode", [Mode.ENFORCE, Mode.PAGE])
def test_it_is_shown_done_shown_as_done_and_given_back(storage: Storage, mode: Mode) -> None:
    made = _desk(storage, mode=mode)
    assert "Contain account…" in made.ask(f"/i/{made.case_id}").text
    sheet = made.ask(f"/i/{made.case_id}/contain").text
    assert sheet.index("Disable") < sheet.index("Revoke the sessions")
    assert "conditional access policy" in sheet or mode is Mode.ENFORCE, "what it did is taken back too"
    assert (made.tenant.writes == []) is (mode is Mode.PAGE)
    pressed = _press(made, "contain", "not-them")
    assert pressed.status == 303
    assert "The responder does it at its next look" in made.ask(pressed.location.removeprefix(ROOT)).text
    go_on_with_restraints(made.bench.runtime)
    assert made.tenant.principals[MALLORY.id]["accountEnabled"] is False
    page = made.ask(f"/i/{made.case_id}").text
    assert "Account contained by" in page
    assert "Contain account…" not in page
    given = _press(made, "release", "in-order")
    assert given.status == 303
    made.bench.clock.move(timedelta(minutes=1))
    go_on_with_restraints(made.bench.runtime)
    assert made.tenant.principals[MALLORY.id]["accountEnabled"] is True
    assert "It was given back by" in made.ask(f"/i/{made.case_id}/release").text
    assert _acts(made) == [
        ("contain", _ALICE, "Contain: it wasn't them. CHG-7"),
        ("release", _ALICE, "Release: it is theirs again. CHG-7"),
    ]


def test_twice_is_no_error_and_done_once(storage: Storage) -> None:
    made = _desk(storage)
    for act, reason in (("contain", "no-answer"), ("release", "mistake")):
        fields = made.ask(f"/i/{made.case_id}/{act}").fields(act)
        for said in ("at its next look", "Nothing was done twice"):
            pressed = _press(made, act, reason, fields=fields)
            assert said in made.ask(pressed.location.removeprefix(ROOT)).text
        go_on_with_restraints(made.bench.runtime)
    assert [what for what, _, _ in _acts(made)] == ["contain", "release"]


def test_a_plan_that_is_out_of_date_does_nothing(storage: Storage) -> None:
    made = _desk(storage, mode=Mode.PAGE)
    fields = made.ask(f"/i/{made.case_id}/contain").fields("contain")
    made.policy["conditions"]["users"]["excludeUsers"].remove(MALLORY.id)
    pressed = _press(made, "contain", "not-them", fields=fields)
    assert (pressed.status, "It changed while you looked. Nothing was done." in pressed.text) == (409, True)
    assert _kept(made) is None


def test_what_was_contained_anew_is_not_given_back_by_an_older_page(storage: Storage) -> None:
    made = _desk(storage)
    _press(made, "contain", "not-them")
    older = made.ask(f"/i/{made.case_id}/release").fields("release")
    _press(made, "release", "mistake")
    made.bench.clock.move(timedelta(minutes=1))
    go_on_with_restraints(made.bench.runtime)
    _press(made, "contain", "not-them")
    pressed = _press(made, "release", "mistake", fields=older)
    assert pressed.status == 409
    kept = _kept(made)
    assert kept is not None
    assert kept.released is None


def test_what_takes_a_signature_is_said_and_the_account_is_taken_all_the_same(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = _desk(storage, mode=Mode.PAGE)

    def revoke_since(*_words: object, **_more: object) -> None:
        raise NotSigned("nobody signs")

    monkeypatch.setattr(stolen, "revoke_since", revoke_since)
    pressed = _press(made, "contain", "not-them")
    assert pressed.status == 303
    assert "signature on the command line" in made.ask(pressed.location.removeprefix(ROOT)).text
    go_on_with_restraints(made.bench.runtime)
    assert made.tenant.principals[MALLORY.id]["accountEnabled"] is False


@pytest.mark.parametrize("act", ["contain", "release"])
def test_without_a_reason_nothing_is_done_and_what_was_typed_stays(storage: Storage, act: str) -> None:
    made = _desk(storage)
    if act == "release":
        _press(made, "contain", "not-them")
    before = _kept(made)
    for reason in ("", "wanted"):
        pressed = _press(made, act, reason)
        assert (pressed.status, 'value="CHG-7"' in pressed.text) == (400, True)
    assert _kept(made) == before


@pytest.mark.parametrize("sent", [{"Origin": "https://evil.example"}, {"Content-Type": "text/plain"}])
@pytest.mark.parametrize("act", ["contain", "release"])
def test_what_is_not_from_the_page_is_refused(storage: Storage, act: str, sent: dict[str, str]) -> None:
    made = _desk(storage)
    if act == "release":
        _press(made, "contain", "not-them")
    before = _kept(made)
    assert _press(made, act, "mistake" if act == "release" else "not-them", headers=sent).status == 403
    fields = made.ask(f"/i/{made.case_id}/{act}").fields(act)
    for wrong in ({"token": "1.0"}, {"plan": "0" * 64}):
        assert _press(made, act, "not-them", fields={**fields, **wrong}).status == 403
    other = signed_in(session="another")
    assert _press(made, act, "not-them", fields=fields, who=other).status == 403
    assert _kept(made) == before


def test_an_owner_who_is_no_operator_contains_nobody(storage: Storage) -> None:
    made = _desk(storage, EMERGENCY_OPERATORS=setting_of([GENESIS]))
    owner = NamedOwner(scope="*", order="010", name="Alice", upn=ALICE.upn or "")
    TableOwners(storage, clock=made.bench.clock, acts=signing(made.bench.runtime)).name(owner, by="a test")
    assert "Contain account…" not in made.ask(f"/i/{made.case_id}").text
    holder = Holder(id=ALICE.id, session=session_from(signed_in()).id)
    for act in ("contain", "release"):
        token = made.console.tokens.make(holder, act, made.case_id, "0" * 64, now=made.bench.clock())
        assert _press(made, act, "not-them", fields={"token": token, "plan": "0" * 64}).status == 403
    assert _kept(made) is None


def test_of_whom_it_is_not_certain_whose_it_is_nobody_is_contained(storage: Storage) -> None:
    made = _desk(storage)
    case = made.bench.only_case()
    changed = msgspec.structs.replace(case, actor=msgspec.structs.replace(case.actor, id=BREAK_GLASS_1.id))
    made.bench.runtime.ledger.say(case, lambda _stored: changed)
    assert "Contain account…" not in made.ask(f"/i/{case.id}").text
    sheet = made.ask(f"/i/{case.id}/contain")
    assert "Nothing is to be done" in sheet.text
    assert "<form" not in sheet.text.partition("<main")[2].partition("</main>")[0]


def test_a_row_that_cannot_be_read_hides_no_incident(storage: Storage) -> None:
    made = _desk(storage)
    _press(made, "contain", "not-them")
    (row,) = [row for row in storage.rows(Table.CONTROLS, "PartitionKey ge ''") if made.case_id in row.key]
    storage.upsert(Table.CONTROLS, row.partition, row.key, {**row.columns, "record": "{"})
    page = made.ask(f"/i/{made.case_id}")
    assert (page.status, "Contain account…" in page.text) == (200, False)
