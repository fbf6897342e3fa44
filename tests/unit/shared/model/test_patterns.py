"""Regular expressions that operators enter."""

import duckdb
import pytest

from shared.model.patterns import is_met, problem_with

_TEXTS = ("a", "b", "ab", "AB-12345", "Robin", "robin@fabrikamb2c.onmicrosoft.com", "", "a\nb", "\u0665", "é", "$")


@pytest.mark.parametrize(
    "pattern", ["a|b", "ab?", r"[A-Z]+-\d{5}", r".+@fabrikamb2c\.onmicrosoft\.com", "(?i)ROBIN", "^a$", r"\$", ".", ""]
)
def test_a_text_meets_it_here_where_it_does_in_the_query(pattern: str) -> None:
    """The query asks for a match of `^(?:…)$`."""
    assert problem_with(pattern) == ""
    for text in _TEXTS:
        row = duckdb.execute("select regexp_matches(?, ?)", [text, f"^(?:{pattern})$"]).fetchone()
        assert row == (is_met(pattern, text),), (pattern, text)


@pytest.mark.parametrize("pattern", ["[", "a**b(", r"(a)\1", "(?=a)", "(?<!a)b", "a{2000}"])
def test_what_is_none_says_why(pattern: str) -> None:
    assert problem_with(pattern)
