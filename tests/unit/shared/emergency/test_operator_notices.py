"""Every change of operators reaches the owners once, and what was ignored each day."""

import pytest

from shared.authority.operator_keys import fingerprint
from shared.authority.operators import Operators, SignedStatement
from shared.clients.storage_names import Table
from shared.emergency.operator_notices import publish_operators
from shared.model.errors import Unreachable
from shared.model.notices import SystemNotice
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.operators import ERIN, SoftPasskey, add, add_passkey, folded, signed, suspend
from tests.fakes.spoilt_storage import SpoiltStorage


def _published(memory: MemoryStorage, operators: Operators) -> list[SystemNotice]:
    notices: list[SystemNotice] = []
    publish_operators(memory, operators, notices.append)
    return notices


def test_a_list_that_is_founded_somebody_added_and_suspended_is_each_told_once(memory: MemoryStorage) -> None:
    (founded,) = _published(memory, folded())
    assert all(name in founded.text for name in ("Alice (alice)", "Carol (carol)", "Dave (dave)"))
    assert _published(memory, folded()) == []
    erin = signed(add(ERIN), "alice-1", "carol-1", "erin-1")
    (added,) = _published(memory, folded(erin))
    assert "Erin (erin) is an operator since" in added.text
    assert "Alice" not in added.text
    gone = signed(suspend("erin", after=(erin.digest,)), "dave-1")
    (suspended,) = _published(memory, folded(erin, gone))
    assert "Erin (erin) was suspended on" in suspended.text
    assert _published(memory, folded(erin, gone)) == []
    assert len({one.key for one in (founded, added, suspended)}) == 3
    assert all(one.never_waits for one in (founded, added, suspended))


def test_a_passkey_that_was_added_is_told_with_its_fingerprint(memory: MemoryStorage) -> None:
    _published(memory, folded())
    new = SoftPasskey("alice's").public
    with_passkey = folded(signed(add_passkey("alice", new), "alice-1", "carol-1", "dave-1"))
    (notice,) = _published(memory, with_passkey)
    for words in ("Alice (alice) has one more passkey", new.host, fingerprint(new)):
        assert words in notice.text
    assert _published(memory, with_passkey) == []


def test_what_was_ignored_is_told_every_time(memory: MemoryStorage) -> None:
    _published(memory, folded())
    forged = folded(SignedStatement(text="x", signatures={}))
    (notice,), again = _published(memory, forged), _published(memory, forged)
    assert again == [notice]
    assert "was ignored" in notice.text
    (other,) = _published(memory, folded(signed(add(ERIN), "erin-1")))
    assert other.key != notice.key


def test_an_installation_without_operators_is_told_nothing(memory: MemoryStorage) -> None:
    assert _published(memory, Operators()) == []


def test_a_change_whose_notice_failed_is_told_the_next_time(memory: MemoryStorage) -> None:
    def fail(_notice: SystemNotice) -> None:
        raise Unreachable("no storage")

    with pytest.raises(Unreachable):
        publish_operators(memory, folded(), fail)
    spoilt = SpoiltStorage(memory)
    spoilt.faults.fail("upsert Cursors")
    notices: list[SystemNotice] = []
    with pytest.raises(Unreachable):
        publish_operators(spoilt, folded(), notices.append)
    assert [one.key for one in _published(memory, folded())] == [one.key for one in notices]
    assert len(memory.rows(Table.CURSORS, "PartitionKey eq 'operators'")) == 3
