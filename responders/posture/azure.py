"""Who owns the Azure subscriptions that the responder watches, and where their logs go."""

from collections.abc import Mapping, Sequence
from typing import Final, cast

from responders.kinds.diagnostic_settings import LIST_DIAGNOSTIC_SETTINGS
from responders.posture.names import some_of
from responders.rosters import LIST_ROLE_ASSIGNMENTS
from shared.checks.check import Finding, failed, not_applicable, ok
from shared.checks.posture import PostureCheck, Stage
from shared.checks.snapshot import Part, Reading, Snapshot
from shared.model.errors import Rejected
from shared.model.kinds import Image

_OWNER: Final = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
_MOST_OWNERS: Final = 3
"""Microsoft Defender for Cloud's own recommendation."""


def _read_owners(reading: Reading) -> Mapping[str, Sequence[str]]:
    return {
        subscription: sorted(
            {
                str(each["properties"]["principalId"]).lower()
                for each in reading.api.list(LIST_ROLE_ASSIGNMENTS, subscription=subscription)
                if _owns(each, subscription)
            }
        )
        for subscription in sorted(reading.api.tenant.subscriptions)
    }


def _owns(assignment: Image, subscription: str) -> bool:
    """Whether an assignment makes its holder owner of the subscription, there or above it."""
    try:
        properties = assignment["properties"]
        role, scope = str(properties["roleDefinitionId"]).lower(), str(properties["scope"]).lower().rstrip("/")
    except (KeyError, TypeError) as error:
        raise Rejected(f"an assignment isn't as Azure writes it: {error!r}") from error
    is_below = scope.startswith("/subscriptions/") and scope != f"/subscriptions/{subscription.lower()}"
    return role.rpartition("/")[2] == _OWNER and not is_below


OWNERS_OF_SUBSCRIPTIONS: Final = Part(
    id="subscription-owners",
    title="the owners of the subscriptions",
    read=_read_owners,
    calls=(LIST_ROLE_ASSIGNMENTS,),
)

_DESTINATIONS: Final = ("workspaceId", "storageAccountId", "eventHubAuthorizationRuleId", "marketplacePartnerId")
_WANTED: Final = "administrative"


def _read_exports(reading: Reading) -> Mapping[str, Sequence[str]]:
    """Read by which settings each subscription's activity log goes somewhere, with who did what in it."""
    return {
        subscription: sorted(
            str(each.get("name"))
            for each in reading.api.list(LIST_DIAGNOSTIC_SETTINGS, scope=f"/subscriptions/{subscription}")
            if _exports(cast("Image", each.get("properties") or {}))
        )
        for subscription in sorted(reading.api.tenant.subscriptions)
    }


def _exports(setting: Image) -> bool:
    logs = cast("list[Image]", setting.get("logs") or [])
    kept = {str(each.get("category") or each.get("categoryGroup")).lower() for each in logs if each.get("enabled")}
    return any(setting.get(name) for name in _DESTINATIONS) and bool(kept & {_WANTED, "alllogs"})


EXPORTS: Final = Part(
    id="activity-log-exports",
    title="where the activity logs go",
    read=_read_exports,
    calls=(LIST_DIAGNOSTIC_SETTINGS,),
)

PARTS: Final = (OWNERS_OF_SUBSCRIPTIONS, EXPORTS)


def _few(snapshot: Snapshot) -> list[Finding]:
    owners = snapshot.of(OWNERS_OF_SUBSCRIPTIONS)
    if not owners:
        return [not_applicable("no subscription is watched")]
    return [
        failed(f"{subscription} has {len(who)} owners: {some_of(who)}")
        if len(who) > _MOST_OWNERS
        else ok(f"{subscription} has {len(who)} owners")
        for subscription, who in owners.items()
    ]


def _exported(snapshot: Snapshot) -> list[Finding]:
    exports = snapshot.of(EXPORTS)
    if not exports:
        return [not_applicable("no subscription is watched")]
    return [
        ok(f"{subscription}: {some_of(names)}")
        if names
        else failed(f"{subscription}: nothing keeps who did what; Azure does so for 90 days")
        for subscription, names in exports.items()
    ]


CHECKS: Final = (
    PostureCheck(
        id="activity-logs-exported",
        stage=Stage.MONTHS,
        title="The activity log of each subscription is kept somewhere else",
        why="Whoever owns the subscription waits until Azure has forgotten what he did.",
        passages=(55, 85, 94),
        parts=(EXPORTS,),
        cure="In the subscription, Activity log, Export, add a setting with Administrative, to a workspace or account.",
        run=_exported,
    ),
    PostureCheck(
        id="azure-owners-few",
        stage=Stage.MONTHS,
        title="No subscription has more than three owners",
        why="Each owner can give anybody any role in it, and switch the logs off.",
        passages=(54, 59, 83, 84),
        parts=(OWNERS_OF_SUBSCRIPTIONS,),
        cure="Give those who don't give roles Contributor or less, best eligible in PIM for Azure resources.",
        run=_few,
    ),
)
