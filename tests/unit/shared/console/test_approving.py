"""Approving somebody in the console: as it was shown, and signed by a passkey where operators are founded."""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

import msgspec
import pytest

from infra.local.world import ALICE, BREAK_GLASS_1, CAROL, DAVE, MALLORY, RESPONDER, WORKFORCE_TENANT, Principal
from responders.catalogue import CATALOGUE
from shared.authority import journal
from shared.authority.acts import NotSigned
from shared.authority.approvals import TableApprovals
from shared.authority.journal import signed_entries
from shared.authority.operator_keys import bytes_of, fingerprint
from shared.authority.operator_store import keep_statement
from shared.authority.owners import NamedOwner, TableOwners
from shared.authority.signed_entries import SignedEntry
from shared.authority.signed_in import session_from
from shared.authority.standing import Approval
from shared.authority.statements import SIGNED
from shared.clients.storage import Storage
from shared.clients.storage_names import Table
from shared.console import approval_texts
from shared.console.approving import Outcome, Plan, Terms, approve, plan_of, text_to_sign
from shared.console.incidents import detection_of
from shared.console.passkey_page import challenge_in
from shared.console.tokens import Holder
from shared.model.bilingual import Words
from shared.model.cases import Case
from shared.model.events import ActorKind
from shared.model.kinds import ApprovalList, Mode
from tests.fakes.console import ALICES_PASSKEY, Answered, Desk, desk, founded_desk, signed_in
from tests.fakes.lamps import actor_of, lamp_event
from tests.fakes.operators import PASSKEY, SoftPasskey, add_passkey, signed
from tests.fakes.runtime import A_MINUTE, approval
from tests.fakes.signed_lists import signing
from tests.fakes.spoilt_storage import SpoiltStorage

_LIST: Final = ApprovalList.CONDITIONAL_ACCESS
_KOREAN: Final = {"Cookie": "responder-console=ko."}


def _fields(made: Desk, **typed: str) -> dict[str, str]:
    """Give what the form of the sheet sends, once somebody has typed a ticket."""
    page = made.ask(f"/i/{made.case_id}/approve")
    assert page.status == 200
    until = f"{made.bench.clock() + timedelta(days=30):%Y-%m-%d}"
    return {**page.fields("approve"), "until": until, "ticket": "CHG-7", "since": "", **typed}


def _press(made: Desk, fields: Mapping[str, str], **options: Any) -> Answered:  # noqa: ANN401 - as `press` takes
    return made.press(f"/i/{made.case_id}/approve", fields, **options)


def _stands(made: Desk, who: Principal = MALLORY, on: ApprovalList = _LIST) -> Approval | None:
    found = made.bench.runtime.approvals.find(on, who.id)
    assert found is None or isinstance(found, Approval)
    return found


def _rows(made: Desk) -> list[object]:
    """Give what lists, journal and announcements have."""
    tables = (Table.APPROVED_ACTORS, Table.JOURNAL, Table.CONTROLS)
    return [made.bench.storage.rows(table, "PartitionKey ge ''") for table in tables]


# ---- without operators -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("since", ["", "change"])
def test_without_operators_one_press_approves_in_the_name_of_who_pressed(storage: Storage, since: str) -> None:
    made = desk(storage, mode=Mode.PAGE)
    assert "Approve…" in made.ask(f"/i/{made.case_id}").text
    before = made.bench.clock()
    answered = _press(made, _fields(made, since=since))
    assert answered.status == 303
    led = made.ask(answered.location.removeprefix("/api/console").removesuffix("#main"))
    assert "Approved, in your name." in led.text
    found = _stands(made)
    assert found is not None
    assert (found.ticket, found.approved_by) == ("CHG-7", f"{ALICE.upn} ({ALICE.id})")
    assert found.valid_until == (before + timedelta(days=31)).replace(hour=0, minute=0, second=0, microsecond=0)
    (act,) = [one.act for one in journal.history(storage, journal.approval_subject(_LIST, MALLORY.id)).entries]
    assert act.what == ("accept-changes" if since else "approve")
    assert MALLORY.name in made.ask("/approvals").text or MALLORY.id in made.ask("/approvals").text


def test_a_change_that_is_approved_too_is_no_more_to_be_judged(storage: Storage) -> None:
    made = desk(storage, mode=Mode.PAGE)
    assert _press(made, _fields(made, since="change")).status == 303
    made.go_on()
    history = made.bench.runtime.approvals.history(_LIST, emergency_accounts=())
    case = made.bench.only_case()
    assert history.standing(case.actor, "", case.at).standing == "approved"


_WRONG_TERMS: Final[Mapping[str, tuple[Mapping[str, str], str]]] = {
    "no ticket": ({"ticket": " "}, "Enter the ticket"),
    "no day": ({"until": ""}, "Choose a day"),
    "no date": ({"until": "soon"}, "Choose a day"),
    "yesterday": ({"until": "2020-01-01"}, "Choose a day"),
    "in two years": ({"until": "2099-01-01"}, "Choose a day"),
}


@pytest.mark.parametrize("name", _WRONG_TERMS)
def test_what_approves_nobody_is_said_and_what_was_typed_stays(storage: Storage, name: str) -> None:
    typed, said = _WRONG_TERMS[name]
    made = desk(storage, mode=Mode.PAGE)
    fields = _fields(made, **typed)
    before = _rows(made)
    answered = _press(made, fields)
    assert answered.status == 400
    assert said in answered.text
    assert 'value="CHG-7"' in answered.text or "ticket" in typed
    assert _rows(made) == before


def test_a_plan_that_is_out_of_date_approves_nobody(storage: Storage) -> None:
    made = desk(storage, mode=Mode.PAGE)
    fields = _fields(made)
    approvals = TableApprovals(storage, clock=made.bench.clock)
    approvals.approve(approval(MALLORY))
    approvals.revoke(_LIST, MALLORY.id, by="Carol Chen")
    before = _rows(made)
    answered = _press(made, fields)
    assert answered.status == 409
    assert "It changed while you looked. Nothing was done." in answered.text
    assert "the approval was taken back" in answered.text
    assert _rows(made) == before


def test_a_form_that_is_sent_twice_approves_once(storage: Storage) -> None:
    made = desk(storage, mode=Mode.PAGE)
    fields = _fields(made)
    assert "said=approved" in _press(made, fields).location
    before = _rows(made)
    assert "said=already" in _press(made, fields).location
    assert _rows(made) == before


def test_who_is_no_operator_sees_no_way_and_approves_nobody(storage: Storage) -> None:
    made = founded_desk(storage, ALICES_PASSKEY.public)
    owner = NamedOwner(scope="*", order="010", name="Carol", upn=CAROL.upn or "")
    TableOwners(storage, clock=made.bench.clock, acts=signing(made.bench.runtime)).name(owner, by="x")
    assert "Approve…" not in made.ask(f"/i/{made.case_id}", who=signed_in(CAROL)).text
    assert made.ask(f"/i/{made.case_id}/approve", who=signed_in(CAROL)).status == 403
    fields, before = _fields(made), _rows(made)
    holder = Holder(id=CAROL.id, session=session_from(signed_in(CAROL)).id)
    token = made.console.tokens.make(holder, "approve", made.case_id, fields["plan"], now=made.bench.clock())
    assert _press(made, {**fields, "token": token}, who=signed_in(CAROL)).status == 403
    assert made.ask("/passkey", who=signed_in(CAROL)).status == 403
    assert made.ask("/approvals", who=signed_in(CAROL)).status == 200
    assert _rows(made) == before


def test_the_actor_of_a_case_without_an_object_is_approved_too(storage: Storage) -> None:
    made = desk(storage, mode=Mode.PAGE)
    event = lamp_event(
        tenant_id=WORKFORCE_TENANT, at=made.bench.clock(), actor=actor_of(DAVE), correlation_id="another"
    )
    case = made.bench.runtime.ledger.open("ca-policy-updated", event, b"{}")
    assert case is not None
    assert f"/i/{case.id}/approve" in made.ask(f"/i/{case.id}").text
    page = made.ask(f"/i/{case.id}/approve")
    fields = {**page.fields("approve"), "until": "2026-12-31", "ticket": "CHG-7", "since": ""}
    assert "said=approved" in made.press(f"/i/{case.id}/approve", fields).location
    assert _stands(made, DAVE) is not None


def test_an_emergency_account_is_never_approved(storage: Storage) -> None:
    made = desk(storage, mode=Mode.PAGE, by=BREAK_GLASS_1)
    assert "Approve…" not in made.ask(f"/i/{made.case_id}").text
    page = made.ask(f"/i/{made.case_id}/approve")
    assert "the responder itself and emergency accounts are on no list" in page.text
    assert "<form" not in page.text.partition("<footer")[0]


_NOBODY: Final[Mapping[str, Callable[[Case], Case]]] = {
    "no actor": lambda case: msgspec.structs.replace(case, actor=msgspec.structs.replace(case.actor, id="")),
    "a name for an id": lambda case: msgspec.structs.replace(case, actor=msgspec.structs.replace(case.actor, id="M")),
    "what it is isn't known": lambda case: msgspec.structs.replace(
        case, actor=msgspec.structs.replace(case.actor, kind=ActorKind.UNKNOWN)
    ),
    "the responder": lambda case: msgspec.structs.replace(
        case, actor=msgspec.structs.replace(case.actor, id=RESPONDER.id)
    ),
}


@pytest.mark.parametrize("name", _NOBODY)
def test_of_whom_it_is_not_known_who_it_is_nobody_is_approved(storage: Storage, name: str) -> None:
    made = desk(storage, mode=Mode.PAGE)
    case, runtime = _NOBODY[name](made.bench.only_case()), made.bench.runtime
    assert isinstance(plan_of(runtime, case, detection_of(runtime, case)), Words)


def test_a_detection_without_a_list_approves_nobody(storage: Storage) -> None:
    made = desk(storage, mode=Mode.PAGE)
    case, runtime = made.bench.only_case(), made.bench.runtime
    without = next(one for one in CATALOGUE if one.unless_actor_in is None)
    assert plan_of(runtime, case, without) is approval_texts.NO_LIST


# ---- with operators --------------------------------------------------------------------------------------------------


def _asked(made: Desk, fields: Mapping[str, str]) -> dict[str, Any]:
    """Ask, as the script does, what a passkey is to sign."""
    answered = _press(made, {**fields, "step": "text"})
    assert (answered.status, answered.reply.content_type) == (200, "application/json")
    found: dict[str, Any] = json.loads(answered.text)
    return found


def _signed(
    made: Desk,
    fields: Mapping[str, str],
    passkey: SoftPasskey = ALICES_PASSKEY,
    **differs: Any,  # noqa: ANN401 - as `answer` takes
) -> dict[str, str]:
    """Have a passkey sign what the page asks for; what differs is as for `SoftPasskey.answer`."""
    asked = _asked(made, fields)
    differs = {"challenge": bytes_of(asked["challenge"]), **differs}
    signature = passkey.signature(b"", **differs)
    return {**fields, "at": asked["at"], "credential": passkey.public.credential, "signature": signature}


def test_a_passkey_signs_the_very_entry_and_it_counts_at_once(storage: Storage) -> None:
    made = founded_desk(storage, ALICES_PASSKEY.public)
    page = made.ask(f"/i/{made.case_id}/approve")
    assert "Approve and sign" in page.text
    assert "<noscript>" in page.text
    assert f"responder approve conditional-access {MALLORY.id}" in page.text
    fields = _fields(made)
    before = _rows(made)
    assert [each["id"] for each in _asked(made, fields)["passkeys"]] == [ALICES_PASSKEY.public.credential]
    assert _rows(made) == before, "asking what is to be signed writes nothing"
    sent = _signed(made, fields)
    made.bench.clock.move(A_MINUTE)
    assert "said=approved" in _press(made, sent).location
    assert _stands(made) is not None
    entry = next(one for one in signed_entries(storage) if one.act.subject.endswith(MALLORY.id))
    assert (entry.act.who, entry.act.why) == ("Alice", "CHG-7")
    row = next(
        row for row in storage.rows(Table.APPROVED_ACTORS, "PartitionKey ge ''") if row.key.startswith(MALLORY.id)
    )
    kept = msgspec.json.decode(row.columns[SIGNED], type=SignedEntry)
    assert list(kept.signatures) == [ALICES_PASSKEY.public.id]
    assert "said=already" in _press(made, sent).location


def _again(made: Desk, fields: dict[str, str]) -> dict[str, str]:
    """Send the signature of another approval: it was given for another ticket."""
    return {**_signed(made, {**fields, "ticket": "CHG-8"}), "ticket": "CHG-7"}


def _late(made: Desk, fields: dict[str, str]) -> dict[str, str]:
    sent = _signed(made, fields)
    made.bench.clock.move(11 * A_MINUTE)
    return sent


def _early(made: Desk, fields: dict[str, str]) -> dict[str, str]:
    made.bench.clock.move(A_MINUTE)
    sent = _signed(made, fields)
    made.bench.clock.move(-A_MINUTE)
    return sent


_FORGED: Final[Mapping[str, Callable[[Desk, dict[str, str]], Mapping[str, str]]]] = {
    "no signature": lambda _made, fields: fields,
    "another challenge": lambda made, fields: _signed(made, fields, challenge=b"x" * 32),
    "another origin": lambda made, fields: _signed(made, fields, origin="https://evil.example"),
    "another host": lambda made, fields: _signed(made, fields, host="evil.example"),
    "nobody was asked who they are": lambda made, fields: _signed(made, fields, flags=0b001),
    "it was made, not used": lambda made, fields: _signed(made, fields, type="webauthn.create"),
    "another operator's passkey": lambda made, fields: _signed(made, fields, PASSKEY),
    "a passkey of nobody's": lambda made, fields: _signed(made, fields, SoftPasskey("mallory's")),
    "another's signature under her id": lambda made, fields: {
        **_signed(made, fields, SoftPasskey("mallory's")),
        "credential": ALICES_PASSKEY.public.credential,
    },
    "a signature of another ticket": _again,
    "a signature of another act": lambda made, fields: {**_signed(made, fields), "since": "change"},
    "a signature of another end": lambda made, fields: {**_signed(made, fields), "until": "2026-12-30"},
    "signed long ago": _late,
    "dated ahead": _early,
    "dated otherwise": lambda made, fields: {
        **_signed(made, fields),
        "at": (made.bench.clock() - A_MINUTE).isoformat(),
    },
    "without a time zone": lambda made, fields: {**_signed(made, fields), "at": "2026-03-02T09:00:00"},
    "nonsense": lambda made, fields: {**_signed(made, fields), "signature": "AAAA.AAAA.AAAA"},
}


@pytest.mark.parametrize("name", _FORGED)
def test_a_session_without_the_passkey_approves_nobody(storage: Storage, name: str) -> None:
    made = founded_desk(storage, ALICES_PASSKEY.public)
    sent = _FORGED[name](made, _fields(made))
    before = _rows(made)
    answered = _press(made, sent)
    assert answered.status == 403
    assert "Nothing was approved" in answered.text
    assert _rows(made) == before
    assert _stands(made) is None


def test_without_a_passkey_the_command_is_shown_and_nothing_is_sent(storage: Storage) -> None:
    made = founded_desk(storage, SoftPasskey("elsewhere", host="other.example").public)
    page = made.ask(f"/i/{made.case_id}/approve")
    assert "You have no passkey for this console" in page.text
    assert f"responder approve conditional-access {MALLORY.id}" in page.text
    assert "--key KEY" in page.text
    assert "<form" not in page.text.partition("<footer")[0]


def test_a_passkey_that_was_added_since_signs(storage: Storage) -> None:
    made = founded_desk(storage)
    door = made.console.door
    genesis = door.operators().genesis
    new = msgspec.structs.replace(
        add_passkey("alice", ALICES_PASSKEY.public, after=(genesis,)), genesis=genesis, at=made.bench.clock()
    )
    keep_statement(storage, signed(new, "alice-1", "carol-1", "dave-1"), by="Alice", now=made.bench.clock())
    assert "said=approved" in _press(made, _signed(made, _fields(made))).location


def test_what_takes_two_waits_for_the_command_line(storage: Storage) -> None:
    made = founded_desk(storage, ALICES_PASSKEY.public)
    runtime, at = made.bench.runtime, made.bench.clock()
    case = made.bench.only_case()
    plan = plan_of(runtime, case, detection_of(runtime, case))
    assert isinstance(plan, Plan)
    plan = msgspec.structs.replace(plan, approval_list=ApprovalList.DIRECTORY_ROLES)
    terms = Terms(until="2026-12-31", ticket="CHG-7")
    text = text_to_sign(runtime, plan, terms, by="Alice", at=at, key=ALICES_PASSKEY.public)
    signature = ALICES_PASSKEY.signature(text.encode())
    came = approve(runtime, plan, terms, by="Alice", at=at, key=ALICES_PASSKEY.public, signature=signature)
    assert (came, plan.takes_two, _stands(made, on=ApprovalList.DIRECTORY_ROLES)) == (Outcome.WAITS, True, None)
    for headers, words in (({}, "Another operator reads and signs it"), (_KOREAN, "다른 운영자가")):
        page = made.ask("/approvals", headers=headers)
        assert words in page.text
        assert f"approval directory-roles {MALLORY.id}" in page.text
    with pytest.raises(NotSigned, match="one of them signs"):
        TableApprovals(storage, clock=made.bench.clock, acts=runtime.acts).approve(approval(DAVE))


# ---- who is approved -------------------------------------------------------------------------------------------------


def test_the_page_of_approvals_says_who_may_what_until_when_and_by_whom(storage: Storage) -> None:
    made = desk(storage, mode=Mode.PAGE)
    approvals = TableApprovals(storage, clock=made.bench.clock)
    soon = made.bench.clock() + timedelta(hours=1)
    approvals.approve(approval(DAVE, targets=("policy-1",), hours="08:00-18:00 Europe/Amsterdam"))
    approvals.approve(approval(CAROL, valid_until=soon))
    approvals.approve(approval(MALLORY))
    made.bench.clock.move(timedelta(hours=2))
    approvals.revoke(_LIST, MALLORY.id, by="x")
    storage.upsert(Table.APPROVED_ACTORS, _LIST, BREAK_GLASS_1.id, {"name": "by hand"})
    page = made.ask("/approvals").text
    for words in (
        *("Conditional access", "2 approved", "Not known", "Only for", "policy-1", "Only at", "No longer approved: 2"),
        *("Ended", "Taken back", "CHG-1042", "Head of identity", "Lists with nobody on them", "directory-roles"),
        "No operators are founded here",
    ):
        assert words in page, words


def test_lists_that_can_not_be_read_are_said_to_be_that(memory: Any) -> None:  # noqa: ANN401 - the fixture
    spoilt = SpoiltStorage(memory)
    made = desk(spoilt, mode=Mode.PAGE)
    spoilt.faults.fail("rows ApprovedActors")
    page = made.ask("/approvals")
    assert page.status == 200
    assert "Who is approved couldn't be read" in page.text
    assert "Lists with nobody" not in page.text


# ---- a passkey -------------------------------------------------------------------------------------------------------


def test_the_public_half_of_a_new_passkey_is_given_and_nothing_is_kept(storage: Storage) -> None:
    made = founded_desk(storage)
    fields = made.ask("/passkey").fields("passkey")
    new = SoftPasskey("new phone")
    before = _rows(made)
    answered = made.press("/passkey", {**fields, **new.made(challenge_in(fields["token"]))})
    assert answered.status == 200
    for words in (
        new.public.public,
        new.public.credential,
        fingerprint(new.public),
        "responder operator passkey alice",
    ):
        assert words in answered.text, words
    assert _rows(made) == before


@pytest.mark.parametrize(
    "differs",
    [
        {"challenge": b"x" * 32},
        {"origin": "https://evil.example"},
        {"host": "evil.example"},
        {"flags": 0b100_0001},
    ],
    ids=["challenge", "origin", "host", "nobody was asked who they are"],
)
def test_a_passkey_that_was_not_made_here_is_refused(storage: Storage, differs: Mapping[str, Any]) -> None:
    made = founded_desk(storage)
    fields = made.ask("/passkey").fields("passkey")
    made_with: dict[str, Any] = {"challenge": challenge_in(fields["token"]), **differs}
    sent = SoftPasskey("new phone").made(**made_with)
    answered = made.press("/passkey", {**fields, **sent})
    assert answered.status == 400
    assert "No passkey was made" in answered.text
    forged = made.press("/passkey", {**fields, "token": "1.x", **sent})
    assert forged.status == 403
