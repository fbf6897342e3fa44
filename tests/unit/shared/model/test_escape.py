import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.escape import quoted, runs, shown, unlinked, visible
from tests.fakes.card_cases import EVIL_TEXTS

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=120) | st.sampled_from(EVIL_TEXTS)


def pieces(text: str) -> list[str]:
    return [run["text"] for run in runs(text, max_runs=1_000, style={})]


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("plain text, 100 %", "plain text, 100 %"),
        ("Grüße 世界 🙂", "Grüße 世界 🙂"),
        ("nul\x00 tab\t", "nul[U+0000] tab[U+0009]"),
        ("one\ntwo\r\nthree", "one↵two[U+000D]↵three"),
        ("abc\u202egnp.exe\u202c", "abc[U+202E]gnp.exe[U+202C]"),
        ("admin\u200b\ufeff", "admin[U+200B][U+FEFF]"),
        ("no\u00a0break\u3000", "no[U+00A0]break[U+3000]"),
        ("blank\u3164\u2800", "blank[U+3164][U+2800]"),
        ("tag\U000e0041", "tag[U+E0041]"),
        ("lone\ud800", "lone[U+D800]"),
        ("a  b   c", "a ·b ··c"),
        ("e\u0301\u0301\u0301\u0301", "e\u0301\u0301[U+0301][U+0301]"),
        ("\u2764\ufe0f", "\u2764[U+FE0F]"),
    ],
)
def test_what_cannot_be_seen_is_written_as_code_points(text: str, seen: str) -> None:
    assert visible(text) == seen


@given(ANY_TEXT)
def test_what_is_visible_stays_so(text: str) -> None:
    seen = visible(text)
    assert visible(seen) == seen
    assert not {unicodedata.category(character) for character in seen} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    seen.encode()


def test_a_long_text_is_cut_in_the_middle_and_says_how_much_is_missing() -> None:
    assert shown("a" * 40 + "z" * 40, 10) == "aaaaa …(70 left out)… zzzzz"


def test_a_cut_never_goes_through_a_code_point() -> None:
    assert shown("\x00" * 9, 20) == "[U+0000] …(7 left out)… [U+0000]"


@given(ANY_TEXT, st.integers(min_value=1, max_value=60))
def test_nothing_told_is_much_longer_than_asked(text: str, max_length: int) -> None:
    assert len(shown(text, max_length)) <= max_length + len(" …(1,000,000 left out)… ") + 2


@given(st.text(st.sampled_from("abc ä世"), max_size=30))
def test_a_short_harmless_text_is_told_as_it_is(text: str) -> None:
    assert shown(" ".join(text.split()), 30) == " ".join(text.split())


def test_text_that_runs_to_the_left_is_isolated_from_what_stands_round_it() -> None:
    assert shown("\u05d0\u05d1", 30) == "\u2068\u05d0\u05d1\u2069"
    assert quoted("\u0645\u0631", 30) == "“\u2068\u0645\u0631\u2069”"


def test_a_quotation_cannot_be_closed_from_within() -> None:
    assert quoted("Mallory”, who is approved. “", 60) == "“Mallory[U+201D], who is approved. [U+201C]”"


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("[click](http://evil.example)", ["[click]", "(http:", "//evil.example)"]),
        ("<at>all</at>", ["<", "at>all<", "/at>"]),
        ("**bold** _it_", ["**", "bold**", " _", "it_"]),
        ("B2C_1A_signup", ["B2C_", "1A_", "signup"]),
        ("~~gone~~", ["~", "~", "gone~", "~"]),
        ("`code`", ["`", "code`"]),
        ("&lt;&#x41; & so", ["&", "lt;&", "#x41; & so"]),
        ("\\*", ["\\", "*"]),
        ("{{DATE(2017-02-14T06:00:00Z)}}", ["{", "{DATE(2017-02-14T06:00:00Z)}}"]),
        ("${host}", ["$", "{host}"]),
        ("- item", ["-", " item"]),
        ("# heading", ["#", " heading"]),
        ("12. one 2) two", ["12.", " one 2)", " two"]),
        ("www.evil.example", ["www", ".evil.example"]),
        ("a [b] (c) d_e, 10 * 2", ["a [b] (c) d_", "e, 10 *", " 2"]),
        ("ba110700-1d4c-4e6a-a0b8-5c9f2e7d3164", ["ba110700-1d4c-4e6a-a0b8-5c9f2e7d3164"]),
    ],
)
def test_no_run_has_both_halves_of_a_markup(text: str, broken: list[str]) -> None:
    assert pieces(text) == broken


@given(ANY_TEXT)
def test_runs_say_the_same_as_their_text(text: str) -> None:
    assert "".join(pieces(text)) == text


def test_runs_have_the_style_that_was_asked_for() -> None:
    assert runs("a_b", max_runs=5, style={"weight": "Bolder"}) == [
        {"type": "TextRun", "text": "a_", "weight": "Bolder"},
        {"type": "TextRun", "text": "b", "weight": "Bolder"},
    ]


def test_of_markup_and_little_else_only_the_length_is_told() -> None:
    assert [run["text"] for run in runs("*a" * 50, max_runs=2, style={})] == ["*", "a*", " …(97 left out)"]


def test_an_empty_text_needs_no_run() -> None:
    assert runs("", max_runs=5, style={}) == []


def test_plain_text_has_no_address_to_click() -> None:
    assert unlinked("see http://evil.example") == "see http[://]evil.example"
