"""Notifies people of guarded objects whose rows somebody else wrote, deleted, or put an older one in the place of."""

import threading
from collections.abc import Callable
from typing import Final

from shared.model.bilingual import Words
from shared.model.clock import Clock
from shared.model.notices import NoticeText, SystemNotice
from shared.model.objects import ObjectId

_ONE_BY_ONE: Final = 5
"""The most notices about single objects that a process sends in an hour; then one says that there are more."""

_DONE: Final = NoticeText(
    id="object-tampered",
    title=Words(
        en="What is stored about a guarded object was tampered with",
        ko="보호 대상 개체에 대해 저장된 내용이 변조되었습니다",
    ),
    text=Words(
        en="{kind} {key}: {what}. It isn't believed: what the app itself stored last counts, and where there is no copy"
        " of that nothing of the object is put back until somebody accepts it.",
        ko="{kind} {key}: {what}. 이 내용은 신뢰하지 않습니다. 앱이 마지막으로 저장한 내용이 적용되며, 사본이"
        " 없으면 누군가 수락할 때까지 이 개체는 복원되지 않습니다.",
    ),
    what_to_do=Words(
        en="Find out who can write to the storage account and did. Look at the object: responder history {key}",
        ko="누가 저장소 계정에 쓸 수 있고 실제로 썼는지 알아내세요. 개체를 확인하세요: responder history {key}",
    ),
    never_waits=True,
)
_MORE: Final = NoticeText(
    id="objects-tampered",
    title=Words(
        en="What is stored about many guarded objects was tampered with",
        ko="여러 보호 대상 개체에 대해 저장된 내용이 변조되었습니다",
    ),
    text=Words(
        en="More than {count} objects within an hour. None of it is believed: what the app itself stored last counts,"
        " and where there is no copy of that nothing is put back until somebody accepts the object.",
        ko="한 시간 안에 {count}개가 넘는 개체입니다. 어느 것도 신뢰하지 않습니다. 앱이 마지막으로 저장한 내용이"
        " 적용되며, 사본이 없으면 누군가 수락할 때까지 복원되지 않습니다.",
    ),
    what_to_do=Words(
        en="Find out who can write to the storage account and did."
        " If STATE_KEYS was set just now: responder baseline sign",
        ko="누가 저장소 계정에 쓸 수 있고 실제로 썼는지 알아내세요. 방금 STATE_KEYS를"
        " 설정했다면: responder baseline sign",
    ),
    never_waits=True,
)


class TamperedObjects:
    """Publishes each object once a day, and of many within an hour only that there are many."""

    def __init__(self, publish: Callable[[SystemNotice], object], *, clock: Clock) -> None:
        self._publish = publish
        self._clock = clock
        self._lock = threading.Lock()
        self._hour = ""
        self._seen: set[str] = set()

    def __call__(self, object_id: ObjectId, what: str) -> None:
        """Notify people. Raises EdgeError."""
        hour = f"{self._clock():%Y%m%d %H}"
        with self._lock:
            self._seen = self._seen if hour == self._hour else set()
            self._hour = hour
            self._seen.add(object_id.key)
            is_one = len(self._seen) <= _ONE_BY_ONE
        if is_one:
            key = f"object tampered {object_id.key} {hour[:8]}"
            self._publish(_DONE.notice(key, kind=object_id.kind, key=object_id.key, what=what))
        else:
            self._publish(_MORE.notice(f"objects tampered {hour}", count=str(_ONE_BY_ONE)))
