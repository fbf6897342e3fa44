"""All owners are told of each change of operators, and of every statement about them that was ignored."""

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Final

from shared.authority.operator_keys import fingerprint
from shared.authority.operators import Enrolled, Operators
from shared.clients.storage import Storage
from shared.clients.storage_names import Table
from shared.model.bilingual import Words, filled, joined
from shared.model.notices import NoticeText, SystemNotice

_PARTITION: Final = "operators"
_LOOK_EN: Final = (
    "See with `responder operator list` whether that is right, and compare the fingerprints. If it isn't, suspend at"
    " once: `responder operator suspend ID --reason WHY --key KEY`."
)
_LOOK_KO: Final = (
    "`responder operator list`로 맞는지 확인하고 지문을 대조하세요. 맞지 않으면 곧바로 정지하세요: `responder operator"
    " suspend ID --reason WHY --key KEY`."
)
IGNORED: Final = NoticeText(
    id="operators-ignored",
    title=Words(en="A statement about operators was ignored", ko="운영자에 대한 선언문이 무시되었습니다"),
    text=Words(
        en="{problems}. Nobody became or stayed an operator by it.",
        ko="{problems}. 이것으로 운영자가 되거나 운영자로 남은 사람은 없습니다.",
    ),
    what_to_do=Words(
        en=f"Find out who wrote it: table Operators and the app's settings are for nobody but operators. {_LOOK_EN}",
        ko=f"누가 썼는지 알아내세요. Operators 테이블과 앱 설정은 운영자만 다뤄야 합니다. {_LOOK_KO}",
    ),
    never_waits=True,
)
CHANGED: Final = NoticeText(
    id="operators-changed",
    title=Words(en="Who may act in an emergency has changed", ko="비상 상황에서 행동할 수 있는 사람이 바뀌었습니다"),
    text=Words(en="{changes}", ko="{changes}"),
    what_to_do=Words(en=_LOOK_EN, ko=_LOOK_KO),
    never_waits=True,
)
_IS_OPERATOR: Final = Words(en="{who} is an operator since {at}.", ko="{who}: {at}부터 운영자입니다.")
_HAS_PASSKEY: Final = Words(
    en="{who} has one more passkey, for {host}: {print}.", ko="{who}: {host}에서 쓰는 패스키가 추가되었습니다: {print}."
)
_WAS_SUSPENDED: Final = Words(en="{who} was suspended on {at}.", ko="{who}: {at}에 정지되었습니다.")


def publish_operators(storage: Storage, operators: Operators, publish: Callable[[SystemNotice], object]) -> None:
    """Publish what changed since it was published last, each change once, and each day what was ignored.

    A change counts as published once its notice was written down. Raises EdgeError.
    """
    if operators.problems:
        text = "; ".join(operators.problems)
        publish(IGNORED.notice(f"operators ignored {_digest(text)}", problems=text))
    _publish_changes(storage, operators, publish)


def _publish_changes(storage: Storage, operators: Operators, publish: Callable[[SystemNotice], object]) -> None:
    published = {row.key for row in storage.rows(Table.CURSORS, "PartitionKey eq @partition", partition=_PARTITION)}
    changes = {key: text for one in operators.enrolled.values() for key, text in _changes_of(one)}
    new = {key: text for key, text in changes.items() if key not in published}
    if not new:
        return
    publish(CHANGED.notice(f"operators changed {_digest(' '.join(sorted(new)))}", changes=joined(new.values(), " ")))
    for key, text in new.items():
        storage.upsert(Table.CURSORS, _PARTITION, key, {"published": text.en})


def _changes_of(one: Enrolled) -> list[tuple[str, Words]]:
    """Give the key of each change of an operator, and its words."""
    who = f"{one.operator.name} ({one.operator.id})"
    changes = [(f"{one.operator.id} {one.statement[:32]}", filled(_IS_OPERATOR, who=who, at=_time(one.since)))]
    for key in one.added:
        has = filled(_HAS_PASSKEY, who=who, host=key.host, print=fingerprint(key))
        changes.append((f"{one.operator.id} passkey {key.id}", has))
    if one.suspended_at is not None:
        suspended = filled(_WAS_SUSPENDED, who=who, at=_time(one.suspended_at))
        changes.append((f"{one.operator.id} suspended", suspended))
    return changes


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
