"""How changes are put back, in words: each is named by a detection of its kind, and says how to undo it."""

import re

import pytest

from responders import remediations
from responders.catalogue import CATALOGUE
from responders.content import KINDS
from shared.model.object_kinds import Kind
from shared.model.remediations import Remediation

_REMEDIATIONS = [value for value in vars(remediations).values() if isinstance(value, Remediation)]
_ONE_SENTENCE = re.compile(r"[A-Z][^.!?]*(?:\.json[^.!?]*)?\.")

each_remediation = pytest.mark.parametrize("remediation", _REMEDIATIONS, ids=lambda one: one.id)


@each_remediation
def test_each_says_in_one_sentence_how_to_undo_it(remediation: Remediation) -> None:
    assert _ONE_SENTENCE.fullmatch(remediation.undo)
    assert remediation.title[0].isupper()
    assert not remediation.title.endswith(".")
    assert re.fullmatch(r"[a-z]+(?:-[a-z]+)+", remediation.id)


@each_remediation
def test_each_is_what_a_detection_of_a_guarded_kind_names(remediation: Remediation) -> None:
    kinds = {kind.kind: kind for kind in KINDS}
    several = [kinds[each] for each in remediation.kinds]
    assert remediation.calls == tuple(dict.fromkeys(call for kind in several for call in kind.calls))
    assert len({kind.tenant_kind for kind in several}) == 1
    assert [detection.id for detection in CATALOGUE if detection.remediation is remediation]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_each_kind_says_how_to_undo_what_was_put_back(kind: Kind) -> None:
    assert kind.undo[0].isupper()
    assert kind.undo.endswith(".")
    assert kind.title == kind.title.strip().rstrip(".")


def test_each_kind_says_what_of_it_is_not_put_back() -> None:
    assert [kind.kind for kind in KINDS if not kind.limits.endswith(".")] == []


def test_no_two_share_an_id() -> None:
    ids = [remediation.id for remediation in _REMEDIATIONS]
    assert ids
    assert len(set(ids)) == len(ids)
