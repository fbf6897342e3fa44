"""The posture on the running stack: the app looks when it is asked, and the command line shows what it found."""

import json

import pytest

from infra.local.world import ALICE
from responders.cli import main
from responders.posture.declared import DECLARED
from shared.checks.check import Status
from shared.model.kinds import TenantKind
from tests.stack.doctor.conftest import Healthy

pytestmark = pytest.mark.stack


def test_the_app_looks_and_the_command_line_shows_what_it_kept(
    healthy: Healthy, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RESPONDER_KEY", healthy.stack.keys["function"])
    monkeypatch.setenv("RESPONDER_TOKEN", healthy.stack.control.token(ALICE, "operators"))
    assert main(["posture", "--json", "--app", healthy.stack.host["url"]]) == 1
    looked = json.loads(capsys.readouterr().out)
    statuses = {line["id"]: line["status"] for line in looked["lines"]}
    assert {check.id for check in DECLARED.of_kind(TenantKind.WORKFORCE).checks} <= statuses.keys()
    assert Status.UNKNOWN not in statuses.values(), "the stack's identity may read all of it"
    assert statuses["two-emergency-accounts"] == Status.OK
    settings = str(healthy.stack.folder / "settings.json")
    assert main(["posture", "--json", "--settings", settings]) == 1
    assert json.loads(capsys.readouterr().out) == looked
    words = ("--by", "Ann", "--reason", "Done on Monday", "--settings", settings)
    assert main(["posture", "confirm", "risk-assessed", *words]) == 0
