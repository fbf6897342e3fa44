"""The parts that the stages work with: settings, stores, clients and channels. `shared.runtime` makes them once."""

from collections.abc import Callable, Mapping

from msgspec import Struct

from shared.authority.approvals import TableApprovals
from shared.authority.controls import Controls
from shared.clients.api import TenantEdges
from shared.clients.log_analytics import Workspace
from shared.clients.storage import Storage
from shared.detect.aggregation.sequences import Sequences
from shared.detect.aggregation.thresholds import ThresholdAggregation
from shared.detect.cached_matcher import CachedMatcher
from shared.detect.matcher import Matcher
from shared.detect.rosters import Roster, Rosters
from shared.model.clock import Clock
from shared.model.detections import AnyDetection
from shared.model.remediations import Inventory
from shared.model.settings import Settings
from shared.notify.outbox import Notifier
from shared.objects.snapshots import Snapshots
from shared.respond.ledger import Ledger


class Content(Struct, frozen=True, kw_only=True):
    """The detections, the kinds of object to take snapshots of, and the rosters of privileged accounts."""

    detections: tuple[AnyDetection, ...]
    inventories: tuple[Inventory, ...] = ()
    rosters: tuple[Roster, ...] = ()


class Runtime(Struct, frozen=True, kw_only=True):
    """Everything that the stages need.

    `detections` are by id. `workspace` is the Log Analytics workspace that counts sign-ins instead of the app, None
    where none is configured. `wait` sleeps for some seconds.
    """

    settings: Settings
    detections: Mapping[str, AnyDetection]
    inventories: tuple[Inventory, ...]
    cached_matcher: CachedMatcher
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
    clock: Clock
    wait: Callable[[float], None]

    @property
    def matcher(self) -> Matcher:
        """The matcher for the present rosters of privileged accounts."""
        return self.cached_matcher.matcher
