"""Diagnostic settings of the subscription and of two of the responder's own resources.

Azure prints each category that a resource has, whether it is switched on or not, and each destination, null where there
is none. It prints the id of a subscription's setting below a provider that isn't its own, as in its own examples.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from infra.local import world
from infra.local.tenant.simulated_kind import (
    ARM,
    NOTHING,
    Alternatives,
    Asked,
    Refusal,
    Reply,
    Route,
    Sample,
    SimulatedKind,
)
from infra.local.world import Json
from shared.model.kinds import ObjectKind, TenantKind

TYPE: Final = "Microsoft.Insights/diagnosticSettings"
_ALL: Final = f"{{scope*}}/providers/{TYPE}"
_ONE: Final = f"{_ALL}/{{name}}"
_MOST: Final = 5
_OF_SUBSCRIPTIONS: Final = ("Administrative", "Security", "ServiceHealth", "Alert", "Recommendation", "Policy")
_OF_TYPES: Final[Mapping[str, tuple[str, ...]]] = {
    "microsoft.keyvault/vaults": ("AuditEvent", "AzurePolicyEvaluationDetails"),
    "microsoft.eventgrid/systemtopics": ("DeliveryFailures",),
}
DESTINATIONS: Final = (
    "workspaceId",
    "storageAccountId",
    "eventHubAuthorizationRuleId",
    "eventHubName",
    "marketplacePartnerId",
    "serviceBusRuleId",
    "logAnalyticsDestinationType",
)
_ENDS: Final = tuple(each for each in DESTINATIONS if each not in {"eventHubName", "logAnalyticsDestinationType"})
_NOT_KEPT: Final[Json] = {"enabled": False, "days": 0}


def _needs(verb: str) -> Alternatives:
    return (frozenset({f"{TYPE}/{verb}"}),)


def id_at(scope: str, name: str) -> str:
    """Give the responder's id of a setting."""
    return f"{scope}/providers/{TYPE}/{name}".lower()


def _categories(scope: str) -> tuple[str, ...]:
    found = re.search(r"/providers/([^/]+/[^/]+)/[^/]+$", scope.lower())
    return _OF_TYPES.get(found[1], ("AuditEvent",)) if found else _OF_SUBSCRIPTIONS


def printed(name: str, properties: Mapping[str, Any], categories: tuple[str, ...], *, setting_id: str) -> Json:
    """Print a setting whole."""
    sent = {each.get("category"): each for each in entries(properties, "logs")}
    groups = [each for each in entries(properties, "logs") if each.get("categoryGroup")]
    logs = [
        {"category": each, "categoryGroup": None, "enabled": False, "retentionPolicy": _NOT_KEPT} | sent.get(each, {})
        for each in categories
    ]
    whole = {
        **{each: properties.get(each) for each in DESTINATIONS},
        "logs": logs + [{"category": None, "retentionPolicy": _NOT_KEPT} | each for each in groups],
        "metrics": [
            {"timeGrain": None, "retentionPolicy": _NOT_KEPT} | each for each in entries(properties, "metrics")
        ],
    }
    blank = dict.fromkeys(("location", "kind", "tags", "identity"))
    return {"id": setting_id, "type": TYPE, "name": name, **blank, "properties": whole}


def entries(properties: Mapping[str, Any], name: str) -> list[Json]:
    """Give what a list of a setting has, empty where it has none."""
    return [*(properties.get(name) or [])]


def check(properties: Mapping[str, Any], categories: tuple[str, ...]) -> None:
    """Refuse what Azure refuses of a setting's body; raises Refusal."""
    if not any(properties.get(each) for each in _ENDS):
        raise Refusal(400, "BadRequest", "At least one data sink needs to be specified.")
    named = {str(each["category"]) for each in entries(properties, "logs") if each.get("category")}
    if unknown := sorted(named - {*categories}):
        raise Refusal(400, "BadRequest", f"Category '{unknown[0]}' is not supported.")


def _at(asked: Asked) -> str:
    return id_at(asked.ids["scope"], asked.ids["name"])


def _listed(asked: Asked) -> dict[str, Json]:
    beginning = id_at(asked.ids["scope"], "")
    return {key: each for key, each in asked.shelf.listed().items() if key.startswith(beginning)}


def _list(asked: Asked) -> Reply:
    return Reply(values=[*_listed(asked).values()])


def _get(asked: Asked) -> Reply:
    return Reply(body=asked.shown(_at(asked), code="ResourceNotFound"))


def _put(asked: Asked) -> Reply:
    scope, name = asked.ids["scope"], asked.ids["name"]
    properties: Json = asked.body.get("properties") or {}
    check(properties, _categories(scope))
    others = {key: each for key, each in _listed(asked).items() if key != _at(asked)}
    if len(others) >= _MOST:
        raise Refusal(409, "Conflict", f"There are {_MOST} diagnostic settings already.")
    refuse_same_sink(properties, others)
    whole = _setting(scope, name, properties)
    asked.shelf.put(_at(asked), whole)
    return Reply(body=whole)


def refuse_same_sink(properties: Mapping[str, Any], others: Mapping[str, Json]) -> None:
    """Refuse to send a category where another setting sends it already; raises Refusal."""
    for other in others.values():
        for sink in _ENDS:
            one, two = str(properties.get(sink) or "").lower(), str(other["properties"].get(sink) or "").lower()
            again = _switched_on(properties) & _switched_on(other["properties"])
            if one and one == two and again:
                used = f"is already used in diagnostic setting '{other['name']}' for category '{min(again)}'"
                raise Refusal(409, "Conflict", f"Data sink '{one}' {used}.")


def _switched_on(properties: Mapping[str, Any]) -> set[str]:
    listed = entries(properties, "logs")
    return {str(each.get("category") or each.get("categoryGroup")) for each in listed if each.get("enabled")}


def _delete(asked: Asked) -> Reply:
    if asked.shelf.current(_at(asked)) is not None:
        asked.shelf.put(_at(asked), None)
    return NOTHING


def _setting(scope: str, name: str, properties: Mapping[str, Any]) -> Json:
    is_of_subscription = scope.count("/") == world.SUBSCRIPTION_SCOPE.count("/")
    strange = f"{scope.lstrip('/')}/providers/AzureResourceManager/diagnosticSettings/{name}"
    shown = strange if is_of_subscription else f"{scope}/providers/microsoft.insights/diagnosticSettings/{name}"
    return printed(name, properties, _categories(scope), setting_id=shown)


def _on(*categories: str) -> list[Json]:
    return [{"category": each, "enabled": True} for each in categories]


_WORKSPACE: Final = f"{world.RESOURCE_GROUP_SCOPE}/providers/Microsoft.OperationalInsights/workspaces/log-responder"
_ELSEWHERE: Final = (
    "/subscriptions/9d0e6b3f-27c8-4a51-8f3d-b64e10c7a925/resourceGroups/x"
    "/providers/Microsoft.OperationalInsights/workspaces/x"
)
_EXPORT: Final[Json] = {"workspaceId": _WORKSPACE, "logs": _on("Administrative", "Security", "Policy")}
_ACCESS: Final[Json] = {
    "workspaceId": _WORKSPACE,
    "eventHubAuthorizationRuleId": (
        f"{world.RESOURCE_GROUP_SCOPE}/providers/Microsoft.EventHub/namespaces/siem/authorizationRules/send"
    ),
    "eventHubName": "audit",
    "logs": [*_on("AuditEvent"), {"categoryGroup": "audit", "enabled": True}],
    "metrics": [{"category": "AllMetrics", "enabled": True}],
}
_COPY: Final[Json] = {"workspaceId": _ELSEWHERE, "logs": _on("Administrative")}


def _sample(scope: str, name: str, properties: Json, *, is_there: bool = True) -> Sample:
    return Sample(object_id=id_at(scope, name), image=_setting(scope, name, properties), is_there=is_there)


EXPORT: Final = _sample(world.SUBSCRIPTION_SCOPE, "entra-responder-prod", _EXPORT)
SIMULATED: Final = SimulatedKind(
    kind=ObjectKind.DIAGNOSTIC_SETTING,
    tenant_kind=TenantKind.WORKFORCE,
    resource_type=TYPE,
    routes=(
        Route(method="GET", path=_ALL, needs=_needs("read"), answer=_list, versions=ARM),
        Route(method="GET", path=_ONE, needs=_needs("read"), answer=_get, versions=ARM),
        Route(method="PUT", path=_ONE, needs=_needs("write"), answer=_put, versions=ARM),
        Route(method="DELETE", path=_ONE, needs=_needs("delete"), answer=_delete, versions=ARM),
    ),
    samples=(
        EXPORT,
        _sample(world.VAULT_SCOPE, "access", _ACCESS),
        _sample(world.SUBSCRIPTION_SCOPE, "copy", _COPY, is_there=False),
    ),
    detected=frozenset({"create", "update", "delete"}),
    is_made_again=True,
    edits=(
        {"properties.workspaceId": _ELSEWHERE},
        {"properties.logs": []},
        {"properties.eventHubName": "x", "properties.workspaceId": None, "properties.storageAccountId": _ELSEWHERE},
    ),
)
