"""Exactly what two operators agree to in step 6, and the one command that a person runs instead.

The text is the same as long as what it would change is: its SHA-256 is what is confirmed. Whatever comes from the
tenant stands in it as JSON, so that no value can begin a line of its own.
"""

import json
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from shared.emergency.entries import Evidence, Proposal
from shared.model.kinds import Image

SWITCH: Final = "federation"
BACK: Final = "federation-back"


class Snapshot(Struct, frozen=True, kw_only=True):
    """The federation of a domain as it was kept. `settings` are posted to have it back; `below` follow it."""

    domain: str
    settings: Image
    evidence: Evidence
    below: tuple[str, ...] = ()


def switch_proposal(emergency: str, tenant: str, snapshots: Sequence[Snapshot]) -> Proposal:
    """Give what is proposed: that Entra ID checks passwords itself. `tenant` is the tenant's id."""
    lines = [
        f"Emergency {emergency}, step 6: Entra ID checks the passwords of these domains itself, for the time being.",
        f"Tenant: {tenant}",
    ]
    for snapshot in snapshots:
        lines += [
            "",
            f"Domain {snapshot.domain}: PATCH /domains/{snapshot.domain}: authenticationType Managed, now Federated.",
            *([f"Its subdomains follow it: {', '.join(snapshot.below)}."] if snapshot.below else []),
            "This destroys its federation settings. They are kept as evidence, and are now:",
            *_lines_of(snapshot),
        ]
    lines += [
        "",
        "Whoever uses these domains then signs in with the password that was synchronized last, at Entra ID.",
        "The way back is kept: when the emergency is closed, two operators agree to it again.",
    ]
    return Proposal(what=SWITCH, text="\n".join(lines))


def back_proposal(emergency: str, tenant: str, snapshots: Sequence[Snapshot]) -> Proposal:
    """Give what is proposed at the end: that the domains are federated as they were."""
    lines = [
        f"Emergency {emergency}, way back of step 6: these domains are federated again, as they were kept.",
        f"Tenant: {tenant}",
        "Don't agree if the provider's signing key may be in an attacker's hands: he could sign in as anybody.",
    ]
    for snapshot in snapshots:
        lines += [
            "",
            f"Domain {snapshot.domain}: POST /domains/{snapshot.domain}/federationConfiguration (now Managed) with:",
            *_lines_of(snapshot),
        ]
    return Proposal(what=BACK, text="\n".join(lines))


def _lines_of(snapshot: Snapshot) -> list[str]:
    return [
        f"  {snapshot.evidence.blob} (SHA-256 {snapshot.evidence.sha256})",
        *(f"  {name}: {json.dumps(value)}" for name, value in snapshot.settings.items()),
    ]


# ---- commands --------------------------------------------------------------------------------------------------------


def _connect(tenant: str) -> str:
    return f'Connect-MgGraph -TenantId {tenant} -Scopes "Domain.ReadWrite.All","Directory.AccessAsUser.All"'


def switch_command(tenant: str, domains: Sequence[str]) -> str:
    """Give the command that makes domains managed; the names are checked ones. It is Microsoft's own, for a person."""
    changes = (f'Update-MgDomain -DomainId "{domain}" -AuthenticationType "Managed"' for domain in domains)
    return "; ".join((_connect(tenant), *changes))


def keep_command(tenant: str, domains: Sequence[str]) -> str:
    """Give the command that keeps the federation settings in files first, where the app couldn't."""
    saves = (
        f'Get-MgDomainFederationConfiguration -DomainId "{domain}" | ConvertTo-Json > "federation-{domain}.json"'
        for domain in domains
    )
    return "; ".join((_connect(tenant), *saves))


def back_command(tenant: str, snapshots: Sequence[Snapshot]) -> str:
    """Give the command that federates domains again, each from its file of evidence in the present folder."""
    makes = (
        f'New-MgDomainFederationConfiguration -DomainId "{each.domain}" -BodyParameter'
        f' (Get-Content "{each.evidence.blob.rpartition("/")[2]}" -Raw | ConvertFrom-Json -AsHashtable).post'
        for each in snapshots
    )
    return "; ".join((_connect(tenant), *makes))
