"""The simulated az refuses what the real one would, loudly, and prints as it does."""

from pathlib import Path

import pytest

from tests.infra.scripts.simulated_az import SUBSCRIPTION, SimulatedAz


@pytest.fixture
def az(tmp_path: Path) -> SimulatedAz:
    return SimulatedAz(folder=tmp_path)


def _run(az: SimulatedAz, command: str) -> tuple[int, str, str]:
    return az.run(command.split(), folder=az.folder, environment={})


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("functionapp destroy --name x", "'functionapp destroy' is misspelled"),
        ("account show --everything", "unrecognized arguments: --everything"),
        ("account show stray", "'account show stray' is misspelled"),
        ("provider register --namespace A B", "unrecognized arguments: B"),
        ("provider register --wait", "the following arguments are required: --namespace"),
        ("provider register --namespace", "argument --namespace: expected one argument"),
        ("account show --output yaml", "invalid choice: 'yaml'"),
    ],
)
def test_it_refuses_what_az_does_not_know(az: SimulatedAz, command: str, told: str) -> None:
    status, out, err = _run(az, command)
    assert (status, out) == (2, "")
    assert told in err


def test_what_is_not_there_has_a_status_of_its_own(az: SimulatedAz) -> None:
    status, _, err = _run(az, "deployment sub show --name x")
    assert status == 3
    assert "DeploymentNotFound" in err


@pytest.mark.parametrize(
    ("query", "printed"),
    [("id", SUBSCRIPTION), ("[id, nothing]", f"{SUBSCRIPTION}\nNone"), ("[[id, tenantId]]", None), ("nothing", "")],
)
def test_it_prints_tsv_as_az_does(az: SimulatedAz, query: str, printed: str | None) -> None:
    argv = ["account", "show", "--query", query, "-o", "tsv"]
    status, out, _ = az.run(argv, folder=az.folder, environment={})
    assert status == 0
    assert out.count("\t") == 1 if printed is None else out.rstrip("\n") == printed
