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

from infra.checks.compiler import Compiler, locate
from shared.model.kinds import TenantKind
from shared.model.permissions import Tier
from tests.integration.infra.scripts.az_command import B2C
from tests.integration.infra.scripts.az_parser import REPOSITORY, AzParser, NoAzureCli
from tests.integration.infra.scripts.az_server import AzServer
from tests.integration.infra.scripts.simulated_az import SimulatedAz
from tests.integration.infra.scripts.templates import Templates

SCRIPTS: Final = REPOSITORY / "infra" / "scripts"
WATCHED_PROVIDERS: Final = ("AlertsManagement", "EventGrid", "Insights")
PROVIDERS: Final = (
    *WATCHED_PROVIDERS,
    "App",
    "KeyVault",
    "ManagedIdentity",
    "OperationalInsights",
    "Storage",
    "Web",
)
EVENT_SUBSCRIPTIONS: Final = 4
"""Of a subscription's topic: three take what the filters name, one every change of our own resource groups."""

OPERATORS: Final = "3f0b2c1d-7a64-4e58-9b13-c2d4e6f80a91"
WEBHOOK_SECRET: Final = "the-webhook-signature-is-secret"

_RESPONDER: Final = """#!/bin/bash
printf '%s ' "$@" | sed 's/--since [^ ]*/--since TIME/' >>"$RESPONDER_LOG"
echo "key=${RESPONDER_KEY:-} token=${RESPONDER_TOKEN:-}" >>"$RESPONDER_LOG"
case "$*" in
    permissions*) cat "$SCRIPTS/permissions.txt" ;;
    doctor*--since*)
        printf '%s' "${@: -1}" >"$HOME/since"
        echo "ok       settings                   all there"
        while read -r subscription; do
            if grep -qs "$subscription" "$HOME/canary" && [ ! -e "$HOME/deaf" ]; then
                echo "ok       events-arriving            subscription $subscription: one came"
            else
                echo "failed   events-arriving            subscription $subscription: none"
            fi
        done <"$HOME/watched"
        exit 1 # it finds something else
        ;;
    doctor*) echo "the doctor's report"; [ ! -e "$HOME/ill" ] ;;
esac
"""

_AZD: Final = """#!/bin/bash
[ "$1 $2" = "env set" ] || exit 1
echo "$3=$4" >>"$HOME/azd-environment"
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
        done = subprocess.run(
            command, env=values, capture_output=True, text=True, cwd=self.home, check=False, stdin=subprocess.DEVNULL
        )
        assert not self.az.broken, self.az.broken[0]
        return done

    def runs(self, script: str, *arguments: str, **environment: str) -> str:
        """Run a script that must succeed, and give what it prints."""
        done = self.run(script, *arguments, **environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def stops(self, script: str, *arguments: str, **environment: str) -> str:
        """Run a script that must fail before it has changed anything, and give what it says of it."""
        before = len(self.az.writes)
        done = self.run(script, *arguments, **environment)
        assert (done.returncode, self.az.writes[before:]) == (1, []), done.stdout + done.stderr
        return done.stderr

    def deploy_quickly(self, **environment: str) -> None:
        """Bring everything about, as deploy.sh does, without the time that it takes."""
        self.register(self.az.subscription)
        self.az.azure.settling = 0
        parameters = str(REPOSITORY / "infra" / "main.bicepparam")
        place = environment.get("AZURE_LOCATION", "westeurope")
        create = ("deployment", "sub", "create", "--name", "entra-responder-prod", "--location", place)
        status, _, said = self.az.run(
            [*create, "--parameters", parameters], folder=self.home, environment=self.environment | environment
        )
        assert status == 0, said
        self.az.put_code(b"code")
        self.az.delays.keys, self.az.entra.late = 0, 0
        self.az.entra.not_shown.clear()
        for name in set(declared(TenantKind.WORKFORCE, Tier.WATCH)) - self.az.entra.permissions_of(self.az.principal):
            self.az.entra.grant(self.az.principal, name)
        self.az.calls.clear()

    def register(self, subscription: str, names: tuple[str, ...] = PROVIDERS) -> None:
        """Have resource providers registered already."""
        self.az.providers |= {(subscription, f"Microsoft.{name}"): "Registered" for name in names}

    @property
    def log(self) -> Path:
        return self.home / "responder.log"

    @property
    def asked(self) -> list[str]:
        """What the responder's command line was asked."""
        return self.log.read_text(encoding="utf-8").splitlines()

    def fall_ill(self, *, ill: bool = True) -> None:
        """Have the doctor find something, or nothing."""
        sign = self.home / "ill"
        sign.touch() if ill else sign.unlink()

    def grow_deaf(self, *, deaf: bool = True) -> None:
        """Have no event arrive, or all."""
        sign = self.home / "deaf"
        sign.touch() if deaf else sign.unlink()

    def with_b2c(self, *, logged_in: bool = True) -> None:
        """Guard a B2C tenant too."""
        self.az.in_b2c = logged_in
        self.environment["B2C_TENANT_ID"] = B2C

    @property
    def azd_environment(self) -> dict[str, str]:
        """What was set in azd's environment, the last value of each."""
        lines = (self.home / "azd-environment").read_text(encoding="utf-8").splitlines()
        return dict(line.split("=", 1) for line in lines)


@pytest.fixture(scope="session")
def az_parser() -> Generator[AzParser]:
    """The Azure CLI's own parser; it is installed when it is first needed."""
    try:
        parser = AzParser()
    except NoAzureCli as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"az is what judges the scripts' command lines: {error}")
    yield parser
    parser.close()


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Generator[Templates]:
    """Microsoft's compiler."""
    if (path := locate()) is None:
        pytest.skip("a deployment needs the Bicep compiler, and there is none: az bicep install")
    with Compiler(path) as compiler:
        yield Templates(compiler, REPOSITORY / "infra", tmp_path_factory.mktemp("templates"))


@pytest.fixture
def desk(tmp_path: Path, az_parser: AzParser, templates: Templates) -> Generator[Desk]:
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    (bin_folder / "python3").symlink_to(sys.executable)
    responder = bin_folder / "responder"
    for file, text in ((responder, _RESPONDER), (bin_folder / "azd", _AZD)):
        file.write_text(text, encoding="utf-8")
        file.chmod(0o755)
    az = SimulatedAz(folder=tmp_path, parser=az_parser, templates=templates)
    az.entra.applications.append(registration(OPERATORS))
    desk = Desk(az=az, home=tmp_path)
    desk.environment = {
        "PATH": f"{bin_folder}:{os.defpath}",
        "HOME": str(tmp_path),
        "RESPONDER": str(responder),
        "RESPONDER_LOG": str(desk.log),
        "RESPONDER_PAUSE": "0",
        "SCRIPTS": str(SCRIPTS),
        "B2C_AZURE_CONFIG_DIR": str(tmp_path / "login-b2c"),
        "OPERATORS_CLIENT_ID": OPERATORS,
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
    assert not az.broken, az.broken[0]


def registration(client_id: str) -> dict[str, object]:
    """Give a registration that somebody made before."""
    return {
        "id": f"object-of-{client_id}",
        "appId": client_id,
        "displayName": "Somebody's name for it",
        "identifierUris": [],
        "keyCredentials": [],
        "api": {"preAuthorizedApplications": []},
        "web": {
            "redirectUris": ["https://somebody.example/"],
            "implicitGrantSettings": {"enableIdTokenIssuance": False},
        },
    }
