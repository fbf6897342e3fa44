"""What the stages work with: settings, stores, clients and channels, made once per process by `shared.runtime`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from shared.authority.approvals import TableApprovals
from shared.authority.controls import Controls
from shared.clients.api import TenantEdges
from shared.clients.log_analytics import Workspace
from shared.clients.storage import Storage
from shared.detect.aggregation.sequences import Sequences
from shared.detect.aggregation.thresholds import ThresholdAggregation
from shared.detect.cached_matcher import Matching
from shared.detect.matcher import Matcher
from shared.detect.rosters import Roster, Rosters
from shared.model.clock import Clock
from shared.model.detections import AnyDetection
from shared.model.remediations import Inventory
from shared.model.settings import Settings
from shared.notify.outbox import Notifier
from shared.objects.snapshots import Snapshots
from shared.respond.ledger import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What the app looks for, keeps snapshots of, and reads to know who is privileged."""

    detections: tuple[AnyDetection, ...]
    inventories: tuple[Inventory, ...] = ()
    rosters: tuple[Roster, ...] = ()


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
    clock: Clock
    wait: Callable[[float], None]

    @property
    def matcher(self) -> Matcher:
        """The matcher by what is known now of who is privileged."""
        return self.matching.matcher
