"""Korean for the reasons that are stored most: of decisions, of an actor's standing, of what was read back.

They are stored in English, as what the command line and the journal say. One that isn't here stays in English, and is
marked so. No particle follows a value: a fixed noun stands between.
"""

from typing import Final

from shared.model.bilingual import KeptTexts

REASONS: Final[tuple[tuple[str, str], ...]] = (
    ("the actor is approved", "변경한 사람이 승인되어 있습니다"),
    ("the actor is not approved", "변경한 사람이 승인되지 않았습니다"),
    (
        "the actor is not approved, and this is not put back automatically",
        "변경한 사람이 승인되지 않았고, 자동으로 되돌리지 않는 변경입니다",
    ),
    (
        "the actor is not approved, and nothing that it changed stands any more",
        "변경한 사람이 승인되지 않았고, 변경한 내용은 더 이상 남아 있지 않습니다",
    ),
    (
        "the actor is not approved, but the kill switch is on",
        "변경한 사람이 승인되지 않았지만, 중지 스위치가 켜져 있습니다",
    ),
    ("it is not known whether the actor is approved", "변경한 사람이 승인되었는지 알 수 없습니다"),
    ("the detection is in mode {mode}", "탐지 모드: {mode}"),
    ("the detection only records", "기록만 하는 탐지입니다"),
    ("the record doesn't say who made the change", "기록에 변경한 사람이 없습니다"),
    ("no record says who made the change", "누가 변경했는지 기록이 없습니다"),
    ("no row for {actor} in approval list {list}", "승인 목록에 없음: {actor}, 목록: {list}"),
    (
        "approval list {list} is empty, so nobody counts as unapproved",
        "승인 목록이 비어 있어 판단할 수 없습니다: {list}",
    ),
    ("approval list {list} could not be read: {why}", "승인 목록을 읽지 못했습니다: {list} ({why})"),
    ("the responder itself made the change", "Responder가 직접 변경했습니다"),
    (
        "stands as before: {what}, as read back {seconds} s after it was decided",
        "이전과 같음: {what}. 결정 {seconds}초 뒤에 읽음",
    ),
)
"""Each reason in English, as the code makes it, and in Korean; a part in braces is any value."""

_KEPT: Final = KeptTexts(REASONS)


def in_korean(reason: str) -> str:
    """Give a stored reason in Korean, "" for one that there is in English only; a full stop at its end stays."""
    ending = "." if reason.endswith(".") else ""
    text = reason.removesuffix(".")
    korean = _KEPT.in_korean(f"{text[:1].lower()}{text[1:]}")
    return f"{korean}{ending}" if korean else ""
