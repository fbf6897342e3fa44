"""A case in words: what happened, what came of it, what a tired person does next. Every channel says the same.

Texts from the tenant go through `legible` here, so what these functions give may stand in a line of plain text.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, TypeGuard, assert_never

from msgspec import Struct

from shared.model.cases import Case, Decision, Outcome, Standing
from shared.model.detections import AnyDetection
from shared.model.escape import quoted, told
from shared.model.events import ActorKind, Log
from shared.model.kinds import ApprovalList, Mode
from shared.model.owners import Owner
from shared.model.settings import Settings

_BY_ACTOR: Final = " by an unapproved actor"
_VOWELS: Final = frozenset("aeioAEIO")
_ROLE_ASSIGNMENTS: Final = "/providers/microsoft.authorization/roleassignments/"
_THINGS: Final[Mapping[ApprovalList, str]] = {
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


def _thing(detection: AnyDetection) -> str:
    """Name the kind of object that a detection is about."""
    return _THINGS[detection.unless_actor_in] if detection.unless_actor_in else "object"


class Notice(Struct, frozen=True, kw_only=True):
    """What a page tells besides the case: whom it mentions, where to click, what ids are called.

    `names` has ids in lower case. `place` is how many owners were paged before these without an answer.
    """

    owners: tuple[Owner, ...] = ()
    tenant_name: str = ""
    case_link: str = ""
    names: Mapping[str, str] = {}
    place: int = 0


def notice_for(case: Case, settings: Settings, *, owners: tuple[Owner, ...] = (), place: int = 0) -> Notice:
    """Gather from the settings what a page about `case` tells."""
    tenant = settings.tenant(case.tenant_id)
    names = dict.fromkeys(settings.protected_principals, "protected principal")
    names |= {tenant.responder_id: "the responder" for tenant in settings.tenants if tenant.responder_id}
    names |= dict.fromkeys(settings.emergency_accounts, "break-glass account")
    return Notice(
        owners=owners,
        tenant_name=tenant.name if tenant else "a tenant that isn't configured",
        case_link=settings.case_link.replace("{case}", case.id),
        names=names,
        place=place,
    )


class Ending(StrEnum):
    """How a case stands, as the one thing that is read first."""

    PUT_BACK = "Put back"
    ALREADY = "Nothing left to put back"
    UNPROVED = "Check this, it isn't proved that it was put back"
    FAILED = "Could not be put back"
    LOCKED = "Needs you, a lock keeps it from being put back"
    UNDER_WAY = "Being put back"
    NEEDS_YOU = "Needs you"
    GIVEN_UP = "Needs you, the responder had to give up"
    OBSERVED = "Only observed, nothing was done"
    RECORDED = "Recorded"


def ending_of(case: Case) -> Ending:
    """Say how a case stands."""
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


def headline(case: Case, detection: AnyDetection, *, most: int) -> str:
    """Tell the case in one sentence. `most` is how long a text from the tenant may be, here and below."""
    what, by, rest = detection.title.partition(_BY_ACTOR)
    told_what = told(what if by and not rest else detection.title, most * 2)
    if detection.counted:
        whose = "" if _is_of_all(case) else f", {quoted(case.target.name or case.target.id, most)}"
        return f"{ending_of(case)}: {told_what}{whose}"
    if is_sign_in(detection):
        return f"{ending_of(case)}: {told_what}, {_actor(case, most)}"
    asked = case.actor.id and (detection.unless_actor_in or case.standing is not Standing.UNKNOWN)
    standing = f", {_STANDINGS[case.standing]}" if asked else ""
    return f"{ending_of(case)}: {told_what} by {_actor(case, most)}{standing}"


_STANDINGS: Final[Mapping[Standing, str]] = {
    Standing.APPROVED: "who is approved",
    Standing.UNAPPROVED: "who isn't approved",
    Standing.UNKNOWN: "who may or may not be approved",
}


def is_sign_in(detection: AnyDetection) -> bool:
    """Say whether it is about one sign-in, by which nothing was changed that could be undone."""
    return detection.log is Log.SIGN_IN and not detection.counted


def _actor(case: Case, most: int) -> str:
    if case.actor.name:
        return quoted(case.actor.name, most)
    return told(case.actor.id, most) if case.actor.id else "somebody the record doesn't name"


def subject(case: Case, detection: AnyDetection, notice: Notice, *, most: int) -> str:
    """Name the object, the tenant and the risk. A role assignment has no name of its own, so its scope is told."""
    if detection.counted:
        return f"{_counted_of(case, notice, most)}, {detection.risk} risk"
    thing = _thing(detection) if detection.unless_actor_in else told(case.target.kind, most) or _thing(detection)
    scope, found, _ = case.target.id.partition(_ROLE_ASSIGNMENTS)
    name = scope if found else case.target.name or case.target.id
    named = f"{thing[0].upper()}{thing[1:]} {'at ' if found else ''}{quoted(name, most * 2)}"
    where = f" in {told(notice.tenant_name, most)}" if notice.tenant_name else ""
    article = "An" if thing[0] in _VOWELS else "A"
    return f"{named if name else f'{article} {thing} that the record does not name'}{where}, {detection.risk} risk"


def _is_of_all(case: Case) -> bool:
    """Say whether the records of a whole tenant were counted together."""
    return case.target.id == case.tenant_id


def _counted_of(case: Case, notice: Notice, most: int) -> str:
    """Say whose records were counted: one account's, one address's, a whole tenant's."""
    tenant = told(notice.tenant_name, most)
    if _is_of_all(case):
        return f"All of {tenant or 'the tenant'}"
    where = f" in {tenant}" if tenant else ""
    return f"{told(case.target.kind, most)} {quoted(case.target.name or case.target.id, most * 2)}{where}"


def result(case: Case, *, most: int) -> str:
    """Say what came of it, or why nothing did."""
    match ending_of(case):
        case Ending.PUT_BACK:
            return _proved(case, most)
        case Ending.ALREADY | Ending.UNPROVED | Ending.FAILED | Ending.LOCKED:
            return _sentence(case.proof or case.because, most)
        case Ending.UNDER_WAY:
            return _sentence(case.summary or case.because, most)
        case Ending.NEEDS_YOU if case.standing is Standing.UNKNOWN:
            return _sentence(": ".join(part for part in (case.because, case.standing_because) if part), most)
        case Ending.NEEDS_YOU | Ending.GIVEN_UP | Ending.RECORDED:
            return _sentence(case.because, most)
        case Ending.OBSERVED:
            return f"{_sentence(case.because, most)} In mode enforce it {_sentence(case.would, most, capital=False)}"


def _proved(case: Case, most: int) -> str:
    """Tell how long the change was in force and what was read back; also what was done, where no changes are shown."""
    stood = f"It was in force for {_span(case.acted_at - case.at)}." if _is_later(case.acted_at, case) else ""
    done = "" if case.target.changes else f"Done: {_sentence(case.summary, most, capital=False)}"
    proof = f"Read back: {_sentence(case.proof, most, capital=False)}"
    return " ".join(part for part in (stood, done, proof) if part)


def _sentence(text: str, most: int, *, capital: bool = True) -> str:
    if not text:
        return ""
    said = told(f"{text[0].upper()}{text[1:]}" if capital else text, most * 3)
    return said if said.endswith((".", "!", "?")) else f"{said}."


def what_changed(detection: AnyDetection) -> str:
    """Give the title of the list of changes, of figures, or of what is told of a sign-in."""
    if detection.counted:
        return "What was counted"
    return "The sign-in" if is_sign_in(detection) else "What changed"


def next_steps(case: Case, detection: AnyDetection, *, most: int) -> tuple[str, ...]:
    """Say what to do now, the most urgent first."""
    ending = ending_of(case)
    if ending is Ending.RECORDED and case.standing is Standing.APPROVED:
        return ("Nothing.",)
    wanted = case.actor.id and detection.unless_actor_in and ending in {Ending.PUT_BACK, Ending.NEEDS_YOU}
    approve = (_approve(case, detection, most),) if wanted else ()
    # Of a sign-in the first step says whom to ask; nobody should be told to block a break-glass account.
    ask = () if detection.counted or is_sign_in(detection) else (_ask(case, most),)
    return (*_urgent_steps(case, detection), *_command(case, most), *ask, *approve)


def _command(case: Case, most: int) -> tuple[str, ...]:
    """Give what a person can run, whole: half a command is worse than none."""
    if not case.by_hand:
        return ()
    told_command = told(case.by_hand, most * 10)
    if ending_of(case) is Ending.LOCKED:
        return (f"The command for it: {told_command}",)
    return (f"The responder may not do it. Who may, runs: {told_command}",) if _is_for_people(case) else ()


def _is_for_people(case: Case) -> bool:
    return ending_of(case) in {Ending.NEEDS_YOU, Ending.GIVEN_UP}


def _urgent_steps(case: Case, detection: AnyDetection) -> tuple[str, ...]:
    thing = _thing(detection)
    first_step = _first_step(detection)
    still_so = first_step or f"The change is still in force: {_by_hand(case, thing)}"
    match ending_of(case):
        case Ending.PUT_BACK | Ending.ALREADY | Ending.RECORDED:
            return ()
        case Ending.UNPROVED:
            check = "check that the change is gone. If it isn't, undo it by hand"
            check = (
                "check that it stands as “Put back” says below. If not, set it so by hand" if case.put_back else check
            )
            return (f"Open the {thing} and {check}.",)
        case Ending.FAILED | Ending.GIVEN_UP:
            return (still_so, *_grants(case, detection))
        case Ending.NEEDS_YOU:
            return (_needed(case, detection, thing),)
        case Ending.LOCKED | Ending.UNDER_WAY | Ending.OBSERVED as same:
            return (_SAME_STEPS[same],)


_SAME_STEPS: Final[Mapping[Ending, str]] = {
    Ending.LOCKED: (
        "The change is still in force. Remove the lock: within ten minutes the responder puts it back by itself and"
        " says so. Then set the lock again."
    ),
    Ending.UNDER_WAY: "Wait a minute, then look at the case again.",
    Ending.OBSERVED: "Nothing was changed. Say whether you would have wanted it: that tells when to enforce.",
}
"""What to do where it doesn't depend on the case."""


def _first_step(detection: AnyDetection) -> str:
    """Say what a person does first where there is no change to undo by hand."""
    if detection.first_step:
        return detection.first_step
    if detection.counted:
        return _LOOK_AT_THEM
    return _LOOK_AROUND if is_sign_in(detection) else ""


_LOOK_AT_THEM: Final = "Look at these records in the log, and find what they have in common and who is behind them."

_LOOK_AROUND: Final = "Look at the account's other sign-ins around it, and ask its owner by phone whether it was them."


def _needed(case: Case, detection: AnyDetection, thing: str) -> str:
    """Say what to do first about a change that only people can answer."""
    unknown = case.standing is Standing.UNKNOWN and case.actor.id and detection.unless_actor_in
    unsure = "Find out whether they may do this. " if unknown else ""
    if first_step := _first_step(detection):
        return f"{unsure}{first_step}"
    held_back = case.standing is Standing.UNAPPROVED and case.mode is Mode.ENFORCE
    mind = "mind why the responder didn't (above), then " if held_back else ""
    return f"{unsure}The change is still in force. Unless it is wanted: {mind}{_by_hand(case, thing)}"


def _by_hand(case: Case, thing: str) -> str:
    if case.put_back:
        return f"open the {thing} and set it by hand to what “To put back” says below."
    return f"open the {thing} and undo by hand what “What changed” says below."


def _ask(case: Case, most: int) -> str:
    who = _actor(case, most)
    if not case.actor.id:
        return "Find out who it was: the record names nobody. The sign-in log of that minute is the place to look."
    if case.actor.kind is ActorKind.SERVICE_PRINCIPAL:
        return (
            f"Ask the owners of application {who} whether it was them. If not: disable it and remove its credentials."
        )
    return (
        f"Ask {who} by phone whether it was them; mail and chat may be in other hands."
        " If not, or if nobody answers: block the account and revoke its sessions."
    )


def _approve(case: Case, detection: AnyDetection, most: int) -> str:
    again = ", then have it made again" if ending_of(case) is Ending.PUT_BACK else ""
    actor = told(case.actor.id, most)
    return f"If it was wanted: approve {actor} in list {detection.unless_actor_in}{again}."


def _grants(case: Case, detection: AnyDetection) -> tuple[str, ...]:
    """Name the permissions that a refusal named; clients write them into the error's text."""
    said = f"{case.proof} {case.because}"
    wanted = [permission.value for permission in detection.needs if permission.value in said]
    return (f"Grant the responder what it was refused for: {', '.join(wanted)}.",) if wanted else ()


def facts(case: Case, detection: AnyDetection, notice: Notice, *, most: int) -> tuple[tuple[str, str], ...]:
    """List what is known of a case: label and text. What isn't known is left out, except who, from where and when.

    Of a count, who and from where is what many records would each say.
    """
    rows = (
        *(() if detection.counted else _by_whom(case, most)),
        ("When", when(case.at)),
        ("Took", _took(case, "the last of them" if detection.counted else "the change")),
        ("Tenant", f"{told(notice.tenant_name, most)} {told(case.tenant_id, most)}".strip()),
        ("Object", f"{told(case.target.kind, most)} {told(case.target.id, most * 2)}".strip()),
        ("Approval", f"{case.standing.capitalize()}: {told(case.standing_because, most * 3)}".rstrip(": ")),
        ("Decision", f"{case.decision.capitalize()} (mode {case.mode}): {told(case.because, most * 3)}".rstrip(": ")),
        ("Would", told(case.would.removeprefix("would "), most * 3)),
        ("Plan", told(case.summary, most * 3)),
        (_PROOF_IS.get(case.outcome, "Proof"), told(case.proof, most * 3)),
        ("Undo", detection.remediation.undo if _was_done(case) and detection.remediation else ""),
        ("Detection", f"{told(detection.title, most * 2)} ({detection.id}, guide row {detection.seed_row})"),
        ("Technique", told(", ".join(map(str, detection.techniques)), most * 3)),
        ("Read by", _acknowledged(case, most)),
        ("Case", told(case.id, most)),
    )
    return tuple(row for row in rows if row[1])


_PROOF_IS: Final[Mapping[Outcome, str]] = {Outcome.FAILED: "Failure", Outcome.LOCKED: "Locked"}
"""What the text is called that says what was read back, where nothing was."""


def _by_whom(case: Case, most: int) -> tuple[tuple[str, str], ...]:
    return (
        ("Who", f"{_actor(case, most)}, {_KINDS[case.actor.kind]} {told(case.actor.id, most)}".strip()),
        ("From", told(case.actor.address, most) or "the record has no address"),
    )


_KINDS: Final[Mapping[ActorKind, str]] = {
    ActorKind.USER: "user",
    ActorKind.SERVICE_PRINCIPAL: "application",
    ActorKind.UNKNOWN: "of unknown kind",
}


def _was_done(case: Case) -> bool:
    return ending_of(case) in {Ending.PUT_BACK, Ending.UNPROVED}


def _acknowledged(case: Case, most: int) -> str:
    if not case.acknowledged_by:
        return ""
    at = f" at {when(case.acknowledged_at)}" if case.acknowledged_at else ""
    return f"{told(case.acknowledged_by, most)}{at}"


def when(instant: datetime) -> str:
    """Give an instant to the second, in UTC."""
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _took(case: Case, change: str) -> str:
    """Say how long it was from the change to the answer; clocks that disagree by more than that give nothing."""
    if _is_later(case.acted_at, case):
        return f"answered {_span(case.acted_at - case.at)} after {change}, at {when(case.acted_at)}"
    if _is_later(case.opened_at, case):
        return f"noticed {_span(case.opened_at - case.at)} after {change}, at {when(case.opened_at)}"
    return ""


def _is_later(instant: datetime | None, case: Case) -> TypeGuard[datetime]:
    return instant is not None and instant >= case.at


def _span(passed: timedelta) -> str:
    seconds = int(passed.total_seconds())
    if seconds < 120:  # noqa: PLR2004 - two minutes
        return f"{seconds} s"
    minutes = seconds // 60
    if minutes < 120:  # noqa: PLR2004 - two hours
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"
