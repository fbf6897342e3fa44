"""What comes in: the audit log, the sign-in log, snapshots, events."""

from datetime import datetime, timedelta
from typing import Final

from shared.catalog import Inventory, TenantKind
from shared.deliveries import last_delivery
from shared.doctor.each import look_at_each
from shared.doctor.findings import Check, Finding, failed, ok, warning
from shared.doctor.ground import Ground
from shared.poll import Source, is_unlicensed, polled_until
from shared.settings import Tenant
from shared.speaks import lasting

_POLL_WITHIN: Final = timedelta(minutes=15)
"""A poll every two minutes is the default; several may fail before anybody should mind."""

LICENCE_CURE: Final = (
    "Graph gives sign-ins to tenants with Entra ID P1 or P2 alone: license the tenant, or set SIGN_INS to off."
)
_LATEST_SIGN_IN: Final = "SigninLogs | summarize latest = max(TimeGenerated)"
_QUIET_WORKSPACE: Final = timedelta(days=1)
_SNAPSHOT_WITHIN: Final = timedelta(hours=1)
_QUIET: Final = timedelta(days=30)


def ago(gone: timedelta) -> str:
    """Say how long ago something was, in the largest unit that fits."""
    seconds = max(0, int(gone.total_seconds()))
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"


def _fresh(ground: Ground, what: str, at: datetime | None, within: timedelta) -> list[Finding]:
    if at is None:
        return [failed(f"{what}: never yet")]
    gone = ground.clock() - at
    text = f"{what}: {ago(gone)}"
    return [ok(text) if gone <= within else failed(text)]


def _audit_polls(ground: Ground) -> list[Finding]:
    return _polls(ground, ground.content.audit_log)


def _sign_in_polls(ground: Ground) -> list[Finding]:
    if not ground.settings.polls_sign_ins:
        return [ok("SIGN_INS is off: no detection looks at sign-ins that come by Graph")]
    return _polls(ground, ground.content.sign_in_log)


def _polls(ground: Ground, source: Source) -> list[Finding]:
    def look(tenant: Tenant) -> list[Finding]:
        if is_unlicensed(ground.storage, source, tenant.id):
            return [failed(f"{tenant.name}: the tenant has no licence for the {source.name}", cure=LICENCE_CURE)]
        at = polled_until(ground.storage, source, tenant.id)
        return _fresh(ground, f"{tenant.name}, read", at, _POLL_WITHIN)

    return look_at_each(ground.tenants(), lambda tenant: tenant.name, look)


def _counts(ground: Ground) -> list[Finding]:
    workspace = ground.machine.workspace
    if workspace is None:
        return [ok("LOG_WORKSPACE_ID is empty: the app counts sign-ins itself")]
    (answer,) = workspace.rows(_LATEST_SIGN_IN, over=_QUIET_WORKSPACE)
    latest = answer["latest"]
    if latest is None:
        return [failed(f"no sign-in reached the workspace in the last {lasting(_QUIET_WORKSPACE)}")]
    return [ok(f"the latest sign-in in the workspace: {ago(ground.clock() - latest)}")]


def _snapshots(ground: Ground) -> list[Finding]:
    def look(pair: tuple[Inventory, Tenant]) -> list[Finding]:
        inventory, tenant = pair
        at = ground.machine.snapshots.confirmed_at(tenant.id, inventory.kind)
        return _fresh(ground, f"{tenant.name}, {inventory.kind}", at, _SNAPSHOT_WITHIN)

    pairs = [(each, tenant) for each in ground.content.inventories for tenant in ground.tenants(each.tenant_kind)]
    return look_at_each(pairs, lambda pair: f"{pair[1].name}, {pair[0].kind}", look)


def _events(ground: Ground) -> list[Finding]:
    (tenant,) = ground.tenants(TenantKind.WORKFORCE)

    def look(subscription: str) -> list[Finding]:
        at = last_delivery(ground.storage, subscription)
        if since := ground.asked.since:
            return [_delivered_since(subscription, at, since)]
        if at is None:
            return [warning(f"subscription {subscription}: none yet")]
        gone = ground.clock() - at
        text = f"subscription {subscription}: the last one {ago(gone)}"
        return [ok(text) if gone <= _QUIET else warning(text)]

    return look_at_each(sorted(tenant.subscriptions), lambda subscription: f"subscription {subscription}", look)


def _delivered_since(subscription: str, at: datetime | None, since: datetime) -> Finding:
    """Say whether something came after a change that somebody made on purpose."""
    if at is None or at < since:
        last = f"the last one came at {at:%Y-%m-%dT%H:%M:%SZ}" if at else "none ever came"
        return failed(f"subscription {subscription}: none since {since:%Y-%m-%dT%H:%M:%SZ}; {last}")
    return ok(f"subscription {subscription}: one came at {at:%Y-%m-%dT%H:%M:%SZ}")


_RUNS: Final = (
    "See what {} last logged (Application Insights, or the host's log). Timers that stopped after a deployment start"
    " again when the app is restarted."
)

CHECKS: Final = (
    Check(
        id="audit-log-polled",
        title="The audit log is read",
        cure=_RUNS.format("poll_directory_audits"),
        run=_audit_polls,
    ),
    Check(
        id="sign-ins-polled",
        title="The sign-in log is read",
        cure=_RUNS.format("poll_sign_ins"),
        run=_sign_in_polls,
    ),
    Check(
        id="workspace-answers",
        title="Sign-ins are counted",
        cure="Give the responder's identity Log Analytics Data Reader on the workspace (signInWorkspaceId in the"
        " Bicep), and send SignInLogs there by Entra's diagnostic settings.",
        run=_counts,
    ),
    Check(
        id="snapshots-fresh",
        title="The last known good is kept",
        cure=_RUNS.format("take_snapshots"),
        run=_snapshots,
    ),
    Check(
        id="events-arriving",
        title="Event Grid delivers changes of Azure roles",
        cure="Give somebody a role and take it away again: the event should be here in a minute. If not, look at the"
        " delivery errors of the subscription's Event Grid topic and at the queues resource-events and"
        " resource-events-poison, then deploy again (infra/scripts/deploy.sh), which makes the event subscriptions.",
        run=_events,
    ),
)
