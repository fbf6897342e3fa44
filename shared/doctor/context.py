"""What the doctor's checks look at: each part is read once, when a check first asks for it."""

import copy
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol, Self, cast

from shared.authority.controls import ControlState
from shared.checks.check import Unread
from shared.clients.api import TenantEdges
from shared.clients.arm import ArmTransport
from shared.clients.graph import GraphTransport
from shared.clients.storage import Storage
from shared.clients.storage_names import Table
from shared.clients.web import WebResponse
from shared.detect.sigma.loaded import Loaded
from shared.model.calls import Call, Lane
from shared.model.detections import AnyDetection
from shared.model.errors import EdgeError, Rejected, SettingsError
from shared.model.kinds import Mode, TenantKind
from shared.model.object_kinds import Kind
from shared.model.permissions import Grant
from shared.model.read_probes import ReadProbe
from shared.model.settings import Settings, Tenant, settings_from
from shared.model.sources import Source
from shared.respond.components import Runtime

_LONGEST_WAIT: Final = 1.0


class Web(Protocol):
    """Asks a web server something harmless. Raises Unreachable when no answer came."""

    def ask(self, method: str, url: str) -> WebResponse:
        """Send a request without a body, a key or a token."""
        ...


class _Unpaced:
    """Stands in for the pacer, which is kept in storage, where storage can't be reached."""

    def wait_for(self, tenant_id: str, lane: Lane) -> None:
        """Let the call go at once: the doctor makes few."""

    def reserved(self, tenant_id: str, lane: Lane, calls: int) -> "_Unpaced":
        """Give the same: nothing waits."""
        del tenant_id, lane, calls
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What the doctor has to know of the product's content.

    `by_hand` are permissions that no tier has, since each is as much as the whole tenant; people grant them by hand.
    `rules` are the operator's own Sigma rules; `detections` has them too.
    """

    detections: tuple[AnyDetection, ...]
    kinds: tuple[Kind, ...]
    grants: tuple[Grant, ...]
    by_hand: frozenset[str]
    read_probes: tuple[ReadProbe, ...]
    audit_log: Source
    sign_in_log: Source
    get_user: Call
    list_role_assignments: Call
    get_role_definition: Call
    rules: Loaded = field(default_factory=Loaded)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the doctor is asked for besides looking.

    `pages` lets the checks of the channels send a page marked as a test. `since` asks whether something was delivered
    after that instant: a change that somebody made to see it come round.
    """

    pages: bool = False
    since: datetime | None = None


JUST_LOOK: Final = Asked()


class DoctorContext:
    """Settings, storage, the tenants' edges and the web, as the checks ask for them.

    `connect` makes the runtime, which connects to nothing yet. `claims_of` gets a token for Graph and gives its claims.
    A part that couldn't be read raises Unread, to every check that asks for it.
    """

    def __init__(
        self,
        *,
        environment: Mapping[str, str],
        content: Content,
        connect: Callable[[Settings], Runtime],
        claims_of: Callable[[Settings, Tenant], Mapping[str, Any]],
        web: Web,
        clock: Callable[[], datetime],
        wait: Callable[[float], None] = time.sleep,
        asked: Asked = JUST_LOOK,
    ) -> None:
        self.environment = environment
        self.content = content
        self.web = web
        self.clock = clock
        self.asked = asked
        self._connect = connect
        self._claims_of = claims_of
        self._wait = wait
        self._parts: dict[str, Any] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections to the tenants."""
        runtime = self._parts.get("runtime")
        for edges in runtime.edges.values() if isinstance(runtime, Runtime) else ():
            for transport in edges.transports.values():
                if isinstance(transport, GraphTransport | ArmTransport):
                    transport.close()

    def _once[T](self, name: str, read: Callable[[], T]) -> T:
        """Give a part, read on first use. That it couldn't be read, and why, is remembered too."""
        if name not in self._parts:
            try:
                self._parts[name] = read()
            except Unread as unread:
                self._parts[name] = unread
            except EdgeError as error:
                self._parts[name] = Unread(str(error))
        part = self._parts[name]
        if isinstance(part, Unread):
            raise Unread(str(part), cure=part.cure)
        return cast("T", part)

    @property
    def settings(self) -> Settings:
        """The settings. Raises Unread where they are wrong."""
        return self._once("settings", self._read_settings)

    def _read_settings(self) -> Settings:
        try:
            return settings_from(self.environment)
        except SettingsError as error:
            raise Unread("the settings are wrong", cure="Correct the settings, then run the doctor again.") from error

    def tenants(self, kind: TenantKind | None = None) -> list[Tenant]:
        """The guarded tenants, of one kind where it is given."""
        return [tenant for tenant in self.settings.tenants if kind in {None, tenant.kind}]

    @property
    def storage(self) -> Storage:
        """The storage account, which has answered. Raises Unread where it hasn't: the other checks don't wait again."""
        return self._once("storage", self._reach_storage)

    def _reach_storage(self) -> Storage:
        storage = Storage(self.environment)
        try:
            storage.row(Table.CONTROLS, "kill", "all")
        except Rejected as rejected:
            # Any answer shows that the account is there; other checks say what it lacks.
            if not rejected.status:
                raise
        return storage

    @property
    def evidence(self) -> Storage:
        """The storage account of the evidence, which may be the same one."""
        return Storage(self.environment, prefix="EvidenceStorage")

    @property
    def runtime(self) -> Runtime:
        """The runtime, whose storage has answered. Raises Unread where the account can't be reached."""
        self._once("storage", self._reach_storage)
        return self._runtime_without_storage

    @property
    def _runtime_without_storage(self) -> Runtime:
        return self._once("runtime", lambda: self._connect(self.settings))

    def edges(self, tenant: Tenant) -> TenantEdges:
        """Give a tenant's edges. They wait less for a service than the product does, since a person waits for them."""
        edges = copy.replace(self._runtime_without_storage.edges[tenant.id], wait=self._wait_a_little)
        try:
            self._once("storage", self._reach_storage)
        except Unread:
            return copy.replace(edges, pacer=_Unpaced())
        return edges

    def _wait_a_little(self, seconds: float) -> None:
        self._wait(min(seconds, _LONGEST_WAIT))

    def claims(self, tenant: Tenant) -> Mapping[str, Any]:
        """Read the claims of a token for Graph that is got as the app gets its own. Raises Unread."""
        return self._once(f"claims of {tenant.id}", lambda: self._claims_of(self.settings, tenant))

    @property
    def control_state(self) -> ControlState:
        """The kill switch and the modes. Raises Unread where they can't be read."""
        return self._once("positions", self._read_positions)

    def _read_positions(self) -> ControlState:
        control_state = self.runtime.controls.read_state()
        if control_state.unread:
            raise Unread(control_state.unread)
        return control_state

    def detections_in(self, *modes: Mode) -> frozenset[str]:
        """Give the ids of the detections in one of `modes`. Raises Unread where the modes can't be read."""
        control_state = self.control_state
        return frozenset(each.id for each in self.content.detections if control_state.mode(each.id) in modes)


# What checks declare that they read: each raises Unread where it can't be read.


def settings_of(context: DoctorContext) -> Settings:
    """Read the settings."""
    return context.settings


def storage_of(context: DoctorContext) -> Storage:
    """Reach the storage account."""
    return context.storage


def runtime_of(context: DoctorContext) -> Runtime:
    """Make the runtime, over a storage account that answers."""
    return context.runtime


def positions_of(context: DoctorContext) -> ControlState:
    """Read the kill switch and the modes."""
    return context.control_state
