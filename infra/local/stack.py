"""The local stack: Azurite, the simulated tenant, the pager inbox and the functions host, each a process.

Tests, benchmarks, `make up` (`infra.local.up`) and `make demo` (`infra.local.demo`) start it.
"""

import base64
import json
import secrets
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Self

from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueSasPermissions, generate_queue_sas

from infra.local.programs import Program, ProgramError, free_port, module
from infra.local.tenant.control import TenantControl
from infra.local.world import (
    ALICE,
    B2C_TENANT,
    BREAK_GLASS_1,
    BREAK_GLASS_2,
    EVENT_TOPIC,
    LOGGED_RESOURCES,
    OPERATORS_CLIENT_ID,
    RESPONDER,
    RESPONDER_B2C,
    SUBSCRIPTION,
    WORKFORCE_TENANT,
)
from shared.clients.storage import Storage
from shared.clients.storage_names import RESOURCE_EVENTS_QUEUE, Container
from shared.emergency.proofs import EXCLUDED
from shared.emergency.signed_requests import MOST_BYTES

_A_DAY: Final = 86_400
_CUT_OFF_AFTER: Final = 0.2
"""Seconds between the signal to end and the end, where nothing is waited for."""

REPOSITORY: Final = Path(__file__).resolve().parents[2]
HOST_ACCOUNT: Final = "stresponder"
EVIDENCE_ACCOUNT: Final = "evresponder"
_ACCOUNTS: Final = {"AzureWebJobsStorage": HOST_ACCOUNT, "EvidenceStorage": EVIDENCE_ACCOUNT}
"""The account behind each prefix of app settings."""

_SERVICES: Final = {"AzureWebJobsStorage": ("blob", "queue", "table"), "EvidenceStorage": ("blob",)}
"""The services that the deployed app is told the address of."""

_QUICK: Final = {
    "AUDIT_POLL_SCHEDULE": "*/2 * * * * *",
    "SIGN_IN_POLL_SCHEDULE": "*/2 * * * * *",
    "SNAPSHOT_SCHEDULE": "*/10 * * * * *",
    "ROSTER_SCHEDULE": "*/10 * * * * *",
    "RESUME_SCHEDULE": "*/2 * * * * *",
    "NOON_SCHEDULE": "0 0 12 * * *",
    "REACH_SCHEDULE": "0 0 0 1 1 *",
}
"""Timers of a laptop, where nobody wants to wait for minutes. The owners aren't tried in the middle of a test."""

OF_THE_INSTANCE: Final = {
    "PYTHON_THREADPOOL_THREAD_COUNT": "16",
    "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": str(MOST_BYTES),
}
"""Settings of the host and its worker, as they are deployed."""


class StorageAccess(StrEnum):
    """How the app and its host reach storage: by managed identity, as deployed, or by the accounts' keys."""

    IDENTITY = "identity"
    KEYS = "keys"


class Unauthenticated(StrEnum):
    """What comes of a request to the app without a sign-in; OFF is without App Service authentication in front."""

    REDIRECT = "RedirectToLoginPage"
    RETURN_401 = "Return401"
    OFF = "off"


class Azurite(Program):
    """Microsoft's storage emulator, in memory, on ports of its own choice.

    `accounts` are names with their keys, in base64. With a certificate it answers by HTTPS, and then it takes tokens
    for storage too; it knows no roles, though, and doesn't look at a token's signature.
    """

    def __init__(self, *, accounts: Mapping[str, str], log: Path, certificate: Path | None = None) -> None:
        ports = {name: free_port() for name in ("blob", "queue", "table")}
        command = [
            str(REPOSITORY / "node_modules" / ".bin" / "azurite"),
            *(("--oauth", "basic", "--cert", str(certificate), "--key", str(certificate)) if certificate else ()),
            "--inMemoryPersistence",
            "--disableTelemetry",
            "--skipApiVersionCheck",
            "--silent",
            *(part for name, port in ports.items() for part in (f"--{name}Port", str(port))),
        ]
        named = ";".join(f"{account}:{key}" for account, key in accounts.items())
        super().__init__("Azurite", command, log=log, environment={"AZURITE_ACCOUNTS": named})
        scheme = "https" if certificate else "http"
        self.keys = accounts
        self.addresses = {name: f"{scheme}://127.0.0.1:{port}" for name, port in ports.items()}

    def start_all(self) -> None:
        """Start it and wait until its three services listen."""
        self.start_and_read(lambda line: line.startswith("Azurite Table service is successfully listening"))


def _random_key() -> str:
    return base64.b64encode(secrets.token_bytes(64)).decode()


def connection_string(addresses: Mapping[str, str], account: str, key: str) -> str:
    """Write the connection string of an account of an Azurite (or of something in front of it) at these addresses."""
    endpoints = ";".join(f"{name.capitalize()}Endpoint={url}/{account}" for name, url in addresses.items())
    return f"DefaultEndpointsProtocol=https;AccountName={account};AccountKey={key};{endpoints};"


class Stack:
    """All four programs. As a context manager it starts them and stops them again.

    It plays what is deployed; `storage` and `unauthenticated` are switches for what isn't. `storage_addresses` may be
    changed to those of something in front of Azurite (a test's proxy) before the functions host is started.
    """

    def __init__(
        self,
        folder: Path,
        *,
        ports: Mapping[str, int] | None = None,
        settings: Mapping[str, str] | None = None,
        storage: StorageAccess = StorageAccess.IDENTITY,
        unauthenticated: Unauthenticated = Unauthenticated.REDIRECT,
    ) -> None:
        self._state_key = secrets.token_hex(32)
        self.folder = folder
        self._storage = storage
        self._unauthenticated = unauthenticated
        self._ports = {"host": 0, "tenant": 0, "inbox": 0, **(ports or {})}
        self._changes = dict(settings or {})
        self._programs: list[Program] = []
        self._azurite: Azurite | None = None
        self.tenant: dict[str, Any] = {}
        self.inbox: dict[str, Any] = {}
        self.host: dict[str, Any] = {}
        self.keys = {"function": "local-function-key", "master": "local-master-key"}
        self.host_options: tuple[str, ...] = ()
        self.host_port = 0
        self._host: Program | None = None
        self.storage_addresses: dict[str, str] = {}

    def __enter__(self) -> Self:
        with ExitStack() as undo:
            undo.callback(self.stop)
            self.start()
            undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start everything, in the order in which one needs the other."""
        self.start_parts()
        self.start_host()

    def start_parts(self) -> None:
        """Start all but the functions host."""
        self.folder.mkdir(parents=True, exist_ok=True)
        logs = self.folder / "logs"
        self.tenant = self._start(
            "simulated tenant", "infra.local.tenant", "--state", str(self.folder / "tenant"), port="tenant"
        )
        # Keys of this run: nothing gets in by the one that everybody knows.
        self._azurite = Azurite(
            accounts={account: _random_key() for account in _ACCOUNTS.values()},
            certificate=Path(self.tenant["loopback_certificate"]),
            log=logs / "azurite.log",
        )
        self.storage_addresses = dict(self._azurite.addresses)
        self._programs.append(self._azurite)
        self._azurite.start_all()
        self._make_evidence_container()
        # As the template does: the app itself makes none of them.
        keys = self.storage_settings(StorageAccess.KEYS, self.azurite.addresses)
        Storage({**keys, "REQUESTS_CA_BUNDLE": str(self.tenant["loopback_certificate"])}).create_all()
        self.host_port = free_port(self._ports["host"])
        webhook = f"http://127.0.0.1:{self.host_port}/api/emergency/pagerduty"
        self.inbox = self._start("pager inbox", "infra.local.inbox", "--webhook", webhook, port="inbox")
        self.control = TenantControl(self.tenant["control"])
        (self.folder / "keys.json").write_text(json.dumps(self.keys), encoding="utf-8")
        self._log = logs / "host.log"

    def _start(self, name: str, package: str, *arguments: str, port: str) -> dict[str, Any]:
        number = str(free_port(self._ports[port]) if self._ports[port] else 0)
        program = Program(name, module(package, *arguments, "--port", number), log=self.folder / "logs" / f"{port}.log")
        self._programs.append(program)
        return program.start()

    def _make_evidence_container(self) -> None:
        """Make what the template makes and the app never does: the place for evidence, in an account of its own."""
        connection = connection_string(self.azurite.addresses, EVIDENCE_ACCOUNT, self.azurite.keys[EVIDENCE_ACCOUNT])
        options: dict[str, Any] = {"connection_verify": self.tenant["ca_file"]}
        with BlobServiceClient.from_connection_string(connection, **options) as blobs:
            blobs.create_container(Container.EVIDENCE)

    @property
    def azurite(self) -> Azurite:
        """The storage emulator."""
        if self._azurite is None:
            raise ProgramError("Azurite isn't running")
        return self._azurite

    def storage_settings(self, access: StorageAccess, addresses: Mapping[str, str]) -> dict[str, str]:
        """Give the app settings for storage, named as they are deployed."""
        settings: dict[str, str] = {}
        for prefix, account in _ACCOUNTS.items():
            if access is StorageAccess.KEYS:
                settings[prefix] = connection_string(addresses, account, self.azurite.keys[account])
                continue
            settings[f"{prefix}__credential"] = "managedidentity"
            settings[f"{prefix}__clientId"] = RESPONDER.client_id or ""
            for service in _SERVICES[prefix]:
                settings[f"{prefix}__{service}ServiceUri"] = f"{addresses[service]}/{account}"
        return settings

    def operator_values(self) -> dict[str, str]:
        """Give the app settings, but with the accounts' keys and past whatever stands in front of Azurite.

        For who looks in and sets up from outside: the managed identity is the app's alone.
        """
        app = self.storage_settings(self._storage, self.storage_addresses)
        others = {name: value for name, value in self.values().items() if name not in app}
        return {**others, **self.storage_settings(StorageAccess.KEYS, self.azurite.addresses)}

    def values(self) -> dict[str, str]:
        """Give the app settings that point the app at this stack."""
        tenant, inbox = self.tenant, self.inbox
        return {
            **self.storage_settings(self._storage, self.storage_addresses),
            "WORKFORCE_TENANT_ID": WORKFORCE_TENANT,
            "WORKFORCE_RESPONDER_ID": RESPONDER.id,
            "WORKFORCE_CLIENT_ID": RESPONDER.client_id or "",
            "SUBSCRIPTION_IDS": SUBSCRIPTION,
            "LOGGED_RESOURCES": ",".join(LOGGED_RESOURCES),
            "EMERGENCY_ACCOUNT_IDS": f"{BREAK_GLASS_1.id},{BREAK_GLASS_2.id}",
            "B2C_TENANT_ID": B2C_TENANT,
            "B2C_RESPONDER_ID": RESPONDER_B2C.id,
            "B2C_CLIENT_ID": RESPONDER_B2C.client_id or "",
            "B2C_CERTIFICATE": tenant["b2c_certificate"],
            "GRAPH_URL": tenant["graph"],
            "ARM_URL": tenant["arm"],
            "AUTHORITY_URL": tenant["authority"],
            "TEAMS_WEBHOOK_URL": inbox["teams"],
            "PAGERDUTY_URL": inbox["pagerduty"],
            "PAGERDUTY_ROUTING_KEY": inbox["routing_key"],
            "PAGERDUTY_WEBHOOK_SECRETS": inbox["webhook_secret"],
            "STATE_KEYS": self._state_key,
            "CASE_LINK": f"http://127.0.0.1:{self.host_port}/api/console/i/{{case}}",
            "READ_BACK_SECONDS": "4",
            "LEASE_SECONDS": "15",
            "IDENTITY_ENDPOINT": tenant["identity_endpoint"],
            "IDENTITY_HEADER": tenant["identity_header"],
            "SSL_CERT_FILE": tenant["ca_file"],
            "REQUESTS_CA_BUNDLE": tenant["ca_file"],
            **OF_THE_INSTANCE,
            **_QUICK,
            **self._changes,
        }

    def start_host(self) -> None:
        """Start the functions host over the app, and have the subscription's events delivered to it."""
        settings = self.folder / "settings.json"
        self._host = self._host_at(self.host_port, self.values(), settings=settings, log=self._log)
        self.host = self._host.start()
        if not self.control.subscriptions():
            self.subscribe_to_events()

    @property
    def host_pid(self) -> int:
        """The process id of the functions host, whose child is the app's worker."""
        if self._host is None:
            raise ProgramError("the functions host isn't running")
        return self._host.pid

    def start_another_instance(self) -> str:
        """Start a second instance of the app beside the first, under the same host name; gives its address."""
        values = {**self.values(), "WEBSITE_HOSTNAME": f"127.0.0.1:{self.host_port}"}
        settings, log = self.folder / "settings-2.json", self.folder / "logs" / "host-2.log"
        another = self._host_at(free_port(), values, settings=settings, log=log)
        self._programs.append(another)
        return str(another.start()["url"])

    def _host_at(self, port: int, values: Mapping[str, str], *, settings: Path, log: Path) -> Program:
        settings.write_text(json.dumps({"IsEncrypted": False, "Values": values}, indent=2), encoding="utf-8")
        command = module(
            "infra.local.host",
            *("--app", str(REPOSITORY), "--settings", str(settings)),
            *("--port", str(port), "--keys", str(self.folder / "keys.json")),
            *("--authentication", str(self._authentication_file())),
            *self.host_options,
        )
        # Whatever the shell sets for itself (a certificate bundle, a storage account) must not reach the app here.
        return Program("functions host", command, log=log, environment=values)

    def _authentication_file(self) -> Path:
        file = self.folder / "authentication.json"
        file.write_text(json.dumps(self.authentication()), encoding="utf-8")
        return file

    def authentication(self) -> dict[str, Any]:
        """Give the properties of `authsettingsV2`, as they are deployed, for this tenant's authority."""
        is_on = self._unauthenticated is not Unauthenticated.OFF
        return {
            "platform": {"enabled": is_on, "runtimeVersion": "~1"},
            "globalValidation": {
                "requireAuthentication": True,
                "unauthenticatedClientAction": self._unauthenticated.value if is_on else None,
                "redirectToProvider": "azureactivedirectory",
                "excludedPaths": [EXCLUDED, f"{EXCLUDED}/*"],
            },
            "httpSettings": {"requireHttps": True},
            "identityProviders": {
                "azureActiveDirectory": {
                    "enabled": True,
                    "registration": {
                        "clientId": OPERATORS_CLIENT_ID,
                        "openIdIssuer": f"{self.tenant['authority']}/{WORKFORCE_TENANT}/v2.0",
                    },
                    "validation": {"allowedAudiences": [OPERATORS_CLIENT_ID, f"api://{OPERATORS_CLIENT_ID}"]},
                }
            },
            "login": {"tokenStore": {"enabled": False}},
        }

    def operator_headers(self, *, key: str = "function") -> dict[str, str]:
        """Give what an operator's call to the app carries: an access token, as the Azure CLI gets it, and a key."""
        token = self.control.token(ALICE, "operators", lifetime=_A_DAY)
        return {"Authorization": f"Bearer {token}", "x-functions-key": self.keys[key]}

    def subscribe_to_events(self) -> None:
        """Have the subscription's events delivered to the app's queue: by the topic's identity, or by a signature."""
        address = f"{self.storage_addresses['queue']}/{HOST_ACCOUNT}/{RESOURCE_EVENTS_QUEUE}"
        if self._storage is StorageAccess.IDENTITY:
            token = self.control.token(EVENT_TOPIC, "storage", lifetime=_A_DAY)
            self.control.subscribe(address, token=token)
            return
        self.control.subscribe(f"{address}?{self._signature(RESOURCE_EVENTS_QUEUE)}")

    def _signature(self, queue: str) -> str:
        """Give a signature that lets its holder add messages to a queue."""
        return generate_queue_sas(
            HOST_ACCOUNT,
            queue,
            account_key=self.azurite.keys[HOST_ACCOUNT],
            permission=QueueSasPermissions(add=True),
            expiry=datetime.now(UTC) + timedelta(seconds=_A_DAY),
        )

    @property
    def host_program(self) -> Program:
        """The running functions host."""
        if self._host is None:
            raise ProgramError("the functions host isn't running")
        return self._host

    def kill_host(self) -> None:
        """End the functions host with kill -9."""
        self.host_program.kill()

    def redeploy(self, *, drain: float = 0.0, settings: Mapping[str, str] | None = None) -> None:
        """Start the app anew, as a deployment does, whatever is running; `settings` are changed from then on.

        By default what runs is cut off almost at once, as with the plan's update strategy Recreate. With `drain`
        (seconds) it may go on that long and nothing new begins meanwhile, as with RollingUpdate on one instance.
        """
        self.host_program.stop(max(drain, _CUT_OFF_AFTER))
        self._changes |= settings or {}
        self.start_host()

    def stop(self) -> None:
        """Stop everything, the host first."""
        for program in [self._host, *reversed(self._programs)]:
            if program is not None:
                program.stop()
        if hasattr(self, "control"):
            self.control.close()
