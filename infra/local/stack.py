"""The local stack: Azurite, the simulated tenant, the pager inbox and the functions host, each a process.

`python -m infra.local.stack` (`make up`) starts it, with the settings in `.local/settings.json`, and leaves it running
until Ctrl-C.
"""

import json
import re
import signal
import sys
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Self

from infra.local.programs import Program, ProgramError, free_port, module
from infra.local.tenant.control import TenantControl
from infra.local.world import (
    B2C_TENANT,
    BREAK_GLASS_1,
    BREAK_GLASS_2,
    RESPONDER,
    RESPONDER_B2C,
    SUBSCRIPTION,
    WORKFORCE_TENANT,
)
from shared.clients.storage import RESOURCE_EVENTS_QUEUE

REPOSITORY: Final = Path(__file__).resolve().parents[2]
_ACCOUNT: Final = "devstoreaccount1"
_KEY: Final = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""Azurite's own account and key, the same on every machine and printed in its documentation."""

_LISTENING: Final = re.compile(r"Azurite (\w+) service is successfully listening at (http://[\d.]+:\d+)")
_QUICK: Final = {
    "AUDIT_POLL_SCHEDULE": "*/2 * * * * *",
    "SIGN_IN_POLL_SCHEDULE": "*/2 * * * * *",
    "BACKFILL_SCHEDULE": "0 40 3 * * *",
    "SNAPSHOT_SCHEDULE": "*/10 * * * * *",
    "ROSTER_SCHEDULE": "*/10 * * * * *",
    "COUNTER_PURGE_SCHEDULE": "0 10 4 * * *",
    "LOG_COUNT_SCHEDULE": "45 */10 * * * *",
    "RESUME_SCHEDULE": "*/2 * * * * *",
}
"""Timers of a laptop, where nobody wants to wait for minutes."""


class Azurite(Program):
    """Microsoft's storage emulator, on ports of its own choice.

    `folder` keeps its state, so it may be killed and started again.
    """

    def __init__(self, folder: Path, *, log: Path, on_disk: bool) -> None:
        ports = {name: free_port() for name in ("blob", "queue", "table")}
        command = [
            str(REPOSITORY / "node_modules" / ".bin" / "azurite"),
            *(["--location", str(folder)] if on_disk else ["--inMemoryPersistence"]),
            "--disableTelemetry",
            "--skipApiVersionCheck",
            "--silent",
            *(part for name, port in ports.items() for part in (f"--{name}Port", str(port))),
        ]
        super().__init__("Azurite", command, log=log)
        self.addresses = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}

    def start_all(self) -> None:
        """Start it and wait until its three services listen."""
        self.start_and_read(lambda line: line.startswith("Azurite Table service is successfully listening"))


def connection_string(addresses: Mapping[str, str]) -> str:
    """Write the connection string of an Azurite (or of something in front of it) at these addresses."""
    endpoints = ";".join(f"{name.capitalize()}Endpoint={url}/{_ACCOUNT}" for name, url in addresses.items())
    return f"DefaultEndpointsProtocol=http;AccountName={_ACCOUNT};AccountKey={_KEY};{endpoints};"


class Stack:
    """All four programs. As a context manager it starts them and stops them again.

    `storage` may name addresses of something in front of Azurite (a test's proxy), given Azurite's own.
    """

    def __init__(
        self, folder: Path, *, ports: Mapping[str, int] | None = None, settings: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder
        self._ports = {"host": 0, "tenant": 0, "inbox": 0, **(ports or {})}
        self._changes = dict(settings or {})
        self._programs: list[Program] = []
        logs = folder / "logs"
        self.azurite = Azurite(folder / "azurite", log=logs / "azurite.log", on_disk=False)
        self.tenant: dict[str, Any] = {}
        self.inbox: dict[str, Any] = {}
        self.host: dict[str, Any] = {}
        self.keys = {"function": "local-function-key", "master": "local-master-key"}
        self.host_options: tuple[str, ...] = ()
        self.host_port = 0
        self._host: Program | None = None
        self.storage_addresses: dict[str, str] = dict(self.azurite.addresses)

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
        self._programs.append(self.azurite)
        self.azurite.start_all()
        self.tenant = self._start(
            "simulated tenant", "infra.local.tenant", "--state", str(self.folder / "tenant"), port="tenant"
        )
        self.inbox = self._start("pager inbox", "infra.local.inbox", port="inbox")
        self.control = TenantControl(self.tenant["control"])
        self.host_port = free_port(self._ports["host"])
        (self.folder / "keys.json").write_text(json.dumps(self.keys), encoding="utf-8")
        self._log = logs / "host.log"

    def _start(self, name: str, package: str, *arguments: str, port: str) -> dict[str, Any]:
        number = str(free_port(self._ports[port]) if self._ports[port] else 0)
        program = Program(name, module(package, *arguments, "--port", number), log=self.folder / "logs" / f"{port}.log")
        self._programs.append(program)
        return program.start()

    def values(self) -> dict[str, str]:
        """Give the app settings that point the app at this stack."""
        tenant, inbox = self.tenant, self.inbox
        return {
            "AzureWebJobsStorage": connection_string(self.storage_addresses),
            "WORKFORCE_TENANT_ID": WORKFORCE_TENANT,
            "WORKFORCE_RESPONDER_ID": RESPONDER.id,
            "WORKFORCE_CLIENT_ID": RESPONDER.client_id or "",
            "SUBSCRIPTION_IDS": SUBSCRIPTION,
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
            "CASE_LINK": f"http://127.0.0.1:{self.host_port}/api/cases/{{case}}?code={self.keys['function']}",
            "READ_BACK_SECONDS": "4",
            "LEASE_SECONDS": "15",
            "IDENTITY_ENDPOINT": tenant["identity_endpoint"],
            "IDENTITY_HEADER": tenant["identity_header"],
            "SSL_CERT_FILE": tenant["ca_file"],
            "REQUESTS_CA_BUNDLE": tenant["ca_file"],
            **_QUICK,
            **self._changes,
        }

    def start_host(self) -> None:
        """Start the functions host over the app, and have the subscription's events delivered to it."""
        settings = self.folder / "settings.json"
        values = self.values()
        settings.write_text(json.dumps({"IsEncrypted": False, "Values": values}, indent=2), encoding="utf-8")
        command = module(
            "infra.local.host",
            *("--app", str(REPOSITORY), "--settings", str(settings)),
            *("--port", str(self.host_port), "--keys", str(self.folder / "keys.json")),
            *self.host_options,
        )
        # Whatever the shell sets for itself (a certificate bundle, a storage account) must not reach the app here.
        self._host = Program("functions host", command, log=self._log, environment=values)
        self.host = self._host.start()
        if not self.control.subscriptions():
            self.subscribe_to_events()

    def subscribe_to_events(self) -> None:
        """Have the subscription's events delivered to the app's queue."""
        self.control.subscribe(self.queue_address(RESOURCE_EVENTS_QUEUE))

    def queue_address(self, queue: str) -> str:
        """Give the address of a queue, with a signature that lets its holder add messages."""
        from azure.storage.queue import QueueSasPermissions, generate_queue_sas  # noqa: PLC0415 - once a stack is up

        signature = generate_queue_sas(
            _ACCOUNT,
            queue,
            account_key=_KEY,
            permission=QueueSasPermissions(add=True),
            expiry=datetime.now(UTC) + timedelta(days=1),
        )
        return f"{self.storage_addresses['queue']}/{_ACCOUNT}/{queue}?{signature}"

    @property
    def host_program(self) -> Program:
        """The running functions host."""
        if self._host is None:
            raise ProgramError("the functions host isn't running")
        return self._host

    def kill_host(self) -> None:
        """End the functions host with kill -9."""
        self.host_program.kill()

    def stop(self) -> None:
        """Stop everything, the host first."""
        for program in [self._host, *reversed(self._programs)]:
            if program is not None:
                program.stop()
        if hasattr(self, "control"):
            self.control.close()


def main() -> int:
    """Start the stack on its usual ports, with what a team enters on its first day, and keep it until Ctrl-C."""
    from infra.local.first_day import settle_in  # noqa: PLC0415 - it stands on this module

    folder = REPOSITORY / ".local"
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: done.set())
    try:
        with Stack(folder, ports={"host": 7071, "tenant": 7072, "inbox": 7073}) as stack:
            settle_in(stack)
            print(_WELCOME.format(host=stack.host["url"], inbox=stack.inbox["url"], tenant=stack.tenant["graph"]))
            while not done.wait(1) and stack.host_program.is_running():
                pass
    except ProgramError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


_WELCOME: Final = """
The local stack is up. Ctrl-C stops it.

  pager inbox       {inbox}
  functions host    {host}
  simulated tenant  {tenant}
  settings          .local/settings.json   (for example: responder cases --settings .local/settings.json)
  logs              .local/logs
"""

if __name__ == "__main__":
    sys.exit(main())
