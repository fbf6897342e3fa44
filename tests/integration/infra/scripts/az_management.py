"""What az does with resources, locks, roles and Event Grid in the simulated Azure."""

import uuid
from typing import TYPE_CHECKING, Final

from tests.integration.infra.scripts.az_command import B2C, TENANT, Asked, AzError, Caller
from tests.integration.infra.scripts.azure_resources import Json, subscription_of

if TYPE_CHECKING:
    from tests.integration.infra.scripts.simulated_az import SimulatedAz


TOKEN: Final = "the-access-token-is-secret"
READER: Final = "acdd72a7-3385-48ef-bd42-f606fba81ae7"


def group(az: "SimulatedAz", asked: Asked, _caller: Caller) -> Json:
    group_id = asked.group_id
    match asked.command[1]:
        case "show":
            return az.azure.group(group_id)
        case "create":
            tags = dict(each.split("=", 1) for each in asked.options["--tags"])
            made = {
                "id": group_id,
                "type": "Microsoft.Resources/resourceGroups",
                "name": asked.one("--resource-group"),
            }
            az.azure.put(made | {"location": asked.one("--location"), "tags": tags})
            return made
        case _:
            assert "--yes" in asked.options
            az.delete_group(group_id)
            return {}


def resource(az: "SimulatedAz", asked: Asked, _caller: Caller) -> Json | list[Json]:
    if asked.command[1] == "show":
        found = az.azure.get(asked.one("--ids"))
        return found | {"properties": {"attributes": {"enabled": True}} | found["properties"]}
    kind = asked.one("--resource-type").lower()
    inside = az.azure.in_group(asked.group_id)
    return [each for each in inside if not kind or each["type"].lower() == kind]


def identity(az: "SimulatedAz", asked: Asked, _caller: Caller) -> list[Json]:
    group_id = asked.group_id
    az.azure.group(group_id)
    found = az.azure.of_type("Microsoft.ManagedIdentity/userAssignedIdentities", group_id)
    return [{"name": each["name"]} | each["properties"] for each in found]


def storage(az: "SimulatedAz", asked: Asked, _caller: Caller) -> Json | list[Json]:
    inside = az.azure.in_group(asked.group_id)
    accounts = [
        {"name": each["name"]} | each["properties"] for each in inside if each["type"].endswith("/storageAccounts")
    ]
    return (
        accounts
        if asked.command[2] == "list"
        else next(each for each in accounts if each["name"] == asked.one("--name"))
    )


def in_subscription(subscription: str, resource_id: str) -> str:
    """Give the id as az takes it that goes by all of it but the subscription: in the one that it was asked for."""
    head, _, *rest = resource_id.split("/")[1:]
    return "/".join(["", head, subscription, *rest])


def lock(az: "SimulatedAz", asked: Asked, _caller: Caller) -> Json | list[Json]:
    kind = "Microsoft.Authorization/locks"
    match asked.command[1]:
        case "list":
            group_id = asked.group_id
            az.azure.group(group_id)
            return list(az.azure.of_type(kind, group_id))
        case "delete":
            for each in (in_subscription(asked.subscription, one) for one in asked.options["--ids"]):
                az.azure.group("/".join(each.split("/")[:5]))
                if each.lower() in az.azure.there:  # Azure answers 204 to the rest
                    az.azure.delete(each)
        case _:
            over = az.azure.get(in_subscription(asked.subscription, asked.one("--resource-name")))
            name = asked.one("--name")
            new = {"id": f"{over['id']}/providers/{kind}/{name}", "type": kind, "name": name}
            az.azure.put(new | {"properties": {"level": asked.one("--lock-type")}})
    return {}


def role(az: "SimulatedAz", asked: Asked, _caller: Caller) -> Json | list[Json]:
    if asked.command[1] == "definition":
        return _role_definition(az, asked)
    subscription = asked.subscription
    match asked.command[2]:
        case "list":
            assert "--all" in asked.options
            return [each for each in az.assignments() if subscription_of(each["id"]) == subscription]
        case "delete":
            for each in asked.options["--ids"]:
                if each.lower() in az.azure.there:  # Azure answers 204 to the rest
                    az.azure.delete(each)
            return {}
        case _:
            return _assign(az, asked)


def _assign(az: "SimulatedAz", asked: Asked) -> Json:
    assert asked.one("--role") == "Reader"
    scope, kind = asked.one("--scope"), "Microsoft.Authorization/roleAssignments"
    az.azure.group(scope)
    new = {
        "principalId": asked.one("--assignee-object-id"),
        "roleDefinitionId": f"/providers/Microsoft.Authorization/roleDefinitions/{READER}",
        "description": asked.one("--description"),
        "createdOn": az.clock,
    }
    name = str(uuid.uuid4())
    az.azure.put({"id": f"{scope}/providers/{kind}/{name}", "type": kind, "name": name, "properties": new})
    with (az.folder / "canary").open("a", encoding="utf-8") as canaries:
        canaries.write(f"{subscription_of(scope)}\n")
    return new


def _role_definition(az: "SimulatedAz", asked: Asked) -> list[Json]:
    kind, scope = "Microsoft.Authorization/roleDefinitions", asked.one("--scope").lower()
    roles = [each for each in az.azure.of_type(kind) if scope in map(str.lower, each["properties"]["assignableScopes"])]
    if asked.command[2] == "list":
        return [{"name": each["name"].rpartition("/")[2]} | each["properties"] for each in roles]
    (role,) = [each for each in roles if each["name"].rpartition("/")[2] == asked.one("--name")]
    given = [
        each["properties"]["roleDefinitionId"].rpartition("/")[2]
        for each in az.azure.of_type(kind.replace("Definitions", "Assignments"))
    ]
    if asked.one("--name") in given:
        raise AzError("(RoleDefinitionHasAssignments) There are existing role assignments referencing role.")
    az.azure.delete(role["id"])
    return []


def event_grid(az: "SimulatedAz", asked: Asked, _caller: Caller) -> list[Json]:
    kind = "Microsoft.EventGrid/systemTopics"
    if asked.command[1:] == ("system-topic", "list"):
        topics = az.azure.of_type(kind, f"/subscriptions/{asked.subscription}")
        return [each["properties"] | {"id": each["id"], "identity": each.get("identity")} for each in topics]
    topic = f"{asked.group_id}/providers/{kind}/{asked.one('--system-topic-name')}"
    az.azure.get(topic)
    if asked.command[-1] == "list":
        found = az.azure.of_type(f"{kind}/eventSubscriptions", topic)
        return [{"name": each["name"].rpartition("/")[2]} for each in found]
    assert "--yes" in asked.options
    az.azure.delete(f"{topic}/eventSubscriptions/{asked.one('--name')}")
    return []


def account(az: "SimulatedAz", asked: Asked, caller: Caller) -> Json:
    if asked.command[1] == "get-access-token":
        return {"accessToken": TOKEN}
    return {
        "id": az.subscription,
        "name": "Contoso production",
        "environmentName": az.cloud,
        "user": {"name": "you@contoso.com"},
        "tenantId": B2C if caller.in_b2c else TENANT,
    }


def provider(az: "SimulatedAz", asked: Asked, _caller: Caller) -> Json | list[Json]:
    subscription = asked.subscription
    if asked.writes:
        az.providers[subscription, asked.one("--namespace")] = "Registered"
        return {}
    here = [(name, state) for (where, name), state in az.providers.items() if where == subscription]
    return [{"namespace": name, "registrationState": state} for name, state in here]
