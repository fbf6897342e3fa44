"""The runbook as it is declared: in the guide's order, in both languages, with permissions that the identity has."""

import re

import msgspec
import pytest

from responders.catalogue import CATALOGUE
from responders.permissions import CALLS
from responders.runbooks.break_glass import BREAK_GLASS
from responders.runbooks.playbooks import PLAYBOOKS, Playbook
from shared.emergency.entries import STEPS
from shared.emergency.runbook import RunbookStep
from shared.model.bilingual import Words
from shared.respond.unexplained import UNEXPLAINED

_HANGUL = re.compile(r"[가-힣]")
_ON_A_CARD = 600
"""Characters of a system notice's text; what is longer is cut there."""

each_step = pytest.mark.parametrize("step", BREAK_GLASS, ids=lambda step: step.id)
each_playbook = pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda playbook: playbook.id)


def _said(of: RunbookStep | Playbook) -> list[Words]:
    values = (getattr(of, field.name) for field in msgspec.structs.fields(of))
    return [value for value in values if isinstance(value, Words)]


def test_the_steps_are_in_the_guides_order() -> None:
    numbers = [step.number for step in BREAK_GLASS]
    assert numbers == sorted(set(numbers))
    assert set(numbers) <= set(STEPS)
    assert len({step.id for step in BREAK_GLASS}) == len(BREAK_GLASS)


@each_step
def test_each_step_says_everything_in_both_languages(step: RunbookStep) -> None:
    said = _said(step)
    assert len(said) == 5
    for words in said:
        assert words.en.strip()
        assert _HANGUL.search(words.ko), words.ko
        assert not _HANGUL.search(words.en), words.en


@each_step
def test_the_identity_has_what_each_step_needs(step: RunbookStep) -> None:
    assert set(step.needs) <= set(CALLS)
    assert all(call.method == "GET" for call in step.needs) or step.writes


@each_playbook
def test_each_playbook_is_sent_whole_and_says_it_in_both_languages(playbook: Playbook) -> None:
    for words in _said(playbook):
        assert _HANGUL.search(words.ko)
        assert not _HANGUL.search(words.en)
    assert len(playbook.text.en) <= _ON_A_CARD, len(playbook.text.en)
    assert re.findall(r"(\d)\. ", playbook.text.en) == re.findall(r"(\d)\. ", playbook.text.ko), "the same steps"


@each_playbook
def test_each_playbook_is_chosen_by_detections_that_there_are(playbook: Playbook) -> None:
    known = [*(detection.id for detection in CATALOGUE), UNEXPLAINED.id]
    for named in playbook.detections:
        only = msgspec.structs.replace(playbook, detections=(named,))
        assert any(only.fits(detection) for detection in known), named


def test_the_language_is_korean_only_where_it_is_asked_for() -> None:
    words = Words(en="sign in", ko="로그인")
    assert [words.in_language(language) for language in ("ko", "ko-KR", "en", "de", "")] == [
        "로그인",
        "로그인",
        "sign in",
        "sign in",
        "sign in",
    ]
