"""What step 6 reads: how people of each domain sign in, with which settings, and whether Entra ID could do it itself.

Facts: https://learn.microsoft.com/entra/identity/hybrid/connect/migrate-from-federation-to-cloud-authentication. A
subdomain follows its root. Making a domain managed destroys its federation settings. Password hashes are synchronized
with a heartbeat each 30 minutes; Microsoft calls it failing when two hours pass without one. What an application may
read of synchronization Microsoft's page has said both ways, so a refusal is an answer that is to be expected.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from msgspec import Struct

from responders.runbooks import federation_findings as texts
from shared.clients.api import TenantEdges
from shared.emergency.entries import Answer, Finding
from shared.model.bilingual import Words
from shared.model.calls import Call, Permission, Service, checked_id
from shared.model.errors import BadIdentifier, EdgeError, Rejected
from shared.model.kinds import Image

_DOMAIN: Final = "/domains/{domain}"
_FEDERATION: Final = f"{_DOMAIN}/federationConfiguration"

LIST_DOMAINS: Final = Call(method="GET", service=Service.GRAPH, path="/domains", needs=(Permission.DOMAIN_READ,))
GET_DOMAIN: Final = Call(method="GET", service=Service.GRAPH, path=_DOMAIN, needs=(Permission.DOMAIN_READ,))
LIST_FEDERATION: Final = Call(method="GET", service=Service.GRAPH, path=_FEDERATION, needs=(Permission.DOMAIN_READ,))
LIST_SYNCHRONIZATION: Final = Call(
    method="GET",
    service=Service.GRAPH,
    path="/directory/onPremisesSynchronization",
    needs=(Permission.SYNCHRONIZATION_READ,),
)
GET_ORGANIZATION: Final = Call(
    method="GET",
    service=Service.GRAPH_BETA,
    path="/organization",
    needs=(Permission.DIRECTORY_READ,),
    why_beta="v1.0 doesn't say when password hashes were synchronized last",
)
MAKE_MANAGED: Final = Call(
    method="PATCH",
    service=Service.GRAPH,
    path=_DOMAIN,
    needs=(Permission.FEDERATION_WRITE,),
    repeatable=False,
)
FEDERATE: Final = Call(
    method="POST",
    service=Service.GRAPH,
    path=_FEDERATION,
    needs=(Permission.FEDERATION_WRITE,),
    repeatable=False,
)

READS: Final = (LIST_DOMAINS, GET_DOMAIN, LIST_FEDERATION, LIST_SYNCHRONIZATION, GET_ORGANIZATION)
WRITES: Final = (MAKE_MANAGED, FEDERATE)
"""The identity isn't given the permission for these: with it, whoever has the app's token could sign in as anybody.

They are tried with what it has. Unless somebody has granted it by hand they are refused, and a person runs the command.
"""

MANAGED: Final = "Managed"
FEDERATED: Final = "Federated"
_POSTED: Final = (
    "displayName",
    "issuerUri",
    "metadataExchangeUri",
    "signingCertificate",
    "passiveSignInUri",
    "preferredAuthenticationProtocol",
    "activeSignInUri",
    "signOutUri",
    "promptLoginBehavior",
    "isSignedAuthenticationRequestRequired",
    "nextSigningCertificate",
    "federatedIdpMfaBehavior",
    "passwordResetUri",
)
"""What makes up the federation of a domain and can be posted; the rest is Graph's own."""

_NEEDED: Final = ("issuerUri", "passiveSignInUri", "signingCertificate", "preferredAuthenticationProtocol")
_NOT_FOUND: Final = 404

FRESH: Final = timedelta(hours=2)
"""How old the last synchronization of password hashes may be."""

_CLOCKS_DIFFER: Final = timedelta(minutes=5)


class Domain(Struct, frozen=True, kw_only=True):
    """A domain of the tenant. `is_root` and `authentication` are "unknown" where the listing lacks them."""

    name: str
    is_root: bool
    authentication: str

    def is_below(self, other: "Domain") -> bool:
        """Whether it is a subdomain of the other."""
        return self.name.endswith(f".{other.name}")


class _Domain(Struct, frozen=True):
    id: str
    isRoot: bool  # noqa: N815 - Graph's name
    authenticationType: str  # noqa: N815


class Domains(Struct, frozen=True, kw_only=True):
    """All domains of a tenant. `unreadable` are those of which something is missing: nothing is done about them."""

    all: tuple[Domain, ...]
    unreadable: tuple[str, ...] = ()

    @property
    def federated_roots(self) -> tuple[Domain, ...]:
        """Those that can be made managed, in alphabetical order."""
        found = [each for each in self.all if each.is_root and each.authentication == FEDERATED]
        return tuple(sorted(found, key=lambda domain: domain.name))

    @property
    def federated_alone(self) -> tuple[Domain, ...]:
        """Federated subdomains whose root isn't federated, which shouldn't be: they can't be changed by themselves."""
        roots = self.federated_roots
        return tuple(
            each
            for each in self.all
            if each.authentication == FEDERATED and not each.is_root and not any(map(each.is_below, roots))
        )

    def below(self, root: Domain) -> tuple[str, ...]:
        """Give the names of the subdomains that change with their root."""
        return tuple(sorted(each.name for each in self.all if not each.is_root and each.is_below(root)))

    def named(self, name: str) -> Domain | None:
        """Give a domain by its name."""
        return next((each for each in self.all if each.name == name), None)


def read_domains(api: TenantEdges) -> Domains:
    """Read every domain. Raises EdgeError."""
    read: list[Domain] = []
    unreadable: list[str] = []
    for image in api.list(LIST_DOMAINS):
        domain = _domain_in(image)
        if domain is None:
            unreadable.append(str(image.get("id", "a domain without a name"))[:253])
        else:
            read.append(domain)
    return Domains(all=tuple(read), unreadable=tuple(unreadable))


def read_domain(api: TenantEdges, name: str) -> Domain | None:
    """Read a domain by its name; None where it isn't there, or something of it is missing. Raises EdgeError."""
    image = api.get(GET_DOMAIN, domain=name)
    return None if image is None else _domain_in(image)


def _domain_in(image: Image) -> Domain | None:
    try:
        read = msgspec.convert(image, _Domain)
        name = checked_id("domain", read.id.lower())
    except (msgspec.ValidationError, BadIdentifier):
        return None
    return Domain(name=name, is_root=read.isRoot, authentication=read.authenticationType)


def read_federation(api: TenantEdges, name: str) -> Image | None:
    """Read the federation settings of a domain; None where it has none. Raises EdgeError, also for more than one."""
    try:
        found = api.list(LIST_FEDERATION, domain=name)
    except Rejected as rejected:
        if rejected.status == _NOT_FOUND:
            return None
        raise
    if len(found) > 1:
        raise Rejected(f"{name} has {len(found)} federation settings, and there should be one")
    return found[0] if found else None


def posted(federation: Image) -> Image:
    """Give what is to be posted so that a domain is federated as it was."""
    return {name: federation[name] for name in _POSTED if federation.get(name) is not None}


def missing_in(settings: Image) -> tuple[str, ...]:
    """Give the names of what a domain can't be federated without and what isn't there as text."""
    return tuple(name for name in _NEEDED if not isinstance(settings.get(name), str) or not settings[name])


class HashSync(Struct, frozen=True, kw_only=True):
    """Whether Entra ID has the hashes of everybody's passwords. `is_off` is True only where that was read."""

    findings: tuple[Finding, ...]
    is_off: bool = False

    @property
    def is_fine(self) -> bool:
        """Whether all of it was read, and is as it should be."""
        return all(finding.answer is Answer.FINE for finding in self.findings)


def read_hash_sync(api: TenantEdges, now: datetime) -> HashSync:
    """Read whether password hashes are synchronized, and when they were last. What can't be read is unknown."""
    on, is_off = _switched_on(api)
    return HashSync(findings=(on, _freshness(api, now)), is_off=is_off)


def _switched_on(api: TenantEdges) -> tuple[Finding, bool]:
    try:
        listed = api.list(LIST_SYNCHRONIZATION)
    except EdgeError as error:
        return texts.HASH_SYNC_UNREAD.found(because=str(error)), False
    features: list[Image] = [each.get("features") or {} for each in listed]
    states = [each.get("passwordSyncEnabled") for each in features]
    if states and all(state is True for state in states):
        return texts.HASH_SYNC_ON.found(), False
    if not states or any(state is False for state in states):
        return texts.HASH_SYNC_OFF.found(), True
    return texts.HASH_SYNC_NOT_SAID.found(), False


def _freshness(api: TenantEdges, now: datetime) -> Finding:
    try:
        organizations = api.list(GET_ORGANIZATION)
    except EdgeError as error:
        return texts.HASH_AGE_UNREAD.found(because=str(error))
    at = _instant_in(organizations, "onPremisesLastPasswordSyncDateTime")
    if at is None:
        return texts.HASH_AGE_NOT_SAID.found()
    said = f"{at:%Y-%m-%d %H:%M}"
    if at > now + _CLOCKS_DIFFER:
        return texts.HASH_AGE_IN_THE_FUTURE.found(at=said)
    declared = texts.HASHES_FRESH if now - at <= FRESH else texts.HASHES_STALE
    return declared.found(at=said, age=_age(now - at))


def _instant_in(organizations: Sequence[dict[str, Any]], name: str) -> datetime | None:
    if len(organizations) != 1:
        return None
    try:
        at = datetime.fromisoformat(str(organizations[0].get(name)))
    except ValueError:
        return None
    return at if at.tzinfo is not None else None


def _age(age: timedelta) -> Words:
    minutes = max(0, round(age.total_seconds() / 60))
    if minutes < 120:  # noqa: PLR2004 - hours read better from here on
        return Words(en=f"{minutes} min", ko=f"{minutes}분")
    return Words(en=f"{minutes // 60} h", ko=f"{minutes // 60}시간")


def names(domains: Iterable[Domain]) -> str:
    """Give the names of domains as text."""
    return ", ".join(domain.name for domain in domains)
