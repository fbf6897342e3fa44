"""`responder baseline`, `settle` and `leave`: what a person sees, what is accepted, and what a mistake says."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from responders.cli import main
from responders.commands import acts
from shared.authority import journal
from shared.model.kinds import Mode, ObjectKind
from shared.model.objects import ObjectId, Provenance, key_of
from shared.respond.persons import show, subject_of
from shared.respond.resume import resume
from tests.fakes.lamps import LAMP, Lamps, lamp_record
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import TENANT, Bench, bench, ready_bench

_MINUTE: Final = timedelta(minutes=1)
_KEY: Final = key_of(LAMP)
_OTHER: Final = "second lamp"
_WHY: Final = ("--by", "Carol Chen", "--reason", "CHG-7")


class _Ran:
    """What one run of the command line gave."""

    def __init__(self, *words: str, capture: pytest.CaptureFixture[str]) -> None:
        self.status = main(words)
        output = capture.readouterr()
        self.text, self.errors = output.out, output.err


type _Run = Callable[..., _Ran]
type _Use = Callable[[Bench], Bench]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> _Run:
    return lambda *words: _Ran(*words, capture=capsys)


@pytest.fixture
def seen(memory: MemoryStorage, use: _Use) -> Bench:
    """Give two lamps that nobody has accepted."""
    made = use(bench(memory, lamps=Lamps({LAMP: "on", _OTHER: "dim"})))
    made.seed()
    made.sweep()
    return made


@pytest.fixture
def listed(memory: MemoryStorage, use: _Use) -> Bench:
    """Give a lamp with a change on it that was made while people only watched."""
    ready = use(ready_bench(memory, mode=Mode.PAGE))
    ready.take_in(lamp_record())
    ready.answer_queue()
    ready.runtime.controls.set_mode("*", Mode.ENFORCE, by="a test")
    return ready


def _id(lamp: str = LAMP) -> ObjectId:
    return ObjectId(tenant_id=TENANT, kind=ObjectKind.CA_POLICY, key=key_of(lamp))


def _provenance(made: Bench, lamp: str = LAMP) -> Provenance:
    return show(made.runtime, _id(lamp)).plan.baseline["state"].provenance


def _digest(made: Bench, lamp: str = LAMP) -> str:
    return show(made.runtime, _id(lamp)).seen.digest


def _listing(run: _Run, tmp_path: Path) -> str:
    file = tmp_path / "baseline.json"
    file.write_text(run("baseline", "show", "--json").text, encoding="utf-8")
    return str(file)


# Showing.


def test_what_nobody_accepted_is_listed_with_how_to_accept_it(seen: Bench, run: _Run) -> None:
    ran = run("baseline", "show")
    assert ran.status == 0
    for lamp in (LAMP, _OTHER):
        (line,) = [line for line in ran.text.splitlines() if key_of(lamp) in line]
        assert _digest(seen, lamp)[:12] in line
        assert "The lamp in the hall" in line
        assert " no " in line
    assert "responder baseline accept --listing baseline.json --reason TICKET" in ran.text


def test_what_is_accepted_is_only_listed_where_all_is_asked_for(seen: Bench, run: _Run) -> None:
    seen.accept()
    assert "every object is accepted" in run("baseline", "show").text
    everything = run("baseline", "show", "--all").text
    assert f"{seen.clock():%Y-%m-%d}" in everything
    assert _KEY in everything
    assert "accept --listing" not in everything


def test_a_store_without_objects_says_so(memory: MemoryStorage, use: _Use, run: _Run) -> None:
    use(bench(memory))
    assert "no object has been read so far" in run("baseline", "show", "--all").text
    assert json.loads(run("baseline", "show", "--json").text) == []


@pytest.mark.parametrize("name", [_KEY, LAMP, LAMP.upper()], ids=["by its key", "by its id", "in capitals"])
def test_one_object_is_shown_with_what_stands_and_what_is_to_be(listed: Bench, run: _Run, name: str) -> None:
    ran = run("baseline", "show", name)
    assert ran.status == 0
    assert LAMP in ran.text
    assert _digest(listed)[:12] in ran.text
    (state,) = [line for line in ran.text.splitlines() if line.startswith("state")]
    assert state.split() == ["state", "off", "on", "accepted", "listed"]
    (exists,) = [line for line in ran.text.splitlines() if line.startswith("(exists)")]
    assert exists.split() == ["(exists)", "True", "True", "accepted"]


def test_an_object_that_is_not_there_is_shown_as_such(seen: Bench, run: _Run) -> None:
    seen.clock.move(_MINUTE)
    del seen.lamps.state[LAMP]
    seen.sweep()
    ran = run("baseline", "show", LAMP)
    assert "digest -" in ran.text
    (exists,) = [line for line in ran.text.splitlines() if line.startswith("(exists)")]
    assert exists.split()[:3] == ["(exists)", "-", "True"]


@pytest.mark.parametrize(
    "words",
    [
        ("baseline", "show", "nothing"),
        ("baseline", "reject", "nothing", *_WHY),
        ("leave", "nothing", *_WHY),
        ("settle", "nothing", *_WHY),
    ],
)
@pytest.mark.usefixtures("seen")
def test_an_object_that_nobody_knows_is_named_with_how_to_find_one(run: _Run, words: tuple[str, ...]) -> None:
    ran = run(*words)
    assert ran.status == 3
    assert "no object has the key or id nothing" in ran.errors
    assert "responder baseline show --all" in ran.errors


# Accepting.


def test_one_is_accepted_by_what_was_shown(seen: Bench, run: _Run) -> None:
    ran = run("baseline", "accept", LAMP, _digest(seen)[:12], *_WHY)
    assert (ran.status, ran.errors) == (0, "")
    assert "done" in ran.text
    assert (_provenance(seen), _provenance(seen, _OTHER)) == (Provenance.ACCEPTED, Provenance.FIRST_SEEN)
    (entry,) = journal.history(seen.storage, subject_of(_id())).entries
    assert (entry.act.who, entry.act.why) == ("Carol Chen", "CHG-7")


def test_who_is_logged_in_accepts_where_nobody_is_named(
    seen: Bench, run: _Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acts, "person", lambda: "carol")
    run("baseline", "accept", LAMP, _digest(seen), "--reason", "CHG-7")
    (entry,) = journal.history(seen.storage, subject_of(_id())).entries
    assert entry.act.who == "carol"


def test_one_that_moved_since_is_not_accepted(seen: Bench, run: _Run) -> None:
    digest = _digest(seen)[:12]
    seen.clock.move(_MINUTE)
    seen.lamps.state[LAMP] = "red"
    seen.sweep()
    ran = run("baseline", "accept", LAMP, digest, *_WHY)
    assert ran.status == 2
    assert f"isn't as it was shown any more: `responder baseline show {_KEY}`" in ran.errors
    assert _provenance(seen) is Provenance.FIRST_SEEN


def test_a_listing_is_accepted_but_for_what_moved_since(seen: Bench, run: _Run, tmp_path: Path) -> None:
    """One that changes hourly must not keep the others from being accepted."""
    file = _listing(run, tmp_path)
    seen.clock.move(_MINUTE)
    seen.lamps.state[_OTHER] = "red"
    seen.sweep()
    ran = run("baseline", "accept", "--listing", file, *_WHY)
    assert ran.status == 1
    assert (_provenance(seen), _provenance(seen, _OTHER)) == (Provenance.ACCEPTED, Provenance.FIRST_SEEN)
    (moved,) = [line for line in ran.text.splitlines() if key_of(_OTHER) in line]
    assert "read otherwise since it was shown" in moved
    for _ in range(13):
        seen.clock.move(5 * _MINUTE)
        resume(seen.runtime)
    again = run("baseline", "accept", "--listing", _listing(run, tmp_path), *_WHY)
    assert again.status == 0
    assert _provenance(seen, _OTHER) is Provenance.ACCEPTED, "by now its record would have come"


def test_what_an_unsettled_change_wrote_is_left_out_and_named(listed: Bench, run: _Run) -> None:
    ran = run("baseline", "accept", LAMP, _digest(listed), *_WHY)
    assert ran.status == 0
    (line,) = [line for line in ran.text.splitlines() if _KEY in line]
    assert "but for leaves of changes that wait" in line
    assert line.rstrip().endswith("state")
    assert show(listed.runtime, _id()).plan.baseline["state"].value == "on"


def test_one_that_is_held_is_said_to_be_and_the_others_are_accepted(
    memory: MemoryStorage, use: _Use, run: _Run, tmp_path: Path
) -> None:
    made = use(bench(memory))
    made.sweep()
    file = _listing(run, tmp_path)
    held = made.runtime.leases.take([f"lamps {TENANT}"], "another run")
    assert held is not None
    ran = run("baseline", "accept", "--listing", file, *_WHY)
    assert ran.status == 1
    assert "it is being looked at; try again" in ran.text


_MISTAKES: Final = {
    "nothing named": (("baseline", "accept", *_WHY), "name an object and its digest, or --listing FILE"),
    "no digest": (("baseline", "accept", LAMP, *_WHY), "name an object and its digest, or --listing FILE"),
    "an unknown object": (("baseline", "accept", "lamp", "0" * 12, *_WHY), "no object has the key or id lamp"),
    "no such file": (("baseline", "accept", "--listing", "nowhere.json", *_WHY), "nowhere.json can't be read"),
}


@pytest.mark.parametrize(("words", "error"), _MISTAKES.values(), ids=_MISTAKES)
def test_a_mistake_gets_a_clear_message(seen: Bench, run: _Run, words: tuple[str, ...], error: str) -> None:
    ran = run(*words)
    assert (ran.status, ran.text) == (3 if error.startswith("no object") else 2, "")
    assert error in ran.errors
    assert "Traceback" not in ran.errors
    assert _provenance(seen) is Provenance.FIRST_SEEN


@pytest.mark.parametrize(
    "content",
    ["", "plain words", "{}", '[{"name": "a lamp"}]', '[{"id": {"kind": "lamp"}, "name": "x", "digest": ""}]'],
)
def test_a_file_that_is_no_listing_says_what_makes_one(seen: Bench, run: _Run, tmp_path: Path, content: str) -> None:
    file = tmp_path / "listing.json"
    file.write_text(content, encoding="utf-8")
    ran = run("baseline", "accept", "--listing", str(file), *_WHY)
    assert ran.status == 2
    assert "isn't what `responder baseline show --json` gives" in ran.errors
    assert _provenance(seen) is Provenance.FIRST_SEEN


def test_a_listing_of_another_store_is_refused_and_says_which_object(
    memory: MemoryStorage, use: _Use, run: _Run, tmp_path: Path
) -> None:
    made = use(bench(memory))
    made.sweep()
    file = tmp_path / "listing.json"
    stranger = {"id": {"tenant_id": TENANT, "kind": "ca-policy", "key": "f" * 32}, "name": "x", "digest": "0" * 64}
    file.write_text(json.dumps([stranger]), encoding="utf-8")
    ran = run("baseline", "accept", "--listing", str(file), *_WHY)
    assert ran.status == 4
    assert "f" * 32 in ran.errors


_NEEDING_A_REASON: Final = {
    "accept": ("baseline", "accept", LAMP, "DIGEST"),
    "reject": ("baseline", "reject", LAMP),
    "settle": ("settle", LAMP),
    "leave": ("leave", LAMP),
}


@pytest.mark.parametrize("reason", [(), ("--reason", " ")], ids=["none", "blank"])
@pytest.mark.parametrize("words", _NEEDING_A_REASON.values(), ids=_NEEDING_A_REASON)
def test_each_act_needs_a_reason(listed: Bench, run: _Run, words: tuple[str, ...], reason: tuple[str, ...]) -> None:
    before = listed.only_object()
    ran = run(*(_digest(listed) if word == "DIGEST" else word for word in words), "--by", "Carol Chen", *reason)
    assert ran.status == 2
    assert "it needs a reason, for the journal: --reason TEXT" in ran.errors
    assert listed.only_object() == before


def test_a_blank_name_counts_as_none(seen: Bench, run: _Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acts, "person", lambda: "carol")
    run("baseline", "accept", LAMP, _digest(seen), "--by", " ", "--reason", "CHG-7")
    (entry,) = journal.history(seen.storage, subject_of(_id())).entries
    assert entry.act.who == "carol"


# Rejecting, settling, leaving.


def test_what_is_rejected_pages_everybody(listed: Bench, run: _Run) -> None:
    ran = run("baseline", "reject", LAMP, *_WHY)
    assert ran.status == 0
    assert _provenance(listed) is Provenance.FIRST_SEEN
    assert [one.title for one in listed.pagerduty.system_notices] == ["An object isn't accepted as it stands"]


def test_what_is_listed_to_settle_is_listed_and_put_back_on_a_word(listed: Bench, run: _Run) -> None:
    shown = run("settle")
    assert (shown.status, _KEY in shown.text) == (0, True)
    ran = run("settle", LAMP, *_WHY)
    assert (ran.status, "done" in ran.text) == (0, True)
    listed.clock.move(_MINUTE)
    resume(listed.runtime)
    assert listed.lamps.writes == ["set on"]
    assert "nothing to settle" in run("settle").text
    assert run("settle", LAMP, *_WHY).status == 1, "nothing waits any more"


def test_what_is_left_stays(listed: Bench, run: _Run) -> None:
    assert run("leave", LAMP, "state", *_WHY).status == 0
    listed.clock.move(_MINUTE)
    resume(listed.runtime)
    assert listed.lamps.writes == []
    assert [(one.leaf, one.value) for one in listed.only_object().left] == [("state", "off")]
    assert "nothing to settle" in run("settle").text


def test_a_property_that_is_mistyped_is_said_with_those_that_wait(listed: Bench, run: _Run) -> None:
    ran = run("leave", LAMP, "statte", *_WHY)
    assert ran.status == 4
    assert "nothing waits on statte; there waits: state" in ran.errors
    assert listed.only_object().left == ()


def test_where_nothing_waits_nothing_is_left_and_that_is_said(seen: Bench, run: _Run) -> None:
    ran = run("leave", LAMP, *_WHY)
    assert (ran.status, "nothing waits" in ran.text) == (1, True)
    assert seen.lamps.writes == []
