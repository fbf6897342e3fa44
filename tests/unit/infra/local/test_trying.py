"""What a newcomer tries on the stack of `make up`: the stories are listed, and what is missing is said."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Final

import msgspec
import pytest

from infra.local import trying
from infra.local.narrator import Played
from infra.local.story import SELF_EXCLUSION
from infra.local.trying import STORIES, main, play, where_to_look
from responders.commands.connection import CommandError, NotFound
from responders.commands.tables import places
from shared.clients.storage import Storage
from shared.model.cases import Case, Outcome, State
from tests.fakes.clock import NOW
from tests.fakes.console import desk

_VALUES: Final = {
    "CASE_LINK": "http://127.0.0.1:1/api/console/i/{case}",
    "TEAMS_WEBHOOK_URL": "http://127.0.0.1:2/workflows/demo",
    "GRAPH_URL": "http://127.0.0.1:9",
}


def test_stories_are_listed_with_what_happens(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["-o", "json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [one["story"] for one in listed] == list(STORIES)
    assert main(["-o", "tsv"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(STORIES)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert main([]) == 0
    assert max(map(places, capsys.readouterr().out.splitlines())) <= 80


def test_a_story_that_is_not_there_and_a_stack_that_does_not_run_are_said(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="did you mean owner-taken"):
        play("owner-takn", tmp_path / "settings.json")
    with pytest.raises(CommandError, match="start it with `make up`"):
        play("exclusion", tmp_path / "settings.json")
    (tmp_path / "settings.json").write_text(json.dumps({"Values": _VALUES}))
    with pytest.raises(CommandError, match="start it with `make up`"):
        play("exclusion", tmp_path / "settings.json")


def test_the_exit_status_says_what_was_wrong(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(trying, "_SETTINGS", tmp_path / "none")
    assert (main(["nosuch"]), main(["exclusion"])) == (3, 2)
    assert "responder: no story is called 'nosuch'" in capsys.readouterr().err


@pytest.fixture
def case(storage: Storage) -> Case:
    return desk(storage).bench.only_case()


def test_it_is_said_where_to_look_and_how_to_undo_what_was_put_back(case: Case) -> None:
    said = where_to_look(case, _VALUES)
    assert f"http://127.0.0.1:1/api/console/i/{case.id}" in said
    assert "card      http://127.0.0.1:2\n" in said
    assert f".venv/bin/responder undo {case.id} --settings .local/settings.json" in said
    assert "undo" not in where_to_look(msgspec.structs.replace(case, put_back=()), _VALUES)


def test_the_case_of_a_scene_is_that_of_who_did_it_since_it_began_and_has_come_to_something(case: Case) -> None:
    def found(one: Case, *, target: str = case.target.id[-20:], began: timedelta = timedelta(minutes=-5)) -> bool:
        played = Played(scene=SELF_EXCLUSION, began=NOW + began, target_id=target)
        return played.case_among([one]) is one

    closed = msgspec.structs.replace(case, state=State.CLOSED)
    undecided = msgspec.structs.replace(case, state=State.OPENED, outcome=Outcome.NONE)
    assert found(closed)
    assert found(msgspec.structs.replace(undecided, outcome=Outcome.PENDING))
    assert not found(undecided)
    assert not found(closed, target="another")
    assert not found(closed, began=timedelta(hours=1))
    assert not found(msgspec.structs.replace(closed, detection="other"))
