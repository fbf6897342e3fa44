"""What an operator signs at the terminal: read, signed, confirmed by a second one, verified; and what is refused."""

import argparse
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from infra.local.world import ALICE, CAROL, WORKFORCE_TENANT
from responders.cli import main
from responders.commands import approvals, controls, journal, lists, operator, owners, signing
from responders.commands.connection import ExitStatus
from shared.authority.approvals import TableApprovals
from shared.authority.operator_store import keep_statement, setting_of
from shared.clients.storage_names import Table
from shared.emergency.signing import make_key
from shared.model.clock import utc_now
from shared.model.kinds import ApprovalList
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.operators import GENESIS, private
from tests.fakes.runtime import approval

_LIST: Final = ApprovalList.CONDITIONAL_ACCESS
_UNTIL: Final = f"{datetime.now(UTC) + timedelta(days=30):%Y-%m-%d}"
_APPROVE: Final = ("--name", "Alice Alvarez", "--until", _UNTIL, "--ticket", "CHG-1042")


@pytest.fixture
def account(memory: MemoryStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MemoryStorage:
    """Give the account that commands reach, of an installation with the operators Alice, Carol and Dave."""

    def storage_from(_arguments: argparse.Namespace) -> MemoryStorage:
        return memory

    def evidence(_environment: Mapping[str, str], *, prefix: str) -> MemoryStorage:
        assert prefix == "EvidenceStorage"
        return memory

    for command in (approvals, controls, journal, lists, operator, owners):
        monkeypatch.setattr(command, "storage_from", storage_from)
    monkeypatch.setattr(signing, "Storage", evidence)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RESPONDER_OPERATOR_KEY", raising=False)
    monkeypatch.setenv("EMERGENCY_OPERATORS", setting_of([GENESIS]))
    monkeypatch.setenv("EMERGENCY_GENESIS", GENESIS.digest)
    monkeypatch.setenv("WORKFORCE_TENANT_ID", WORKFORCE_TENANT)
    for seed in ("alice-1", "alice-2", "carol-1"):
        path = tmp_path / f"{seed}.pem"
        path.touch(mode=0o600)
        path.write_bytes(_pem(seed))
    return memory


def _pem(seed: str) -> bytes:
    return private(seed).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _run(words: str, *more: str) -> int:
    return main([*words.split(), *more])


def _approve(*more: str) -> int:
    return _run(f"approve {_LIST} {ALICE.id}", *_APPROVE, *more)


type Said = pytest.CaptureFixture[str]


@pytest.mark.usefixtures("account")
def test_an_operator_reads_the_text_and_signs_it(capsys: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def answered(text: str) -> str:
        asked.append(text)
        return "yes"

    monkeypatch.setattr("builtins.input", answered)
    assert _approve("--key", "alice-1.pem") == 0
    said = capsys.readouterr().out
    assert asked == ["Sign exactly this text? Type yes: "]
    for words in ("entra-responder journal entry, version 1", ALICE.id, "CHG-1042", GENESIS.digest, WORKFORCE_TENANT):
        assert words in said, words
    assert "approved: Alice Alvarez" in said
    assert _run("approvals") == 0
    assert "valid" in capsys.readouterr().out
    assert _run("journal") == 0
    listed = capsys.readouterr().out
    assert f"approval {_LIST} {ALICE.id}" in listed
    assert "Alice" in listed


@pytest.mark.parametrize("answer", ["", "y", "no"])
def test_who_does_not_say_yes_signs_nothing(
    account: MemoryStorage, capsys: Said, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    def answered(_text: str) -> str:
        return answer

    monkeypatch.setattr("builtins.input", answered)
    assert _approve("--key", "alice-1.pem") == 2
    assert "nothing was signed, and nothing was changed" in capsys.readouterr().err
    assert account.rows(Table.APPROVED_ACTORS, "PartitionKey ge ''") == []


@pytest.mark.usefixtures("account")
def test_without_a_key_a_terminal_says_what_is_needed(capsys: Said) -> None:
    for words in ("mode * enforce", "stop --reason x", "start", "owner * --name A --upn a@contoso.com"):
        assert _run(words) == ExitStatus.REFUSED, words
        assert "name your key with --key FILE or RESPONDER_OPERATOR_KEY. Nothing was written" in capsys.readouterr().err
    assert _approve() == ExitStatus.REFUSED


@pytest.mark.usefixtures("account")
def test_a_key_of_somebody_else_signs_nothing(capsys: Said, tmp_path: Path) -> None:
    make_key(tmp_path / "mallory.pem")
    assert _approve("--key", "mallory.pem", "--no-prompt") == ExitStatus.REFUSED
    assert "the key is of no operator" in capsys.readouterr().err


def test_settings_that_name_no_founding_statement_change_nothing(
    account: MemoryStorage, capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_statement(account, GENESIS, by="x", now=utc_now())
    for name in ("EMERGENCY_OPERATORS", "EMERGENCY_GENESIS"):
        monkeypatch.delenv(name)
    assert _approve() == 2
    assert "this installation has operators" in capsys.readouterr().err
    assert _approve("--genesis", GENESIS.digest, "--key", "alice-1.pem", "--no-prompt") == 0


@pytest.mark.usefixtures("account")
def test_settings_that_name_no_tenant_sign_nothing(capsys: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORKFORCE_TENANT_ID")
    assert _approve("--key", "alice-1.pem") == 2
    assert "set WORKFORCE_TENANT_ID" in capsys.readouterr().err


@pytest.mark.usefixtures("account")
def test_what_takes_two_is_signed_by_a_second_one(capsys: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESPONDER_OPERATOR_KEY", "alice-1.pem")
    assert _run("stop --no-prompt --reason", "it puts back what it should leave") == 0
    assert "it counts once a second operator has signed it" in capsys.readouterr().out
    assert _run("mode") == 0
    assert "kill switch: off" in capsys.readouterr().out
    assert _run("journal waiting") == 0
    line = capsys.readouterr().out.splitlines()[-1]
    assert "kill-switch" in line
    digest = line.split()[0]
    assert _run(f"journal sign {digest} --no-prompt") == ExitStatus.REFUSED
    assert "the same one signed it twice" in capsys.readouterr().err
    assert _run(f"journal sign {digest} --no-prompt --key carol-1.pem") == 0
    assert "kill-switch: stop counts now" in capsys.readouterr().out
    assert _run("mode") == 0
    assert "kill switch: ON" in capsys.readouterr().out
    assert _run("journal waiting") == 0
    assert "nothing waits for a second operator" in capsys.readouterr().out
    assert _run("start --no-prompt") == 0


@pytest.mark.usefixtures("account")
def test_sign_needs_a_digest(capsys: Said) -> None:
    assert _run("journal sign --key carol-1.pem") == 2
    assert "say which: `responder journal waiting`" in capsys.readouterr().err


def test_a_laptop_verifies_and_writes_again_what_somebody_deleted(account: MemoryStorage, capsys: Said) -> None:
    assert _approve("--key", "alice-1.pem", "--no-prompt") == 0
    assert _run("journal verify") == 0
    assert "1 signed entries about 1 subjects count" in capsys.readouterr().out
    (row,) = account.rows(Table.APPROVED_ACTORS, "PartitionKey ge ''")
    account.delete(Table.APPROVED_ACTORS, row)
    account.insert(Table.APPROVED_ACTORS, _LIST, row.key.replace(ALICE.id, CAROL.id), row.columns)
    assert _run("journal verify") == 1
    said = capsys.readouterr().out
    assert "it was signed for another row" in said
    assert "has no row in table ApprovedActors" in said
    assert _run("journal rebuild") == 1  # the forged row stays, and is named
    assert "written again: 1 rows" in capsys.readouterr().out
    assert _run("approvals") == 0
    assert ALICE.id in capsys.readouterr().out


def test_a_laptop_knows_an_older_state(account: MemoryStorage, capsys: Said) -> None:
    assert _approve("--key", "alice-1.pem", "--no-prompt") == 0
    older = account.copied()
    assert _run(f"revoke {_LIST} {ALICE.id} --key alice-1.pem --no-prompt") == 0
    assert _run("journal verify") == 0
    assert Path("entra-responder-heads.json").exists()
    account.roll_back(older)
    capsys.readouterr()
    assert _run("journal verify") == 1
    said = capsys.readouterr().out
    assert "was there before and is gone" in said
    assert "was not changed: an older state was put back" in said
    Path("entra-responder-heads.json").write_text("[]", encoding="utf-8")
    assert _run("journal verify") == 2


def test_what_stood_before_is_adopted(account: MemoryStorage, capsys: Said) -> None:
    until = {"valid_until": utc_now() + timedelta(days=30)}
    for on in (_LIST, ApprovalList.RBAC_ROLES):
        TableApprovals(account, clock=utc_now).approve(approval(ALICE, on, **until))
    assert _run("journal adopt --key alice-1.pem --no-prompt") == 0
    said = capsys.readouterr().out
    assert f"+ approval {_LIST} {ALICE.id}" in said
    assert f"? approval rbac-roles {ALICE.id}" in said
    assert "1 count now; 1 wait for a second operator" in said
    assert _run("journal adopt --key alice-1.pem --no-prompt") == 0


def test_an_import_is_signed_row_by_row(account: MemoryStorage, capsys: Said) -> None:
    assert _approve("--key", "alice-1.pem", "--no-prompt") == 0
    assert _run("lists export there.json") == 0
    for row in account.rows(Table.APPROVED_ACTORS, "PartitionKey ge ''"):
        account.delete(Table.APPROVED_ACTORS, row)
    account.containers["evidence"].clear()
    assert _run("lists import there.json --key alice-1.pem --no-prompt") == 0
    assert f"+ ApprovedActors {_LIST} {ALICE.id}" in capsys.readouterr().out
    assert _run("approvals") == 0
    assert ALICE.id in capsys.readouterr().out
