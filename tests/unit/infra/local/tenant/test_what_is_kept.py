"""A storm of thousands of changes mustn't fill the memory."""

import re
from itertools import count

import msgspec

from infra.local.tenant.instants import instant, now_ticks, ticks
from infra.local.tenant.record_log import RecordLog
from infra.local.tenant.record_query import DIRECTORY_AUDITS, parse_query
from infra.local.tenant.replicated import Lags, Replicated
from infra.local.tenant.settings import Settings
from infra.local.world import Json


def _store(*, reads: float = 0.0, listings: float = 0.0) -> Replicated[int]:
    return Replicated(Lags(reads=lambda: reads, listings=lambda: listings))


def test_versions_that_nobody_is_shown_are_dropped() -> None:
    store = _store()
    for number in range(100):
        store.put("one", number)
    assert (store.seen("one"), len(store)) == (99, 2)


def test_what_was_deleted_is_forgotten() -> None:
    store = _store()
    for number in range(100):
        store.put(str(number), number)
        store.put(str(number), None)
    assert len(store) <= 3


def test_versions_that_somebody_is_still_shown_are_kept() -> None:
    for store in (_store(reads=60), _store(listings=60)):
        store.seed("one", 1)
        store.put("one", 2)
        store.put("one", None)
        assert store.current("one") is None
        assert store.all_seen() == {"one": 1}


def test_a_held_value_survives_its_deletion() -> None:
    store = _store()
    store.seed("one", 1)
    store.hold("one", 60)
    store.put("one", None)
    store.put("two", 2)
    assert (store.seen("one"), store.all_seen()) == (1, {"one": 1, "two": 2})


def _log(kept: int) -> RecordLog:
    log = RecordLog(DIRECTORY_AUDITS, Settings(audit_lag=0), kept=kept)
    for number in range(10):
        at = instant(now_ticks() - ticks(100 - number))
        log.add({"id": f"r{number}", "activityDateTime": at, "activityDisplayName": "Update user"})
    return log


def _ids(records: list[msgspec.Raw]) -> list[str]:
    return [msgspec.json.decode(record, type=Json)["id"] for record in records]


def test_the_oldest_records_go_first() -> None:
    records, _token = _log(kept=3).page(parse_query({}, DIRECTORY_AUDITS))
    assert _ids(records) == ["r9", "r8", "r7"]


def test_pages_follow_each_other_without_a_gap() -> None:
    log = _log(kept=100)
    for order in ("asc", "desc"):
        shown: list[str] = []
        options = {"$top": "3", "$orderby": f"activityDateTime {order}"}
        for turn in count():
            records, token = log.page(parse_query(options, DIRECTORY_AUDITS))
            shown += _ids(records)
            if token is None:
                assert turn == 3
                break
            options = {"$skiptoken": token}
        expected = [f"r{number}" for number in range(10)]
        assert shown == (expected if order == "asc" else expected[::-1])
        assert all(re.fullmatch(r"r\d", each) for each in shown)
