"""Messages about several changes: what they say, that they are small enough, and that nothing in them is markup."""

from datetime import timedelta
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.world import MALLORY, WORKFORCE_TENANT
from shared.model.cases import Case
from shared.model.detections import AnyDetection
from shared.model.events import Log
from shared.model.notices import Phase, SystemNotice
from shared.notify.cards import LIMIT_BYTES, size_of
from shared.notify.messages import MOST_NOTICES, Digest, NoticeDigest, PageMessage, ShownCase
from shared.notify.page_cards import digest_alert, digest_card, digest_headline, page_alert, page_card, page_headline
from shared.notify.paged import PagedChange, paged_change, worst_first
from shared.notify.system_notices import notice_digest_alert, notice_digest_card
from tests.fakes.card_cases import (
    ALEX,
    ALREADY,
    AT,
    BY_ENDING,
    CA_POLICY_UPDATED,
    CUSTOM_POLICY_UPDATED,
    EVIL_TEXTS,
    FAILED,
    GUARDED,
    LOCKED,
    PENDING,
    PUT_BACK,
    detection,
    evil,
)
from tests.fakes.card_parts import lines, strings, walk
from tests.fakes.runtime import settings_with
from tests.unit.shared.notify.test_cards_limits import CASES, UNHURRIED, assert_literal, card, validator

_SETTINGS: Final = settings_with()
_WITHOUT_LINK: Final = settings_with(CASE_LINK="")
_BY: Final = "“Mallory Marsh”"
__all__ = ["validator"]


def _changes(*cases: Case, of: AnyDetection = CA_POLICY_UPDATED) -> tuple[PagedChange, ...]:
    numbered = (
        msgspec.structs.replace(case, id=f"20261121-{number:020}", at=AT + timedelta(minutes=number))
        for number, case in enumerate(cases)
    )
    return worst_first(paged_change(case, of, Phase.ENDED) for case in numbered)


def _page(*cases: Case, **differences: Any) -> PageMessage:  # noqa: ANN401 - the fields of PageMessage
    fields: dict[str, Any] = {
        "key": "20261121T214307-0123456789abcdef0000",
        "tenant_id": WORKFORCE_TENANT,
        "by": _BY,
        "changes": _changes(*cases),
        "owners": (ALEX,),
        "worst": ShownCase(case=cases[0], detection=CA_POLICY_UPDATED),
    }
    return PageMessage(**fields | differences)


def _body(message: dict[str, Any]) -> list[str]:
    return lines(message["attachments"][0]["content"]["body"])


@pytest.mark.parametrize(
    ("cases", "said"),
    [
        (
            (PUT_BACK, PUT_BACK, GUARDED, ALREADY),
            "4 changes by {by} in 3 minutes: 1 needs you, 2 put back, 1 with nothing left to put back",
        ),
        ((GUARDED, GUARDED), "2 changes by {by} in 60 seconds: 2 need you"),
        ((FAILED, LOCKED, PENDING), "3 changes by {by} in 2 minutes: 1 could not be put back, 2 can't be put back yet"),
        ((PUT_BACK,), "Put back: Conditional access policy updated by {by}"),
        ((PUT_BACK,) * 200, "200 changes by {by} in 3 hours: 200 put back"),
    ],
)
def test_the_headline_counts_what_came_of_the_changes(cases: tuple[Case, ...], said: str) -> None:
    assert page_headline(_page(*cases)) == said.format(by=_BY)


def test_without_an_actor_the_headline_says_what_it_was() -> None:
    sign_ins = _changes(*[GUARDED] * 3, of=detection(title="Sign-in of a break-glass account failed"))
    page = _page(GUARDED, by="", changes=sign_ins)
    assert page_headline(page) == "Sign-in of a break-glass account failed, 3 times in 2 minutes: 3 need you"


def test_a_card_lists_the_worst_first_with_case_outcome_and_link() -> None:
    message = _page(GUARDED, PUT_BACK, FAILED)
    content = page_card(message, _SETTINGS)["attachments"][0]["content"]
    texts = _body(page_card(message, _SETTINGS))
    assert texts[0] == page_headline(message)
    assert "<at>Alex Admin</at>" in " ".join(texts)
    listed = texts[texts.index("The changes, the worst first") + 1 :]
    assert [text.split(":")[0] for text in listed] == ["Needs you", "Could not be put back", "Put back"]
    for change, text in zip(message.changes, listed, strict=True):
        assert text.endswith(f"Case {change.case_id}")
    opened = [part["selectAction"]["url"] for part in walk(content["body"]) if "selectAction" in part]
    assert opened == [_SETTINGS.case_link.format(case=change.case_id) for change in message.changes]
    assert content["actions"][0]["url"] == opened[0]
    assert content["body"][0]["style"] == "attention"
    steps = texts[texts.index("What to do") + 1 : texts.index("The changes, the worst first")]
    assert [step[:24] for step in steps] == ["1. Open the cases that n", "2. Ask “Mallory Marsh” b"]


def test_a_page_that_needs_nobody_says_whom_to_ask_and_one_of_sign_ins_asks_nobody() -> None:
    texts = _body(page_card(_page(PUT_BACK, PUT_BACK), _SETTINGS))
    assert texts[texts.index("What to do") + 1].startswith("1. Ask “Mallory Marsh” by phone")
    sign_ins = ShownCase(case=GUARDED, detection=detection(log=Log.SIGN_IN))
    texts = _body(page_card(_page(PUT_BACK, PUT_BACK, worst=sign_ins), _SETTINGS))
    assert "What to do" not in texts


def test_a_card_shows_five_changes_at_a_glance_and_the_others_when_asked() -> None:
    body = page_card(_page(*[GUARDED] * 8), _SETTINGS)["attachments"][0]["content"]["body"]
    (fold,) = [part for part in body if part.get("isVisible") is False]
    (button,) = [part["actions"][0] for part in body if part["type"] == "ActionSet"]
    assert (button["title"], button["targetElements"]) == ("3 more changes", [fold["id"]])
    assert len([text for text in lines(body) if text.startswith("Needs you: ")]) == 8
    assert len(fold["items"]) == 3
    five = page_card(_page(*[GUARDED] * 5), _SETTINGS)["attachments"][0]["content"]["body"]
    assert not [part for part in five if part["type"] == "ActionSet"]


def test_a_message_that_is_not_the_first_says_what_is_new() -> None:
    first, later = _page(*[GUARDED] * 3), _page(*[GUARDED] * 3, new=2, since=AT)
    assert _body(page_card(first, _SETTINGS))[1] == "In Entra ID, high risk at most"
    said = "In Entra ID, high risk at most. Since 21:43 UTC 2 changes came or went further"
    assert _body(page_card(later, _SETTINGS))[1] == said


def test_without_a_link_to_cases_the_card_has_no_action() -> None:
    content = page_card(_page(GUARDED, PUT_BACK), _WITHOUT_LINK)["attachments"][0]["content"]
    assert content["actions"] == []
    assert not [part for part in walk(content["body"]) if "selectAction" in part]


def test_many_changes_are_shortened_and_what_is_left_out_is_counted() -> None:
    message = page_card(_page(*[GUARDED] * 2_000), _SETTINGS)
    texts = _body(message)
    listed = [text for text in texts if text.startswith("Needs you: ")]
    assert size_of(message) < LIMIT_BYTES
    assert len(listed) > 10
    assert texts[-1] == f"… and {2_000 - len(listed):,} more: “responder cases” lists all of them."


def _digest(*pages: PageMessage) -> Digest:
    return Digest(key="digest 1", pages=pages, owners=(ALEX,))


def test_a_digest_says_how_many_changes_by_how_many_actors() -> None:
    digest = _digest(_page(GUARDED, GUARDED), _page(PUT_BACK, by="“Trudy”"), _page(PUT_BACK, by="“Bob”"))
    assert digest_headline(digest) == "4 more changes by 3 actors: 2 need you, 2 put back"
    unnamed = _digest(_page(GUARDED, by=""), _page(PUT_BACK))
    assert (
        digest_headline(unnamed) == "2 more changes by 1 actor and actors that no record names: 1 needs you, 1 put back"
    )


def test_many_changes_of_one_actor_do_not_hide_those_of_others_in_a_digest() -> None:
    digest = _digest(_page(*[GUARDED] * 40), _page(FAILED, by="“Trudy”"))
    texts = _body(digest_card(digest, _SETTINGS))
    listed = [text for text in texts if " Case 20261121-" in text]
    assert len(listed) == 4
    assert "by “Trudy”" in listed[-1]
    assert texts[-1].startswith("… and 37 more")


def test_a_digest_of_400_actors_is_small_enough() -> None:
    digest = _digest(*[_page(GUARDED, by=f"“Actor {number}”") for number in range(400)])
    message = digest_card(digest, _SETTINGS)
    assert size_of(message) < LIMIT_BYTES
    assert "400 more changes by 400 actors: 400 need you" in _body(message)[0]
    assert len(msgspec.json.encode(digest_alert(digest, _SETTINGS))) < 100_000


def test_an_alert_has_the_pages_key_and_the_severity_of_the_worst() -> None:
    message = _page(PUT_BACK, GUARDED)
    alert = page_alert(message, _SETTINGS)
    assert (alert["dedup_key"], alert["payload"]["severity"]) == (message.key, "critical")
    assert alert["payload"]["summary"] == page_headline(message)
    assert [line.split(":")[0] for line in alert["payload"]["custom_details"]["Changes"]] == ["Needs you", "Put back"]
    assert len(alert["links"]) == 2
    medium = _page(GUARDED, changes=_changes(GUARDED, GUARDED, of=CUSTOM_POLICY_UPDATED))
    assert page_alert(medium, _SETTINGS)["payload"]["severity"] == "error"
    assert page_alert(_page(PUT_BACK, PUT_BACK), _SETTINGS)["payload"]["severity"] == "warning"
    assert digest_alert(_digest(_page(GUARDED)), _SETTINGS)["dedup_key"] == "digest 1"


@UNHURRIED
@given(st.lists(CASES, min_size=1, max_size=6), st.sampled_from((1, 40)))
def test_whatever_the_cases_hold_the_messages_are_small_and_literal(cases: list[Case], times: int) -> None:
    changes = _changes(*cases * times)
    message = _page(cases[0], changes=changes, by=f"“{MALLORY.name}”")
    for made in (page_card(message, _SETTINGS), digest_card(_digest(message, message), _SETTINGS)):
        assert size_of(made) < LIMIT_BYTES
        for part in walk(made["attachments"][0]["content"]["body"]):
            if part.get("type") == "TextRun":
                assert_literal(part["text"])
    for alert in (page_alert(message, _SETTINGS), digest_alert(_digest(message), _SETTINGS)):
        assert len(msgspec.json.encode(alert)) < 512_000
        assert 0 < len(alert["payload"]["summary"]) <= 1_024
        assert len(alert["dedup_key"]) <= 255
        assert not [text for text in strings(alert["payload"]) if "://" in text.replace("[://]", "")]


@pytest.mark.parametrize("name", BY_ENDING)
def test_every_kind_of_change_follows_microsofts_schema(validator: Any, name: str) -> None:  # noqa: ANN401 - jsonschema has no types
    case, of = BY_ENDING[name]
    message = _page(case, changes=_changes(case, PUT_BACK, of=of))
    assert validator.is_valid(card(page_card(message, _SETTINGS)))
    assert validator.is_valid(card(digest_card(_digest(message, message), _SETTINGS)))


@pytest.mark.parametrize("text", EVIL_TEXTS)
def test_the_worst_names_are_shown_literally(text: str) -> None:
    case = evil(text)
    message = page_card(_page(case, changes=_changes(case, case)), _SETTINGS)
    for part in walk(message["attachments"][0]["content"]["body"]):
        if part.get("type") == "TextRun":
            assert_literal(part["text"])


def test_a_digest_of_notices_names_each_of_them_and_is_small_enough() -> None:
    notices = tuple(
        SystemNotice(
            key=f"{number}", title=f"Notice {number} " + "世" * 500, text="<b>" * 3_000, what_to_do="Look. " * 90
        )
        for number in range(MOST_NOTICES)
    )
    digest = NoticeDigest(key="digest 1", system_notices=notices)
    message = notice_digest_card(digest)
    texts = _body(message)
    assert size_of(message) < LIMIT_BYTES
    assert texts[0] == f"{MOST_NOTICES} messages about the responder itself"
    alert = notice_digest_alert(digest)
    for number in range(MOST_NOTICES):
        assert any(text.startswith(f"Notice {number} ") for text in texts)
        assert any(f"Notice {number} " in title for title in alert["payload"]["custom_details"])
