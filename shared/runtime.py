"""What the pipeline works with: the edges and stores, made once per process and passed in."""

import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from shared.authority.approvals import TableApprovals
from shared.authority.controls import Controls
from shared.clients.api import TenantEdges
from shared.clients.arm import ArmTransport
from shared.clients.graph import GraphTransport
from shared.clients.log_analytics import Workspace
from shared.clients.rate_limit import TablePacer
from shared.clients.storage import Storage
from shared.detect.aggregation.sequences import Sequences, TableSequenceStore
from shared.detect.aggregation.thresholds import ThresholdAggregation
from shared.detect.aggregation.window_store import TableWindowStore
from shared.detect.cached_matcher import Matching
from shared.detect.matcher import Matcher
from shared.detect.rosters import Roster, Rosters
from shared.model.calls import Service
from shared.model.declarations import AnyDetection, Inventory, TenantKind
from shared.model.errors import Refused
from shared.model.settings import Settings, Tenant
from shared.notify.channels import PagerDutySender, TeamsSender
from shared.notify.outbox import Channel, Notifier, Sender
from shared.objects.snapshots import Snapshots
from shared.respond.ledger import Ledger

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, TokenCredential

_LONGEST_POST: Final = timedelta(seconds=30)
_PUBLIC_AUTHORITY: Final = "https://login.microsoftonline.com"


def utc_now() -> datetime:
    """The time, aware and UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """Everything that the stages need, together.

    `detections` is by id; `workspace` is the one that counts in place of the app, None where none is named.
    """

    settings: Settings
    detections: Mapping[str, AnyDetection]
    inventories: tuple[Inventory, ...]
    matching: Matching
    rosters: Rosters
    storage: Storage
    ledger: Ledger
    aggregation: ThresholdAggregation
    sequences: Sequences
    approvals: TableApprovals
    controls: Controls
    snapshots: Snapshots
    notifier: Notifier
    edges: Mapping[str, TenantEdges]
    workspace: Workspace | None
    clock: Callable[[], datetime]
    wait: Callable[[float], None]

    @property
    def matcher(self) -> Matcher:
        """The matcher by what is known now of who is privileged."""
        return self.matching.matcher


def build_runtime(
    settings: Settings,
    detections: tuple[AnyDetection, ...],
    inventories: tuple[Inventory, ...],
    rosters: tuple[Roster, ...] = (),
    *,
    environment: Mapping[str, str] = os.environ,
    clock: Callable[[], datetime] = utc_now,
    wait: Callable[[float], None] = time.sleep,
) -> Runtime:
    """Put a machine together. Nothing is connected yet: each client connects, and imports its SDK, when first used."""
    storage = Storage(environment)
    evidence = Storage(environment, prefix="EvidenceStorage")
    pacer = TablePacer(storage, clock=clock, wait=wait)
    edges = {
        tenant.id: TenantEdges(tenant=tenant, transports=_transports(settings, tenant), pacer=pacer, wait=wait)
        for tenant in settings.tenants
    }
    kept = Rosters(storage, rosters, clock=clock)
    return Runtime(
        settings=settings,
        detections={detection.id: detection for detection in detections},
        inventories=inventories,
        matching=Matching(detections, settings.profile, kept, tenants=settings.tenants, clock=clock),
        rosters=kept,
        storage=storage,
        ledger=Ledger(storage, evidence, clock=clock, lease=settings.lease),
        aggregation=ThresholdAggregation(TableWindowStore(storage), profile=settings.profile, clock=clock),
        sequences=Sequences(TableSequenceStore(storage), profile=settings.profile, clock=clock),
        approvals=TableApprovals(storage, clock=clock),
        controls=Controls(storage, clock=clock),
        snapshots=Snapshots(storage, clock=clock),
        notifier=Notifier(
            storage,
            _senders(settings),
            clock=clock,
            acknowledge_within=settings.acknowledge_within,
            turn=min(settings.lease, _LONGEST_POST),
        ),
        edges=edges,
        workspace=_workspace(settings),
        clock=clock,
        wait=wait,
    )


def _senders(settings: Settings) -> dict[Channel, Sender]:
    senders: dict[Channel, Sender] = {}
    if settings.teams_webhook_url:
        senders[Channel.TEAMS] = TeamsSender(settings)
    if settings.pagerduty_routing_key:
        senders[Channel.PAGERDUTY] = PagerDutySender(settings)
    return senders


def _workspace(settings: Settings) -> Workspace | None:
    if not settings.log_workspace_id:
        return None
    return Workspace(
        url=settings.log_analytics_url,
        workspace_id=settings.log_workspace_id,
        credential=LazyCredential(settings, settings.workforce),
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


class LazyCredential:
    """A tenant's credential from azure-identity, made (and its SDK imported) when the first token is asked for."""

    def __init__(self, settings: Settings, tenant: Tenant) -> None:
        self._settings = settings
        self._tenant = tenant
        self._lock = threading.Lock()
        self._made: TokenCredential | None = None

    def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **options: Any,  # noqa: ANN401 - handed on as it came
    ) -> "AccessToken":
        """Give a token for `scopes`; azure-identity keeps it until shortly before it ends."""
        with self._lock:
            credential = self._made = self._made or self._make()
        return credential.get_token(*scopes, claims=claims, tenant_id=tenant_id, enable_cae=enable_cae, **options)

    def _make(self) -> "TokenCredential":
        from azure.identity import CertificateCredential, ManagedIdentityCredential  # noqa: PLC0415 - imported on first use

        tenant = self._tenant
        if tenant.kind is TenantKind.WORKFORCE:
            return (
                ManagedIdentityCredential(client_id=tenant.client_id)
                if tenant.client_id
                else ManagedIdentityCredential()
            )
        if unresolved := self._settings.unresolved_of("B2C_CERTIFICATE"):
            raise Refused(f"{unresolved.message}, so nothing can be read or put back in {tenant.name}")
        authority = self._settings.authority_url
        try:
            return CertificateCredential(
                tenant.id,
                tenant.client_id,
                certificate_data=certificate_bytes(tenant.certificate),
                authority=authority,
                disable_instance_discovery=authority != _PUBLIC_AUTHORITY,
            )
        except (OSError, ValueError) as error:
            # The text of these may quote what is set.
            raise Refused(
                "B2C_CERTIFICATE can't be used: it should be a PEM or PFX file with its key, as a path or in base64"
                f" ({type(error).__name__})"
            ) from None


def certificate_bytes(setting: str) -> bytes:
    """Read a certificate with its key: a file's path, or the file in base64 as a Key Vault reference gives it."""
    import base64  # noqa: PLC0415 - needed once, by tenants with a certificate
    from pathlib import Path  # noqa: PLC0415

    if os.path.isfile(setting):  # noqa: PTH113 - Path's would raise for a certificate that makes too long a file name
        return Path(setting).read_bytes()
    return base64.b64decode(setting, validate=True)
