"""The fields of a `ResourceEvent`: a change of an Azure resource."""

from typing import Final

from shared.detect.fields.kusto_terms import SPACES, quoted
from shared.model.conditions import Label, Text, by_profile, in_sigma, spelt
from shared.model.events import ResourceEvent, fold, fold_whole
from shared.model.prefilters import Asked, Needs
from shared.model.profile import TenantProfile
from shared.normalize.resources import OUTCOMES

_RESOURCE: Final = f'trim(@"{SPACES}", coalesce(ResourceId, _ResourceId))'
RESOURCE_KUSTO: Final = f"tolower({_RESOURCE})"

_OPERATION_KUSTO: Final = "Fold(coalesce(OperationNameValue, OperationName))"
_CLAIM: Final = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"
_CALLER_KUSTO: Final = "Fold(coalesce({}))".format(
    ", ".join(
        text if text == "Caller" else f'tostring(parse_json(Claims)["{text}"])'
        for text in (f"{_CLAIM}upn", "Caller", f"{_CLAIM}name", f"{_CLAIM}emailaddress", "name", "appid")
    )
)
_SUBSCRIPTION_KUSTO: Final = (
    f'coalesce(Identifier(SubscriptionId), Identifier(extract(@"(?i)^/subscriptions/([^/]+)", 1, {_RESOURCE})))'
)
_SITES: Final = "/providers/microsoft.web/sites/"


def _site(event: ResourceEvent, profile: TenantProfile) -> str:
    _, found, below = event.resource_id.lower().partition(_SITES)
    if not found:
        return ""
    return "own" if below.partition("/")[0] == profile.own_site.lower() else "other"


def _site_kusto(profile: TenantProfile) -> str:
    below = rf'extract(@"/providers/microsoft\.web/sites/([^/]*)", 1, {RESOURCE_KUSTO})'
    named = f'{RESOURCE_KUSTO} contains_cs "{_SITES}"'
    return f'case(not({named}), "", {below} == {quoted(profile.own_site.lower())}, "own", "other")'


def _group(event: ResourceEvent, profile: TenantProfile) -> str:
    resource = f"{event.resource_id.lower()}/"
    return "own" if any(resource.startswith(f"{group}/") for group in profile.own_groups) else "other"


def _group_kusto(profile: TenantProfile) -> str:
    resource = f'strcat({RESOURCE_KUSTO}, "/")'
    within = " or ".join(f"{resource} startswith_cs {quoted(f'{group}/')}" for group in sorted(profile.own_groups))
    return f'iff({within or "false"}, "own", "other")'


def _own_group_names(asked: Asked) -> Needs | None:
    names = frozenset(group.rpartition("/")[2] for group in asked.profile.own_groups)
    return Needs(texts=names) if asked.value == "own" else None


class Resource:
    """The fields of a `ResourceEvent` that a condition may read.

    - `provider`: the resource provider, the part of the operation before the first slash.
    - `site`: "own" for the function app that this runs in, "other" for another one; "" for any other resource.
    - `group`: "own" for what is in a resource group that the app is installed in, and for that group itself; else
      "other".
    """

    operation: Text[ResourceEvent] = Text(
        "operation",
        lambda event: fold(event.operation),
        kusto=_OPERATION_KUSTO,
        sigma=in_sigma(
            *("operationName", "operationNameValue", "operationName.value", "authorization.action"),
            *("message", "operation"),
            is_right=lambda text: "/" in text,
            right=(
                "an operation of Azure, like Microsoft.Compute/virtualMachines/write;"
                " what happens in the directory is in service auditlogs"
            ),
        ),
    )
    outcome: Text[ResourceEvent] = Text(
        "outcome",
        lambda event: fold(event.outcome),
        kusto="Outcome(Fold(coalesce(ActivityStatusValue, ActivityStatus)))",
        sigma=in_sigma(
            *("activityStatusValue", "activityStatus", "status", "status.value", "resultType", "result"),
            spellings=spelt({word: (outcome,) for word, outcome in OUTCOMES.items()}),
        ),
    )
    provider: Text[ResourceEvent] = Text(
        "provider",
        lambda event: fold(event.operation).partition("/")[0],
        kusto=f'tostring(split({_OPERATION_KUSTO}, "/")[0])',
        sigma=in_sigma(
            *("resourceProviderValue", "resourceProvider", "resourceProviderName", "resourceProviderName.value")
        ),
    )
    resource: Text[ResourceEvent] = Text(
        "resource",
        lambda event: fold_whole(event.resource_id),
        kusto="Whole(coalesce(ResourceId, _ResourceId))",
        sigma=in_sigma("resourceId", "resourceUri"),
    )
    subscription: Text[ResourceEvent] = Text(
        "subscription",
        lambda event: event.subscription_id,
        kusto=_SUBSCRIPTION_KUSTO,
        sigma=in_sigma("subscriptionId"),
    )
    caller: Text[ResourceEvent] = Text(
        "caller", lambda event: fold(event.actor.name), kusto=_CALLER_KUSTO, sigma=in_sigma("caller")
    )
    address: Text[ResourceEvent] = Text(
        "address",
        lambda event: fold(event.actor.address),
        kusto='Fold(coalesce(CallerIpAddress, tostring(parse_json(Claims)["ipaddr"])))',
        label=Label("IP address", "IP addresses"),
        sigma=in_sigma("callerIpAddress", "ipAddress", "httpRequest.clientIpAddress"),
    )
    site: Text[ResourceEvent] = by_profile("site", _site, "own_site", kusto=_site_kusto)
    group: Text[ResourceEvent] = by_profile(
        "group", _group, "own_groups", prefilter=_own_group_names, kusto=_group_kusto
    )
