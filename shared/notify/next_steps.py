"""The steps that a card and a page list under "What to do", the most urgent first."""

from collections.abc import Mapping
from typing import Final

from shared.model.cases import Case, Standing
from shared.model.detections import AnyDetection
from shared.model.escape import quoted, shown
from shared.model.events import ActorKind
from shared.model.kinds import Mode
from shared.notify.endings import Ending, ending_of
from shared.notify.wording import actor_text, is_sign_in, object_name_of


def next_steps(case: Case, detection: AnyDetection, *, max_length: int) -> tuple[str, ...]:
    """Say what to do now, the most urgent first."""
    ending = ending_of(case)
    if ending is Ending.RECORDED and case.standing is Standing.APPROVED:
        return ("Nothing.",)
    wanted = case.actor.id and detection.unless_actor_in and ending in {Ending.PUT_BACK, Ending.NEEDS_YOU}
    approve = (_approve(case, detection, max_length),) if wanted else ()
    # For a sign-in the first step says whom to ask. The step left out here says to block the account, which must never
    # be done to a break-glass account.
    ask = () if detection.counted or is_sign_in(detection) else (_ask(case, max_length),)
    return (*_urgent_steps(case, detection, max_length), *_command(case, max_length), *ask, *approve)


def next_steps_of_page(
    case: Case, detection: AnyDetection, *, needs_somebody: bool, max_length: int
) -> tuple[str, ...]:
    """Say what to do about several changes of one actor, the worst of which is `case`; each case says the rest."""
    open_them = ("Open the cases that need you, the first one first: each says what to do.",) if needs_somebody else ()
    is_change = not (detection.counted or is_sign_in(detection))
    return (*open_them, *((_ask(case, max_length),) if is_change and case.actor.id else ()))


def _command(case: Case, max_length: int) -> tuple[str, ...]:
    """Give the command that a person can run. Its limit is ten times longer, so that it is never cut."""
    if not case.by_hand:
        return ()
    command = shown(case.by_hand, max_length * 10)
    if ending_of(case) is Ending.PENDING:
        return (f"To remove what prevents it, run: {command}",)
    return (f"The responder isn't allowed to undo this. If you are, run: {command}",) if _is_for_people(case) else ()


def _is_for_people(case: Case) -> bool:
    return ending_of(case) in {Ending.NEEDS_YOU, Ending.GIVEN_UP, Ending.PENDING}


def _urgent_steps(case: Case, detection: AnyDetection, max_length: int) -> tuple[str, ...]:
    object_name = object_name_of(detection)
    first_step = _first_step(detection)
    still_so = first_step or f"The change is still in force: {_by_hand(case, object_name)}"
    match ending_of(case):
        case Ending.PUT_BACK | Ending.ALREADY | Ending.RECORDED:
            return ()
        case Ending.UNPROVED:
            check = "check that the change is gone. If it isn't, undo it by hand"
            check = (
                "check that it has the values listed under “Put back”. If it doesn't, set them by hand"
                if case.put_back
                else check
            )
            return (f"Open the {object_name} and {check}.",)
        case Ending.FAILED | Ending.GIVEN_UP:
            return (still_so, *_grants(case, detection))
        case Ending.NEEDS_YOU:
            return (_needed(case, detection, object_name, max_length),)
        case Ending.PENDING | Ending.UNDER_WAY | Ending.OBSERVED as same:
            return (_FIXED_STEPS[same],)


_FIXED_STEPS: Final[Mapping[Ending, str]] = {
    Ending.PENDING: (
        "The change is still in force. Read above what prevents putting it back, and remove that if you can. The"
        " responder keeps trying and sends one more message at the end."
    ),
    Ending.UNDER_WAY: "Wait a minute, then open the case again.",
    Ending.OBSERVED: (
        "The responder changed nothing. If what mode enforce does would have been right each time, set the detection to"
        " mode enforce."
    ),
}
"""What to do, where that doesn't depend on the case or the detection."""


def _first_step(detection: AnyDetection) -> str:
    """Say what a person does first, where that isn't undoing a change by hand; "" where it is."""
    if detection.first_step:
        return detection.first_step
    if detection.counted:
        return _CHECK_COUNTED_RECORDS
    return _CHECK_SIGN_INS if is_sign_in(detection) else ""


_CHECK_COUNTED_RECORDS: Final = (
    "Look at these records in the log, and find what they have in common and who is behind them."
)

_CHECK_SIGN_INS: Final = (
    "Look at the account's other sign-ins at that time, and ask its owner by phone whether it was them."
)


def _needed(case: Case, detection: AnyDetection, object_name: str, max_length: int) -> str:
    """Say what to do first about a change that the responder leaves to people."""
    unknown = case.standing is Standing.UNKNOWN and case.actor.id and detection.unless_actor_in
    unsure = f"Find out whether {actor_text(case, max_length)} may make such changes. " if unknown else ""
    if first_step := _first_step(detection):
        return f"{unsure}{first_step}"
    held_back = case.standing is Standing.UNAPPROVED and case.mode is Mode.ENFORCE
    reason = "read above why the responder didn't put it back, then " if held_back else ""
    return f"{unsure}The change is still in force. If it isn't wanted: {reason}{_by_hand(case, object_name)}"


def _by_hand(case: Case, object_name: str) -> str:
    if case.put_back:
        return f"open the {object_name} and set the values listed under “To put back” by hand."
    return f"open the {object_name} and undo the changes listed under “What changed” by hand."


def _ask(case: Case, max_length: int) -> str:
    who = actor_text(case, max_length)
    if not case.actor.id:
        return "Find out who made the change, since the record names nobody: look at the sign-in log of that minute."
    if case.actor.kind is ActorKind.SERVICE_PRINCIPAL:
        return (
            f"Ask the owners of application {who} whether they made this change. If they didn't make"
            " it: disable the application and remove its credentials."
        )
    return (
        f"Ask {who} by phone whether they made this change; an attacker may be reading their mail and chat."
        " If they didn't make it, or don't answer: disable the account, revoke its sessions, take back what it did:"
        f" `responder contain {shown(case.id, max_length)}` shows that plan, and does it."
    )


def _approve(case: Case, detection: AnyDetection, max_length: int) -> str:
    again = ", then have the change made again" if ending_of(case) is Ending.PUT_BACK else ""
    actor_id = shown(case.actor.id, max_length)
    actor = f"{quoted(case.actor.name, max_length)} ({actor_id})" if case.actor.name else actor_id
    return f"If the change is wanted: approve {actor} in approval list {detection.unless_actor_in}{again}."


def _grants(case: Case, detection: AnyDetection) -> tuple[str, ...]:
    """Name the permissions that the responder lacks; the clients write them into an error's text."""
    error = f"{case.proof} {case.because}"
    wanted = [permission.value for permission in detection.needs if permission.value in error]
    return (f"Grant the responder the permissions that it lacks: {', '.join(wanted)}.",) if wanted else ()
