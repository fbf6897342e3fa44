"""Programs the tests start: Azurite, and the functions host over an app written for the test."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx

REPOSITORY = Path(__file__).resolve().parents[5]
_LISTENING = re.compile(r"Azurite (Blob|Queue|Table) service is successfully listening at http://127\.0\.0\.1:(\d+)")
# Azurite's one account, as its documentation prints it.
_ACCOUNT = "devstoreaccount1"
_ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


def until[Answer](look: Callable[[], Answer | None], *, seconds: float = 30.0, why: str = "") -> Answer:
    """Look again and again until there is something; fail after so many seconds."""
    end = time.monotonic() + seconds
    while not (seen := look()):
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {why or look}")
        time.sleep(0.03)
    return seen


def connection_string(ports: Mapping[str, int]) -> str:
    endpoints = "".join(f"{kind}Endpoint=http://127.0.0.1:{port}/{_ACCOUNT};" for kind, port in ports.items())
    return f"DefaultEndpointsProtocol=http;AccountName={_ACCOUNT};AccountKey={_ACCOUNT_KEY};{endpoints}"


def free_ports(*names: str) -> dict[str, int]:
    with ExitStack() as held:
        sockets = {name: held.enter_context(socket.create_server(("127.0.0.1", 0))) for name in names}
        return {name: bound.getsockname()[1] for name, bound in sockets.items()}


@dataclass(slots=True, kw_only=True)
class Azurite:
    process: subprocess.Popen[str]
    ports: Mapping[str, int]

    @classmethod
    def start(cls, folder: Path, ports: Mapping[str, int] | None = None) -> Self:
        wanted = ports or {"Blob": 0, "Queue": 0, "Table": 0}
        arguments = [option for kind in wanted for option in (f"--{kind.lower()}Port", str(wanted[kind]))]
        fixed = ["--inMemoryPersistence", "--disableTelemetry", "--skipApiVersionCheck"]
        command = shutil.which(
            "azurite", path=f"{REPOSITORY / 'node_modules' / '.bin'}{os.pathsep}{os.environ['PATH']}"
        )
        assert command, "azurite is neither in node_modules/.bin nor on PATH: run `npm ci`"
        process = subprocess.Popen([command, *fixed, *arguments], cwd=folder, stdout=subprocess.PIPE, text=True)
        found: dict[str, int] = {}
        assert process.stdout
        while len(found) < len(wanted):
            line = process.stdout.readline()
            assert line, f"azurite ended with {process.wait()}"
            found |= {kind: int(port) for kind, port in _LISTENING.findall(line)}
        return cls(process=process, ports=found)

    @property
    def connection_string(self) -> str:
        return connection_string(self.ports)

    def stop(self) -> None:
        self.process.kill()
        self.process.communicate()


def write_app(folder: Path, source: str, host: Mapping[str, Any] | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "function_app.py").write_text(textwrap.dedent(source))
    (folder / "host.json").write_text(json.dumps({"version": "2.0"} | dict(host or {})))
    return folder


@dataclass(slots=True, kw_only=True)
class RunningHost:
    process: subprocess.Popen[str]
    log_file: Path
    ready: dict[str, Any] = field(default_factory=dict[str, Any])
    client: httpx.Client = field(default_factory=httpx.Client)

    @classmethod
    def launch(
        cls,
        app: Path,
        settings: Mapping[str, str],
        *arguments: str,
        environment: Mapping[str, str] | None = None,
    ) -> Self:
        """Start the program; `wait_until_ready` or `wait_for_end` comes next."""
        work = app.parent
        settings_file = work / f"{app.name}.settings.json"
        settings_file.write_text(json.dumps({"IsEncrypted": False, "Values": dict(settings)}))
        log_file = work / f"{app.name}.{time.monotonic_ns()}.log"
        command = [sys.executable, "-m", "infra.local.host", "--app", str(app), "--settings", str(settings_file)]
        with log_file.open("w") as log:
            process = subprocess.Popen(
                [*command, *arguments],
                cwd=REPOSITORY,
                env=os.environ | dict(environment or {}),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        return cls(process=process, log_file=log_file)

    def wait_until_ready(self) -> Self:
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, f"the host ended with {self.process.wait()}:\n{self.log}"
        self.ready = json.loads(line)
        self.client.base_url = self.ready["url"]
        return self

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    @property
    def lines(self) -> list[str]:
        return self.log.splitlines()

    def until_logged(self, pattern: str, *, seconds: float = 30.0) -> str:
        """Give the first line that matches, as soon as there is one."""

        def look() -> str | None:
            return next((line for line in self.lines if re.search(pattern, line)), None)

        try:
            return until(look, seconds=seconds) or ""
        except AssertionError:
            raise AssertionError(f"not logged within {seconds} s: {pattern}; the log is\n{self.log}") from None

    def key(self, name: str) -> dict[str, str]:
        return {"x-functions-key": self.ready["keys"][name]}

    def seen(self, name: str) -> list[Any]:
        """Give what the sample app noted under a name."""
        return self.client.get(f"/api/seen/{name}").json()

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)

    def wait_for_end(self, *, seconds: float = 30.0) -> tuple[int, str]:
        """Give the exit code and the rest of stdout."""
        try:
            rest, _ = self.process.communicate(timeout=seconds)
        finally:
            self.close()
        return self.process.returncode, rest

    def close(self) -> None:
        self.client.close()
        if self.process.poll() is None:
            self.process.kill()
        with suppress(ValueError):
            self.process.communicate()
