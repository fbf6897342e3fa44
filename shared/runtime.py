"""Puts the app together: settings and content become stores, clients and channels that the stages are handed.

Nothing below this module looks any of them up: what a stage works with is passed in.
"""

import os
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from shared.authority.acts import UNSIGNED, Acts
from shared.authority.app_keys import app_keys_of
from shared.authority.approvals import TableApprovals
from shared.authority.controls import Controls
from shared.clients.api import TenantEdges
from shared.clients.arm import ArmTransport
from shared.clients.credentials import LazyCredential
from shared.clients.graph import GraphTransport
from shared.clients.log_analytics import Workspace
from shared.clients.rate_limit import TablePacer, gaps_for
from shared.clients.storage import Storage
from shared.detect.aggregation.sequences import Sequences, TableSequenceStore
from shared.detect.aggregation.table_windows import TableWindowStore
from shared.detect.aggregation.thresholds import ThresholdAggregation
from shared.detect.cached_matcher import CachedMatcher
from shared.detect.rosters import Rosters
from shared.model.calls import Service
from shared.model.clock import Clock, utc_now
from shared.model.objects import ObjectId
from shared.model.settings import Settings, Tenant
from shared.model.start import SideBySide, Start
from shared.notify.outbox import Notifier, Sender
from shared.notify.paged import Channel
from shared.objects.due import Due
from shared.objects.leases import Leases
from shared.objects.named_actors import NamedActors
from shared.objects.object_store import ObjectStore
from shared.objects.restraints import Restraints
from shared.objects.spending import Spending
from shared.objects.tampering import TamperedObjects
from shared.objects.vouching import UNVOUCHED, AppVouching, Vouching
from shared.respond.components import Content, Runtime
from shared.respond.delivery_times import DeliveryTimes
from shared.respond.ledger import Ledger

_ROUND_THREADS: Final = 16
"""As many as a round has requests. At most ten of them are to one service, which has as many connections."""

_LEAST_LEASE: Final = timedelta(seconds=40)
"""A put-back needs seconds for each of its calls, where a service allows one a second."""

_LONGEST_POST: Final = timedelta(seconds=30)


def build_runtime(  # noqa: PLR0913 - each is a part that may be put in place of what is made
    settings: Settings,
    content: Content,
    *,
    environment: Mapping[str, str] = os.environ,
    storage: Storage | None = None,
    senders: Mapping[Channel, Sender] | None = None,
    edges: Mapping[str, TenantEdges] | None = None,
    clock: Clock = utc_now,
    wait: Callable[[float], None] = time.sleep,
    elapsed: Callable[[], float] = time.monotonic,
    start: Start | None = None,
    announced: Callable[[str, datetime], str] = lambda _account, _at: "",
) -> Runtime:
    """Put a runtime together. Nothing is connected yet: each client connects, and imports its SDK, when first used.

    Storage accounts, channels and the tenants' APIs are made from the environment and the settings. One that is passed
    in takes their place: `storage` holds evidence too, `edges` are by tenant id. `announced` is as in `Runtime`.
    """
    evidence = storage or Storage(environment, prefix="EvidenceStorage")
    storage = storage or Storage(environment)
    kept = Rosters(storage, content.rosters, clock=clock)
    gaps = gaps_for(reports_per_ten_seconds=settings.reports_per_ten_seconds)
    acts = acts_of(settings, storage, evidence, clock=clock)
    start = start or SideBySide(_ROUND_THREADS)
    notifier = Notifier(
        storage,
        _senders(settings, clock) if senders is None else senders,
        clock=clock,
        acknowledge_within=settings.acknowledge_within,
        messages_per_hour=settings.messages_per_hour,
        turn=min(settings.lease, _LONGEST_POST),
        acts=acts,
    )
    report = TamperedObjects(notifier.publish, clock=clock)
    pacer = TablePacer(storage, clock=clock, wait=wait, gaps=gaps)
    return Runtime(
        settings=settings,
        detections={detection.id: detection for detection in content.detections},
        kinds={kind.kind: kind for kind in content.kinds},
        is_enabled=content.is_enabled,
        is_microsofts=content.is_microsofts,
        approved_service=content.approved_service,
        excuse=content.excuse,
        find_application=content.find_application,
        registrations=content.registrations,
        account_acts=content.account_acts,
        cached_matcher=CachedMatcher(content.detections, settings.profile, kept, tenants=settings.tenants, clock=clock),
        rosters=kept,
        storage=storage,
        evidence=evidence,
        acts=acts,
        ledger=Ledger(storage, evidence, clock=clock, lease=settings.lease),
        aggregation=ThresholdAggregation(TableWindowStore(storage), profile=settings.profile, clock=clock),
        sequences=Sequences(TableSequenceStore(storage), profile=settings.profile, clock=clock),
        approvals=TableApprovals(storage, clock=clock, acts=acts),
        controls=Controls(storage, clock=clock, acts=acts),
        objects=ObjectStore(storage, clock=clock, vouching=vouching_of(settings, evidence, start, report)),
        due=Due(storage),
        leases=Leases(storage, lasting=max(settings.lease, _LEAST_LEASE), elapsed=elapsed),
        delivery_times=DeliveryTimes(storage),
        spending=Spending(storage),
        named_actors=NamedActors(storage),
        restraints=Restraints(storage),
        notifier=notifier,
        edges=edges or _edges(settings, pacer, wait, clock),
        workspace=_workspace(settings, clock),
        clock=clock,
        wait=wait,
        start=start,
        announced=announced,
    )


def acts_of(settings: Settings, storage: Storage, evidence: Storage, *, clock: Clock) -> Acts:
    """Say how acts are written and which rows count: only what operators signed, where they are founded."""
    if not settings.has_operators:
        return UNSIGNED
    from shared.authority.operator_store import OperatorList  # noqa: PLC0415 - only where there are operators
    from shared.authority.signed_acts import SignedActs  # noqa: PLC0415

    operators = OperatorList(
        storage, setting=settings.emergency_operators, pinned=settings.emergency_genesis, clock=clock
    )
    return SignedActs(evidence, operators=operators, tenant=settings.workforce.id, clock=clock)


def vouching_of(
    settings: Settings, evidence: Storage, start: Start, report: Callable[[ObjectId, str], object]
) -> Vouching:
    """Say which rows of objects are believed: those that the app signed, where it has keys of its own."""
    keys = app_keys_of(settings)
    return AppVouching(evidence, keys=keys, start=start, report=report) if keys.are_set else UNVOUCHED


def _edges(
    settings: Settings, pacer: TablePacer, wait: Callable[[float], None], clock: Clock
) -> dict[str, TenantEdges]:
    return {
        tenant.id: TenantEdges(
            tenant=tenant, transports=_transports(settings, tenant), pacer=pacer, wait=wait, clock=clock
        )
        for tenant in settings.tenants
    }


def _senders(settings: Settings, clock: Clock) -> dict[Channel, Sender]:
    from shared.notify.channels import PagerDutySender, TeamsSender  # noqa: PLC0415 - cards aren't needed at start-up

    senders: dict[Channel, Sender] = {}
    if settings.teams_webhook_url:
        senders[Channel.TEAMS] = TeamsSender(settings, clock=clock)
    if settings.pagerduty_routing_key:
        senders[Channel.PAGERDUTY] = PagerDutySender(settings, clock=clock)
    return senders


def _workspace(settings: Settings, clock: Clock) -> Workspace | None:
    if not settings.log_workspace_id:
        return None
    return Workspace(
        url=settings.log_analytics_url,
        workspace_id=settings.log_workspace_id,
        credential=LazyCredential(settings, settings.workforce),
        clock=clock,
    )


def _transports(settings: Settings, tenant: Tenant) -> dict[Service, GraphTransport | ArmTransport]:
    credential = LazyCredential(settings, tenant)
    graph, arm = settings.graph_audience, settings.arm_audience
    return {
        Service.GRAPH: GraphTransport(url=settings.graph_url, version="v1.0", credential=credential, audience=graph),
        Service.GRAPH_BETA: GraphTransport(
            url=settings.graph_url, version="beta", credential=credential, audience=graph
        ),
        Service.ARM: ArmTransport(url=settings.arm_url, credential=credential, audience=arm),
    }
