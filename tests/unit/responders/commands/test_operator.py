"""`responder operator`: from keys on laptops to a list that the app reads, and what is refused on the way."""

import argparse
import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Final

import msgspec
import pytest

from responders.cli import main
from responders.commands import operator as command
from shared.authority.journal import history
from shared.authority.operator_keys import fingerprint
from shared.authority.operator_store import read_operators, setting_of
from shared.authority.operators import Operators
from shared.clients.storage_names import Table
from shared.emergency.codes import secrets_in
from shared.emergency.signing import make_key
from shared.model.clock import utc_now
from shared.model.settings import settings_from
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.operators import SoftPasskey
from tests.fakes.spoilt_storage import SpoiltStorage
from tests.unit.responders.test_settings_sample import values_of_the_sample

_IDS: Final = {
    name: f"{number:08}-0000-4000-8000-000000000000" for number, name in enumerate(("alice", "carol", "dave", "erin"))
}


@pytest.fixture
def stored(memory: MemoryStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SpoiltStorage:
    """Give storage that the command reaches, from a folder of its own."""
    made = SpoiltStorage(memory)

    def storage_from(_arguments: argparse.Namespace) -> SpoiltStorage:
        return made

    monkeypatch.setattr(command, "storage_from", storage_from)
    monkeypatch.chdir(tmp_path)
    for name in ("EMERGENCY_OPERATORS", "EMERGENCY_GENESIS"):
        monkeypatch.delenv(name, raising=False)
    return made


def _run(*words: str) -> int:
    return main(["operator", *words])


def _key(name: str) -> None:
    keys = (f"{name}-1.pem", f"{name}-2.pem")
    card = ("--id", name, "--name", name.capitalize(), "--object-id", _IDS[name], "--card", f"{name}.json")
    assert _run("key", *keys, *card) == 0


def _found(names: tuple[str, ...] = ("alice", "carol", "dave")) -> None:
    for name in names:
        _key(name)
    assert _run("genesis", *(f"{name}.json" for name in names), "--to", "genesis.json") == 0
    for name in names:
        assert _run("sign", "genesis.json", "--key", f"{name}-1.pem", "--yes") == 0
    assert _run("keep", "genesis.json") == 0


def _settings(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Give the settings that the last command printed, and set them."""
    printed = dict(line.split("=", 1) for line in capsys.readouterr().out.splitlines() if line.startswith("EMERGENCY_"))
    for name, value in printed.items():
        monkeypatch.setenv(name, value)
    return printed


def _operators(stored: SpoiltStorage, settings: dict[str, str]) -> Operators:
    return read_operators(
        stored, setting=settings["EMERGENCY_OPERATORS"], pinned=settings["EMERGENCY_GENESIS"], now=utc_now()
    )


def _ids(found: Operators) -> str:
    return " ".join(one.id for one in found.acting(utc_now() + timedelta(seconds=1)))


def test_a_list_is_founded_somebody_is_added_and_somebody_suspended(
    stored: SpoiltStorage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _found()
    settings = _settings(capsys, monkeypatch)
    assert _ids(_operators(stored, settings)) == "alice carol dave"
    _key("erin")
    assert _run("add", "erin.json", "--reason", "joins the team", "--to", "erin-joins.json") == 0
    for key in ("alice-1.pem", "carol-2.pem", "erin-1.pem"):
        assert _run("sign", "erin-joins.json", "--key", key, "--yes") == 0
    assert _run("keep", "erin-joins.json") == 0
    assert _ids(_operators(stored, _settings(capsys, monkeypatch))) == "alice carol dave erin"
    assert _run("suspend", "carol", "--reason", "phone stolen", "--key", "dave-2.pem", "--yes") == 0
    settings = _settings(capsys, monkeypatch)
    assert _ids(_operators(stored, settings)) == "alice dave erin"
    assert _run("list", "--setting") == 0
    assert _settings(capsys, monkeypatch) == settings
    assert _run("list") == 0
    listed = capsys.readouterr().out
    assert re.search(r"carol .*suspended 20", listed)
    (added,), (suspended,) = (history(stored, f"operator {name}").entries for name in ("erin", "carol"))
    assert (added.act.who, added.act.why, added.act.lowers) == ("Alice, Carol, Erin", "joins the team", True)
    assert (suspended.act.who, suspended.act.why) == ("Dave", "phone stolen")
    assert [one.act.what for one in history(stored, "operators").entries] == ["found-operators"]
    assert len(re.findall(r"(?:[0-9a-f]{4} ){7}[0-9a-f]{4}", listed)) == 8


def test_a_passkey_is_added_to_an_operators_keys(
    stored: SpoiltStorage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _found()
    _settings(capsys, monkeypatch)
    public = SoftPasskey("alice's").public
    Path("passkey.json").write_bytes(msgspec.json.encode(public))
    assert _run("passkey", "alice", "passkey.json", "--reason", "a new phone", "--to", "more.json") == 0
    shown = capsys.readouterr().out
    assert f"alice passkey for {public.host}: {fingerprint(public)}" in shown
    assert "alice and 2 others sign it" in shown
    for key in ("alice-1.pem", "carol-1.pem"):
        assert _run("sign", "more.json", "--key", key, "--yes") == 0
    assert _run("keep", "more.json") == 2
    assert "doesn't add a passkey of alice: 1 others signed it, and 2 have to" in capsys.readouterr().err
    assert _run("sign", "more.json", "--key", "dave-1.pem", "--yes") == 0
    assert _run("keep", "more.json") == 0
    found = _operators(stored, _settings(capsys, monkeypatch)).with_key(public.id)
    assert found is not None
    assert found[0].operator.id == "alice"
    (added,) = history(stored, "operator alice").entries
    assert (added.act.what, added.act.why, added.act.lowers) == ("add-passkey", "a new phone", True)


def test_the_setting_alone_is_enough(
    stored: SpoiltStorage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _found()
    settings = _settings(capsys, monkeypatch)
    stored.faults.fail("rows Operators")
    assert _ids(_operators(stored, settings)) == "alice carol dave"
    assert _run("list") == 1
    assert "could not be read" in capsys.readouterr().out
    assert _run("suspend", "carol", "--reason", "phone stolen", "--key", "dave-1.pem", "--yes") == 0
    printed = capsys.readouterr().out
    assert "can't be read" in printed
    later = dict(line.split("=", 1) for line in printed.splitlines() if line.startswith("EMERGENCY_"))
    assert _ids(_operators(stored, later)) == "alice dave"


def test_the_very_text_that_is_signed_is_shown_and_nothing_is_signed_without_a_yes(
    stored: SpoiltStorage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert stored.faults.log == []
    for name in ("alice", "carol", "dave"):
        _key(name)
    _run("genesis", "alice.json", "carol.json", "dave.json", "--to", "genesis.json")
    capsys.readouterr()
    answers = iter(["y", "yes"])

    def answer(_question: str) -> str:
        return next(answers)

    monkeypatch.setattr("builtins.input", answer)
    assert _run("sign", "genesis.json", "--key", "alice-1.pem") == 2
    assert json.loads(Path("genesis.json").read_text())["signatures"] == {}
    shown = capsys.readouterr().out
    assert json.loads(Path("genesis.json").read_text())["text"] in shown
    assert _run("sign", "genesis.json", "--key", "alice-1.pem") == 0
    assert len(json.loads(Path("genesis.json").read_text())["signatures"]) == 1


@pytest.mark.parametrize("signers", [("alice",), ("alice", "carol")], ids=["one", "two of three"])
def test_what_too_few_signed_isnt_kept(
    stored: SpoiltStorage, capsys: pytest.CaptureFixture[str], signers: tuple[str, ...]
) -> None:
    for name in ("alice", "carol", "dave"):
        _key(name)
    _run("genesis", "alice.json", "carol.json", "dave.json", "--to", "genesis.json")
    for name in signers:
        _run("sign", "genesis.json", "--key", f"{name}-1.pem", "--yes")
    assert _run("keep", "genesis.json") == 2
    assert "would not count" in capsys.readouterr().err
    assert stored.rows(Table.OPERATORS, "PartitionKey ge ''") == []


def test_an_operator_whom_one_signed_for_isnt_kept(
    stored: SpoiltStorage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _found()
    settings = _settings(capsys, monkeypatch)
    _key("erin")
    _run("add", "erin.json", "--reason", "joins", "--to", "joins.json")
    for key in ("alice-1.pem", "alice-2.pem", "erin-1.pem"):
        _run("sign", "joins.json", "--key", key, "--yes")
    assert _run("keep", "joins.json") == 2
    assert "1 operators signed it, and 2 have to" in capsys.readouterr().err
    assert _ids(_operators(stored, settings)) == "alice carol dave"


def test_a_second_list_isnt_kept_beside_the_first(
    stored: SpoiltStorage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _found()
    settings = _settings(capsys, monkeypatch)
    _key("erin")
    _run("genesis", "alice.json", "carol.json", "erin.json", "--to", "other.json")
    for name in ("alice", "carol", "erin"):
        _run("sign", "other.json", "--key", f"{name}-1.pem", "--yes")
    assert _run("keep", "other.json") == 2
    assert "would found another list" in capsys.readouterr().err
    assert _ids(_operators(stored, settings)) == "alice carol dave"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("suspend", "mallory", "--reason", "x", "--key", "alice-1.pem", "--yes"), "no operator"),
        (("suspend", "carol", "--reason", " ", "--key", "alice-1.pem", "--yes"), "no reason"),
        (("suspend", "carol", "--reason", "x", "--key", "nowhere.pem", "--yes"), "can't be read"),
        (("keep", "nowhere.json"), "can't be read"),
        (("passkey", "mallory", "alice.json", "--reason", "x", "--to", "x.json"), "no operator"),
        (("passkey", "alice", "carol.json", "--reason", "x", "--to", "x.json"), "isn't a passkey's public half"),
        (("keep", "alice.json"), "isn't a statement"),
        (("add", "genesis.json", "--reason", "x", "--to", "x.json"), "isn't a card"),
        (("add", "alice.json", "--reason", "x", "--to", "genesis.json"), "is there already"),
        (("genesis", "alice.json", "carol.json", "--to", "x.json"), "3 or more"),
        (("genesis", "alice.json", "alice.json", "dave.json", "--to", "x.json"), "already"),
        (("key", "alice-1.pem", "--id", "alice", "--name", "A", "--object-id", "x", "--card", "x.json"), "object id"),
    ],
    ids=[
        "stranger",
        "reason",
        "key",
        "statement",
        "passkey of nobody",
        "no passkey",
        "kind",
        "card",
        "over",
        "two",
        "twice",
        "object id",
    ],
)
def test_what_cant_be_is_refused_and_writes_nothing(
    stored: SpoiltStorage,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    says: str,
) -> None:
    _found()
    _settings(capsys, monkeypatch)
    before = {path.name: path.read_bytes() for path in Path().iterdir()}
    rows = len(stored.rows(Table.OPERATORS, "PartitionKey ge ''"))
    assert _run(*words) == 2
    assert says in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in Path().iterdir()} == before
    assert len(stored.rows(Table.OPERATORS, "PartitionKey ge ''")) == rows


def test_without_a_founding_statement_that_counts_nothing_follows(
    stored: SpoiltStorage, capsys: pytest.CaptureFixture[str]
) -> None:
    _found()
    genesis = re.findall(r"EMERGENCY_GENESIS=(\w+)", capsys.readouterr().out)[0]
    assert _run("list") == 1
    assert "nobody is an operator" in capsys.readouterr().out
    words = ("suspend", "carol", "--reason", "x", "--key", "alice-1.pem", "--yes")
    assert _run(*words) == 2
    assert "as it stands on paper" in capsys.readouterr().err
    assert _run(*words, "--genesis", genesis) == 0
    assert len(stored.rows(Table.OPERATORS, "PartitionKey ge ''")) == 2


def test_an_emergency_key_and_codes_are_made_as_the_app_takes_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("emergency-key") == 0
    key, setting = (line.split(": ")[-1].split("=")[-1] for line in capsys.readouterr().out.splitlines())
    settings = settings_from({**values_of_the_sample(), "EMERGENCY_KEY_HASH": setting})
    assert settings.emergency_key_hashes == (setting,)
    assert len(key) >= 43
    assert _run("code", "alice") == 0
    printed = capsys.readouterr().out
    assert "otpauth://totp/" in printed
    assert secrets_in(printed.splitlines()[1].split(": ", 1)[1]).missing == ""


def test_a_key_file_that_is_there_is_used_as_it_is(stored: SpoiltStorage) -> None:
    assert stored.faults.log == []
    made = make_key(Path("alice-1.pem"))
    _key("alice")
    card = json.loads(Path("alice.json").read_text())
    assert made.public.public in [key["public"] for key in card["keys"]]
    assert setting_of([]) == "[]"
