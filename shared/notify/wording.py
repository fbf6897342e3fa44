"""The sentences about a case: what happened, what the responder did, what to do next. The same for every channel.

Text from the tenant goes through `shared.model.escape` here, so the sentences can be used as plain text.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, TypeGuard, assert_never

from msgspec import Struct

from shared.model.cases import Case, Decision, Outcome, Standing
from shared.model.detections import AnyDetection
from shared.model.escape import quoted, shown
from shared.model.events import ActorKind, Log
from shared.model.kinds import ApprovalList, Mode
from shared.model.notices import Owner
from shared.model.settings import Settings

_BY_ACTOR: Final = " by an unapproved actor"
_VOWELS: Final = frozenset("aeioAEIO")
_ROLE_ASSIGNMENTS: Final = "/providers/microsoft.authorization/roleassignments/"
_OBJECT_NAMES: Final[Mapping[ApprovalList, str]] = {
    ApprovalList.CONDITIONAL_ACCESS: "policy",
    ApprovalList.B2C_CUSTOM_POLICIES: "custom policy",
    ApprovalList.RBAC_ROLES: "role assignment",
    ApprovalList.CONSUMER_ACCOUNTS: "account",
    ApprovalList.APP_REGISTRATIONS: "application",
    ApprovalList.APP_PERMISSIONS: "grant",
    ApprovalList.DIRECTORY_ROLES: "role holder",
    ApprovalList.B2C_USER_FLOWS: "user flow",
    ApprovalList.B2C_API_CONNECTORS: "API connector",
    ApprovalList.B2C_POLICY_KEYS: "policy key",
    ApprovalList.IDENTITY_PROVIDERS: "identity provider",
    ApprovalList.TENANT_SETTINGS: "tenant setting",
    ApprovalList.PIM_SETTINGS: "PIM setting",
    ApprovalList.MONITORING: "resource",
}


def _object_name(detection: AnyDetection) -> str:
    """Name the kind of object that a detection is about."""
    return _OBJECT_NAMES[detection.unless_actor_in] if detection.unless_actor_in else "object"


class PageContext(Struct, frozen=True, kw_only=True):
    """What a page shows besides the case: the owners to mention, the link to the case's page, and names of ids.

    The ids in `names` are in lower case. `place` is the number of owners who were paged before and didn't acknowledge.
    """

    owners: tuple[Owner, ...] = ()
    tenant_name: str = ""
    case_link: str = ""
    names: Mapping[str, str] = {}
    place: int = 0


def page_context_for(case: Case, settings: Settings, *, owners: tuple[Owner, ...] = (), place: int = 0) -> PageContext:
    """Build the context of a page about `case` from the settings."""
    tenant = settings.tenant(case.tenant_id)
    names = dict.fromkeys(settings.protected_principals, "protected principal")
    names |= {tenant.responder_id: "the responder" for tenant in settings.tenants if tenant.responder_id}
    names |= dict.fromkeys(settings.emergency_accounts, "break-glass account")
    return PageContext(
        owners=owners,
        tenant_name=tenant.name if tenant else "a tenant that isn't configured",
        case_link=settings.case_link.replace("{case}", case.id),
        names=names,
        place=place,
    )


class Ending(StrEnum):
    """What came of a case, in the words that every headline begins with."""

    PUT_BACK = "Put back"
    ALREADY = "Nothing left to put back"
    UNPROVED = "Check this, it could not be confirmed that it was put back"
    FAILED = "Could not be put back"
    LOCKED = "Needs you, a resource lock prevents putting it back"
    UNDER_WAY = "Being put back"
    NEEDS_YOU = "Needs you"
    GIVEN_UP = "Needs you, the responder failed on this case"
    OBSERVED = "Only observed, nothing was done"
    RECORDED = "Recorded"


def ending_of(case: Case) -> Ending:
    """Say what came of a case."""
    match case.decision:
        case Decision.RECORD:
            return Ending.OBSERVED if case.would else Ending.RECORDED
        case Decision.PAGE:
            return Ending.GIVEN_UP if case.outcome is Outcome.FAILED else Ending.NEEDS_YOU
        case Decision.REMEDIATE:
            return _REMEDIATED[case.outcome]
        case _:
            assert_never(case.decision)


_REMEDIATED: Final[Mapping[Outcome, Ending]] = {
    Outcome.NONE: Ending.UNDER_WAY,
    Outcome.DONE: Ending.PUT_BACK,
    Outcome.ALREADY: Ending.ALREADY,
    Outcome.UNVERIFIED: Ending.UNPROVED,
    Outcome.FAILED: Ending.FAILED,
    Outcome.LOCKED: Ending.LOCKED,
}


def headline(case: Case, detection: AnyDetection, *, max_length: int) -> str:
    """Describe the case in one sentence.

    `max_length` is the number of characters after which a text from the tenant is cut, here and in the functions below.
    """
    what, by, rest = detection.title.partition(_BY_ACTOR)
    title = shown(what if by and not rest else detection.title, max_length * 2)
    if detection.counted:
        whose = "" if _is_whole_tenant(case) else f", {quoted(case.target.name or case.target.id, max_length)}"
        return f"{ending_of(case)}: {title}{whose}"
    if is_sign_in(detection):
        return f"{ending_of(case)}: {title}, {_actor(case, max_length)}"
    asked = case.actor.id and (detection.unless_actor_in or case.standing is not Standing.UNKNOWN)
    standing = f", {_STANDINGS[case.standing]}" if asked else ""
    return f"{ending_of(case)}: {title} by {_actor(case, max_length)}{standing}"


_STANDINGS: Final[Mapping[Standing, str]] = {
    Standing.APPROVED: "who is approved",
    Standing.UNAPPROVED: "who isn't approved",
    Standing.UNKNOWN: "whose approval is unknown",
}


def is_sign_in(detection: AnyDetection) -> bool:
    """Say whether the detection is about single sign-ins, which change nothing that could be undone."""
    return detection.log is Log.SIGN_IN and not detection.counted


def _actor(case: Case, max_length: int) -> str:
    if case.actor.name:
        return quoted(case.actor.name, max_length)
    return shown(case.actor.id, max_length) if case.actor.id else "somebody the record doesn't name"


def subject(case: Case, detection: AnyDetection, page_context: PageContext, *, max_length: int) -> str:
    """Name the object, the tenant and the risk. A role assignment has no name, so its scope is given."""
    if detection.counted:
        return f"{_counted_of(case, page_context, max_length)}, {detection.risk} risk"
    object_name = (
        _object_name(detection)
        if detection.unless_actor_in
        else shown(case.target.kind, max_length) or _object_name(detection)
    )
    scope, found, _ = case.target.id.partition(_ROLE_ASSIGNMENTS)
    name = scope if found else case.target.name or case.target.id
    named = f"{object_name[0].upper()}{object_name[1:]} {'at ' if found else ''}{quoted(name, max_length * 2)}"
    where = f" in {shown(page_context.tenant_name, max_length)}" if page_context.tenant_name else ""
    article = "An" if object_name[0] in _VOWELS else "A"
    return (
        f"{named if name else f'{article} {object_name} that the record does not name'}{where}, {detection.risk} risk"
    )


def _is_whole_tenant(case: Case) -> bool:
    """Say whether the records of the whole tenant were counted together."""
    return case.target.id == case.tenant_id


def _counted_of(case: Case, page_context: PageContext, max_length: int) -> str:
    """Say whose records were counted: those of one account, one address or the whole tenant."""
    tenant = shown(page_context.tenant_name, max_length)
    if _is_whole_tenant(case):
        return f"The whole tenant {tenant}".rstrip()
    where = f" in {tenant}" if tenant else ""
    return f"{shown(case.target.kind, max_length)} {quoted(case.target.name or case.target.id, max_length * 2)}{where}"


def result(case: Case, *, max_length: int) -> str:
    """Say what was done and how it was confirmed, or why nothing was done."""
    match ending_of(case):
        case Ending.PUT_BACK:
            return _proved(case, max_length)
        case Ending.ALREADY | Ending.UNPROVED | Ending.FAILED | Ending.LOCKED:
            return _sentence(case.proof or case.because, max_length)
        case Ending.UNDER_WAY:
            return _sentence(case.summary or case.because, max_length)
        case Ending.NEEDS_YOU if case.standing is Standing.UNKNOWN:
            return _sentence(": ".join(part for part in (case.because, case.standing_because) if part), max_length)
        case Ending.NEEDS_YOU | Ending.GIVEN_UP | Ending.RECORDED:
            return _sentence(case.because, max_length)
        case Ending.OBSERVED:
            would = _sentence(case.would, max_length, capital=False)
            return f"{_sentence(case.because, max_length)} In mode enforce the responder {would}"


def _proved(case: Case, max_length: int) -> str:
    """Say how long the change was in force and what was read back; without changes to list, also what was done."""
    in_force = (
        f"The change was in force for {_duration(case.acted_at - case.at)}." if _is_later(case.acted_at, case) else ""
    )
    done = "" if case.target.changes else f"Done: {_sentence(case.summary, max_length, capital=False)}"
    proof = f"Read back: {_sentence(case.proof, max_length, capital=False)}"
    return " ".join(part for part in (in_force, done, proof) if part)


def _sentence(text: str, max_length: int, *, capital: bool = True) -> str:
    if not text:
        return ""
    said = shown(f"{text[0].upper()}{text[1:]}" if capital else text, max_length * 3)
    return said if said.endswith((".", "!", "?")) else f"{said}."


def what_changed(detection: AnyDetection) -> str:
    """Give the title of the list of changes: of an object, of counts, or of the properties of a sign-in."""
    if detection.counted:
        return "What was counted"
    return "The sign-in" if is_sign_in(detection) else "What changed"


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
    return (*_urgent_steps(case, detection), *_command(case, max_length), *ask, *approve)


def _command(case: Case, max_length: int) -> tuple[str, ...]:
    """Give the command that a person can run; it is long enough to hold any command whole."""
    if not case.by_hand:
        return ()
    command = shown(case.by_hand, max_length * 10)
    if ending_of(case) is Ending.LOCKED:
        return (f"To remove the lock, run: {command}",)
    return (f"The responder isn't allowed to undo this. If you are, run: {command}",) if _is_for_people(case) else ()


def _is_for_people(case: Case) -> bool:
    return ending_of(case) in {Ending.NEEDS_YOU, Ending.GIVEN_UP}


def _urgent_steps(case: Case, detection: AnyDetection) -> tuple[str, ...]:
    object_name = _object_name(detection)
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
            return (_needed(case, detection, object_name),)
        case Ending.LOCKED | Ending.UNDER_WAY | Ending.OBSERVED as same:
            return (_FIXED_STEPS[same],)


_FIXED_STEPS: Final[Mapping[Ending, str]] = {
    Ending.LOCKED: (
        "The change is still in force. Remove the lock. Within ten minutes the responder puts the change back and sends"
        " a message. Then set the lock again."
    ),
    Ending.UNDER_WAY: "Wait a minute, then open the case again.",
    Ending.OBSERVED: (
        "The responder changed nothing. Decide whether its answer would have been right: when it is every time, set the"
        " detection to mode enforce."
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


def _needed(case: Case, detection: AnyDetection, object_name: str) -> str:
    """Say what to do first about a change that the responder leaves to people."""
    unknown = case.standing is Standing.UNKNOWN and case.actor.id and detection.unless_actor_in
    unsure = "Find out whether this person or application may make such changes. " if unknown else ""
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
    who = _actor(case, max_length)
    if not case.actor.id:
        return "Find out who made the change, since the record names nobody: look at the sign-in log of that minute."
    if case.actor.kind is ActorKind.SERVICE_PRINCIPAL:
        return (
            f"Ask the owners of application {who} whether they made this change. If they didn't: disable the"
            " application and remove its credentials."
        )
    return (
        f"Ask {who} by phone whether they made this change; an attacker may be reading their mail and chat."
        " If they didn't, or if nobody answers: block the account and revoke its sessions."
    )


def _approve(case: Case, detection: AnyDetection, max_length: int) -> str:
    again = ", then have the change made again" if ending_of(case) is Ending.PUT_BACK else ""
    actor_id = shown(case.actor.id, max_length)
    actor = f"{quoted(case.actor.name, max_length)} ({actor_id})" if case.actor.name else actor_id
    return f"If the change is wanted: approve {actor} in approval list {detection.unless_actor_in}{again}."


def _grants(case: Case, detection: AnyDetection) -> tuple[str, ...]:
    """Name the permissions that the responder lacks; the clients write them into an error's text."""
    said = f"{case.proof} {case.because}"
    wanted = [permission.value for permission in detection.needs if permission.value in said]
    return (f"Grant the responder the permissions that it lacks: {', '.join(wanted)}.",) if wanted else ()


def facts(
    case: Case, detection: AnyDetection, page_context: PageContext, *, max_length: int
) -> tuple[tuple[str, str], ...]:
    """List the details of a case, each with its label. Unknown ones are left out, except who, from where and when.

    A count has no single actor or address, so it has neither who nor from where.
    """
    rows = (
        *(() if detection.counted else _by_whom(case, max_length)),
        ("When", when(case.at)),
        ("Timing", _timing(case, "the last of them" if detection.counted else "the change")),
        ("Tenant", f"{shown(page_context.tenant_name, max_length)} {shown(case.tenant_id, max_length)}".strip()),
        ("Object", f"{shown(case.target.kind, max_length)} {shown(case.target.id, max_length * 2)}".strip()),
        ("Approval", f"{case.standing.capitalize()}: {shown(case.standing_because, max_length * 3)}".rstrip(": ")),
        (
            "Decision",
            f"{case.decision.capitalize()} (mode {case.mode}): {shown(case.because, max_length * 3)}".rstrip(": "),
        ),
        ("If enforced", shown(case.would.removeprefix("would "), max_length * 3)),
        ("Plan", shown(case.summary, max_length * 3)),
        (_PROOF_IS.get(case.outcome, "Proof"), shown(case.proof, max_length * 3)),
        ("Undo", detection.remediation.undo if _was_done(case) and detection.remediation else ""),
        ("Detection", f"{shown(detection.title, max_length * 2)} ({detection.id}, guide row {detection.seed_row})"),
        ("Technique", shown(", ".join(map(str, detection.techniques)), max_length * 3)),
        ("Read by", _acknowledged(case, max_length)),
        ("Case", shown(case.id, max_length)),
    )
    return tuple(row for row in rows if row[1])


_PROOF_IS: Final[Mapping[Outcome, str]] = {Outcome.FAILED: "Failure", Outcome.LOCKED: "Locked"}
"""The label of `Case.proof` where it isn't what was read back."""


def _by_whom(case: Case, max_length: int) -> tuple[tuple[str, str], ...]:
    return (
        ("Who", f"{_actor(case, max_length)}, {_KINDS[case.actor.kind]} {shown(case.actor.id, max_length)}".strip()),
        ("From", shown(case.actor.address, max_length) or "the record has no address"),
    )


_KINDS: Final[Mapping[ActorKind, str]] = {
    ActorKind.USER: "user",
    ActorKind.SERVICE_PRINCIPAL: "application",
    ActorKind.UNKNOWN: "of unknown kind",
}


def _was_done(case: Case) -> bool:
    return ending_of(case) in {Ending.PUT_BACK, Ending.UNPROVED}


def _acknowledged(case: Case, max_length: int) -> str:
    if not case.acknowledged_by:
        return ""
    at = f" at {when(case.acknowledged_at)}" if case.acknowledged_at else ""
    return f"{shown(case.acknowledged_by, max_length)}{at}"


def when(instant: datetime) -> str:
    """Give an instant to the second, in UTC."""
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _timing(case: Case, change: str) -> str:
    """Say how long after the change the responder acted; "" where that would be negative, since clocks differ."""
    if _is_later(case.acted_at, case):
        return f"answered {_duration(case.acted_at - case.at)} after {change}, at {when(case.acted_at)}"
    if _is_later(case.opened_at, case):
        return f"noticed {_duration(case.opened_at - case.at)} after {change}, at {when(case.opened_at)}"
    return ""


def _is_later(instant: datetime | None, case: Case) -> TypeGuard[datetime]:
    return instant is not None and instant >= case.at


def _duration(passed: timedelta) -> str:
    seconds = int(passed.total_seconds())
    if seconds < 120:  # noqa: PLR2004 - two minutes
        return f"{seconds} s"
    minutes = seconds // 60
    if minutes < 120:  # noqa: PLR2004 - two hours
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"
