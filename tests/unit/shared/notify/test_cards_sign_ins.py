"""A card about one sign-in tells the sign-in, and nothing of a change that could be undone."""

import json
from typing import Final

import pytest

from responders.catalogue import BY_ID, CATALOGUE
from shared.model.cases import Case, Decision, Standing
from shared.model.detections import Answer, AnyDetection
from shared.model.events import Log, SignInEvent
from shared.normalize import read_batch
from shared.notify.cards import alert_of, card_of
from tests.fakes.card_cases import PAGE_CONTEXT, case
from tests.fakes.record_strategies import everything, written

_SIGN_INS: Final = [one for one in CATALOGUE if one.log is Log.SIGN_IN and not one.counted]


def _event(detection: AnyDetection) -> SignInEvent:
    (reading,) = read_batch(written(detection.hits[0]), tenant_id="t", interest=everything)
    assert isinstance(reading.event, SignInEvent)
    return reading.event


def _case(detection: AnyDetection) -> Case:
    event = _event(detection)
    return case(
        detection=detection.id,
        actor=event.actor,
        target=event.target,
        decision=Decision.PAGE,
        standing=Standing.UNKNOWN,
        put_back=(),
    )


@pytest.mark.parametrize("detection", _SIGN_INS, ids=lambda one: one.id)
def test_it_tells_what_kind_of_sign_in_it_was(detection: AnyDetection) -> None:
    event, shown = _event(detection), json.dumps(card_of(_case(detection), detection, PAGE_CONTEXT), ensure_ascii=False)
    assert "The sign-in" in shown
    assert "What changed" not in shown
    assert all(text in shown for text in (event.country, event.client_app, event.actor.address) if text)
    assert event.error_code in shown or event.error_code == "0"
    assert "success" in shown or event.error_code != "0"


@pytest.mark.parametrize("detection", _SIGN_INS, ids=lambda one: one.id)
def test_the_step_to_take_is_the_detection_s_own(detection: AnyDetection) -> None:
    shown = alert_of(_case(detection), detection, PAGE_CONTEXT)["payload"]["custom_details"]
    (step,) = shown["What to do"]
    assert step == detection.first_step or (detection.answer is Answer.RECORD and "sign-ins at that time" in step)
    assert shown["The sign-in"]


def test_nobody_is_told_to_block_a_break_glass_account() -> None:
    detection = BY_ID["break-glass-used"]
    assert "block the account" not in json.dumps(card_of(_case(detection), detection, PAGE_CONTEXT))
