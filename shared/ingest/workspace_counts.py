"""Counts sign-ins in a Log Analytics workspace, so that only the counts over a threshold come to the app.

Where a workspace with the sign-in logs is configured, the detections that count sign-ins run there as Kusto queries.
Each row of the result becomes the same case that counting in the app would open.
"""

import logging
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from shared.clients.log_analytics import Workspace
from shared.detect.aggregation.thresholds import HOUR, WEEK, Found, count_event, hour_of
from shared.detect.kusto.compile import query
from shared.ingest.intake import open_count
from shared.model.detections import AnyDetection, Burst, Rise
from shared.model.do_all import do_all, each
from shared.model.errors import Rejected
from shared.model.events import Actor, ActorKind, Log
from shared.respond.components import Runtime

_log = logging.getLogger("responder.log_counts")

LATE: Final = timedelta(hours=3)
"""The time that each run queries again, because records arrive in a workspace minutes to hours late."""


def counted_in_workspace(runtime: Runtime) -> tuple[AnyDetection, ...]:
    """Give the detections that a workspace counts, where one is configured."""
    return tuple(
        detection
        for detection in runtime.detections.values()
        if detection.counted is not None and detection.log is Log.SIGN_IN
    )


def count_in_workspace(runtime: Runtime, workspace: Workspace) -> int:
    """Query the recent counts over a threshold and open their cases; gives the number of new cases.

    Raises EdgeError at the end when a query failed or a case couldn't be opened. The rest is done, and the next run
    tries the failed part again.
    """
    opened = do_all(
        counted_in_workspace(runtime),
        lambda detection: _count(runtime, workspace, detection),
        failed=lambda detection: f"{detection.id} could not be counted in the workspace",
        log=_log,
    )
    return sum(opened)


def _count(runtime: Runtime, workspace: Workspace, detection: AnyDetection) -> int:
    profile = runtime.cached_matcher.profile
    earliest = hour_of(runtime.clock() - LATE)
    rows = workspace.rows(query(detection, profile), over=_query_span(runtime.clock() - earliest, detection))
    found = each(rows, _found, failed=lambda _row: f"a count of {detection.id} can't be read", log=_log)
    opened = do_all(
        ((tenant_id, one) for tenant_id, one in found if one.hour >= earliest and runtime.settings.tenant(tenant_id)),
        lambda found: open_count(runtime, detection, count_event(detection, *found, profile)),
        failed=lambda found: f"a count of {detection.id} in {found[0]} could not become a case",
        log=_log,
    )
    return opened.count(True)


def _query_span(lately: timedelta, detection: AnyDetection) -> timedelta:
    """Give the time that a query must cover: `lately`, and before it the time that the counts are compared with."""
    match detection.counted:
        case Burst(within=within):
            return lately + within
        case Rise(weeks=weeks):
            return lately + weeks * WEEK + HOUR
        case None:
            return lately


def _found(row: Mapping[str, Any]) -> tuple[str, Found]:
    """Read a row of a query that `shared.detect.kusto` compiled: the tenant's id and what was counted.

    Raises:
        Rejected: it isn't such a row.
    """
    try:
        value, name = str(row["value"] or ""), str(row["name"] or "")
        return str(row["tenant_id"]).lower(), Found(
            value=value,
            hour=_instant(row["hour"]),
            count=int(row["found"]),
            first=_instant(row["began"]),
            last=_instant(row["ended"]),
            actor=Actor(id=value, name=name, kind=ActorKind.USER) if name else Actor(),
            records=tuple(sorted(map(str, _members(row["records"])))),
            weeks=tuple(None if week < 0 else week for week in map(int, _members(row.get("weeks")))),
        )
    except (KeyError, TypeError, ValueError, msgspec.DecodeError) as error:
        raise Rejected(f"Log Analytics sent a row that can't be read: {error!r}") from error


def _instant(value: object) -> datetime:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ValueError(f"{value!r} is not an instant")
    return value


def _members(value: object) -> Iterator[Any]:
    """Give the members of a dynamic column, which the service writes as JSON in a string."""
    listed = msgspec.json.decode(value) if isinstance(value, str) else value
    yield from msgspec.convert(listed or [], list[Any])
