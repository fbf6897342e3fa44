"""Reasons in Korean: those that the code makes, with their values as they are."""

import re
from pathlib import Path
from typing import Final

import pytest

from shared.console.reasons import REASONS, in_korean

_SHARED: Final = Path(__file__).resolve().parents[4] / "shared"
_SOURCES: Final = " ".join(
    path.read_text(encoding="utf-8")
    for folder in ("respond", "authority", "objects")
    for path in (_SHARED / folder).glob("*.py")
)


@pytest.mark.parametrize("english", [english for english, _ in REASONS])
def test_each_is_still_made_by_the_code(english: str) -> None:
    parts = re.split(r"\{\w+\}|, but ", english)
    assert all(part.strip(" ,:") in _SOURCES for part in parts if part.strip(" ,:"))


@pytest.mark.parametrize(("english", "korean"), REASONS)
def test_each_has_the_same_values_in_both_languages(english: str, korean: str) -> None:
    assert sorted(re.findall(r"\{(\w+)\}", english)) == sorted(re.findall(r"\{(\w+)\}", korean))
    assert not re.search(r"\}(?:이|가|은|는|을|를)", korean), "no particle follows a value"


@pytest.mark.parametrize(
    ("said", "korean"),
    [
        ("The detection is in mode page.", "탐지 모드: page."),
        ("the actor is not approved", "변경한 사람이 승인되지 않았습니다"),
        ("No row for x in approval list rbac-roles", "승인 목록에 없음: x, 목록: rbac-roles"),
        ("no row for {list} in approval list {0}", "승인 목록에 없음: {list}, 목록: {0}"),
        ("the actor is not approved, but something else", ""),
        ("something else", ""),
        ("", ""),
    ],
)
def test_what_is_known_is_said_in_korean_and_the_rest_stays(said: str, korean: str) -> None:
    assert in_korean(said) == korean
