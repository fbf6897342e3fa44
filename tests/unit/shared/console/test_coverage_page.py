"""The page about the product itself: each kind of answer by itself, and what couldn't be read said to be."""

from datetime import timedelta
from typing import Any, Final

import msgspec
import pytest

from infra.local.world import ALICE, WORKFORCE_TENANT
from shared.authority.control_history import ControlState
from shared.authority.owners import NamedOwner, TableOwners
from shared.clients.storage import Storage
from shared.console.coverage_page import Health, coverage_page, modes_of
from shared.console.frame import View
from shared.ingest.coverage import Coverage, Entry, Sight
from shared.model.kinds import Mode
from shared.notify.paged import Channel
from shared.notify.reached import note_reached
from tests.fakes.clock import NOW
from tests.fakes.console import Desk, desk
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.spoilt_storage import SpoiltStorage

_VIEW: Final = View(language="en", now=NOW)


def _seeing(made: Desk, *entries: Entry) -> Desk:
    coverage = Coverage(at=made.bench.clock(), entries=entries)
    console = msgspec.structs.replace(made.console, coverage=lambda: coverage)
    return Desk(bench=made.bench, tenant=made.tenant, console=console)


def _entry(sight: Sight, about: str = "sign-in log", **more: Any) -> Entry:  # noqa: ANN401 - the fields of an entry
    read_at = None if sight is Sight.BLIND else NOW - timedelta(minutes=7)
    return Entry(about=about, tenant="Entra ID", tenant_id=WORKFORCE_TENANT, sight=sight, read_at=read_at, **more)


@pytest.mark.parametrize(
    ("sight", "said"),
    [
        (Sight.BLIND, "Not seen"),
        (Sight.PARTLY, "Seen in part"),
        (Sight.LATE, "Late"),
        (Sight.UNKNOWN, "Not known"),
        (Sight.SEES, "Seen"),
        (Sight.OFF, "Not to be read"),
    ],
)
def test_each_answer_has_its_own_word_and_what_to_do(storage: Storage, sight: Sight, said: str) -> None:
    because, needed, cure = "403 <b>", "AuditLog.Read.All", "grant.sh again"
    made = _seeing(desk(storage), _entry(sight, because=because, needed=needed, cure=cure), _entry(Sight.SEES, "x"))
    page = made.ask("/coverage").text
    assert f">{said}</span>" in page
    unseen = page.partition('id="unseen"')[2].partition("</section>")[0]
    assert ("403 &lt;b&gt;" in unseen) is ("AuditLog.Read.All" in unseen) is (cure in unseen) is not sight.is_fine
    total = 1 if sight is Sight.OFF else 2
    seen = total if sight.is_fine else 1
    assert f"{seen} of {total} sources are seen as they should be" in page


def test_it_says_who_answered_and_how_far_it_may_go(storage: Storage) -> None:
    made = desk(storage)
    owners = TableOwners(storage, clock=made.bench.clock)
    assert "Nobody is named as an owner" in made.ask("/coverage").text
    owner = NamedOwner(scope="*", order="010", name="<i>Alice", upn=ALICE.upn or "")
    owners.name(owner, by="a test")
    assert "Has never answered a test." in made.ask("/coverage").text
    note_reached(storage, owner, Channel.TEAMS, at=made.bench.clock())
    page = made.ask("/coverage").text
    assert "&lt;i&gt;Alice" in page
    assert "Answered over Teams" in page
    assert "The kill switch is off." in page
    made.bench.runtime.controls.stop(by="Alice", reason="a drill")
    assert "The kill switch is on." in made.ask("/coverage").text


def test_detections_are_counted_by_their_mode() -> None:
    state = ControlState(stopped=False, modes={"*": Mode.PAGE, "one": Mode.ENFORCE})
    modes = modes_of(state, ["one", "two", "three"])
    assert modes == {Mode.ENFORCE: 1, Mode.PAGE: 2}
    page = coverage_page(Health(coverage=None, people=None, state=state, modes=modes), _VIEW)
    assert "<b>page</b>: 2 detections" in page
    assert "What is seen couldn" in page
    assert "Who is paged couldn" in page
    unread = ControlState(stopped=None, modes={}, unread="403")
    assert "2 detections" not in coverage_page(Health(coverage=None, people=None, state=unread, modes=modes), _VIEW)


def test_where_owners_cannot_be_read_the_rest_is_shown(memory: MemoryStorage) -> None:
    spoilt = SpoiltStorage(memory)
    made = desk(spoilt)
    spoilt.faults.fail("rows Cursors")
    page = made.ask("/coverage")
    assert (page.status, "Who is paged couldn" in page.text) == (200, True)


def test_each_page_leads_there_in_both_languages(storage: Storage) -> None:
    made = desk(storage)
    assert 'href="/api/console/coverage"' in made.ask("").text
    korean = made.ask("/coverage", headers={"Cookie": "responder-console=ko."})
    assert "제대로 확인합니다" in korean.text
