"""Notifies people of what was tampered with: rows that nobody signed, entries that are missing."""

import hashlib
from collections.abc import Callable
from typing import Final

from shared.authority.signed_watch import Compared
from shared.model.bilingual import Words
from shared.model.notices import NoticeText, SystemNotice

_SHOWN: Final = 5
TAMPERED: Final = NoticeText(
    id="lists-tampered",
    title=Words(en="Lists that operators sign were tampered with", ko="운영자가 서명하는 목록이 변조되었습니다"),
    text=Words(
        en="{count} things aren't as they were signed: {problems}. What was signed counts as before.",
        ko="{count}건이 서명된 내용과 다릅니다: {problems}. 서명된 내용은 그대로 적용됩니다.",
    ),
    what_to_do=Words(
        en="Find out who can write to the storage account and did. `responder journal verify` on an operator's laptop"
        " lists everything. What was entered before operators were founded is signed by `responder journal adopt`.",
        ko="누가 저장소 계정에 쓸 수 있고 실제로 썼는지 알아내세요. 운영자 노트북에서 `responder journal verify`를"
        " 실행하면 전부 표시됩니다. 운영자를 등록하기 전에 입력된 내용은 `responder journal adopt`로 서명합니다.",
    ),
    never_waits=True,
)


def publish_tampering(compared: Compared, publish: Callable[[SystemNotice], object]) -> None:
    """Publish what isn't as it was signed, each set of problems once a day."""
    if not compared.problems:
        return
    digest = hashlib.sha256("\n".join(sorted(compared.problems)).encode()).hexdigest()[:16]
    some = "; ".join(compared.problems[:_SHOWN])
    publish(TAMPERED.notice(f"lists tampered {digest}", count=str(len(compared.problems)), problems=some))
