"""The deployment scripts, run against a simulated az that stands first on their PATH."""

import os
import subprocess
import sys
import threading
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from shared.catalog import TenantKind
from shared.grants import Tier
from tests.infra.scripts.simulated_az import B2C, REPOSITORY, SUBSCRIPTION, AzServer, SimulatedAz

SCRIPTS: Final = REPOSITORY / "infra" / "scripts"
PROVIDERS: Final = (
    "EventGrid",
    "Insights",
    "KeyVault",
    "ManagedIdentity",
    "OperationalInsights",
    "Storage",
    "Web",
)
WEBHOOK_SECRET: Final = "the-webhook-signature-is-secret"

_RESPONDER: Final = """#!/bin/bash
printf '%s ' "$@" >>"$RESPONDER_LOG"
echo "key=${RESPONDER_KEY:-} token=${RESPONDER_TOKEN:-}" >>"$RESPONDER_LOG"
case $1 in
    permissions) cat "$SCRIPTS/permissions.txt" ;;
    doctor) echo "the doctor's report"; [ ! -e "$RESPONDER_LOG.ill" ] ;;
esac
"""


def declared(kind: TenantKind, *tiers: Tier) -> list[str]:
    """Give the Graph permissions of tiers, in the order in which grant.sh grants them."""
    lines = (SCRIPTS / "permissions.txt").read_text(encoding="utf-8").splitlines()
    return [name for tenant, tier, name in map(str.split, lines) if tenant == kind and tier in tiers]


@dataclass(slots=True, kw_only=True)
class Desk:
    """Where somebody deploys from: az, the environment, and what the responder's command line was asked."""

    az: SimulatedAz
    home: Path
    environment: dict[str, str] = field(default_factory=dict[str, str])

    def run(self, script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a script of infra/scripts."""
        command = [str(SCRIPTS / script), *arguments]
        values = self.environment | environment
        return subprocess.run(command, env=values, capture_output=True, text=True, cwd=self.home, check=False)

    def runs(self, script: str, *arguments: str, **environment: str) -> str:
        """Run a script that must succeed, and give what it prints."""
        done = self.run(script, *arguments, **environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def deploy_quickly(self) -> None:
        """Bring everything about, as deploy.sh does, without the time that it takes."""
        parameters = str(REPOSITORY / "infra" / "main.bicepparam")
        create = ("deployment", "sub", "create", "--name", "entra-responder-prod", "--location", "westeurope")
        status, _, said = self.az.run(
            [*create, "--parameters", parameters], folder=self.home, environment=self.environment
        )
        assert status == 0, said
        for name in PROVIDERS:
            self.az.providers[SUBSCRIPTION, f"Microsoft.{name}"] = "Registered"
        self.az.code, self.az.looks_until_function, self.az.entra.late = b"code", 0, 0
        for name in declared(TenantKind.WORKFORCE, Tier.WATCH):
            self.az.entra.grant(self.az.principal, name)
        self.az.calls.clear()

    @property
    def log(self) -> Path:
        return self.home / "responder.log"

    @property
    def asked(self) -> list[str]:
        """What the responder's command line was asked."""
        return self.log.read_text(encoding="utf-8").splitlines()

    def fall_ill(self, *, ill: bool = True) -> None:
        """Have the doctor find something, or nothing."""
        sign = Path(f"{self.log}.ill")
        sign.touch() if ill else sign.unlink()

    def with_b2c(self, *, logged_in: bool = True) -> None:
        """Guard a B2C tenant too."""
        self.az.in_b2c = logged_in
        self.environment["B2C_TENANT_ID"] = B2C


@pytest.fixture
def desk(tmp_path: Path) -> Generator[Desk]:
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    (bin_folder / "python3").symlink_to(sys.executable)
    responder = bin_folder / "responder"
    responder.write_text(_RESPONDER, encoding="utf-8")
    responder.chmod(0o755)
    az = SimulatedAz(folder=tmp_path)
    desk = Desk(az=az, home=tmp_path)
    desk.environment = {
        "PATH": f"{bin_folder}:{os.defpath}",
        "HOME": str(tmp_path),
        "RESPONDER": str(responder),
        "RESPONDER_LOG": str(desk.log),
        "RESPONDER_PAUSE": "0",
        "SCRIPTS": str(SCRIPTS),
        "B2C_AZURE_CONFIG_DIR": str(tmp_path / "login-b2c"),
        "OPERATORS_CLIENT_ID": "3f0b2c1d-7a64-4e58-9b13-c2d4e6f80a91",
        "EMERGENCY_ACCOUNT_IDS": "b6000001-0a9d-4e37-85c2-f41e7b3d6890,b6000002-7c51-4d8f-9e0a-3b6f2a9c4d17",
        "ALERT_EMAIL": "owners@contoso.com",
        "TEAMS_WEBHOOK_URL": f"https://flows.example/workflows/1?sig={WEBHOOK_SECRET}",
    }
    with AzServer(az) as server:
        server.install(bin_folder)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield desk
        server.shutdown()
        thread.join()
