"""Diagnostic settings of Entra ID. They are the tenant's, so no event of a subscription tells of them."""

from typing import Final

from infra.local import world
from infra.local.tenant.simulated.diagnostic_settings import check, printed, refuse_same_sink
from infra.local.tenant.simulated_kind import ARM, NOTHING, Alternatives, Asked, Reply, Route, Sample, SimulatedKind
from infra.local.world import Json
from shared.model.kinds import ObjectKind, TenantKind

TYPE: Final = "Microsoft.AADIAM/diagnosticSettings"
_ALL: Final = f"/providers/{TYPE}"
_ONE: Final = f"{_ALL}/{{name}}"
_CATEGORIES: Final = ("AuditLogs", "SignInLogs", "NonInteractiveUserSignInLogs", "RiskyUsers")


def _needs(verb: str) -> Alternatives:
    return (frozenset({f"{TYPE}/{verb}"}),)


def _id(name: str) -> str:
    return f"{_ALL}/{name}".lower()


def _list(asked: Asked) -> Reply:
    return Reply(values=[*asked.shelf.listed().values()])


def _get(asked: Asked) -> Reply:
    return Reply(body=asked.shown(_id(asked.ids["name"])))


def _put(asked: Asked) -> Reply:
    properties: Json = asked.body.get("properties") or {}
    key = _id(asked.ids["name"])
    check(properties, _CATEGORIES)
    refuse_same_sink(properties, {each: one for each, one in asked.shelf.listed().items() if each != key})
    whole = _setting(asked.ids["name"], properties)
    asked.shelf.put(key, whole)
    return Reply(body=whole)


def _delete(asked: Asked) -> Reply:
    if asked.shelf.current(_id(asked.ids["name"])) is not None:
        asked.shelf.put(_id(asked.ids["name"]), None)
    return NOTHING


def _setting(name: str, properties: Json) -> Json:
    return printed(name, properties, _CATEGORIES, setting_id=f"{_ALL.lower()}/{name}")


_STREAM: Final[Json] = {
    "eventHubAuthorizationRuleId": (
        f"{world.RESOURCE_GROUP_SCOPE}/providers/Microsoft.EventHub/namespaces/evhns/authorizationRules/sender"
    ),
    "eventHubName": "directory-logs",
    "logs": [{"category": each, "enabled": True} for each in ("AuditLogs", "SignInLogs")],
}
_COPY: Final[Json] = {"storageAccountId": "/subscriptions/x", "logs": [{"category": "SignInLogs", "enabled": True}]}
_NAME: Final = "entra-responder-prod"
STREAM: Final = Sample(object_id=_id(_NAME), image=_setting(_NAME, _STREAM))

SIMULATED: Final = SimulatedKind(
    kind=ObjectKind.ENTRA_DIAGNOSTIC_SETTING,
    tenant_kind=TenantKind.WORKFORCE,
    resource_type=TYPE,
    routes=(
        Route(method="GET", path=_ALL, needs=_needs("read"), answer=_list, versions=ARM),
        Route(method="GET", path=_ONE, needs=_needs("read"), answer=_get, versions=ARM),
        Route(method="PUT", path=_ONE, needs=_needs("write"), answer=_put, versions=ARM),
        Route(method="DELETE", path=_ONE, needs=_needs("delete"), answer=_delete, versions=ARM),
    ),
    samples=(STREAM, Sample(object_id=_id("copy"), image=_setting("copy", _COPY), is_there=False)),
    detected=frozenset(),
    is_made_again=True,
    edits=({"properties.eventHubName": "elsewhere"},),
)
