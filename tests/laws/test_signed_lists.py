"""Whoever may write everything to both storage accounts approves nobody, and lowers nothing.

Random sequences of what operators decide, with what somebody does to storage between: rows and entries added, changed,
deleted, said again, moved to other places and rolled back, whole tables emptied, blobs added. A plain record of what
operators decided says what has to hold after each. In the evidence container nothing can be overwritten or deleted,
as its policy has it.
"""

import os
import random
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import msgspec
import pytest

from infra.local.world import ALICE, BREAK_GLASS_1, CAROL, DAVE, MALLORY, Principal
from shared.authority.acts import WaitsForSecond
from shared.authority.journal import OF_SIGNED, WAITING
from shared.authority.owners import NamedOwner
from shared.authority.signed_acts import SignedActs
from shared.authority.signed_entries import SignedEntry
from shared.authority.signed_rows import read_entry, row_of
from shared.authority.signed_watch import settle
from shared.authority.statements import SIGNED
from shared.clients.storage import Row
from shared.clients.storage_names import Container, Table
from shared.model.cases import Standing
from shared.model.kinds import ApprovalList, Mode
from tests.fakes.lamps import LAMP, actor_of
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.operators import PASSKEY
from tests.fakes.runtime import approval
from tests.fakes.signed_lists import BY_PASSKEY, ForgedPasskey, Key, SignedLists, signed_lists

_SEQUENCES: Final = int(os.environ.get("SIGNED_SEQUENCES", "120"))
_IN_ONE: Final = 40
_STEPS: Final = 14
_LISTS: Final = (ApprovalList.CONDITIONAL_ACCESS, ApprovalList.DIRECTORY_ROLES)
_PEOPLE: Final = (ALICE, BREAK_GLASS_1, CAROL, DAVE, MALLORY)
_OPERATORS: Final = ("alice-1", "alice-2", "carol-1", BY_PASSKEY, "dave-1", "dave-2")
_OF_OTHERS: Final = ("mallory's", "alice's")
_TABLES: Final = (Table.APPROVED_ACTORS, Table.CONTROLS, Table.OWNERS, Table.JOURNAL)


@dataclass(slots=True)
class _Decided:
    """What operators decided, by nothing but a record of it."""

    approved: dict[tuple[ApprovalList, str], bool] = field(default_factory=dict[tuple[ApprovalList, str], bool])
    modes: dict[str, Mode | None] = field(default_factory=dict[str, Mode | None])
    stopped: bool = False
    owners: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])


class _Play:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - a story, not a secret
        self.lists: SignedLists = signed_lists()
        self.decided = _Decided()
        self.app = self.lists.acts()
        self.done: list[str] = []
        self.stolen: list[tuple[Table, str, str, dict[str, Any]]] = []
        """Rows that were seen: what can be said again."""

    # ---- operators ---------------------------------------------------------------------------------------------------

    def decide(self) -> None:
        act = self.random.choice((self.approve, self.approve, self.revoke, self.mode, self.kill, self.owner))
        act(self.random.choice(_OPERATORS))

    def _with_second(self, seed: str, act: Callable[[], object]) -> None:
        try:
            act()
        except WaitsForSecond as waits:
            others = [one for one in _OPERATORS if one.split("-")[0] != seed.split("-", maxsplit=1)[0]]
            self.lists.acts(self.random.choice(others)).sign(self.lists.tables, waits.digest)

    def approve(self, seed: str) -> None:
        who, on = self.random.choice(_PEOPLE[:4]), self.random.choice(_LISTS)
        self.done.append(f"{seed} approves {who.name} on {on}")
        self._with_second(seed, lambda: self.lists.approvals(seed).approve(approval(who, on)))
        self.decided.approved[on, who.id] = True

    def revoke(self, seed: str) -> None:
        if not self.decided.approved:
            return
        on, who = self.random.choice(sorted(self.decided.approved))
        self.done.append(f"{seed} revokes {who} on {on}")
        self.lists.approvals(seed).revoke(on, who, by="x", reason="x")
        self.decided.approved[on, who] = False

    def mode(self, seed: str) -> None:
        name, mode = self.random.choice(("*", "lamp-switched", "lamp-stolen")), self.random.choice((None, *Mode))
        self.done.append(f"{seed} sets {name} to {mode}")
        self._with_second(seed, lambda: self.lists.controls(seed).set_mode(name, mode, by="x", reason="x"))
        self.decided.modes[name] = mode

    def kill(self, seed: str) -> None:
        controls = self.lists.controls(seed)
        if self.random.random() < 0.5:
            self.done.append(f"{seed} stops")
            self._with_second(seed, lambda: controls.stop(by="x", reason="x"))
            self.decided.stopped = True
        else:
            self.done.append(f"{seed} starts")
            controls.start(by="x")
            self.decided.stopped = False

    def owner(self, seed: str) -> None:
        scope, order = self.random.choice(("*", "lamp-switched", "emergency")), self.random.choice(("010", "020"))
        owners = self.lists.owners(seed)
        if (scope, order) in self.decided.owners and self.random.random() < 0.4:
            self.done.append(f"{seed} removes {scope} {order}")
            self._with_second(seed, lambda: owners.remove(scope, order, by="x", reason="x"))
            del self.decided.owners[scope, order]
            return
        who = self.random.choice(_PEOPLE[:4]).name
        self.done.append(f"{seed} names {who} for {scope} {order}")
        named = NamedOwner(scope=scope, order=order, name=who, upn=f"{order}@contoso.com")
        self._with_second(seed, lambda: owners.name(named, by="x", reason="x"))
        self.decided.owners[scope, order] = who

    # ---- whoever can write to storage --------------------------------------------------------------------------------

    def tamper(self) -> None:
        acts = (
            self.forge,
            self.forge,
            self.forge_passkey,
            self.change,
            self.change,
            self.delete,
            self.delete,
            self.say_again,
            self.move,
            self.empty,
            self.roll_back,
            self.add_blob,
            self.question,
        )
        act = self.random.choice(acts)
        self.done.append(f"somebody: {act.__name__}")
        act()

    def _rows(self, table: Table) -> list[Row]:
        rows = self.lists.tables.rows(table, "PartitionKey ge ''")
        self.stolen += [(table, row.partition, row.key, dict(row.columns)) for row in rows]
        return rows

    def _some_row(self) -> tuple[Table, Row] | None:
        there = [(table, row) for table in _TABLES for row in self._rows(table)]
        return self.random.choice(there) if there else None

    def _now(self) -> str:
        return f"{self.lists.clock() + timedelta(seconds=self.random.randrange(-300, 60)):%Y-%m-%dT%H:%M:%S.%fZ}"

    def forge(self) -> None:
        key, put = self._now(), self.lists.tables.upsert
        who, on = self.random.choice(_PEOPLE), self.random.choice(_LISTS)
        made = msgspec.to_builtins(approval(who, on))
        columns = {name: value for name, value in made.items() if isinstance(value, str)} | {"targets": ""}
        if self.random.random() < 0.5:
            text = f'entra-responder journal entry, version 1\n{{"act": "{who.id}"}}\n'
            thief = Key("mallory-1")
            columns[SIGNED] = msgspec.json.encode(
                SignedEntry(text=text, signatures={thief.key_id: thief.sign(text)})
            ).decode()
        put(Table.APPROVED_ACTORS, on, f"{who.id}|{key}", columns)
        put(Table.CONTROLS, "mode", f"{self.random.choice(('*', 'lamp-switched'))}|{key}", {"mode": "observe"})
        put(Table.CONTROLS, "kill", self.random.choice((f"all|{key}", "all")), {"stopped": True})
        put(Table.OWNERS, "*", f"010|{key}", {"name": "Mallory", "upn": "mallory@contoso.com"})

    def forge_passkey(self) -> None:
        """Write a row, its entry in the journal and its blob, with what isn't a signature of Carol's passkey."""
        forged = self.random.choice(
            (
                ForgedPasskey(challenge=self.random.randbytes(32)),
                ForgedPasskey(origin="https://evil.example"),
                ForgedPasskey(host="evil.example"),
                ForgedPasskey(flags=self.random.choice((0b000, 0b001, 0b100))),
                ForgedPasskey(type="webauthn.create"),
                ForgedPasskey(self.random.choice(_OF_OTHERS)),
                ForgedPasskey(again=self._seen_of_passkey() or "AAAA.AAAA.AAAA"),
            )
        )
        who, on = self.random.choice(_PEOPLE), self.random.choice(_LISTS)
        try:
            self.lists.approvals(acts=self.lists.acts().with_signer(forged)).approve(approval(who, on))
        except WaitsForSecond as waits:
            row = self.lists.tables.row(Table.JOURNAL, WAITING, waits.digest)
            one = read_entry(row) if row else None
            assert one is not None
            self.lists.tables.upsert(
                Table.APPROVED_ACTORS, on, row_of(one.signed, one.entry).key, row_of(one.signed, one.entry).columns
            )
            if self.random.random() < 0.5:
                self.lists.acts().list_in_journal(self.lists.tables, one.signed, one.entry)
                self.lists.acts().carry(one.signed, one.entry)

    def _seen_of_passkey(self) -> str:
        """Give a signature that Carol's passkey gave for something else."""
        given = (
            read.signed.signatures.get(PASSKEY.public.id, "")
            for row in self._rows(Table.APPROVED_ACTORS)
            if (read := read_entry(row)) is not None
        )
        return next(filter(None, given), "")

    def change(self) -> None:
        found = self._some_row()
        if found is None:
            return
        table, row = found
        columns = dict(row.columns)
        name = self.random.choice(sorted(columns))
        value = columns[name]
        if name == SIGNED and self.random.random() < 0.7:
            value = self._spoilt(msgspec.json.decode(value, type=SignedEntry))
        else:
            value = self.random.choice(("", "observe", MALLORY.id, False, f"{value}x"))
        self.lists.tables.upsert(table, row.partition, row.key, {**columns, name: value})

    def _spoilt(self, signed: SignedEntry) -> str:
        """Change what was signed, take a signature away, or add one."""
        text, signatures = signed.text, dict(signed.signatures)
        match self.random.randrange(3):
            case 0:
                text = text.replace(self.random.choice(("false", ALICE.id, "enforce")), "observe")
            case 1 if signatures:
                del signatures[self.random.choice(sorted(signatures))]
            case _:
                signatures |= {Key("mallory-1").key_id: Key("mallory-1").sign(text)}
        return msgspec.json.encode(SignedEntry(text=text, signatures=signatures), order="sorted").decode()

    def delete(self) -> None:
        for _ in range(self.random.randrange(1, 4)):
            if found := self._some_row():
                self.lists.tables.delete(*found)

    def say_again(self) -> None:
        if self.stolen:
            table, partition, key, columns = self.random.choice(self.stolen)
            later = f"{key.split('|')[0]}|{self._now()}"
            self.lists.tables.upsert(table, partition, self.random.choice((key, f"{key}|001", later)), columns)

    def move(self) -> None:
        if found := self._some_row():
            table, row = found
            who = self.random.choice(_PEOPLE).id
            key = "|".join((who, *row.key.split("|")[1:]))
            partition = self.random.choice((*_LISTS, "mode", "kill", "*", row.partition))
            self.lists.tables.upsert(self.random.choice((table, *_TABLES)), partition, key, row.columns)

    def empty(self) -> None:
        table = self.random.choice(_TABLES)
        self._rows(table)
        self.lists.tables.delete_table(table)
        self.lists.tables.create_all()

    def roll_back(self) -> None:
        """Put a table back to some of the rows that it had once."""
        table = self.random.choice(_TABLES)
        self.empty()
        some = [one for one in self.stolen if one[0] is table]
        for _, partition, key, columns in some[: self.random.randrange(len(some) + 1)]:
            self.lists.tables.upsert(table, partition, key, columns)

    def add_blob(self) -> None:
        whose = f"approval {self.random.choice(_LISTS)} {self.random.choice(_PEOPLE).id}"
        subjects = (whose, "mode *", "mode lamp-switched", "kill-switch", "owner * 010")
        name = f"journal/{self.random.choice(subjects)}/{self.random.randrange(5):010}-{self.random.randrange(99)}.json"
        content = self.random.choice((b"", b"{}", *[str(one[3].get(SIGNED)).encode() for one in self.stolen[-5:]]))
        self.lists.evidence.keep(Container.EVIDENCE, name, content)

    def question(self) -> None:
        """Revoke without a signature: all that this may do is to call in question who is approved."""
        on, who = self.random.choice(_LISTS), self.random.choice(_PEOPLE)
        columns = {"revoked_at": self.lists.clock().isoformat()}
        at = f"{self.lists.clock():%Y-%m-%dT%H:%M:%S.%fZ}"
        self.lists.tables.upsert(Table.APPROVED_ACTORS, on, f"{who.id}|{at}", columns)

    # ---- the law -----------------------------------------------------------------------------------------------------

    def hold(self, acts: SignedActs) -> None:
        """See that everything is as operators decided it, for an app that just started and one that is running."""
        for on in _LISTS:
            self._hold_list(on, acts)
        state = self.lists.controls(acts=acts).read_state()
        assert (state.stopped, state.unread) == (self.decided.stopped, "")
        own = {name: mode for name, mode in self.decided.modes.items() if mode is not None}
        for name in ("lamp-switched", "lamp-stolen", "lamp-lit"):
            assert state.mode(name) is own.get(name, own.get("*", Mode.OBSERVE)), name
        owners = self.lists.owners(acts=acts).history().present
        assert {(one.scope, one.order): one.name for one in owners} == self.decided.owners

    def _hold_list(self, on: ApprovalList, acts: SignedActs) -> None:
        history = self.lists.approvals(acts=acts).history(on, emergency_accounts=())
        is_empty = not any(name is on for name, _ in self.decided.approved)
        questioned = {
            row.key.split("|")[0] for row in self._rows(Table.APPROVED_ACTORS) if row.columns.get("revoked_at")
        }
        for who in _PEOPLE:
            found = history.standing(actor_of(who), LAMP, self.lists.clock())
            assert found.standing in self._allowed(on, who, questioned, is_empty=is_empty), (who.name, found)

    def _allowed(
        self, on: ApprovalList, who: Principal, questioned: Collection[str], *, is_empty: bool
    ) -> Iterable[Standing]:
        if is_empty:
            return (Standing.UNKNOWN,)
        if not self.decided.approved.get((on, who.id)):
            return (Standing.UNAPPROVED,)
        doubt = (Standing.UNKNOWN,) if who.id in questioned else ()
        return (Standing.APPROVED, *doubt)

    def fingerprint(self) -> dict[tuple[str, ...], Any]:
        """Give the rows that may count, and what the evidence container has, by their places.

        A further row of the same act says the same.
        """
        assert isinstance(self.lists.evidence, MemoryStorage)
        rows = {
            (table, row.partition, row.key.removesuffix("|001")): dict(row.columns)
            for table in _TABLES
            for row in self.lists.tables.rows(table, "PartitionKey ge ''")
            if _may_count(table, row.partition)
        }
        return {**rows, **{(name,): True for name in self.lists.evidence.containers[Container.EVIDENCE]}}


def _may_count(table: Table, partition: str) -> bool:
    match table:
        case Table.CONTROLS:
            return partition in {"mode", "kill"}
        case Table.JOURNAL:
            return partition.startswith(OF_SIGNED) and partition != WAITING
        case _:
            return True


@pytest.mark.parametrize("first", range(0, _SEQUENCES, _IN_ONE))
def test_whoever_writes_to_storage_changes_nothing_that_operators_decided(first: int) -> None:
    for seed in range(first, min(first + _IN_ONE, _SEQUENCES)):
        play = _Play(seed)
        try:
            _play(play)
        except AssertionError as error:
            error.add_note("\n  ".join((f"seed {seed}:", *play.done)))
            raise


def _play(play: _Play) -> None:
    ours = play.fingerprint()
    for _ in range(_STEPS):
        if play.random.random() < 0.45:
            before = play.fingerprint()
            play.decide()
            ours |= {place: what for place, what in play.fingerprint().items() if before.get(place) != what}
            play.lists.pass_time()
        else:
            play.tamper()
            play.hold(play.lists.acts())
            play.hold(play.app)
            _is_named(play, is_as_it_was=play.fingerprint() == ours)
        play.lists.pass_time()
        play.hold(play.app)


def _is_named(play: _Play, *, is_as_it_was: bool) -> None:
    """The next minute's look names what isn't as it was, and writes again what is missing; then nothing is missing."""
    found = settle(play.app, play.lists.tables)
    if not is_as_it_was:
        assert found.problems or found.missing or found.unlisted or found.uncarried
    again = settle(play.app, play.lists.tables)
    assert (again.missing, again.unlisted, again.uncarried) == ((), (), ())
