"""Words that differ from tenant to tenant: ids, domains, conventions, and names that Microsoft documents nowhere.

Setting `VOCABULARY` holds them as one JSON object, or is the path of a file with it; what it leaves out has the default
below. Conditions never read it: the fields that they read are computed with it (`conditions.Text.read_with`).
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, cast

import msgspec
from msgspec import Struct

from shared.events import fold

_GUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DOMAIN: Final = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")

SHARED_DOMAINS: Final = frozenset(
    {
        "azure-api.net",
        "azurecontainer.io",
        "azurecr.io",
        "azureedge.net",
        "azurefd.net",
        "azurestaticapps.net",
        "azurewebsites.net",
        "blob.core.windows.net",
        "cloudapp.azure.com",
        "cloudapp.net",
        "core.windows.net",
        "github.io",
        "herokuapp.com",
        "netlify.app",
        "trafficmanager.net",
        "vercel.app",
    }
)
"""Domains under which anybody can take a name that was given up.

From Microsoft's page "Prevent dangling DNS entries and avoid subdomain takeover", and the largest hosts besides Azure.
"""


class Vocabulary(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The words of one installation. Ids and domains are lower case.

    - `cpim_ids`: object ids of the service principal "CPIM Service", the approved source of consumer accounts. A name
      is never enough: as long as it is empty, its accounts count as somebody else's.
    - `managed_identity_ids`: object ids of "Managed Service Identity", which renews managed identities' certificates.
    - `consumer_apps`: names and app ids of the applications by which consumers sign in.
    - `owned_domains`: domains of the tenant's own, with all below them. Empty: ownership can't be told.
    - `shared_domains`: domains under which anybody can take a name.
    - `account_attributes`: what a consumer account is created with, and the pattern that the whole value meets.
    - `logout_properties`: names, or parts of names, of the property that holds an application's log-out address.

    Settings of their own fill the rest: `consumer_tenants` (None: any tenant may hold consumer accounts),
    `emergency_accounts`, and `own_site`, the name of the function app itself.
    """

    cpim_ids: frozenset[str] = frozenset()
    managed_identity_ids: frozenset[str] = frozenset()
    consumer_apps: frozenset[str] = frozenset({"CPIM PowerShell Client", "ProxyIdentityExperienceFramework"})
    owned_domains: frozenset[str] = frozenset()
    shared_domains: frozenset[str] = SHARED_DOMAINS
    account_attributes: Mapping[str, str] = {}
    logout_properties: frozenset[str] = frozenset({"LogoutUrl"})
    consumer_tenants: frozenset[str] | None = None
    emergency_accounts: frozenset[str] = frozenset()
    own_site: str = ""


DEFAULT: Final = Vocabulary()

FROM_SETTINGS: Final = frozenset({"consumer_tenants", "emergency_accounts", "own_site"})
"""Fields that have settings of their own, so `VOCABULARY` may not name them."""


class BadVocabulary(Exception):
    """The vocabulary can't be used; each of `problems` names the field and says what would be right."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(problems))


def vocabulary_from(setting: str) -> Vocabulary:
    """Read the setting: JSON, a file's path, or nothing, which gives the defaults.

    Raises:
        BadVocabulary: it can't be read, or a field of it is wrong.
    """
    text = setting.strip()
    if not text:
        return DEFAULT
    if not text.startswith("{"):
        text = _text_of(text)
    try:
        members = msgspec.json.decode(text, type=dict[str, object])
        read = msgspec.convert(_lowered(members), Vocabulary)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadVocabulary([f"VOCABULARY should be a JSON object as the README shows it: {error}"]) from None
    problems = [f"VOCABULARY.{field} {problem}" for field, problem in _problems(read, members)]
    if problems:
        raise BadVocabulary(problems)
    return read


def _text_of(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        because = getattr(error, "strerror", None) or error
        raise BadVocabulary(
            [f"VOCABULARY is {path[:80]!r}: it should be a JSON object or the path of a file with one ({because})"]
        ) from None


_COMPARED_IN_LOWER_CASE: Final = frozenset({"cpim_ids", "managed_identity_ids", "owned_domains", "shared_domains"})


def _lowered(members: dict[str, object]) -> dict[str, object]:
    return {name: _lower(value) if name in _COMPARED_IN_LOWER_CASE else value for name, value in members.items()}


def _lower(value: object) -> object:
    if not isinstance(value, list):
        return value
    return [text.strip().lower() if isinstance(text, str) else text for text in cast("list[object]", value)]


def _problems(read: Vocabulary, members: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Give each field that is wrong although its type is right."""
    for field in sorted(FROM_SETTINGS & members.keys()):
        yield field, "has a setting of its own and can't be set here"
    for field, ids in (("cpim_ids", read.cpim_ids), ("managed_identity_ids", read.managed_identity_ids)):
        for wrong in sorted(one for one in ids if not _GUID.fullmatch(one)):
            yield field, f"has {wrong[:80]!r}: it should be an object id, like 00000000-0000-0000-0000-000000000000"
    for field, domains in (("owned_domains", read.owned_domains), ("shared_domains", read.shared_domains)):
        for wrong in sorted(one for one in domains if not _DOMAIN.fullmatch(one)):
            yield field, f"has {wrong[:80]!r}: it should be a domain, like contoso.com"
    for field, names in (("consumer_apps", read.consumer_apps), ("logout_properties", read.logout_properties)):
        if not all(map(fold, names)):
            yield field, "has an empty name"
    for name, pattern in read.account_attributes.items():
        try:
            re.compile(pattern)
        except re.error as error:
            yield f"account_attributes.{name}", f"is {pattern[:80]!r}: it should be a regular expression ({error})"
