"""Rules about risk detections are asked of sign-ins, whose records name those that are tied to them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from responders.detections.sign_in_samples import diagnostic_sign_in, sign_in_record
from shared.detect.conditions import predicate
from shared.model.events import SignInEvent
from shared.model.kinds import Image
from shared.normalize import EVERY_RECORD, read_batch
from tests.fakes.lamps import raw
from tests.fakes.record_strategies import sign_in_row
from tests.fakes.runtime import TENANT
from tests.fakes.sigma_rules import detection_from, reason_from, selection


def _event(record: Image) -> SignInEvent:
    (reading,) = read_batch(raw(record), tenant_id=TENANT, interest=EVERY_RECORD)
    assert isinstance(reading.event, SignInEvent), reading.unreadable
    return reading.event


def _as_graph_has_it(record: Image) -> Image:
    return record


@pytest.mark.parametrize("form", [_as_graph_has_it, diagnostic_sign_in, sign_in_row])
@pytest.mark.parametrize(
    ("named", "read"),
    [
        (["unfamiliarFeatures", "newCountry"], ("unfamiliarFeatures", "newCountry")),
        ([], ()),
        (None, ()),
        ([None, "", "newCountry"], ("newCountry",)),
    ],
)
def test_what_was_detected_is_read_in_each_form(
    form: Callable[[Image], Image], named: object, read: tuple[str, ...]
) -> None:
    assert _event(form(sign_in_record(riskEventTypes_v2=named))).risk_events == read


def test_a_text_that_is_no_list_is_read_as_it_is() -> None:
    assert _event(sign_in_row(sign_in_record(riskEventTypes_v2="new [country"))).risk_events == ("new [country",)


def test_a_rule_finds_the_sign_ins_that_name_it(tmp_path: Path) -> None:
    holds = predicate(detection_from(tmp_path, selection("riskEventType: newCountry", service="riskdetection")).when)
    assert holds(_event(sign_in_record(riskEventTypes_v2=["unfamiliarFeatures", "newCountry"])))
    assert not holds(_event(sign_in_record(riskEventTypes_v2=["newCountryside"])))
    assert not holds(_event(sign_in_record()))


@pytest.mark.parametrize(
    ("members", "because"),
    [
        ("riskEventType: leakedCredentials", "no record has 'leakedcredentials' there: it should be adminconfirmed"),
        ("riskLevel: high", "of service riskdetection, riskeventtype can be asked for, and not 'riskLevel'"),
    ],
)
def test_what_no_sign_in_names_is_said(tmp_path: Path, members: str, because: str) -> None:
    assert because in reason_from(tmp_path, selection(members, service="riskdetection"))
