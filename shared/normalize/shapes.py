"""Finds a record's shape from its keys. A shallow decoding gives the shape, the activity's name and the time.

No detection matches most records of a tenant, so the rest of a record is decoded only if one could.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from msgspec import Raw, Struct, field
from msgspec.json import Decoder

from shared.model.errors import UnreadableRecord
from shared.model.events import Event, Log
from shared.normalize import audit, resources, risks, sign_ins
from shared.normalize.decoding import LocalizedText, NotJudged, decode, envelope_instant, word
from shared.normalize.glance import Ending

NOTHING = Raw(b"")


class _Properties(Struct, rename="camel"):
    activity_display_name: str | None = None
    activity_date_time: datetime | None = None
    created_date_time: datetime | None = None
    status: Ending | str | None = None


class _GridData(Struct, rename="camel"):
    operation_name: str | None = None


class Head(Struct, rename="camel"):
    """The keys that distinguish the shapes. Where two shapes have different types for a key, both are allowed."""

    # Graph
    activity_display_name: str | None = None
    activity_date_time: datetime | None = None
    created_date_time: datetime | None = None
    status: Ending | str | None = None
    # diagnostic settings; the Activity Log shares two of the names
    category: LocalizedText | str | None = None
    operation_name: LocalizedText | str | None = None
    time: str | None = None
    result_type: str | int | None = None
    properties: _Properties | str | None = None
    # Event Grid: its own schema, then CloudEvents
    event_type: str | None = None
    event_time: datetime | None = None
    specversion: str | None = None
    type: str | None = None
    data: _GridData | None = None
    # Activity Log, and the same in snake_case
    event_timestamp: datetime | None = None
    snake_operation_name: LocalizedText | str | None = field(default=None, name="operation_name")
    snake_event_timestamp: datetime | None = field(default=None, name="event_timestamp")
    # Log Analytics
    table: str | None = field(default=None, name="Type")
    row_generated_at: datetime | None = field(default=None, name="TimeGenerated")
    row_activity: str | None = field(default=None, name="ActivityDisplayName")
    row_activity_at: datetime | None = field(default=None, name="ActivityDateTime")
    row_service: str | None = field(default=None, name="LoggedByService")
    row_operation: str | None = field(default=None, name="OperationName")
    row_operation_value: str | None = field(default=None, name="OperationNameValue")
    row_created_at: datetime | None = field(default=None, name="CreatedDateTime")
    row_result_type: str | int | None = field(default=None, name="ResultType")
    # Office 365 unified audit
    unified_operation: str | None = field(default=None, name="Operation")
    # envelopes
    value: Raw = NOTHING
    records: Raw = NOTHING
    tables: Raw = NOTHING

    @property
    def may_be_of_graph(self) -> bool:
        """Whether a glance may tell what record it is: it has an activity, or how a sign-in ended and when it was."""
        is_sign_in = self.created_date_time is not None and isinstance(self.status, Ending)
        return self.activity_display_name is not None or is_sign_in

    @property
    def is_list(self) -> bool:
        """Say whether this is an envelope rather than a record."""
        lists = (self.value, self.records, self.tables)
        return any(one is not NOTHING and bytes(one).startswith(b"[") for one in lists)


class Shape(Struct, frozen=True):
    """How records of one shape are read. `name` gives the activity, operation or error code, by which it is sought."""

    log: Log
    name: Callable[[Head], str]
    at: Callable[[Head], datetime | None]
    event: Callable[[Raw, datetime, str], Event]


def shape_of(head: Head, raw: Raw) -> Shape:  # noqa: PLR0911 - one return for each shape
    """Find out which shape a record has.

    Raises:
        UnreadableRecord: it is none of those that are read.
        NotJudged: it is of a category that no detection judges.
    """
    if head.activity_display_name is not None:
        return _GRAPH_AUDIT
    if head.event_type is not None or head.specversion is not None:
        return _event_grid(head)
    if head.event_timestamp is not None or isinstance(head.operation_name, LocalizedText):
        return _ACTIVITY_LOG
    if isinstance(head.category, str):
        return _diagnostics(head.category)
    if head.snake_operation_name is not None:
        return _PYTHON_SDK
    if isinstance(head.status, Ending) and head.created_date_time is not None:
        return _GRAPH_SIGN_IN
    return _row(head) or _unknown(head, raw)


_INNER = Decoder(_Properties)


def _properties(head: Head) -> _Properties | None:
    """Give the record inside the envelope of diagnostic settings, which may be JSON in a string; None if it isn't."""
    if not isinstance(head.properties, str):
        return head.properties
    try:
        return decode(_INNER, head.properties.strip())
    except UnreadableRecord:
        return None


def _activity(head: Head) -> str:
    """Give the activity's name from the record itself, or else from its envelope."""
    inner = _properties(head)
    return (inner and inner.activity_display_name) or word(head.operation_name)


def _activity_at(head: Head) -> datetime | None:
    inner = _properties(head)
    return (inner and inner.activity_date_time) or envelope_instant(head.time)


def _signed_in_at(head: Head) -> datetime | None:
    inner = _properties(head)
    return (inner and inner.created_date_time) or envelope_instant(head.time)


def _wrapped_error(head: Head) -> str:
    inner = _properties(head)
    return (inner and _error(inner.status)) or _code(head.result_type)


def _error(status: Ending | str | None) -> str:
    return _code(status.error_code) if isinstance(status, Ending) else ""


def _code(code: int | str | None) -> str:
    return "" if code is None else str(code)


GRAPH: Mapping[Log, Callable[[Raw, datetime, str], Event]] = {
    Log.AUDIT: audit.from_graph,
    Log.SIGN_IN: sign_ins.from_graph,
}
"""How records are read that a glance has told the log of."""

_GRAPH_AUDIT = Shape(
    Log.AUDIT, lambda head: head.activity_display_name or "", lambda head: head.activity_date_time, audit.from_graph
)
_GRAPH_SIGN_IN = Shape(
    Log.SIGN_IN, lambda head: _error(head.status), lambda head: head.created_date_time, sign_ins.from_graph
)
_WRAPPED_AUDIT = Shape(Log.AUDIT, _activity, _activity_at, audit.from_diagnostics)
_WRAPPED_RISK = Shape(Log.AUDIT, lambda _head: risks.RISK_DETECTED, _activity_at, risks.detected)
_WRAPPED_USER_AT_RISK = Shape(Log.AUDIT, lambda _head: risks.USER_AT_RISK, _activity_at, risks.at_risk)
_WRAPPED_SIGN_IN = Shape(Log.SIGN_IN, _wrapped_error, _signed_in_at, sign_ins.from_diagnostics)
_EXPORTED = Shape(
    Log.RESOURCE,
    lambda head: word(head.operation_name),
    lambda head: envelope_instant(head.time),
    resources.from_diagnostics,
)
_EVENT_GRID = Shape(
    Log.RESOURCE,
    lambda head: (head.data and head.data.operation_name) or "",
    lambda head: head.event_time or envelope_instant(head.time),
    resources.from_event_grid,
)
_ACTIVITY_LOG = Shape(
    Log.RESOURCE,
    lambda head: word(head.operation_name),
    lambda head: head.event_timestamp,
    resources.from_activity_log,
)
_PYTHON_SDK = Shape(
    Log.RESOURCE,
    lambda head: word(head.snake_operation_name),
    lambda head: head.snake_event_timestamp,
    resources.from_python_sdk,
)
_AUDIT_ROW = Shape(
    Log.AUDIT,
    lambda head: head.row_activity or head.row_operation or "",
    lambda head: head.row_activity_at or head.row_generated_at,
    audit.from_log_analytics,
)
_SIGN_IN_ROW = Shape(
    Log.SIGN_IN,
    lambda head: _code(head.row_result_type),
    lambda head: head.row_created_at or head.row_generated_at,
    sign_ins.from_log_analytics,
)
_ACTIVITY_ROW = Shape(
    Log.RESOURCE,
    lambda head: head.row_operation_value or head.row_operation or "",
    lambda head: head.row_generated_at,
    resources.from_log_analytics,
)

_SUBSCRIPTION_EVENTS = "microsoft.resources."

_CATEGORIES: Mapping[str, Shape] = {
    "auditlogs": _WRAPPED_AUDIT,
    "userriskevents": _WRAPPED_RISK,
    "riskyusers": _WRAPPED_USER_AT_RISK,
    **dict.fromkeys(
        (
            "signinlogs",
            "noninteractiveusersigninlogs",
            "serviceprincipalsigninlogs",
            "managedidentitysigninlogs",
            "microsoftserviceprincipalsigninlogs",
            "adfssigninlogs",
        ),
        _WRAPPED_SIGN_IN,
    ),
    **dict.fromkeys(
        (
            "administrative",
            "security",
            "servicehealth",
            "alert",
            "recommendation",
            "policy",
            "autoscale",
            "resourcehealth",
        ),
        _EXPORTED,
    ),
}

_TABLES: Mapping[str, Shape] = {
    "auditlogs": _AUDIT_ROW,
    "azureactivity": _ACTIVITY_ROW,
    **dict.fromkeys(
        (
            "signinlogs",
            "aadnoninteractiveusersigninlogs",
            "aadserviceprincipalsigninlogs",
            "aadmanagedidentitysigninlogs",
            "microsoftserviceprincipalsigninlogs",
            "adfssigninlogs",
        ),
        _SIGN_IN_ROW,
    ),
}

NOT_JUDGED = frozenset(
    """
    aadgraphactivitylogs aadprovisioninglogs aadriskyserviceprincipals aadriskyusers aadserviceprincipalriskevents
    aaduserriskevents azureadgraphactivitylogs b2crequestlogs customsecurityattributeauditlogs
    enrichedmicrosoft365auditlogs enrichedoffice365auditlogs graphnotificationsactivitylogs microsoftgraphactivitylogs
    networkaccessalerts networkaccessconnectionevents networkaccesstrafficlogs networkaccesstraffic provisioninglogs
    remotenetworkhealthlogs riskyagents riskyserviceprincipals serviceprincipalriskevents
    """.split()  # noqa: SIM905 - a list of quoted names would be a page
)
"""Categories of Entra's diagnostic settings, and their tables, that no detection judges, in lower case.

They come with the others where somebody switched them on. Each is counted as such: it isn't unreadable.
"""


def _event_grid(head: Head) -> Shape:
    kind = head.event_type or head.type or ""
    if kind.lower().startswith(_SUBSCRIPTION_EVENTS):
        return _EVENT_GRID
    raise UnreadableRecord(
        f"an Event Grid event of type {_quoted(kind)}; of Event Grid, a subscription's Microsoft.Resources.* is read"
    )


def _diagnostics(category: str) -> Shape:
    name = category.strip().lower()
    shape = _CATEGORIES.get(name)
    if name in NOT_JUDGED:
        raise NotJudged(category.strip())
    if shape is None:
        raise UnreadableRecord(
            f"a record of category {_quoted(category)}; of diagnostic settings, AuditLogs, the sign-in logs and the "
            "Activity Log's categories are read"
        )
    return shape


def _row(head: Head) -> Shape | None:
    """Find the table of a row by column Type, or by others where a query left Type out or gave it another meaning."""
    name = (head.table or "").strip()
    if table := _TABLES.get(name.lower()):
        return table
    if name.lower() in NOT_JUDGED:
        raise NotJudged(name)
    if head.row_activity is not None or head.row_service is not None:
        return _AUDIT_ROW
    if head.row_operation_value is not None:
        return _ACTIVITY_ROW
    if head.row_created_at is not None and head.row_result_type is not None:
        return _SIGN_IN_ROW
    return None


_MEMBERS = Decoder(dict[str, Raw])
_KEYS_SHOWN = 8


def _unknown(head: Head, raw: Raw) -> Shape:
    if head.unified_operation is not None:
        raise UnreadableRecord(
            f"an Office 365 unified audit record ({_quoted(head.unified_operation)}), which is not an input: take the "
            "directory's audit log from Microsoft Graph, diagnostic settings or Log Analytics"
        )
    keys = list(decode(_MEMBERS, raw))
    shown = ", ".join(_quoted(key) for key in keys[:_KEYS_SHOWN]) + (", …" if len(keys) > _KEYS_SHOWN else "")
    raise UnreadableRecord(f"it has none of the shapes that are read; its keys are: {shown or 'none'}")


_LONGEST_QUOTE = 80


def _quoted(text: str) -> str:
    return repr(text if len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE]}…")
