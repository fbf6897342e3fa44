"""Evidence: each record once, in little memory; whatever is changed afterwards is found and named."""

import gzip
import io
import json
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO, Final, override

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.clients.storage_names import Container
from shared.emergency.evidence import EvidenceBox, Part
from shared.emergency.manifest import (
    FolderFiles,
    StoredFiles,
    Verified,
    digest_of,
    encoded,
    entry_name,
    folder_of,
    lines_of,
    verify,
)
from shared.model.errors import EdgeError, LeaseLost, Refused, Rejected, Throttled, Unreachable
from tests.fakes.clock import FakeClock
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.spoilt_storage import SpoiltStorage

EMERGENCY: Final = "e" * 32
AUDITS: Final = Part(source="audit log", tenant="t-1", part="2026-03-02T06")


def _line(number: int) -> bytes:
    return json.dumps({"id": number, "activity": "Update user"}).encode()


@pytest.fixture
def storage() -> MemoryStorage:
    made = MemoryStorage()
    made.create_all()
    return made


def box_over(storage: MemoryStorage | SpoiltStorage, **options: Callable[[], None]) -> EvidenceBox:
    return EvidenceBox(storage, EMERGENCY, clock=FakeClock(), **options)


def check(storage: MemoryStorage, head: str = "") -> Verified:
    return verify(StoredFiles(storage, EMERGENCY), head=head)


def blobs(storage: MemoryStorage) -> dict[str, bytes]:
    return storage.containers[Container.EVIDENCE]


def kept_lines(storage: MemoryStorage, part: Part) -> list[bytes]:
    names = [entry.file for entry in box_over(storage).entries() if entry.part == part.part and entry.file]
    return [line for name in names for line in lines_of(StoredFiles(storage, EMERGENCY).pieces(name))]


# ---- keeping -----------------------------------------------------------------------------------------------------


def test_what_is_kept_is_named_with_its_sum_size_and_count(storage: MemoryStorage) -> None:
    box = box_over(storage)
    added = box.keep(AUDITS, map(_line, range(3)))
    (entry,) = box.entries()
    (evidence,) = added.evidence
    content = blobs(storage)[evidence.blob]
    assert (added.read, added.new, added.not_read) == (3, 3, "")
    assert (entry.sha256, entry.size, entry.count) == (digest_of(content), len(content), 3)
    assert (evidence.sha256, evidence.size) == (entry.sha256, entry.size)
    assert gzip.decompress(content).splitlines() == [*map(_line, range(3))]
    assert check(storage).problems == ()


def test_the_same_records_give_the_same_bytes_whenever_they_are_kept() -> None:
    made: list[dict[str, bytes]] = []
    for _ in range(2):
        storage = MemoryStorage()
        storage.create_all()
        box_over(storage).keep(AUDITS, map(_line, range(50)))
        made.append({name: text for name, text in blobs(storage).items() if "/files/" in name})
    assert made[0] == made[1]
    assert next(iter(made[0].values()))[4:8] == b"\0\0\0\0", "the time in the header"


def test_a_second_run_keeps_only_what_is_new(storage: MemoryStorage) -> None:
    box_over(storage).keep(AUDITS, map(_line, range(5)))
    came: list[bytes] = []
    added = box_over(storage).keep(AUDITS, map(_line, (4, 7, 1, 7, 0)), is_new=came.append)
    assert (added.read, added.new, came) == (5, 1, [_line(7)])
    assert kept_lines(storage, AUDITS) == [*map(_line, (0, 1, 2, 3, 4, 7))]
    again = box_over(storage).keep(AUDITS, map(_line, (7, 1)))
    assert (again.read, again.new, again.evidence) == (2, 0, ())
    assert check(storage).records == 6


@given(st.lists(st.lists(st.integers(0, 30)), max_size=6))
@settings(max_examples=60, deadline=None)
def test_however_records_come_each_is_kept_once_and_none_is_left_out(runs: list[list[int]]) -> None:
    storage = MemoryStorage()
    storage.create_all()
    for run in runs:
        box_over(storage).keep(AUDITS, map(_line, run))
    kept = kept_lines(storage, AUDITS)
    assert sorted(kept) == sorted({_line(number) for run in runs for number in run})
    assert not runs or check(storage).problems == ()


def test_a_part_without_records_is_a_fact_that_is_kept_too(storage: MemoryStorage) -> None:
    box = box_over(storage)
    for _ in range(3):
        box.keep(AUDITS, [])
    (entry,) = box.entries()
    assert (entry.file, entry.count, entry.not_read) == ("", 0, "")


@pytest.mark.parametrize(
    "error",
    [Throttled("429"), Unreachable("503", status=503), Unreachable("cut"), Refused("403"), Rejected("400")],
    ids=str,
)
def test_what_came_before_a_failure_is_kept_and_the_manifest_says_the_rest(
    storage: MemoryStorage, error: EdgeError
) -> None:
    def broken() -> Iterator[bytes]:
        yield _line(1)
        raise error

    added = box_over(storage).keep(AUDITS, broken())
    assert (added.new, added.not_read) == (1, str(error))
    assert check(storage).gaps == (f"audit log t-1 2026-03-02T06: {error}",)
    box_over(storage).keep(AUDITS, map(_line, range(3)))
    assert check(storage).gaps == (), "a later run could read it"
    assert kept_lines(storage, AUDITS) == [_line(1), _line(0), _line(2)]


def test_a_gap_is_written_once_for_each_reason(storage: MemoryStorage) -> None:
    box = box_over(storage)
    for because in ("no licence", "no licence", "refused"):
        box.note_gap(AUDITS, because)
    assert [entry.not_read for entry in box.entries()] == ["no licence", "refused"]


def test_a_run_that_lost_its_lease_stops(storage: MemoryStorage) -> None:
    def lost() -> None:
        raise LeaseLost("another run has it")

    with pytest.raises(LeaseLost):
        box_over(storage, go_on=lost).keep(AUDITS, map(_line, range(5)))
    assert not blobs(storage)


def test_a_lease_that_is_lost_between_two_pages_is_no_gap_of_the_log(storage: MemoryStorage) -> None:
    def lost() -> Iterator[bytes]:
        yield _line(1)
        raise LeaseLost("another run has it")

    with pytest.raises(LeaseLost):
        box_over(storage).keep(AUDITS, lost())
    assert not blobs(storage)


@pytest.mark.parametrize("how", ["before", "after"])
@pytest.mark.parametrize("stop", range(8))
def test_wherever_a_run_dies_the_next_one_leaves_evidence_that_is_whole(
    storage: MemoryStorage, stop: int, how: str
) -> None:
    spoilt = SpoiltStorage(storage)
    count = iter(range(100))
    spoilt.faults.spoil = lambda _operation: how if next(count) == stop else ""
    try:
        box_over(spoilt).keep(AUDITS, map(_line, range(4)))
    except Unreachable:
        spoilt.faults.heal()
    spoilt.faults.heal()
    box = box_over(spoilt)
    box.keep(AUDITS, map(_line, range(6)))
    box.adopt()
    assert check(storage).problems == ()
    assert set(kept_lines(storage, AUDITS)) == {*map(_line, range(6))}


def test_a_file_that_a_killed_run_left_is_named_by_the_next_one(storage: MemoryStorage) -> None:
    spoilt = SpoiltStorage(storage)
    names = iter(("", "before"))
    spoilt.faults.spoil = lambda operation: next(names) if operation == "keep evidence" else ""
    with pytest.raises(Unreachable):
        box_over(spoilt).keep(AUDITS, map(_line, range(4)))
    assert "there is no manifest" in check(storage).problems
    box = box_over(storage)
    assert (box.adopt(), box.adopt()) == (1, 0)
    (entry,) = box.entries()
    assert (entry.count, check(storage).problems) == (4, ())
    assert "didn't name it" in entry.note


def test_two_runs_at_once_write_one_chain(storage: MemoryStorage) -> None:
    one, other = box_over(storage), box_over(storage)
    assert one.entries() == other.entries() == ()
    one.keep(AUDITS, [_line(1)])
    other.keep(Part(source="cases"), [_line(2)])
    one.keep(Part(source="changes"), [_line(3)])
    assert [entry.source for entry in box_over(storage).entries()] == ["audit log", "cases", "changes"]
    assert check(storage).problems == ()


def test_a_state_that_comes_back_is_kept_again(storage: MemoryStorage) -> None:
    box, part = box_over(storage), Part(source="mailboxes", part="a-1")
    assert box.last_line(part) is None
    for state in (b'{"rules":1}', b'{"rules":2}', b'{"rules":1}'):
        box.keep_state(part, state)
        assert box_over(storage).last_line(part) == state
    assert check(storage).problems == ()


def test_a_report_is_part_of_the_chain(storage: MemoryStorage) -> None:
    box = box_over(storage)
    kept = box.keep_text("report-en.md", b"# Report", source="report")
    assert blobs(storage)[kept.blob] == b"# Report"
    assert box.keep_text("report-en.md", b"# Report", source="report") == kept
    assert (len(box.entries()), check(storage).problems) == (1, ())
    blobs(storage)[kept.blob] = b"# Retort"
    (problem,) = check(storage).problems
    assert "report-en" in problem


def test_every_file_gets_a_legal_hold(storage: MemoryStorage) -> None:
    box = box_over(storage)
    box.keep(AUDITS, [_line(1)])
    held = box.hold_all()
    assert (held.held, held.of, held.missing) == (2, 2, "")
    assert {name for _, name in storage.held} == set(blobs(storage))


def test_a_legal_hold_that_is_refused_is_said(storage: MemoryStorage) -> None:
    spoilt = SpoiltStorage(storage)
    box = box_over(spoilt)
    box.keep(AUDITS, [_line(1)])
    spoilt.faults.fail("hold evidence")
    held = box.hold_all()
    assert (held.held, held.of) == (0, 2)
    assert "hold evidence" in held.missing
    assert spoilt.faults.log.count("hold evidence") == 1, "the others would be refused as well"


class _WithoutHolds(MemoryStorage):
    """Takes a hold, and doesn't show it."""

    @override
    def hold(self, container: Container, name: str) -> bool:
        return False


def test_a_hold_that_does_not_show_is_no_hold() -> None:
    storage = _WithoutHolds()
    storage.create_all()
    box = box_over(storage)
    box.keep(AUDITS, [_line(1)])
    assert box.hold_all().missing


# ---- verifying ---------------------------------------------------------------------------------------------------


@pytest.fixture
def kept(storage: MemoryStorage) -> MemoryStorage:
    box = box_over(storage)
    for number in range(4):
        box.keep(Part(source="audit log", part=f"part-{number}"), map(_line, range(number + 1)))
    assert check(storage).problems == ()
    return storage


def _blob_of(storage: MemoryStorage, place: str) -> str:
    return next(name for name in blobs(storage) if place in name)


def test_each_flipped_byte_of_a_file_is_found(kept: MemoryStorage) -> None:
    name = _blob_of(kept, "part-2")
    whole = blobs(kept)[name]
    for place in range(len(whole)):
        blobs(kept)[name] = whole[:place] + bytes([whole[place] ^ 0x20]) + whole[place + 1 :]
        (problem,) = check(kept).problems
        assert problem.startswith("files/")
        assert "part-2" in problem
        assert "was changed" in problem


def test_each_flipped_byte_of_a_manifest_entry_is_found_where_the_head_is_known(kept: MemoryStorage) -> None:
    head = check(kept).head
    for number in (1, 3, 4):
        name = f"{folder_of(EMERGENCY)}{entry_name(number)}"
        whole = blobs(kept)[name]
        for place in range(0, len(whole), 7):
            blobs(kept)[name] = whole[:place] + bytes([whole[place] ^ 0x20]) + whole[place + 1 :]
            assert check(kept, head).problems, (number, place)
        blobs(kept)[name] = whole
    assert check(kept, head).problems == ()


def test_a_missing_file_is_found(kept: MemoryStorage) -> None:
    name = _blob_of(kept, "part-1")
    del blobs(kept)[name]
    assert check(kept).problems == (
        f"{name.removeprefix(folder_of(EMERGENCY))} is missing (manifest/000002.json names it)",
    )


def test_a_missing_entry_is_found(kept: MemoryStorage) -> None:
    del blobs(kept)[f"{folder_of(EMERGENCY)}{entry_name(2)}"]
    problems = check(kept).problems
    assert "manifest/000002.json is missing" in problems
    assert any("part-1" in problem and "no manifest entry" in problem for problem in problems)


def test_a_reordered_manifest_is_found(kept: MemoryStorage) -> None:
    two, three = (f"{folder_of(EMERGENCY)}{entry_name(number)}" for number in (2, 3))
    blobs(kept)[two], blobs(kept)[three] = blobs(kept)[three], blobs(kept)[two]
    problems = " ".join(check(kept).problems)
    assert "manifest/000002.json says that it is entry 3" in problems
    assert "reordered" in problems


def test_a_shortened_manifest_is_found_by_its_head_and_by_what_it_no_longer_names(kept: MemoryStorage) -> None:
    head = check(kept).head
    del blobs(kept)[f"{folder_of(EMERGENCY)}{entry_name(4)}"]
    (problem,) = check(kept).problems
    assert "part-3" in problem
    assert "cut off" in problem
    del blobs(kept)[_blob_of(kept, "part-3")]
    assert check(kept).problems == ()
    (problem,) = check(kept, head).problems
    assert head in problem


def test_a_manifest_that_was_made_anew_is_found_by_its_head(kept: MemoryStorage) -> None:
    head = check(kept).head
    other = MemoryStorage()
    other.create_all()
    box_over(other).keep(AUDITS, [_line(99)])
    assert check(other).problems == ()
    assert check(other, head).problems


def test_an_earlier_head_is_right_too(kept: MemoryStorage) -> None:
    head = check(kept).head
    box_over(kept).keep(AUDITS, [_line(9)])
    assert check(kept, head.upper()).problems == ()
    assert check(kept).head != head


def test_an_exchanged_entry_is_found_by_the_next_one(kept: MemoryStorage) -> None:
    box = box_over(kept)
    entry = box.entries()[1]
    forged = encoded(type(entry)(number=2, previous=entry.previous, at=entry.at, source="audit log"))
    blobs(kept)[f"{folder_of(EMERGENCY)}{entry_name(2)}"] = forged
    assert any("manifest/000003.json doesn't follow" in problem for problem in check(kept).problems)
    with pytest.raises(Rejected, match="manifest was changed"):
        box_over(kept).entries()


def test_a_file_and_its_entry_that_were_both_changed_are_found_by_the_chain(kept: MemoryStorage) -> None:
    name = _blob_of(kept, "part-1")
    content = gzip.compress(b"{}\n", mtime=0)
    blobs(kept)[name] = content
    entry = box_over(kept).entries()[1]
    forged = type(entry)(
        number=2,
        previous=entry.previous,
        at=entry.at,
        source=entry.source,
        part=entry.part,
        file=entry.file,
        sha256=digest_of(content),
        size=len(content),
        count=1,
    )
    blobs(kept)[f"{folder_of(EMERGENCY)}{entry_name(2)}"] = encoded(forged)
    assert any("manifest/000003.json doesn't follow" in problem for problem in check(kept).problems)


def test_nothing_at_all_is_a_problem(storage: MemoryStorage) -> None:
    assert check(storage).problems == ("there is no manifest",)


def test_a_folder_is_checked_as_storage_is(kept: MemoryStorage, tmp_path: Path) -> None:
    for name, content in blobs(kept).items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    folder = FolderFiles(tmp_path / folder_of(EMERGENCY))
    assert verify(folder) == check(kept)
    victim = next(path for path in tmp_path.rglob("*.gz") if "part-3" in path.name)
    victim.write_bytes(victim.read_bytes()[:-1])
    (problem,) = verify(folder).problems
    assert "bytes instead of" in problem


@pytest.mark.parametrize("size", [0, 1, 1024 * 1024, 3 * 1024 * 1024 + 7])
def test_lines_come_out_as_they_went_in_whatever_their_length(storage: MemoryStorage, size: int) -> None:
    lines = [b"a" * size, b"b", b"c" * size]
    box_over(storage).keep(AUDITS, lines)
    assert kept_lines(storage, AUDITS) == list(dict.fromkeys(lines))
    assert check(storage).problems == ()


_GZIP: Final = gzip.compress(b"one\ntwo\n", mtime=0)


@pytest.mark.parametrize("content", [_GZIP[:-9], b"x" + _GZIP[1:], b""], ids=["cut", "not gzip", "nothing"])
def test_a_file_that_cannot_be_unpacked_to_its_end_is_an_error(content: bytes) -> None:
    with pytest.raises(ValueError, match="it "):
        list(lines_of([content]))


# ---- memory ------------------------------------------------------------------------------------------------------


class _FolderStorage(MemoryStorage):
    """Keeps what is streamed on disk, so that only what the code under test holds is measured."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    @override
    def keep_stream(self, container: Container, name: str, content: BinaryIO) -> bool:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            while piece := content.read(1024 * 1024):
                file.write(piece)
        return True

    @override
    def pieces(self, container: Container, name: str) -> Iterator[bytes]:
        with (self.folder / name).open("rb") as file:
            while piece := file.read(1024 * 1024):
                yield piece


def test_records_of_150_mb_take_little_memory(tmp_path: Path) -> None:
    storage = _FolderStorage(tmp_path)
    storage.create_all()
    text = "x" * 7_500
    records = (json.dumps({"id": number, "text": text}).encode() for number in range(20_000))
    tracemalloc.start()
    try:
        added = box_over(storage).keep(AUDITS, records)
        late = (json.dumps({"id": number, "text": text}).encode() for number in range(19_990, 20_010))
        again = box_over(storage).keep(AUDITS, late)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (added.new, again.new) == (20_000, 10)
    assert peak < 24 * 1024 * 1024, "150 MB of records"


def test_a_small_file_that_unpacks_to_very_much_takes_little_memory() -> None:
    bomb = io.BytesIO()
    with gzip.GzipFile(fileobj=bomb, mode="wb", mtime=0) as file:
        for _ in range(200):
            file.write(b"0" * 999_999 + b"\n")
    tracemalloc.start()
    try:
        count = sum(1 for _ in lines_of([bomb.getvalue()]))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 200
    assert peak < 16 * 1024 * 1024


def test_time_that_passes_shows_in_the_manifest_alone(storage: MemoryStorage) -> None:
    clock = FakeClock()
    box = EvidenceBox(storage, EMERGENCY, clock=clock)
    box.keep(AUDITS, [_line(1)])
    clock.move(timedelta(minutes=5))
    box.keep(AUDITS, [_line(2)])
    first, second = box.entries()
    assert second.at - first.at == timedelta(minutes=5)
