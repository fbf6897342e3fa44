import base64
import stat
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.authority.operator_store import read_operators, setting_of
from shared.authority.operators import Operators
from shared.emergency.asking import PATH, Acknowledge, Declare, DoStep
from shared.emergency.entries import (
    Closed,
    Declared,
    Entry,
    Extended,
    Proof,
    Proposal,
    StepEnded,
    StepStarted,
    StepState,
)
from shared.emergency.laptop import (
    BadJournal,
    LaptopJournal,
    Signer,
    doubt_about,
    read_journal,
    signed_entry,
    step_path,
)
from shared.emergency.signing import OperatorKey
from tests.fakes.clock import NOW
from tests.fakes.emergencies import APP_CALLER, agreed, entry
from tests.fakes.operators import ALICE, GENESIS, HOST, private

_A_MINUTE = timedelta(minutes=1)
_DECLARE = Declare(reason="Nobody can sign in", hybrid=True)
_SIGNER = Signer(operator=ALICE.id, name=ALICE.name, key=OperatorKey(private("alice-1")), host=HOST)


def _operators() -> Operators:
    return read_operators(None, setting=setting_of([GENESIS]), pinned=GENESIS.digest, now=NOW)


def _declared() -> Entry:
    return signed_entry(_SIGNER, PATH, _DECLARE, now=NOW)


def test_an_emergency_goes_on_from_its_file(tmp_path: Path) -> None:
    journal = LaptopJournal(tmp_path / "journal")
    first = _declared()
    journal.add(first)
    done = DoStep(action="done", note="Ticket 26030")
    journal.add(signed_entry(_SIGNER, step_path(first.emergency, 4), done, now=NOW + timedelta(minutes=2)))
    (emergency,) = LaptopJournal(tmp_path / "journal").emergencies()
    assert emergency.reason == "Nobody can sign in"
    assert emergency.hybrid
    assert emergency.step(4).state is StepState.DONE
    assert emergency.step(4).records[0].note == "Ticket 26030"
    assert [entry.by for entry in emergency.entries] == [ALICE.id] * 2


def test_only_its_owner_reads_it(tmp_path: Path) -> None:
    journal = LaptopJournal(tmp_path / "journal")
    entry = _declared()
    journal.add(entry)
    assert stat.S_IMODE(journal.path(entry.emergency).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "journal").stat().st_mode) == 0o700
    assert stat.S_IMODE(journal.folder_of(entry.emergency).stat().st_mode) == 0o700


def test_no_secret_is_in_an_entry() -> None:
    entry = _declared()
    assert entry.signed is not None
    assert not [name for name in entry.signed.headers if name.lower() == "x-emergency-key"]


def test_each_entry_can_be_checked_by_the_public_half() -> None:
    assert doubt_about(_declared(), _operators(), host=HOST) == ""


def _with_signed(entry: Entry, **changes: Any) -> Entry:  # noqa: ANN401 - its fields
    assert entry.signed is not None
    return msgspec.structs.replace(entry, signed=msgspec.structs.replace(entry.signed, **changes))


def _with_header(entry: Entry, name: str, value: str) -> Entry:
    assert entry.signed is not None
    return _with_signed(entry, headers={**entry.signed.headers, name: value})


def _with_act(entry: Entry, **changes: Any) -> Entry:  # noqa: ANN401 - its fields
    assert isinstance(entry.act, Declared)
    return msgspec.structs.replace(entry, act=msgspec.structs.replace(entry.act, **changes))


_OTHER_BODY = base64.b64encode(b'{"reason":"other","hybrid":false}').decode()


_SPOILT: Final[tuple[tuple[Callable[[Entry], Entry], str], ...]] = (
    (lambda entry: _with_act(entry, reason="Something else"), "something else than"),
    (lambda entry: _with_act(entry, drill=True), "something else than"),
    (lambda entry: msgspec.structs.replace(entry, by="carol"), "says carol"),
    (lambda entry: msgspec.structs.replace(entry, name="Carol"), "says alice"),
    (lambda entry: msgspec.structs.replace(entry, at=entry.at + timedelta(seconds=1)), "its time doesn't fit"),
    (lambda entry: msgspec.structs.replace(entry, signed=None), "isn't signed"),
    (lambda entry: msgspec.structs.replace(entry, proof=Proof.APP), "isn't signed"),
    (lambda entry: msgspec.structs.replace(entry, emergency="f" * 32), "something else than"),
    (lambda entry: _with_signed(entry, body=_OTHER_BODY), "doesn't fit"),
    (lambda entry: _with_signed(entry, body="%"), "doesn't fit"),
    (lambda entry: _with_signed(entry, path=f"{PATH}/{'a' * 32}/close"), "doesn't fit"),
    (lambda entry: _with_header(entry, "X-Emergency-Nonce", "0" * 32), "doesn't fit"),
    (lambda entry: _with_header(entry, "X-Emergency-Signature", "A" * 86), "doesn't fit"),
    (lambda entry: _with_header(entry, "X-Emergency-Signed-By", "0" * 32), "no operator has"),
)


@pytest.mark.parametrize(("spoil", "doubt"), _SPOILT)
def test_whatever_is_changed_is_seen(spoil: Callable[[Entry], Entry], doubt: str) -> None:
    assert doubt in doubt_about(spoil(_declared()), _operators(), host=HOST)


def test_an_entry_for_another_app_does_not_fit() -> None:
    assert "doesn't fit" in doubt_about(_declared(), _operators(), host="other.example")


def test_a_line_that_was_cut_off_loses_no_other(tmp_path: Path) -> None:
    journal = LaptopJournal(tmp_path)
    first = _declared()
    journal.add(first)
    path = journal.path(first.emergency)
    with path.open("ab") as file:
        file.write(b'{"id":"cut o')
    assert read_journal(path).broken == (2,)
    acknowledged = signed_entry(_SIGNER, f"{PATH}/{first.emergency}/acknowledge", Acknowledge(), now=NOW)
    journal.add(acknowledged)
    read = read_journal(path)
    assert read.entries == (first, acknowledged)
    assert read.broken == (2,)


@given(st.binary(max_size=300))
def test_whatever_a_file_holds_is_read_or_counted(content: bytes) -> None:
    import tempfile  # noqa: PLC0415 - tmp_path is one for all examples

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x"
        path.write_bytes(content)
        read = read_journal(path)
        assert len(read.broken) == sum(1 for line in content.split(b"\n") if line.strip())


def test_what_can_not_be_read_or_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadJournal, match="can't be read"):
        read_journal(tmp_path / "nothing")
    (tmp_path / "file").write_text("x")
    with pytest.raises(BadJournal, match="can't be made"):
        LaptopJournal(tmp_path / "file" / "below").add(_declared())
    assert list(LaptopJournal(tmp_path / "nowhere").emergencies()) == []


@pytest.mark.parametrize(
    ("path", "wish"),
    [
        (PATH, Declare(reason=" ", hybrid=True)),
        (PATH, Declare(reason="x", hybrid=True, hours=100)),
        (f"{PATH}/{'a' * 32}/nothing", Acknowledge()),
        (f"{PATH}/{'a' * 32}/steps/4", DoStep(action="done", note="x" * 5_000)),
    ],
)
def test_what_the_app_would_refuse_is_refused_here(path: str, wish: Declare | DoStep | Acknowledge) -> None:
    with pytest.raises(BadJournal):
        signed_entry(_SIGNER, path, wish, now=NOW)


# ---- what the app answered -------------------------------------------------------------------------------------------


def _checked(entry: Entry) -> bool:
    return not doubt_about(entry, _operators(), host=HOST)


def test_what_the_app_answered_is_kept_once_and_gone_on_with(tmp_path: Path) -> None:
    journal, first = LaptopJournal(tmp_path), _declared()
    began = entry(StepStarted(step=2, run="a" * 32), APP_CALLER, emergency=first.emergency)
    ended = entry(StepEnded(step=2, run="a" * 32, state=StepState.DONE), APP_CALLER, emergency=first.emergency)
    journal.keep(first.emergency, [first, began])
    journal.keep(first.emergency, [first, began, ended])
    assert journal.entries(first.emergency) == (first, began, ended)
    (emergency,) = journal.emergencies(_checked)
    assert emergency.step(2).state is StepState.DONE
    assert emergency.carried == {began.id, ended.id}
    assert journal.newest_open(NOW) == first.emergency
    assert journal.newest_open(NOW + timedelta(hours=9)) == ""


@pytest.mark.parametrize("emergency", ["../escape", "E" * 32, "", "e" * 31])
def test_an_answer_of_no_emergency_is_written_nowhere(tmp_path: Path, emergency: str) -> None:
    """A hostile app names the file otherwise."""
    with pytest.raises(BadJournal):
        LaptopJournal(tmp_path / "journal").keep(emergency, [entry(StepStarted(step=2, run="a" * 32))])
    assert list(tmp_path.iterdir()) == []


def test_entries_of_another_emergency_are_not_taken(tmp_path: Path) -> None:
    journal, first = LaptopJournal(tmp_path), _declared()
    journal.keep(first.emergency, [entry(StepStarted(step=2, run="a" * 32), emergency="../other")])
    assert journal.entries(first.emergency) == ()


def test_a_hostile_app_neither_closes_nor_prolongs_what_is_in_the_journal(tmp_path: Path) -> None:
    journal, first = LaptopJournal(tmp_path), _declared()
    asks, agrees = agreed(Proposal(what="close", text="Close it"))
    false = [
        *(msgspec.structs.replace(one, emergency=first.emergency) for one in (asks, agrees)),
        entry(Closed(summary="over"), APP_CALLER, at=9 * _A_MINUTE, emergency=first.emergency),
        entry(Extended(until=NOW + timedelta(days=2), reason="so"), at=_A_MINUTE, emergency=first.emergency),
    ]
    journal.keep(first.emergency, [first, *false])
    (emergency,) = journal.emergencies(_checked)
    assert emergency.is_open
    assert emergency.agreements == ()
    assert emergency.expires_at == NOW + timedelta(hours=8)
