"""Timers: read the audit logs, take snapshots, read the rosters, go on with what was left behind.

None is tied to its ticks: a poll goes on where the last complete one ended, so a timer that was late or missed loses
nothing.
"""

import logging
import os
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

import azure.functions as func

from responders.app import emergencies, runtime
from responders.sources import AUDIT_LOG, SIGN_IN_LOG
from shared.model.do_all import do_all
from shared.model.errors import Refused
from shared.model.sources import Source

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.detect.rosters import Roster
    from shared.model.object_kinds import Kind
    from shared.model.settings import Tenant
    from shared.notify.reachability import Reachability
    from shared.respond.components import Runtime

schedules = func.Blueprint()
_log = logging.getLogger("responder.schedules")
_AUDIT_BACKFILL_SCHEDULE: Final = "10 */15 * * * *"
_SIGN_IN_BACKFILL_SCHEDULE: Final = "40 */15 * * * *"
_PURGE_SCHEDULE: Final = "0 10 4 * * *"
_POSTURE_SCHEDULE: Final = "0 40 5 * * *"
_LOG_COUNT_SCHEDULE: Final = "45 */10 * * * *"
"""NCRONTAB in UTC. Timers that somebody may want to change name a setting instead, as %NAME%."""

_OVERLAP: Final = timedelta(minutes=60)
"""How far each poll reaches back before the last one, because Microsoft shows records of the logs late."""


_PERMISSIONS_EACH: Final = timedelta(minutes=55)

_COVERAGE_EACH: Final = timedelta(seconds=50)
"""How often it is looked what is seen: each time by a timer that comes once a minute, seldom by a faster one."""


def _poll_all(source: Source) -> None:
    from shared.ingest.poll import poll  # noqa: PLC0415 - start-up is a feature

    _each_tenant(source, lambda tenant: poll(runtime(), tenant, source, overlap=_OVERLAP))


def _backfill_all(source: Source) -> None:
    from shared.ingest.catch_up import catch_up  # noqa: PLC0415 - start-up is a feature

    _each_tenant(source, lambda tenant: catch_up(runtime(), tenant, source))


def _each_tenant(source: Source, read: "Callable[[Tenant], object]") -> None:
    """Read of every tenant; one that fails doesn't keep the others from being read, and fails the run at the end."""
    do_all(
        runtime().settings.tenants,
        read,
        failed=lambda tenant: f"the {source.name} of {tenant.name} could not be read",
        log=_log,
    )


@schedules.function_name("poll_directory_audits")
@schedules.timer_trigger(arg_name="timer", schedule="%AUDIT_POLL_SCHEDULE%")
def poll_directory_audits(timer: func.TimerRequest) -> None:
    """Read the audit log of every tenant since the last poll, less the overlap."""
    del timer
    _poll_all(AUDIT_LOG)


@schedules.function_name("backfill_directory_audits")
@schedules.timer_trigger(arg_name="timer", schedule=_AUDIT_BACKFILL_SCHEDULE)
def backfill_directory_audits(timer: func.TimerRequest) -> None:
    """Read what the polls left, and look again for records that came hours or days late."""
    del timer
    _backfill_all(AUDIT_LOG)


@schedules.function_name("poll_sign_ins")
@schedules.timer_trigger(arg_name="timer", schedule="%SIGN_IN_POLL_SCHEDULE%")
def poll_sign_ins(timer: func.TimerRequest) -> None:
    """Read the sign-in log of every tenant since the last poll, less the overlap, unless that is switched off."""
    del timer
    if runtime().settings.polls_sign_ins:
        _poll_all(SIGN_IN_LOG)


@schedules.function_name("backfill_sign_ins")
@schedules.timer_trigger(arg_name="timer", schedule=_SIGN_IN_BACKFILL_SCHEDULE)
def backfill_sign_ins(timer: func.TimerRequest) -> None:
    """Read what the polls of sign-ins left, and look again for those that came late."""
    del timer
    if runtime().settings.polls_sign_ins:
        _backfill_all(SIGN_IN_LOG)


@schedules.function_name("take_snapshots")
@schedules.timer_trigger(arg_name="timer", schedule="%SNAPSHOT_SCHEDULE%")
def take_snapshots(timer: func.TimerRequest) -> None:
    """Read every guarded object, look again at each that isn't as it was; take in what wasn't delivered."""
    from shared.ingest.dead_letters import drain_dead_letters  # noqa: PLC0415 - not needed at start-up

    del timer
    try:
        do_all(
            _places(runtime()),
            _sweep,
            failed=lambda place: f"the {place[0].kind} objects of {place[1].name} could not all be read and reconciled",
            log=_log,
        )
    finally:
        drain_dead_letters(runtime())


def _sweep(place: "tuple[Kind, Tenant]") -> None:
    from shared.ingest.coverage import about_kind, noting  # noqa: PLC0415 - start-up is a feature
    from shared.respond.sweep import may_be_unread, sweep, swept_at  # noqa: PLC0415 - the same

    kind, tenant = place
    made = runtime()
    try:
        noting(made.storage, about_kind(kind), tenant.id, lambda: sweep(made, kind, tenant), clock=made.clock)
    except Refused as refused:
        if not may_be_unread(kind, swept_at(made.storage, tenant.id, kind.kind)):
            raise
        _log.info("%s of %s can't be read as it is permitted: %s", about_kind(kind), tenant.name, refused)


def _places(runtime: "Runtime") -> "list[tuple[Kind, Tenant]]":
    """Give each kind of guarded object with each tenant that has it."""
    return [
        (kind, tenant)
        for kind in runtime.kinds.values()
        for tenant in runtime.settings.tenants
        if tenant.kind is kind.tenant_kind
    ]


@schedules.function_name("sweep_rosters")
@schedules.timer_trigger(arg_name="timer", schedule="%ROSTER_SCHEDULE%")
def sweep_rosters(timer: func.TimerRequest) -> None:
    """Read who is privileged, who is in which groups, and, once an hour, which permissions are missing.

    People are notified where who is privileged isn't known any more.
    """
    del timer
    steps: dict[str, Callable[[], object]] = {
        "the rosters": _sweep_rosters,
        "the members of groups that policies leave out": _watch_left_out,
        "the permissions": _look_at_permissions,
    }
    do_all(steps, lambda step: steps[step](), failed=lambda step: f"{step} could not all be read", log=_log)


def _watch_left_out() -> None:
    from responders.left_out import READS  # noqa: PLC0415 - not needed at start-up
    from shared.ingest.coverage import noting  # noqa: PLC0415
    from shared.ingest.left_out import ABOUT, watch_left_out  # noqa: PLC0415

    made = runtime()
    workforce = made.settings.workforce
    watch = partial(watch_left_out, made, workforce, READS)
    noting(made.storage, ABOUT, workforce.id, watch, clock=made.clock)


def _look_at_permissions() -> None:
    """Store which permissions are missing, for the coverage."""
    from shared.ingest.coverage import note_permissions, permissions_noted_at  # noqa: PLC0415 - start-up is a feature

    made = runtime()
    noted_at = permissions_noted_at(made.storage)
    if noted_at is not None and made.clock() - noted_at < _PERMISSIONS_EACH:
        return
    from responders.doctor import lost_permissions  # noqa: PLC0415 - needed once an hour

    lost, because = lost_permissions(os.environ)
    note_permissions(made.storage, lost, because, now=made.clock())


def _sweep_rosters() -> None:
    rosters, tenants = runtime().rosters, runtime().settings.tenants
    try:
        do_all(
            rosters.places(tenants),
            _sweep_roster,
            failed=lambda place: f"the {place[0].kind} of {place[1].name} could not be read",
            log=_log,
        )
    finally:
        do_all(
            rosters.system_notices(tenants),
            runtime().notifier.publish,
            failed=lambda system_notice: f"people could not be notified: {system_notice.title}",
            log=_log,
        )


def _sweep_roster(place: "tuple[Roster, Tenant]") -> None:
    from shared.ingest.coverage import about_roster, noting  # noqa: PLC0415 - start-up is a feature

    roster, tenant = place
    made = runtime()
    read = partial(made.rosters.sweep, roster, made.edges[tenant.id])
    noting(made.storage, about_roster(roster), tenant.id, read, clock=made.clock)


@schedules.function_name("count_in_log_analytics")
@schedules.timer_trigger(arg_name="timer", schedule=_LOG_COUNT_SCHEDULE)
def count_in_log_analytics(timer: func.TimerRequest) -> None:
    """Ask the workspace for what was too many, where one is named that counts in place of the app."""
    del timer
    workspace = runtime().workspace
    if workspace is not None:
        from shared.ingest.workspace_counts import count_in_workspace  # noqa: PLC0415 - only where a workspace counts

        opened = count_in_workspace(runtime(), workspace)
        _log.info("%s cases opened of what the workspace counted", opened)


@schedules.function_name("purge_old_data")
@schedules.timer_trigger(arg_name="timer", schedule=_PURGE_SCHEDULE)
def purge_old_data(timer: func.TimerRequest) -> None:
    """Compact what is settled, delete what is older than it is kept for, make anew what lists and notes lost."""
    del timer
    from shared.respond.compacting import compact  # noqa: PLC0415 - needed once a day

    try:
        _log.info("the past of %s objects was compacted", compact(runtime()))
    finally:
        _purge_and_remake()


def _purge_and_remake() -> None:
    from shared.objects.nightly import purge_and_remake  # noqa: PLC0415 - needed once a day

    purge_and_remake(
        runtime().storage,
        runtime().objects,
        tenants=[tenant.id for tenant in runtime().settings.tenants],
        kept_for=runtime().settings.kept_for,
        clock=runtime().clock,
        publish=runtime().notifier.publish,
    )


@schedules.function_name("keep_lists")
@schedules.timer_trigger(arg_name="timer", schedule=_PURGE_SCHEDULE)
def keep_lists(timer: func.TimerRequest) -> None:
    """Copy what people have entered into the evidence account, once a day."""
    del timer
    from shared.authority import lists  # noqa: PLC0415 - needed once a day

    name = lists.keep_lists(runtime().storage, runtime().ledger.keep_copy, now=runtime().clock())
    _log.info("approvals, owners and modes are kept in evidence/%s", name)
    from shared.emergency.repeats import ask_for_drill  # noqa: PLC0415 - needed once a day

    ask_for_drill(emergencies())


@schedules.function_name("report_night")
@schedules.timer_trigger(arg_name="timer", schedule="%NOON_SCHEDULE%")
def report_night(timer: func.TimerRequest) -> None:
    """Notify people of a night in which nobody could be woken, and of what was only recorded since yesterday.

    Of redirect addresses that aren't safe as well. The test of the owners that had a day's time ends.
    """
    del timer
    parts: dict[str, Callable[[], object]] = {
        "that nobody could be woken": runtime().notifier.unreached.report_night,
        "the test of the owners": lambda: _reachability().finish(),
        "what was only recorded": _begin_digest,
        "the redirect addresses of applications": _look_at_redirects,
    }
    do_all(parts, lambda part: parts[part](), failed=lambda part: f"{part} could not be reported", log=_log)


def _look_at_redirects() -> None:
    """Tell of the addresses that applications send people to and that aren't safe, each once."""
    from shared.clients.names import existence_of  # noqa: PLC0415 - needed once a day
    from shared.respond.redirects import look_at_redirects  # noqa: PLC0415

    _log.info("%s redirect addresses are told of", look_at_redirects(runtime(), existence_of))


def _begin_digest() -> None:
    from shared.respond.daily_digest import begin_digest  # noqa: PLC0415 - needed once a day

    _log.info("%s owners are told what was only recorded", begin_digest(runtime()))


@schedules.function_name("look_at_posture")
@schedules.timer_trigger(arg_name="timer", schedule=_POSTURE_SCHEDULE)
def look_at_posture(timer: func.TimerRequest) -> None:
    """Check what the roadmap asks of each tenant, and tell of what passed before and fails now."""
    del timer
    from responders.posture.declared import DECLARED  # noqa: PLC0415 - needed once a day
    from shared.checks.posture_daily import look_daily  # noqa: PLC0415

    do_all(
        runtime().settings.tenants,
        lambda tenant: look_daily(DECLARED, runtime(), tenant),
        failed=lambda tenant: f"the posture of {tenant.name} could not be looked at",
        log=_log,
    )


@schedules.function_name("try_owners")
@schedules.timer_trigger(arg_name="timer", schedule="%REACH_SCHEDULE%")
def try_owners(timer: func.TimerRequest) -> None:
    """Ask each owner, once a week, to show that pages reach them."""
    del timer
    _log.info("%s owners were asked whether pages reach them", _reachability().ask())


def _reachability() -> "Reachability":
    from shared.notify.reachability import Reachability  # noqa: PLC0415 - start-up doesn't need it

    made = runtime()
    return Reachability(
        made.storage, made.notifier, case_link=made.settings.case_link, clock=made.clock, acts=made.acts
    )


@schedules.function_name("resume_cases")
@schedules.timer_trigger(arg_name="timer", schedule="%RESUME_SCHEDULE%")
def resume_cases(timer: func.TimerRequest) -> None:
    """Go on with emergencies, cases whose lease ran out and pages that wait; play again what failed every time."""
    from shared.respond.resume import resume  # noqa: PLC0415 - start-up is a feature

    del timer
    parts: dict[str, Callable[[], object]] = {
        "emergencies": _go_on_with_emergencies,
        "restraints of accounts": _go_on_with_restraints,
        "cases, objects and pages": lambda: resume(runtime()),
        "messages that failed": _play_again,
        "changes of operators": _watch_operators,
        "what operators signed": _watch_signed,
        "what is seen": _watch_coverage,
        "what was only recorded": _go_on_with_digest,
        "a test of the owners that was requested": lambda: _reachability().ask_if_requested(),
    }
    do_all(parts, lambda part: parts[part](), failed=lambda part: f"{part} could not all be gone on with", log=_log)


def _play_again() -> None:
    from shared.ingest.poison import play_again  # noqa: PLC0415 - the host's first tick is soon enough

    play_again(runtime())


def _go_on_with_emergencies() -> None:
    from shared.emergency.repeats import go_on  # noqa: PLC0415 - most ticks have no emergency

    go_on(emergencies())


def _go_on_with_restraints() -> None:
    """Take from accounts what cases ask for, give back what people released, and remind people of the rest."""
    from shared.respond.restraining import go_on_with_restraints  # noqa: PLC0415 - the host's first tick is soon enough

    go_on_with_restraints(runtime())


def _go_on_with_digest() -> None:
    """Publish what a run that broke off has left of the daily digest."""
    from shared.respond.daily_digest import go_on_with_digest  # noqa: PLC0415 - the host's first tick is soon enough

    go_on_with_digest(runtime())


def _watch_operators() -> None:
    """Notify all owners of each change of who may act in an emergency."""
    from shared.authority.operator_store import read_operators  # noqa: PLC0415 - the signatures need a large library
    from shared.emergency.operator_notices import publish_operators  # noqa: PLC0415

    made = runtime()
    operators = read_operators(
        made.storage,
        setting=made.settings.emergency_operators,
        pinned=made.settings.emergency_genesis,
        now=made.clock(),
    )
    publish_operators(made.storage, operators, made.notifier.publish)


def _watch_signed() -> None:
    """Compare the lists with what operators signed, write again what is missing, notify people of what isn't right."""
    made = runtime()
    if not made.settings.has_operators:
        return
    from shared.authority.signed_acts import SignedActs  # noqa: PLC0415 - only where operators are founded
    from shared.authority.signed_notices import publish_tampering  # noqa: PLC0415
    from shared.authority.signed_watch import settle  # noqa: PLC0415

    if isinstance(made.acts, SignedActs):
        publish_tampering(settle(made.acts, made.storage), made.notifier.publish)


def _watch_coverage() -> None:
    """Page once about what isn't seen, and say once that it is again."""
    made = runtime()
    if not _coverage.is_due(made):
        return
    from responders.content import coverage_of  # noqa: PLC0415 - the host's first tick is soon enough
    from shared.ingest.coverage_watch import watch_coverage  # noqa: PLC0415

    watch_coverage(made.storage, made.notifier, coverage_of(made.storage, made.settings, now=made.clock()))


class _Pace:
    """When what is seen was looked at last, by this process with its runtime."""

    def __init__(self) -> None:
        self._last: tuple[Runtime, datetime] | None = None

    def is_due(self, made: "Runtime") -> bool:
        """Whether it is time to look again, which the caller then does."""
        now = made.clock()
        if self._last is not None and self._last[0] is made and now - self._last[1] < _COVERAGE_EACH:
            return False
        self._last = made, now
        return True


_coverage: Final = _Pace()
