"""What the console shows: of real cases and objects, in both languages, whatever somebody has written into a tenant."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import cache
from html import unescape
from html.parser import HTMLParser
from typing import Final, cast

import msgspec
import pytest

from infra.local.world import ALICE, CAROL, MALLORY, Principal
from responders.catalogue import CATALOGUE
from shared.authority.operator_store import setting_of
from shared.authority.owners import NamedOwner, TableOwners
from shared.authority.signed_in import session_from
from shared.clients.storage import Storage
from shared.clients.storage_names import Container, Table
from shared.console import approval_texts, names, sentences, sheets, states, texts
from shared.console.assets import SCRIPT, STYLE
from shared.console.frame import ROOT
from shared.console.sentences import NOUNS
from shared.console.sheets import LABELS, REASONS
from shared.console.tokens import Holder
from shared.ingest.coverage import Coverage, Sight
from shared.model.bilingual import Words
from shared.model.kinds import Mode, ObjectKind
from shared.notify.wording import is_sign_in
from shared.respond.remarks import acknowledge
from tests.fakes.card_cases import EVIL_TEXTS
from tests.fakes.console import Answered, Desk, desk, signed_in
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.operators import GENESIS
from tests.fakes.signed_lists import signing
from tests.fakes.spoilt_storage import SpoiltStorage

_UNBROKEN: Final = {("bdi", frozenset({"class"}))}
"""A short name with a hyphen."""
_KOREAN: Final = {"Cookie": "responder-console=ko."}
_EMPTY: Final = frozenset({"meta", "link", "input", "br", "path", "circle", "wbr"})


class _Page(HTMLParser):
    """The elements of a page, and what is wrong with how they are put together."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.wrong: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.wrong += [f"{tag} isn't closed" for tag in self.stack]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in _EMPTY:
            self.stack.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in _EMPTY:
            return
        if not self.stack or self.stack.pop() != tag:
            self.wrong.append(f"{tag} is closed out of turn")


def _words_of(page: Answered) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page.text)).split())


def _heading(page: Answered) -> str:
    found = re.search(r"<h1[^>]*>(.*?)</h1>", page.text, re.DOTALL)
    assert found
    return " ".join(unescape(re.sub(r"<[^>]*>", "", found[1])).split())


def _sees(made: Desk) -> Iterator[Answered]:
    """Give every page that there is, in both languages."""
    case = made.bench.only_case()
    paths = ("", "?view=mine", "?view=all", f"/i/{case.id}", f"/o/{case.object_kind}/{case.object_key}")
    for path in (*paths, *(f"/i/{case.id}/{verb}" for verb in (*LABELS, "approve")), "/approvals", "/passkey"):
        for headers in ({}, _KOREAN):
            page = made.ask(path, headers=headers)
            assert page.status == 200, (path, page.text)
            yield page


# ---- what happened, is it still so, what do I do ---------------------------------------------------------------------


def test_what_was_put_back_says_who_what_and_that_it_is_so_no_more(storage: Storage) -> None:
    made = desk(storage)
    page = made.ask(f"/i/{made.case_id}")
    assert _heading(page) == (
        "mallory@contoso.onmicrosoft.com, who isn't approved, excluded their own account from “CA001: Require"
        " phishing-resistant MFA for administrators”."
    )
    said = _words_of(page)
    for part in ("Put back High risk", "In force for", "stands as before", "Now as before", "Undo put-back…"):
        assert part in said, part
    assert "Not them, or no answer? Contain account…" in said
    assert "Nobody else is asked about it." in said
    assert MALLORY.id in said
    assert "Put back…" not in said


def test_the_same_in_korean_has_no_particle_behind_a_name(storage: Storage) -> None:
    made = desk(storage)
    page = made.ask(f"/i/{made.case_id}", headers=_KOREAN)
    assert 'lang="ko"' in page.text
    assert _heading(page) == (
        "승인되지 않은 mallory@contoso.onmicrosoft.com 님이 ‘CA001: Require phishing-resistant MFA for administrators’"
        " 정책의 제외 대상에 자기 계정을 추가했습니다."
    )
    assert "되돌림 완료" in page.text
    assert '<span lang="en">' in page.text, "what is in English only says so"


@pytest.mark.parametrize("mode", [Mode.PAGE, Mode.OBSERVE])
def test_what_still_stands_offers_to_put_it_back(storage: Storage, mode: Mode) -> None:
    made = desk(storage, mode=mode)
    page = made.ask(f"/i/{made.case_id}")
    said = _words_of(page)
    assert ("Needs you" if mode is Mode.PAGE else "Only watched") in said
    assert "and still so, as read at" in said
    assert ("the next owner is paged" in said) is (mode is Mode.PAGE)
    assert "Still so" in said
    for words in ("Put back…", "Deny for good…", "Accept as it stands…", "Leave it…"):
        assert words in said, words


def test_what_only_waits_says_what_is_in_the_way(storage: Storage) -> None:
    made = desk(storage, is_answered=False)
    made.tenant.ca_policies["another"] = made.policy | {
        "id": "another",
        "displayName": "Blocks everybody",
        "state": "on",
    }
    made.tenant.principals.clear()
    made.bench.answer_queue()
    assert "What is in the way" in _words_of(made.ask(f"/i/{made.case_id}"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"state": "disabled"}, "switched “CA001” off"),
        ({"state": "enabledForReportingButNotEnforced"}, "set “CA001” to report only"),
        ({"displayName": "CA001 (old)", "state": "disabled"}, "changed the conditional access policy “CA001"),
    ],
)
def test_each_change_is_its_own_sentence(storage: Storage, change: dict[str, str], said: str) -> None:
    made = desk(storage, mode=Mode.PAGE, name="CA001", change=change)
    assert said in _heading(made.ask(f"/i/{made.case_id}"))


def test_who_is_approved_needs_nobody(storage: Storage) -> None:
    made = desk(storage, by=ALICE)
    said = _words_of(made.ask(f"/i/{made.case_id}"))
    assert "Approved change" in said
    assert "who is approved" in said
    assert "Put back…" not in said


def test_what_could_not_be_read_is_neither_empty_nor_done(memory: MemoryStorage) -> None:
    storage = SpoiltStorage(memory)
    storage.create_all()
    made = desk(storage, mode=Mode.PAGE)
    storage.faults.fail("rows Changes", "rows Journal")
    page = made.ask(f"/i/{made.case_id}")
    assert page.status == 200
    assert "What changed couldn't be read" in _words_of(page)
    assert 'class="st unread"' in page.text
    assert "Needs you" not in _heading(page)


def test_without_storage_nothing_is_shown_as_quiet(memory: MemoryStorage) -> None:
    storage = SpoiltStorage(memory)
    storage.create_all()
    made = desk(storage, mode=Mode.PAGE)
    storage.faults.fail("rows Cases", "pages Cases")
    page = made.ask("")
    assert page.status == 503
    assert "can't read its storage" in _words_of(page)


_COUNTED: Final = next(one.id for one in CATALOGUE if one.counted)
_SIGN_IN: Final = next(one.id for one in CATALOGUE if is_sign_in(one))


@pytest.mark.parametrize("detection", [_COUNTED, _SIGN_IN, "one-that-was-removed"])
def test_what_is_no_guarded_object_has_its_page_too(storage: Storage, detection: str) -> None:
    made = desk(storage)
    case = msgspec.structs.replace(
        made.bench.only_case(),
        id="20260302-00000000000000000001",
        detection=detection,
        object_kind=None,
        object_key="",
        change="",
        put_back=(),
    )
    made.bench.runtime.ledger.open_change(case)
    for headers, details in (({}, "Details"), (_KOREAN, "자세한 내용")):
        page = made.ask(f"/i/{case.id}", headers=headers)
        assert page.status == 200
        assert _Page(page.text).wrong == []
        assert f">{details}</h2>" in page.text
    assert "is about nothing that the app puts back" in made.ask(f"/i/{case.id}/deny").text


@pytest.mark.parametrize(("count", "is_one_row"), [(2, False), (3, True), (39, True)])
def test_many_changes_of_one_actor_are_one_row(storage: Storage, count: int, *, is_one_row: bool) -> None:
    """With the one that is there already; the row leads to all of them."""
    made = desk(storage, mode=Mode.PAGE)
    known = made.bench.only_case()
    for number in range(count):
        at = known.at - timedelta(minutes=number)
        other = msgspec.structs.replace(known, id=f"20260302-{number:020}", at=at, object_key=f"{number}", change="")
        made.bench.runtime.ledger.open_change(other)
    page = made.ask("")
    assert _heading(page) == f"{count + 1} incidents need somebody"
    assert page.text.count('class="w"') == (1 if is_one_row else count + 1)
    if not is_one_row:
        return
    time = f"{count - 1} min" if count > 3 else "2 min"
    words = f"mallory@contoso.onmicrosoft.com made {count + 1} changes to {count + 1} objects in {time}"
    assert words in _words_of(page)
    assert f"Needs you: {count + 1}" in _words_of(page)
    assert "번 변경했습니다" in _words_of(made.ask("", headers=_KOREAN))
    of_actor = made.ask(f"?actor={MALLORY.id}")
    assert of_actor.text.count('class="w"') == count + 1
    assert _heading(of_actor) == "Open incidents of mallory@contoso.onmicrosoft.com"
    assert made.ask("?actor=<script>").text.count('class="w"') == 0
    assert "<script>" not in made.ask("?actor=<script>").text


def test_an_incident_that_can_not_be_read_hides_no_other_and_is_counted(storage: Storage) -> None:
    made = desk(storage, mode=Mode.PAGE)
    known = made.bench.only_case()
    for number in range(3):
        other = msgspec.structs.replace(known, id=f"20260302-{number:020}")
        made.bench.runtime.ledger.open_change(other)
    partition = f"{known.tenant_id}|20260302"
    storage.upsert(Table.CASES, partition, f"20260302-{0:020}", {"state": "no such state"})
    for path in ("", "?view=all"):
        page = made.ask(path)
        assert page.status == 200
        assert f"/i/{known.id}" in page.text
        assert f"/i/20260302-{2:020}" in page.text
        assert "aren't in this list: 1." in _words_of(page)
    for path in ("", "/deny"):
        page = made.ask(f"/i/20260302-{0:020}{path}")
        assert page.status == 503
        assert "can't read its storage" in _words_of(page)


def test_older_incidents_follow_each_once(storage: Storage) -> None:
    """As many in one second as a page shows, and more."""
    made = desk(storage)
    known = made.bench.only_case()
    for number in range(130):
        name = f"20260302-{number:020}"
        other = msgspec.structs.replace(known, id=name, object_kind=None, object_key="", change="")
        made.bench.runtime.ledger.open_change(other)
    seen: list[str] = []
    path = "?view=all"
    for _ in range(4):
        page = made.ask(path)
        seen += re.findall(
            rf'<a class="w" href="{ROOT}/i/([0-9a-f-]+)"|href="{ROOT}/i/([0-9a-f-]+)" class="w"', page.text
        )
        older = re.search(r'href="[^"]*(\?view=all&amp;before=[0-9a-f-]+)"', page.text)
        if older is None:
            break
        path = unescape(older[1])
    found = [one or other for one, other in seen]
    assert len(found) == len(set(found)) == 131


# ---- the list --------------------------------------------------------------------------------------------------------


def test_the_list_has_what_needs_somebody_and_who_has_it(storage: Storage) -> None:
    made = desk(storage, mode=Mode.PAGE)
    assert _heading(made.ask("")) == "1 incident needs somebody"
    assert "Nobody has it" in _words_of(made.ask(""))
    assert "You have none. 1 are open." in _words_of(made.ask("?view=mine"))
    made.press(f"/i/{made.case_id}/acknowledge", made.ask(f"/i/{made.case_id}").fields("acknowledge"))
    assert "You have it" in _words_of(made.ask(""))
    assert "1 incident needs somebody" in _words_of(made.ask("?view=mine"))
    assert "alice@contoso.onmicrosoft.com has it" in _words_of(made.ask("", who=signed_in(CAROL)))


def test_what_was_put_back_stays_until_somebody_has_looked(storage: Storage) -> None:
    made = desk(storage)
    assert "Put back, nobody has looked" in _words_of(made.ask(""))
    made.press(f"/i/{made.case_id}/acknowledge", made.ask(f"/i/{made.case_id}").fields("acknowledge"))
    assert "Nothing is open" in _words_of(made.ask(""))
    assert made.case_id in made.ask("?view=all").text


def test_nothing_is_open_only_with_what_that_rests_on(storage: Storage) -> None:
    made = desk(storage, by=ALICE)
    assert "Everything is read up to" in _words_of(made.ask(""))
    blind = msgspec.structs.replace(made.console, coverage=_unseen(made))
    page = Desk(bench=made.bench, tenant=made.tenant, console=blind).ask("")
    assert "Nothing is open in what could be read" in _words_of(page)
    assert '<svg viewBox="0 0 44 44"' not in page.text, "no tick where not everything is seen"


def _unseen(made: Desk) -> Callable[[], Coverage]:
    whole = made.console.coverage()
    entries = tuple(msgspec.structs.replace(entry, sight=Sight.BLIND) for entry in whole.entries)
    return lambda: msgspec.structs.replace(whole, entries=entries)


def test_an_id_leads_to_its_incident_and_another_to_none(storage: Storage) -> None:
    made = desk(storage)
    assert made.ask(f"?id={made.case_id}").location == f"{ROOT}/i/{made.case_id}"
    for other in ("20260302-ffffffffffffffffffff", "x", "../x", "%3Cscript%3E", "a'b"):
        page = made.ask(f"?id={other}")
        assert page.status == 404
        assert "There is no such incident" in page.text
        assert "<script>" not in page.text


@pytest.mark.parametrize("path", ["/i/x", "/o/ca-policy/nothing", "/o/nothing/x", "/x", "/i/x/undo", "/i/a/b/c"])
def test_an_address_that_leads_nowhere_says_so(storage: Storage, path: str) -> None:
    assert desk(storage).ask(path).status == 404


def test_the_kill_switch_stands_on_every_page(storage: Storage) -> None:
    made = desk(storage, mode=Mode.PAGE)
    made.bench.runtime.controls.stop(by="Carol", reason="a test")
    for page in _sees(made):
        assert 'class="strip"' in page.text


# ---- an object -------------------------------------------------------------------------------------------------------


def test_an_object_shows_its_versions_and_what_differs(storage: Storage) -> None:
    made = desk(storage)
    case = made.bench.only_case()
    page = made.ask(f"/o/{case.object_kind}/{case.object_key}")
    said = _words_of(page)
    assert "Stands as accepted" in said
    assert "From version 2 to version 3" in said
    assert "Put back by the responder" in said
    assert "Not approved" in said
    assert f'href="{ROOT}/i/{case.id}"' in page.text
    other = _words_of(made.ask(f"/o/{case.object_kind}/{case.object_key}?from=1&to=3"))
    assert "From version 1 to version 3" in other
    assert "Nothing differs." in other
    for strange in ("from=0&to=99", "from=x", "from=-1", "from=²", "to=999999999999"):
        assert made.ask(f"/o/{case.object_kind}/{case.object_key}?{strange}").status == 200


def test_an_object_that_differs_says_so(storage: Storage) -> None:
    made = desk(storage, mode=Mode.PAGE)
    case = made.bench.only_case()
    said = _words_of(made.ask(f"/o/{case.object_kind}/{case.object_key}"))
    assert "Differs: 1" in said
    assert "What differs" in said


# ---- what somebody wrote into the tenant -----------------------------------------------------------------------------

_NAMES: Final = (
    "<script>alert(1)</script>",
    "\"' onmouseover=alert(1) x='",
    "</title></head><body onload=x>",
    "a\u202egnp.exe\u202c",
    "שלום \u200f administrators",
    "n" * 300,
    "정책" * 84,
    "x" * 10_000,
    "{who} {object} {0}",
    "&lt;b&gt; &amp;",
)


_WRITABLE: Final = [
    text for text in (*_NAMES, *EVIL_TEXTS) if text.isprintable() or text.encode(errors="ignore").decode() == text
]
"""Texts that JSON in UTF-8 can carry."""


@pytest.mark.parametrize("text", _WRITABLE, ids=range(len(_WRITABLE)))
def test_a_name_stays_text_on_every_page(memory: MemoryStorage, text: str) -> None:
    who = Principal(id=MALLORY.id, name=text, kind="user", tenant=MALLORY.tenant, upn=text, ip="198.51.100.66")
    made = desk(memory, mode=Mode.PAGE, name=text, by=who)
    for page, shape in zip(_sees(made), _shapes_of_a_harmless_name(), strict=True):
        parsed = _Page(page.text)
        assert parsed.wrong == []
        assert _shape(parsed) <= shape | _UNBROKEN, "a name made an element or an attribute"
        assert "\u202e" not in page.text
        assert len(page.text) < 60_000


@cache
def _shapes_of_a_harmless_name() -> list[set[tuple[str, frozenset[str]]]]:
    return [_shape(_Page(page.text)) for page in _sees(desk(_fresh(), mode=Mode.PAGE, name="CA001"))]


def _fresh() -> MemoryStorage:
    made = MemoryStorage()
    made.create_all()
    return made


def _shape(page: _Page) -> set[tuple[str, frozenset[str]]]:
    return {(tag, frozenset(attributes)) for tag, attributes in page.elements}


def test_names_are_isolated_in_their_direction(storage: Storage) -> None:
    made = desk(storage, name="שלום")
    page = made.ask(f"/i/{made.case_id}")
    assert re.search(r"<bdi>[^<]*שלום[^<]*</bdi>", page.text)
    outside = re.sub(r"<bdi[^>]*>.*?</bdi>|<title>.*?</title>|<span class=\"vh\">.*?</span>", "", page.text)
    assert "שלום" not in re.sub(r"<span(?: lang=\"en\")?>.*?</span>", "", outside)


def test_no_page_has_a_style_a_script_or_an_event_of_its_own(storage: Storage) -> None:
    for page in _sees(desk(storage, mode=Mode.PAGE)):
        for tag, attributes in _Page(page.text).elements:
            assert "style" not in attributes
            assert not [name for name in attributes if name.startswith("on")]
            assert tag != "style"
            assert tag != "script" or attributes["src"] == f"{ROOT}/{SCRIPT.name}"


def test_no_heading_is_missing_and_ids_are_there_once(storage: Storage) -> None:
    for page in _sees(desk(storage, mode=Mode.PAGE)):
        parsed = _Page(page.text)
        assert parsed.wrong == []
        assert [tag for tag, _ in parsed.elements].count("h1") == 1
        ids = [attributes["id"] for _, attributes in parsed.elements if "id" in attributes]
        assert len(ids) == len(set(ids))
        labelled = [attributes.get("aria-labelledby") for _, attributes in parsed.elements]
        assert {each for each in labelled if each} <= set(ids)
        fields = [
            attributes["id"] for tag, attributes in parsed.elements if tag in {"input", "select"} and "id" in attributes
        ]
        assert set(fields) <= {attributes.get("for") for tag, attributes in parsed.elements if tag == "label"}


# ---- the stylesheet and the words ------------------------------------------------------------------------------------


def test_both_tables_of_dark_colours_are_the_same() -> None:
    css = STYLE.content.decode()
    (first,) = re.findall(r":root:not\(\[data-theme=light\]\)\{(.*?)\}", css, re.DOTALL)
    (second,) = re.findall(r":root\[data-theme=dark\]\{(.*?)\}", css, re.DOTALL)
    assert first.split() == second.split()


def test_assets_are_kept_for_a_year_under_a_name_of_their_content(storage: Storage) -> None:
    made = desk(storage)
    for asset in (STYLE, SCRIPT):
        answered = made.ask(f"/{asset.name}", who={})
        assert answered.reply.body == asset.content
        assert "immutable" in answered.reply.headers["Cache-Control"]
    assert made.ask("/console-000000000000.css").status == 404
    assert len(STYLE.content) < 22_000
    assert len(SCRIPT.content) < 8_000


def _all_words() -> Iterator[Words]:
    def within(value: object) -> Iterator[Words]:
        match value:
            case Words():
                yield value
            case dict():
                for each in cast("dict[object, object]", value).values():
                    yield from within(each)
            case tuple():
                for each in cast("tuple[object, ...]", value):
                    yield from within(each)
            case _:
                return

    for module in (approval_texts, texts, sentences, sheets, states, names):
        for value in vars(module).values():
            yield from within(value)


def test_each_text_has_the_same_slots_in_both_languages() -> None:
    found = [*_all_words()]
    assert len(found) > 150
    for words in found:
        assert set(re.findall(r"\{(\w+)\}", words.en)) == set(re.findall(r"\{(\w+)\}", words.ko)), words
        assert words.ko


@pytest.mark.parametrize("slot", ["who", "object", "name", "whom"])
def test_no_particle_follows_a_name(slot: str) -> None:
    ended = re.compile(rf"\{{{slot}\}}[’”]?(?:이|가|은|는|을|를|와|과|으로|로)(?![가-힣])")
    assert [words.ko for words in _all_words() if ended.search(words.ko)] == []


@pytest.mark.parametrize("kind", list(ObjectKind))
def test_each_kind_has_a_name_that_takes_its_particle(kind: ObjectKind) -> None:
    last = ord(NOUNS[kind].ko[-1]) - 0xAC00
    assert last % 28, "it ends in a consonant, so that 을 and 이 follow"


def test_each_act_has_two_reasons() -> None:
    assert REASONS.keys() == LABELS.keys()
    assert all(len(each) == 2 for each in REASONS.values())


# ---- who may only read -----------------------------------------------------------------------------------------------


def _token(made: Desk, act: str) -> str:
    """Give a token that is right, as a page with the button would have it."""
    holder = Holder(id=ALICE.id, session=session_from(signed_in()).id)
    return made.console.tokens.make(holder, act, made.case_id, "", now=made.bench.clock())


def test_an_owner_who_is_no_operator_sees_no_button_that_acts(storage: Storage) -> None:
    made = desk(storage, mode=Mode.PAGE, EMERGENCY_OPERATORS=setting_of([GENESIS]))
    owner = NamedOwner(scope="*", order="010", name="Alice", upn=ALICE.upn or "")
    TableOwners(storage, clock=made.bench.clock, acts=signing(made.bench.runtime)).name(owner, by="a test")
    page = made.ask(f"/i/{made.case_id}")
    assert page.status == 200
    assert "To act, you have to be an operator" in _words_of(page)
    assert "Put back…" not in _words_of(page)
    path = f"/i/{made.case_id}"
    assert made.press(f"{path}/acknowledge", page.fields("acknowledge")).status == 303
    assert made.press(f"{path}/note", page.fields("note") | {"note": "on the phone"}).status == 303
    assert 'action="/api/console/i/' + made.case_id + '/classify"' not in page.text
    assert made.press(f"{path}/classify", {"token": _token(made, "classify"), "was": "attack"}).status == 403
    assert made.bench.only_case().was is None
    assert made.press(f"{path}/take-back", made.ask(path).fields("take-back")).status == 303, "it is their own"
    acknowledge(made.bench.runtime, made.bench.only_case(), by="Carol (another)")
    assert "/take-back" not in made.ask(path).text
    assert made.press(f"{path}/take-back", {"token": _token(made, "take-back")}).status == 403
    sheet = made.ask(f"/i/{made.case_id}/put-back")
    pressed = made.press(f"/i/{made.case_id}/put-back", sheet.fields("put-back") | {"reason": "unwanted"})
    assert pressed.status == 403
    made.bench.clock.move(timedelta(minutes=5))
    made.go_on()
    assert MALLORY.id in made.policy["conditions"]["users"]["excludeUsers"]


def test_the_key_of_tokens_is_made_once(storage: Storage) -> None:
    made = desk(storage)
    for _ in range(3):
        made.ask(f"/i/{made.case_id}")
    assert len(storage.rows(Table.CONTROLS, "PartitionKey eq 'console'")) == 1
    assert storage.blob_names(Container.EVIDENCE, "console") == []
