"""What the guards are told of a plan, and the version from which values are written that a leaf only names."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import msgspec
import pytest

from infra.local.world import ALICE, ERIN, MALLORY, TRUDY, Principal
from shared.model.cases import Outcome
from shared.model.kinds import Image, Mode, ObjectKind
from shared.model.object_kinds import GuardFacts, Write
from shared.model.objects import (
    EXISTS,
    WHOLE,
    ObjectId,
    Objection,
    ObjectState,
    Op,
    Provenance,
    Step,
    Version,
    key_of,
)
from shared.model.settings import Tenant
from shared.model.tenant_api import TenantApi
from shared.respond.object_deciding import summary_of
from shared.respond.persons import Result, settle
from shared.respond.resume import resume
from tests.fakes.clock import NOW
from tests.fakes.lamps import LAMP, Lamps, lamp_record
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import Bench, ready_bench

_MINUTE: Final = timedelta(minutes=1)
_OTHER: Final = "1a3b0000-0000-4000-8000-000000000002"
_THIRD: Final = "1a3b0000-0000-4000-8000-000000000003"
_HOLDER: Final = "5ec00000-7b1d-4e94-a6f0-3c8d9e2b5a17"


@dataclass(slots=True)
class _Lamps(Lamps):
    """Lamps that keep what they were written with and judged by."""

    written: list[Write] = field(default_factory=list[Write])
    judged: list[GuardFacts] = field(default_factory=list[GuardFacts])

    def put(self, api: TenantApi, write: Write) -> str:
        self.written.append(write)
        return Lamps.write(self, api, write)

    def note(self, facts: GuardFacts) -> Mapping[str, Objection]:
        self.judged.append(facts)
        return {}


def _switch(ready: Bench, lamp: str, to: str, *, was: str = "on", by: Principal = MALLORY) -> None:
    """Let somebody switch a lamp now, with its record at once."""
    ready.clock.move(_MINUTE)
    if to == "gone":
        del ready.lamps.state[lamp]
    else:
        ready.lamps.state[lamp] = to
    ready.take_in(lamp_record(by, lamp=lamp, at=ready.clock(), to=to, was=was))
    ready.answer_queue()


def _set(ready: Bench, mode: Mode) -> None:
    ready.clock.move(_MINUTE)
    ready.runtime.controls.set_mode("*", mode, by="a test", reason="a test")


def _settle(ready: Bench, lamp: str) -> None:
    """Have a person put back what was made while people only watched."""
    asked = ObjectId(tenant_id=ALICE.tenant, kind=ObjectKind.CA_POLICY, key=key_of(lamp))
    assert settle(ready.runtime, asked, by="Carol Chen", reason="it was wrong").result is Result.DONE
    ready.clock.move(_MINUTE)
    resume(ready.runtime)


def _the_street(_api: TenantApi, _facts: GuardFacts) -> str:
    return "the street"


# The hour's limit.


def test_all_actors_together_have_twice_the_places_of_one(memory: MemoryStorage) -> None:
    lamps = Lamps({LAMP: "on", _OTHER: "on", _THIRD: "on"})
    ready = ready_bench(memory, lamps=lamps, REMEDIATIONS_PER_HOUR="1")
    for lamp, actor in ((LAMP, MALLORY), (_OTHER, TRUDY), (_THIRD, ERIN)):
        _switch(ready, lamp, "off", by=actor)
    assert lamps.state == {LAMP: "on", _OTHER: "on", _THIRD: "off"}
    assert "the limit of 2 objects in an hour" in ready.cases()[-1].because


def test_what_a_person_asks_for_needs_no_place_in_the_hour(memory: MemoryStorage) -> None:
    lamps = Lamps({LAMP: "on", _OTHER: "on"})
    ready = ready_bench(memory, lamps=lamps, REMEDIATIONS_PER_HOUR="1")
    _switch(ready, LAMP, "off")
    _set(ready, Mode.PAGE)
    _switch(ready, _OTHER, "off")
    _set(ready, Mode.ENFORCE)
    assert lamps.state == {LAMP: "on", _OTHER: "off"}
    _settle(ready, _OTHER)
    assert lamps.state == {LAMP: "on", _OTHER: "on"}


# Who gains by it.


@pytest.mark.parametrize(
    ("is_enabled", "state", "because"),
    [
        pytest.param(True, "on", "", id="enabled"),
        pytest.param(False, "off", "it would give access to a disabled account", id="disabled"),
        pytest.param(None, "off", "whether an account is enabled could not be read", id="not known"),
    ],
)
def test_only_an_account_that_is_known_to_be_enabled_is_given_access(
    memory: MemoryStorage, *, is_enabled: bool | None, state: str, because: str
) -> None:
    lamps = Lamps(gains=frozenset({_HOLDER}))

    def enabled(_api: TenantApi, who: str) -> bool | None:
        return is_enabled if who == _HOLDER else None

    ready = ready_bench(memory, lamps=lamps, is_enabled=enabled)
    _switch(ready, LAMP, "off")
    assert lamps.state == {LAMP: state}
    assert because in ready.only_case().because


# What the kind's own guards judge by.


def test_the_kinds_guards_are_asked_with_what_is_around_and_of_the_present_id(memory: MemoryStorage) -> None:
    """An object that was made again has another id, and only that one may be among those that the settings name."""
    lamps = _Lamps(new_id=_OTHER)

    def is_configured(_tenant: Tenant, lamp: str) -> bool:
        return lamp == _OTHER or _OTHER not in lamps.state

    kind = msgspec.structs.replace(
        lamps.kind(),
        write=lamps.put,
        objections=lamps.note,
        look_around=_the_street,
        is_configured=is_configured,
    )
    ready = ready_bench(memory, lamps=lamps, kinds=(kind,))
    lamps.state[LAMP] = "on"
    _switch(ready, LAMP, "gone")
    assert lamps.state == {_OTHER: "on"}
    lamps.judged.clear()
    _switch(ready, _OTHER, "off")
    assert lamps.state == {_OTHER: "on"}
    assert {(one.object_id, one.around) for one in lamps.judged} == {(_OTHER, "the street")}


def test_what_only_the_look_around_shows_stops_the_write(memory: MemoryStorage) -> None:
    def objections(facts: GuardFacts) -> Mapping[str, Objection]:
        because = f"{facts.around} is dark"
        return {WHOLE: Objection(guard="dark", because=because, can_pass=True)} if facts.around else {}

    lamps = Lamps()
    kind = msgspec.structs.replace(lamps.kind(), objections=objections, look_around=_the_street)
    ready = ready_bench(memory, lamps=lamps, kinds=(kind,))
    _switch(ready, LAMP, "off")
    assert lamps.writes == []
    case = ready.only_case()
    assert (case.outcome, case.because) == (Outcome.PENDING, "the actor is not approved, but the street is dark")


# Where values come from that a leaf only names.


_ON: Final[Image] = {"id": LAMP, "state": "on"}


@pytest.mark.parametrize(
    ("named", "to", "source"),
    [
        pytest.param({"state"}, "off", _ON, id="the version before the last has it"),
        pytest.param(set[str](), "off", None, id="the leaf says it all"),
        pytest.param({"colour"}, "off", None, id="another leaf would only name it"),
        pytest.param(set[str](), "gone", _ON, id="made again: the whole object"),
    ],
)
def test_what_a_leaf_only_names_is_written_from_the_version_that_has_it(
    memory: MemoryStorage, named: set[str], to: str, source: Image | None
) -> None:
    lamps = _Lamps()
    kind = msgspec.structs.replace(lamps.kind(), write=lamps.put, named_by_digest=frozenset(named))
    ready = ready_bench(memory, lamps=lamps, kinds=(kind,))
    lamps.state[LAMP] = "on"
    lamps.new_id = LAMP if to == "gone" else ""
    _set(ready, Mode.PAGE)
    _switch(ready, LAMP, to)
    _set(ready, Mode.ENFORCE)
    _settle(ready, LAMP)
    assert [one.source for one in lamps.written] == [source]


def test_nothing_is_read_for_what_is_taken_away(memory: MemoryStorage) -> None:
    lamps = _Lamps()
    kind = msgspec.structs.replace(lamps.kind(), write=lamps.put, named_by_digest=frozenset({"exists"}))
    ready = ready_bench(memory, lamps=lamps, kinds=(kind,))
    lamps.state[LAMP] = "on"
    _switch(ready, _OTHER, "on", was="gone")
    assert lamps.state == {LAMP: "on"}
    assert [one.source for one in lamps.written] == [None]


# In words.


@pytest.mark.parametrize(
    ("op", "steps", "said"),
    [
        pytest.param(Op.DELETE, {EXISTS: (True, None)}, 'Remove the lamp "{name}"', id="taken away"),
        pytest.param(Op.CREATE, {EXISTS: (None, True)}, 'Create the lamp "{name}" again', id="made again"),
        pytest.param(
            Op.UPDATE,
            {EXISTS: (None, True), "state": ("off", "on"), "guests[Max]": (True, None), "guests[Ann]": (None, True)},
            'Put guests, state of the lamp "{name}" back as before',
            id="set: each list once",
        ),
    ],
)
@pytest.mark.parametrize(("name", "called"), [("The lamp in the hall", "The lamp in the hall"), ("", _OTHER)])
def test_what_a_write_does_is_said_by_name_or_else_by_the_present_id(
    op: Op, steps: Mapping[str, Step], said: str, name: str, called: str
) -> None:
    kind = Lamps().kind()
    state = ObjectState(
        id=ObjectId(tenant_id=ALICE.tenant, kind=kind.kind, key="lamp"),
        ids=(LAMP, _OTHER),
        name=name,
        origin=Version(at=NOW, leaves={}),
        provenance=Provenance.ACCEPTED,
    )
    assert summary_of(kind, state, op, steps) == said.format(name=called)
