"""Detections in Kusto: each condition as a `where` over a view whose columns are named and folded as the Text fields.

A view gives `events.fold` as far as Kusto can say it: dashes, spaces, case and the cut at 500 characters are the same;
Unicode's compatibility forms (NFKC) and the case folding of letters like the German sharp s are left out, since Kusto
has no function for them. A text of ASCII letters, Unicode dashes and Unicode spaces reads the same in both languages.

A query knows nothing of approvals: it finds what was done, by whomever.
"""

import dataclasses
import re
import textwrap
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, assert_never

from msgspec import Struct

from shared.detect.aggregation.thresholds import threshold
from shared.detect.kusto.aggregation import burst_query, pair_query, rise_query
from shared.detect.kusto.fields import ACTOR, FIELDS, RESOURCE
from shared.detect.kusto.sign_in_fields import ACCOUNT, ACCOUNT_NAME, COUNTRY
from shared.detect.kusto.terms import SPACES, TENANT, Expression, Looked, among, quoted
from shared.model.conditions import All, AnyOf, Condition, Contains, EndsWith, Is, Not, OneOf, StartsWith, fields_of
from shared.model.detections import AnyDetection, Burst, Rise
from shared.model.events import Log
from shared.model.profile import DEFAULT, TenantProfile
from shared.normalize.resources import OUTCOMES

_DASHES: Final = r"[\x{2010}-\x{2015}\x{2212}\x{fe58}\x{fe63}\x{ff0d}]"

_LETS: Final[Mapping[str, str]] = {
    "Fold": f"""let Fold = (text: string) {{
    tolower(trim(" ", substring(replace_regex(replace_regex(text,
        @"{_DASHES}", "-"),
        @"{SPACES}", " "),
        0, 500)))
}};
""",
    "Whole": f"""let Whole = (text: string) {{
    tolower(trim(" ", replace_regex(replace_regex(text, @"{_DASHES}", "-"), @"{SPACES}", " ")))
}};
""",
    "Outcome": f"""let Outcome = (word: string) {{
    case({", ".join(f'word == "{word}", "{outcome}"' for word, outcome in OUTCOMES.items())}, word)
}};
""",
    "Principal": rf"""let Principal = (text: string) {{
    replace_regex(tolower(trim(@"{SPACES}", text)), @"^[0-]{{36}}$", "")
}};
""",
    "Value": r"""let Value = (text: string) {
    case(text startswith "\"", tostring(parse_json(text)), text == "null", "", text)
};
""",
    "Targets": """let Targets = AuditLogs
| mv-expand with_itemindex=place target = TargetResources;
""",
    "Changes": """let Changes = Targets
| mv-expand change = target.modifiedProperties
| project Id, property = Fold(tostring(change.displayName)),
    old = Value(tostring(change.oldValue)), new = Value(tostring(change.newValue));
""",
    "Sides": """let Sides = union
    (Changes | project Id, property, value = old, olds = 1, news = 0),
    (Changes | project Id, property, value = new, olds = 0, news = 1)
| where isnotempty(value);
""",
    "Items": rf"""let Items = Sides
| mv-expand item = iff(value matches regex @"^\s*\[", parse_json(value), pack_array(value))
| where isnotempty(tostring(item))
| project Id, property, text = trim(@"{SPACES}", tostring(item)), olds, news;
""",
}
"""Functions and tables that queries share, each after those that it needs.

`Changes` are the modified properties, unwrapped as the normaliser does. `Sides` has each property's old and new value
in a row of its own, and `Items` the members of those that are lists. `Whole` is `Fold` without the cut.
"""


class View(Struct, frozen=True, kw_only=True):
    """A log as its detections read it.

    `tables` are what it is made of; where there are several, each is reduced to the columns that are asked for before
    they are put together, since they give the same column different types. `shown` are expressions of the columns that
    a person sees of each match, beside the fields that the condition reads. `record_id` and `tenant_id` tell records
    and tenants apart where they are counted. `lacking` are columns that a table hasn't, each with the expression that
    is taken for it.
    """

    name: str
    tables: tuple[str, ...]
    shown: Mapping[str, str]
    record_id: str = "Id"
    tenant_id: str = TENANT
    lacking: Mapping[str, Mapping[str, str]] = {}


VIEWS: Final[Mapping[Log, View]] = {
    Log.AUDIT: View(
        name="AuditView",
        tables=("AuditLogs",),
        shown={
            "actor_id": ACTOR,
            "actor_name": (
                "coalesce(tostring(InitiatedBy.user.userPrincipalName), tostring(InitiatedBy.user.displayName),"
                " tostring(InitiatedBy.app.displayName))"
            ),
            "actor_address": "tostring(InitiatedBy.user.ipAddress)",
            "target_id": "tostring(TargetResources[0].id)",
            "target_name": (
                "coalesce(tostring(TargetResources[0].displayName), tostring(TargetResources[0].userPrincipalName))"
            ),
            "correlation_id": "CorrelationId",
        },
    ),
    Log.SIGN_IN: View(
        name="SignInView",
        tables=("SigninLogs", "AADNonInteractiveUserSignInLogs"),
        shown={
            "actor_id": ACCOUNT,
            "actor_name": ACCOUNT_NAME,
            "actor_address": "IPAddress",
            "signed_in_from": COUNTRY,
            "target_id": "tolower(AppId)",
            "target_name": "AppDisplayName",
            "correlation_id": "CorrelationId",
        },
        lacking={"AADNonInteractiveUserSignInLogs": {"AADTenantId": "ResourceTenantId"}},
    ),
    Log.RESOURCE: View(
        name="ResourceView",
        tables=("AzureActivity",),
        shown={
            "actor_id": (
                'tolower(tostring(parse_json(Claims)["http://schemas.microsoft.com/identity/claims/objectidentifier"]))'
            ),
            "actor_name": "Caller",
            "actor_address": "CallerIpAddress",
            "target_id": RESOURCE,
            "correlation_id": "CorrelationId",
        },
        record_id="EventDataId",
        tenant_id='""',
    ),
}


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


def query(detection: AnyDetection, profile: TenantProfile = DEFAULT) -> str:
    """Write the whole query that finds what `detection` speaks of, over whatever time the person asking chooses.

    It gives matches, latest first. Where the detection counts, it gives a row for each case that counting makes: by
    value and clock hour.

    Raises:
        LookupError: it reads a field that no view has.
    """
    view, condition, name = VIEWS[detection.log].name, predicate(detection), detection.id
    match detection.counted:
        case Burst() as burst:
            at_least = threshold(detection, profile)
            asked = burst_query(view, condition, burst, detection=name, at_least=at_least)
        case Rise() as rise:
            floor = threshold(detection, profile)
            asked = rise_query(view, condition, rise, detection=name, floor=floor)
        case None if after := detection.after:
            first, by = to_kql(after.step_a), after.by.name
            asked = pair_query(view, condition, first=first, by=by, within=after.window, told=_told(detection))
        case None:
            return matching_query(detection, profile)
    return _whole(detection, profile, asked)


def matching_query(detection: AnyDetection, profile: TenantProfile = DEFAULT) -> str:
    """Write the query that finds each record that meets the condition of `detection`, whatever it counts or follows.

    Raises:
        LookupError: the condition reads a field that no view has.
    """
    alone = dataclasses.replace(detection, counted=None, after=None)
    asked = (
        f"{VIEWS[detection.log].name}\n"
        f"| where {predicate(detection)}\n"
        f"| project TimeGenerated, {_told(alone)}\n"
        "| sort by TimeGenerated desc\n"
    )
    return _whole(alone, profile, asked)


def _told(detection: AnyDetection) -> str:
    """List the columns that a person sees of a match."""
    shown = VIEWS[detection.log].shown
    return f"detection = {quoted(detection.id)},\n    {', '.join([*_read(detection), *shown])}"


def _read(detection: AnyDetection) -> list[str]:
    """Name the fields that a detection reads, to judge a record, to count it, or to find what it follows."""
    fields = set(fields_of(detection.when))
    if isinstance(detection.counted, Burst):
        fields |= {field for field in (detection.counted.by, detection.counted.distinct) if field}
    if detection.after:
        fields |= {*fields_of(detection.after.step_a), detection.after.by}
    return sorted({field.name for field in fields})


def _whole(detection: AnyDetection, profile: TenantProfile, asked: str) -> str:
    """Put before a question the view that it asks, and the definitions that this needs."""
    view, known = VIEWS[detection.log], FIELDS[detection.log]
    read = _read(detection)
    if missing := [name for name in read if name not in known]:
        raise LookupError(
            f"{detection.id} reads {', '.join(missing)}; FIELDS in shared/detect/kusto/fields.py haven't got it"
        )
    fields = {name: known[name](profile) for name in read}
    ids = {"record_id": view.record_id, "tenant_id": view.tenant_id} if detection.counted or detection.after else {}
    body = f"let {view.name} = {_tabular(view, {**fields, **ids})};\n{asked}"
    return "".join(_needed_by(body)) + body


def _needed_by(body: str) -> list[str]:
    """Give the shared definitions that a query uses, and those that they use."""
    needed: list[str] = []
    for name, definition in reversed(_LETS.items()):
        if re.search(rf"\b{name}\b", "".join([*needed, body])):
            needed.insert(0, definition)
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
        *([_WORDS.format(", ".join(detection.required_profile_keys))] if detection.required_profile_keys else []),
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
_REACHES: Final = "It looks at up to {} days before: ask it over that much more, as far as records are kept."
_WORDS: Final = "Words that differ by tenant are in it as they were set when it was written: {}."
_APPROVED: Final = "What approved actors did is among the answers: approval list {} says who they are, by actor_id."


def _tabular(view: View, fields: Mapping[str, Expression]) -> str:
    looked = {name: field for name, field in fields.items() if isinstance(field, Looked)}
    joins = "".join(f"\n| join kind=leftouter (\n    {one.rows}\n) on Id" for one in looked.values() if one.rows)
    joins += "".join(f"\n| extend {name} = {step}" for one in looked.values() for name, step in one.steps.items())
    values = {name: field.value if isinstance(field, Looked) else field for name, field in fields.items()}
    columns = "".join(f",\n    {name} = {expression}" for name, expression in {**values, **view.shown}.items())
    parts = [
        f"{table}{_made_up_for(view, table, columns)}{joins}\n| project\n    TimeGenerated{columns}"
        for table in view.tables
    ]
    return parts[0] if len(parts) == 1 else "union isfuzzy=true\n(\n" + "\n),\n(\n".join(parts) + "\n)"


def _made_up_for(view: View, table: str, columns: str) -> str:
    """Add the columns that the table hasn't and that are read."""
    lacking = view.lacking.get(table, {})
    return "".join(f"\n| extend {name} = {taken}" for name, taken in lacking.items() if name in columns)
