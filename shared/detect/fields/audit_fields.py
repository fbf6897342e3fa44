"""Fields of an audit event that are computed: what was added, how much it allows, whom it is about.

Each is text, "" where the record has nothing of the kind. Grants, credentials and addresses are judged new minus old: a
record carries the whole list before and after.
"""

import re
from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import urlsplit

from msgspec import Raw, Struct, field
from msgspec.json import Decoder

from shared.conditional_access.reach import WORST_FIRST, change_of_reach
from shared.model.errors import UnreadableRecord
from shared.model.events import AuditEvent, Change, Target, fold
from shared.model.privileges import API_NAMES, HIGH_PRIVILEGE_PERMISSIONS, PRIVILEGED_ROLES
from shared.model.profile import TenantProfile
from shared.normalize.decoding import decode, plain_text
from shared.normalize.ids import is_object_id


class _Address(Struct):
    """One item of `AppAddress`."""

    address: str | None = field(default=None, name="Address")


_LIST: Final = Decoder(list[Raw])
_ADDRESS: Final = Decoder(_Address)
_LONGEST_VALUE: Final = 500
_KEY: Final = re.compile(r"\[KeyIdentifier=([^,\]]+)", re.IGNORECASE)
_PRINCIPALS: Final = frozenset({"user", "group", "serviceprincipal"})
_SIGN_IN_PROPERTIES: Final = frozenset(
    {
        "accountenabled",
        "alternativesecurityid",
        "alternativesigninnameinfo",
        "otheremail",
        "othermail",
        "proxyaddresses",
        "searchablestrongauthenticationdetail",
        "signinnames",
        "strongauthenticationmethod",
        "strongauthenticationrequirement",
        "strongauthenticationuserdetails",
        "userprincipalname",
        "usertype",
    }
)
_ABOUT_THE_REST: Final = frozenset({"", "included updated properties", "targetid.usertype"})
"""Properties that tell of the record's others, or of whom it is about."""


def _changes(event: AuditEvent, *names: str) -> Iterator[Change]:
    """Give the changes of these properties (folded), of every target."""
    for target in event.targets:
        for change in target.changes:
            if fold(change.name) in names:
                yield change


def _items(value: str | None) -> list[str]:
    """Give the members of a list in JSON, each a string's content or JSON; the text itself where it isn't a list."""
    if not value:
        return []
    try:
        return [text.strip() for item in decode(_LIST, value) if (text := plain_text(item))]
    except UnreadableRecord:
        return [value.strip()]


def _added(change: Change, name_of: Callable[[str], str]) -> list[str]:
    """Give what is in the new value and wasn't in the old one, by the name that `name_of` tells items apart with."""
    before = set(map(name_of, _items(change.old)))
    return [name for item in _items(change.new) if (name := name_of(item)) and name not in before]


def _whole(item: str) -> str:
    return item


def principal_kind(event: AuditEvent) -> str:
    """Tell what kind of principal it is about: PIM lists the role first, Core Directory the principal."""
    found = _principal(event)
    return fold(found.kind) if found else ""


def principal(event: AuditEvent) -> str:
    """Give the object id of the principal it is about."""
    found = _principal(event)
    return found.id if found and is_object_id(found.id) else ""


def _principal(event: AuditEvent) -> Target | None:
    return next((target for target in event.targets if fold(target.kind) in _PRINCIPALS), None)


def actor_is_target(event: AuditEvent) -> str:
    """Tell "self" where somebody changed their own account, "other" where another's, "" where nobody is named."""
    if not event.actor.id:
        return ""
    return "self" if event.actor.id in [target.id for target in event.targets] else "other"


def role_level(event: AuditEvent) -> str:
    """Tell "privileged" for a built-in role with power over others, "other" for any other, by its template id."""
    templates = {(change.new or change.old or "").lower() for change in _changes(event, "role.templateid")}
    details = {fold(name): value.lower() for name, value in event.details.items()}
    templates |= {details.get("templateid", ""), details.get("roledefinitionoriginid", "")}
    templates.discard("")
    if not templates:
        return ""
    return "privileged" if templates & PRIVILEGED_ROLES else "other"


def _added_permissions(event: AuditEvent) -> set[str]:
    """Give the app roles and delegated scopes that were granted and hadn't been before, folded."""
    added: set[str] = set()
    for change in _changes(event, "approle.value", "delegatedpermissiongrant.scope"):
        added |= set((change.new or "").casefold().split()) - set((change.old or "").casefold().split())
    return added


def permission_level(event: AuditEvent) -> str:
    """Tell "high" where a permission with power was added, "other" where only others were.

    The guide's rule: it holds `.All` or starts with `Mail.`, or is on a list.
    """
    added = _added_permissions(event)
    if not added:
        return ""
    return "high" if any(map(_is_high, added)) else "other"


def _is_high(permission: str) -> bool:
    return ".all" in permission or permission.startswith("mail.") or permission in HIGH_PRIVILEGE_PERMISSIONS


def consent_type(event: AuditEvent) -> str:
    """Tell "allprincipals" for a grant on behalf of everybody, "principal" for one user's."""
    changes = _changes(event, "delegatedpermissiongrant.consenttype")
    return next((fold(change.new or change.old or "") for change in changes), "")


def api(event: AuditEvent) -> str:
    """Tell the API that a permission is for, "other" for those that aren't in `API_NAMES`."""
    changes = list(_changes(event, "targetid.serviceprincipalnames"))
    names = {name.strip().lower() for change in changes for name in (change.new or change.old or "").split(";")}
    found = [API_NAMES[name] for name in sorted(names & API_NAMES.keys())]
    return found[0] if found else "other" if changes else ""


def added_credential(event: AuditEvent) -> str:
    """Tell "key" for a new secret or certificate, "federated" for a trust in another issuer's tokens."""
    if any(_added(change, _key) for change in _changes(event, "keydescription")):
        return "key"
    federated = _changes(event, "federatedidentitycredentials")
    return "federated" if any(_added(change, _whole) for change in federated) else ""


def _key(item: str) -> str:
    """Give a key's identifier. It comes first: what follows holds a display name that anybody can choose."""
    found = _KEY.match(item)
    return found[1].strip().lower() if found else item


def service_principal_type(event: AuditEvent) -> str:
    """Tell "managedidentity", "application" and so on, where the record says so."""
    changes = _changes(event, "targetid.serviceprincipaltype", "serviceprincipaltype")
    return next((fold(change.new or change.old or "") for change in changes), "")


def identifier_uri(event: AuditEvent) -> str:
    """Tell "changed" where an application's ID addresses, or a service principal's names, aren't what they were."""
    for change in _changes(event, "appidentifieruri", "serviceprincipalname"):
        if set(_items(change.old)) != set(_items(change.new)):
            return "changed"
    return ""


def account_change(event: AuditEvent) -> str:
    """Tell "sign-in" where something changed by which an account signs in, "other" where something else did."""
    names = {fold(change.name) for target in event.targets for change in target.changes}
    if not names.isdisjoint(_SIGN_IN_PROPERTIES):
        return "sign-in"
    return "other" if names - _ABOUT_THE_REST else ""


_WORST_ADDRESS_FIRST: Final = (
    "wildcard",
    "not-https",
    "not-owned",
    "shared-domain",
    "ownership-unknown",
    "custom-scheme",
    "loopback",
    "owned",
)
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_MICROSOFT_S: Final = frozenset({"login.microsoftonline.com", "login.live.com"})
"""Hosts of the addresses that Microsoft's own libraries give native applications."""


def redirect_problem(event: AuditEvent, profile: TenantProfile) -> str:
    """Tell what is wrong with the worst of the redirect addresses that were added; "owned" where nothing is."""
    added = {address for change in _changes(event, "appaddress") for address in _added(change, _address)}
    found = {uri_problem(address, profile) for address in added}
    return next((problem for problem in _WORST_ADDRESS_FIRST if problem in found), "")


def _address(item: str) -> str:
    """Give the address of one item, which is an object with its kind beside it."""
    if not item.startswith("{"):
        return item
    try:
        return (decode(_ADDRESS, item).address or "").strip()
    except UnreadableRecord:
        return item


def uri_problem(address: str, profile: TenantProfile) -> str:
    """Tell what is wrong with one redirect address, as one of `_WORST_ADDRESS_FIRST`.

    Browsers take a backslash for a slash, which decides where the name of the host ends.
    """
    if "*" in address:
        return "wildcard"
    try:
        parts = urlsplit(address.replace("\\", "/").lower())
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        return "not-owned"
    if parts.scheme not in {"http", "https"}:
        return "custom-scheme"
    if host in _LOOPBACK:
        return "loopback"
    if parts.scheme == "http":
        return "not-https"
    return _ownership(host, profile)


def _ownership(host: str, profile: TenantProfile) -> str:
    if host in _MICROSOFT_S or _is_below(host, profile.owned_domains):
        return "owned"
    if _is_below(host, profile.shared_domains):
        return "shared-domain"
    return "not-owned" if profile.owned_domains else "ownership-unknown"


def _is_below(host: str, domains: frozenset[str]) -> bool:
    labels = host.split(".")
    return any(".".join(labels[first:]) in domains for first in range(len(labels)))


def logout_url(event: AuditEvent, profile: TenantProfile) -> str:
    """Tell "changed" where the log-out address isn't what it was."""
    wanted = tuple(map(fold, profile.logout_properties))
    for target in event.targets:
        for change in target.changes:
            name = fold(change.name)
            if change.old != change.new and any(word in name for word in wanted):
                return "changed"
    return ""


def actor_service(event: AuditEvent, profile: TenantProfile) -> str:
    """Tell which of Microsoft's services acted, by object id: a name proves nothing."""
    if event.actor.id and event.actor.id in profile.cpim_ids:
        return "cpim"
    return "managed-identities" if event.actor.id and event.actor.id in profile.managed_identity_ids else ""


def account_fault(event: AuditEvent, profile: TenantProfile) -> str:
    """Tell "missing" where a new account lacks a standard attribute, "pattern" where one breaks its convention."""
    fault = ""
    for name, pattern in profile.account_attributes.items():
        values = [
            item[:_LONGEST_VALUE] for change in _changes(event, fold(name)) for item in _items(change.new) if item
        ]
        if not values:
            return "missing"
        if not all(re.fullmatch(pattern, value) for value in values):
            fault = "pattern"
    return fault


def tenant(event: AuditEvent, profile: TenantProfile) -> str:
    """Tell "consumer" where the tenant may hold consumer accounts, "other" where it doesn't."""
    tenants = profile.consumer_tenants
    return "consumer" if tenants is None or event.tenant_id in tenants else "other"


def target_account(event: AuditEvent, profile: TenantProfile) -> str:
    """Tell "emergency" where one of the targets is a break-glass account."""
    ids = [target.id for target in event.targets]
    return "" if profile.emergency_accounts.isdisjoint(ids) else "emergency"


def target_level(event: AuditEvent, profile: TenantProfile) -> str:
    """Tell "privileged" where one of the targets is a privileged account, "other" where it is known that none is."""
    ids = [target.id for target in event.targets if is_object_id(target.id)]
    if not profile.privileged_accounts.isdisjoint(ids):
        return "privileged"
    return "other" if ids and event.tenant_id in profile.privileged_known_in else "unknown"


def group_level(event: AuditEvent, profile: TenantProfile) -> str:
    """Tell "role-assignable" where members of the group can hold roles by it, "other" where it is known that not.

    Core Directory names the member first and the group in a property; where there is no such property, in a target.
    """
    named = {(change.new or change.old or "").strip().lower() for change in _changes(event, "group.objectid")} - {""}
    groups = named or {one.id for one in event.targets if fold(one.kind) == "group" and is_object_id(one.id)}
    if not groups:
        return ""
    if not profile.role_assignable_groups.isdisjoint(groups):
        return "role-assignable"
    return "other" if event.tenant_id in profile.groups_known_in else "unknown"


def emergency_reach(event: AuditEvent, profile: TenantProfile) -> str:
    """Tell the worst that a change of a conditional access policy is to a break-glass account (`change_of_reach`)."""
    found = {
        change_of_reach(change.old, change.new, account=account, groups=profile.emergency_groups)
        for change in _changes(event, "conditionalaccesspolicy")
        for account in profile.emergency_accounts
        if change.new
    }
    return next((word for word in WORST_FIRST if word in found), "")
