"""`responder acknowledge`, `take-back`, `note`, `classify`: said once, shown by `responder cases`."""

import json
from collections.abc import Callable

import pytest

from responders.cli import main
from responders.commands import connection
from tests.fakes.lamps import lamp_event
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import Bench, bench

type Use = Callable[[Bench], Bench]


@pytest.fixture
def made(memory: MemoryStorage, use: Use, monkeypatch: pytest.MonkeyPatch) -> Bench:
    def storage(_environment: object) -> MemoryStorage:
        return memory

    monkeypatch.setattr(connection, "Storage", storage)
    made = use(bench(memory))
    made.runtime.ledger.open("lamp-switched", lamp_event(), b"{}")
    return made


def test_what_is_said_is_shown(made: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    short = made.only_case().id[:14]
    assert main(["acknowledge", short, "--by", "Ann"]) == 0
    assert "Ann takes care of it" in capsys.readouterr().out
    assert main(["note", short, "Asked her boss", "--by", "Ann"]) == 0
    assert main(["classify", short, "false-alarm", "--text", "a test", "--by", "Ann"]) == 0
    assert main(["take-back", short, "--by", "Bob"]) == 0
    assert "the next owners are asked again" in capsys.readouterr().out
    assert main(["cases", short]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert [(one["kind"], one["by"], one["text"]) for one in shown["remarks"]] == [
        ("note", "Ann", "Asked her boss"),
        ("false-alarm", "Ann", "a test"),
        ("take-back", "Bob", ""),
    ]
    assert shown["acknowledged_at"] is None
    main(["cases"])
    assert "  false-alarm  " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("note", "20200101-abc", "x"), 3, "no case has the id"),
        (("note", "CASE", " "), 2, "a note needs a text"),
        (("acknowledge", "nothing"), 3, "no case has the id"),
    ],
)
def test_a_mistake_is_said(
    made: Bench, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], status: int, said: str
) -> None:
    case = made.only_case().id
    assert main([case if word == "CASE" else word for word in words]) == status
    assert said in capsys.readouterr().err
    assert made.only_case().remarks == ()
