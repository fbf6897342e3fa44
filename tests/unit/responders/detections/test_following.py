"""Declarations that take more than one record, on a machine that keeps what came before."""

import json
from typing import Any, Final

import pytest

from infra.local.world import B2C_TENANT
from responders.catalogue import CATALOGUE
from responders.detections.activities import MEMBER_ADDED
from responders.detections.directory_samples import (
    BY_CPIM,
    CONSUMER,
    CPIM,
    EMERGENCY_GROUP,
    IMPOSTOR,
    ROLE_ASSIGNABLE_GROUP,
    account_record,
    by_service,
    group_owner_record,
    member_record,
    new_account_record,
    pim_record,
    role_record,
)
from responders.rosters import ROLE_ASSIGNABLE_GROUPS
from shared.clients.storage_names import Table
from shared.detect.rosters import RosterKind, packed
from tests.fakes.clock import NOW
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import Bench, bench

_LATER: Final = "2026-03-02T09:59:59Z"
_IN_AZURE: Final = "Add eligible member to role in PIM completed (timebound)"

type Record = dict[str, Any]

BY_A_PERSON: Final = new_account_record(activityDateTime="2026-03-01T10:00:00Z")
SIGNED_UP: Final = BY_A_PERSON | {"initiatedBy": BY_CPIM}
BY_IMPOSTOR: Final = BY_A_PERSON | {"initiatedBy": by_service(IMPOSTOR, "CPIM Service")}


def at(record: Record, instant: str) -> Record:
    return record | {"activityDateTime": instant, "id": instant, "correlationId": instant}


def opened_by(memory: MemoryStorage, *records: Record) -> set[str]:
    """Name the detections that records, each delivered by itself, open cases of in the consumers' tenant."""
    profile = json.dumps({"cpim_ids": [CPIM]})
    made: Bench = bench(memory, detections=CATALOGUE, rosters=(ROLE_ASSIGNABLE_GROUPS,), VOCABULARY=profile)
    listed = {"read_at": NOW.isoformat(), "count": 1, **packed([ROLE_ASSIGNABLE_GROUP])}
    memory.upsert(Table.ROSTERS, RosterKind.ROLE_ASSIGNABLE_GROUPS, B2C_TENANT, listed)
    for record in records:
        made.take_in(record, tenant_id=B2C_TENANT)
    return {case.detection for case in made.cases(B2C_TENANT)}


@pytest.mark.parametrize(
    ("records", "opens"),
    [
        ([SIGNED_UP, at(role_record("Add member to role", identity=CONSUMER), "2026-03-02T10:00:00Z")], True),
        ([SIGNED_UP, at(pim_record("Add eligible member to role", identity=CONSUMER), "2026-03-02T09:59:59Z")], True),
        ([BY_A_PERSON, at(role_record("Add member to role", identity=CONSUMER), "2026-03-02T09:59:59Z")], False),
        ([BY_IMPOSTOR, at(role_record("Add member to role", identity=CONSUMER), "2026-03-02T09:59:59Z")], False),
        ([SIGNED_UP, at(role_record("Add member to role"), "2026-03-02T09:59:59Z")], False),
        ([SIGNED_UP, at(member_record(MEMBER_ADDED, ROLE_ASSIGNABLE_GROUP, identity=CONSUMER), _LATER)], True),
        ([SIGNED_UP, at(group_owner_record(ROLE_ASSIGNABLE_GROUP, identity=CONSUMER), _LATER)], True),
        ([BY_A_PERSON, at(member_record(MEMBER_ADDED, ROLE_ASSIGNABLE_GROUP, identity=CONSUMER), _LATER)], False),
        ([SIGNED_UP, at(member_record(MEMBER_ADDED, EMERGENCY_GROUP, identity=CONSUMER), _LATER)], False),
        (
            [SIGNED_UP, at(pim_record(_IN_AZURE, identity=CONSUMER, category="ResourceManagement"), _LATER)],
            True,
        ),
    ],
)
def test_a_role_for_an_account_that_signed_up(memory: MemoryStorage, records: list[Record], *, opens: bool) -> None:
    assert ("consumer-account-made-privileged" in opened_by(memory, *records)) is opens


@pytest.mark.parametrize(
    ("records", "opens"),
    [
        ([BY_A_PERSON, at(account_record("Delete user"), "2026-03-02T09:59:59Z")], True),
        ([BY_A_PERSON, at(account_record("Delete user"), "2026-03-02T10:00:01Z")], False),
        ([SIGNED_UP, at(account_record("Delete user"), "2026-03-01T11:00:00Z")], False),
        ([BY_A_PERSON, at(account_record("Delete user", initiatedBy=BY_CPIM), "2026-03-01T11:00:00Z")], False),
        ([at(account_record("Delete user"), "2026-03-01T11:00:00Z")], False),
    ],
)
def test_an_account_that_was_there_for_a_day(memory: MemoryStorage, records: list[Record], *, opens: bool) -> None:
    assert ("consumer-account-short-lived" in opened_by(memory, *records)) is opens


@pytest.mark.parametrize(("count", "opens"), [(99, False), (100, True)])
def test_many_accounts_in_an_hour(memory: MemoryStorage, count: int, *, opens: bool) -> None:
    made = bench(memory, detections=CATALOGUE, VOCABULARY=json.dumps({"cpim_ids": [CPIM]}))
    made.take_in(
        *(
            at(SIGNED_UP, f"2026-03-01T10:{number % 60:02}:{number // 60:02}Z") | {"id": str(number)}
            for number in range(count)
        ),
        tenant_id=B2C_TENANT,
    )
    found = [case for case in made.cases(B2C_TENANT) if case.detection == "consumer-accounts-burst"]
    assert len(found) == (1 if opens else 0)
