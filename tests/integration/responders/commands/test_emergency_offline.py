"""A laptop reads the simulated tenant with the break-glass administrator's own token, as `az login` gives it."""

import argparse
import hashlib
import json
import time
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from infra.local import world
from infra.local.world import COMPANY_DOMAIN, FEDERATION_SETTINGS
from responders.commands import emergency
from shared.authority.operator_store import setting_of
from tests.fakes.operators import GENESIS, HOST, private
from tests.integration.responders.conftest import SimulatedTenant


def _run(folder: Path, graph: str, *words: str) -> int:
    values = {
        "WORKFORCE_TENANT_ID": world.WORKFORCE_TENANT,
        "EMERGENCY_ACCOUNT_IDS": f"{world.BREAK_GLASS_1.id},{world.BREAK_GLASS_2.id}",
        "CASE_LINK": f"https://{HOST}/api/open/{{case}}",
        "EMERGENCY_OPERATORS": setting_of([GENESIS]),
        "GRAPH_URL": graph,
    }
    (folder / "settings.json").write_text(json.dumps({"Values": values}), encoding="utf-8")
    key = folder / "key"
    key.write_bytes(private("alice-1").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    key.chmod(0o600)
    parser = argparse.ArgumentParser()
    emergency.add_parser(parser.add_subparsers())
    common = ["--settings", str(folder / "settings.json"), "--key", str(key), "--journal", str(folder / "journal")]
    arguments = parser.parse_args(["emergency", "--offline", *common, *words])
    status: int = arguments.run(arguments)
    return status


def _log_in(folder: Path, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put an `az` on the path that somebody has logged in with."""
    answer = {"accessToken": token, "expires_on": int(time.time()) + 3600, "tokenType": "Bearer"}
    (folder / "token.json").write_text(json.dumps(answer), encoding="utf-8")
    az = folder / "az"
    az.write_text(f"#!/bin/sh\ncat {folder / 'token.json'}\n", encoding="utf-8")
    az.chmod(0o700)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_the_tenant_is_read_and_what_is_read_is_kept(
    simulated: SimulatedTenant,
    addresses: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    simulated.control.make_hybrid()
    _log_in(tmp_path, simulated.control.token(world.BREAK_GLASS_1), monkeypatch)
    assert _run(tmp_path, addresses["graph"], "--declare", "Nobody can sign in", "--hybrid") == 1
    before = simulated.control.state()
    capsys.readouterr()
    assert _run(tmp_path, addresses["graph"], "--read") == 0
    printed = capsys.readouterr().out
    assert f"{world.BREAK_GLASS_1.upn} is there, enabled, and of the cloud." in printed
    assert f'Update-MgDomain -DomainId "{COMPANY_DOMAIN}"' in printed
    (kept,) = (tmp_path / "journal").glob(f"*-reads/federation-{COMPANY_DOMAIN}-*.json")
    settings = json.loads(kept.read_bytes())["federation"]
    assert {name: settings[name] for name in FEDERATION_SETTINGS} == FEDERATION_SETTINGS
    assert hashlib.sha256(kept.read_bytes()).hexdigest() in printed
    assert simulated.control.state() == before
    made = simulated.control.requests(principal=world.BREAK_GLASS_1)
    assert made
    assert {each["method"] for each in made} == {"GET"}


def test_what_is_wrong_ends_with_1(
    simulated: SimulatedTenant, addresses: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _log_in(tmp_path, simulated.control.token(world.BREAK_GLASS_1), monkeypatch)
    _run(tmp_path, addresses["graph"], "--declare", "Nobody can sign in")
    simulated.control.settings(disabled_accounts=[world.BREAK_GLASS_2.id])
    assert _run(tmp_path, addresses["graph"], "--read") == 1


def test_a_token_that_has_run_out_makes_everything_unknown(
    simulated: SimulatedTenant,
    addresses: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _log_in(tmp_path, simulated.control.token(world.BREAK_GLASS_1, lifetime=-10), monkeypatch)
    _run(tmp_path, addresses["graph"], "--declare", "Nobody can sign in")
    capsys.readouterr()
    assert _run(tmp_path, addresses["graph"], "--read") == 1
    lines = [line for line in capsys.readouterr().out.splitlines() if line and not line.startswith("Kept:")]
    assert all(line.startswith(("unknown", "The federation settings can't be kept")) for line in lines), lines
