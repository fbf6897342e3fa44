"""The parts that the stages work with: settings, stores, clients and channels. `shared.runtime` makes them once."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from shared.authority.acts import Acts
from shared.authority.approvals import TableApprovals
from shared.authority.controls import Controls
from shared.clients.api import TenantEdges
from shared.clients.storage import Storage
from shared.detect.rosters import Roster, Rosters
from shared.model.account_acts import AccountAct
from shared.model.clock import Clock
from shared.model.detections import AnyDetection
from shared.model.events import Event
from shared.model.kinds import ApprovalList, ObjectKind
from shared.model.object_kinds import Kind
from shared.model.registrations import Registration
from shared.model.settings import Settings
from shared.model.start import Start
from shared.model.tenant_api import TenantApi
from shared.objects.due import Due
from shared.objects.leases import Leases
from shared.objects.named_actors import NamedActors
from shared.objects.object_store import ObjectStore
from shared.objects.restraints import Restraints
from shared.objects.spending import Spending
from shared.respond.delivery_times import DeliveryTimes
from shared.respond.ledger import Ledger

if TYPE_CHECKING:
    # Who is handed these needn't load what makes them.
    from shared.clients.log_analytics import Workspace
    from shared.detect.aggregation.sequences import Sequences
    from shared.detect.aggregation.thresholds import ThresholdAggregation
    from shared.detect.cached_matcher import CachedMatcher
    from shared.detect.matcher import Matcher
    from shared.notify.outbox import Notifier

type ApprovedService = Callable[[TenantApi, str, ApprovalList, frozenset[str]], str]


def no_service(_api: TenantApi, _actor_id: str, _list: ApprovalList, _withdrawn: frozenset[str]) -> str:
    """Approve none of Microsoft's services."""
    return ""


class FoundApplication(Struct, frozen=True, kw_only=True):
    """The object id of an application of which a record has only the name, "" where that can't be said: `because`.

    `is_read` is False where something couldn't be read, so that asking again may say it.
    """

    id: str = ""
    because: str = ""
    is_read: bool = True


type FindApplication = Callable[[TenantApi, str, datetime], FoundApplication]


def no_application(_api: TenantApi, _name: str, _at: datetime) -> FoundApplication:
    """Find none."""
    return FoundApplication(because="the record names the application only by its name")


class Content(Struct, frozen=True, kw_only=True):
    """The detections, the kinds of guarded objects, and the rosters of privileged accounts.

    `is_enabled` asks a tenant whether a principal is enabled, `is_microsofts` whether a service principal is of one of
    Microsoft's own services; None where that can't be read. `approved_service` says why such a service counts as being
    on an approval list, "" where it doesn't; it is given those that the tenant profile withdraws.
    `excuse` says why a change needs nobody's approval, "" where it does or that can't be read. `find_application` gives
    the application of which a record has only the name, at an instant, `registrations` those of a tenant.
    `account_acts` are what is done to an account that somebody else uses, in this order.
    """

    detections: tuple[AnyDetection, ...]
    kinds: tuple[Kind, ...] = ()
    rosters: tuple[Roster, ...] = ()
    is_enabled: Callable[[TenantApi, str], bool | None] = lambda _api, _id: None
    is_microsofts: Callable[[TenantApi, str], bool | None] = lambda _api, _id: False
    approved_service: ApprovedService = no_service
    excuse: Callable[[TenantApi, Event], str] = lambda _api, _event: ""
    find_application: FindApplication = no_application
    registrations: Callable[[TenantApi], Sequence[Registration]] = lambda _api: ()
    account_acts: tuple[AccountAct, ...] = ()


class Runtime(Struct, frozen=True, kw_only=True):
    """Everything that the stages need.

    `evidence` is the account for evidence, which may be that of `storage`. `acts` says which rows of lists count.
    `detections` are by id. `workspace` is the Log Analytics workspace that counts sign-ins instead of the app, None
    where none is configured. `wait` sleeps for some seconds. `start` runs the requests of a round side by side.
    `announced` says by whom the sign-in of an emergency account was announced for an instant, "" for nobody.
    """

    settings: Settings
    detections: Mapping[str, AnyDetection]
    kinds: Mapping[ObjectKind, Kind]
    is_enabled: Callable[[TenantApi, str], bool | None]
    is_microsofts: Callable[[TenantApi, str], bool | None]
    cached_matcher: "CachedMatcher"
    rosters: Rosters
    storage: Storage
    evidence: Storage
    acts: Acts
    ledger: Ledger
    aggregation: "ThresholdAggregation"
    sequences: "Sequences"
    approvals: TableApprovals
    controls: Controls
    objects: ObjectStore
    due: Due
    leases: Leases
    delivery_times: DeliveryTimes
    spending: Spending
    named_actors: NamedActors
    restraints: Restraints
    notifier: "Notifier"
    edges: Mapping[str, TenantEdges]
    workspace: "Workspace | None"
    clock: Clock
    wait: Callable[[float], None]
    start: Start
    announced: Callable[[str, datetime], str] = lambda _account, _at: ""
    approved_service: ApprovedService = no_service
    excuse: Callable[[TenantApi, Event], str] = lambda _api, _event: ""
    find_application: FindApplication = no_application
    registrations: Callable[[TenantApi], Sequence[Registration]] = lambda _api: ()
    account_acts: tuple[AccountAct, ...] = ()

    @property
    def matcher(self) -> "Matcher":
        """The matcher for the present rosters of privileged accounts."""
        return self.cached_matcher.matcher
