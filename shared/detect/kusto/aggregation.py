"""Thresholds and sequences in Kusto: the KQL equivalent of `aggregation.thresholds` and `aggregation.sequences`.

Each query is written over a view with columns TimeGenerated, record_id and tenant_id beside the fields. A record that
is there twice counts once. A row of a threshold's answer has the columns that `thresholds.Found` has fields for.
"""

from datetime import timedelta
from typing import Final

from shared.detect.fields.kusto_terms import quoted
from shared.model.detections import Burst, Rise

_RECORDS_NAMED: Final = 10
_NAME_OF: Final = 'iff({} == actor_id, actor_name, "")'


def burst_query(
    view: str, condition: str, burst: Burst, *, detection: str, at_least: int, ingested_within: str = ""
) -> str:
    """Write the query of a burst: each record is in every window that ends with its minute or one soon after it.

    With `ingested_within`, a timespan in Kusto, only windows with a record that came within it are given; the view then
    has a column `ingested`.
    """
    value, whose = (burst.by.name, _NAME_OF.format(burst.by.name)) if burst.by else ('""', '""')
    member = burst.distinct.name if burst.distinct else "record_id"
    known = " and ".join(f"isnotempty({name})" for name in (value, member) if name != '""')
    later = ", ".join(map(str, range(burst.within // timedelta(minutes=1))))
    of_records = "ingested = max(ingested), " if ingested_within else ""
    is_new = f" and ingested > ago({ingested_within})" if ingested_within else ""
    return f"""{view}
| where {condition}
| where {known}
| summarize {of_records}began = min(TimeGenerated), ended = max(TimeGenerated), record = min(record_id),
    name = max({whose})
    by tenant_id, value = {value}, member = {member}, minute = bin(TimeGenerated, 1m)
| mv-expand later = dynamic([{later}]) to typeof(long)
| summarize {of_records}own = countif(later == 0), began = min(began), ended = max(ended), record = min(record),
    name = max(name)
    by tenant_id, value, member, window_end = minute + later * 1m
| summarize {of_records}found = count(), own = sum(own), began = min(began), ended = max(ended), name = max(name),
    records = make_set(record, {_RECORDS_NAMED})
    by tenant_id, value, window_end
| where own > 0 and found >= {at_least}{is_new}
| summarize arg_max(found, began, ended, name, records) by tenant_id, value, hour = bin(window_end, 1h)
| project TimeGenerated = ended, hour, detection = {quoted(detection)}, tenant_id, value, found, began, ended, name,
    records
| sort by hour desc
"""


def rise_query(view: str, condition: str, rise: Rise, *, detection: str, floor: int) -> str:
    """Write the query of a rise; `weeks` are the earlier weeks' counts, the latest first, -1 where there is no log."""
    weeks = ", ".join(map(str, range(1, rise.weeks + 1)))
    return f"""let Since = {view}
| summarize since = min(TimeGenerated) by tenant_id;
let Hours = {view}
| where {condition}
| summarize at = min(TimeGenerated) by tenant_id, record_id
| summarize found = count(), began = min(at), ended = max(at), records = make_set(record_id, {_RECORDS_NAMED})
    by tenant_id, hour = bin(at, 1h);
Hours
| where found >= {floor}
| mv-expand week = dynamic([{weeks}]) to typeof(long)
| extend before = hour - week * 7d
| join kind=inner Since on tenant_id
| join kind=leftouter (Hours | project tenant_id, before = hour, usual = found) on tenant_id, before
| extend usual = iff(before >= since, coalesce(usual, 0), -1)
| sort by week asc
| summarize known = countif(usual >= 0), total = sumif(usual, usual >= 0), weeks = make_list(usual),
    arg_max(week, began, ended, records)
    by tenant_id, hour, found
| where known >= {max(1, rise.least_weeks)} and found * 100 * known > total * {100 + rise.percent}
| project TimeGenerated = ended, hour, detection = {quoted(detection)}, tenant_id, value = "", found, began, ended,
    name = "", records, weeks
| sort by hour desc
"""


def sequence_query(
    view: str, condition: str, *, step_a: str, by: str, window: timedelta, columns: str, ingested_within: str = ""
) -> str:
    """Write the query of a sequence: step B meets `condition`; `columns` are those that are shown of it.

    With `ingested_within`, as in `burst_query`, only sequences of which a step came within it are given.
    """
    of_step_a = ", first_ingested = ingested" if ingested_within else ""
    is_new = (
        f"\n| where ingested > ago({ingested_within}) or first_ingested > ago({ingested_within})"
        if ingested_within
        else ""
    )
    return f"""{view}
| where {condition}
| where isnotempty({by})
| join kind=inner (
    {view}
    | where {step_a}
    | project tenant_id, {by}, first_at = TimeGenerated{of_step_a}
) on tenant_id, {by}
| where first_at < TimeGenerated and first_at >= TimeGenerated - {_timespan(window)}{is_new}
| summarize arg_max(first_at, *) by record_id
| project TimeGenerated, {columns}, first_at
| sort by TimeGenerated desc
"""


def _timespan(length: timedelta) -> str:
    """Write a length of time as a Kusto literal: in the largest unit that it is a whole number of."""
    units = {"d": timedelta(days=1), "h": timedelta(hours=1), "m": timedelta(minutes=1), "s": timedelta(seconds=1)}
    sign, unit = next((sign, unit) for sign, unit in units.items() if not length % unit)
    return f"{length // unit}{sign}"
