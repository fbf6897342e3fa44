"""Who gets into a group that policies leave out without a record is told; whom a record tells of isn't."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import pytest

from infra.local.world import ALICE, MALLORY, TRUDY
from responders.left_out import READS
from shared.clients.api import Answer, TenantEdges
from shared.clients.storage_names import Table
from shared.detect.rosters import RosterKind, packed
from shared.ingest.left_out import MOST, left_out_read_at, watch_left_out
from shared.model.calls import Service
from shared.model.errors import EdgeError, Rejected, Unreachable
from shared.model.kinds import Image
from shared.objects.planning import GRACE
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import A_MINUTE, TENANT, Bench, bench, settings_with
from tests.fakes.tenant import Unpaced, answer_of

GROUP: Final = "92000001-3e7b-4c5d-a1f9-8b6d0e2c4f57"
OTHER: Final = "92000002-3e7b-4c5d-a1f9-8b6d0e2c4f57"


@dataclass(slots=True)
class Directory:
    """Groups with their members, and an audit log; `failing` is raised for paths that end so."""

    groups: dict[str, list[str]]
    log: list[Image] = field(default_factory=list[Image])
    hidden: frozenset[str] = frozenset()
    failing: str = ""
    asked: list[str] = field(default_factory=list[str])

    def exchange(
        self, method: str, url: str, *, query: Mapping[str, str], body: bytes | None, content_type: str
    ) -> Answer:
        del body, content_type
        assert method == "GET"
        self.asked.append(url)
        if self.failing and url.endswith(self.failing):
            raise Unreachable("the connection was cut")
        asked = query.get("$filter", "")
        if url == "/groups":
            found = [each for each in self.groups if f"'{each}'" in asked]
            return answer_of({"value": [{"id": each, "visibility": self._visibility(each)} for each in found]})
        if url == "/auditLogs/directoryAudits":
            return answer_of({"value": [one for one in self.log if self._is_asked_for(one, asked)]})
        return answer_of({"value": [{"id": each.upper()} for each in self.groups[url.split("/")[2]]]})

    @staticmethod
    def _is_asked_for(record: Image, asked: str) -> bool:
        words = (record["activityDisplayName"], record["targetResources"][0]["id"])
        return any(f"'{word}'" in asked for word in words)

    def _visibility(self, group: str) -> str | None:
        return "HiddenMembership" if group in self.hidden else None

    def add(
        self, member: str, group: str = GROUP, *, result: str = "success", activity: str = "Add member to group"
    ) -> None:
        """Let the log tell that somebody was added."""
        property_: Image = {"displayName": "Group.ObjectID", "oldValue": None, "newValue": f'"{group}"'}
        user: Image = {"id": member, "type": "User", "modifiedProperties": [property_]}
        self.log.append({"activityDisplayName": activity, "result": result, "targetResources": [user]})


def _ready(memory: MemoryStorage, directory: Directory) -> Bench:
    edges = TenantEdges(
        tenant=settings_with().workforce,
        transports=dict.fromkeys(Service, directory),
        pacer=Unpaced(),
        wait=lambda _seconds: None,
    )
    made = bench(memory, edges=edges)
    _leave_out(made, GROUP, OTHER)
    return made


def _leave_out(made: Bench, *groups: str) -> None:
    columns: dict[str, Any] = {"read_at": made.clock().isoformat(), "count": len(groups), **packed(groups)}
    made.storage.upsert(Table.ROSTERS, RosterKind.POLICY_GROUPS, TENANT, columns)


def _watch(made: Bench, time: timedelta = timedelta()) -> None:
    made.clock.move(time)
    watch_left_out(made.runtime, made.runtime.settings.workforce, READS)


@pytest.fixture
def directory() -> Directory:
    return Directory(groups={GROUP: [ALICE.id], OTHER: [ALICE.id]})


@pytest.fixture
def made(memory: MemoryStorage, directory: Directory) -> Bench:
    made = _ready(memory, directory)
    _watch(made)
    return made


def _titles(made: Bench) -> list[str]:
    return [one.title for one in made.teams.notices]


def test_a_member_of_whom_no_record_tells_is_told_once_when_the_grace_ends(made: Bench, directory: Directory) -> None:
    directory.groups[GROUP].append(MALLORY.id)
    _watch(made, 10 * A_MINUTE)
    _watch(made, GRACE - A_MINUTE)
    assert _titles(made) == []
    _watch(made, A_MINUTE)
    (notice,) = made.teams.notices
    assert MALLORY.id in notice.text
    assert GROUP in notice.text
    _watch(made, 3 * GRACE)
    assert len(made.teams.notices) == 1
    assert left_out_read_at(made.storage, TENANT) == made.clock()


@pytest.mark.parametrize("leaves", [False, True], ids=["stays", "is gone again by then"])
def test_one_of_whom_a_record_tells_in_time_is_told_to_nobody(
    made: Bench, directory: Directory, *, leaves: bool
) -> None:
    directory.groups[GROUP].append(MALLORY.id)
    _watch(made, 10 * A_MINUTE)
    directory.add(MALLORY.id)
    if leaves:
        directory.groups[GROUP].remove(MALLORY.id)
    _watch(made, GRACE)
    assert _titles(made) == []


@pytest.mark.parametrize(
    "record",
    [{"group": OTHER}, {"result": "failure"}, {"activity": "Update user"}, {"member": TRUDY.id}],
    ids=["another group", "failed", "something else", "somebody else"],
)
def test_another_record_explains_nobody(made: Bench, directory: Directory, record: dict[str, str]) -> None:
    directory.groups[GROUP].append(MALLORY.id)
    _watch(made, 10 * A_MINUTE)
    directory.add(**({"member": MALLORY.id} | record))
    _watch(made, GRACE)
    assert len(_titles(made)) == 1


def test_a_group_that_a_policy_leaves_out_from_now_on_has_no_new_members(made: Bench, directory: Directory) -> None:
    _leave_out(made, GROUP)
    _watch(made, A_MINUTE)
    directory.groups[OTHER].append(MALLORY.id)
    _watch(made, GRACE)
    _leave_out(made, GROUP, OTHER)
    _watch(made, A_MINUTE)
    _watch(made, GRACE + A_MINUTE)
    assert _titles(made) == []


def test_while_the_log_cannot_be_read_it_is_asked_again(made: Bench, directory: Directory) -> None:
    directory.groups[GROUP].append(MALLORY.id)
    _watch(made, 10 * A_MINUTE)
    directory.failing = "directoryAudits"
    with pytest.raises(EdgeError):
        _watch(made, GRACE)
    assert _titles(made) == []
    directory.failing = ""
    _watch(made, 10 * A_MINUTE)
    assert len(_titles(made)) == 1


def test_one_group_that_cannot_be_read_keeps_no_other_from_being_read(made: Bench, directory: Directory) -> None:
    last = left_out_read_at(made.storage, TENANT)
    directory.failing = f"{GROUP}/members"
    directory.groups[OTHER].append(MALLORY.id)
    for _ in range(2):
        with pytest.raises(EdgeError):
            _watch(made, GRACE)
    assert len(_titles(made)) == 1
    assert left_out_read_at(made.storage, TENANT) == last, "it wasn't a complete one"


@pytest.mark.parametrize("how", ["hidden", "too many"])
def test_a_group_that_cannot_be_watched_is_said_to_be_one(made: Bench, directory: Directory, how: str) -> None:
    if how == "hidden":
        directory.hidden = frozenset({GROUP})
    else:
        directory.groups[GROUP] = _many(MOST + 1)
    directory.groups[OTHER].append(MALLORY.id)
    for _ in range(2):
        with pytest.raises(Rejected, match="hides its members" if how == "hidden" else "aren't watched one by one"):
            _watch(made, GRACE)
    assert len(_titles(made)) == 1, "the others are watched all the same"


def _many(count: int) -> list[str]:
    return [f"{number:08d}-0000-4000-8000-000000000001" for number in range(count)]


@pytest.mark.parametrize("are_recorded", [False, True], ids=["no record tells", "records tell of all but one"])
def test_as_many_as_are_watched_may_come_at_once_and_cost_few_requests(
    made: Bench, directory: Directory, *, are_recorded: bool
) -> None:
    new = _many(MOST - 1)
    directory.groups[GROUP] += new
    _watch(made, 10 * A_MINUTE)
    for member in new[1:] if are_recorded else ():
        directory.add(member)
    directory.asked.clear()
    _watch(made, GRACE)
    (notice,) = made.teams.notices
    assert (f"{MOST - 1} accounts" in notice.title) is not are_recorded
    assert new[0] in notice.text
    assert len(directory.asked) < 10


def test_a_name_with_the_groups_id_in_it_explains_nobody(made: Bench, directory: Directory) -> None:
    directory.groups[GROUP].append(MALLORY.id)
    _watch(made, 10 * A_MINUTE)
    directory.add(MALLORY.id, OTHER)
    properties = directory.log[0]["targetResources"][0]["modifiedProperties"]
    properties.append({"displayName": "Group.DisplayName", "oldValue": None, "newValue": f'"{GROUP}"'})
    _watch(made, GRACE)
    assert len(_titles(made)) == 1


def test_a_group_that_is_gone_is_passed_over(made: Bench, directory: Directory) -> None:
    del directory.groups[OTHER]
    _watch(made, A_MINUTE)
    assert [row.key for row in made.storage.rows(Table.ROSTERS, "PartitionKey eq 'left-out-members'")] == [
        f"{TENANT} {GROUP}"
    ]


def test_before_it_is_known_which_groups_those_are_nothing_is_read(memory: MemoryStorage, directory: Directory) -> None:
    made = bench(memory, edges=copy.copy(_ready(memory, directory).runtime.edges[TENANT]))
    (row,) = memory.rows(Table.ROSTERS, "PartitionKey eq 'policy-groups'")
    memory.delete(Table.ROSTERS, row)
    _watch(made)
    assert directory.asked == []
    assert left_out_read_at(made.storage, TENANT) is None
