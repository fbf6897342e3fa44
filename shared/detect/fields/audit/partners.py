"""Which other organisation a record is about: whose person was invited, or whose tenant is trusted."""

from typing import Final

from shared.detect.fields.audit.changes import changes_of
from shared.detect.fields.domains import is_below, is_below_kusto
from shared.detect.fields.kusto_terms import SPACES, among
from shared.detect.prefilter import of_properties
from shared.model.conditions import KustoJoin, Text, by_profile
from shared.model.events import AuditEvent, fold
from shared.model.profile import TenantProfile

_INVITED: Final = "inviteduseremailaddress"
_TENANT_ID: Final = "tenantid"


def _organisations(event: AuditEvent) -> set[str]:
    """Give the domains of who was invited, and the ids of the tenants that a setting is for."""
    invited = [value for key, value in event.details.items() if fold(key) == _INVITED and "@" in value]
    tenants = [change.new or change.old or "" for change in changes_of(event, _TENANT_ID)]
    named = [*(value.rpartition("@")[2] for value in invited), *tenants]
    return {name.strip().lower() for name in named} - {""}


def _partner(event: AuditEvent, profile: TenantProfile) -> str:
    found = _organisations(event)
    if not found:
        return ""
    listed = profile.partner_organisations
    if not listed:
        return "unknown"
    return "known" if all(is_below(one, listed) for one in found) else "outside"


def _partner_kusto(profile: TenantProfile) -> KustoJoin:
    listed = profile.partner_organisations
    is_known = f"{among('partner', listed)} or {is_below_kusto('partner', listed)}"
    rows = rf"""union
        (AuditLogs
        | mv-expand detail = AdditionalDetails
        | where Fold(tostring(detail.key)) == "{_INVITED}"
        | project Id, partner = extract(@"@([^@]*)$", 1, tostring(detail.value))),
        (Changes
        | where property == "{_TENANT_ID}"
        | project Id, partner = coalesce(new, old))
    | extend partner = tolower(trim(@"{SPACES}", partner))
    | where isnotempty(partner)
    | summarize partners = count(), outside = countif(not({is_known})) by Id"""
    judged = 'outside > 0, "outside", "known"' if listed else '"unknown"'
    return KustoJoin(rows=rows, value=f'case(coalesce(partners, 0) == 0, "", {judged})')


class PartnerFields:
    """Fields about other organisations.

    - `partner`: "outside" where one is named, by an invited person's domain or by its tenant's id, that isn't among
      `partner_organisations`; "known" where all are, "unknown" while none is listed; "" where none is named.
    """

    partner: Text[AuditEvent] = by_profile(
        "partner",
        _partner,
        "partner_organisations",
        prefilter=of_properties(_TENANT_ID, details=(_INVITED,)),
        kusto=_partner_kusto,
    )
