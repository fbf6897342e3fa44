"""The command `responder doctor`, and that its checks are declared whole."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from infra.local.programs import free_port
from infra.local.world import (
    GRAPH_ROLES,
    RESPONDER,
    RESPONDER_B2C,
)
from responders.cli import main
from responders.commands.doctor import what_is_not_well_last
from responders.doctor import CHECKS
from responders.kinds.principals import GET_USER
from responders.permissions import CALLS, GRANTS
from responders.read_probes import NOT_TRIED, READ_PROBES
from responders.rosters import GET_ROLE_DEFINITION
from shared.authority.control_history import ControlState
from shared.checks.check import Line, Status
from shared.model.kinds import Mode, TenantKind


@pytest.mark.parametrize("since", ["yesterday", "2026-01-31T12:00:00", ""])
def test_an_instant_that_is_none(since: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["doctor", "--since", since])
    assert ended.value.code == 2
    assert "isn't a time with its time zone" in capsys.readouterr().err


def test_the_simulated_identities_have_what_the_act_tier_declares() -> None:
    for kind, principal in ((TenantKind.WORKFORCE, RESPONDER), (TenantKind.B2C, RESPONDER_B2C)):
        declared = {grant.permission for grant in GRANTS if grant.kind is kind and not grant.is_azure_action}
        assert declared == GRAPH_ROLES[principal.id]


def test_every_read_is_tried() -> None:
    tried = {probe.call for probe in READ_PROBES} | {GET_USER, GET_ROLE_DEFINITION, *NOT_TRIED}
    assert tried == {call for call in CALLS if call.method == "GET"}


def test_ids_are_unique_and_every_check_has_a_title_and_a_cure() -> None:
    assert len({check.id for check in CHECKS}) == len(CHECKS)
    assert all(check.title and check.cure for check in CHECKS)


def test_a_check_that_there_is_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "settings.json"
    file.write_text('{"Values": {}}', encoding="utf-8")
    assert main(["doctor", "tables-are-there", "--settings", str(file)]) == 3
    assert "no check is called 'tables-are-there'; did you mean tables-there or " in capsys.readouterr().err


def test_what_is_not_well_stands_last_in_its_own_order() -> None:
    each = ("failed", "ok", "unknown", "not applicable", "warning", "ok")
    lines = [
        Line(check=str(number), title="", status=Status(status), found="", cure="")
        for number, status in enumerate(each)
    ]
    assert [line.check for line in what_is_not_well_last(lines)] == ["1", "3", "5", "0", "2", "4"]


def test_many_detections_of_a_mode_are_counted_and_few_named() -> None:
    (modes,) = [check for check in CHECKS if check.id == "modes-known"]
    known = [SimpleNamespace(id=f"detection-{number}") for number in range(13)]
    state = ControlState(stopped=False, modes={"*": Mode.PAGE, "detection-3": Mode.ENFORCE})
    context: Any = SimpleNamespace(control_state=state, content=SimpleNamespace(detections=known))
    (found,) = modes.run(context)
    assert found.text == "observe: none; page: 12 detections; enforce: detection-3"


def test_an_address_where_nobody_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--app", f"http://127.0.0.1:{free_port()}"]) == 5
    assert "gave no answer (ConnectError): is its code deployed?" in capsys.readouterr().err
