"""What a press does, and what nobody can have done by any other way: a forged, borrowed, late or repeated request."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import msgspec
import pytest

from infra.local.world import ALICE, CAROL, MALLORY, Principal
from shared.authority.journal import history
from shared.authority.operator_store import setting_of
from shared.authority.operators import Genesis, operators_of
from shared.clients.storage import Storage
from shared.clients.storage_errors import Conflict
from shared.console.frame import ROOT
from shared.console.routes import POLICY, own_path
from shared.console.sayings import SAYINGS
from shared.console.sheets import LABELS
from shared.model.kinds import Mode
from shared.model.objects import ObjectId
from shared.respond.asking import Verb
from shared.respond.persons import subject_of
from tests.fakes.clock import NOW
from tests.fakes.console import IN_FRONT, Answered, Desk, desk, signed_in
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.operators import ALICE as OPERATOR
from tests.fakes.operators import CAROL as OTHER_OPERATOR
from tests.fakes.operators import DAVE, FOUNDED, door, signed
from tests.fakes.spoilt_storage import SpoiltStorage

_NOTHING: Final[Mapping[str, str]] = {}
_WRITES: Final = ("insert", "replace", "upsert", "keep", "enqueue", "write_together", "delete")
_REASON: Final = {
    Verb.PUT_BACK: "unwanted",
    Verb.UNDO: "wanted",
    Verb.ACCEPT: "wanted",
    Verb.DENY: "attack",
    Verb.LEAVE: "handled",
}


@pytest.fixture
def spoilt(memory: MemoryStorage) -> SpoiltStorage:
    storage = SpoiltStorage(memory)
    storage.create_all()
    return storage


def _excluded(made: Desk) -> bool:
    return MALLORY.id in made.policy["conditions"]["users"]["excludeUsers"]


def _journal(made: Desk) -> list[tuple[str, str, str]]:
    case = made.bench.only_case() if len(made.bench.cases()) == 1 else made.bench.cases()[0]
    assert case.object_kind
    of = ObjectId(tenant_id=case.tenant_id, kind=case.object_kind, key=case.object_key)
    entries = history(made.bench.storage, subject_of(of)).entries
    return [(entry.act.who, entry.act.what.value, entry.act.why) for entry in entries]


def _sheet(made: Desk, verb: Verb, **options: Any) -> dict[str, str]:  # noqa: ANN401 - as `ask` takes
    return made.ask(f"/i/{made.bench.cases()[0].id}/{verb}", **options).fields(verb)


def _press(made: Desk, verb: Verb, fields: Mapping[str, str], **options: Any) -> Answered:  # noqa: ANN401 - as `press` takes
    return made.press(f"/i/{made.bench.cases()[0].id}/{verb}", {"reason": _REASON[verb], **fields}, **options)


# ---- what is shown is done -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "stays", "what"),
    [
        (Verb.PUT_BACK, False, "settle"),
        (Verb.DENY, False, "deny"),
        (Verb.ACCEPT, True, "accept"),
        (Verb.LEAVE, True, "leave"),
    ],
)
def test_what_was_shown_is_done_once_in_the_name_of_who_pressed(
    storage: Storage, verb: Verb, what: str, *, stays: bool
) -> None:
    made = desk(storage, mode=Mode.PAGE)
    fields = _sheet(made, verb)
    for said in ("in your name", "Nothing was done twice"):
        pressed = _press(made, verb, {**fields, "note": "CHG-7 <b>"})
        assert pressed.status == 303
        assert pressed.location.startswith(f"{ROOT}/i/{made.bench.cases()[0].id}?")
        assert said in made.ask(pressed.location.removeprefix(ROOT)).text
    made.go_on()
    assert _excluded(made) is stays
    ours = [entry for entry in _journal(made) if entry[1] == what]
    assert len(ours) == 1
    who, _, why = ours[0]
    assert who == f"{ALICE.upn} ({ALICE.id})"
    assert why.endswith(". CHG-7 <b>")
    page = made.ask(f"/i/{made.bench.cases()[0].id}")
    assert "CHG-7 &lt;b&gt;" in page.text
    words = {Verb.PUT_BACK: "Put back", Verb.DENY: "Put back", Verb.ACCEPT: "Accepted", Verb.LEAVE: "Left as it is"}
    assert f">{words[verb]}</span>" in page.text
    assert made.bench.cases()[0].acknowledged_by == who, "who decides has it"


def test_a_put_back_is_undone(storage: Storage) -> None:
    made = desk(storage)
    assert not _excluded(made)
    case = made.case_id
    assert _press(made, Verb.UNDO, _sheet(made, Verb.UNDO)).status == 303
    assert ">Being undone</span>" in made.ask(f"/i/{case}").text
    made.go_on()
    assert _excluded(made)
    assert ">Put-back undone</span>" in made.ask(f"/i/{case}").text


def test_an_undo_that_a_guard_objects_to_says_so_before_and_after(storage: Storage) -> None:
    made = desk(storage)
    case = made.case_id
    made.tenant.principals.pop(MALLORY.id)
    sheet = made.ask(f"/i/{case}/undo")
    assert "who no longer exists" in sheet.text
    assert "It waits until that has passed." in sheet.text
    assert made.press(f"/i/{case}/undo", sheet.fields("undo") | {"reason": "wanted"}).status == 303
    made.go_on()
    assert not _excluded(made)
    assert ">Not undone yet</span>" in made.ask(f"/i/{case}").text


@pytest.mark.parametrize("verb", [Verb.PUT_BACK, Verb.DENY, Verb.ACCEPT, Verb.LEAVE])
def test_a_plan_that_is_out_of_date_does_nothing_and_the_new_one_is_shown(storage: Storage, verb: Verb) -> None:
    """Somebody has taken the exclusion out by hand, while the sheet was open."""
    made = desk(storage, mode=Mode.PAGE)
    fields = _sheet(made, verb)
    made.policy["conditions"]["users"]["excludeUsers"].remove(MALLORY.id)
    before = _journal(made)
    pressed = _press(made, verb, fields)
    assert pressed.status == 409
    assert "It changed while you looked. Nothing was done." in pressed.text
    assert _journal(made) == before
    made.go_on()
    assert not made.tenant.writes


def test_what_somebody_else_decided_meanwhile_makes_a_plan_out_of_date(storage: Storage) -> None:
    made = desk(storage, mode=Mode.PAGE)
    fields = _sheet(made, Verb.DENY)
    carol = signed_in(CAROL)
    assert _press(made, Verb.ACCEPT, _sheet(made, Verb.ACCEPT, who=carol), who=carol).status == 303
    assert _press(made, Verb.DENY, fields).status == 409
    assert [what for _, what, _ in _journal(made)][-1] == "accept"
    made.go_on()
    assert _excluded(made)


def test_a_press_without_a_reason_does_nothing_and_keeps_what_was_typed(storage: Storage) -> None:
    made = desk(storage, mode=Mode.PAGE)
    for reason in ("", "no such reason"):
        pressed = _press(made, Verb.DENY, {**_sheet(made, Verb.DENY), "reason": reason, "note": 'half "typed'})
        assert pressed.status == 400
        assert 'value="half &quot;typed"' in pressed.text
    assert [entry for entry in _journal(made) if entry[1] == "deny"] == []


def test_an_object_that_is_held_by_another_run_is_said_to_be(storage: Storage) -> None:
    made = desk(storage, mode=Mode.PAGE)
    fields = _sheet(made, Verb.DENY)
    case = made.bench.only_case()
    assert case.object_kind
    kind = made.bench.runtime.kinds[case.object_kind]
    of = ObjectId(tenant_id=case.tenant_id, kind=case.object_kind, key=case.object_key)
    assert made.bench.runtime.leases.take([kind.lane(of, case.target.id, None)], "another")
    pressed = _press(made, Verb.DENY, fields)
    assert pressed.status == 409
    assert "Press again" in pressed.text


def test_acknowledging_twice_is_no_error_and_the_first_one_stays(storage: Storage) -> None:
    made = desk(storage, mode=Mode.PAGE)
    path = f"/i/{made.case_id}/acknowledge"
    alices = made.ask(f"/i/{made.case_id}").fields("acknowledge")
    carols = made.ask(f"/i/{made.case_id}", who=signed_in(CAROL)).fields("acknowledge")
    assert made.press(path, alices).status == 303
    assert made.press(path, alices).status == 303
    assert made.press(path, carols, who=signed_in(CAROL)).status == 303
    assert made.bench.only_case().acknowledged_by == f"{ALICE.upn} ({ALICE.id})"
    made.bench.clock.move(timedelta(minutes=50))
    assert [*made.bench.runtime.notifier.unacknowledged()] == []


# ---- what is said of it ----------------------------------------------------------------------------------------------


def _say(made: Desk, saying: str, values: Mapping[str, str] = _NOTHING, *, by: Principal = ALICE) -> Answered:
    """Press a button of the incident's page; the page that leads to is answered."""
    path = f"/i/{made.case_id}"
    fields = made.ask(path, who=signed_in(by)).fields(saying)
    pressed = made.press(f"{path}/{saying}", {**fields, **values}, who=signed_in(by))
    return made.ask(pressed.location.removeprefix(ROOT), who=signed_in(by)) if pressed.status == 303 else pressed


def test_what_is_said_stands_on_the_page_with_the_name_of_who_says_it(storage: Storage) -> None:
    made = desk(storage, mode=Mode.PAGE)
    assert "Nobody has said yet" in made.ask(f"/i/{made.case_id}").text
    for _ in range(2):
        assert "Noted in your name." in _say(made, "note", {"note": "She is on the phone <b>"}).text
    page = _say(made, "classify", {"was": "false-alarm"}, by=CAROL).text
    assert page.count("She is on the phone &lt;b&gt;") == 1
    assert "says that it was a false alarm" in page
    assert "It was: <b>False alarm</b>" in page
    assert [(one.kind, one.by) for one in made.bench.only_case().remarks] == [
        ("note", f"{ALICE.upn} ({ALICE.id})"),
        ("false-alarm", f"{CAROL.upn} ({CAROL.id})"),
    ]


@pytest.mark.parametrize(("mode", "is_open"), [(Mode.ENFORCE, False), (Mode.PAGE, True)])
def test_what_was_classified_is_closed_where_it_needs_nobody(storage: Storage, mode: Mode, *, is_open: bool) -> None:
    made = desk(storage, mode=mode)
    assert made.case_id in made.ask("").text
    _say(made, "classify", {"was": "attack"})
    assert (made.case_id in made.ask("").text) is is_open
    _say(made, "take-back")
    assert (made.case_id in made.ask("").text) is is_open


def test_an_acknowledgement_is_taken_back_and_the_next_owner_is_asked(storage: Storage) -> None:
    made = desk(storage, mode=Mode.PAGE)
    _say(made, "acknowledge")
    assert "Where it needs somebody, the next owners are asked again." in _say(made, "take-back").text
    assert made.bench.only_case().acknowledged_at is None
    made.bench.clock.move(timedelta(minutes=50))
    assert [*made.bench.runtime.notifier.unacknowledged()] != []
    assert "Nobody has it" in made.ask(f"/i/{made.case_id}").text


@pytest.mark.parametrize(("saying", "values"), [("note", {"note": "  "}), ("classify", {"was": "nothing"})])
def test_what_says_nothing_is_refused(storage: Storage, saying: str, values: dict[str, str]) -> None:
    made = desk(storage, mode=Mode.PAGE)
    assert _say(made, saying, values).status == 400
    assert made.bench.only_case().remarks == ()
    assert made.bench.only_case().acknowledged_at is None


def test_a_case_that_is_being_written_is_said_to_be(spoilt: SpoiltStorage) -> None:
    made = desk(spoilt, mode=Mode.PAGE)
    fields = made.ask(f"/i/{made.case_id}").fields("acknowledge")
    spoilt.faults.spoil = lambda operation: "before" if operation == "replace Cases" else ""
    spoilt.faults.failure = Conflict
    assert made.press(f"/i/{made.case_id}/acknowledge", fields).status == 409


def test_without_storage_it_is_said_that_it_may_have_been_done(spoilt: SpoiltStorage) -> None:
    made = desk(spoilt, mode=Mode.PAGE)
    fields = _sheet(made, Verb.DENY)
    spoilt.faults.fail("rows Journal")
    pressed = _press(made, Verb.DENY, fields)
    assert pressed.status == 503
    assert "may have been done" in pressed.text


# ---- nothing acts on GET ---------------------------------------------------------------------------------------------


def test_nothing_is_done_on_get(spoilt: SpoiltStorage) -> None:
    made = desk(spoilt, mode=Mode.PAGE)
    case = made.bench.only_case()
    made.ask("")  # the key of the tokens is made once
    fields = _sheet(made, Verb.DENY) | {"reason": "attack"}
    query = "&".join(f"{name}={value}" for name, value in fields.items())
    spoilt.faults.log.clear()
    for path in ("", "?view=all", "?view=mine", f"/i/{case.id}", f"/o/{case.object_kind}/{case.object_key}"):
        made.ask(path)
    for act in (*LABELS, *SAYINGS):
        made.ask(f"/i/{case.id}/{act}?{query}")
    made.ask("/me?language=ko")
    assert [entry for entry in spoilt.faults.log if entry.startswith(_WRITES)] == []


# ---- refusals --------------------------------------------------------------------------------------------------------


def _attempts(made: Desk, **options: Any) -> list[Answered]:  # noqa: ANN401 - as `press` takes
    """Send each form as it was shown to Alice, with these differences."""
    case = made.bench.only_case().id
    own = made.ask(f"/i/{case}").fields("acknowledge")
    verbs = (Verb.PUT_BACK, Verb.DENY, Verb.ACCEPT, Verb.LEAVE)
    fields = options.pop("fields", {})
    shown = {verb: _sheet(made, verb) for verb in verbs}
    page = made.ask(f"/i/{case}")
    said = {"note": {"note": "x"}, "classify": {"was": "attack"}}
    return [
        made.press(f"/i/{case}/acknowledge", own | fields, **options),
        *(
            made.press(f"/i/{case}/{saying}", page.fields(saying) | values | fields, **options)
            for saying, values in said.items()
        ),
        *(_press(made, verb, shown[verb] | fields, **options) for verb in verbs),
    ]


def _untouched(made: Desk, before: list[tuple[str, str, str]]) -> None:
    assert _journal(made) == before
    assert made.bench.only_case().acknowledged_at is None
    assert made.bench.only_case().remarks == ()
    made.go_on()
    assert _excluded(made)


@pytest.mark.parametrize(
    "sent",
    [
        {"Origin": ""},
        {"Origin": "null"},
        {"Origin": "https://evil.example"},
        {"Origin": "https://responder.example.evil.example"},
        {"Origin": "http://responder.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Content-Type": "text/plain"},
        {"Content-Type": "multipart/form-data; boundary=x"},
        {"Content-Type": ""},
    ],
    ids=str,
)
def test_another_site_can_not_press(storage: Storage, sent: dict[str, str]) -> None:
    made = desk(storage, mode=Mode.PAGE)
    before = _journal(made)
    for answered in _attempts(made, headers=sent):
        assert answered.status == 403
        assert "Nothing was done" in answered.text
    _untouched(made, before)


@pytest.mark.parametrize(
    "token",
    ["", "x", "1.2", "0." + "0" * 64, "9" * 400, "²." + "0" * 64, "1772445901.é", "\ud800"],
    ids=range(8),
)
def test_a_forged_token_does_nothing(storage: Storage, token: str) -> None:
    made = desk(storage, mode=Mode.PAGE)
    before = _journal(made)
    if token == "\ud800":
        with pytest.raises(UnicodeEncodeError):
            _attempts(made, fields={"token": token})
        return
    for answered in _attempts(made, fields={"token": token}):
        assert answered.status == 403
    _untouched(made, before)


def test_a_token_that_is_missing_or_given_twice_does_nothing(storage: Storage) -> None:
    made = desk(storage, mode=Mode.PAGE)
    before = _journal(made)
    fields = _sheet(made, Verb.DENY)
    path, token = f"/i/{made.case_id}/deny", fields.pop("token")
    assert made.press(path, fields | {"reason": "attack"}).status == 403
    body = f"plan={fields['plan']}&reason=attack&token={token}&token={token}"
    assert made.ask(path, method="POST", body=body).status == 403
    _untouched(made, before)


def test_a_token_is_of_one_person_one_session_one_act_one_case_and_one_plan(storage: Storage) -> None:
    made = desk(storage, mode=Mode.PAGE)
    before = _journal(made)
    deny, accept = _sheet(made, Verb.DENY), _sheet(made, Verb.ACCEPT)
    tried = [
        _press(made, Verb.DENY, deny, who=signed_in(CAROL)),
        _press(made, Verb.DENY, deny, who=signed_in(session="second")),
        _press(made, Verb.DENY, accept),
        _press(made, Verb.DENY, accept | {"token": deny["token"]}),
        _press(made, Verb.ACCEPT, deny),
        made.press("/i/20260302-ffffffffffffffffffff/deny", deny | {"reason": "attack"}),
        made.press(f"/i/{made.case_id}/acknowledge", deny),
    ]
    assert [answered.status for answered in tried] == [403] * len(tried)
    _untouched(made, before)


@pytest.mark.parametrize(("minutes", "status"), [(59, 303), (61, 409), (-61, 409)])
def test_a_page_that_is_too_old_acts_no_more(storage: Storage, minutes: int, status: int) -> None:
    made = desk(storage, mode=Mode.PAGE)
    fields = made.ask(f"/i/{made.case_id}").fields("acknowledge")
    made.bench.clock.move(timedelta(minutes=minutes))
    answered = made.press(f"/i/{made.case_id}/acknowledge", fields)
    assert answered.status == status
    assert ("too old to act from" in answered.text) is (status == 409)


def test_what_was_done_is_said_only_by_an_address_that_the_console_wrote(storage: Storage) -> None:
    made = desk(storage, mode=Mode.PAGE)
    for forged in ("said=writes", "said=writes&by=1.2", "said=<script>&by=x"):
        assert 'class="news"' not in made.ask(f"/i/{made.case_id}?{forged}").text


@pytest.mark.parametrize("body", ["x" * 20_000, "&".join(f"a{each}=1" for each in range(50)), "%ff=%fe"], ids=range(3))
def test_a_body_that_is_no_form_of_ours_does_nothing(storage: Storage, body: str) -> None:
    made = desk(storage, mode=Mode.PAGE)
    assert made.ask(f"/i/{made.case_id}/acknowledge", method="POST", body=body).status == 403
    assert made.bench.only_case().acknowledged_at is None


# ---- who is let in ---------------------------------------------------------------------------------------------------


def test_a_browser_that_nobody_has_signed_in_with_is_led_to_the_sign_in_and_back(storage: Storage) -> None:
    made = desk(storage, mode=Mode.PAGE)
    page = made.ask(f"/i/{made.case_id}", who={})
    assert page.status == 302
    path = f"{ROOT}/i/{made.case_id}".replace("/", "%2F")
    assert page.location == f"/.auth/login/aad?post_login_redirect_uri={path}"
    assert page.reply.body == b""


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_program_that_nobody_has_signed_in_with_gets_401(storage: Storage, method: str) -> None:
    made = desk(storage, mode=Mode.PAGE)
    answered = made.ask(f"/i/{made.case_id}", method=method, who={}, headers={"Accept": "application/json"})
    assert (answered.status, answered.reply.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert json.loads(answered.text)["status"] == 401


def test_who_was_signed_out_meanwhile_is_told_that_nothing_was_done(storage: Storage) -> None:
    made = desk(storage, mode=Mode.PAGE)
    fields = _sheet(made, Verb.DENY)
    answered = _press(made, Verb.DENY, fields, who={})
    assert answered.status == 401
    assert "Nothing was done" in answered.text
    assert f"post_login_redirect_uri=%2Fapi%2Fconsole%2Fi%2F{made.case_id}%2Fdeny" in answered.text


@pytest.mark.parametrize(("seconds", "status"), [(1, 200), (0, 302), (-1, 302)])
def test_a_session_ends_with_its_token(storage: Storage, seconds: int, status: int) -> None:
    made = desk(storage)
    end = str(int(made.bench.clock().timestamp()) + seconds)
    assert made.ask("", who=signed_in(exp=end)).status == status


_STRANGER: Final = signed_in() | {"X-MS-CLIENT-PRINCIPAL-ID": MALLORY.id}


@pytest.mark.parametrize(
    "who",
    [
        _STRANGER,
        signed_in(tid="b2c0d4e6-7a18-4f93-9c25-e81f60a7b3d2"),
        signed_in() | {"X-MS-CLIENT-PRINCIPAL-IDP": "github"},
        signed_in() | {"X-MS-CLIENT-PRINCIPAL": "bm90IGpzb24="},
    ],
    ids=range(4),
)
def test_headers_that_do_not_agree_let_nobody_in(storage: Storage, who: dict[str, str]) -> None:
    made = desk(storage, mode=Mode.PAGE)
    for method in ("GET", "POST"):
        answered = made.ask(f"/i/{made.case_id}", method=method, who=who)
        assert answered.status == 403
        assert "CA001" not in answered.text


@pytest.mark.parametrize("environment", [{}, {"WEBSITE_AUTH_ENABLED": "false"}])
def test_without_a_sign_in_in_front_every_header_may_be_forged(storage: Storage, environment: dict[str, str]) -> None:
    made = desk(storage, mode=Mode.PAGE)
    console = msgspec.structs.replace(made.console, door=door(environment=environment))
    open_door = Desk(bench=made.bench, tenant=made.tenant, console=console)
    for method in ("GET", "POST"):
        answered = open_door.ask(f"/i/{made.case_id}", method=method)
        assert answered.status == 403
        assert "App Service authentication isn't in front of this app" in answered.text
        assert "CA001" not in answered.text


_GENESIS: Final = signed(
    Genesis(at=FOUNDED, operators=(msgspec.structs.replace(OPERATOR, object_id=ALICE.id), OTHER_OPERATOR, DAVE)),
    *("alice-1", "carol-1", "dave-1"),
)


def _with_operators(storage: Storage, *, unread: str = "") -> Desk:
    """Give a console for which a list of operators was founded: Alice of the tenant is on it, and two others."""
    made = desk(storage, mode=Mode.PAGE, EMERGENCY_OPERATORS=setting_of([_GENESIS]))
    known = operators_of(() if unread else (_GENESIS,), founding={_GENESIS.digest}, read_at=NOW, unread=unread)
    founded = door(known, environment=IN_FRONT)
    return Desk(bench=made.bench, tenant=made.tenant, console=msgspec.structs.replace(made.console, door=founded))


def test_where_operators_are_founded_nobody_else_is_shown_anything(storage: Storage) -> None:
    made = _with_operators(storage)
    assert made.ask(f"/i/{made.case_id}").status == 200
    answered = made.ask(f"/i/{made.case_id}", who=signed_in(MALLORY))
    assert answered.status == 403
    assert "not as an operator" in answered.text
    assert MALLORY.id in answered.text
    for secret in ("CA001", "Alice", "Carol", "Dave", made.case_id):
        assert secret not in answered.text
    assert made.press(f"/i/{made.case_id}/acknowledge", {}, who=signed_in(MALLORY)).status == 403


def test_where_the_list_can_not_be_read_it_is_said_to_be_that(storage: Storage) -> None:
    made = _with_operators(storage, unread="storage refuses")
    answered = made.ask(f"/i/{made.case_id}")
    assert answered.status == 403
    assert "It can't be told now whether you're an operator" in answered.text


# ---- headers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", [None, {}, _STRANGER], ids=["operator", "nobody", "stranger"])
@pytest.mark.parametrize("path", ["", "/i/x", "/me"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_page_is_kept_framed_or_run(storage: Storage, who: dict[str, str] | None, path: str, method: str) -> None:
    sent = desk(storage).ask(path, method=method, who=who).reply.headers
    assert sent["Cache-Control"] == "no-store"
    assert sent["X-Content-Type-Options"] == "nosniff"
    assert sent["Referrer-Policy"] == "same-origin"
    assert sent["Content-Security-Policy"] == POLICY
    policy = {name: value for name, _, value in (part.strip().partition(" ") for part in POLICY.split(";"))}
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["form-action"] == policy["script-src"] == policy["style-src"] == "'self'"


@pytest.mark.parametrize(
    ("path", "led"),
    [
        (ROOT, ROOT),
        (f"{ROOT}/i/x-1", f"{ROOT}/i/x-1"),
        ("", ROOT),
        ("/", ROOT),
        ("/api/consoles", ROOT),
        ("https://evil.example/api/console", ROOT),
        ("//evil.example/api/console", ROOT),
        ("/\\evil.example", ROOT),
        (f"{ROOT}//evil.example", ROOT),
        (f"{ROOT}/../../.auth/logout", ROOT),
        (f"{ROOT}/%2e%2e/x", ROOT),
        (f"{ROOT}/i/x?y=z", ROOT),
        (f"{ROOT}/\u202e", ROOT),
        (f"{ROOT}/a\nb", ROOT),
    ],
)
def test_nobody_is_led_away(path: str, led: str) -> None:
    assert own_path(path) == led


def test_language_and_theme_are_chosen_and_kept(storage: Storage) -> None:
    made = desk(storage)
    page = made.ask(f"/i/{made.case_id}")
    fields = page.fields("me")
    assert fields["back"] == f"{ROOT}/i/{made.case_id}"
    chosen = made.press("/me", fields | {"language": "ko", "theme": "dark"})
    cookie = chosen.reply.headers["Set-Cookie"]
    assert (chosen.status, chosen.location) == (303, fields["back"])
    assert cookie.startswith("responder-console=ko.dark; ")
    for flag in ("HttpOnly", "Secure", "SameSite=Lax", f"Path={ROOT};"):
        assert flag in cookie
    again = made.ask("", headers={"Cookie": cookie.partition(";")[0]}).text
    assert 'lang="ko" data-theme="dark"' in again
    strange = made.press("/me", fields | {"language": "<x>", "theme": "y", "back": "https://evil.example"})
    assert (strange.location, strange.reply.headers["Set-Cookie"].partition(";")[0]) == (ROOT, "responder-console=en.")


@pytest.mark.parametrize("cookie", ["responder-console=xx.yy", "responder-console=", "a=b; c", "=;=", "x" * 5000])
def test_a_strange_cookie_changes_nothing(storage: Storage, cookie: str) -> None:
    page = desk(storage).ask("", headers={"Cookie": cookie, "Accept-Language": "ko"})
    assert page.status == 200
    assert '<html lang="ko">' in page.text
