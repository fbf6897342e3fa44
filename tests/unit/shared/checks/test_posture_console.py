"""The console's page about posture: every answer by itself, what was stored and nothing else, in both languages."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import msgspec
import pytest

from infra.local.world import B2C_TENANT, WORKFORCE_TENANT
from responders.posture import sign_in_policies, undoing
from responders.posture.declared import DECLARED
from shared.checks import posture_texts
from shared.checks.check import Status
from shared.checks.posture import Posture
from shared.checks.posture_store import PostureStore
from shared.checks.posture_wording import counted
from shared.clients.storage import Storage
from shared.model.bilingual import Words
from tests.fakes.clock import NOW
from tests.fakes.console import Desk, desk
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.postures import poor
from tests.fakes.spoilt_storage import SpoiltStorage

_KOREAN: Final = {"Cookie": "responder-console=ko."}


def _kept(storage: Storage, posture: Posture | None = None, *, days_ago: float = 0) -> Desk:
    made = desk(storage)
    at = made.bench.clock() - timedelta(days=days_ago)
    PostureStore(storage, WORKFORCE_TENANT).keep(msgspec.structs.replace(posture or poor(at), at=at))
    return made


def _with(statuses: Mapping[Status, Status]) -> Posture:
    """Give a posture in which each answer became another one, and nothing is accepted."""
    made = poor(NOW)
    return msgspec.structs.replace(
        made,
        lines=tuple(
            msgspec.structs.replace(line, status=statuses.get(line.status, line.status), accepted="")
            for line in made.lines
        ),
    )


def _card(page: str, name: str) -> str:
    return page.partition(f'id="{name}"')[2].partition("</section>")[0]


def test_every_line_is_there_once_with_its_own_answer(storage: Storage) -> None:
    made = _kept(storage)
    page = made.ask("/posture").text
    topics = {check.id for check in (*sign_in_policies.CHECKS, *undoing.CHECKS)}
    for line in poor(NOW).lines:
        of_stage = _card(page, f"stage-{line.stage}")
        is_beside = bool(line.accepted)
        assert (f">{line.title}<" in of_stage) is not is_beside, line.id
        assert not is_beside or f">{line.title}<" in _card(page, "accepted")
        if line.id in topics and line.status is Status.FAILED:
            assert all(text in page for text in line.found), line.id


def test_the_counts_of_a_page_add_up(storage: Storage) -> None:
    page = _kept(storage).ask("/posture").text
    numbers = [int(each) for each in re.findall(r"\d+", page.partition('class="proof">')[2].partition("</p>")[0])]
    title = [int(each) for each in re.findall(r"\d+", page.partition("<h1>")[2].partition("</h1>")[0])]
    counts = counted(poor(NOW).lines)
    failing, total, unknown = title
    assert (failing, total, unknown) == (counts.failing, len(DECLARED.checks), counts.unknown)
    assert sum(numbers) - counts.waiting + failing + unknown == total


@pytest.mark.parametrize(
    ("statuses", "look", "said"),
    [
        ({}, "failed", "checks fail"),
        ({Status.FAILED: Status.OK}, "check", "Nothing fails in what could be read; 1 of"),
        ({Status.FAILED: Status.OK, Status.UNKNOWN: Status.OK}, "back", "checks fails"),
        ({Status.FAILED: Status.UNKNOWN, Status.OK: Status.UNKNOWN}, "check", "checks aren"),
    ],
    ids=["fails", "not known", "passes", "nothing was read"],
)
def test_what_could_not_be_read_is_never_taken_for_well(
    storage: Storage, statuses: Mapping[Status, Status], look: str, said: str
) -> None:
    page = _kept(storage, _with(statuses)).ask("/posture").text
    assert f'class="verdict {look}"' in page
    assert said in page.partition("<h1>")[2].partition("</h1>")[0]
    assert (">Not known</span>" in page) is (Status.UNKNOWN not in statuses or look == "check")


def test_what_to_do_first_is_at_most_three_each_with_what_to_do(storage: Storage) -> None:
    first = _card(_kept(storage).ask("/posture").text, "first")
    assert first.count("<li>") == 3
    assert "second account without a mailbox" in first


def test_nobody_has_looked_yet_is_said(storage: Storage) -> None:
    made = desk(storage)
    page = made.ask("/posture")
    assert (page.status, "Nobody has looked yet" in page.text) == (200, True)
    assert "아직 점검하지 않았습니다" in made.ask("/posture", headers=_KOREAN).text


@pytest.mark.parametrize(("days_ago", "is_old"), [(0.5, False), (2, False), (2.2, True)])
def test_a_result_that_is_old_says_so(storage: Storage, days_ago: float, *, is_old: bool) -> None:
    assert ("This result is old" in _kept(storage, days_ago=days_ago).ask("/posture").text) is is_old


def test_each_tenant_has_its_own_and_there_is_no_other(storage: Storage) -> None:
    made = _kept(storage)
    assert "Nobody has looked yet" in made.ask("/posture?tenant=b2c").text
    PostureStore(storage, B2C_TENANT).keep(poor(NOW, name="Contoso customers"))
    assert "Contoso customers" in made.ask("/posture?tenant=b2c").text
    assert "Contoso customers" not in made.ask("/posture").text
    assert made.ask("/posture?tenant=x").status == 404
    assert made.ask("/posture/x").status == 404


def test_it_says_what_changed_since(storage: Storage) -> None:
    made = desk(storage)
    kept = PostureStore(storage, WORKFORCE_TENANT)
    at = made.bench.clock()
    kept.keep(msgspec.structs.replace(_with({Status.OK: Status.FAILED}), at=at - timedelta(days=3)))
    kept.keep(poor(at))
    trend = _card(made.ask("/posture").text, "trend")
    assert f"Since {at - timedelta(days=3):%Y-%m-%d}: " in trend
    assert ", 0 no longer do." in trend
    assert trend.count("<rect") == 2


def test_in_korean_no_text_of_the_page_and_no_title_is_in_english(storage: Storage) -> None:
    page = _kept(storage).ask("/posture", headers=_KOREAN).text
    main = re.sub(r"<code.*?</code>", "", page.partition("<main")[2].partition("</main>")[0])
    fixed = {words.en for words in vars(posture_texts).values() if isinstance(words, Words) and "{" not in words.en}
    titles = {one.title for one in (*DECLARED.checks, *DECLARED.items)}
    assert [text for text in fixed | titles if f">{text}<" in main] == []


def test_nothing_is_asked_of_the_tenant_and_nothing_is_written(memory: MemoryStorage) -> None:
    spoilt = SpoiltStorage(memory)
    made = _kept(spoilt)
    made.ask("")  # the key of the tokens is made once
    asked = len(made.tenant.log)
    spoilt.faults.log.clear()
    made.ask("/posture")
    assert len(made.tenant.log) == asked
    assert {entry.split()[0] for entry in spoilt.faults.log} <= {"row", "rows", "timed_row", "pages"}


def test_where_storage_fails_it_is_said(memory: MemoryStorage) -> None:
    spoilt = SpoiltStorage(memory)
    made = _kept(spoilt)
    spoilt.faults.fail("row Switches")
    assert made.ask("/posture").status == 503


def test_what_was_read_stays_text(storage: Storage) -> None:
    posture = poor(NOW, name="<b>Contoso", mallory="<script>x</script>")
    page = _kept(storage, posture).ask("/posture").text
    assert "<script>x" not in page
    assert "&lt;script&gt;x" in page
    assert "&lt;b&gt;Contoso" in page
