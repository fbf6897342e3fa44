"""What the doctor looks at, each part read once, when a check first asks for it."""

import dataclasses
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol, Self, cast

from shared.authority.controls import Positions
from shared.checks.unread import Unread
from shared.clients.api import TenantEdges
from shared.clients.arm import ArmTransport
from shared.clients.graph import GraphTransport
from shared.clients.storage import Storage, Table
from shared.clients.web import Heard
from shared.detect.sigma.loaded import Loaded
from shared.doctor.read_probes import ReadProbe
from shared.ingest.poll import Source
from shared.model.calls import Call, Lane
from shared.model.declarations import AnyDetection, Inventory, Mode, TenantKind
from shared.model.errors import EdgeError, Rejected, SettingsError
from shared.model.permissions import Grant
from shared.model.settings import Settings, Tenant, settings_from
from shared.runtime import Runtime

_LONGEST_WAIT: Final = 1.0


class Web(Protocol):
    """Asks a web server something harmless. Raises Unreachable when no answer came."""

    def ask(self, method: str, url: str) -> Heard:
        """Send a request without a body, a key or a token."""
        ...


class _Unpaced:
    """The pacer of a doctor that can't reach storage, where the shared one is."""

    def wait_for(self, tenant_id: str, lane: Lane) -> None:
        """Let it go at once: a doctor asks little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What of the product's content the doctor has to know; `rules` are the operator's own, among the detections."""

    detections: tuple[AnyDetection, ...]
    inventories: tuple[Inventory, ...]
    grants: tuple[Grant, ...]
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

    `connect` makes the machine, which connects to nothing yet; `claims_of` gets a token for Graph and gives its claims.
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
        runtime = self._parts.get("machine")
        for edges in runtime.edges.values() if isinstance(runtime, Runtime) else ():
            for transport in edges.transports.values():
                if isinstance(transport, GraphTransport | ArmTransport):
                    transport.close()

    def _once[T](self, name: str, read: Callable[[], T]) -> T:
        """Give a part, read on first use; that it couldn't be read, and why, is remembered too."""
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
        """The settings. Raises Unread when they are wrong."""
        return self._once("settings", self._read_settings)

    def _read_settings(self) -> Settings:
        try:
            return settings_from(self.environment)
        except SettingsError as error:
            cure = "Put the settings right, then ask the doctor again."
            raise Unread("the settings are wrong", cure=cure) from error

    def tenants(self, kind: TenantKind | None = None) -> list[Tenant]:
        """The guarded tenants, of one kind where it is given."""
        return [tenant for tenant in self.settings.tenants if kind in {None, tenant.kind}]

    @property
    def storage(self) -> Storage:
        """The storage account, which answers. Raises Unread when it doesn't, so that only one check waits for it."""
        return self._once("storage", self._reach_storage)

    def _reach_storage(self) -> Storage:
        storage = Storage(self.environment)
        try:
            storage.row(Table.SWITCHES, "kill", "all")
        except Rejected as rejected:
            # An answer, even this one, shows that it is there; what it lacks is for other checks to say.
            if not rejected.status:
                raise
        return storage

    @property
    def evidence(self) -> Storage:
        """The account that evidence is kept in: one of its own, or the same."""
        return Storage(self.environment, prefix="EvidenceStorage")

    @property
    def runtime(self) -> Runtime:
        """The stores over the storage account. Raises Unread when that can't be reached."""
        self._once("storage", self._reach_storage)
        return self._unreached_machine

    @property
    def _unreached_machine(self) -> Runtime:
        return self._once("machine", lambda: self._connect(self.settings))

    def edges(self, tenant: Tenant) -> TenantEdges:
        """Give a tenant's edges, which wait less for a service than the product does: a person is waiting for them."""
        edges = dataclasses.replace(self._unreached_machine.edges[tenant.id], wait=self._wait_a_little)
        try:
            self._once("storage", self._reach_storage)
        except Unread:
            return dataclasses.replace(edges, pacer=_Unpaced())
        return edges

    def _wait_a_little(self, seconds: float) -> None:
        self._wait(min(seconds, _LONGEST_WAIT))

    def claims(self, tenant: Tenant) -> Mapping[str, Any]:
        """Read the claims of a token for Graph, got as the app gets it. Raises Unread."""
        return self._once(f"claims of {tenant.id}", lambda: self._claims_of(self.settings, tenant))

    @property
    def positions(self) -> Positions:
        """The switches. Raises Unread when they can't be read."""
        return self._once("positions", self._read_positions)

    def _read_positions(self) -> Positions:
        positions = self.runtime.controls.positions()
        if positions.unread:
            raise Unread(positions.unread)
        return positions

    def detections_in(self, *modes: Mode) -> frozenset[str]:
        """Give the ids of the detections in one of `modes`. Raises Unread when the switches can't be read."""
        positions = self.positions
        return frozenset(each.id for each in self.content.detections if positions.mode(each.id) in modes)
