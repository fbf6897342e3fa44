"""Detections as scheduled analytics rules of Microsoft Sentinel, within what its service takes.

A query has 10,000 characters at most, so long lists of the tenant profile become watchlists that the query reads. A
rule looks back 14 days at most, so what compares weeks, or waits longer, is no rule: it is said why.
"""

import json
import re
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from msgspec import Struct

from shared.detect.fields.kusto_terms import SPACES, quoted
from shared.detect.kusto.compile import query
from shared.detect.kusto.views import VIEWS
from shared.model.detections import AnyDetection, Burst, Rise
from shared.model.events import Log, fold
from shared.model.kinds import Risk
from shared.model.profile import TenantProfile

LONGEST_QUERY: Final = 10_000
"""Characters: learn.microsoft.com/azure/sentinel/sentinel-service-limits, "Analytics rule limits"."""

LONGEST_LOOKBACK: Final = timedelta(days=14)
_HOURLY_FROM: Final = timedelta(days=2)
"""A rule that looks back so far can't run more often than each hour."""

_LATE: Final = timedelta(days=1)
"""How late a record may come; a rule looks back so much further."""

_HOUR: Final = timedelta(hours=1)
_OVERLAP: Final = timedelta(minutes=1)
"""How much more than since its last run a rule looks at what came, since no run begins at the very instant."""

_LONGEST_LITERAL: Final = 20
"""Values of a list that stay in the query; from there on they are a watchlist."""

_NAMESPACE: Final = uuid.UUID("6f0d6c1e-8f1b-4b56-9a39-1f0c0b8a7e52")
_API: Final = "2023-02-01"
_PROVIDERS: Final = "Microsoft.OperationalInsights/workspaces/providers"

_SEVERITIES: Final[Mapping[Risk, str]] = {Risk.LOW: "Low", Risk.MEDIUM: "Medium", Risk.HIGH: "High"}
_CONNECTORS: Final[Mapping[str, str]] = {"AzureActivity": "AzureActivity"}
_DIRECTORY: Final = "AzureActiveDirectory"

TACTICS: Final[Mapping[str, str]] = {
    "T1070": "DefenseEvasion",
    "T1078": "InitialAccess",
    "T1098": "Persistence",
    "T1110": "CredentialAccess",
    "T1136": "Persistence",
    "T1484": "DefenseEvasion",
    "T1528": "CredentialAccess",
    "T1531": "Impact",
    "T1548": "PrivilegeEscalation",
    "T1550": "LateralMovement",
    "T1556": "CredentialAccess",
    "T1562": "DefenseEvasion",
    "T1584": "ResourceDevelopment",
    "T1606": "CredentialAccess",
    "T1621": "CredentialAccess",
}
"""A tactic of each technique: the service refuses a technique without one that it belongs to."""

_FORMERLY: Final[Mapping[str, str]] = {"T1685": "T1562"}
"""Numbers that the service doesn't know yet, with those that it knows."""


class EntityMapping(Struct, frozen=True, kw_only=True):
    """An entity of an alert, and the columns that identify it."""

    kind: str
    columns: Mapping[str, str]


class Watchlist(Struct, frozen=True, kw_only=True):
    """A list of the tenant profile that queries read by `alias`; `values` are as the queries compare them."""

    alias: str
    name: str
    values: tuple[str, ...]


class Rule(Struct, frozen=True, kw_only=True):
    """A scheduled analytics rule: run each `frequency`, over the last `period`."""

    detection: AnyDetection
    query: str
    frequency: timedelta
    period: timedelta
    entities: tuple[EntityMapping, ...]
    watchlists: tuple[Watchlist, ...] = ()

    @property
    def id(self) -> str:
        """The rule's name in the service: the same each time."""
        return str(uuid.uuid5(_NAMESPACE, self.detection.id))


class NoRule(Struct, frozen=True, kw_only=True):
    """A detection that no scheduled rule can do, and why."""

    detection: AnyDetection
    because: str


def rule_for(detection: AnyDetection, profile: TenantProfile) -> Rule | NoRule:
    """Make the rule of a detection, or say why there is none."""
    if isinstance(detection.counted, Rise):
        weeks = detection.counted.weeks
        because = f"it compares an hour with the same one of the {weeks} weeks before, and {_LOOKS_BACK}"
        return NoRule(detection=detection, because=because)
    window = _window(detection)
    period = _LATE - (-window // _HOUR) * _HOUR  # whole hours
    if period > LONGEST_LOOKBACK:
        because = f"its two steps may be {window.days} days apart, and {_LOOKS_BACK}"
        return NoRule(detection=detection, because=because)
    frequency = timedelta(minutes=5 if detection.risk is Risk.HIGH and period < _HOURLY_FROM else 60)
    minutes = (frequency + _OVERLAP) // timedelta(minutes=1)
    try:
        whole = query(detection, profile, ingested_within=f"{minutes}m")
    except LookupError as error:
        return NoRule(detection=detection, because=str(error))
    text, watchlists = _with_watchlists(whole, profile)
    text = _shortened(text)
    if len(text) > LONGEST_QUERY:
        because = f"its query has {len(text):,} characters, and a rule's at most {LONGEST_QUERY:,}: {_SHORTEN}"
        return NoRule(detection=detection, because=because)
    return Rule(
        detection=detection,
        query=text,
        frequency=frequency,
        period=period,
        entities=_entities(detection),
        watchlists=watchlists,
    )


_LOOKS_BACK: Final = (
    "a scheduled rule looks back 14 days at most: leave it to the app, which counts itself or in the workspace that"
    " LOG_WORKSPACE_ID names"
)
_SHORTEN: Final = "set fewer values in the tenant profile that aren't lists of ids, such as working_hours"


def _window(detection: AnyDetection) -> timedelta:
    if isinstance(detection.counted, Burst):
        return detection.counted.within
    return detection.after.window if detection.after else timedelta()


_LIST: Final = re.compile(r'\((?P<values>"(?:[^"\\]|\\.)*+"(?:, "(?:[^"\\]|\\.)*+")++)\)')
_LONG: Final = 200


def _shortened(text: str) -> str:
    """Have a query write once what is long and stands there more than once: lists, and the pattern of spaces."""
    pattern = f'@"{SPACES}"'
    lets = ""
    if text.count(pattern) > 1:
        lets, text = f"let Spaces = {pattern};\n", text.replace(pattern, "Spaces")
    counted = Counter(found["values"] for found in _LIST.finditer(text))
    repeated = [values for values, count in counted.items() if count > 1 and len(values) > _LONG]
    for number, values in enumerate(repeated, 1):
        lets += f"let Values{number} = dynamic([{values}]);\n"
        text = text.replace(f"({values})", f"(Values{number})")
    return lets + text


def _with_watchlists(text: str, profile: TenantProfile) -> tuple[str, tuple[Watchlist, ...]]:
    """Have a query read its long lists from watchlists."""
    used: list[Watchlist] = []
    for watchlist in _watchlists(profile):
        literal = f"({', '.join(map(quoted, watchlist.values))})"
        if literal in text:
            text = text.replace(literal, f"({watchlist.name})")
            used.append(watchlist)
    lets = "".join(
        f"let {one.name} = toscalar(_GetWatchlist({quoted(one.alias)}) | summarize make_set(SearchKey));\n"
        for one in used
    )
    return lets + text, tuple(used)


def _watchlists(profile: TenantProfile) -> Iterator[Watchlist]:
    """Give the long lists of a profile, each as queries have it: as it is, or folded."""
    for field in profile.__struct_fields__:
        values: object = getattr(profile, field)
        if not isinstance(values, frozenset):
            continue
        texts = sorted(one for one in values if isinstance(one, str))  # pyright: ignore[reportUnknownVariableType]
        if len(texts) <= _LONGEST_LITERAL:
            continue
        words = field.split("_")
        name = "Listed" + "".join(map(str.capitalize, words))
        alias = f"entra-responder-{'-'.join(words)}"
        yield Watchlist(alias=alias, name=name, values=tuple(texts))
        folded = tuple(sorted({fold(one) for one in texts}))
        if folded != tuple(texts):
            yield Watchlist(alias=f"{alias}-folded", name=f"{name}Folded", values=folded)


_ADDRESS: Final = EntityMapping(kind="IP", columns={"Address": "actor_address"})
_WHO: Final = EntityMapping(kind="Account", columns={"AadUserId": "actor_id", "FullName": "actor_name"})
_ENTITIES: Final[Mapping[Log, tuple[EntityMapping, ...]]] = {
    Log.AUDIT: (_WHO, _ADDRESS),
    Log.SIGN_IN: (_WHO, _ADDRESS, EntityMapping(kind="CloudApplication", columns={"Name": "target_name"})),
    Log.RESOURCE: (_WHO, _ADDRESS, EntityMapping(kind="AzureResource", columns={"ResourceId": "target_id"})),
}
_COUNTED: Final[Mapping[str, EntityMapping]] = {
    "account": EntityMapping(kind="Account", columns={"AadUserId": "value", "FullName": "name"}),
    "principal": EntityMapping(kind="Account", columns={"AadUserId": "value"}),
    "identity": EntityMapping(kind="Account", columns={"FullName": "value"}),
    "address": EntityMapping(kind="IP", columns={"Address": "value"}),
}
"""By what is counted."""


def _entities(detection: AnyDetection) -> tuple[EntityMapping, ...]:
    if not isinstance(detection.counted, Burst):
        return _ENTITIES[detection.log]
    by = detection.counted.by
    return (_COUNTED[by.name],) if by and by.name in _COUNTED else ()


def _attack(detection: AnyDetection) -> tuple[list[str], list[str]]:
    """Give tactics and techniques, as far as the service knows them."""
    numbers = dict.fromkeys(_FORMERLY.get(number, number) for number in (one.id[:5] for one in detection.techniques))
    known = [number for number in numbers if number in TACTICS]
    return list(dict.fromkeys(TACTICS[number] for number in known)), known


def _description(detection: AnyDetection) -> str:
    approved = (
        f" It also finds what approved actors did: approval list {detection.unless_actor_in} isn't asked."
        if detection.unless_actor_in
        else ""
    )
    return f"{detection.why}{approved}"


def as_yaml(rule: Rule) -> dict[str, Any]:
    """Give a rule in the form of Microsoft's repository of Sentinel content."""
    tactics, techniques = _attack(rule.detection)
    tables = VIEWS[rule.detection.log].tables
    connectors: dict[str, list[str]] = {}
    for table in tables:
        connectors.setdefault(_CONNECTORS.get(table, _DIRECTORY), []).append(table)
    return {
        "id": rule.id,
        "name": rule.detection.title,
        "description": _description(rule.detection),
        "severity": _SEVERITIES[rule.detection.risk],
        "status": "Available",
        "requiredDataConnectors": [
            {"connectorId": connector, "dataTypes": types} for connector, types in connectors.items()
        ],
        "queryFrequency": _short(rule.frequency),
        "queryPeriod": _short(rule.period),
        "triggerOperator": "gt",
        "triggerThreshold": 0,
        "tactics": tactics,
        "relevantTechniques": techniques,
        "query": rule.query,
        **({"entityMappings": _mappings(rule)} if rule.entities else {}),
        "eventGroupingSettings": {"aggregationKind": "AlertPerResult"},
        "version": "1.0.0",
        "kind": "Scheduled",
    }


def _mappings(rule: Rule) -> list[dict[str, Any]]:
    return [
        {
            "entityType": entity.kind,
            "fieldMappings": [
                {"identifier": identifier, "columnName": column} for identifier, column in entity.columns.items()
            ],
        }
        for entity in rule.entities
    ]


def as_template(rules: Sequence[Rule]) -> dict[str, Any]:
    """Give an ARM template that makes the watchlists and the rules in a workspace, switched on."""
    watchlists = {one.alias: one for rule in rules for one in rule.watchlists}
    return {
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "parameters": {
            "workspace": {"type": "string", "metadata": {"description": "Name of the workspace that Sentinel is on."}}
        },
        "resources": [
            *(_watchlist_resource(one) for one in watchlists.values()),
            *(_rule_resource(rule) for rule in rules),
        ],
    }


def _name(of: str) -> str:
    return f"[concat(parameters('workspace'), '/Microsoft.SecurityInsights/{of}')]"


def _watchlist_resource(watchlist: Watchlist) -> dict[str, Any]:
    return {
        "type": f"{_PROVIDERS}/Watchlists",
        "apiVersion": _API,
        "name": _name(watchlist.alias),
        "properties": {
            "displayName": watchlist.alias,
            "description": "A list of Entra Responder's tenant profile, which its analytics rules read.",
            "provider": "Entra Responder",
            "source": "Local file",
            "sourceType": "Local file",
            "itemsSearchKey": "Value",
            "contentType": "text/csv",
            "numberOfLinesToSkip": 0,
            "rawContent": "Value\n" + "".join(f"{_cell(value)}\n" for value in watchlist.values),
        },
    }


def _cell(value: str) -> str:
    """Write a value as a cell of CSV."""
    return '"' + value.replace('"', '""') + '"' if re.search(r'[",\n\r]', value) else value


def _rule_resource(rule: Rule) -> dict[str, Any]:
    tactics, techniques = _attack(rule.detection)
    depends = [
        f"[resourceId('{_PROVIDERS}/Watchlists', parameters('workspace'), 'Microsoft.SecurityInsights', '{one.alias}')]"
        for one in rule.watchlists
    ]
    return {
        "type": f"{_PROVIDERS}/alertRules",
        "apiVersion": _API,
        "name": _name(rule.id),
        "kind": "Scheduled",
        **({"dependsOn": depends} if depends else {}),
        "properties": {
            "displayName": _literal(rule.detection.title),
            "description": _literal(_description(rule.detection)),
            "severity": _SEVERITIES[rule.detection.risk],
            "enabled": True,
            "query": _literal(rule.query),
            "queryFrequency": _iso(rule.frequency),
            "queryPeriod": _iso(rule.period),
            "triggerOperator": "GreaterThan",
            "triggerThreshold": 0,
            "suppressionEnabled": False,
            "suppressionDuration": "PT5H",
            "tactics": tactics,
            "techniques": techniques,
            **({"entityMappings": _mappings(rule)} if rule.entities else {}),
            "eventGroupingSettings": {"aggregationKind": "AlertPerResult"},
            "incidentConfiguration": {
                "createIncident": True,
                "groupingConfiguration": {
                    "enabled": bool(rule.entities),
                    "reopenClosedIncident": False,
                    "lookbackDuration": "PT5H",
                    "matchingMethod": "AllEntities",
                },
            },
        },
    }


def _literal(text: str) -> str:
    """Write a text so that ARM doesn't take it for an expression."""
    return f"[{text}" if text.startswith("[") else text


def _short(length: timedelta) -> str:
    """Write a length of time as Sentinel's YAML has it: 5m, 1h, 2d."""
    for unit, letter in ((timedelta(days=1), "d"), (timedelta(hours=1), "h")):
        if not length % unit:
            return f"{length // unit}{letter}"
    return f"{length // timedelta(minutes=1)}m"


def _iso(length: timedelta) -> str:
    """Write a length of time as ISO 8601 has it: PT5M, PT1H, P2D."""
    short = _short(length)
    return f"P{short.upper()}" if short.endswith("d") else f"PT{short.upper()}"


def template_text(rules: Sequence[Rule]) -> str:
    """Write the template."""
    return json.dumps(as_template(rules), indent=2, ensure_ascii=False) + "\n"
