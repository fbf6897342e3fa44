"""Who might do what, as it was read for one object: approval lists, modes and the kill switch, with their past."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct

from shared.authority.approval_history import ApprovalHistory, standing_of
from shared.authority.control_history import ControlHistory
from shared.authority.standing import Authorization
from shared.model.cases import Standing
from shared.model.detections import AnyDetection
from shared.model.kinds import ApprovalList, ObjectKind
from shared.model.objects import JudgedChange, ObjectChange, ObjectState
from shared.respond.components import Runtime

_MICROSOFT: Final = "one of Microsoft's own services made the change, and it can't be seen who asked it to"


class AuthorityReading(Struct, frozen=True, kw_only=True):
    """The approval lists that changes of a kind are judged by, and the controls.

    `at` is from when all was read. `unread_makers` says why it isn't known of a service principal whether it is
    Microsoft's own, if so.
    """

    lists: Mapping[ApprovalList, ApprovalHistory]
    controls: ControlHistory
    at: datetime
    unread_makers: str = ""

    @property
    def unread(self) -> str:
        """Why not all of it could be read, "" where it was: then nothing is decided for good."""
        lists = (f"approval list {each.approval_list}: {each.unread}" for each in self.lists.values() if each.unread)
        return next(lists, f"the controls: {self.controls.unread}" if self.controls.unread else self.unread_makers)


def start_reading(runtime: Runtime, kind: ObjectKind) -> Callable[[], AuthorityReading]:
    """Begin to read what changes of a kind are judged by. Nothing is raised: what can't be read is unknown."""
    accounts = runtime.settings.emergency_accounts
    wanted = sorted({list_ for one in runtime.detections.values() if (list_ := _list_for(one, kind))})
    lists = {
        each: runtime.start(lambda each=each: runtime.approvals.history(each, emergency_accounts=accounts))
        for each in wanted
    }
    controls = runtime.start(runtime.controls.history)

    def wait() -> AuthorityReading:
        found = {each: read() for each, read in lists.items()}
        # What was said while it was being read counts, so the instant is from after that.
        return AuthorityReading(lists=found, controls=controls(), at=runtime.clock())

    return wait


def _list_for(detection: AnyDetection, kind: ObjectKind) -> ApprovalList | None:
    remediation = detection.remediation
    return detection.unless_actor_in if remediation is not None and kind in remediation.kinds else None


def deciding_detection(runtime: Runtime, change: ObjectChange) -> AnyDetection | None:
    """Give the detection that gives the approval list and the mode: the one that puts back, else the first."""
    found = [one for name in change.detections if (one := runtime.detections.get(name))]
    return next((one for one in found if one.puts_back), found[0] if found else None)


def judge(
    runtime: Runtime, change: ObjectChange, authority: AuthorityReading, state: ObjectState | None = None
) -> JudgedChange:
    """Say whether a change was approved, and whether it was live all the time until now, or a person asked for it."""
    detection = deciding_detection(runtime, change)
    if change.is_rightful and change.actor.id.lower() not in runtime.settings.emergency_accounts:
        return JudgedChange(change=change, standing=Standing.APPROVED, because=_rightful(change))
    history = _history(runtime, detection, authority)
    ids = _ids_of(change, state)
    found = _authorization(change, history, ids)
    is_live = (
        found.standing is Standing.UNAPPROVED
        and detection is not None
        and history is not None
        and detection.puts_back
        and (_is_live(detection, history, change, authority, ids) or (state is not None and change.id in state.asked))
    )
    return JudgedChange(change=change, standing=found.standing, because=found.because, is_live=is_live)


def _rightful(change: ObjectChange) -> str:
    if change.is_expiry:
        return "what was bound in time has ended"
    return "the actor used a right of his own: a role that he is eligible for was taken up or given up"


def authorize(
    runtime: Runtime,
    detection: AnyDetection | None,
    change: ObjectChange,
    authority: AuthorityReading,
    state: ObjectState | None = None,
) -> Authorization:
    """Say whether a change was approved by the approval list of a detection, or is the responder's own."""
    return _authorization(change, _history(runtime, detection, authority), _ids_of(change, state))


def _ids_of(change: ObjectChange, state: ObjectState | None) -> tuple[str, ...]:
    """Give all ids of the changed object, that of the record first: what is made again gets another one."""
    known = state.ids if state is not None else ()
    return tuple(dict.fromkeys((change.object_id, *known)))


def _authorization(change: ObjectChange, history: ApprovalHistory | None, ids: Sequence[str]) -> Authorization:
    """Judge by an approval that covers any id of the object; where none does, by what is said of the record's."""
    each = [standing_of(change.actor, history, target_id=one, at=change.at, own_intent=change.intent) for one in ids]
    found = next((one for one in each if one.standing is Standing.APPROVED), each[0])
    if change.nameless and found.standing is Standing.UNKNOWN:
        return Authorization(
            standing=Standing.UNKNOWN, because=f"it is not known who made the change: {change.nameless}"
        )
    if found.standing is Standing.UNAPPROVED and change.is_microsofts:
        return Authorization(standing=Standing.UNKNOWN, because=_MICROSOFT)
    return found


def _history(runtime: Runtime, detection: AnyDetection | None, authority: AuthorityReading) -> ApprovalHistory | None:
    """Give the approval list of a detection; one of a detection that puts nothing back is read now."""
    if detection is None or detection.unless_actor_in is None:
        return None
    known = authority.lists.get(detection.unless_actor_in)
    accounts = runtime.settings.emergency_accounts
    return known or runtime.approvals.history(detection.unless_actor_in, emergency_accounts=accounts)


def _is_live(
    detection: AnyDetection,
    history: ApprovalHistory,
    change: ObjectChange,
    authority: AuthorityReading,
    ids: Sequence[str],
) -> bool:
    since, until = change.at, authority.at
    return (
        authority.controls.enforced_throughout(detection.id, since, until) is True
        and authority.controls.never_stopped(since, until) is True
        and all(history.unapproved_throughout(change.actor, each, since, until) is True for each in ids)
    )
