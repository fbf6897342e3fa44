"""Names of ids, for pages: an id whose name isn't known is shown as such, never left out."""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from shared.authority.standing import Approval
from shared.console.incidents import Incident
from shared.console.sentences import Named
from shared.model.bilingual import KOREAN
from shared.model.errors import ResponderError
from shared.model.privileges import WELL_KNOWN_NAMES
from shared.notify.wording import page_context_for
from shared.objects.history import Entry
from shared.respond.components import Runtime

_LABELS: Final[Mapping[str, tuple[str, str]]] = {
    "state": ("State", "상태"),
    "displayName": ("Name", "이름"),
    "members": ("Members", "구성원"),
    "owners": ("Owners", "소유자"),
    "conditions.users.includeUsers": ("Included users", "포함된 사용자"),
    "conditions.users.excludeUsers": ("Excluded users", "제외된 사용자"),
    "conditions.users.includeGroups": ("Included groups", "포함된 그룹"),
    "conditions.users.excludeGroups": ("Excluded groups", "제외된 그룹"),
    "conditions.users.includeRoles": ("Included roles", "포함된 역할"),
    "conditions.users.excludeRoles": ("Excluded roles", "제외된 역할"),
    "conditions.applications.includeApplications": ("Included applications", "포함된 애플리케이션"),
    "conditions.applications.excludeApplications": ("Excluded applications", "제외된 애플리케이션"),
    "conditions.locations.includeLocations": ("Included locations", "포함된 위치"),
    "conditions.locations.excludeLocations": ("Excluded locations", "제외된 위치"),
    "conditions.clientAppTypes": ("Client apps", "클라이언트 앱"),
    "grantControls": ("Access controls", "액세스 제어"),
    "grantControls.builtInControls": ("Access controls", "액세스 제어"),
    "grantControls.authenticationStrength": ("Authentication strength", "인증 강도"),
    "sessionControls.signInFrequency": ("Sign-in frequency", "로그인 빈도"),
    "roleDefinitionId": ("Role", "역할"),
    "principalId": ("Who has it", "받은 사람"),
    "scope": ("Scope", "범위"),
    "condition": ("Condition", "조건"),
    "ipRanges": ("Addresses", "IP 범위"),
    "isTrusted": ("Trusted", "신뢰할 수 있음"),
    "allowedCombinations": ("Allowed methods", "허용된 방법"),
}
"""Leaves and lists that people meet most, in English and Korean, in Microsoft's words."""


def label(leaf: str, language: str) -> str:
    """Name a property for people, "" for one that has only its path."""
    found = _LABELS.get(leaf)
    return "" if found is None else found[1] if language == KOREAN else found[0]


def names_for(runtime: Runtime, incident: Incident) -> Named:
    """Give what knows the names on the page of an incident: of its record, of approval lists and of the settings."""
    case = incident.case
    known: dict[str, str] = {**_approved(runtime), **page_context_for(case, runtime.settings).names}
    for target in incident.targets:
        known |= {target.id.lower(): target.name or target.upn} if target.id and (target.name or target.upn) else {}
    known |= {case.actor.id.lower(): case.actor.name} if case.actor.id and case.actor.name else {}
    return _by(known)


def well_known(incident: Incident) -> Named:
    """Give what knows the names in a row of a list, without reading anything."""
    actor = incident.case.actor
    return _by({actor.id.lower(): actor.name} if actor.name else {})


def names_in(runtime: Runtime, entries: Iterable[Entry]) -> Named:
    """Give what knows the names on the page of an object: of its history, of approval lists and of the settings."""
    known = {**_approved(runtime), **dict.fromkeys(runtime.settings.emergency_accounts, "break-glass account")}
    return _by({**{one.who_id.lower(): one.who for one in entries if one.who_id and one.who}, **known})


def _by(known: Mapping[str, str]) -> Named:
    return lambda each: known.get(each.lower()) or WELL_KNOWN_NAMES.get(each.lower(), "")


def _approved(runtime: Runtime) -> dict[str, str]:
    """Give the names on approval lists; none where they can't be read: a page without them is better than none."""
    try:
        rows = runtime.approvals.all()
    except (ResponderError, msgspec.MsgspecError):
        return {}
    return {actor: one.name for _, actor, one in rows if isinstance(one, Approval) and one.name}
