"""Whoever may write everything to storage, and add to the evidence, makes no baseline and keeps nothing from people.

Random sequences of what an approved actor, an unapproved one and people do, with what somebody does to storage between:
rows of objects and changes forged, changed, deleted, put back as they were and moved, tables emptied, leases taken,
counts of the hour and notes of what is due tampered with, messages forged, sent again and dropped, blobs exchanged. A
plain record of what was accepted and approved says what each object is to be. In the evidence container nothing can be
overwritten or deleted, as its policy has it.
"""

import os
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import msgspec
import pytest

from infra.local.world import ALICE, MALLORY, WORKFORCE_TENANT, Principal
from shared.authority.app_keys import app_keys_of
from shared.clients.storage import Row
from shared.clients.storage_names import CASES_QUEUE, Container, Table
from shared.model.errors import BrokenRow, EdgeError, LeaseLost, NewerSchema
from shared.model.kinds import Json, ObjectKind
from shared.model.objects import Acceptance, Noticed, ObjectChange, ObjectId, ObjectState, Op, Provenance, key_of
from shared.model.start import one_after_another
from shared.objects.object_store import ObjectStore, changes_of, stamp
from shared.objects.vouching import FOLDER, VOUCHED, AppVouching
from shared.respond.messages import ObjectMessage
from shared.respond.persons import accept
from shared.respond.resume import resume
from tests.fakes.guarded_objects import a_change
from tests.fakes.lamps import LAMP, Lamps, actor_of, lamp_record
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import A_MINUTE, Bench, bench, settings_with

_SEQUENCES: Final = int(os.environ.get("SIGNED_SEQUENCES", "60"))
_IN_ONE: Final = 20
_STEPS: Final = 9
_EVERY: Final = "PartitionKey ge ''"
_OTHER: Final[str] = LAMP.replace("0001", "0002")
_LAMPS: Final[tuple[str, ...]] = (LAMP, _OTHER)
_EVIL: Final = "evil"
_KEY: Final = "5a" * 32
_MOST: Final = "1000"
_TABLES: Final = (Table.OBJECTS, Table.CHANGES)
_FAILURES: Final = (EdgeError, LeaseLost, BrokenRow, NewerSchema)


def _id(lamp: str) -> ObjectId:
    return ObjectId(tenant_id=WORKFORCE_TENANT, kind=ObjectKind.CA_POLICY, key=key_of(lamp))


class _Play:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - a story, not a secret
        self.storage = MemoryStorage()
        self.storage.create_all()
        lamps = Lamps(dict.fromkeys(_LAMPS, "on"))
        self.made: Bench = bench(self.storage, lamps=lamps, STATE_KEYS=_KEY, REMEDIATIONS_PER_HOUR=_MOST)
        self.reported: list[str] = []
        self.done: list[str] = []
        self.wanted: dict[str, str] = dict.fromkeys(_LAMPS, "on")
        """What each lamp is to be, by nothing but a record of what was accepted and approved."""
        self.stolen: list[tuple[Table, Row]] = []
        self.messages: list[str] = []
        self.written = 0
        self.start_anew()
        self.made.seed()
        self.made.sweep()
        self.made.accept()
        self.settle()

    def start_anew(self) -> None:
        """Start the app again: what it knew of itself is gone."""
        settings = settings_with(STATE_KEYS=_KEY)
        vouching = AppVouching(
            self.storage,
            keys=app_keys_of(settings),
            start=one_after_another,
            report=lambda one, what: self.reported.append(f"{one.key} {what}"),
        )
        objects = ObjectStore(self.storage, clock=self.made.clock, vouching=vouching)
        self.made = _with_objects(self.made, objects)

    def settle(self, minutes: int = 2) -> None:
        for _ in range(minutes):
            self.made.clock.move(A_MINUTE)
            for act in (lambda: resume(self.made.runtime), self.made.answer_queue, self.made.sweep):
                self._as_the_host(act)

    def _as_the_host(self, act: Callable[[], object]) -> None:
        """What fails is tried again by the host, or by the next timer."""
        try:
            act()
        except _FAILURES as error:
            self.done.append(f"  failed: {error!r}")

    # ---- what is done in the tenant, and by people -------------------------------------------------------------------

    def switch(self, lamp: str, by: Principal) -> None:
        was, to = self.made.lamps.state[lamp], f"v{len(self.done)}"
        self.done.append(f"{by.name} switches {lamp[-1]} from {was} to {to}")
        self.made.lamps.state[lamp] = to
        record = lamp_record(by, at=self.made.clock(), to=to, was=was, lamp=lamp)
        if by is ALICE:
            self.wanted[lamp] = to
        self.made.clock.move(timedelta(seconds=2))
        self._as_the_host(lambda: self.made.take_in(record))
        self.messages += [message.body.decode() for message in self._waiting_messages()]
        self._as_the_host(self.made.answer_queue)

    def _waiting_messages(self) -> list[Any]:
        return self.storage.take_messages(CASES_QUEUE, most=100, hidden_for=timedelta())

    def accept(self, lamp: str) -> None:
        kept = self.made.runtime.objects.read(_id(lamp))
        if kept is None or self.made.lamps.state[lamp] != self.wanted[lamp]:
            return
        self.done.append(f"Carol accepts {lamp[-1]}")
        seen = kept.state.versions[-1] if kept.state.versions else kept.state.origin
        accept(self.made.runtime, kept.id, digest=seen.digest, by="Carol Chen", reason="a test")

    # ---- whoever can write to storage --------------------------------------------------------------------------------

    def tamper(self) -> None:
        act = self.random.choice(
            (
                *(self.forge_state, self.forge_state, self.forge_change, self.forge_change),
                *(self.change_column, self.delete, self.roll_back, self.roll_back, self.move, self.lead_astray),
                *(self.empty, self.take_lease, self.spoil_counts, self.spoil_due, self.forge_message),
                *(self.drop_messages, self.add_copy, self.spoil_versions),
            )
        )
        self.done.append(f"somebody: {act.__name__}")
        with suppress(*_FAILURES):  # what he spoilt before, he can't read either
            act()

    def _rows(self, *tables: Table) -> list[tuple[Table, Row]]:
        rows = [(table, row) for table in tables or _TABLES for row in self.storage.rows(table, _EVERY)]
        self.stolen += rows
        return rows

    def _own(self) -> ObjectStore:
        """Give what writes rows as the app does, without its key."""
        return ObjectStore(self.storage, clock=self.made.clock)

    def forge_state(self) -> None:
        """Have accepted, approved, asked for or denied what somebody wants, in a row as the app writes it."""
        lamp = self.random.choice(_LAMPS)
        kept = self._own().read(_id(lamp))
        if kept is None:
            return
        elsewhere = MemoryStorage()
        elsewhere.create_all()
        forged = ObjectStore(elsewhere, clock=self.made.clock).insert(self._forged(kept.state))
        assert forged is not None
        self.storage.upsert(Table.OBJECTS, kept.row.partition, kept.row.key, self._dressed(forged.row, kept.row))

    def _dressed(self, forged: Row, true: Row) -> dict[str, Any]:
        """Give a forged row as much of a true one as he thinks of: nothing, its signature, or all that is signed."""
        names = self.random.choice((set[str](), {"vouched", "content", "generation"}, {"vouched", *VOUCHED}))
        return {**forged.columns, **{name: value for name, value in true.columns.items() if name in names}}

    def _forged(self, state: ObjectState) -> ObjectState:
        now = self.made.clock()
        leaves: dict[str, Json] = {"exists": True, "state": _EVIL}
        changes: list[dict[str, Any]] = [
            {"acceptances": (Acceptance(at=now, by="Carol Chen", leaves=leaves),)},
            {"origin": msgspec.structs.replace(state.origin, leaves=leaves), "provenance": Provenance.APPROVED},
            {"denied": (Noticed(leaf="state", value=self.wanted[LAMP], since=now),)},
            {"left": (Noticed(leaf="state", value="v3", since=now),), "settled": ("x",)},
            {"intents": (), "answered": (), "versions": ()},
        ]
        return msgspec.structs.replace(state, **self.random.choice(changes))

    def forge_change(self) -> None:
        """Say that an approved actor wrote what somebody wants, or that a change was ours or nobody's."""
        lamp = self.random.choice(_LAMPS)
        known = self._own().changes(_id(lamp))
        if known and self.random.random() < 0.5:
            one = self.random.choice(known)
            key = f"{stamp(one.at)}|{one.id}"
            true = self.storage.row(Table.CHANGES, changes_of(_id(lamp)), key)
            self._own().replace_change(_id(lamp), self._reworded(one))
            forged = self.storage.row(Table.CHANGES, changes_of(_id(lamp)), key)
            assert true is not None
            assert forged is not None
            self.storage.upsert(Table.CHANGES, true.partition, key, self._dressed(forged, true))
            return
        at = self.made.clock() - timedelta(seconds=self.random.randrange(300))
        wrote = {"state": (self.made.lamps.state[lamp], _EVIL)}
        forged = msgspec.structs.replace(
            a_change("forged"), actor=actor_of(ALICE), at=at, arrived_at=at, object_id=lamp, wrote=wrote, op=Op.UPDATE
        )
        self._own().add_change(_id(lamp), forged)

    def _reworded(self, one: ObjectChange) -> ObjectChange:
        match self.random.randrange(4):
            case 0:
                return msgspec.structs.replace(one, is_denied=True)
            case 1:
                return msgspec.structs.replace(one, wrote={})
            case 2:
                return msgspec.structs.replace(one, intent="x")
            case _:
                return msgspec.structs.replace(one, actor=actor_of(ALICE))

    def change_column(self) -> None:
        table, row = self.random.choice(self._rows())
        name = self.random.choice(sorted(row.columns))
        value = self.random.choice(("", 99, False, _EVIL, None))
        self.storage.upsert(table, row.partition, row.key, {**row.columns, name: value})

    def delete(self) -> None:
        if rows := self._rows():
            self.storage.delete(*self.random.choice(rows))

    def roll_back(self) -> None:
        """Put back one row, or a whole table, as it was at some time."""
        if not self.stolen:
            self._rows()
            return
        table = self.random.choice(_TABLES)
        some = [row for of, row in self.stolen if of is table]
        for row in some[: 1 + self.random.randrange(len(some))] if some else []:
            self.storage.upsert(table, row.partition, row.key, row.columns)

    def move(self) -> None:
        """Put a row that the app signed into another place."""
        if rows := self._rows():
            table, row = self.random.choice(rows)
            other = self.random.choice(rows)[1]
            self.storage.upsert(self.random.choice((table, *_TABLES)), other.partition, other.key, row.columns)

    def lead_astray(self) -> None:
        """Make an object an alias of another one."""
        one, other = self.random.sample(_LAMPS, 2)
        partition = f"{WORKFORCE_TENANT}|{ObjectKind.CA_POLICY}"
        self.storage.upsert(Table.OBJECTS, partition, key_of(one), {"alias_of": key_of(other), "schema": 2})

    def empty(self) -> None:
        self._rows()
        table = self.random.choice((*_TABLES, Table.DUE, Table.LEASES))
        self.storage.delete_table(table)
        self.storage.create_all()

    def take_lease(self) -> None:
        with_lease = self.made.runtime.leases.take([f"lamps {WORKFORCE_TENANT}"], "mallory")
        self.done.append(f"  taken: {with_lease is not None}")

    def spoil_counts(self) -> None:
        place = f"spent {WORKFORCE_TENANT}"
        for number in range(self.random.choice((0, 1200))):
            at = self.made.clock().isoformat()
            self.storage.upsert(Table.CONTROLS, place, f"{number:04}", {"object": "x", "actor": "", "at": at})
        for _, row in self._rows(Table.CONTROLS):
            if row.partition == place and self.random.random() < 0.3:
                self.storage.delete(Table.CONTROLS, row)

    def spoil_due(self) -> None:
        for _, row in self._rows(Table.DUE):
            self.storage.delete(Table.DUE, row)
        for key in ("x", f"00000000|{WORKFORCE_TENANT}|nothing|x"):
            self.storage.upsert(Table.DUE, "00", key, {})

    def forge_message(self) -> None:
        forged = ObjectMessage(id=_id(self.random.choice((*_LAMPS, "nobody's"))), tenants_id=self.random.choice(_LAMPS))
        again = self.messages[-3:]
        self.storage.enqueue(self.random.choice((msgspec.json.encode(forged).decode(), *again)))

    def drop_messages(self) -> None:
        for message in self._waiting_messages():
            self.storage.delete_message(message)

    def add_copy(self) -> None:
        """Put what isn't the app's among the copies, also under the number that comes next."""
        place = f"{FOLDER}{WORKFORCE_TENANT}/{ObjectKind.CA_POLICY}/{key_of(self.random.choice(_LAMPS))}/"
        own = self.storage.blob_names(Container.EVIDENCE, place)
        content = self.storage.blob(Container.EVIDENCE, self.random.choice(own)) if own else None
        number = self.random.choice((len(own), len(own) + 1, 99))
        tag = self.random.choice((f"{0:032}", *(one.rpartition("-")[2][:32] for one in own)))
        self.storage.keep(Container.EVIDENCE, f"{place}{number:010}-{tag}.json.gz", content or b"")

    def spoil_versions(self) -> None:
        blobs = self.storage.containers[Container.SNAPSHOTS]
        for name in [*blobs]:
            if self.random.random() < 0.5:
                blobs[name] = b"x"

    # ---- the laws ----------------------------------------------------------------------------------------------------

    def objects(self) -> dict[str, dict[str, Any]]:
        """Give what is decided by of each object's row, by its key."""
        return {
            row.key: {name: row.columns.get(name) for name in (*VOUCHED, "vouched", "state")}
            for row in self.storage.rows(Table.OBJECTS, _EVERY)
            if "|" not in row.key
        }

    def is_to_be_reported(self, before: dict[str, dict[str, Any]]) -> bool:
        """Whether an object's row is another one than the app wrote there, or an older one, or isn't there."""
        after = self.objects()
        return any(
            key not in after or (after[key] != row and after[key]["generation"] != row["generation"])
            for key, row in before.items()
        )

    def hold(self) -> None:
        """Only what was accepted or approved last is ever written."""
        new = self.made.lamps.writes[self.written :]
        self.written += len(new)
        assert set(new) <= {f"set {value}" for value in self.wanted.values()}, new

    def people(self) -> int:
        """Count what people got."""
        return len(self.made.teams.sent) + len(self.made.teams.notices) + len(self.made.teams.digests)


def _with_objects(made: Bench, objects: ObjectStore) -> Bench:
    return replace(made, runtime=msgspec.structs.replace(made.runtime, objects=objects))


def test_what_changes_are_gone_of_is_not_put_back_until_it_is_accepted() -> None:
    """An approved change is deleted, so that what was agreed before it would be the baseline again."""
    play = _Play(0)
    play.switch(LAMP, ALICE)
    play.settle()
    play.switch(LAMP, MALLORY)
    play.settle()
    put_back = [f"set {play.wanted[LAMP]}"]
    assert play.made.lamps.writes == put_back
    for row in play.storage.rows(Table.CHANGES, _EVERY):
        if ALICE.id in str(row.columns):
            play.storage.delete(Table.CHANGES, row)
    play.switch(LAMP, MALLORY)
    play.settle(minutes=70)
    assert play.made.lamps.writes == put_back
    assert any("changes" in one for one in play.reported)
    kept = play.made.runtime.objects.read(_id(LAMP))
    assert kept is not None
    assert "incomplete" in {one.guard for one in kept.state.pending.values()}
    play.switch(LAMP, ALICE)
    play.settle()
    play.accept(LAMP)
    play.settle()
    play.switch(LAMP, MALLORY)
    play.settle()
    assert play.made.lamps.writes == [*put_back, f"set {play.wanted[LAMP]}"]


@pytest.mark.parametrize("first", range(0, _SEQUENCES, _IN_ONE))
def test_whoever_writes_to_storage_makes_no_baseline(first: int) -> None:
    for seed in range(first, min(first + _IN_ONE, _SEQUENCES)):
        play = _Play(seed)
        try:
            _play(play)
        except AssertionError as error:
            error.add_note("\n  ".join((f"seed {seed}:", *play.done)))
            raise


def _play(play: _Play) -> None:
    is_quiet = play.random.random() < 0.2
    people = play.people()
    for _ in range(_STEPS):
        if is_quiet or play.random.random() < 0.5:
            lamp = play.random.choice(_LAMPS)
            if play.random.random() < 0.8:
                play.switch(lamp, play.random.choice((ALICE, MALLORY)))
            else:
                play.accept(lamp)
            play.hold()
            continue
        before, reported = play.objects(), len(play.reported)
        play.tamper()
        is_to_be_reported = play.is_to_be_reported(before)
        if play.random.random() < 0.3:
            play.start_anew()
            is_to_be_reported = is_to_be_reported and not play.done[-1].endswith("roll_back")
        play.settle()
        play.hold()
        assert len(play.reported) > reported or not is_to_be_reported, "nobody heard of it"
    play.settle(3)
    play.made.clock.move(timedelta(minutes=70))
    play.settle(3)
    play.hold()
    for lamp, value in play.wanted.items():
        is_right = play.made.lamps.state[lamp] == value
        assert is_right or (not is_quiet and play.people() > people), (lamp, value, play.made.lamps.state[lamp])
    assert not is_quiet or play.reported == []
