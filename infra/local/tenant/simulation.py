"""The whole simulated world, as every handler sees it."""

import secrets
from collections import defaultdict, deque
from http import HTTPStatus
from typing import Any

from infra.local import world
from infra.local.tenant.activity_log import ActivityLog
from infra.local.tenant.api_error import ApiError
from infra.local.tenant.arm_throttle import ArmThrottle
from infra.local.tenant.azure_access import AzureAccess
from infra.local.tenant.azure_pim import AzurePim
from infra.local.tenant.certificates import Certificates
from infra.local.tenant.directory import Directory
from infra.local.tenant.event_grid import EventGrid
from infra.local.tenant.faults import Faults
from infra.local.tenant.locks import Locks
from infra.local.tenant.operator_tokens import OperatorTokens
from infra.local.tenant.pace import Pace
from infra.local.tenant.replicated import Replicated
from infra.local.tenant.role_assignments import RoleAssignments
from infra.local.tenant.settings import Settings
from infra.local.tenant.support import Support
from infra.local.tenant.tokens import Caller, TokenIssuer
from infra.local.world import Json, Principal

_KEPT_REQUESTS = 20_000


class Simulation:
    """Everything lives in memory: the tenant is not what crashes in a drill."""

    def __init__(self, certificates: Certificates) -> None:
        """Make the world as it is seeded. `root` is the address by HTTP, known once the server listens."""
        self.certificates = certificates
        self.root = ""
        self.identity_header = secrets.token_hex(16)
        self.issuer = TokenIssuer()
        self.operators = OperatorTokens()
        self.settings = Settings()
        self.directories = self._seeded_directories()
        self.role_assignments = RoleAssignments(self.settings)
        self.pim = AzurePim(self.role_assignments, self.settings)
        self.locks = Locks()
        self.support = Support(self.settings)
        self.access = AzureAccess(assignments=self.role_assignments, settings=self.settings)
        self.activity = ActivityLog()
        self.events = EventGrid(self.settings, trust=certificates.trust)
        self.pace = Pace()
        self.arm_throttle = ArmThrottle()
        self.faults = Faults()
        self.requests: deque[Json] = deque(maxlen=_KEPT_REQUESTS)
        self._graph_roles = self._seeded_graph_roles()

    def reset(self) -> None:
        """Go back to the seed. Tokens that are out stay good, and so do addresses and certificates."""
        self.settings.restore_defaults()
        self.directories = self._seeded_directories()
        self.role_assignments.seed()
        self.pim.reset()
        self.locks.clear()
        self.support.clear()
        self.access.granted.clear()
        self.access.revoked.clear()
        self.events.reset()
        self.activity.clear()
        self.pace.clear()
        self.arm_throttle.clear()
        self.faults.clear()
        self.requests.clear()
        self._graph_roles = self._seeded_graph_roles()

    def stores(self) -> list[Replicated[Any]]:
        """List every store whose reads can lag."""
        return [self.role_assignments.store, *(store for each in self.directories.values() for store in each.stores())]

    def granted(self, caller: Caller) -> frozenset[str]:
        """List the Graph permissions that count for this call: the token's, or, by setting, today's."""
        if self.settings.grants_reach_issued_tokens:
            return frozenset(self._graph_roles[caller.principal.id])
        return caller.roles

    def token_for(self, principal: Principal, audience: str, *, lifetime: int, unthrottled: bool = False) -> str:
        """Make a token that carries what the principal is granted now."""
        return self.issuer.issue(
            principal,
            audience,
            roles=frozenset(self._graph_roles[principal.id]),
            lifetime=lifetime,
            unthrottled=unthrottled,
        )

    def operator_token(self, person: Principal, *, lifetime: int) -> str:
        """Make an access token for the operators' registration; raises ApiError for who isn't assigned to it."""
        _insist_on_assignment(person)
        return self.operators.access_token(person, lifetime=lifetime)

    def id_token(self, person: Principal, *, nonce: str) -> str:
        """Make an id token for the operators' registration; raises ApiError for who isn't assigned to it."""
        _insist_on_assignment(person)
        return self.operators.id_token(person, nonce=nonce)

    def grant(self, principal_id: str, name: str) -> None:
        """Give a Graph permission, or, when the name holds a slash, an Azure action."""
        if "/" in name:
            self.access.revoked.discard((principal_id, name.lower()))
            self.access.granted.add((principal_id, name.lower()))
            return
        self._graph_roles[principal_id].add(name)

    def revoke(self, principal_id: str, name: str) -> None:
        """Take a Graph permission or an Azure action away, whatever role carries it."""
        if "/" in name:
            self.access.granted.discard((principal_id, name.lower()))
            self.access.revoked.add((principal_id, name.lower()))
            return
        self._graph_roles[principal_id].discard(name)

    def _seeded_directories(self) -> dict[str, Directory]:
        return {tenant: Directory(tenant, self.settings) for tenant in world.TENANT_DOMAINS}

    def _seeded_graph_roles(self) -> defaultdict[str, set[str]]:
        seeded = {principal_id: set(roles) for principal_id, roles in world.GRAPH_ROLES.items()}
        return defaultdict(set, seeded)


def _insist_on_assignment(person: Principal) -> None:
    if person.id in world.OPERATOR_IDS:
        return
    message = f"AADSTS50105: {person.name} isn't assigned to the application, nor a member of a group that is."
    raise ApiError(HTTPStatus.FORBIDDEN, "invalid_grant", message)
