import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.events import AuditEvent, Event, ResourceEvent, SignInEvent, fold
from shared.normalize import read_batch
from tests.fakes.record_strategies import SAMPLES, everything, written


@pytest.mark.parametrize(
    ("spelling", "folded"),
    [
        ("Update conditional access policy", "update conditional access policy"),
        (
            "Update application \N{EN DASH} Certificates and secrets management ",
            "update application - certificates and secrets management",
        ),
        ("Update\N{NO-BREAK SPACE}\tCustom\N{IDEOGRAPHIC SPACE}Policy\n", "update custom policy"),
        ("\uff21\uff24\uff24\u3000\uff55\uff53\uff45\uff52", "add user"),
        ("a\N{NON-BREAKING HYPHEN}b\N{MINUS SIGN}c\N{EM DASH}d", "a-b-c-d"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("", ""),
    ],
)
def test_a_name_is_compared_in_one_spelling(spelling: str, folded: str) -> None:
    assert fold(spelling) == folded


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text())
def test_spaces_around_and_upper_case_make_no_difference(text: str) -> None:
    assert fold(f"  {text} \n") == fold(text)


def test_a_name_of_any_length_is_folded_at_once_and_never_to_a_real_one() -> None:
    long = "Update conditional access policy" + "\N{COMBINING GRAVE ACCENT}\N{COMBINING DOT BELOW}" * 1_000_000
    assert len(fold(long)) < 2_000
    assert fold(long) != fold("Update conditional access policy")
    assert fold("Add user" + " " * 1_000_000) == "add user"


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
def test_an_event_is_the_same_after_a_trip_through_json(sample: dict[str, object]) -> None:
    (reading,) = read_batch(written(sample), tenant_id="t", interest=everything)
    decoder = msgspec.json.Decoder[Event](AuditEvent | SignInEvent | ResourceEvent)
    assert decoder.decode(msgspec.json.encode(reading.event)) == reading.event


def test_an_audit_event_without_targets_has_an_empty_one() -> None:
    (reading,) = read_batch(written(SAMPLES["graph audit"]), tenant_id="t", interest=everything)
    assert reading.event is not None
    assert reading.event.target.id == reading.event.target.name == ""
