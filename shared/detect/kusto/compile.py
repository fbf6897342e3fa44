"""Detections in Kusto: each condition as a `where` over a view whose columns are the fields that it reads.

A query knows nothing of approvals: it finds what was done, by whomever.
"""

import copy
import re
import textwrap
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, assert_never

from shared.detect.aggregation.thresholds import threshold
from shared.detect.conditions import required
from shared.detect.fields import Audit, Resource, SignIn
from shared.detect.fields.kusto_terms import among, quoted
from shared.detect.kusto.aggregation import burst_query, rise_query, sequence_query
from shared.detect.kusto.views import DEFINITIONS, VIEWS, View
from shared.model.conditions import (
    All,
    AnyOf,
    Condition,
    Contains,
    EndsWith,
    Is,
    KustoJoin,
    KustoValue,
    Not,
    OneOf,
    StartsWith,
    Text,
    fields_of,
)
from shared.model.detections import AnyDetection, Burst, Rise
from shared.model.events import Log
from shared.model.profile import DEFAULT, TenantProfile

_OPERATORS: Final[Mapping[type, str]] = {
    Is: "==",
    StartsWith: "startswith_cs",
    EndsWith: "endswith_cs",
    Contains: "contains_cs",
}


def to_kql(condition: Condition[Any]) -> str:
    """Write a condition as a Kusto expression over the columns of its log's view."""
    match condition:
        case Is(field, text) | StartsWith(field, text) | EndsWith(field, text) | Contains(field, text):
            return f"{field.name} {_OPERATORS[type(condition)]} {quoted(text)}"
        case OneOf(field, values):
            return among(field.name, values)
        case All(terms):
            return _joined(" and ", terms, none="true")
        case AnyOf(terms):
            return _joined(" or ", terms, none="false")
        case Not(term):
            return f"not({to_kql(term)})"
        case _:
            assert_never(condition)


def _joined(word: str, terms: tuple[Condition[Any], ...], *, none: str) -> str:
    if len(terms) == 1:
        return to_kql(terms[0])
    return f"({word.join(map(to_kql, terms))})" if terms else none


def query(detection: AnyDetection, profile: TenantProfile = DEFAULT, *, ingested_within: str = "") -> str:
    """Write the whole query that finds what `detection` matches, over whatever time the person asking chooses.

    It gives matches, latest first. Where the detection counts, it gives a row for each case that counting makes: by
    value and clock hour. With `ingested_within`, a timespan in Kusto, it is for a schedule: what can't match is left
    out first, and only what came within that time is given.

    Raises:
        LookupError: it reads a field that has no Kusto equivalent.
    """
    view, condition, name = VIEWS[detection.log].name, predicate(detection), detection.id
    new = ingested_within
    match detection.counted:
        case Burst() as burst:
            at_least = threshold(detection, profile)
            asked = burst_query(view, condition, burst, detection=name, at_least=at_least, ingested_within=new)
        case Rise() as rise:
            floor = threshold(detection, profile)
            asked = rise_query(view, condition, rise, detection=name, floor=floor)
        case None if after := detection.after:
            step_a, by = to_kql(after.step_a), after.by.name
            asked = sequence_query(
                view,
                condition,
                step_a=step_a,
                by=by,
                window=after.window,
                columns=_columns(detection),
                ingested_within=new,
            )
        case None:
            return matching_query(detection, profile, ingested_within=ingested_within)
    return _whole(detection, profile, asked, ingested_within=ingested_within)


def matching_query(detection: AnyDetection, profile: TenantProfile = DEFAULT, *, ingested_within: str = "") -> str:
    """Write the query that finds each record that meets the condition of `detection`, whatever it counts or follows.

    `ingested_within` is as in `query`.

    Raises:
        LookupError: the condition reads a field that has no Kusto equivalent.
    """
    alone = copy.replace(detection, counted=None, after=None)
    asked = (
        f"{VIEWS[detection.log].name}\n"
        f"| where {predicate(detection)}\n"
        f"| project TimeGenerated, {_columns(alone)}\n"
        "| sort by TimeGenerated desc\n"
    )
    return _whole(alone, profile, asked, ingested_within=ingested_within)


def why_no_query(detection: AnyDetection) -> str:
    """Say why a detection can't be asked in Kusto, "" where it can."""
    missing = [name for name, field in _fields(detection).items() if not field.kusto]
    return f"{detection.id} reads {', '.join(missing)}, whose declaration has no `kusto`" if missing else ""


def _columns(detection: AnyDetection) -> str:
    """List the columns that a person sees of a match."""
    shown = VIEWS[detection.log].shown
    return f"detection = {quoted(detection.id)},\n    {', '.join([*_fields(detection), *shown])}"


def _fields(detection: AnyDetection) -> dict[str, Text[Any]]:
    """Give the fields that a detection reads, to judge a record, to count it, or to find its step A; by name."""
    fields = set(fields_of(detection.when))
    if isinstance(detection.counted, Burst):
        fields |= {field for field in (detection.counted.by, detection.counted.distinct) if field}
    if detection.after:
        fields |= {*fields_of(detection.after.step_a), detection.after.by}
    return {field.name: field for field in sorted(fields, key=lambda field: field.name)}


def _whole(detection: AnyDetection, profile: TenantProfile, asked: str, *, ingested_within: str) -> str:
    """Put before a question the view that it asks, and the definitions that this needs."""
    view, fields = VIEWS[detection.log], _fields(detection)
    if because := why_no_query(detection):
        raise LookupError(because)
    columns = {name: field.kusto_with(profile) for name, field in fields.items()}
    is_alone = not (detection.counted or detection.after)
    ids = {} if is_alone else {"record_id": view.record_id, "tenant_id": view.tenant_id}
    first = ""
    if ingested_within:
        ids |= {} if is_alone else {"ingested": _INGESTED}
        is_new = f"\n| where {_INGESTED} > ago({ingested_within})" if is_alone else ""
        first = is_new + "".join(f"\n| where {each}" for each in prefilters(detection, profile))
    body = f"let {view.name} = {_tabular(view, {**columns, **ids}, first=first)};\n{asked}"
    return "".join(_needed_by(body, first=first)) + body


_INGESTED: Final = "ingestion_time()"
_INDEXED: Final[Mapping[Log, tuple[Text[Any], tuple[str, ...]]]] = {
    Log.AUDIT: (Audit.activity, ("ActivityDisplayName", "OperationName")),
    Log.SIGN_IN: (SignIn.error_code, ()),
    Log.RESOURCE: (Resource.operation, ("OperationNameValue",)),
}
"""The field by which most records of a log are told apart, and the columns whose index has the words of its values."""

_WORD: Final = re.compile(r"[^\W_]+")


def prefilters(detection: AnyDetection, profile: TenantProfile) -> list[str]:
    """Write what a record must meet to be any step of a detection, cheapest first, over the columns of the tables.

    An index knows words: letters and digits between anything else. Folding changes only what stands between them, and
    case, which the index doesn't tell apart either.
    """
    field, indexed = _INDEXED[detection.log]
    steps = [detection.when, *([detection.after.step_a] if detection.after else [])]
    each = [required(step, field) for step in steps]
    known = [values for values in each if values is not None]
    values = frozenset[str]().union(*known)
    if len(known) < len(each) or not values:
        return []
    found = [max(filter(str.isascii, _WORD.findall(value)), key=len, default="") for value in values]
    words = ", ".join(map(quoted, sorted(set(found))))
    has_words = [" or ".join(f"{column} has_any ({words})" for column in indexed)] if indexed and all(found) else []
    return [*has_words, among(str(field.kusto_with(profile)), values)]


def _needed_by(body: str, *, first: str) -> list[str]:
    """Give the shared definitions that a query uses, and those that they use; `first` is what is asked of a table."""
    needed: list[str] = []
    for name, definition in reversed(DEFINITIONS.items()):
        if re.search(rf"\b{name}\b", "".join([*needed, body])):
            needed.insert(0, definition.replace("= AuditLogs\n", f"= AuditLogs{first}\n"))
    return needed


def predicate(detection: AnyDetection) -> str:
    """Write the condition of a detection, where each of several terms that must hold has a line."""
    if isinstance(detection.when, All) and detection.when.terms:
        return "\n    and ".join(map(to_kql, detection.when.terms))
    return to_kql(detection.when)


def document(detection: AnyDetection, profile: TenantProfile = DEFAULT) -> str:
    """Give the query under a header that says what it finds and why that matters."""
    tables = ", ".join(VIEWS[detection.log].tables)
    lines = [
        detection.title,
        f"{detection.id} (risk: {detection.risk}, row of the guide: {detection.seed_row}, table: {tables})",
        f"Why: {detection.why}",
        *([f"Differs from the guide: {detection.deviates}"] if detection.deviates else []),
        *([_APPROVED.format(detection.unless_actor_in)] if detection.unless_actor_in else []),
        *([_REACHES.format(_days_asked(detection))] if _days_asked(detection) else []),
        *([_PROFILE.format(", ".join(detection.required_profile_keys))] if detection.required_profile_keys else []),
        *([f"MITRE ATT&CK: {', '.join(map(str, detection.techniques))}"] if detection.techniques else []),
        *([f"Reference: {detection.reference}"] if detection.reference else []),
    ]
    width = _WIDTH - len("// ")
    wrapped = [
        part for line in lines for part in textwrap.wrap(line, width, break_on_hyphens=False, break_long_words=False)
    ]
    return "".join(f"// {line}\n" for line in wrapped) + query(detection, profile)


def _days_asked(detection: AnyDetection) -> int:
    """Say over how many days at least a query should be asked, beyond those that are of interest; 0 for any."""
    if isinstance(detection.counted, Rise):
        return detection.counted.weeks * 7
    return -(-detection.after.window // timedelta(days=1)) if detection.after else 0


_WIDTH: Final = 120
_REACHES: Final = "The query looks back {} days before each match: choose a time range that is longer by that."
_PROFILE: Final = "Values of the tenant profile are written into the query: {}."
_APPROVED: Final = "The query also finds what approved actors did: approval list {} names them by actor_id."


def _tabular(view: View, fields: Mapping[str, KustoValue], *, first: str) -> str:
    joined = {name: field for name, field in fields.items() if isinstance(field, KustoJoin)}
    joins = "".join(f"\n| join kind=leftouter (\n    {one.rows}\n) on Id" for one in joined.values() if one.rows)
    joins += "".join(f"\n| extend {name} = {step}" for one in joined.values() for name, step in one.steps.items())
    values = {name: field.value if isinstance(field, KustoJoin) else field for name, field in fields.items()}
    columns = "".join(f",\n    {name} = {expression}" for name, expression in {**values, **view.shown}.items())
    parts = [
        f"{table}{first}{_made_up_for(view, table, columns)}{joins}\n| project\n    TimeGenerated{columns}"
        for table in view.tables
    ]
    return parts[0] if len(parts) == 1 else "union isfuzzy=true\n(\n" + "\n),\n(\n".join(parts) + "\n)"


def _made_up_for(view: View, table: str, columns: str) -> str:
    """Add the columns that the table hasn't and that are read."""
    lacking = view.lacking.get(table, {})
    return "".join(f"\n| extend {name} = {taken}" for name, taken in lacking.items() if name in columns)
