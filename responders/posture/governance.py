"""How privileged roles are watched over: access reviews, PIM's own alerts, and actions that ask for more.

Reviews and alerts are there with the licence of Privileged Identity Management only.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final, cast

from msgspec import Struct

from responders.posture.names import of_all, some_of
from responders.posture.roles import HOLDERS, ROLE_NAMES, role_name, where_licensed
from responders.posture.sign_in_policies import POLICIES
from shared.checks.check import Finding, Unread, failed, not_applicable, ok
from shared.checks.posture import PostureCheck, Stage
from shared.checks.snapshot import Part, Reading, Snapshot
from shared.model.calls import Call, Permission, Service
from shared.model.errors import Rejected
from shared.model.kinds import Image

LIST_REVIEWS: Final = Call(
    method="GET",
    service=Service.GRAPH,
    path="/identityGovernance/accessReviews/definitions",
    needs=(Permission.ACCESS_REVIEW_READ,),
)
LIST_PIM_ALERTS: Final = Call(
    method="GET",
    service=Service.GRAPH_BETA,
    path="/identityGovernance/roleManagementAlerts/alerts",
    needs=(Permission.ROLE_ALERT_READ,),
    why_beta="v1.0 has no alerts of Privileged Identity Management",
)
LIST_PROTECTED_ACTIONS: Final = Call(
    method="GET",
    service=Service.GRAPH_BETA,
    path="/roleManagement/directory/resourceNamespaces/microsoft.directory/resourceActions",
    needs=(Permission.ROLE_MANAGEMENT_READ,),
    why_beta="Microsoft's pages have the authentication context of an action in beta only",
)

ALERTS_OF_ROLES: Final = {"$filter": "scopeId eq '/' and scopeType eq 'DirectoryRole'"}
PROTECTABLE: Final = {
    "$filter": "isAuthenticationContextSettable eq true",
    "$select": "name,authenticationContextId,isAuthenticationContextSettable",
}

REVIEWED_WITHIN: Final = timedelta(days=183)
_ROLES_PATH: Final = "/rolemanagement/directory/"
_GUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DAYS: Final[Mapping[str, int]] = {
    "daily": 1,
    "weekly": 7,
    "absolutemonthly": 31,
    "relativemonthly": 31,
    "absoluteyearly": 366,
    "relativeyearly": 366,
}

MUST_BE_PROTECTED: Final = (
    "microsoft.directory/conditionalAccessPolicies/basic/update",
    "microsoft.directory/conditionalAccessPolicies/create",
    "microsoft.directory/conditionalAccessPolicies/delete",
    "microsoft.directory/namedLocations/basic/update",
    "microsoft.directory/namedLocations/delete",
)
"""By these an attacker with a stolen session takes the policies away that would have stopped him."""


class Review(Struct, frozen=True, kw_only=True):
    """An access review of roles. `again` is how long until the next; None for one that is held once."""

    name: str
    roles: frozenset[str]
    made: datetime
    again: timedelta | None
    until: date | None

    def counts(self, now: datetime) -> bool:
        """Whether it is held often enough, or was held lately."""
        if self.again is None:
            return now - self.made <= REVIEWED_WITHIN
        return self.again <= REVIEWED_WITHIN and (self.until is None or self.until >= now.date())


def _read_reviews(reading: Reading) -> Sequence[Review] | None:
    """Read the reviews that are about roles of the directory; None without the licence."""
    listed = where_licensed(reading.api, LIST_REVIEWS, {})
    return None if listed is None else [each for one in listed if (each := _review(one)).roles]


def _review(definition: Image) -> Review:
    settings = cast("Image", definition.get("settings") or {})
    recurrence = cast("Image", settings.get("recurrence") or {})
    pattern, span = (cast("Image", recurrence.get(name) or {}) for name in ("pattern", "range"))
    try:
        return Review(
            name=str(definition.get("displayName") or definition["id"]),
            roles=frozenset(_roles_in(definition.get("scope"))),
            made=datetime.fromisoformat(str(definition["createdDateTime"])).astimezone(UTC),
            again=_again(pattern),
            until=date.fromisoformat(str(span["endDate"])) if str(span.get("type")).lower() == "enddate" else None,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Rejected(f"an access review isn't as Graph writes it: {error!r}") from error


def _roles_in(scope: object) -> Iterator[str]:
    """Give the ids in every query of a scope that is about roles, however deep it stands."""
    if isinstance(scope, list):
        for each in cast("list[object]", scope):
            yield from _roles_in(each)
    elif isinstance(scope, dict):
        for each in cast("Image", scope).values():
            yield from _roles_in(each)
    elif isinstance(scope, str) and _ROLES_PATH in scope.lower():
        yield from _GUID.findall(scope.lower())


def _again(pattern: Image) -> timedelta | None:
    kind = str(pattern.get("type") or "").lower()
    if not kind:
        return None
    return timedelta(days=_DAYS[kind] * int(pattern.get("interval") or 1))


REVIEWS: Final = Part(
    id="access-reviews", title="the access reviews of roles", read=_read_reviews, calls=(LIST_REVIEWS,)
)


def _read_alerts(reading: Reading) -> Mapping[str, int] | None:
    """Read which of PIM's alerts are active, with how many incidents each; None without the licence."""
    listed = where_licensed(reading.api, LIST_PIM_ALERTS, ALERTS_OF_ROLES)
    if listed is None:
        return None
    if any(not isinstance(each.get("isActive"), bool) for each in listed):
        raise Rejected("Graph didn't say of an alert whether it is active")
    return {_alert_name(each): int(each.get("incidentCount") or 0) for each in listed if each["isActive"]}


def _alert_name(alert: Image) -> str:
    """Name an alert as its definition does: DirectoryRole_TENANT_StaleSignInAlert is StaleSignIn."""
    return str(alert.get("alertDefinitionId") or alert.get("id")).rpartition("_")[2].removesuffix("Alert")


ALERTS: Final = Part(id="pim-alerts", title="the alerts of PIM", read=_read_alerts, calls=(LIST_PIM_ALERTS,))


def _read_actions(reading: Reading) -> Mapping[str, str]:
    """Read by action, in lower case, which authentication context it asks for, "" for none."""
    listed = reading.api.list(LIST_PROTECTED_ACTIONS, query=PROTECTABLE)
    if not listed:
        raise Unread("Graph listed no action that could be protected")
    return {str(each.get("name")).lower(): str(each.get("authenticationContextId") or "").lower() for each in listed}


ACTIONS: Final = Part(
    id="protected-actions",
    title="which actions ask for an authentication context",
    read=_read_actions,
    calls=(LIST_PROTECTED_ACTIONS,),
)

PARTS: Final = (REVIEWS, ALERTS, ACTIONS)


def _reviewed(snapshot: Snapshot) -> list[Finding]:
    reviews = snapshot.of(REVIEWS)
    if reviews is None:
        return [not_applicable("without Entra ID P2 or ID Governance there are no access reviews")]
    held = {role for holder in snapshot.of(HOLDERS).values() for role in holder.roles}
    reviewed = {role for each in reviews if each.counts(snapshot.at) for role in each.roles}
    missing = held - reviewed
    if missing:
        names = some_of(role_name(snapshot, role) for role in missing)
        return [
            failed(f"no access review covers {of_all(missing, held)} privileged roles that somebody holds: {names}")
        ]
    return [
        ok(f"each of {len(held):,} privileged roles that somebody holds is reviewed within {REVIEWED_WITHIN.days} days")
    ]


def _no_alert(snapshot: Snapshot) -> list[Finding]:
    alerts = snapshot.of(ALERTS)
    if alerts is None:
        return [not_applicable("there is no PIM to raise alerts")]
    if alerts:
        names = some_of(f"{name} ({count:,})" for name, count in alerts.items())
        return [failed(f"active alerts, with how many they are about: {names}")]
    return [ok("PIM has no active alert")]


def _protected(snapshot: Snapshot) -> list[Finding]:
    actions, asked = snapshot.of(ACTIONS), set(_contexts_asked_for(snapshot))
    unprotected = {action: actions.get(action.lower(), "") for action in MUST_BE_PROTECTED}
    unprotected = {action: context for action, context in unprotected.items() if context not in asked}
    if not unprotected:
        return [ok("who changes conditional access is asked for more, whatever session they have")]
    names = some_of(
        f"{action} ({f'no enabled policy asks for context {context}' if context else 'no authentication context'})"
        for action, context in unprotected.items()
    )
    return [failed(f"{of_all(unprotected, MUST_BE_PROTECTED)} actions on conditional access are unprotected: {names}")]


def _contexts_asked_for(snapshot: Snapshot) -> Iterable[str]:
    """Give the contexts that an enabled policy is about; an action under any other asks for nothing."""
    for policy in (snapshot.of(POLICIES).policies or {}).values():
        conditions = cast("Image", policy.get("conditions") or {})
        applications = cast("Image", conditions.get("applications") or {})
        if policy.get("state") == "enabled":
            contexts = applications.get("includeAuthenticationContextClassReferences")
            yield from (str(each).lower() for each in cast("list[object]", contexts or []))


CHECKS: Final = (
    PostureCheck(
        id="admin-access-reviewed",
        stage=Stage.MONTHS,
        title="Who holds a privileged role, or is eligible for one, is reviewed at least every half year",
        why="Roles pile up with every change of a job.",
        passages=(58, 70, 71, 72),
        parts=(REVIEWS, HOLDERS, ROLE_NAMES),
        cure="In Identity Governance, PIM, Access reviews, make one of each role that repeats every half year or more.",
        run=_reviewed,
    ),
    PostureCheck(
        id="no-open-pim-alerts",
        stage=Stage.FIRST_DAYS,
        title="PIM has no active alert",
        why="It tells of roles that were given outside of PIM, and of administrators who no longer sign in.",
        passages=(9, 24, 45),
        parts=(ALERTS,),
        cure="In PIM, Microsoft Entra roles, Alerts, open each: Fix does what it recommends, Dismiss needs a reason.",
        run=_no_alert,
    ),
    PostureCheck(
        id="protected-actions-guarded",
        stage=Stage.HALF_A_YEAR,
        title="Whoever changes conditional access is asked for strong authentication again",
        why="With a stolen session alone an attacker switches off the policies that would have stopped him.",
        passages=(56, 93, 117),
        parts=(ACTIONS, POLICIES),
        always_applies="Every tenant has conditional access, or could be given some.",
        cure=(
            "In Roles and administrators, Protected actions, put the conditional access actions under an authentication"
            " context, and enable a policy for that context that asks for phishing-resistant MFA each time."
        ),
        run=_protected,
    ),
)
