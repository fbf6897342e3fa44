"""A simulated `az` that keeps state: what scripts do with it can be looked at, and any call can be made to fail.

It answers over loopback; the `az` on the scripts' PATH is a few lines of bash that hand the call over, since starting
Python for each would take longer than everything else.
"""

import re
import socketserver
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import msgspec

from tests.infra.scripts.az_command import MISSING, Asked, AzError, asked_from, printed
from tests.infra.scripts.az_directory import GRAPH, Directory

REPOSITORY: Final = Path(__file__).parents[3]
SUBSCRIPTION: Final = "0c9e2b74-51fd-4a36-b8e0-6d7f93a1c258"
WORKFORCE: Final = "5f1c7a3e-94d2-4b0e-8a57-3c6d1e2f4a90"
B2C: Final = "b2c0d4e6-7a18-4f93-9c25-e81f60a7b3d2"
FUNCTION_KEY: Final = "the-function-key-is-secret"
TOKEN: Final = "the-access-token-is-secret"
_SECRETS: Final = frozenset({"TEAMS_WEBHOOK_URL", "PAGERDUTY_ROUTING_KEY", "B2C_CERTIFICATE"})
_READ: Final = re.compile(r"readEnvironmentVariable\('(\w+)'(?:,\s*'([^']*)')?\)")
_OUTPUT: Final = re.compile(r"^output (\w+) ", re.MULTILINE)
_PARAMETER: Final = re.compile(r"^param (\w+) \S+( =)?", re.MULTILINE)

CLIENT: Final = r"""#!/bin/bash
exec 3<>/dev/tcp/127.0.0.1/PORT
{ printf '%s\0' "$PWD" "$#" "$@"; env -0; printf '\0'; } >&3
read -r status out err <&3
cat "$out"
cat "$err" >&2
exit "$status"
"""

type Json = dict[str, Any]


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
class SimulatedAz:
    """Azure and both directories. `fails` is asked of each call: "" is well, "before" and "after" its effect are not.

    `looks_until_function` is how many times a deployed function isn't shown yet.
    """

    folder: Path
    logged_in: bool = True
    in_b2c: bool = False
    fails: Callable[[Call], str] = lambda _call: ""
    looks_until_function: int = 2
    providers: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    deployments: dict[str, Json] = field(default_factory=dict[str, Json])
    records: dict[str, Json] = field(default_factory=dict[str, Json])
    code: bytes = b""
    azure_roles: set[str] = field(default_factory=set[str])
    certificates: list[str] = field(default_factory=list[str])
    calls: list[Call] = field(default_factory=list[Call])
    entra: Directory = field(default_factory=lambda: Directory(WORKFORCE, late=1))
    b2c: Directory = field(default_factory=lambda: Directory(B2C))
    principal: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def writes(self) -> list[Call]:
        return [call for call in self.calls if call.writes]

    def run(self, argv: Sequence[str], *, folder: Path, environment: Mapping[str, str]) -> tuple[int, str, str]:
        """Carry a command out; gives the exit status and what goes to stdout and stderr."""
        try:
            asked = asked_from(argv)
            in_b2c = environment.get("AZURE_CONFIG_DIR", "").endswith("b2c")
            call = Call(argv=tuple(argv), writes=asked.writes, in_b2c=in_b2c)
            self.calls.append(call)
            answer = self._or_fail(call, lambda: self._answer(asked, Caller(folder, environment, in_b2c)))
            return 0, printed(answer, asked), ""
        except AzError as error:
            return error.status, "", f"ERROR: {error}\n"

    def _or_fail(self, call: Call, carry_out: Callable[[], Any]) -> Any:  # noqa: ANN401 - any JSON
        how = self.fails(call)
        if how == "before":
            raise AzError("(ServiceUnavailable) the test let this call fail before it was carried out")
        answer = carry_out()
        if how == "after":
            raise AzError("(ServiceUnavailable) the test let this call fail after it was carried out")
        return answer

    def _answer(self, asked: Asked, caller: Caller) -> Any:  # noqa: ANN401 - any JSON
        if not self.logged_in or (caller.in_b2c and not self.in_b2c):
            raise AzError("Please run 'az login' to setup account.")
        if asked.command == ("rest",):
            return self._rest(asked, self.b2c if caller.in_b2c else self.entra)
        groups: dict[str, Callable[[Asked, Caller], object]] = {
            "account": self._account,
            "provider": self._provider,
            "deployment": self._deployment,
            "functionapp": self._function_app,
            "keyvault": self._certificate,
            "ad": self._credential,
            "role": self._role,
        }
        return groups[asked.command[0]](asked, caller)

    def _account(self, asked: Asked, caller: Caller) -> Json:
        if asked.command[1] == "get-access-token":
            return {"accessToken": TOKEN}
        tenant = B2C if caller.in_b2c else WORKFORCE
        return {
            "id": SUBSCRIPTION,
            "name": "Contoso production",
            "user": {"name": "you@contoso.com"},
            "tenantId": tenant,
        }

    def _provider(self, asked: Asked, _caller: Caller) -> Json | list[Json]:
        subscription = asked.one("--subscription", SUBSCRIPTION)
        if asked.writes:
            self.providers[subscription, asked.one("--namespace")] = "Registered"
            return {}
        here = [(name, state) for (where, name), state in self.providers.items() if where == subscription]
        return [{"namespace": name, "registrationState": state} for name, state in here]

    # -- deployments --

    def _deployment(self, asked: Asked, caller: Caller) -> Json:
        _, level, verb = asked.command
        if level == "group":
            return self._record(asked)
        name = asked.one("--name")
        if verb == "show":
            if name not in self.deployments:
                raise AzError(f"(DeploymentNotFound) Deployment '{name}' could not be found.", status=MISSING)
            return {"properties": {"outputs": self.deployments[name]["outputs"]}}
        template = asked.one("--template-file")
        made = self._events(asked, template) if template else self._infrastructure(asked, caller.environment)
        before = self.deployments.get(name, {}).get("resources", {})
        changed = [each for each in made["resources"] if made["resources"][each] != before.get(each)]
        if verb == "create":
            if not template:
                self._give_roles(made)
            self.deployments[name] = {"resources": before | made["resources"], "outputs": made["outputs"]}
            return {}
        same = [each for each in made["resources"] if each not in changed]
        return {
            "changes": [{"resourceId": each, "changeType": "Modify"} for each in changed]
            + [{"resourceId": each, "changeType": "NoChange"} for each in same]
        }

    def _infrastructure(self, asked: Asked, environment: Mapping[str, str]) -> Json:
        """Play main.bicep: a resource for each variable that its parameter file reads, the outputs that it names."""
        (file,) = asked.options["--parameters"]
        parameters = Path(file).read_text(encoding="utf-8")
        values = {name: environment.get(name, default) for name, default in _READ.findall(parameters)}
        if lacking := [name for name, value in values.items() if not value and f"('{name}')" in parameters]:
            raise AzError(f"Error BCP338: Environment variable {lacking} does not exist, and no default value set.")
        template = (REPOSITORY / "infra" / "main.bicep").read_text(encoding="utf-8")
        known: dict[str, object] = {
            "identityPrincipalId": self.principal,
            "subscriptionIds": [SUBSCRIPTION, *filter(None, values["WATCHED_SUBSCRIPTION_IDS"].split(","))],
            "functionAppHost": "responder-x.azurewebsites.net",
        }
        outputs = {name: {"value": known.get(name, f"the-{name}")} for name in _OUTPUT.findall(template)}
        resources = {name: value for name, value in values.items() if value or name not in _SECRETS}
        return {"resources": resources, "outputs": outputs}

    def _give_roles(self, made: Json) -> None:
        """A deployment gives what it names and takes nothing away."""
        tiers = {"watch", made["resources"]["RESPONDER_TIER"]}
        for subscription in made["outputs"]["subscriptionIds"]["value"]:
            self.azure_roles |= {f"/subscriptions/{subscription}/roleAssignments/{tier}" for tier in tiers}

    def _events(self, asked: Asked, template: str) -> Json:
        declared = dict(_PARAMETER.findall(Path(template).read_text(encoding="utf-8")))
        given = dict(each.split("=", 1) for each in asked.options["--parameters"])
        if strange := given.keys() - declared.keys():
            raise AzError(f"unable to parse parameter: {sorted(strange)}")
        if lacking := {name for name, default in declared.items() if not default} - given.keys():
            raise AzError(f"Missing input parameters: {sorted(lacking)}")
        if not self.code or self.looks_until_function:
            raise AzError("(InvalidRequest) The function subscription_events was not found.")
        subscriptions: list[str] = msgspec.json.decode(given["subscriptionIds"], type=list[str])
        return {"resources": dict.fromkeys(subscriptions, given), "outputs": {}}

    def _record(self, asked: Asked) -> Json:
        name = asked.one("--name")
        if asked.writes:
            template = msgspec.json.decode(Path(asked.one("--template-file")).read_bytes())
            assert template["resources"] == []
            given = dict(each.split("=", 1) for each in asked.options["--parameters"])
            assert given.keys() == template["parameters"].keys()
            self.records[name] = {"properties": {"outputs": {key: {"value": value} for key, value in given.items()}}}
        if name not in self.records:
            raise AzError(f"(DeploymentNotFound) Deployment '{name}' could not be found.", status=MISSING)
        return self.records[name]

    # -- the app, the vault, the directories --

    def _function_app(self, asked: Asked, caller: Caller) -> Json:
        if asked.one("--name") != "the-functionAppName":
            raise AzError("(ResourceNotFound) The site was not found.", status=MISSING)
        match asked.command[1:]:
            case ("deployment", "source", "config-zip"):
                assert asked.one("--build-remote") == "true"
                self.code = (caller.folder / asked.one("--src")).read_bytes()
                return {}
            case ("function", "show"):
                if not self.code or self.looks_until_function:
                    self.looks_until_function -= 1 if self.code else 0
                    raise AzError("(NotFound) Function was not found.", status=MISSING)
                return {"id": f"the-functionAppId/functions/{asked.one('--function-name')}"}
            case _:
                return {"functionKeys": {"default": FUNCTION_KEY}, "masterKey": FUNCTION_KEY, "systemKeys": {}}

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

    def _role(self, asked: Asked, _caller: Caller) -> list[Json]:
        """Play the roles that roles.bicep gives: watch in each subscription, and act in that tier."""
        if asked.writes:
            self.azure_roles -= set(asked.options["--ids"])
            return []
        scope = asked.one("--scope")
        here = [
            each
            for each in sorted(self.azure_roles)
            if each.startswith(f"{scope}/") and asked.one("--assignee-object-id")
        ]
        return [{"id": each, "roleDefinitionName": f"Entra Responder {each.split('/')[-1]} (x)"} for each in here]

    def _rest(self, asked: Asked, directory: Directory) -> Any:  # noqa: ANN401 - any JSON
        url = asked.one("--url")
        if not url.startswith(f"{GRAPH}/") or urlsplit(url).query:
            raise AzError(f"Bad Request: {url} is not played here")
        query = dict(each.split("=", 1) for each in asked.options.get("--url-parameters", ()))
        body: Json = msgspec.json.decode(asked.one("--body", "{}"))
        return directory.rest(asked.one("--method", "get").lower(), url.removeprefix(f"{GRAPH}/"), query, body)


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
