"""Posture: what the roadmap asks of a tenant, checked against a snapshot, and what only a person can confirm.

A check is a literal with the guide's stage and passages. It is pure: it judges what was read. A manual item has no API
to read it by: somebody confirms it, and the confirmation ends.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from functools import partial
from typing import Any, Final

from msgspec import Struct

from shared.checks.check import Check, Finding, Status, failed, ok
from shared.checks.run import run_checks
from shared.checks.snapshot import WORKFORCE, Part, Snapshot
from shared.model.kinds import TenantKind


class Stage(IntEnum):
    """The stages of the guide "Securing privileged access", with the time that it gives each."""

    FIRST_DAYS = 1
    WEEKS = 2
    MONTHS = 3
    HALF_A_YEAR = 4


WITHIN: Final[Mapping[Stage, timedelta]] = {
    Stage.FIRST_DAYS: timedelta(hours=48),
    Stage.WEEKS: timedelta(weeks=4),
    Stage.MONTHS: timedelta(days=92),
    Stage.HALF_A_YEAR: timedelta(days=183),
}
"""How long after the start the guide wants a stage to be done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostureCheck(Check[Snapshot]):
    """A check of the roadmap. `why` says what an attacker gains where it fails; `passages` are the guide's, by number.

    `parts` are what it judges, and all that it may ask for; `kinds` are those of tenants that it is about.
    `always_applies` says why there is no tenant of these kinds that it doesn't apply to, "" where there is one.
    """

    stage: Stage
    why: str
    passages: tuple[int, ...]
    parts: tuple[Part[Any], ...]
    kinds: frozenset[TenantKind] = WORKFORCE
    always_applies: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualItem:
    """What no API shows. `how` says what a person does to confirm it, `lasts` for how long that counts."""

    id: str
    stage: Stage
    title: str
    why: str
    how: str
    passages: tuple[int, ...]
    lasts: timedelta = timedelta(days=183)


class Category(StrEnum):
    """The guide's six categories of privileged accounts."""

    DUAL_USE = "dual-use"
    """A person's one account, for daily work too."""
    ADMIN_ONLY = "admin-only"
    """A person's second account, for administration alone."""
    SHARED = "shared"
    BREAK_GLASS = "break-glass"
    AUTOMATION = "automation"
    EXTERNAL = "external"


class Decision(Struct, frozen=True, kw_only=True):
    """What a person decided about a check, an item or an account, and until when.

    An item is confirmed, the risk of a check is accepted, an account is of a `category`.
    """

    by: str
    at: datetime
    until: datetime
    reason: str
    category: Category | None = None

    def counts(self, now: datetime) -> bool:
        """Whether it hasn't ended."""
        return now < self.until


class PostureLine(Struct, frozen=True, kw_only=True):
    """What became of a check or an item. `accepted` is who accepts the risk of what fails, until when and why."""

    id: str
    stage: int
    title: str
    status: Status
    found: tuple[str, ...]
    cure: str
    is_manual: bool = False
    accepted: str = ""

    @property
    def needs_somebody(self) -> bool:
        """Whether it fails and nobody has accepted that."""
        return self.status is Status.FAILED and not self.accepted


class Posture(Struct, frozen=True, kw_only=True):
    """The posture of a tenant at an instant, in the order of the declarations, the stages one after the other."""

    tenant: str
    at: datetime
    lines: tuple[PostureLine, ...]

    @property
    def counts(self) -> Mapping[Status, int]:
        """How many lines have each status."""
        return Counter(line.status for line in self.lines)

    def line(self, line_id: str) -> PostureLine | None:
        """Give the line of a check, None where there is none."""
        return next((line for line in self.lines if line.id == line_id), None)


def judged(
    checks: Sequence[PostureCheck],
    items: Sequence[ManualItem],
    snapshot: Snapshot,
    *,
    confirmed: Mapping[str, Decision],
    accepted: Mapping[str, Decision],
) -> Posture:
    """Judge a snapshot. `confirmed` and `accepted` are what people decided, by the ids of items and checks."""
    lines = [_of_check(check, snapshot, accepted.get(check.id)) for check in checks]
    lines += [_of_item(item, snapshot.at, confirmed.get(item.id), accepted.get(item.id)) for item in items]
    return Posture(tenant=snapshot.tenant.name, at=snapshot.at, lines=tuple(sorted(lines, key=lambda one: one.stage)))


def _read(part: Part[Any], snapshot: Snapshot) -> object:
    return snapshot.of(part)


_WORST_FIRST: Final = (Status.FAILED, Status.UNKNOWN, Status.WARNING, Status.OK, Status.NOT_APPLICABLE)


def _of_check(check: PostureCheck, snapshot: Snapshot, accepted: Decision | None) -> PostureLine:
    ready = replace(check, reads=tuple(partial(_read, part) for part in check.parts))
    found = run_checks([ready], snapshot).lines
    worst = min((line.status for line in found), key=_WORST_FIRST.index)
    shown = [line for line in found if line.status is worst]
    return PostureLine(
        id=check.id,
        stage=check.stage,
        title=check.title,
        status=worst,
        found=tuple(line.found for line in shown),
        cure=next((line.cure for line in shown if line.cure), ""),
        accepted=_words(accepted, snapshot.at) if worst is Status.FAILED else "",
    )


def _of_item(item: ManualItem, now: datetime, confirmed: Decision | None, accepted: Decision | None) -> PostureLine:
    finding = _confirmed(confirmed, now)
    return PostureLine(
        id=item.id,
        stage=item.stage,
        title=item.title,
        status=finding.status,
        found=(finding.text,),
        cure=item.how if finding.status is Status.FAILED else "",
        is_manual=True,
        accepted=_words(accepted, now) if finding.status is Status.FAILED else "",
    )


def _confirmed(decision: Decision | None, now: datetime) -> Finding:
    if decision is None:
        return failed("nobody has confirmed it")
    if not decision.counts(now):
        return failed(f"{decision.by} confirmed it at {decision.at:%Y-%m-%d}; that ended at {decision.until:%Y-%m-%d}")
    return ok(f"{decision.by} confirmed it at {decision.at:%Y-%m-%d}, until {decision.until:%Y-%m-%d}")


def _words(decision: Decision | None, now: datetime) -> str:
    if decision is None or not decision.counts(now):
        return ""
    return f"{decision.by} accepts the risk until {decision.until:%Y-%m-%d}: {decision.reason}"


def became_worse(before: Posture | None, after: Posture) -> list[PostureLine]:
    """Give what passed and fails now. A check that is new, or was unknown before, became no worse."""
    passed = {Status.OK, Status.WARNING, Status.NOT_APPLICABLE}
    known = {line.id for line in before.lines if line.status in passed} if before else set[str]()
    return [line for line in after.lines if line.id in known and line.needs_somebody]


def first_to_do(posture: Posture, most: int) -> list[PostureLine]:
    """Give what to do first: what fails, the stages in order, what the app reads before what people confirm."""
    waiting = [line for line in posture.lines if line.needs_somebody]
    return sorted(waiting, key=lambda line: (line.stage, line.is_manual))[:most]


def bulleted(found: Sequence[str]) -> tuple[str, ...]:
    """Set several things that were found apart from one another; one alone stays as it is."""
    return tuple(found) if len(found) == 1 else tuple(f"\N{BULLET} {text}" for text in found)
