"""`responder contain`, `release`, `keep`, `restraints`: a plan is shown, done only as shown, released in one step."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest

from infra.local.world import MALLORY, WORKFORCE_TENANT
from responders.cli import main
from shared.respond.restraining import go_on_with_restraints
from tests.fakes.lamps import lamp_record
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.restraints import Scene, scene
from tests.fakes.runtime import Bench

type _Use = Callable[[Bench], Bench]
_WHY = ("--by", "Carol Chen", "--reason", "stolen")


@pytest.fixture
def contained(memory: MemoryStorage, use: _Use) -> tuple[Scene, str]:
    """Give a case by Mallory, and its id."""
    made = scene(memory)
    use(made.bench)
    made.bench.seed()
    made.bench.take_in(lamp_record())
    made.bench.answer_queue()
    (case,) = made.bench.cases(WORKFORCE_TENANT)
    assert case.actor.id == MALLORY.id
    return made, case.id


def _ran(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    status = main(words)
    said = capsys.readouterr()
    return status, said.out, said.err


def test_it_is_shown_done_and_released(contained: tuple[Scene, str], capsys: pytest.CaptureFixture[str]) -> None:
    made, case = contained
    status, plan, _ = _ran(capsys, "contain", case)
    assert status == 0
    assert plan.index("disable ") < plan.index("revoke the sessions") < plan.index("end its approvals")
    assert "to take it back: `responder release CASE`" in plan
    assert not made.tenant.writes
    digest = re.search(r"--yes ([0-9a-f]{12})$", plan, re.MULTILINE)
    assert digest is not None
    status, said, _ = _ran(capsys, "contain", case, "--yes", digest[1], *_WHY)
    assert (status, said.splitlines()[0]) == (0, "contain: done")
    go_on_with_restraints(made.runtime)
    status, said, _ = _ran(capsys, "restraints")
    assert f"{case}: disable, " in said
    assert "nobody yet" in said
    status, said, _ = _ran(capsys, "release", case, *_WHY)
    assert (status, said.splitlines()[0]) == (0, "release: done")
    go_on_with_restraints(made.runtime)
    assert made.account["accountEnabled"] is True
    assert "nobody is restrained" in _ran(capsys, "restraints")[1]
    assert "released by Carol Chen: stolen" in _ran(capsys, "restraints", "--all")[1]


def test_a_wrong_digest_does_nothing_and_shows_the_plan(
    contained: tuple[Scene, str], capsys: pytest.CaptureFixture[str]
) -> None:
    made, case = contained
    status, said, _ = _ran(capsys, "contain", case, "--yes", "0" * 12, *_WHY)
    assert status == 1
    assert "1. disable " in said
    go_on_with_restraints(made.runtime)
    assert not made.tenant.writes


def test_nothing_is_released_without_a_reason_or_before_it_was_taken(
    contained: tuple[Scene, str], capsys: pytest.CaptureFixture[str]
) -> None:
    _, case = contained
    assert _ran(capsys, "release", case)[0] == 2
    status, _, error = _ran(capsys, "release", case, *_WHY)
    assert status == 4
    assert "nothing was taken" in error


def test_who_is_kept_is_restrained_and_nobody_is_reminded(
    contained: tuple[Scene, str], capsys: pytest.CaptureFixture[str]
) -> None:
    made, case = contained
    plan = _ran(capsys, "contain", case)[1]
    _ran(capsys, "contain", case, "--yes", plan.split("--yes ")[1].split()[0], *_WHY)
    go_on_with_restraints(made.runtime)
    assert _ran(capsys, "keep", case, *_WHY)[0] == 0
    before = len(made.bench.teams.notices)
    made.bench.clock.move(timedelta(hours=5))
    go_on_with_restraints(made.runtime)
    assert len(made.bench.teams.notices) == before
    assert "kept by Carol Chen" in _ran(capsys, "restraints")[1]
