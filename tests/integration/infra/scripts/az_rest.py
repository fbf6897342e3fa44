"""`az rest` of the simulated az: Microsoft Graph, and what no other command of az reaches."""

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from tests.integration.infra.scripts.az_command import MISSING, Asked, AzError, Caller
from tests.integration.infra.scripts.az_directory import GRAPH, Directory
from tests.integration.infra.scripts.azure_resources import Json, subscription_of

if TYPE_CHECKING:
    from tests.integration.infra.scripts.simulated_az import SimulatedAz


def rest(az: "SimulatedAz", asked: Asked, caller: Caller) -> Any:  # noqa: ANN401 - any JSON
    url, method = asked.one("--url"), asked.one("--method", "get").lower()
    body: Json = msgspec.json.decode(asked.one("--body", "{}"))
    try:
        if url.startswith("/providers/microsoft.aadiam/diagnosticSettings/"):
            return _diagnostic_setting(az.b2c if caller.in_b2c else az.entra, method, urlsplit(url).path, body)
        if url.startswith("/"):
            return _resource_manager(az, method, url, body)
        assert url.startswith(f"{GRAPH}/"), url
        assert not urlsplit(url).query, url
        query = dict(each.split("=", 1) for each in asked.options.get("--uri-parameters", ()))
        directory = az.b2c if caller.in_b2c else az.entra
        return directory.rest(method, url.removeprefix(f"{GRAPH}/"), query, body)
    except AzError as error:
        if error.status != MISSING:
            raise
        raise AzError(f'Not Found({{"error": {{"message": "{error}"}}}})') from error


def _resource_manager(az: "SimulatedAz", method: str, url: str, body: Json) -> Any:  # noqa: ANN401 - any JSON
    path = urlsplit(url).path
    assert "api-version" in parse_qs(urlsplit(url).query), url
    if path == "/providers/Microsoft.ResourceGraph/resources":
        return {"data": [{"subscriptionId": each} for each in _known_subscriptions(az, body["query"])]}
    if "/config/configreferences/appsettings" in path:
        return _references(az, path)
    if path.endswith("/providers/Microsoft.Authorization/locks"):
        assert parse_qs(urlsplit(url).query)["$filter"] == ["atScope()"]
        over = az.azure.locks_over(path.removesuffix("/providers/Microsoft.Authorization/locks"))
        return {"value": [az.azure.get(each) for each in over]}
    match method:
        case "put":
            return _put(az, path, body)
        case "delete":
            return az.azure.delete(path)
        case _:
            return az.azure.get(path)


def _diagnostic_setting(directory: Directory, method: str, path: str, body: Json) -> Any:  # noqa: ANN401 - any JSON
    """Play the settings of a tenant, which belong to no subscription."""
    match method:
        case "put":
            properties = body["properties"]
            assert properties.keys() == {"eventHubAuthorizationRuleId", "eventHubName", "logs"}
            if not directory.may_list_keys:
                raise AzError('Forbidden({"error": {"code": "LinkedAuthorizationFailed", "message": "listkeys"}})')
            directory.diagnostic_settings[path] = {"name": path.rpartition("/")[2]} | body
            return {}
        case "delete":
            del directory.diagnostic_settings[path]
            return {}
        case _:
            if path not in directory.diagnostic_settings:
                raise AzError(path, status=MISSING)
            return directory.diagnostic_settings[path]


def _put(az: "SimulatedAz", path: str, body: Json) -> Json:
    if "/providers/Microsoft.ManagedServices/" in path:
        return _delegate(az, path, body)
    kind = "Microsoft.AlertsManagement/actionRules"
    az.azure.group("/".join(path.split("/")[:5]))
    schedule = body["properties"]["schedule"]
    assert schedule.keys() == {"effectiveUntil", "timeZone"}
    try:
        datetime.strptime(schedule["effectiveUntil"], "%Y-%m-%dT%H:%M:%S")  # noqa: DTZ007 - the time zone is beside it
    except ValueError as error:
        raise AzError(f'Bad Request({{"error": {{"code": "BadRequest", "message": "{error}"}}}})') from error
    az.azure.put({"id": path, "type": kind, "name": path.rpartition("/")[2]} | body)
    return {}


def _delegate(az: "SimulatedAz", path: str, body: Json) -> Json:
    """Play Azure Lighthouse: who is named in what is assigned to a group may list the keys in it."""
    kind = "/".join(path.rpartition("/providers/")[2].split("/")[:2])
    if kind.endswith("/registrationAssignments"):
        az.azure.group("/".join(path.split("/")[:5]))
        definition = az.azure.get(body["properties"]["registrationDefinitionId"])
        az.b2c.may_list_keys = definition["properties"]["managedByTenantId"] == az.b2c.tenant
    az.azure.put({"id": path, "type": kind, "name": path.rpartition("/")[2]} | body)
    return {}


def _known_subscriptions(az: "SimulatedAz", query: str) -> set[str]:
    group, principal = re.search(r" name =~ '([^']+)'", query), re.search(r"principalId\) =~ '([^']+)'", query)
    assert group is not None
    tags = dict(re.findall(r"tags\['([^']+)'\] =~ '([^']+)'", query))
    known = {
        subscription_of(each["id"])
        for each in az.azure.of_type("Microsoft.Resources/resourceGroups")
        if each["name"] == group[1] and tags.items() <= each["tags"].items()
    }
    held = az.assignments(principal[1]) if principal else []
    return known | {subscription_of(each["id"]) for each in held}


def _references(az: "SimulatedAz", path: str) -> Json:
    app = az.azure.get(path.partition("/config/")[0])["id"]
    if path.endswith("/refresh"):
        return {}
    referring = [name for name, value in az.app_settings(app).items() if "@Microsoft.KeyVault(" in value]
    states = {name: az.unresolved.get(name, "Resolved") for name in referring}
    return {
        "value": [{"name": name, "properties": {"status": state, "details": "…"}} for name, state in states.items()]
    }
