"""What a channel is given to send: the page of one actor, several pages in one digest, or several system notices."""

from datetime import datetime
from typing import Final

from msgspec import Struct

from shared.model.cases import Case
from shared.model.detections import AnyDetection
from shared.model.notices import Owner, SystemNotice
from shared.notify.paged import PagedChange

MOST_NOTICES: Final = 12
"""How many system notices one message has; the next ones are in the next message."""


class ShownCase(Struct, frozen=True, kw_only=True):
    """A case as it is read for a message, with the changes of its target, and the detection that it was opened for."""

    case: Case
    detection: AnyDetection


class PageMessage(Struct, frozen=True, kw_only=True):
    """The page of one actor: its changes, the worst first, and the worst one as a whole.

    `key` is the same for messages that belong together: those of a page until it rings anew. `by` names the actor, ""
    where no record does. `place` is the number of owners who were asked before. `worst` is None where it can't be read.
    `new` is how many changes came or went further after the last message, which went at `since`; None in the first one.
    `is_again`, here and in the other messages: it may have come already.
    """

    key: str
    tenant_id: str
    by: str
    changes: tuple[PagedChange, ...]
    owners: tuple[Owner, ...] = ()
    place: int = 0
    worst: ShownCase | None = None
    new: int = 0
    since: datetime | None = None
    is_again: bool = False


class Digest(Struct, frozen=True, kw_only=True):
    """The pages that the limit of messages kept back, the worst first, in one message."""

    key: str
    pages: tuple[PageMessage, ...]
    owners: tuple[Owner, ...] = ()
    is_again: bool = False


class NoticeDigest(Struct, frozen=True, kw_only=True):
    """The system notices that the limit of messages kept back, in one message."""

    key: str
    system_notices: tuple[SystemNotice, ...]
    is_again: bool = False


class NoticeCall(Struct, frozen=True, kw_only=True):
    """A system notice that is addressed to owners, or may have come already.

    `key` is the same for messages that belong together. `place` is the number of times that others were asked before.
    """

    key: str
    system_notice: SystemNotice
    owners: tuple[Owner, ...] = ()
    place: int = 0
    is_again: bool = False
