"""A simulated `az` that keeps state: what scripts do with it can be looked at, and any call can be made to fail.

Command lines are read by az's own parser, templates by Microsoft's compiler. It answers over loopback; the `az` on the
scripts' PATH is a few lines of bash that hand the call over, since starting Python for each would take longer than
everything else.
"""

import re
import socketserver
import threading
import traceback
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs, urlsplit

import msgspec

from tests.infra.scripts.az_command import MISSING, Asked, AzError, asked_from, printed
from tests.infra.scripts.az_directory import GRAPH, Directory
from tests.infra.scripts.az_parser import AzParser
from tests.infra.scripts.azure_resources import TENANT, Json, Resources, scope_of, subscription_of
from tests.infra.scripts.templates import Templates

SUBSCRIPTION: Final = "0c9e2b74-51fd-4a36-b8e0-6d7f93a1c258"
B2C: Final = "b2c0d4e6-7a18-4f93-9c25-e81f60a7b3d2"
FUNCTION_KEY: Final = "the-function-key-is-secret"
TOKEN: Final = "the-access-token-is-secret"
READER: Final = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
_OUTPUT_OF: Final = re.compile(r"\.outputs\.(\w+)\.value\]$")

CLIENT: Final = r"""#!/bin/bash
exec 3<>/dev/tcp/127.0.0.1/PORT
{ printf '%s\0' "$PWD" "$#" "$@"; env -0; printf '\0'; } >&3
read -r status out err <&3
cat "$out"
cat "$err" >&2
exit "$status"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call that was made."""

    argv: tuple[str, ...]
    writes: bool
    in_b2c: bool


class Caller(NamedTuple):
    """Where a call comes from."""

    folder: Path
    environment: Mapping[str, str]
    in_b2c: bool


@dataclass(slots=True, kw_only=True)
class Delays:
    """How often something isn't ready yet when it is asked for."""

    keys: int = 1
    """The host's keys, after the code was deployed."""

    principals: int = 1
    """An identity that was just made, in Graph."""


@dataclass(slots=True, kw_only=True)
class SimulatedAz:
    """Azure and both directories. `fails` says whether a call fails "before" or "after" its effect, or "" for not."""

    folder: Path
    parser: AzParser
    templates: Templates | None
    logged_in: bool = True
    in_b2c: bool = False
    cloud: str = "AzureCloud"
    fails: Callable[[Call], str] = lambda _call: ""
    delays: Delays = field(default_factory=Delays)
    runtimes: tuple[str, ...] = ("3.11", "3.12", "3.13")
    what_if_sees_modules: bool = False
    unresolved: dict[str, str] = field(default_factory=dict[str, str])
    """Settings whose reference to the vault doesn't resolve, with Azure's word for why."""

    confirmed: set[str] = field(default_factory=set[str])
    """E-mail addresses whose owners entered the code that Azure sent them."""

    notified: list[tuple[str, ...]] = field(default_factory=list[tuple[str, ...]])
    providers: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    deployments: dict[str, Json] = field(default_factory=dict[str, Json])
    records: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    codes: dict[str, bytes] = field(default_factory=dict[str, bytes])
    certificates: list[str] = field(default_factory=list[str])
    contacts: list[str] = field(default_factory=list[str])
    broken: list[str] = field(default_factory=list[str])
    """What the simulation itself couldn't do: a test with any has failed."""

    calls: list[Call] = field(default_factory=list[Call])
    entra: Directory = field(default_factory=lambda: Directory(TENANT, late=1))
    b2c: Directory = field(default_factory=lambda: Directory(B2C))
    azure: Resources = field(init=False)

    def __post_init__(self) -> None:
        self.azure = Resources(appeared=self._appeared, vanished=self.entra.remove)

    def _appeared(self, principal: str) -> None:
        self.entra.add_identity(principal, shown_after=self.delays.principals)

    # -- what tests ask of it --

    @property
    def writes(self) -> list[Call]:
        return [call for call in self.calls if call.writes]

    @property
    def principal(self) -> str:
        """Object id of the app's identity."""
        (identity,) = self.azure.of_type("Microsoft.ManagedIdentity/userAssignedIdentities")
        return identity["properties"]["principalId"]

    @property
    def code(self) -> bytes:
        """The code of the app that was deployed to last."""
        return next(reversed(self.codes.values()), b"")

    def put_code(self, code: bytes) -> None:
        """Put code into every app, in another way than by az."""
        self.codes = {each["id"].lower(): code for each in self.azure.of_type("Microsoft.Web/sites")}

    def assignments(self, principal: str = "") -> list[Json]:
        """Give the role assignments, of one holder or of all, as `az role assignment list` shows them."""
        found = self.azure.of_type("Microsoft.Authorization/roleAssignments")
        shown = [self._assignment(each) for each in found]
        return [each for each in shown if not principal or each["principalId"] == principal]

    def app_settings(self, app: str = "") -> Mapping[str, str]:
        """Give the settings that an app has, or the only one."""
        settings = self.azure.of_type("Microsoft.Web/sites/config", app)
        (found,) = [each for each in settings if each["name"].endswith("/appsettings")]
        return found["properties"]

    def _assignment(self, resource: Json) -> Json:
        role = resource["properties"]["roleDefinitionId"].rpartition("/")[2]
        names = {
            each["id"].rpartition("/")[2]: each["properties"]["roleName"]
            for each in self.azure.of_type("Microsoft.Authorization/roleDefinitions")
        }
        scope = resource["id"][: len(scope_of(resource["id"]))]
        about = {"id": resource["id"], "scope": scope, "roleDefinitionName": names.get(role, f"role {role}")}
        return resource["properties"] | about

    # -- being called --

    def run(self, argv: Sequence[str], *, folder: Path, environment: Mapping[str, str]) -> tuple[int, str, str]:
        """Carry a command out; gives the exit status and what goes to stdout and stderr."""
        try:
            asked = asked_from(argv, self.parser)
            in_b2c = environment.get("AZURE_CONFIG_DIR", "").endswith("b2c")
            call = Call(argv=tuple(argv), writes=asked.writes, in_b2c=in_b2c)
            self.calls.append(call)
            answer = self._or_fail(call, lambda: self._answer(asked, Caller(folder, environment, in_b2c)))
            return 0, printed(answer, asked), ""
        except AzError as error:
            return error.status, "", f"ERROR: {error}\n"
        except Exception:  # noqa: BLE001 - told by the test, which this thread can't fail
            self.broken.append(traceback.format_exc())
            return 70, "", "the simulated az doesn't play this: the test says what\n"

    def _or_fail(self, call: Call, carry_out: Callable[[], Any]) -> Any:  # noqa: ANN401 - any JSON
        how = self.fails(call)
        if how == "before":
            raise AzError("(InternalServerError) the test let this call fail before it was carried out")
        answer = carry_out()
        if how == "after":
            raise AzError("(InternalServerError) the test let this call fail after it was carried out")
        return answer

    def _answer(self, asked: Asked, caller: Caller) -> Any:  # noqa: ANN401 - any JSON
        if asked.command[0] != "bicep" and (not self.logged_in or (caller.in_b2c and not self.in_b2c)):
            raise AzError("Please run 'az login' to setup account.")
        groups: dict[str, Callable[[Asked, Caller], object]] = {
            "account": self._account,
            "ad": self._credential,
            "bicep": self._bicep,
            "deployment": self._deployment,
            "eventgrid": self._event_grid,
            "functionapp": self._function_app,
            "group": self._group,
            "identity": self._identity,
            "keyvault": self._vault,
            "lock": self._lock,
            "monitor": self._monitor,
            "provider": self._provider,
            "resource": self._resource,
            "rest": self._rest,
            "role": self._role,
            "storage": self._storage,
        }
        return groups[asked.command[0]](asked, caller)

    def _account(self, asked: Asked, caller: Caller) -> Json:
        if asked.command[1] == "get-access-token":
            return {"accessToken": TOKEN}
        return {
            "id": SUBSCRIPTION,
            "name": "Contoso production",
            "environmentName": self.cloud,
            "user": {"name": "you@contoso.com"},
            "tenantId": B2C if caller.in_b2c else TENANT,
        }

    def _provider(self, asked: Asked, _caller: Caller) -> Json | list[Json]:
        subscription = self._subscription(asked)
        if asked.writes:
            self.providers[subscription, asked.one("--namespace")] = "Registered"
            return {}
        here = [(name, state) for (where, name), state in self.providers.items() if where == subscription]
        return [{"namespace": name, "registrationState": state} for name, state in here]

    @staticmethod
    def _subscription(asked: Asked) -> str:
        return asked.one("--subscription", SUBSCRIPTION).lower()

    def _group_id(self, asked: Asked, option: str = "--resource-group") -> str:
        return f"/subscriptions/{self._subscription(asked)}/resourceGroups/{asked.one(option)}"

    # -- deployments --

    def _bicep(self, asked: Asked, caller: Caller) -> Json:
        assert "--stdout" in asked.options
        return self._compiler().built(Path(asked.one("--file")), caller.environment)

    def _compiler(self) -> Templates:
        if self.templates is None:
            raise AzError('Bicep CLI not found. Install it now by running "az bicep install".')
        return self.templates

    def _deployment(self, asked: Asked, caller: Caller) -> Json:
        _, level, verb = asked.command
        name = asked.one("--name")
        if level == "group":
            return self._record(asked)
        if verb in {"show", "delete"}:
            if name not in self.deployments:
                raise AzError(f"(DeploymentNotFound) Deployment '{name}' could not be found.", status=MISSING)
            return self.deployments.pop(name) if verb == "delete" else self.deployments[name]
        file, place = Path(asked.one("--parameters")), asked.one("--location")
        made = self._compiler().snapshot(file, caller.environment, SUBSCRIPTION, TENANT, place)
        values = self._parameters(file, caller.environment)
        if verb == "what-if":
            return self._what_if(made)
        if (earlier := self.deployments.get(name)) and earlier["location"] != place:
            raise AzError(
                f"(InvalidDeploymentLocation) The deployment '{name}' already exists in '{earlier['location']}'."
            )
        # A deployment that fails is there all the same, with no outputs.
        self.deployments[name] = {"name": name, "location": place, "properties": {"outputs": None}}
        self._check_registered(made)
        self.azure.make(made, values)
        self.deployments[name] = {
            "name": name,
            "location": place,
            "properties": {
                "outputs": {key: {"value": self._output(made, key, value)} for key, value in made["outputs"].items()}
            },
        }
        return {}

    def _parameters(self, file: Path, environment: Mapping[str, str]) -> Json:
        built = self._compiler().built(file, environment)
        given = msgspec.json.decode(built["parametersJson"])["parameters"]
        return {name: each["value"] for name, each in given.items()}

    def _what_if(self, made: Json) -> Json:
        """Show changes; those of modules only where nothing hides them from it."""
        seen = made["predictedResources"] if self.what_if_sees_modules else made["predictedResources"][:1]
        new = [each["id"] for each in seen if each["id"].lower() not in self.azure.there]
        return {"changes": [{"resourceId": each, "changeType": "Create"} for each in new]}

    def _check_registered(self, made: Json) -> None:
        for each in made["predictedResources"]:
            namespace, where = each["type"].split("/")[0], subscription_of(each["id"])
            always = namespace in {"Microsoft.Authorization", "Microsoft.Resources"}
            if not always and (where, namespace) not in self.providers:
                raise AzError(
                    f"(MissingSubscriptionRegistration) {where} is not registered to use namespace '{namespace}'."
                )

    def _output(self, made: Json, name: str, value: object) -> object:
        """Give an output; what the compiler can't know comes from the resource that it refers to."""
        if not (isinstance(value, str) and _OUTPUT_OF.search(value)):
            return value
        app = self.azure.made(made, "Microsoft.Web/sites")
        identity = self.azure.made(made, "Microsoft.ManagedIdentity/userAssignedIdentities")
        names = (each["id"] for each in made["predictedResources"] if each["type"] == "Microsoft.Insights/actionGroups")
        group = self.azure.get(next(each for each in names if "-changes-" not in each))
        known = {
            "functionAppName": app["name"],
            "functionAppId": app["id"],
            "functionAppHost": f"{app['name']}.azurewebsites.net",
            "identityPrincipalId": identity["properties"]["principalId"],
            "identityClientId": identity["properties"]["clientId"],
            "actionGroupId": group["id"],
        }
        return known[name]

    def _record(self, asked: Asked) -> Json:
        name = asked.one("--name")
        where = self.azure.group(self._group_id(asked))["name"], name
        if asked.writes:
            template = msgspec.json.decode(Path(asked.one("--template-file")).read_bytes())
            assert template["resources"] == []
            given = dict(each.split("=", 1) for each in asked.options["--parameters"])
            assert given.keys() == template["parameters"].keys() == template["outputs"].keys()
            self.records[where] = given["what"]
        if where not in self.records:
            raise AzError(f"(DeploymentNotFound) Deployment '{name}' could not be found.", status=MISSING)
        return {"properties": {"outputs": {"what": {"value": self.records[where]}}}}

    # -- resources --

    def _group(self, asked: Asked, _caller: Caller) -> Json:
        group_id = self._group_id(asked)
        match asked.command[1]:
            case "show":
                return self.azure.group(group_id)
            case "create":
                tags = dict(each.split("=", 1) for each in asked.options["--tags"])
                made = {
                    "id": group_id,
                    "type": "Microsoft.Resources/resourceGroups",
                    "name": asked.one("--resource-group"),
                }
                self.azure.put(made | {"location": asked.one("--location"), "tags": tags})
                return made
            case _:
                assert "--yes" in asked.options
                self.delete_group(group_id)
                return {}

    def delete_group(self, group_id: str) -> None:
        """Delete a group with its history and the code of its app."""
        self.azure.delete_group(group_id)
        self.records = {where: what for where, what in self.records.items() if where[0] != group_id.rpartition("/")[2]}
        self.codes = {app: code for app, code in self.codes.items() if app in self.azure.there}

    def _resource(self, asked: Asked, _caller: Caller) -> Json | list[Json]:
        if asked.command[1] == "show":
            found = self.azure.get(asked.one("--ids"))
            return found | {"properties": {"attributes": {"enabled": True}} | found["properties"]}
        kind = asked.one("--resource-type").lower()
        inside = self.azure.in_group(self._group_id(asked))
        return [each for each in inside if not kind or each["type"].lower() == kind]

    def _identity(self, asked: Asked, _caller: Caller) -> list[Json]:
        group_id = self._group_id(asked)
        self.azure.group(group_id)
        found = self.azure.of_type("Microsoft.ManagedIdentity/userAssignedIdentities", group_id)
        return [{"name": each["name"]} | each["properties"] for each in found]

    def _storage(self, asked: Asked, _caller: Caller) -> Json | list[Json]:
        inside = self.azure.in_group(self._group_id(asked))
        accounts = [
            {"name": each["name"]} | each["properties"] for each in inside if each["type"].endswith("/storageAccounts")
        ]
        return (
            accounts
            if asked.command[2] == "list"
            else next(each for each in accounts if each["name"] == asked.one("--name"))
        )

    def _lock(self, asked: Asked, _caller: Caller) -> Json | list[Json]:
        kind = "Microsoft.Authorization/locks"
        match asked.command[1]:
            case "list":
                group_id = self._group_id(asked)
                self.azure.group(group_id)
                return list(self.azure.of_type(kind, group_id))
            case "delete":
                for each in asked.options["--ids"]:
                    self.azure.delete(each)
            case _:
                over, name = self.azure.get(asked.one("--resource-name")), asked.one("--name")
                new = {"id": f"{over['id']}/providers/{kind}/{name}", "type": kind, "name": name}
                self.azure.put(new | {"properties": {"level": asked.one("--lock-type")}})
        return {}

    def _role(self, asked: Asked, _caller: Caller) -> Json | list[Json]:
        if asked.command[1] == "definition":
            return self._role_definition(asked)
        subscription = self._subscription(asked)
        match asked.command[2]:
            case "list":
                assert "--all" in asked.options
                return [each for each in self.assignments() if subscription_of(each["id"]) == subscription]
            case "delete":
                for each in asked.options["--ids"]:
                    if each.lower() in self.azure.there:  # Azure answers 204 to the rest
                        self.azure.delete(each)
                return {}
            case _:
                return self._assign(asked)

    def _assign(self, asked: Asked) -> Json:
        assert asked.one("--role") == "Reader"
        scope, kind = asked.one("--scope"), "Microsoft.Authorization/roleAssignments"
        self.azure.group(scope)
        new = {
            "principalId": asked.one("--assignee-object-id"),
            "roleDefinitionId": f"/providers/Microsoft.Authorization/roleDefinitions/{READER}",
            "description": asked.one("--description"),
        }
        name = str(uuid.uuid4())
        self.azure.put({"id": f"{scope}/providers/{kind}/{name}", "type": kind, "name": name, "properties": new})
        (self.folder / "canary").touch()
        return new

    def _role_definition(self, asked: Asked) -> list[Json]:
        kind, scope = "Microsoft.Authorization/roleDefinitions", asked.one("--scope").lower()
        roles = [
            each for each in self.azure.of_type(kind) if scope in map(str.lower, each["properties"]["assignableScopes"])
        ]
        if asked.command[2] == "list":
            return [{"name": each["name"].rpartition("/")[2]} | each["properties"] for each in roles]
        (role,) = [each for each in roles if each["name"].rpartition("/")[2] == asked.one("--name")]
        given = [
            each["properties"]["roleDefinitionId"].rpartition("/")[2]
            for each in self.azure.of_type(kind.replace("Definitions", "Assignments"))
        ]
        if asked.one("--name") in given:
            raise AzError("(RoleDefinitionHasAssignments) There are existing role assignments referencing role.")
        self.azure.delete(role["id"])
        return []

    def _event_grid(self, asked: Asked, _caller: Caller) -> list[Json]:
        kind = "Microsoft.EventGrid/systemTopics"
        if asked.command[1:] == ("system-topic", "list"):
            topics = self.azure.of_type(kind, f"/subscriptions/{self._subscription(asked)}")
            return [each["properties"] | {"id": each["id"], "identity": each.get("identity")} for each in topics]
        topic = f"{self._group_id(asked)}/providers/{kind}/{asked.one('--system-topic-name')}"
        self.azure.get(topic)
        if asked.command[-1] == "list":
            found = self.azure.of_type(f"{kind}/eventSubscriptions", topic)
            return [{"name": each["name"].rpartition("/")[2]} for each in found]
        assert "--yes" in asked.options
        self.azure.delete(f"{topic}/eventSubscriptions/{asked.one('--name')}")
        return []

    # -- the app, the vault, Azure Monitor --

    def _function_app(self, asked: Asked, caller: Caller) -> Any:  # noqa: ANN401 - any JSON
        if asked.command[1] == "list-flexconsumption-runtimes":
            if asked.one("--location") not in {"westeurope", "northeurope", "eastus"}:
                raise AzError(f"Bad Request: no such location: {asked.one('--location')}")
            return [{"runtime": "python", "version": each} for each in self.runtimes]
        app = f"{self._group_id(asked)}/providers/Microsoft.Web/sites/{asked.one('--name')}".lower()
        self.azure.get(app)
        match asked.command[1:]:
            case ("deployment", "source", "config-zip"):
                assert asked.one("--build-remote") == "true"
                self.codes[app] = (caller.folder / asked.one("--src")).read_bytes()
                return {}
            case ("function", "list"):
                return [{"name": "answer_case"}, {"name": "subscription_events"}] if self.codes.get(app) else []
            case _:
                assert asked.command[1:] == ("keys", "list")
                if self.delays.keys:
                    self.delays.keys -= 1
                    raise AzError("(BadRequest) Encountered an error (ServiceUnavailable) from host runtime.")
                return {"functionKeys": {"default": FUNCTION_KEY}, "masterKey": FUNCTION_KEY, "systemKeys": {}}

    def _vault(self, asked: Asked, caller: Caller) -> Any:  # noqa: ANN401 - any JSON
        match asked.command[1:]:
            case ("list-deleted",):
                first = [found[0] for found in self.azure.deleted_vaults.values()]
                return [
                    {"name": each["name"], "properties": {"vaultId": each["id"], "tags": each["tags"]}}
                    for each in first
                ]
            case ("recover",):
                self.azure.recover_vault(asked.one("--name"), self._group_id(asked))
                return {}
            case ("certificate", "contact", verb):
                if verb == "add":
                    self.contacts.append(asked.one("--email"))
                return {"contactList": [{"emailAddress": each} for each in self.contacts]}
            case _:
                return self._certificate(asked, caller)

    def _certificate(self, asked: Asked, caller: Caller) -> Json:
        if asked.writes:
            policy = msgspec.json.decode((caller.folder / asked.one("--policy").removeprefix("@")).read_bytes())
            assert policy["keyProperties"]["exportable"] is True
            self.certificates.append(uuid.uuid4().hex.upper())
        if not self.certificates:
            raise AzError("(CertificateNotFound) A certificate with (name/id) was not found.", status=MISSING)
        return {"x509ThumbprintHex": self.certificates[-1], "cer": "QUJD" * 40}

    def _credential(self, asked: Asked, _caller: Caller) -> Json:
        (application,) = [each for each in self.b2c.applications if each["appId"] == asked.one("--id")]
        lines = Path(asked.one("--cert").removeprefix("@")).read_text(encoding="ascii").splitlines()
        assert (lines[0], lines[-1]) == ("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----")
        assert "".join(lines[1:-1]) == "QUJD" * 40
        assert "--append" in asked.options
        application["keyCredentials"].append({"keyId": str(uuid.uuid4()), "displayName": asked.one("--display-name")})
        return {"appId": asked.one("--id"), "password": None}

    def _monitor(self, asked: Asked, _caller: Caller) -> Any:  # noqa: ANN401 - any JSON
        match asked.command[1:]:
            case ("action-group", "show"):
                group = self.azure.get(
                    f"{self._group_id(asked)}/providers/Microsoft.Insights/actionGroups/{asked.one('--action-group-name')}"
                )["properties"]
                mails = group["emailReceivers"]
                states = ["Enabled" if each["emailAddress"] in self.confirmed else "NotSpecified" for each in mails]
                shown = [each | {"status": state} for each, state in zip(mails, states, strict=True)]
                return group | {"emailReceivers": shown}
            case ("action-group", "test-notifications", "create"):
                self.notified.append(tuple(asked.options["--add-actions"]))
                return {}
            case ("diagnostic-settings", "subscription", verb):
                scope = f"/subscriptions/{self._subscription(asked)}"
                return self._diagnostic_settings(asked, scope, verb)
            case _:
                return self._diagnostic_settings(asked, asked.one("--resource"), asked.command[-1])

    def _diagnostic_settings(self, asked: Asked, scope: str, verb: str) -> Json:
        kind = "Microsoft.Insights/diagnosticSettings"
        one = f"{scope}/providers/{kind}/{asked.one('--name')}"
        match verb:
            case "list":
                there = [each for each in self.azure.of_type(kind) if scope_of(each["id"]) == scope.lower()]
                return {"value": [{"name": each["name"].rpartition("/")[2]} for each in there]}
            case "show":
                return self.azure.get(one)
            case _:
                self.azure.delete(one)
                return {}

    # -- az rest --

    def _rest(self, asked: Asked, caller: Caller) -> Any:  # noqa: ANN401 - any JSON
        url, method = asked.one("--url"), asked.one("--method", "get").lower()
        body: Json = msgspec.json.decode(asked.one("--body", "{}"))
        try:
            if url.startswith("/"):
                return self._resource_manager(method, url, body)
            assert url.startswith(f"{GRAPH}/"), url
            assert not urlsplit(url).query, url
            query = dict(each.split("=", 1) for each in asked.options.get("--uri-parameters", ()))
            directory = self.b2c if caller.in_b2c else self.entra
            return directory.rest(method, url.removeprefix(f"{GRAPH}/"), query, body)
        except AzError as error:
            if error.status != MISSING:
                raise
            raise AzError(f'Not Found({{"error": {{"message": "{error}"}}}})') from error

    def _resource_manager(self, method: str, url: str, body: Json) -> Any:  # noqa: ANN401 - any JSON
        path = urlsplit(url).path
        assert "api-version" in parse_qs(urlsplit(url).query), url
        if path == "/providers/Microsoft.ResourceGraph/resources":
            return {"data": [{"subscriptionId": each} for each in self._known_subscriptions(body["query"])]}
        if "/config/configreferences/appsettings" in path:
            return self._references(path)
        match method:
            case "put":
                kind = "Microsoft.AlertsManagement/actionRules"
                self.azure.group("/".join(path.split("/")[:5]))
                assert body["properties"]["schedule"].keys() == {"effectiveUntil", "timeZone"}
                self.azure.put({"id": path, "type": kind, "name": path.rpartition("/")[2]} | body)
                return {}
            case "delete":
                return self.azure.delete(path)
            case _:
                return self.azure.get(path)

    def _known_subscriptions(self, query: str) -> set[str]:
        group, principal = re.search(r"name =~ '([^']+)'", query), re.search(r"principalId\) =~ '([^']+)'", query)
        assert group is not None
        groups = self.azure.of_type("Microsoft.Resources/resourceGroups")
        known = {
            subscription_of(each["id"])
            for each in groups
            if each["name"] == group[1] and "entra-responder" in each["tags"]
        }
        held = self.assignments(principal[1]) if principal else []
        return known | {subscription_of(each["id"]) for each in held}

    def _references(self, path: str) -> Json:
        app = self.azure.get(path.partition("/config/")[0])["id"]
        if path.endswith("/refresh"):
            return {}
        referring = [name for name, value in self.app_settings(app).items() if "@Microsoft.KeyVault(" in value]
        states = {name: self.unresolved.get(name, "Resolved") for name in referring}
        return {
            "value": [{"name": name, "properties": {"status": state, "details": "…"}} for name, state in states.items()]
        }


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        server = self.server
        assert isinstance(server, AzServer)
        raw = b""
        while not raw.endswith(b"\0\0"):
            if not (chunk := self.connection.recv(65_536)):
                return
            raw += chunk
        folder, count, *rest = raw.decode().split("\0")
        argv, pairs = rest[: int(count)], rest[int(count) :]
        environment = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
        with server.one_at_a_time:
            status, out, err = server.az.run(argv, folder=Path(folder), environment=environment)
        files = [server.az.folder / f"{uuid.uuid4().hex}.{kind}" for kind in ("out", "err")]
        for file, text in zip(files, (out, err), strict=True):
            file.write_text(text, encoding="utf-8")
        with suppress(BrokenPipeError):
            self.wfile.write(f"{status} {files[0]} {files[1]}\n".encode())


class AzServer(socketserver.ThreadingTCPServer):
    """Where the `az` on the scripts' PATH hands its calls over."""

    daemon_threads = True

    def __init__(self, az: SimulatedAz) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.az = az
        self.one_at_a_time = threading.Lock()

    def install(self, folder: Path) -> None:
        """Put the `az` into a folder."""
        client = folder / "az"
        client.write_text(CLIENT.replace("PORT", str(self.server_address[1])), encoding="utf-8")
        client.chmod(0o755)
