"""Azure's resources, as far as a deployment of this product and its removal meet their rules.

Each rule is one that Azure has and that a deployment can run into; the words are Azure's, shortened.
"""

import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Final

from tests.integration.infra.scripts.az_command import MISSING, AzError

MOST_DIAGNOSTIC_SETTINGS: Final = 5
_PARTS: Final = 8
"""Slashes in the id of a resource that is in a group and in no other resource."""

_LOCK: Final = "/providers/microsoft.authorization/locks/"
_ROLE: Final = "/providers/microsoft.authorization/roledefinitions/"
_INSIDE: Final = re.compile(r"'(/subscriptions/[^']+)'")
_PARAMETER: Final = re.compile(r"parameters\('(\w+)'\)")

type Json = dict[str, Any]


def scope_of(resource_id: str) -> str:
    """Give what an extension resource (an assignment, a lock, a diagnostic setting) is on, in lower case."""
    return resource_id.lower().rpartition("/providers/")[0]


def group_of(resource_id: str) -> str:
    """Give the id of the resource group that a resource is in, in lower case; "" for one of a subscription."""
    parts = resource_id.lower().split("/")
    return "/".join(parts[:5]) if "resourcegroups" in parts[:5] else ""


def subscription_of(resource_id: str) -> str:
    """Give the id of the subscription that a resource is in."""
    return resource_id.lower().split("/")[2]


@dataclass(slots=True, kw_only=True)
class Resources:
    """What there is, by id in lower case. `appeared` and `vanished` are told of principals of identities."""

    appeared: Callable[[str], None]
    vanished: Callable[[str], None]
    there: dict[str, Json] = field(default_factory=dict[str, Json])
    deleted_vaults: dict[str, list[Json]] = field(default_factory=dict[str, list[Json]])
    settling: int = 1
    """How often Event Grid refuses to deliver to a queue after its topic was given the role there."""

    settled: dict[str, int] = field(default_factory=dict[str, int])
    """How often it refused so far, by the id of the role assignment."""

    evidence_kept: set[str] = field(default_factory=set[str])
    """Accounts, by id, in which evidence has its time still to run."""

    # -- reading --

    def of_type(self, kind: str, inside: str = "") -> Iterator[Json]:
        """Give the resources of a type, in what has this id or anywhere."""
        wanted = f"{inside.lower()}/" if inside else ""
        for key, each in list(self.there.items()):
            if each["type"].lower() == kind.lower() and key.startswith(wanted):
                yield each

    def get(self, resource_id: str) -> Json:
        """Give a resource.

        Raises:
            AzError: it isn't there.
        """
        if (found := self.there.get(resource_id.lower())) is None:
            raise AzError(f"(ResourceNotFound) The Resource '{resource_id}' was not found.", status=MISSING)
        return found

    def in_group(self, group_id: str) -> list[Json]:
        """Give what `az resource list` shows of a group: no children, no extensions.

        Raises:
            AzError: there is no such group.
        """
        self.group(group_id)
        inside = (each for each in self.there.values() if group_of(each["id"]) == group_id.lower())
        own = "/providers/microsoft.authorization/"
        return [each for each in inside if each["id"].count("/") == _PARTS and own not in each["id"].lower()]

    def group(self, group_id: str) -> Json:
        """Give a resource group.

        Raises:
            AzError: it isn't there.
        """
        if (found := self.there.get(group_id.lower())) is None:
            raise AzError(f"(ResourceGroupNotFound) Resource group '{group_id}' could not be found.", status=MISSING)
        return found

    def locks_over(self, resource_id: str) -> list[str]:
        """Give the locks under which something is."""
        key = resource_id.lower()
        return [each for each in self.there if _LOCK in each and f"{key}/".startswith(f"{scope_of(each)}/")]

    # -- making --

    def make(self, snapshot: Json, parameters: Mapping[str, Any]) -> None:
        """Make what a deployment would make, up to the first refusal."""
        for predicted in snapshot["predictedResources"]:
            if self._holds(predicted.get("condition", ""), parameters):
                self.put(self._resolved(predicted, snapshot))

    @staticmethod
    def _holds(condition: str, parameters: Mapping[str, Any]) -> bool:
        """Say what a condition on secrets comes to; others are evaluated by the compiler."""
        if not condition:
            return True
        found = _PARAMETER.search(condition)
        assert found is not None, condition
        assert condition == f"[not(empty(parameters('{found[1]}')))]", condition
        return bool(parameters.get(found[1]))

    def made(self, snapshot: Json, kind: str) -> Json:
        """Give the one resource of a type, that stands first in what a deployment makes."""
        found = next(each["id"] for each in snapshot["predictedResources"] if each["type"] == kind)
        return self.get(found)

    def _resolved(self, predicted: Json, snapshot: Json) -> Json:
        properties: Json = predicted.get("properties") or {}
        if str(properties.get("workspaceId", "")).startswith("["):
            workspace = self.made(snapshot, "Microsoft.OperationalInsights/workspaces")["id"]
            return predicted | {"properties": properties | {"workspaceId": workspace}}
        principal = str(properties.get("principalId", ""))
        if not principal.startswith("["):
            return predicted
        if found := _INSIDE.search(principal):
            holder = self.get(found[1])
        else:
            holder = self.made(snapshot, "Microsoft.ManagedIdentity/userAssignedIdentities")
        of: Json = holder.get("identity") or holder.get("properties") or {}
        object_id = of.get("principalId")
        if not object_id:
            raise AzError(
                f"(InvalidTemplate) The language expression property 'identity' doesn't exist on {holder['id']}"
            )
        return predicted | {"properties": predicted["properties"] | {"principalId": object_id}}

    def put(self, new: Json) -> None:
        """Make a resource or change it.

        Raises:
            AzError: a rule of Azure's stands against it.
        """
        key, kind = new["id"].lower(), new["type"].lower()
        old = self.there.get(key)
        if check := _RULES.get(kind):
            check(self, new, old)
        nothing: Json = {"location": "", "tags": {}, "properties": {}}
        made = nothing | deepcopy(new)  # what is changed later is this resource, and not the template
        if kind == "microsoft.managedidentity/userassignedidentities":
            made["properties"] = (
                old["properties"] if old else {"principalId": self._appear(), "clientId": str(uuid.uuid4())}
            )
        if (made.get("identity") or {}).get("type") == "SystemAssigned":
            made["identity"] = (old or {}).get("identity") or made["identity"] | {"principalId": self._appear()}
        self.there[key] = made

    def _appear(self) -> str:
        object_id = str(uuid.uuid4())
        self.appeared(object_id)
        return object_id

    # -- deleting --

    def delete(self, resource_id: str) -> None:
        """Delete a resource with all that is in it or on it.

        Raises:
            AzError: it isn't there, or a lock is over it.
        """
        gone = self.get(resource_id)
        key = resource_id.lower()
        if _LOCK not in key and (locks := self.locks_over(resource_id)):
            raise AzError(
                f"(ScopeLocked) The scope '{resource_id}' cannot perform delete operation because following scope(s)"
                f" are locked: {locks}. Please remove the lock and try again."
            )
        inside = [one for one in self.there if one == key or one.startswith(f"{key}/")]
        if gone["type"].lower() == "microsoft.keyvault/vaults":
            kinds = ("vaults", "secrets")
            self.deleted_vaults[gone["name"]] = [
                self.there[each] for each in inside if self.there[each]["type"].rpartition("/")[2] in kinds
            ]
        for each in inside:
            self._forget(each)

    def _forget(self, key: str) -> None:
        gone = self.there.pop(key)
        for holder in (gone.get("identity"), gone.get("properties")):
            if holder and "principalId" in holder and not gone["type"].endswith("roleAssignments"):
                self.vanished(holder["principalId"])

    def delete_group(self, group_id: str) -> None:
        """Delete a resource group: what can be deleted goes, also where not all can.

        Raises:
            AzError: a lock is in it, or evidence whose time still runs.
        """
        key = self.group(group_id)["id"].lower()
        if locks := [each for each in self.there if _LOCK in each and each.startswith(f"{key}/")]:
            raise AzError(f"(ScopeLocked) The scope '{group_id}' cannot perform delete operation because of: {locks}")
        kept = {each for each in self.evidence_kept if each.startswith(f"{key}/")}
        inside = self.in_group(group_id)
        for each in inside:
            if each["id"].lower() not in kept:
                self.delete(each["id"])
        left = [
            each for each in self.there if each.startswith(f"{key}/") and _ROLE not in each
        ]  # roles belong to no group
        for each in left:
            if not any(each.startswith(account) for account in kept):
                self._forget(each)
        if kept:
            raise AzError(
                "(StorageAccountDeletionBlockedByImmutability) The storage account has blobs that are immutable."
            )
        del self.there[key]

    def recover_vault(self, name: str, *, group: str = "", location: str = "") -> None:
        """Take a deleted vault back, with its secrets, to where it was.

        Raises:
            AzError: there is no such vault, it was in another group (az compares by case) or region, or its group isn't
                there.
        """
        if name not in self.deleted_vaults:
            raise AzError(f"No deleted Vault or HSM was found with name {name}")
        vault = self.deleted_vaults[name][0]
        its_group = vault["id"].partition("/providers/")[0]
        if group and group != its_group.rpartition("/")[2]:
            raise AzError(f"The vault '{name}' must be recovered to the original resource group {its_group}")
        if location and location != vault["location"]:
            raise AzError(f"(DeletedVaultNotFound) The vault '{name}' was not found in {location}.", status=MISSING)
        self.group(its_group)
        for each in self.deleted_vaults.pop(name):
            self.there[each["id"].lower()] = each


def _role_assignment(resources: Resources, new: Json, old: Json | None) -> None:
    unchangeable = ("principalId", "roleDefinitionId")
    if old and any(old["properties"][name] != new["properties"][name] for name in unchangeable):
        raise AzError(
            "(RoleAssignmentUpdateNotPermitted) Tenant ID, application ID, principal ID, and scope are not allowed to"
            " be updated."
        )
    scope = scope_of(new["id"])
    for each in resources.of_type("Microsoft.Authorization/roleAssignments"):
        same = all(each["properties"][name] == new["properties"][name] for name in unchangeable)
        if same and scope_of(each["id"]) == scope and each["id"].lower() != new["id"].lower():
            raise AzError("(RoleAssignmentExists) The role assignment already exists.")


def _vault(resources: Resources, new: Json, old: Json | None) -> None:
    if old is None and new["name"] in resources.deleted_vaults:
        raise AzError(f"(ConflictError) A vault with the same name already exists in deleted state: {new['name']}")


def _storage_account(_resources: Resources, new: Json, old: Json | None) -> None:
    policy = _policy(new)
    if policy is None:
        return
    if old is None:
        if policy["state"] == "Locked":
            raise AzError(
                "(InvalidRequestPropertyValue) An immutability policy can only be created Disabled or Unlocked."
            )
        return
    before = _policy(old)
    assert before is not None
    days = "immutabilityPeriodSinceCreationInDays"
    if before["state"] == "Locked" and (policy["state"] != "Locked" or policy[days] < before[days]):
        raise AzError("(ImmutabilityPolicyLocked) A locked immutability policy can't be unlocked or shortened.")


def _policy(account: Json) -> Json | None:
    return account["properties"].get("immutableStorageWithVersioning", {}).get("immutabilityPolicy")


def _system_topic(resources: Resources, new: Json, _old: Json | None) -> None:
    for each in resources.of_type("Microsoft.EventGrid/systemTopics"):
        same = each["properties"]["source"].lower() == new["properties"]["source"].lower()
        if same and each["id"].lower() != new["id"].lower():
            raise AzError("(InvalidRequest) Only one system topic is allowed per source.")


def _event_subscription(resources: Resources, new: Json, _old: Json | None) -> None:
    topic = resources.get(new["id"].rpartition("/eventSubscriptions/")[0])
    queue = new["properties"]["deliveryWithResourceIdentity"]["destination"]["properties"]["resourceId"].lower()
    identity: Json = topic.get("identity") or {}
    holder = identity.get("principalId")
    assignments = resources.of_type("Microsoft.Authorization/roleAssignments")
    given = next(
        (
            each["id"].lower()
            for each in assignments
            if each["properties"]["principalId"] == holder and each["id"].lower().startswith(queue)
        ),
        None,
    )
    if given is None or resources.settled.setdefault(given, 0) < resources.settling:
        if given:
            resources.settled[given] += 1
        raise AzError(
            "(DeploymentFailed) At least one resource deployment operation failed. Inner Errors: (InvalidRequest)"
            f" The identity of the topic may not send messages to the queue. Target: {new['id']}"
        )


def _diagnostic_setting(resources: Resources, new: Json, old: Json | None) -> None:
    scope = scope_of(new["id"])
    others = [
        each for each in resources.of_type("Microsoft.Insights/diagnosticSettings") if scope_of(each["id"]) == scope
    ]
    if old is None and len(others) >= MOST_DIAGNOSTIC_SETTINGS:
        raise AzError("(Conflict) Resource already has the maximum of 5 diagnostic settings.")


def _resource_group(_resources: Resources, new: Json, old: Json | None) -> None:
    if old and old["location"] != new["location"]:
        raise AzError(
            f"(InvalidResourceGroupLocation) The resource group already exists in location '{old['location']}'."
        )


_RULES: Final[Mapping[str, Callable[[Resources, Json, Json | None], None]]] = {
    "microsoft.authorization/roleassignments": _role_assignment,
    "microsoft.keyvault/vaults": _vault,
    "microsoft.storage/storageaccounts": _storage_account,
    "microsoft.eventgrid/systemtopics": _system_topic,
    "microsoft.eventgrid/systemtopics/eventsubscriptions": _event_subscription,
    "microsoft.insights/diagnosticsettings": _diagnostic_setting,
    "microsoft.resources/resourcegroups": _resource_group,
}
