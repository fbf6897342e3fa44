"""The sentences about a case: its headline, its object, and what came of it. They are the same for every channel.

Text from the tenant goes through `shared.model.escape` here, so the sentences can be used as plain text.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, TypeGuard

from msgspec import Struct

from shared.model.cases import Case, Standing
from shared.model.detections import AnyDetection
from shared.model.escape import quoted, shown
from shared.model.events import Log
from shared.model.kinds import ApprovalList
from shared.model.notices import Owner
from shared.model.settings import Settings
from shared.notify.endings import Ending, ending_of

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


def object_name_of(detection: AnyDetection) -> str:
    """Name the kind of object that a detection is about."""
    return _OBJECT_NAMES[detection.unless_actor_in] if detection.unless_actor_in else "object"


class PageContext(Struct, frozen=True, kw_only=True):
    """What a page shows besides the case: the owners to mention, the link to the case's page, and names of ids.

    The ids in `names` are in lower case. `place` is the number of owners who were paged before and didn't acknowledge.
    `is_again`: it may have come already.
    """

    owners: tuple[Owner, ...] = ()
    tenant_name: str = ""
    case_link: str = ""
    names: Mapping[str, str] = {}
    place: int = 0
    is_again: bool = False


def page_context_for(
    case: Case, settings: Settings, *, owners: tuple[Owner, ...] = (), place: int = 0, is_again: bool = False
) -> PageContext:
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
        is_again=is_again,
    )


def headline(case: Case, detection: AnyDetection, *, max_length: int) -> str:
    """Describe the case in one sentence.

    `max_length` is the number of characters after which a text from the tenant is cut, here and in the functions below.
    """
    title = change_text(detection, max_length=max_length)
    if detection.counted:
        whose = "" if _is_whole_tenant(case) else f", {quoted(case.target.name or case.target.id, max_length)}"
        return f"{ending_of(case)}: {title}{whose}"
    if is_sign_in(detection):
        return f"{ending_of(case)}: {title}, {actor_text(case, max_length)}"
    asked = case.actor.id and (detection.unless_actor_in or case.standing is not Standing.UNKNOWN)
    standing = f", {_STANDINGS[case.standing]}" if asked else ""
    return f"{ending_of(case)}: {title} by {actor_text(case, max_length)}{standing}"


def change_text(detection: AnyDetection, *, max_length: int) -> str:
    """Say what happened, without by whom."""
    what, by, rest = detection.title.partition(_BY_ACTOR)
    return shown(what if by and not rest else detection.title, max_length * 2)


_STANDINGS: Final[Mapping[Standing, str]] = {
    Standing.APPROVED: "who is approved",
    Standing.UNAPPROVED: "who isn't approved",
    Standing.UNKNOWN: "whose approval is unknown",
}


def is_sign_in(detection: AnyDetection) -> bool:
    """Say whether the detection is about single sign-ins, which change nothing that could be undone."""
    return detection.log is Log.SIGN_IN and not detection.counted


def actor_text(case: Case, max_length: int) -> str:
    """Name the actor: by name, else by object id."""
    if case.actor.name:
        return quoted(case.actor.name, max_length)
    return shown(case.actor.id, max_length) if case.actor.id else "somebody the record doesn't name"


def subject(case: Case, detection: AnyDetection, page_context: PageContext, *, max_length: int) -> str:
    """Name the object, the tenant and the risk."""
    if detection.counted:
        return f"{_counted_of(case, page_context.tenant_name, max_length)}, {detection.risk} risk"
    where = f" in {shown(page_context.tenant_name, max_length)}" if page_context.tenant_name else ""
    risk = detection.risk.at_most(case.at_most)
    return f"{object_text(case, detection, max_length=max_length)}{where}, {risk} risk"


def object_text(case: Case, detection: AnyDetection, *, max_length: int) -> str:
    """Name the object, or what was counted. A role assignment has no name, so its scope is given."""
    if detection.counted:
        return _counted_of(case, "", max_length)
    object_name = (
        object_name_of(detection)
        if detection.unless_actor_in
        else shown(case.target.kind, max_length) or object_name_of(detection)
    )
    scope, found, _ = case.target.id.partition(_ROLE_ASSIGNMENTS)
    name = scope if found else case.target.name or case.target.id
    named = f"{object_name[0].upper()}{object_name[1:]} {'at ' if found else ''}{quoted(name, max_length * 2)}"
    article = "An" if object_name[0] in _VOWELS else "A"
    return named if name else f"{article} {object_name} that the record does not name"


def _is_whole_tenant(case: Case) -> bool:
    """Say whether the records of the whole tenant were counted together."""
    return case.target.id == case.tenant_id


def _counted_of(case: Case, tenant_name: str, max_length: int) -> str:
    """Say whose records were counted: those of one account, one address or the whole tenant."""
    tenant = shown(tenant_name, max_length)
    if _is_whole_tenant(case):
        return f"The whole tenant {tenant}".rstrip()
    where = f" in {tenant}" if tenant else ""
    return f"{shown(case.target.kind, max_length)} {quoted(case.target.name or case.target.id, max_length * 2)}{where}"


def result(case: Case, *, max_length: int) -> str:
    """Say what was done and how it was confirmed, or why nothing was done."""
    match ending_of(case):
        case Ending.PUT_BACK:
            return _proved(case, max_length)
        case Ending.ALREADY | Ending.UNPROVED | Ending.FAILED | Ending.PENDING:
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
        f"The change was in force for {duration(case.acted_at - case.at)}." if is_later(case.acted_at, case) else ""
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


def when(instant: datetime) -> str:
    """Give an instant to the second, in UTC."""
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def is_later(instant: datetime | None, case: Case) -> TypeGuard[datetime]:
    """Say whether an instant is known and not before the case's event."""
    return instant is not None and instant >= case.at


def duration(passed: timedelta) -> str:
    """Give a duration in words: "8 s", "5 min", "3 h 4 min"."""
    seconds = int(passed.total_seconds())
    if seconds < 120:  # noqa: PLR2004 - two minutes
        return f"{seconds} s"
    minutes = seconds // 60
    if minutes < 120:  # noqa: PLR2004 - two hours
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"
