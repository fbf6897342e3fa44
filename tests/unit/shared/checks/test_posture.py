"""How checks are judged, what people decide about them, what is kept, and what people hear."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
import pytest

from infra.local.world import WORKFORCE_TENANT
from shared.authority.journal import read_all
from shared.checks.check import Finding, Status, Unread, failed, not_applicable, ok, warning
from shared.checks.posture import (
    Decision,
    ManualItem,
    Posture,
    PostureCheck,
    Stage,
    became_worse,
    first_to_do,
    judged,
)
from shared.checks.posture_daily import Declared, look, look_daily
from shared.checks.posture_page import posture_page
from shared.checks.posture_store import Day, PostureStore
from shared.checks.posture_texts import Korean
from shared.checks.snapshot import Part, Reading, Snapshot, read_snapshot
from shared.clients.storage import Storage
from shared.clients.storage_names import Table
from shared.model.bilingual import KeptTexts
from shared.model.errors import Unreachable
from tests.fakes.clock import NOW
from tests.fakes.runtime import Bench, bench, settings_with

_SOUP: Final = Part(id="soup", title="the soup", read=lambda _reading: "hot")
_A_DAY: Final = timedelta(days=1)


def check(name: str, *found: Finding, stage: Stage = Stage.WEEKS, part: Part[Any] = _SOUP) -> PostureCheck:
    return PostureCheck(
        id=name,
        stage=stage,
        title=f"{name} is fine",
        why="It burns.",
        passages=(1,),
        parts=(part,),
        cure="Mend it.",
        run=lambda snapshot: [*found] or [ok(snapshot.of(part))],
    )


def item(name: str = "menu", stage: Stage = Stage.WEEKS) -> ManualItem:
    return ManualItem(id=name, stage=stage, title="The menu is read", why="It changes.", how="Read it.", passages=(2,))


def decision(*, begin: datetime = NOW, days: float = 30, by: str = "Ann", reason: str = "I looked") -> Decision:
    return Decision(by=by, at=begin, until=begin + timedelta(days=days), reason=reason)


def snapshot(parts: Mapping[str, Any] | None = None, at: datetime = NOW) -> Snapshot:
    settings = settings_with()
    return Snapshot(tenant=settings.workforce, settings=settings, at=at, parts={"soup": "hot"} | dict(parts or {}))


def judge(*checks: PostureCheck, items: tuple[ManualItem, ...] = (), **decided: Mapping[str, Decision]) -> Posture:
    confirmed, accepted = decided.get("confirmed", {}), decided.get("accepted", {})
    return judged(checks, items, snapshot(), confirmed=confirmed, accepted=accepted)


@pytest.mark.parametrize(
    ("found", "status", "shown"),
    [
        ((ok("a"), failed("b"), failed("c")), Status.FAILED, ("b", "c")),
        ((ok("a"), warning("b")), Status.WARNING, ("b",)),
        ((ok("a"), not_applicable("b")), Status.OK, ("a",)),
        ((not_applicable("b"),), Status.NOT_APPLICABLE, ("b",)),
    ],
)
def test_a_check_is_as_bad_as_the_worst_that_it_found(
    found: tuple[Finding, ...], status: Status, shown: tuple[str, ...]
) -> None:
    (line,) = judge(check("soup", *found)).lines
    assert (line.status, line.found) == (status, shown)
    assert line.cure == ("Mend it." if status in {Status.FAILED, Status.WARNING} else "")


def test_a_check_whose_part_could_not_be_read_is_unknown_however_it_judges() -> None:
    made = judged(
        [check("soup", ok("fine"))], [], snapshot({"soup": Unread("403", cure="Grant it.")}), confirmed={}, accepted={}
    )
    (line,) = made.lines
    assert (line.status, line.cure) == (Status.UNKNOWN, "Grant it.")
    assert "the soup: 403" in line.found[0]


def test_a_part_is_read_once_and_what_fails_hides_no_other(storage: Storage) -> None:
    asked: list[str] = []

    def read(name: str, error: Exception | None = None) -> Part[str]:
        def doing(reading: Reading) -> str:
            asked.append(name)
            if error is not None:
                raise error
            return f"{name} of {reading.api.tenant.name} at {reading.now:%H:%M}"

        return Part(id=name, title=name, read=doing)

    first, broken, cut, last = (
        read("first"),
        read("broken", KeyError("secret")),
        read("cut", Unreachable("cut")),
        read("last"),
    )
    after = Part(id="after", title="after", read=lambda reading: reading.of(cut))
    made = bench(storage)
    runtime = made.runtime
    steps: list[tuple[int, str]] = []
    seen = read_snapshot(
        [first, broken, cut, last, after],
        runtime,
        runtime.settings.workforce,
        progress=lambda number, part: steps.append((number, part.id)),
    )
    assert seen.of(last).startswith("last of")
    for part in (broken, cut, after):
        with pytest.raises(Unread):
            seen.of(part)
    with pytest.raises(Unread, match="KeyError") as raised:
        seen.of(broken)
    assert "secret" not in str(raised.value)
    assert asked == ["first", "broken", "cut", "last"]
    assert steps == [(0, "first"), (1, "broken"), (2, "cut"), (3, "last"), (4, "after")]


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (None, Status.FAILED),
        (decision(), Status.OK),
        (decision(begin=NOW - 31 * _A_DAY), Status.FAILED),
        (decision(begin=NOW - 30 * _A_DAY), Status.FAILED),
        (decision(begin=NOW - 29 * _A_DAY), Status.OK),
    ],
)
def test_a_manual_item_passes_as_long_as_somebody_has_confirmed_it(said: Decision | None, status: Status) -> None:
    (line,) = judge(items=(item(),), confirmed={"menu": said} if said else {}).lines
    assert (line.status, line.is_manual) == (status, True)
    assert line.cure == ("Read it." if status is Status.FAILED else "")


def test_an_accepted_risk_stays_a_failure_until_its_end_that_needs_nobody() -> None:
    accepted = {"soup": decision(reason="it will be replaced"), "other": decision(begin=NOW - 31 * _A_DAY)}
    soup, other = judge(check("soup", failed("cold")), check("other", failed("cold")), accepted=accepted).lines
    assert (soup.status, soup.needs_somebody) == (Status.FAILED, False)
    assert "Ann accepts the risk until" in soup.accepted
    assert other.needs_somebody, "it is over"


def test_what_is_accepted_and_passes_is_no_longer_accepted() -> None:
    (line,) = judge(check("soup"), accepted={"soup": decision()}).lines
    assert not line.accepted


def test_what_to_do_first_goes_by_stage_then_what_is_read_before_what_is_confirmed() -> None:
    made = judge(
        check("late", failed("x"), stage=Stage.HALF_A_YEAR),
        check("fine"),
        check("early", failed("x"), stage=Stage.FIRST_DAYS),
        items=(item("by hand", stage=Stage.FIRST_DAYS), item("later", stage=Stage.MONTHS)),
    )
    assert [line.id for line in first_to_do(made, 3)] == ["early", "by hand", "later"]


@pytest.mark.parametrize(
    ("before", "after", "is_worse"),
    [
        (ok("a"), failed("b"), True),
        (not_applicable("a"), failed("b"), True),
        (warning("a"), failed("b"), True),
        (failed("a"), failed("b"), False),
        (ok("a"), ok("b"), False),
        (ok("a"), warning("b"), False),
    ],
)
def test_what_passed_and_fails_became_worse(before: Finding, after: Finding, *, is_worse: bool) -> None:
    worse = became_worse(judge(check("soup", before)), judge(check("soup", after)))
    assert [line.id for line in worse] == (["soup"] if is_worse else [])


def test_a_new_check_and_the_first_look_became_no_worse() -> None:
    assert became_worse(None, judge(check("soup", failed("cold")))) == []
    assert became_worse(judge(check("other")), judge(check("soup", failed("cold")))) == []


# What is kept.


@pytest.fixture
def store(storage: Storage) -> PostureStore:
    return PostureStore(storage, WORKFORCE_TENANT)


def test_the_last_result_and_the_days_are_kept(store: PostureStore) -> None:
    assert store.latest() is None
    first = judge(check("soup"), check("other", failed("cold")))
    later = msgspec.structs.replace(judge(check("soup", failed("cold"))), at=NOW + _A_DAY)
    for posture in (first, msgspec.structs.replace(first, at=NOW + timedelta(hours=1)), later):
        store.keep(posture)
    assert store.latest() == later
    days = store.days(since=NOW)
    assert [day.statuses for day in days] == [
        {"soup": Status.OK, "other": Status.FAILED},
        {"soup": Status.FAILED},
    ]
    assert [day.day for day in store.days(since=NOW + _A_DAY)] == [days[1].day]


def test_days_that_are_too_old_go(store: PostureStore) -> None:
    old = judge(check("soup"))
    store.keep(old)
    store.keep(msgspec.structs.replace(old, at=NOW + 401 * _A_DAY))
    assert len(store.days(since=NOW - _A_DAY)) == 1


def test_a_result_of_another_version_is_none(store: PostureStore, storage: Storage) -> None:
    store.keep(judge(check("soup")))
    storage.upsert(Table.CONTROLS, f"posture {WORKFORCE_TENANT}", "latest", {"posture": '{"lines": 3}'})
    assert store.latest() is None


def test_what_people_decide_is_in_the_journal_before_it_counts(store: PostureStore, storage: Storage) -> None:
    store.confirm("menu", decision())
    store.accept("soup", decision(by="Bea", reason="it will be replaced"))
    found = store.decisions()
    assert (found.confirmed["menu"].by, found.accepted["soup"].by) == ("Ann", "Bea")
    acts = [entry.act for chain in read_all(storage) for entry in chain.entries]
    assert {act.what.value for act in acts} == {"confirm", "accept-risk"}
    assert all(act.lowers and act.why for act in acts)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(decision(reason=" "), id="no reason"),
        pytest.param(decision(by=""), id="nobody"),
        pytest.param(decision(days=0), id="no time"),
        pytest.param(decision(days=-1), id="over already"),
        pytest.param(decision(days=401), id="more than a year"),
    ],
)
def test_a_decision_has_somebody_a_reason_and_an_end(store: PostureStore, wrong: Decision) -> None:
    for decide in (store.confirm, store.accept):
        with pytest.raises(ValueError, match="should"):
            decide("menu", wrong)
    assert not store.decisions().confirmed


def test_a_decision_that_can_not_be_read_decides_nothing(store: PostureStore, storage: Storage) -> None:
    storage.upsert(Table.CONTROLS, f"posture {WORKFORCE_TENANT}", "confirmed menu", {"said": "{"})
    assert store.decisions().confirmed == {}


# The daily look.


def declared(*checks: PostureCheck) -> Declared:
    return Declared(parts=[_SOUP], checks=[*checks], items=[item()])


def _titles(made: Bench) -> list[str]:
    return [notice.title for notice in made.teams.notices]


def test_people_hear_of_what_passed_and_fails_now_once(storage: Storage) -> None:
    made = bench(storage)
    tenant = made.runtime.settings.workforce
    tuesday = made.clock() + timedelta(days=(1 - made.clock().weekday()) % 7)
    made.clock.move(tuesday - made.clock())
    look_daily(declared(check("soup")), made.runtime, tenant)
    assert _titles(made) == []
    made.clock.move(_A_DAY)
    look_daily(declared(check("soup", failed("cold"))), made.runtime, tenant)
    assert _titles(made) == ["A check of the tenant's posture passed and fails now"]
    assert "soup is fine: cold" in made.teams.notices[0].lines
    made.clock.move(_A_DAY)
    look_daily(declared(check("soup", failed("cold"))), made.runtime, tenant)
    assert len(_titles(made)) == 1


def test_on_mondays_people_hear_how_all_of_it_stands(storage: Storage) -> None:
    made = bench(storage)
    monday = made.clock() + timedelta(days=-made.clock().weekday() % 7)
    made.clock.move(monday - made.clock())
    look_daily(declared(check("soup"), check("other", failed("cold"))), made.runtime, made.runtime.settings.workforce)
    (notice,) = made.teams.notices
    assert "1 checks pass, 2 fail" in notice.text
    assert notice.is_silent
    assert notice.lines == ("other is fine: cold", "The menu is read: nobody has confirmed it")
    assert "통과 1개, 실패 2개" in notice.texts("ko").text


def test_a_look_counts_what_people_decided(storage: Storage) -> None:
    made = bench(storage)
    tenant = made.runtime.settings.workforce
    PostureStore(storage, tenant.id).confirm("menu", decision(begin=made.clock()))
    posture = look(declared(check("soup")), made.runtime, tenant)
    line = posture.line("menu")
    assert line is not None
    assert line.status is Status.OK
    assert PostureStore(storage, tenant.id).latest() == posture


# The page.


def test_the_page_has_what_fails_in_front_and_escapes_what_was_read() -> None:
    evil = "<img src=x onerror=alert(1)>"
    posture = judge(check("soup", failed(evil)), check("fine"), items=(item(),))
    page = posture_page(posture)
    assert evil not in page
    assert "&lt;img" in page
    assert page.index("soup is fine") < page.index("fine is fine")
    assert "1 checks pass, 1 fail, 0 can&#x27;t be told; 1 items wait" in page
    assert "responder posture confirm menu --reason TEXT" in page


def test_the_page_says_what_changed_since_the_oldest_day() -> None:
    posture = judge(check("soup"), check("other", failed("cold")))
    days = [
        Day(day=(NOW - 3 * _A_DAY).date().isoformat(), statuses={"soup": Status.FAILED, "other": Status.OK}),
        Day(day=NOW.date().isoformat(), statuses={"soup": Status.OK}),
    ]
    assert "1 began to pass, 1 no longer do" in posture_page(posture, days)
    assert "began to pass" not in posture_page(posture, days[1:])


_KOREAN: Final = {"soup": Korean(title="국이 뜨거움", todo="국을 데우세요.")}


def test_the_page_is_in_korean_as_far_as_there_is_korean() -> None:
    posture = judge(check("soup", failed("cold")), check("other", failed("cold")))
    page = posture_page(posture, language="ko", korean=_KOREAN)
    assert '<html lang="ko">' in page
    assert "국이 뜨거움" in page
    assert "국을 데우세요." in page
    assert "soup is fine" not in page
    assert "other is fine" in page, "what isn't there in Korean stays in English"
    assert "국" not in posture_page(posture, korean=_KOREAN)
    findings = KeptTexts((("cold", "차가움"),))
    assert "차가움" in posture_page(posture, language="ko", findings=findings)
    assert "차가움" not in posture_page(posture, findings=findings)


def test_what_to_do_about_what_could_not_be_read_is_not_the_checks_own() -> None:
    posture = judged([check("soup")], [], snapshot({"soup": Unread("403")}), confirmed={}, accepted={})
    page = posture_page(posture, language="ko", korean=_KOREAN)
    assert "responder doctor" in page
    assert "국을 데우세요." not in page


def test_what_passes_has_nothing_to_do_in_korean_either() -> None:
    assert "국을 데우세요." not in posture_page(judge(check("soup")), language="ko", korean=_KOREAN)


def test_what_is_accepted_says_by_whom_on_the_page() -> None:
    posture = judge(check("soup", failed("cold")), accepted={"soup": decision(reason="it will be replaced")})
    page = posture_page(posture)
    assert "Ann accepts the risk until" in page
    assert "responder posture accept" not in page
