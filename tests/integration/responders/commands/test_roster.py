"""`responder roster`, on real storage."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from infra.local.world import ALICE, BOB_B2C, CAROL, MALLORY, ROLE_ADMINISTRATORS
from responders.cli import main
from responders.detections.directory_samples import ROLE_ASSIGNABLE_GROUP
from responders.detections.privileged_access import ROLE_ASSIGNABLE_GROUP_MEMBER_ADDED
from shared.clients.api import TenantEdges
from shared.clients.storage import Storage
from shared.detect.rosters import STALE, Roster, RosterKind, Rosters
from shared.model.clock import utc_now
from shared.model.kinds import TenantKind
from tests.fakes.runtime import SETTINGS, settings_with
from tests.fakes.tenant import Unpaced

type Run = Callable[..., tuple[int, list[str]]]

_PRIVILEGED: Final = RosterKind.PRIVILEGED_ACCOUNTS


@pytest.fixture
def run(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command where the settings point at an account of this test; gives its status and its lines."""
    for name, value in {**SETTINGS, **environment}.items():
        monkeypatch.setenv(name, value)

    def ran(*words: str) -> tuple[int, list[str]]:
        status = main(["roster", *words])
        output = capsys.readouterr()
        return status, (output.out + output.err).splitlines()

    return ran


def _sweep(
    storage: Storage, tenant_kind: TenantKind, *ids: str, kind: RosterKind = _PRIVILEGED, ago: timedelta = timedelta()
) -> None:
    (tenant,) = [one for one in settings_with().tenants if one.kind is tenant_kind]
    edges = TenantEdges(tenant=tenant, transports={}, pacer=Unpaced(), wait=lambda _seconds: None)
    roster = Roster(kind=kind, tenant_kinds=(tenant_kind,), calls=(), read=lambda _edges: ids)
    Rosters(storage, (roster,), clock=lambda: utc_now() - ago).sweep(roster, edges)


def test_each_roster_has_a_line_with_its_age(run: Run, storage: Storage) -> None:
    _sweep(storage, TenantKind.WORKFORCE, ALICE.id, MALLORY.id)
    _sweep(storage, TenantKind.B2C, CAROL.id, ago=STALE + timedelta(minutes=1))
    status, lines = run()
    assert status == 0
    assert len(lines) == 2 + 6
    shown = {(line.partition("  ")[0], line.split()[-1]) for line in lines[2:] if _PRIVILEGED in line}
    assert shown == {("Entra ID", "known"), ("Azure AD B2C", "UNKNOWN")}
    assert sum("never" in line and "UNKNOWN" in line for line in lines) == 4
    assert not any(ALICE.id in line for line in lines)


def test_a_tenants_ids_are_listed_with_what_they_are_on(run: Run, storage: Storage) -> None:
    _sweep(storage, TenantKind.WORKFORCE, MALLORY.id, ALICE.id)
    _sweep(storage, TenantKind.WORKFORCE, ROLE_ADMINISTRATORS.id, kind=RosterKind.ROLE_ASSIGNABLE_GROUPS)
    _sweep(storage, TenantKind.B2C, CAROL.id)
    status, lines = run("--tenant", "workforce")
    assert status == 0
    rows = [tuple(line.split()) for line in lines[lines.index("") + 3 :]]
    assert rows == [
        (ALICE.id, _PRIVILEGED),
        (MALLORY.id, _PRIVILEGED),
        (ROLE_ADMINISTRATORS.id, RosterKind.ROLE_ASSIGNABLE_GROUPS),
    ]


def test_accounts_that_the_operator_names_are_listed_as_such(
    run: Run, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    del storage
    monkeypatch.setenv("VOCABULARY", json.dumps({"privileged_accounts": [BOB_B2C.id]}))
    assert f"{BOB_B2C.id}  VOCABULARY" in run("--tenant", "b2c")[1]


def test_nobody_is_listed_yet(run: Run, storage: Storage) -> None:
    del storage
    status, lines = run("--tenant", "b2c")
    assert (status, lines[-1]) == (0, "nobody is listed")


def test_there_is_no_b2c_tenant(run: Run, storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    del storage
    monkeypatch.setenv("B2C_TENANT_ID", "")
    assert run("--tenant", "b2c") == (0, ["there is no such tenant"])


def test_a_table_that_is_not_there_is_told(run: Run) -> None:
    status, lines = run()
    assert status == 4
    assert "reading Rosters: storage answered 404" in lines[-1]


# The rosters of other commands.


def _matched(capsys: pytest.CaptureFixture[str], *words: str) -> set[str]:
    assert main(["match", *words]) == 0
    return {json.loads(line)["detection"] for line in capsys.readouterr().out.splitlines()}


def test_other_commands_know_the_rosters_when_they_are_asked_to(
    run: Run, storage: Storage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del run
    _sweep(storage, TenantKind.WORKFORCE, ROLE_ASSIGNABLE_GROUP, kind=RosterKind.ROLE_ASSIGNABLE_GROUPS)
    (sample, *_) = ROLE_ASSIGNABLE_GROUP_MEMBER_ADDED.hits
    file = tmp_path / "records.json"
    file.write_text(json.dumps([sample]), encoding="utf-8")
    wanted = ROLE_ASSIGNABLE_GROUP_MEMBER_ADDED.id
    assert wanted not in _matched(capsys, str(file))
    assert wanted in _matched(capsys, str(file), "--rosters")
    assert main(["backtest", "--json", "--rosters", str(file)]) == 0
    assert wanted in capsys.readouterr().out
    assert main(["kql", "--rosters", wanted]) == 0
    assert ROLE_ASSIGNABLE_GROUP in capsys.readouterr().out
    assert main(["kql", wanted]) == 0
    assert ROLE_ASSIGNABLE_GROUP not in capsys.readouterr().out


@pytest.mark.parametrize("words", [("match", "records.json"), ("backtest", "records.json"), ("kql",)])
def test_rosters_that_cannot_be_read_end_the_command(
    run: Run, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    del run
    assert main([*words, "--rosters"]) == 4
    assert "reading Rosters: storage answered 404" in capsys.readouterr().err
