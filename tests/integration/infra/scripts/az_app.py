"""What az does with the function app, the vault and Azure Monitor in the simulated Azure."""

import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tests.integration.infra.scripts.az_command import MISSING, Asked, AzError, Caller
from tests.integration.infra.scripts.azure_resources import Json, scope_of

if TYPE_CHECKING:
    from tests.integration.infra.scripts.simulated_az import SimulatedAz


FUNCTION_KEY: Final = "the-function-key-is-secret"


def function_app(az: "SimulatedAz", asked: Asked, caller: Caller) -> Any:  # noqa: ANN401 - any JSON
    if asked.command[1] == "list-flexconsumption-runtimes":
        if asked.one("--location") not in {"westeurope", "northeurope", "eastus"}:
            raise AzError(f"Bad Request: no such location: {asked.one('--location')}")
        return [{"runtime": "python", "version": each} for each in az.runtimes]
    app = f"{asked.group_id}/providers/Microsoft.Web/sites/{asked.one('--name')}".lower()
    az.azure.get(app)
    match asked.command[1:]:
        case ("deployment", "source", "config-zip"):
            assert asked.one("--build-remote") == "true"
            az.codes[app] = (caller.folder / asked.one("--src")).read_bytes()
            return {}
        case ("function", "list"):
            return [{"name": "answer_case"}, {"name": "subscription_events"}] if az.codes.get(app) else []
        case _:
            assert asked.command[1:] == ("keys", "list")
            if az.delays.keys:
                az.delays.keys -= 1
                raise AzError("(BadRequest) Encountered an error (ServiceUnavailable) from host runtime.")
            return {"functionKeys": {"default": FUNCTION_KEY}, "masterKey": FUNCTION_KEY, "systemKeys": {}}


def vault(az: "SimulatedAz", asked: Asked, caller: Caller) -> Any:  # noqa: ANN401 - any JSON
    match asked.command[1:]:
        case ("list-deleted",):
            first = [found[0] for found in az.azure.deleted_vaults.values()]
            return [
                {
                    "name": each["name"],
                    "properties": {"vaultId": each["id"], "location": each["location"], "tags": each["tags"]},
                }
                for each in first
            ]
        case ("recover",):
            az.azure.recover_vault(
                asked.one("--name"), group=asked.one("--resource-group"), location=asked.one("--location")
            )
            return {}
        case ("certificate", "contact", verb):
            if verb == "add":
                az.contacts.append(asked.one("--email"))
            return {"contactList": [{"emailAddress": each} for each in az.contacts]}
        case _:
            return _certificate(az, asked, caller)


def _certificate(az: "SimulatedAz", asked: Asked, caller: Caller) -> Json:
    if asked.writes:
        policy = msgspec.json.decode((caller.folder / asked.one("--policy").removeprefix("@")).read_bytes())
        assert policy["keyProperties"]["exportable"] is True
        az.certificates.append(uuid.uuid4().hex.upper())
    if not az.certificates:
        raise AzError("(CertificateNotFound) A certificate with (name/id) was not found.", status=MISSING)
    return {"x509ThumbprintHex": az.certificates[-1], "cer": "QUJD" * 40}


def directory(az: "SimulatedAz", asked: Asked, _caller: Caller) -> Json:
    if asked.command[1:] == ("sp", "show"):
        return az.entra.service_principal(asked.one("--id"))
    return _credential(az, asked)


def _credential(az: "SimulatedAz", asked: Asked) -> Json:
    (application,) = [each for each in az.b2c.applications if each["appId"] == asked.one("--id")]
    lines = Path(asked.one("--cert").removeprefix("@")).read_text(encoding="ascii").splitlines()
    assert (lines[0], lines[-1]) == ("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----")
    assert "".join(lines[1:-1]) == "QUJD" * 40
    assert "--append" in asked.options
    application["keyCredentials"].append({"keyId": str(uuid.uuid4()), "displayName": asked.one("--display-name")})
    return {"appId": asked.one("--id"), "password": None}


def monitor(az: "SimulatedAz", asked: Asked, _caller: Caller) -> Any:  # noqa: ANN401 - any JSON
    match asked.command[1:]:
        case ("action-group", "show"):
            group = az.azure.get(
                f"{asked.group_id}/providers/Microsoft.Insights/actionGroups/{asked.one('--action-group-name')}"
            )["properties"]
            mails = group["emailReceivers"]
            states = ["Enabled" if each["emailAddress"] in az.confirmed else "NotSpecified" for each in mails]
            shown = [each | {"status": state} for each, state in zip(mails, states, strict=True)]
            return group | {"emailReceivers": shown}
        case ("action-group", "list"):
            groups = az.azure.in_group(asked.group_id)
            return [
                {"name": each["name"], "tags": each["tags"]} | each["properties"]
                for each in groups
                if each["type"] == "Microsoft.Insights/actionGroups"
            ]
        case ("action-group", "test-notifications", "create"):
            return _notified(az, asked)
        case ("diagnostic-settings", "subscription", verb):
            scope = f"/subscriptions/{asked.subscription}"
            return _diagnostic_settings(az, asked, scope, verb)
        case _:
            return _diagnostic_settings(az, asked, asked.one("--resource"), asked.command[-1])


_MECHANISMS: Final = {"email": "Email", "armrole": "Email", "sms": "Sms", "voice": "Voice"}


def _notified(az: "SimulatedAz", asked: Asked) -> Json:
    """Send what the call says, whoever the action group itself has; az shows what became of each."""
    name = asked.one("--action-group-name")
    az.azure.get(f"{asked.group_id}/providers/Microsoft.Insights/actionGroups/{name}")
    words = asked.options["--add-actions"]
    az.notified.append((asked.subscription, name, *words))
    starts = [at for at, word in enumerate(words) if word in _MECHANISMS]
    details: list[Json] = []
    for at in starts:
        how, who, to = words[at : at + 3]
        why = az.undelivered.get(to)
        status = {"Status": "Failed" if why else "Succeeded", "SubState": "Default", "Detail": why}
        details.append({"MechanismType": _MECHANISMS[how], "Name": who} | status)
    return {"state": "Complete", "actionDetails": details}


def _diagnostic_settings(az: "SimulatedAz", asked: Asked, scope: str, verb: str) -> Json:
    kind = "Microsoft.Insights/diagnosticSettings"
    one = f"{scope}/providers/{kind}/{asked.one('--name')}"
    match verb:
        case "list":
            there = [each for each in az.azure.of_type(kind) if scope_of(each["id"]) == scope.lower()]
            ours = [{"name": each["name"].rpartition("/")[2]} | each["properties"] for each in there]
            return {"value": ours}
        case "show":
            return az.azure.get(one)
        case _:
            az.azure.delete(one)
            return {}
