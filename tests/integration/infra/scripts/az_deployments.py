"""`az bicep` and `az deployment` of the simulated az: what the compiler makes of a template is made."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from tests.integration.infra.scripts.az_command import MISSING, TENANT, Asked, AzError, Caller
from tests.integration.infra.scripts.azure_resources import Json, subscription_of
from tests.integration.infra.scripts.templates import Templates

if TYPE_CHECKING:
    from tests.integration.infra.scripts.simulated_az import SimulatedAz


_OUTPUT_OF: Final = re.compile(r"\.outputs\.(\w+)\.value\]$")


def bicep(az: "SimulatedAz", asked: Asked, caller: Caller) -> Json:
    assert "--stdout" in asked.options
    return _compiler(az).built(Path(asked.one("--file")), caller.environment)


def _compiler(az: "SimulatedAz") -> Templates:
    if az.templates is None:
        raise AzError('Bicep CLI not found. Install it now by running "az bicep install".')
    return az.templates


def deployment(az: "SimulatedAz", asked: Asked, caller: Caller) -> Json | list[Json]:
    _, level, verb = asked.command
    name = asked.one("--name")
    if (level, verb) == ("sub", "list"):
        return list(az.deployments.values())
    if level == "group":
        return _record(az, asked)
    if verb in {"show", "delete"}:
        if name not in az.deployments:
            raise AzError(f"(DeploymentNotFound) Deployment '{name}' could not be found.", status=MISSING)
        return az.deployments.pop(name) if verb == "delete" else az.deployments[name]
    file, place = Path(asked.one("--parameters")), asked.one("--location")
    if "--template-file" in asked.options:
        return _outputs_kept(az, asked)
    made = _compiler(az).snapshot(file, caller.environment, az.subscription, TENANT, place)
    values = _parameters(az, file, caller.environment)
    if verb == "what-if":
        return _what_if(az, made)
    _check_location(az, name, place)
    # The deployments that lie in this one have names that follow from its name, and nobody deletes their records.
    if (before := az.regions.setdefault((az.subscription, name), place)) != place:
        raise AzError(f"(InvalidDeploymentLocation) The deployment 'roles-{name}' already exists in '{before}'.")
    if (earlier := az.deployments.get(name)) and earlier["properties"]["provisioningState"] in {"Accepted", "Running"}:
        raise AzError(
            f"(DeploymentActive) The deployment with resource id '/subscriptions/{az.subscription}/providers/"
            f"Microsoft.Resources/deployments/{name}' cannot be saved, because this would overwrite an existing"
            " deployment which is still active."
        )
    # A deployment that fails is there all the same, with no outputs.
    properties: Json = {
        "provisioningState": "Failed",
        "timestamp": datetime.now(UTC).isoformat(),
        "parameters": _shown(az, file, caller.environment),
        "outputs": None,
    }
    az.deployments[name] = {"name": name, "location": place, "properties": properties}
    _check_registered(az, made)
    az.azure.make(made, values)
    outputs = {key: {"value": _output(az, made, key, value)} for key, value in made["outputs"].items()}
    watched: Json = outputs["subscriptionIds"]
    (az.folder / "watched").write_text("".join(f"{each}\n" for each in watched["value"]), encoding="utf-8")
    properties |= {"provisioningState": "Succeeded", "outputs": outputs}
    return {}


def _outputs_kept(az: "SimulatedAz", asked: Asked) -> Json:
    """Make a deployment to the subscription that makes nothing and gives back its one parameter, an object."""
    name, place = asked.one("--name"), asked.one("--location")
    template = msgspec.json.decode(Path(asked.one("--template-file")).read_bytes())
    assert "subscriptionDeploymentTemplate" in template["$schema"]
    assert template["resources"] == []
    (parameter,) = template["parameters"]
    assert template["outputs"] == {"all": {"type": "object", "value": f"[parameters('{parameter}')]"}}
    given, value = asked.one("--parameters").split("=", 1)
    assert given == parameter
    _check_location(az, name, place)
    properties: Json = {
        "provisioningState": "Succeeded",
        "timestamp": datetime.now(UTC).isoformat(),
        "parameters": {parameter: {"type": "Object", "value": msgspec.json.decode(value)}},
        "outputs": {"all": {"type": "Object", "value": msgspec.json.decode(value)}},
    }
    az.deployments[name] = {"name": name, "location": place, "properties": properties}
    return {}


def _check_location(az: "SimulatedAz", name: str, place: str) -> None:
    if (earlier := az.deployments.get(name)) and earlier["location"] != place:
        raise AzError(f"(InvalidDeploymentLocation) The deployment '{name}' already exists in '{earlier['location']}'.")


def _shown(az: "SimulatedAz", file: Path, environment: Mapping[str, str]) -> Json:
    """Give the parameters as a deployment shows them later: those of secrets without a value."""
    built = _compiler(az).built(file, environment)
    declared: Json = msgspec.json.decode(built["templateJson"])["parameters"]
    return {
        name: {"type": declared[name].get("type", "")}
        | ({} if declared[name].get("type", "").lower().startswith("secure") else {"value": value})
        for name, value in _parameters(az, file, environment).items()
    }


def _parameters(az: "SimulatedAz", file: Path, environment: Mapping[str, str]) -> Json:
    built = _compiler(az).built(file, environment)
    given = msgspec.json.decode(built["parametersJson"])["parameters"]
    return {name: each["value"] for name, each in given.items()}


def _what_if(az: "SimulatedAz", made: Json) -> Json:
    """Show changes; those of modules only where nothing hides them from it."""
    seen = made["predictedResources"] if az.what_if_sees_modules else made["predictedResources"][:1]
    new = [each["id"] for each in seen if each["id"].lower() not in az.azure.there]
    return {"changes": [{"resourceId": each, "changeType": "Create"} for each in new]}


def _check_registered(az: "SimulatedAz", made: Json) -> None:
    for each in made["predictedResources"]:
        namespace, where = each["type"].split("/")[0], subscription_of(each["id"])
        always = namespace in {"Microsoft.Authorization", "Microsoft.Resources"}
        if not always and (where, namespace) not in az.providers:
            raise AzError(
                f"(MissingSubscriptionRegistration) {where} is not registered to use namespace '{namespace}'."
            )


def _output(az: "SimulatedAz", made: Json, name: str, value: object) -> object:
    """Give an output; what the compiler can't know comes from the resource that it refers to."""
    if not (isinstance(value, str) and _OUTPUT_OF.search(value)):
        return value
    app = az.azure.made(made, "Microsoft.Web/sites")
    identity = az.azure.made(made, "Microsoft.ManagedIdentity/userAssignedIdentities")
    names = (each["id"] for each in made["predictedResources"] if each["type"] == "Microsoft.Insights/actionGroups")
    group = az.azure.get(next(each for each in names if "-changes-" not in each))
    known = {
        "functionAppName": app["name"],
        "functionAppId": app["id"],
        "functionAppHost": f"{app['name']}.azurewebsites.net",
        "identityPrincipalId": identity["properties"]["principalId"],
        "identityClientId": identity["properties"]["clientId"],
        "actionGroupId": group["id"],
    }
    return known[name]


def _record(az: "SimulatedAz", asked: Asked) -> Json:
    name = asked.one("--name")
    where = az.azure.group(asked.group_id)["id"].lower(), name
    if asked.writes:
        template = msgspec.json.decode(Path(asked.one("--template-file")).read_bytes())
        assert template["resources"] == []
        given = dict(each.split("=", 1) for each in asked.options["--parameters"])
        assert given.keys() == template["parameters"].keys() == template["outputs"].keys()
        az.records[where] = given["what"]
    if where not in az.records:
        raise AzError(f"(DeploymentNotFound) Deployment '{name}' could not be found.", status=MISSING)
    return {"properties": {"outputs": {"what": {"value": az.records[where]}}}}
