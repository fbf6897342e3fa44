"""Several values as one text, each on a line of its own."""

from hypothesis import given
from hypothesis import strategies as st

from shared.detect.fields.audit.lists import as_lines
from shared.model.events import fold_whole

_any_text = st.text(st.characters(codec="utf-8"), max_size=6)


@given(st.lists(_any_text), _any_text)
def test_a_value_is_a_line_and_nothing_else_is_one(values: list[str], other: str) -> None:
    text, folded = as_lines(values), {fold_whole(value) for value in values}
    assert all(f"\n{value}\n" in text for value in folded if value)
    assert (f"\n{fold_whole(other)}\n" in text) is (bool(fold_whole(other)) and fold_whole(other) in folded)
    assert bool(text) is any(folded)
