"""What a policy is about (`conditions.applications`): resources, user actions or authentication contexts.

Sources: Conditional Access: Target resources; Improved enforcement for policies with resource exclusions; Developer
guide to Conditional Access authentication context.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from msgspec import Struct

from shared.conditional_access.sections import UNNAMED, Unread
from shared.conditional_access.truth import NO, YES, Answer, included, opposite, some, unknown, yes_if

AZURE_PORTAL: Final = "c44b4083-3bb0-49c1-b47d-974e53cbdf3c"
"""The Azure portal, the Entra and the Intune admin center."""
RESOURCE_MANAGER: Final = "797f4846-ba00-4fd7-ba43-dac1f8f63013"
GRAPH: Final = "00000003-0000-0000-c000-000000000000"
DIRECTORY: Final = "00000002-0000-0000-c000-000000000000"
EXCHANGE: Final = "00000002-0000-0ff1-ce00-000000000000"
SHAREPOINT: Final = "00000003-0000-0ff1-ce00-000000000000"
TEAMS: Final = "cc15fd57-2c6c-4117-a88c-83b1d56b4bbe"
DEVICE_REGISTRATION: Final = "01cb2876-7ebd-4aa4-9cc9-d28bd4d359a9"

REGISTER_SECURITY_INFO: Final = "urn:user:registersecurityinfo"

_ALL: Final = "all"
_NOTHING: Final = frozenset({"none"})
_IDENTITY_SCOPES: Final = frozenset({"openid", "profile", "email", "offline_access"})
_BASELINE: Final = _IDENTITY_SCOPES | {"user.read", "people.read"}
_CONFIDENTIAL_BASELINE: Final = _BASELINE | {
    "user.read.all",
    "user.readbasic.all",
    "people.read.all",
    "groupmember.read.all",
    "member.read.hidden",
}
_SERVICES_BY_SCOPE: Final = {
    "files": SHAREPOINT,
    "sites": SHAREPOINT,
    "mail": EXCHANGE,
    "mailboxsettings": EXCHANGE,
    "calendars": EXCHANGE,
    "contacts": EXCHANGE,
}
"""The service behind a Graph token, by the first part of its scopes."""


class Suite(Struct, frozen=True, kw_only=True):
    """A word that stands for several resources. Of what is in neither set it isn't known."""

    inside: frozenset[str]
    outside: frozenset[str]


_SUITES: Final[Mapping[str, Suite]] = {
    "office365": Suite(
        inside=frozenset({EXCHANGE, SHAREPOINT, TEAMS}),
        outside=frozenset({AZURE_PORTAL, RESOURCE_MANAGER, DIRECTORY}),
    ),
    "microsoftadminportals": Suite(
        inside=frozenset({AZURE_PORTAL}), outside=frozenset({EXCHANGE, SHAREPOINT, TEAMS, DIRECTORY})
    ),
    "allagentidresources": Suite(
        inside=frozenset(),
        outside=frozenset({AZURE_PORTAL, RESOURCE_MANAGER, GRAPH, DIRECTORY, EXCHANGE, SHAREPOINT, TEAMS}),
    ),
}


class BaselineRule(StrEnum):
    """What the tenant chose for requests of baseline scopes under a policy on all resources that excludes some."""

    OLD = "old"
    NEW = "new"
    UNREAD = "unread"


class Applications(Struct, frozen=True, rename="camel"):
    """Resources by application id beside words, user actions by urn, contexts c1 to c99; in lower case."""

    include_applications: frozenset[str] = frozenset()
    exclude_applications: frozenset[str] = frozenset()
    application_filter: dict[str, object] | None = None
    include_user_actions: frozenset[str] = frozenset()
    include_authentication_context_class_references: frozenset[str] = frozenset()


class Request(Struct, frozen=True, kw_only=True):
    """What is asked for, by which client."""

    resource: str | None = AZURE_PORTAL
    """Application id; None where it isn't known."""
    client: str = ""
    """Application id, "" for a client of no importance."""
    confidential: bool = False
    scopes: frozenset[str] = frozenset()
    """In lower case; empty for a request that isn't one of baseline scopes only."""
    user_action: str | None = None
    contexts: frozenset[str] = frozenset()


def targeted(
    applications: Applications | Unread, request: Request, *, baseline: BaselineRule, has_flows: bool
) -> Answer:
    """Answer whether a policy is about a request; `has_flows` where it has a condition on authentication flows."""
    if isinstance(applications, Unread):
        return unknown(applications.because)
    actions = applications.include_user_actions
    contexts = applications.include_authentication_context_class_references
    resources = applications.include_applications
    if actions or contexts:
        resources -= _NOTHING
    by_filter = applications.application_filter is not None
    selectors = bool(resources or by_filter) + bool(actions) + bool(contexts)
    if selectors != 1:
        return unknown(f"what a policy with {selectors or 'no'} kinds of targets means")
    if actions:
        return some((yes_if(request.user_action in actions), _stranger(actions)))
    if contexts:
        return some((yes_if(request.contexts & contexts), _stranger(contexts)))
    if request.user_action is not None:
        # An example of `evaluate` lists policies on all resources for a user action; two tools say otherwise.
        return yes_if(_ALL in resources)
    return _resources_targeted(applications, request, baseline=baseline, has_flows=has_flows)


def _stranger(words: frozenset[str]) -> Answer:
    return unknown("a word in the targets that isn't known") if UNNAMED in words else NO


def _resources_targeted(
    applications: Applications, request: Request, *, baseline: BaselineRule, has_flows: bool
) -> Answer:
    whole = _ALL in applications.include_applications
    if whole and request.resource == DEVICE_REGISTRATION and not has_flows:
        return yes_if(DEVICE_REGISTRATION in applications.include_applications)  # else the user action governs
    filtered = applications.application_filter
    excludes = bool(applications.exclude_applications or (filtered and filtered.get("mode") == "exclude"))
    if whole and excludes and _is_baseline(request, applications):
        return _baseline_targeted(applications, request, baseline)
    if request.resource is None:
        return _unknown_resource(applications, excludes=excludes)
    return some(_one(applications, resource) for resource in _behind(request))


def _unknown_resource(applications: Applications, *, excludes: bool) -> Answer:
    include = applications.include_applications
    if _ALL in include and not excludes:
        return YES
    if include == _NOTHING and applications.application_filter is None:
        return NO
    return unknown("which resource is asked for")


def _behind(request: Request) -> frozenset[str]:
    """Give the resources that a request is about: behind a Graph token the services of its scopes."""
    resource = request.resource or ""
    if resource != GRAPH:
        return frozenset({resource})
    services = (_SERVICES_BY_SCOPE.get(scope.partition(".")[0]) for scope in request.scopes)
    return frozenset(service for service in services if service) or frozenset({GRAPH})


def _one(applications: Applications, resource: str) -> Answer:
    filtered = applications.application_filter
    attributes = unknown("the security attributes of the resource")
    by_filter = {"include": (attributes, NO), "exclude": (NO, attributes)}
    including, excluding = (NO, NO)
    if filtered is not None:
        including, excluding = by_filter.get(str(filtered.get("mode")), (attributes, attributes))
    include = some((_listed(applications.include_applications, resource, whole=YES), including))
    whole_excluded = unknown("what excluding All does")
    exclude = some((_listed(applications.exclude_applications, resource, whole=whole_excluded), excluding))
    return included(include, exclude)


def _listed(listed: frozenset[str], resource: str, *, whole: Answer) -> Answer:
    if not listed:
        return NO
    if resource in listed or (resource == AZURE_PORTAL and RESOURCE_MANAGER in listed):
        return YES
    suites = (_in_suite(word, resource) for word in sorted(listed & _SUITES.keys()))
    return some((whole if _ALL in listed else NO, *suites, _stranger(listed)))


def _in_suite(word: str, resource: str) -> Answer:
    suite = _SUITES[word]
    if resource in suite.inside:
        return YES
    return NO if resource in suite.outside else unknown(f"whether {word} has the resource {resource}")


def _is_excluded_client(request: Request, applications: Applications) -> bool:
    return request.confidential and request.client in applications.exclude_applications


def _is_baseline(request: Request, applications: Applications) -> bool:
    if not request.scopes:
        return False
    if request.confidential:
        return _is_excluded_client(request, applications) and request.scopes <= _CONFIDENTIAL_BASELINE
    return request.scopes <= _BASELINE


def _baseline_targeted(applications: Applications, request: Request, rule: BaselineRule) -> Answer:
    """Before 2026 such requests were never judged; since then they count as requests for the directory."""
    exempt = _is_excluded_client(request, applications) and request.scopes <= _IDENTITY_SCOPES
    now = NO if exempt else opposite(_listed(applications.exclude_applications, DIRECTORY, whole=NO))
    if rule is BaselineRule.OLD or now is NO:
        return NO
    return now if rule is BaselineRule.NEW else unknown("the tenant's rule for requests of baseline scopes")
