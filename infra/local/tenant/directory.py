"""What one tenant's directory holds."""

import uuid
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from infra.local import world
from infra.local.tenant import ca_rules
from infra.local.tenant.app_roles import seeded_app_roles
from infra.local.tenant.bodies import as_list
from infra.local.tenant.domain_seeds import seeded_domains
from infra.local.tenant.groups import GroupState, seeded_group
from infra.local.tenant.mailbox_state import seeded_mailboxes
from infra.local.tenant.record_log import RecordLog
from infra.local.tenant.record_query import DIRECTORY_AUDITS, SIGN_INS
from infra.local.tenant.replicated import Lags, Replicated
from infra.local.tenant.settings import Settings
from infra.local.tenant.simulated import SERVED
from infra.local.world import Json
from shared.model.kinds import ObjectKind, TenantKind


class Directory:
    """Conditional access and what it leans on, custom policies' XML, domains, groups, roles and both logs; all by id.

    The deleted policies and named locations are those in the bin.
    """

    def __init__(self, tenant: str, settings: Settings) -> None:
        """Make the directory as `world` seeds it."""
        lags = Lags(reads=lambda: settings.consistency_lag, listings=lambda: settings.listing_lag)
        self.tenant = tenant
        self.domain = world.TENANT_DOMAINS[tenant]
        self.ca_policies: Replicated[Json] = Replicated(lags)
        self.deleted_ca_policies: Replicated[Json] = Replicated(lags)
        self.named_locations: Replicated[Json] = Replicated(lags)
        self.deleted_named_locations: Replicated[Json] = Replicated(lags)
        self.strengths: Replicated[Json] = Replicated(lags)
        self.authentication_contexts: Replicated[Json] = Replicated(lags)
        self.custom_policies: Replicated[str] = Replicated(lags)
        self.groups: Replicated[GroupState] = Replicated(lags)
        self.role_assignments: Replicated[Json] = Replicated(lags)
        self.role_eligibilities: Replicated[Json] = Replicated(lags)
        self.roles_given: dict[str, int] = {}
        """When assignments were made, in ticks by their ids; those that were there at first aren't in it."""
        self.domains: Replicated[Json] = Replicated(lags)
        self.shelves: dict[ObjectKind, Replicated[Json]] = {each.kind: Replicated(lags) for each in SERVED}
        """What is declared in `infra.local.tenant.simulated`, by the responder's id in lower case."""
        self.audit = RecordLog(DIRECTORY_AUDITS, settings)
        self.sign_ins = RecordLog(SIGN_INS, settings)
        self.mailboxes = seeded_mailboxes(tenant)
        self.app_roles = seeded_app_roles(tenant)
        self._seed()

    @property
    def is_b2c(self) -> bool:
        """Whether custom policies exist here."""
        return self.tenant == world.B2C_TENANT

    def _seed(self) -> None:
        for strength in world.BUILT_IN_STRENGTHS:
            self.strengths.seed(strength["id"], strength)
        for name, domain in seeded_domains(self.tenant).items():
            self.domains.seed(name, domain)
        self._seed_people()
        self._seed_shelves()
        if self.is_b2c:
            for custom_policy in world.CUSTOM_POLICIES:
                self.custom_policies.seed(custom_policy.id, custom_policy.xml)
        else:
            self._seed_conditional_access()

    def _seed_people(self) -> None:
        for group in world.GROUPS:
            if group.tenant == self.tenant:
                self.groups.seed(group.id, seeded_group(group))
        for assignment in world.DIRECTORY_ROLE_ASSIGNMENTS:
            if assignment.holder.tenant == self.tenant:
                held = directory_role("assignment", assignment)
                self.role_assignments.seed(held["id"], held)
        for eligible in world.DIRECTORY_ROLE_ELIGIBILITIES:
            if eligible.holder.tenant == self.tenant:
                shown = directory_role("eligibility", eligible)
                lasting: Json = {"startDateTime": world.SEEDED_AT, "endDateTime": None, "memberType": "Direct"}
                self.role_eligibilities.seed(shown["id"], shown | lasting)

    def _seed_shelves(self) -> None:
        for simulated in SERVED:
            for object_id, image in simulated.others(self.tenant).items():
                self.shelves[simulated.kind].seed(object_id.lower(), image)
            if (simulated.tenant_kind is TenantKind.B2C) == self.is_b2c:
                for sample in simulated.samples:
                    if sample.is_there:
                        self.shelves[simulated.kind].seed(sample.object_id.lower(), sample.image)

    def _seed_conditional_access(self) -> None:
        for store, values in (
            (self.strengths, world.CUSTOM_STRENGTHS),
            (self.named_locations, world.NAMED_LOCATIONS),
            (self.authentication_contexts, world.AUTHENTICATION_CONTEXTS),
            (self.ca_policies, [_seeded_ca_policy(policy) for policy in world.CA_POLICIES]),
        ):
            for value in values:
                store.seed(value["id"], value)

    def stores(self) -> Iterator[Replicated[Any]]:
        """Give every store whose reads can lag."""
        yield from (self.ca_policies, self.deleted_ca_policies, self.named_locations, self.deleted_named_locations)
        yield from (self.strengths, self.authentication_contexts, self.custom_policies)
        yield from (self.groups, self.role_assignments, self.role_eligibilities, self.domains)
        yield from self.shelves.values()

    def users_of(self, object_id: str) -> list[Json]:
        """List the live policies that refer to a named location, a strength or an authentication context."""
        return [policy for policy in self.ca_policies.all_current().values() if object_id in referred_to(policy)]

    def state(self) -> Json:
        """Dump the truth, not what a lagging reader sees."""
        strengths = self.strengths.all_current()
        return {
            "caPolicies": _printed(self.ca_policies, strengths),
            "deletedCaPolicies": _printed(self.deleted_ca_policies, strengths),
            "namedLocations": self.named_locations.all_current(),
            "deletedNamedLocations": self.deleted_named_locations.all_current(),
            "authenticationStrengths": strengths,
            "authenticationContexts": self.authentication_contexts.all_current(),
            "customPolicies": self.custom_policies.all_current(),
            "domains": self.domains.all_current(),
            "groupMembers": {key: list(group.members) for key, group in self.groups.all_current().items()},
            "directoryRoleAssignments": list(self.role_assignments.all_current().values()),
            "mailboxes": {key: asdict(mailbox) for key, mailbox in self.mailboxes.items()},
            "appRoleAssignments": self.app_roles,
            **{kind: store.all_current() for kind, store in self.shelves.items()},
        }


def directory_role(kind: str, each: world.DirectoryRoleAssignment) -> Json:
    """Print who holds, or may activate, a directory role; the id is the same each time."""
    name = f"{kind}/{each.role}/{each.holder.id}"
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, name)),
        "principalId": each.holder.id,
        "roleDefinitionId": each.role,
        "directoryScopeId": "/",
    }


def _printed(policies: Replicated[Json], strengths: dict[str, Json]) -> dict[str, Json]:
    return {policy_id: ca_rules.shown(policy, strengths) for policy_id, policy in policies.all_current().items()}


def referred_to(policy: Json) -> set[str]:
    """Give the ids of the named locations, the strength and the authentication contexts that a policy names."""
    conditions: Json = policy.get("conditions") or {}
    controls: Json = policy.get("grantControls") or {}
    strength: Json = controls.get("authenticationStrength") or {}
    applications: Json = conditions.get("applications") or {}
    contexts = as_list(applications.get("includeAuthenticationContextClassReferences"))
    return {*locations_of(policy), *contexts, *strength.values()}


def locations_of(policy: Json) -> list[str]:
    """Give what a policy names as locations: ids, and the words that stand for several."""
    conditions: Json = policy.get("conditions") or {}
    locations: Json = conditions.get("locations") or {}
    return [*as_list(locations.get("includeLocations")), *as_list(locations.get("excludeLocations"))]


def _seeded_ca_policy(policy: world.CaPolicy) -> Json:
    """Store a seeded policy as if its administrator had posted it when the tenant was set up."""
    terms = ca_rules.Terms(is_beta=False, strengths=frozenset(each["id"] for each in world.BUILT_IN_STRENGTHS))
    return new_ca_policy(policy.id, ca_rules.checked(policy.body, terms), created=world.SEEDED_AT) | {
        "templateId": policy.template_id
    }


def new_ca_policy(policy_id: str, checked: Json, *, created: str) -> Json:
    """Put Graph's own properties around the checked body of a new policy."""
    own: Json = {"id": policy_id, "templateId": None, "createdDateTime": created, "modifiedDateTime": None}
    return own | {"sessionControls": None, "grantControls": None} | checked
