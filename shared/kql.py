"""Detections in Kusto: each condition as a `where` over a view whose columns are named and folded as the Text fields.

A view gives `events.fold` as far as Kusto can say it: dashes, spaces, case and the cut at 500 characters are the same;
Unicode's compatibility forms (NFKC) and the case folding of letters like the German sharp s are left out, since Kusto
has no function for them. A text of ASCII letters, Unicode dashes and Unicode spaces reads the same in both languages.

A query knows nothing of approvals: it finds what was done, by whomever.
"""

import json
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, Final, assert_never

from msgspec import Struct

from shared.catalog import AnyDetection
from shared.conditions import All, AnyOf, Condition, Is, Not, OneOf, StartsWith
from shared.events import Log
from shared.normalize.resources import OUTCOMES

_DASHES: Final = r"[\x{2010}-\x{2015}\x{2212}\x{fe58}\x{fe63}\x{ff0d}]"
_SPACES: Final = (
    r"[\s\x{0b}\x{1c}-\x{1f}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}]+"
)
"""Python's idea of a space, spelt out: regular expressions differ in theirs."""

_FOLD: Final = f"""let Fold = (text: string) {{
    tolower(trim(" ", substring(replace_regex(replace_regex(text,
        @"{_DASHES}", "-"),
        @"{_SPACES}", " "),
        0, 500)))
}};
"""


class View(Struct, frozen=True, kw_only=True):
    """A log as its detections read it.

    `tables` are what it is made of; where there are several, each is reduced to the columns that are asked for before
    they are put together, since they give the same column different types. `fields` are expressions by the name of the
    Text field, `shown` those of the columns that a person sees of each match.
    """

    name: str
    tables: tuple[str, ...]
    fields: Mapping[str, str]
    shown: Mapping[str, str]


VIEWS: Final[Mapping[Log, View]] = {
    Log.AUDIT: View(
        name="AuditView",
        tables=("AuditLogs",),
        fields={
            "activity": "Fold(coalesce(ActivityDisplayName, OperationName))",
            "category": "Fold(Category)",
            "service": "Fold(LoggedByService)",
            "outcome": "Fold(Result)",
            "target_kind": "Fold(tostring(TargetResources[0].type))",
        },
        shown={
            "actor_id": (
                "tolower(coalesce(tostring(InitiatedBy.user.id), tostring(InitiatedBy.app.servicePrincipalId)))"
            ),
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
        fields={
            "error_code": "ResultType",
            "app_name": "Fold(AppDisplayName)",
        },
        shown={
            "actor_id": "tolower(UserId)",
            "actor_name": "coalesce(UserPrincipalName, UserDisplayName)",
            "actor_address": "IPAddress",
            "country": "coalesce(tostring(parse_json(tostring(LocationDetails)).countryOrRegion), Location)",
            "target_id": "tolower(AppId)",
            "target_name": "AppDisplayName",
            "correlation_id": "CorrelationId",
        },
    ),
    Log.RESOURCE: View(
        name="ResourceView",
        tables=("AzureActivity",),
        fields={
            "operation": "Fold(coalesce(OperationNameValue, OperationName))",
            "outcome": "Outcome(Fold(coalesce(ActivityStatusValue, ActivityStatus)))",
        },
        shown={
            "actor_id": (
                'tolower(tostring(parse_json(Claims)["http://schemas.microsoft.com/identity/claims/objectidentifier"]))'
            ),
            "actor_name": "Caller",
            "actor_address": "CallerIpAddress",
            "target_id": "tolower(coalesce(ResourceId, _ResourceId))",
            "correlation_id": "CorrelationId",
        },
    ),
}

_OUTCOMES: Final = ", ".join(f'word == "{word}", "{outcome}"' for word, outcome in OUTCOMES.items())
_OUTCOME: Final = f"let Outcome = (word: string) {{\n    case({_OUTCOMES}, word)\n}};\n"


def to_kql(condition: Condition[Any]) -> str:
    """Write a condition as a Kusto expression over the columns of its log's view."""
    match condition:
        case Is(field, value):
            return f"{field.name} == {quoted(value)}"
        case OneOf(field, values):
            listed = ", ".join(map(quoted, sorted(values)))
            return f"{field.name} in ({listed})" if values else "false"
        case StartsWith(field, prefix):
            return f"{field.name} startswith_cs {quoted(prefix)}"
        case All(terms):
            return _joined(" and ", terms, none="true")
        case AnyOf(terms):
            return _joined(" or ", terms, none="false")
        case Not(term):
            return f"not({to_kql(term)})"
        case _:
            assert_never(condition)


def quoted(text: str) -> str:
    """Write a text as a Kusto literal, whose escapes are those of JSON."""
    return json.dumps(text, ensure_ascii=False)


def _joined(word: str, terms: tuple[Condition[Any], ...], *, none: str) -> str:
    if len(terms) == 1:
        return to_kql(terms[0])
    return f"({word.join(map(to_kql, terms))})" if terms else none


def query(detection: AnyDetection) -> str:
    """Write the whole query that finds what `detection` matches, over whatever time the person asking chooses.

    Raises:
        LookupError: its condition reads a field that no view has.
    """
    view = VIEWS[detection.log]
    read = sorted(set(_fields_of(detection.when)))
    if missing := [name for name in read if name not in view.fields]:
        raise LookupError(
            f"{detection.id} reads {', '.join(missing)}, which {view.name} in shared/kql.py can't compute"
        )
    columns = {name: view.fields[name] for name in read}
    return (
        f"{_FOLD}{_OUTCOME if detection.log is Log.RESOURCE else ''}"
        f"let {view.name} = {_tabular(view, columns)};\n"
        f"{view.name}\n"
        f"| where {predicate(detection)}\n"
        f"| project TimeGenerated, detection = {quoted(detection.id)},\n"
        f"    {', '.join([*read, *view.shown])}\n"
        "| sort by TimeGenerated desc\n"
    )


def predicate(detection: AnyDetection) -> str:
    """Write the condition of a detection, where each of several terms that must hold has a line."""
    if isinstance(detection.when, All) and detection.when.terms:
        return "\n    and ".join(map(to_kql, detection.when.terms))
    return to_kql(detection.when)


def document(detection: AnyDetection) -> str:
    """Give the query under a header that says what it finds and why that matters."""
    tables = ", ".join(VIEWS[detection.log].tables)
    lines = [
        detection.title,
        f"{detection.id} (risk: {detection.risk}, row of the guide: {detection.seed_row}, table: {tables})",
        f"Why: {detection.why}",
        *([f"Differs from the guide: {detection.deviates}"] if detection.deviates else []),
        *([_APPROVED.format(detection.unless_actor_in)] if detection.unless_actor_in else []),
    ]
    wrapped = [part for line in lines for part in textwrap.wrap(line, _WIDTH - len("// "))]
    return "".join(f"// {line}\n" for line in wrapped) + query(detection)


_WIDTH: Final = 120
_APPROVED: Final = "What approved actors did is among the answers: approval list {} says who they are, by actor_id."


def _tabular(view: View, fields: Mapping[str, str]) -> str:
    columns = "".join(f",\n    {name} = {expression}" for name, expression in {**fields, **view.shown}.items())
    parts = [f"{table}\n| project\n    TimeGenerated{columns}" for table in view.tables]
    return parts[0] if len(parts) == 1 else "union isfuzzy=true\n(\n" + "\n),\n(\n".join(parts) + "\n)"


def _fields_of(condition: Condition[Any]) -> Iterator[str]:
    match condition:
        case Is(field) | OneOf(field) | StartsWith(field):
            yield field.name
        case All(terms) | AnyOf(terms):
            for term in terms:
                yield from _fields_of(term)
        case Not(term):
            yield from _fields_of(term)
        case _:
            assert_never(condition)
