"""What was done, how it ended, and who did it."""

from typing import Final

from shared.detect.fields.kusto_terms import TARGET_ID, among
from shared.detect.fields.profile import consumer_tenant
from shared.model.conditions import KustoJoin, Label, Text, by_profile, in_sigma, spelt
from shared.model.events import AuditEvent, fold
from shared.model.profile import TenantProfile

_OUTCOMES: Final = frozenset({"success", "failure", "timeout", "unknownfuturevalue"})


def _without_full_stop(text: str) -> frozenset[str]:
    """Give an activity also without the full stop that the unified audit log ends its names with."""
    return frozenset({text, text.removesuffix(".")})


class ActivityFields:
    """Fields about what was done. `tenant` is "consumer" where the tenant may hold consumer accounts, else "other"."""

    activity: Text[AuditEvent] = Text(
        "activity",
        lambda event: fold(event.activity),
        kusto="Fold(coalesce(ActivityDisplayName, OperationName))",
        sigma=in_sigma(
            *("activityDisplayName", "operationName", "activityType", "activity", "message"),
            spellings=_without_full_stop,
        ),
    )
    category: Text[AuditEvent] = Text(
        "category", lambda event: fold(event.category), kusto="Fold(Category)", sigma=in_sigma("category")
    )
    service: Text[AuditEvent] = Text(
        "service",
        lambda event: fold(event.service),
        kusto="Fold(LoggedByService)",
        sigma=in_sigma("loggedByService", "service"),
    )
    outcome: Text[AuditEvent] = Text(
        "outcome",
        lambda event: fold(event.outcome),
        kusto="Fold(Result)",
        sigma=in_sigma(
            *("result", "status"),
            spellings=spelt({"succeeded": ("success",), "failed": ("failure",)}),
            is_right=_OUTCOMES.__contains__,
            right="success, failure or timeout",
        ),
    )
    reason: Text[AuditEvent] = Text(
        "reason",
        lambda event: fold(event.reason),
        kusto="Fold(ResultReason)",
        sigma=in_sigma("resultReason", "resultDescription", "statusReason"),
    )
    tenant: Text[AuditEvent] = consumer_tenant()


ACTOR_KUSTO: Final = "tolower(coalesce(tostring(InitiatedBy.user.id), tostring(InitiatedBy.app.servicePrincipalId)))"
"""The id that people are shown beside a match."""

_USER: Final = "strcat(InitiatedBy.user.id, InitiatedBy.user.userPrincipalName, InitiatedBy.user.displayName)"
_APP: Final = (
    "strcat(InitiatedBy.app.servicePrincipalId, InitiatedBy.app.displayName,"
    " InitiatedBy.app.servicePrincipalName, InitiatedBy.app.appId)"
)
_KIND_KUSTO: Final = (
    f'case(isnotempty({_USER}) == isnotempty({_APP}), "unknown", isnotempty({_USER}), "user", "serviceprincipal")'
)
_USER_LABEL: Final = "coalesce(tostring(InitiatedBy.user.userPrincipalName), tostring(InitiatedBy.user.displayName))"
_APP_LABEL: Final = (
    "coalesce(tostring(InitiatedBy.app.displayName), tostring(InitiatedBy.app.servicePrincipalName),"
    " tostring(InitiatedBy.app.appId))"
)
_LABEL_KUSTO: Final = (
    f'Fold(case(isnotempty({_USER}) and isnotempty({_APP}), strcat({_USER_LABEL}, " or ", {_APP_LABEL}),'
    f" isnotempty({_USER}), {_USER_LABEL}, {_APP_LABEL}))"
)
_ACTOR: Final = (
    f'iff(isnotempty({_USER}) and isnotempty({_APP}), "",'
    " Principal(coalesce(tostring(InitiatedBy.user.id), tostring(InitiatedBy.app.servicePrincipalId))))"
)
"""Nobody where a record names a user and an application, as in `normalize`."""

_IS_TARGET_KUSTO: Final = KustoJoin(
    rows=f"""Targets
    | where {TARGET_ID} == {_ACTOR}
    | summarize own = count() by Id""",
    value=f'case({_ACTOR} == "", "", own > 0, "self", "other")',
)


def _actor_is_target(event: AuditEvent) -> str:
    if not event.actor.id:
        return ""
    return "self" if event.actor.id in [target.id for target in event.targets] else "other"


def _actor_service(event: AuditEvent, profile: TenantProfile) -> str:
    if event.actor.id and event.actor.id in profile.cpim_ids:
        return "cpim"
    return "managed-identities" if event.actor.id and event.actor.id in profile.managed_identity_ids else ""


def _actor_service_kusto(profile: TenantProfile) -> str:
    cpim, managed = among(_ACTOR, profile.cpim_ids), among(_ACTOR, profile.managed_identity_ids)
    return f'case({cpim}, "cpim", {managed}, "managed-identities", "")'


class ActorFields:
    """Fields about who did it.

    - `actor`: the object id, "" where a record names a user and an application at once.
    - `actor_label`: a name that anybody can choose.
    - `actor_is_target`: "self" where somebody changed their own account, "other" where another's, "" for nobody.
    - `actor_service`: which of Microsoft's services acted ("cpim", "managed-identities"), by object id: a name proves
      nothing.
    """

    actor: Text[AuditEvent] = Text(
        "actor",
        lambda event: event.actor.id,
        kusto=_ACTOR,
    )
    actor_label: Text[AuditEvent] = Text("actor_label", lambda event: fold(event.actor.name), kusto=_LABEL_KUSTO)
    actor_kind: Text[AuditEvent] = Text("actor_kind", lambda event: fold(event.actor.kind), kusto=_KIND_KUSTO)
    address: Text[AuditEvent] = Text(
        "address",
        lambda event: fold(event.actor.address),
        kusto="Fold(tostring(InitiatedBy.user.ipAddress))",
        label=Label("IP address", "IP addresses"),
        sigma=in_sigma("initiatedBy.user.ipAddress", "ipAddress", "callerIpAddress"),
    )
    actor_is_target: Text[AuditEvent] = Text("actor_is_target", _actor_is_target, kusto=_IS_TARGET_KUSTO)
    actor_service: Text[AuditEvent] = by_profile(
        "actor_service", _actor_service, "cpim_ids", "managed_identity_ids", kusto=_actor_service_kusto
    )
