"""Running checks on a context that isn't the doctor's."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import pytest

from shared.checks.check import Check, Finding, Line, Status, Unread, failed, ok, unknown, warning
from shared.checks.run import look_at_each, run_checks
from shared.model.errors import EdgeError, Refused, Rejected, Unreachable

_NO_ANSWER: Final = "Nothing is known about this: mend what gave no answer, then look again."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kitchen:
    """What these checks look at; None where it can't be seen."""

    lamps: int | None = 3

    def lit(self) -> int:
        if self.lamps is None:
            raise Unread("the lamps can't be seen", cure="switch on a light")
        return self.lamps


def _check(run: Callable[[_Kitchen], Sequence[Finding]], *reads: Callable[[_Kitchen], object]) -> Check[_Kitchen]:
    return Check(id="lamps-lit", title="The lamps are lit", cure="change the bulbs", reads=reads, run=run)


def _raising(error: Exception) -> Callable[[_Kitchen], Sequence[Finding]]:
    def run(_kitchen: _Kitchen) -> Sequence[Finding]:
        raise error

    return run


_FINE: Final = _check(lambda kitchen: [ok(f"{kitchen.lit()} lamps")])


@pytest.mark.parametrize(
    ("error", "cure"),
    [
        (Unread("no light"), "change the bulbs"),
        (Unread("no light", cure="open the curtains"), "open the curtains"),
        (Rejected("no light"), "change the bulbs"),
        (Refused("no light"), "change the bulbs"),
        (Unreachable("no light"), _NO_ANSWER),
    ],
)
def test_what_could_not_be_read_is_unknown_and_not_healthy(error: Exception, cure: str) -> None:
    report = run_checks([_check(_raising(error))], _Kitchen())
    assert not report.healthy
    assert report.lines == (
        Line(
            check="lamps-lit",
            title="The lamps are lit",
            status=Status.UNKNOWN,
            found="couldn't be checked: no light",
            cure=cure,
        ),
    )


@pytest.mark.parametrize(
    "broken", [Unread("no light"), Unreachable("no light"), KeyError("a-secret"), ZeroDivisionError(), RecursionError()]
)
def test_one_check_that_fails_never_stops_the_others(broken: Exception) -> None:
    report = run_checks([_FINE, _check(_raising(broken)), _FINE], _Kitchen())
    assert [line.status for line in report.lines] == [Status.OK, Status.UNKNOWN, Status.OK]
    assert not report.healthy


def test_a_broken_check_says_where_and_not_what_it_had_read(caplog: pytest.LogCaptureFixture) -> None:
    (line,) = run_checks([_check(_raising(KeyError("a-secret")))], _Kitchen()).lines
    assert line.found.startswith("couldn't be checked: KeyError in test_run.py, line ")
    assert "a-secret" not in line.found
    assert line.cure.startswith("This is a bug in the check")
    assert "the check lamps-lit is broken" in caplog.text


def test_a_check_without_a_finding_is_not_fine() -> None:
    report = run_checks([_check(lambda _kitchen: [])], _Kitchen())
    assert [line.status for line in report.lines] == [Status.UNKNOWN]
    assert not report.healthy


def test_a_check_does_not_run_without_what_it_reads() -> None:
    ran: list[_Kitchen] = []

    def run(kitchen: _Kitchen) -> list[Finding]:
        ran.append(kitchen)
        return [ok("lit")]

    dark, bright = _Kitchen(lamps=None), _Kitchen()
    (line,) = run_checks([_check(run, _Kitchen.lit)], dark).lines
    assert (line.status, line.found, line.cure) == (
        Status.UNKNOWN,
        "couldn't be checked: the lamps can't be seen",
        "switch on a light",
    )
    assert run_checks([_check(run, _Kitchen.lit)], bright).healthy
    assert ran == [bright]


@pytest.mark.parametrize(
    ("finding", "is_healthy", "cure"),
    [
        (ok("one"), True, ""),
        (warning("one"), True, "change the bulbs"),
        (warning("one", cure="look"), True, "look"),
        (failed("one"), False, "change the bulbs"),
        (failed("one", cure="look"), False, "look"),
        (unknown("one"), False, "change the bulbs"),
    ],
)
def test_a_finding_says_what_to_do_unless_all_is_well(finding: Finding, *, is_healthy: bool, cure: str) -> None:
    report = run_checks([_check(lambda _kitchen: [ok("first"), finding])], _Kitchen())
    assert report.healthy is is_healthy
    assert [(line.found, line.status, line.cure) for line in report.lines] == [
        ("first", Status.OK, ""),
        ("one", finding.status, cure),
    ]


def test_one_thing_that_cannot_be_read_does_not_hide_the_others() -> None:
    errors: dict[str, EdgeError | Unread] = {
        "hall": Unreachable("cut off"),
        "stairs": Rejected("not so"),
        "attic": Unread("dark", cure="take a torch"),
    }

    def look(room: str) -> list[Finding]:
        if room in errors:
            raise errors[room]
        return [ok(f"{room} is lit")]

    assert look_at_each(["hall", "kitchen", "stairs", "attic"], str.title, look) == [
        unknown("Hall: cut off", cure=_NO_ANSWER),
        ok("kitchen is lit"),
        unknown("Stairs: not so"),
        unknown("Attic: dark", cure="take a torch"),
    ]
