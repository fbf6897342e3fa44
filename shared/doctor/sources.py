"""What the app reads and receives: the audit log, the sign-in log, snapshots, rosters, events."""

from datetime import datetime, timedelta
from typing import Final

from shared.checks.check import Check, Finding, failed, ok, unknown, warning
from shared.checks.run import look_at_each
from shared.detect.aggregation.describe import lasting
from shared.detect.rosters import Roster
from shared.doctor.context import DoctorContext, runtime_of, settings_of
from shared.ingest.coverage import AUDITS, QUIET_EVENTS, QUIET_STREAM, SWEPT_WITHIN, only_read_by
from shared.ingest.lateness import lateness_of
from shared.ingest.poll import is_unlicensed, polled_until
from shared.ingest.stream import arrivals
from shared.ingest.unread import read_unread
from shared.model.kinds import TenantKind
from shared.model.object_kinds import Kind
from shared.model.settings import Tenant
from shared.model.sources import Source
from shared.respond.delivery_times import last_delivery
from shared.respond.sweep import may_be_unread, swept_at

_POLL_WITHIN: Final = timedelta(minutes=15)
"""A poll every two minutes is the default; several may fail before anybody should mind."""

LICENCE_CURE: Final = (
    "Graph gives sign-ins to tenants with Entra ID P1 or P2 alone: license the tenant, or set SIGN_INS to off."
)
_LATEST_SIGN_IN: Final = "SigninLogs | summarize latest = max(TimeGenerated)"
_QUIET_WORKSPACE: Final = timedelta(days=1)
_STREAM_CURES: Final = {
    TenantKind.WORKFORCE: "Run infra/scripts/stream.sh, which makes the tenant's diagnostic setting; records come some"
    " minutes later. If it is there, see what audit_stream last logged.",
    TenantKind.B2C: "Run infra/scripts/stream.sh --b2c GROUP_ID, which makes the delegation and the diagnostic setting;"
    " without a delegation B2C's logs can't leave their tenant. If both are there, see what audit_stream last logged.",
}


def ago(gone: timedelta) -> str:
    """Say how long ago something was, in the largest unit that fits."""
    seconds = max(0, int(gone.total_seconds()))
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"


def _fresh(context: DoctorContext, what: str, at: datetime | None, within: timedelta) -> list[Finding]:
    if at is None:
        return [failed(f"{what}: never so far")]
    gone = context.clock() - at
    text = f"{what}: {ago(gone)}"
    return [ok(text) if gone <= within else failed(f"{text}; it should be less than {lasting(within)}")]


def _audit_polls(context: DoctorContext) -> list[Finding]:
    return _polls(context, context.content.audit_log)


def _sign_in_polls(context: DoctorContext) -> list[Finding]:
    if not context.settings.polls_sign_ins:
        return [ok("SIGN_INS is off: no detection looks at sign-ins that come by Graph")]
    return _polls(context, context.content.sign_in_log)


def _polls(context: DoctorContext, source: Source) -> list[Finding]:
    def look(tenant: Tenant) -> list[Finding]:
        if is_unlicensed(context.storage, source, tenant.id):
            return [failed(f"{tenant.name}: the tenant has no licence for the {source.name}", cure=LICENCE_CURE)]
        at = polled_until(context.storage, source, tenant.id)
        return _fresh(context, f"{tenant.name}, last read of the {source.name}", at, _POLL_WITHIN)

    return look_at_each(context.tenants(), lambda tenant: tenant.name, look)


def _whole(context: DoctorContext) -> list[Finding]:
    """Say of each log which windows couldn't be read, and how late its records come."""
    sources = [context.content.audit_log, *([context.content.sign_in_log] if context.settings.polls_sign_ins else [])]

    def look(place: tuple[Source, Tenant]) -> list[Finding]:
        source, tenant = place
        name = f"{tenant.name}, {source.name}"
        unread = [one for one in read_unread(context.storage, source, tenant.id) if not one.is_again]
        failing = [failed(f"{name}: {one.window} can't be read: {one.because}") for one in unread if one.because]
        if failing or unread:
            return failing or [warning(f"{name}: {len(unread)} windows are still to be read")]
        late = lateness_of(context.storage, source, tenant.id, now=context.clock())
        if late.p50 is None or late.p99 is None:
            return [ok(f"{name}: nothing is left to be read")]
        within = f"half of its records come within {lasting(late.p50)}, 99 of 100 within {lasting(late.p99)}"
        return [ok(f"{name}: nothing is left to be read; {within}")]

    places = [(source, tenant) for source in sources for tenant in context.tenants()]
    return look_at_each(places, lambda place: f"{place[1].name}, {place[0].name}", look)


def _counts(context: DoctorContext) -> list[Finding]:
    workspace = context.runtime.workspace
    if workspace is None:
        return [ok("LOG_WORKSPACE_ID is empty: the app counts sign-ins itself")]
    (answer,) = workspace.rows(_LATEST_SIGN_IN, over=_QUIET_WORKSPACE)
    latest = answer["latest"]
    if latest is None:
        return [failed(f"no sign-in reached the workspace in the last {lasting(_QUIET_WORKSPACE)}")]
    return [ok(f"the latest sign-in in the workspace: {ago(context.clock() - latest)}")]


def _snapshots(context: DoctorContext) -> list[Finding]:
    def look(pair: tuple[Kind, Tenant]) -> list[Finding]:
        kind, tenant = pair
        at, what = swept_at(context.storage, tenant.id, kind.kind), f"{tenant.name}, last sweep of {kind.kind}"
        if may_be_unread(kind, at) and kind.inventory.is_by_hand:
            return [ok(f"{what}: off; {only_read_by(kind)}")]
        if may_be_unread(kind, at):
            return [unknown(f"{what}: never so far; {only_read_by(kind)}")]
        return _fresh(context, what, at, SWEPT_WITHIN)

    pairs = [(each, tenant) for each in context.content.kinds for tenant in context.tenants(each.tenant_kind)]
    return look_at_each(pairs, lambda pair: f"{pair[1].name}, {pair[0].kind}", look)


def _rosters(context: DoctorContext) -> list[Finding]:
    def name(place: tuple[Roster, Tenant]) -> str:
        roster, tenant = place
        return f"{tenant.name}, {roster.kind}"

    def look(place: tuple[Roster, Tenant]) -> list[Finding]:
        roster, tenant = place
        now = context.clock()
        listed = context.runtime.rosters.listed(roster.kind, tenant.id)
        if listed.read_at is None:
            return [failed(f"{name(place)}: never read so far")]
        text = f"{name(place)}: {len(listed.ids)} known, read {ago(now - listed.read_at)}"
        return [ok(text) if listed.is_fresh(now) else failed(text)]

    return look_at_each(context.runtime.rosters.places(context.tenants()), name, look)


def _events(context: DoctorContext) -> list[Finding]:
    (tenant,) = context.tenants(TenantKind.WORKFORCE)

    def look(subscription: str) -> list[Finding]:
        at = last_delivery(context.storage, subscription)
        if since := context.asked.since:
            return [_delivered_since(subscription, at, since)]
        if at is None:
            return [warning(f"subscription {subscription}, last event: none so far")]
        gone = context.clock() - at
        text = f"subscription {subscription}, last event: {ago(gone)}"
        return [ok(text) if gone <= QUIET_EVENTS else warning(text)]

    return look_at_each(sorted(tenant.subscriptions), lambda subscription: f"subscription {subscription}", look)


def _stream(context: DoctorContext) -> list[Finding]:
    if not context.settings.audit_stream_hub:
        return [ok("AUDIT_STREAM_HUB is empty: the logs are polled alone")]
    came = arrivals(context.storage)

    def look(tenant: Tenant) -> list[Finding]:
        found = [one for one in came if one.tenant_id == tenant.id]
        audits = max((one.at for one in found if one.category == AUDITS), default=None)
        text = f"{tenant.name}, last audit records by the stream"
        if audits is None:
            return [failed(f"{text}: none so far", cure=_STREAM_CURES[tenant.kind])]
        gone = context.clock() - audits
        said = f"{text}: {ago(gone)}; categories that came: {', '.join(sorted(one.category for one in found))}"
        return [ok(said) if gone <= QUIET_STREAM else warning(said, cure=_STREAM_CURES[tenant.kind])]

    return look_at_each(context.tenants(), lambda tenant: tenant.name, look)


def _delivered_since(subscription: str, at: datetime | None, since: datetime) -> Finding:
    """Say whether an event came since a change that somebody made as a test."""
    if at is None or at < since:
        last = f"the last one came at {at:%Y-%m-%dT%H:%M:%SZ}" if at else "none ever came"
        return failed(f"subscription {subscription}: no event since {since:%Y-%m-%dT%H:%M:%SZ}; {last}")
    return ok(f"subscription {subscription}: an event came at {at:%Y-%m-%dT%H:%M:%SZ}")


_RUNS: Final = (
    "See what {} last logged (Application Insights, or the host's log). Timers that stopped after a deployment start"
    " again when the app is restarted (az functionapp restart)."
)

CHECKS: Final = (
    Check(
        id="audit-log-polled",
        title="The audit log is read",
        cure=_RUNS.format("poll_directory_audits"),
        reads=(settings_of,),
        run=_audit_polls,
    ),
    Check(
        id="sign-ins-polled",
        title="The sign-in log is read",
        cure=_RUNS.format("poll_sign_ins"),
        reads=(settings_of,),
        run=_sign_in_polls,
    ),
    Check(
        id="logs-read-whole",
        title="Nothing of the logs is left unread",
        cure="The responder tries these windows again for 30 days. Look at the log of that time in the portal.",
        reads=(settings_of,),
        run=_whole,
    ),
    Check(
        id="workspace-answers",
        title="Sign-ins are counted",
        cure="Give the responder's identity Log Analytics Data Reader on the workspace (signInWorkspaceId in the"
        " Bicep), and send SignInLogs there by Entra's diagnostic settings.",
        reads=(runtime_of,),
        run=_counts,
    ),
    Check(
        id="snapshots-fresh",
        title="The last known good is kept",
        cure=_RUNS.format("take_snapshots"),
        reads=(settings_of,),
        run=_snapshots,
    ),
    Check(
        id="events-arriving",
        title="Event Grid delivers changes of Azure roles",
        cure="Give somebody a role and take it away again: the event should be here in a minute. If not, look at the"
        " delivery errors of the subscription's Event Grid topic and at the queues resource-events and"
        " resource-events-poison, then deploy again (infra/scripts/deploy.sh), which makes the event subscriptions.",
        reads=(settings_of,),
        run=_events,
    ),
    Check(
        id="stream-arriving",
        title="The audit stream delivers each tenant's log",
        cure="See what audit_stream last logged, and whether the identity holds Azure Event Hubs Data Receiver on the"
        " hub.",
        reads=(settings_of,),
        run=_stream,
    ),
    Check(
        id="rosters-fresh",
        title="It is known who is privileged and which groups roles can be given to",
        cure="Until they are read, detections on privileged accounts can't judge accounts that aren't listed. See what"
        " sweep_rosters last logged; reads-allowed and graph-permissions-exact name a permission that is missing.",
        reads=(runtime_of,),
        run=_rosters,
    ),
)
