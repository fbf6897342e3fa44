"""Asks the tenant whether changes were made that so far only a delivery tells, and whose the services are.

A delivery is a hint: whoever can write to the queue can say that Alice did it. Until the tenant confirms a change, it
counts as if its record hadn't come.
"""

import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import msgspec

from shared.model.cases import Standing
from shared.model.errors import BadIdentifier, EdgeError
from shared.model.events import ActorKind
from shared.model.kinds import Image
from shared.model.notices import SystemNotice
from shared.model.object_kinds import Confirmation, Made
from shared.model.objects import ObjectChange, ObjectState, Op
from shared.objects.folding import COPIES_WITHIN
from shared.respond.authority_reading import AuthorityReading, judge
from shared.respond.object_run import ObjectRun, Unread

_log = logging.getLogger("responder.objects")

_MADE_WITHIN: Final = timedelta(minutes=5)
"""How far apart the creation of an object and the event about it may be."""

_SURELY_WITHIN: Final = timedelta(seconds=5)
"""So near to the creation no event of another write is likely to come later, which then would be nearer."""


def confirm_changes(
    run: ObjectRun, changes: tuple[ObjectChange, ...], image: Image | Unread | None, state: ObjectState
) -> tuple[tuple[ObjectChange, ...], bool]:
    """Give the changes with what the tenant says of them, and whether any still waits for that. Raises EdgeError.

    Of an object that couldn't be read nothing is asked. A change that is among those that the state has as answered
    isn't waited for: people were told that the tenant doesn't say.
    """
    found: list[ObjectChange] = []
    is_waiting = False
    for change in changes:
        if change.is_confirmed or change.is_denied or run.kind.confirm is None:
            found.append(_looked_at_again(run, change, image, changes))
            continue
        said = None if isinstance(image, Unread) else _confirmed(run, change, image, changes, state)
        if said is None:
            is_waiting = is_waiting or change.id not in state.answered
            found.append(change)
            continue
        run.write_beside(lambda said=said: run.runtime.objects.replace_change(run.id, said))
        found.append(said)
    return tuple(found), is_waiting


def with_creation(
    run: ObjectRun, changes: tuple[ObjectChange, ...], image: Image | Unread | None
) -> tuple[ObjectChange, ...]:
    """Take for a creation the write that is nearest to when the object says that it was made, by what is known now.

    That isn't stored: an event that comes later may be nearer.
    """
    if isinstance(image, Unread) or run.kind.confirm is None:
        return changes
    return tuple(_as_creation(run, one, image, changes, within=_MADE_WITHIN) for one in changes)


def ask_whose(
    run: ObjectRun, changes: tuple[ObjectChange, ...], authority: AuthorityReading, state: ObjectState
) -> tuple[tuple[ObjectChange, ...], AuthorityReading]:
    """Ask of service principals that nobody approved whether they are Microsoft's own, each change once.

    Microsoft changes what it manages itself: people hear of that, and it isn't undone. Where it can't be read, nothing
    is decided yet, as where a list can't be.
    """
    said: dict[str, bool | None] = {}
    found: list[ObjectChange] = []
    for change in changes:
        if not _is_to_be_asked(run, change, authority, state):
            found.append(change)
            continue
        actor = change.actor.id.lower()
        if actor not in said:
            said[actor] = run.runtime.is_microsofts(run.api, change.actor.id)
        answer = said[actor]
        if answer is None:
            because = f"whether {actor} is one of Microsoft's own services could not be read"
            authority = msgspec.structs.replace(authority, unread_makers=because)
            found.append(change)
            continue
        known = msgspec.structs.replace(change, is_microsofts=answer)
        run.write_beside(lambda known=known: run.runtime.objects.replace_change(run.id, known))
        found.append(known)
    return tuple(found), authority


def _is_to_be_asked(run: ObjectRun, change: ObjectChange, authority: AuthorityReading, state: ObjectState) -> bool:
    if change.is_ours or change.is_microsofts is not None or not change.is_confirmed:
        return False
    if change.actor.kind is not ActorKind.SERVICE_PRINCIPAL or change.actor.id.lower() == run.tenant.responder_id:
        return False
    return judge(run.runtime, change, authority, state).standing is Standing.UNAPPROVED


def _confirmed(
    run: ObjectRun,
    change: ObjectChange,
    image: Image | None,
    changes: Sequence[ObjectChange],
    state: ObjectState,
) -> ObjectChange | None:
    """Ask the tenant of one change; None where it doesn't say yet."""
    confirm = run.kind.confirm
    if confirm is None:
        return change
    try:
        answer = confirm(run.api, change, _last_image(run, image) if change.op is Op.DELETE else image)
        is_first = answer.is_true is True and _is_first(run, change, image, state)
    except (EdgeError, BadIdentifier) as error:
        _log.warning("whether change %s was made could not be read: %s", change.id, error)
        return None
    if answer.is_true is None or _is_of_another(answer, change, changes):
        return None
    if not answer.is_true:
        _publish_forgery(run, change, answer.because)
        return msgspec.structs.replace(change, is_denied=True)
    confirmed = msgspec.structs.replace(
        change,
        is_confirmed=True,
        is_expiry=answer.is_expiry,
        is_own_use=answer.is_own_use,
        actor=answer.actor or change.actor,
    )
    if is_first:
        return msgspec.structs.replace(confirmed, op=Op.CREATE)
    return _as_creation(run, confirmed, image, changes, within=_SURELY_WITHIN)


def _is_of_another(answer: Confirmation, change: ObjectChange, changes: Sequence[ObjectChange]) -> bool:
    """Whether the log has other changes of that second, which are known: this one's record may still come.

    Two may do the same within seconds, and the log has one record for each.
    """
    known = frozenset(
        one.actor.id.lower()
        for one in changes
        if one.is_confirmed
        and (one.op is Op.DELETE) is (change.op is Op.DELETE)
        and abs(one.at - change.at) <= COPIES_WITHIN
    )
    return bool(answer.others) and answer.others <= known


def _is_first(run: ObjectRun, change: ObjectChange, image: Image | None, state: ObjectState) -> bool:
    """Whether a write made an object that a whole listing lacked before, by the tenant's own log of it.

    Raises EdgeError or BadIdentifier where that can't be read: then it is asked again.
    """
    is_first, origin = run.kind.is_first_write, state.origin
    if is_first is None or change.op is not Op.UPDATE or image is None or origin.leaves or origin.at >= change.at:
        return False
    return is_first(run.api, change, origin.at) is True


def _last_image(run: ObjectRun, image: Image | None) -> Image | None:
    """Give the object as it stands, or as it was last read before it went; None where nobody had read it."""
    kept = run.runtime.objects.read(run.id) if image is None else None
    if kept is None:
        return image
    known = [one.digest for one in (kept.state.origin, *kept.state.versions) if one.digest]
    return run.runtime.objects.version(kept.id, known[-1]) if known else None


def _looked_at_again(
    run: ObjectRun, change: ObjectChange, image: Image | Unread | None, changes: Sequence[ObjectChange]
) -> ObjectChange:
    """Take a change for a creation that was confirmed while the object didn't show yet: a replica may be behind."""
    if run.kind.confirm is None or not change.is_confirmed or change.is_ours or isinstance(image, Unread | None):
        return change
    if run.kind.made(image).by != change.actor.id.lower():
        return change
    again = _as_creation(run, change, image, changes, within=_SURELY_WITHIN)
    if again is not change:
        run.write_beside(lambda: run.runtime.objects.replace_change(run.id, again))
    return again


def _as_creation(
    run: ObjectRun,
    change: ObjectChange,
    image: Image | None,
    changes: Sequence[ObjectChange],
    *,
    within: timedelta,
) -> ObjectChange:
    """Take a write for a creation where the object itself says that it was made then: events don't tell them apart.

    Of several writes within those minutes it is the one that is nearest. The others changed nothing, or were made
    between other deletions; taken for creations, they would have it look as if somebody's deletion had no record.
    """
    if image is None or change.op is not Op.UPDATE or not change.is_confirmed or change.is_ours:
        return change
    made = run.kind.made(image)
    if made.at is None or abs(made.at - change.at) > within:
        return change
    if made.changed_at is not None and made.changed_at > made.at and not _is_its_making(change, made):
        return change
    apart = abs(made.at - change.at)
    writes = [one for one in changes if one.id != change.id and one.op is not Op.DELETE and not one.is_denied]
    if any(abs(made.at - one.at) < apart for one in writes):
        return change
    return msgspec.structs.replace(change, op=Op.CREATE)


def _is_its_making(change: ObjectChange, made: Made) -> bool:
    """Whether a write made the object, though somebody has changed it since: its record may have come late.

    Its maker wrote then, and it is nearer to the making than to the latest change.
    """
    if made.at is None or made.changed_at is None or made.by != change.actor.id.lower():
        return False
    apart = abs(made.at - change.at)
    return apart <= COPIES_WITHIN and apart < abs(made.changed_at - change.at)


def _publish_forgery(run: ObjectRun, change: ObjectChange, because: str) -> None:
    run.runtime.notifier.publish(
        SystemNotice(
            key=f"forged {change.id}",
            title="A delivery told a change that wasn't made",
            text=f"It says that {change.actor.id or 'somebody'} changed {change.object_id}; {because}.",
            what_to_do="Somebody may be able to write to the app's queue. See who holds roles on its storage account,"
            " and take away what isn't needed.",
        )
    )
