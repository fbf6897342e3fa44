"""What changed of an application: its credentials, its names, and the addresses that it sends people to."""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct, field
from msgspec.json import Decoder

from shared.detect.fields.audit.changes import added, all_changes, changes_of, items
from shared.detect.fields.domains import is_below, is_below_kusto
from shared.detect.fields.kusto_terms import SPACES, among, flag, quoted
from shared.detect.prefilter import of_parts, of_properties
from shared.model.conditions import KustoJoin, Text, by_profile
from shared.model.errors import UnreadableRecord
from shared.model.events import AuditEvent, fold
from shared.model.profile import CredentialType, TenantProfile
from shared.normalize.decoding import decode

_KEY: Final = re.compile(r"\[KeyIdentifier=([^,\]]+)", re.IGNORECASE)


def _added_credential(event: AuditEvent) -> str:
    if any(added(change, _key) for change in changes_of(event, "keydescription")):
        return "key"
    federated = changes_of(event, "federatedidentitycredentials")
    return "federated" if any(added(change, str) for change in federated) else ""


def _key(item: str) -> str:
    """Give a key's identifier. It comes first: what follows holds a display name that anybody can choose."""
    found = _KEY.match(item)
    return found[1].strip().lower() if found else item


_ADDED_CREDENTIAL_KUSTO: Final = KustoJoin(
    rows=rf"""Items
    | where property in ("keydescription", "federatedidentitycredentials")
    | extend key = tolower(trim(@"{SPACES}", extract(@"(?i)^\[KeyIdentifier=([^,\]]+)", 1, text)))
    | extend key = iff(property == "keydescription" and isnotempty(key), key, text)
    | summarize olds = sum(olds), news = sum(news) by Id, property, key
    | where news > 0 and olds == 0 and isnotempty(key)
    | summarize keys = countif(property == "keydescription"), trusts = count() by Id""",
    value='case(keys > 0, "key", trusts > 0, "federated", "")',
)


_TYPES: Final[Mapping[str, CredentialType]] = {
    "password": "password",
    "symmetric": "password",
    "asymmetricx509cert": "certificate",
    "x509certandpassword": "certificate",
}
"""What people call a key's type, by the type that a record names, folded."""

_DESCRIBED: Final = re.compile(r"\[KeyIdentifier=[^,\]]+,\s*KeyType=([^,\]]+),\s*KeyUsage=([^,\]]+)", re.IGNORECASE)
"""What comes before the display name, which anybody can choose."""


def _added_keys(event: AuditEvent) -> list[str]:
    """Describe each key that was added."""
    found: list[str] = []
    for change in changes_of(event, "keydescription"):
        new = set(added(change, _key))
        found += [item for item in items(change.new) if _key(item) in new]
    return found


def _credential_use(event: AuditEvent, profile: TenantProfile) -> str:
    described = [_DESCRIBED.match(item) for item in _added_keys(event)]
    types = {_TYPES.get(fold(one[1]), "other") if one else "other" for one in described}
    if any(added(change, str) for change in changes_of(event, "federatedidentitycredentials")):
        types.add("federated")
    if not types:
        return ""
    if not profile.credential_types:
        return "unknown"
    return "unused" if types - profile.credential_types else "used"


_BEGINNING: Final = r"(?i)^\[KeyIdentifier=[^,\]]+,\s*KeyType=([^,\]]+),\s*KeyUsage=([^,\]]+)"
_KEYS_ADDED_KUSTO: Final = rf"""Items
    | where property in ("keydescription", "federatedidentitycredentials")
    | extend named = tolower(trim(@"{SPACES}", extract(@"(?i)^\[KeyIdentifier=([^,\]]+)", 1, text)))
    | extend named = iff(property == "keydescription" and isnotempty(named), named, text)
    | extend key_type = iff(news > 0, Fold(extract(@"{_BEGINNING}", 1, text)), ""),
        usage = iff(news > 0, Fold(extract(@"{_BEGINNING}", 2, text)), "")
    | summarize olds = sum(olds), news = sum(news), key_type = max(key_type), usage = max(usage)
        by Id, property, named
    | where news > 0 and olds == 0 and isnotempty(named)"""


def _credential_use_kusto(profile: TenantProfile) -> KustoJoin:
    named = ", ".join(f'key_type == "{name}", "{kind}"' for name, kind in _TYPES.items())
    rows = rf"""{_KEYS_ADDED_KUSTO}
    | extend used_as = case(property == "federatedidentitycredentials", "federated", {named}, "other")
    | summarize credentials = count(), unused = countif(not({among("used_as", profile.credential_types)})) by Id"""
    judged = 'unused > 0, "unused", "used"' if profile.credential_types else '"unknown"'
    return KustoJoin(rows=rows, value=f'case(coalesce(credentials, 0) == 0, "", {judged})')


def _key_flow(event: AuditEvent) -> str:
    described = [_DESCRIBED.match(item) for item in _added_keys(event)]
    if any(one is not None and fold(one[2]) == "sign" for one in described):
        return "saml"
    return "other" if described else ""


_KEY_FLOW_KUSTO: Final = KustoJoin(
    rows=rf"""{_KEYS_ADDED_KUSTO}
    | where property == "keydescription"
    | summarize signing_keys = countif(usage == "sign"), added_keys = count() by Id""",
    value='case(signing_keys > 0, "saml", added_keys > 0, "other", "")',
)


def _identifier_uri(event: AuditEvent) -> str:
    for change in changes_of(event, "appidentifieruri", "serviceprincipalname"):
        if set(items(change.old)) != set(items(change.new)):
            return "changed"
    return ""


_IDENTIFIER_URI_KUSTO: Final = flag(
    "uri",
    """Items
    | where property in ("appidentifieruri", "serviceprincipalname")
    | summarize olds = sum(olds), news = sum(news) by Id, property, text
    | where olds == 0 or news == 0""",
    "changed",
)


class ApplicationFields:
    """Fields about what changed of an application.

    - `added_credential`: "key" for a new secret or certificate, "federated" for a trust in another issuer's tokens.
    - `credential_use`: "unused" where a credential was added of a type that isn't in `credential_types`, "used" where
      it is, "unknown" while none is listed.
    - `key_flow`: "saml" where a key was added that signs tokens for SAML, "other" where other keys were.
    - `identifier_uri`: "changed" where an application's ID addresses, or a service principal's names, aren't what they
      were.
    """

    added_credential: Text[AuditEvent] = Text(
        "added_credential",
        _added_credential,
        prefilter=of_properties("keydescription", "federatedidentitycredentials"),
        kusto=_ADDED_CREDENTIAL_KUSTO,
    )
    credential_use: Text[AuditEvent] = by_profile(
        "credential_use",
        _credential_use,
        "credential_types",
        prefilter=of_properties("keydescription", "federatedidentitycredentials"),
        kusto=_credential_use_kusto,
    )
    key_flow: Text[AuditEvent] = Text(
        "key_flow", _key_flow, prefilter=of_properties("keydescription"), kusto=_KEY_FLOW_KUSTO
    )
    identifier_uri: Text[AuditEvent] = Text(
        "identifier_uri",
        _identifier_uri,
        prefilter=of_properties("appidentifieruri", "serviceprincipalname"),
        kusto=_IDENTIFIER_URI_KUSTO,
    )


class _Address(Struct):
    """One item of `AppAddress`."""

    address: str | None = field(default=None, name="Address")


_ADDRESS: Final = Decoder(_Address)
_WORST_FIRST: Final = (
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
MICROSOFT_HOSTS: Final = frozenset({"login.microsoftonline.com", "login.live.com"})
"""Hosts of the addresses that Microsoft's own libraries give native applications."""


def _redirect_problem(event: AuditEvent, profile: TenantProfile) -> str:
    new = {address for change in changes_of(event, "appaddress") for address in added(change, _address)}
    found = {address_problem(address, profile) for address in new}
    return next((problem for problem in _WORST_FIRST if problem in found), "")


def _address(item: str) -> str:
    """Give the address of one item, which is an object with its kind beside it."""
    if not item.startswith("{"):
        return item
    try:
        return (decode(_ADDRESS, item).address or "").strip()
    except UnreadableRecord:
        return item


def address_problem(address: str, profile: TenantProfile) -> str:
    """Say what is wrong with one redirect address, as one of `_WORST_FIRST`; "owned" where nothing is."""
    if "*" in address:
        return "wildcard"
    try:
        scheme, host = scheme_and_host(address)
    except ValueError:
        return "not-owned"
    if scheme not in {"http", "https"}:
        return "custom-scheme"
    if host in _LOOPBACK:
        return "loopback"
    if scheme == "http":
        return "not-https"
    return _ownership(host, profile)


def scheme_and_host(address: str) -> tuple[str, str]:
    """Give both in lower case. Browsers take a backslash for a slash, which decides where the name of the host ends.

    Raises:
        ValueError: it is no address.
    """
    parts = urlsplit(address.replace("\\", "/").lower())
    return parts.scheme, (parts.hostname or "").rstrip(".")


def _ownership(host: str, profile: TenantProfile) -> str:
    if host in MICROSOFT_HOSTS or is_below(host, profile.owned_domains):
        return "owned"
    if is_below(host, profile.shared_domains):
        return "shared-domain"
    return "not-owned" if profile.owned_domains else "ownership-unknown"


def _redirect_problem_kusto(profile: TenantProfile) -> KustoJoin:
    """Write `address_problem`; the digit before each word puts the worst first."""
    unknown = "2not-owned" if profile.owned_domains else "4ownership-unknown"
    owned, shared = is_below_kusto("host", profile.owned_domains), is_below_kusto("host", profile.shared_domains)
    rows = rf"""Items
    | where property == "appaddress"
    | extend address = trim(@"{SPACES}", iff(text startswith "{{", tostring(parse_json(text).Address), text))
    | extend address = tolower(replace_string(address, "\\", "/"))
    | summarize olds = sum(olds), news = sum(news) by Id, address
    | where news > 0 and olds == 0 and isnotempty(address)
    | extend host = trim_end(@"\.+", extract(@"^https?://(?:[^/?#]*@)?(\[[^\]/?#]*\]|[^/?#:]*)", 1, address))
    | extend problem = case(
        address contains_cs "*", "0wildcard",
        not(address matches regex "^https?:"), "5custom-scheme",
        host in ("localhost", "127.0.0.1", "[::1]"), "6loopback",
        address startswith_cs "http:", "1not-https",
        host in ("login.microsoftonline.com", "login.live.com") or {owned}, "7owned",
        {shared}, "3shared-domain",
        "{unknown}")
    | summarize problem = min(problem) by Id"""
    return KustoJoin(rows=rows, value='coalesce(substring(problem, 1), "")')


_BLANK: Final = re.compile(r'[][", ]*')
"""A list without an address, or with an empty one."""


def _logout_url(event: AuditEvent, profile: TenantProfile) -> str:
    wanted = tuple(map(fold, profile.logout_properties))
    changed = [
        change.new or ""
        for change in all_changes(event)
        if (change.old or "") != (change.new or "") and any(word in fold(change.name) for word in wanted)
    ]
    if any(_BLANK.fullmatch(new) for new in changed):
        return "blank"
    return "changed" if changed else ""


def _logout_url_kusto(profile: TenantProfile) -> KustoJoin:
    named = " or ".join(f"property contains_cs {quoted(fold(word))}" for word in sorted(profile.logout_properties))
    rows = rf"""Changes
    | where old != new and ({named or "false"})
    | summarize blank_logouts = countif(new matches regex @'^[\]\[", ]*$'), logouts = count() by Id"""
    return KustoJoin(rows=rows, value='case(blank_logouts > 0, "blank", logouts > 0, "changed", "")')


class RedirectFields:
    """Fields about where an application sends people.

    - `redirect_problem`: what is wrong with the worst of the redirect addresses that were added; "owned" where nothing
      is, "" where none was added.
    - `logout_url`: "blank" where there is no log-out address any more, "changed" where it is another one.
    """

    redirect_problem: Text[AuditEvent] = by_profile(
        "redirect_problem",
        _redirect_problem,
        *("owned_domains", "shared_domains"),
        prefilter=of_properties("appaddress"),
        kusto=_redirect_problem_kusto,
    )
    logout_url: Text[AuditEvent] = by_profile(
        "logout_url",
        _logout_url,
        "logout_properties",
        prefilter=of_parts(lambda profile: profile.logout_properties),
        kusto=_logout_url_kusto,
    )
