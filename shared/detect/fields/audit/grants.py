"""What was granted: roles, and permissions of applications."""

from typing import Final

from shared.detect.fields.audit.changes import changes_of, first_value
from shared.detect.fields.kusto_terms import SPACES, among
from shared.detect.prefilter import of_properties
from shared.model.conditions import KustoJoin, Text
from shared.model.events import AuditEvent, fold
from shared.model.privileges import API_NAMES, HIGH_PRIVILEGE_PERMISSIONS, PRIVILEGED_ROLES, is_highly_privileged
from shared.model.profile import TenantProfile

_PERMISSIONS: Final = ("approle.value", "delegatedpermissiongrant.scope")


def _role_level(event: AuditEvent) -> str:
    templates = {(change.new or change.old or "").lower() for change in changes_of(event, "role.templateid")}
    details = {fold(name): value.lower() for name, value in event.details.items()}
    templates |= {details.get("templateid", ""), details.get("roledefinitionoriginid", "")}
    templates.discard("")
    if not templates:
        return ""
    return "privileged" if templates & PRIVILEGED_ROLES else "other"


def _role_level_kusto(_profile: TenantProfile) -> KustoJoin:
    return KustoJoin(
        rows=f"""union
        (Changes | where property == "role.templateid" | project Id, role = tolower(coalesce(new, old))),
        (AuditLogs
        | mv-expand detail = AdditionalDetails
        | where Fold(tostring(detail.key)) in ("templateid", "roledefinitionoriginid")
        | project Id, role = tolower(tostring(detail.value)))
    | where isnotempty(role)
    | summarize privileged = countif({among("role", PRIVILEGED_ROLES)}), roles = count() by Id""",
        value='case(privileged > 0, "privileged", roles > 0, "other", "")',
    )


def _permission_level(event: AuditEvent) -> str:
    added: set[str] = set()
    for change in changes_of(event, *_PERMISSIONS):
        added |= set((change.new or "").casefold().split()) - set((change.old or "").casefold().split())
    if not added:
        return ""
    return "high" if any(map(is_highly_privileged, added)) else "other"


def _permission_level_kusto(_profile: TenantProfile) -> KustoJoin:
    is_high = (
        f'permission contains_cs ".all" or permission startswith_cs "mail."'
        f" or {among('permission', HIGH_PRIVILEGE_PERMISSIONS)}"
    )
    return KustoJoin(
        rows=f"""Sides
    | where {among("property", _PERMISSIONS)}
    | mv-expand permission = split(tolower(replace_regex(value, @"{SPACES}", " ")), " ") to typeof(string)
    | where isnotempty(permission)
    | summarize olds = sum(olds), news = sum(news) by Id, property, permission
    | where news > 0 and olds == 0
    | summarize high = countif({is_high}), granted = count() by Id""",
        value='case(high > 0, "high", granted > 0, "other", "")',
    )


def _api(event: AuditEvent) -> str:
    changes = list(changes_of(event, "targetid.serviceprincipalnames"))
    names = {name.strip().lower() for change in changes for name in (change.new or change.old or "").split(";")}
    found = [API_NAMES[name] for name in sorted(names & API_NAMES.keys())]
    return found[0] if found else "other" if changes else ""


def _api_kusto(_profile: TenantProfile) -> KustoJoin:
    named = ", ".join(f'api_id == "{app}", "{name}"' for app, name in API_NAMES.items())
    return KustoJoin(
        rows=f"""Changes
    | where property == "targetid.serviceprincipalnames"
    | mv-expand name = split(coalesce(new, old), ";") to typeof(string)
    | extend name = tolower(trim(@"{SPACES}", name))
    | summarize api_id = min(iff({among("name", API_NAMES)}, name, "~")) by Id""",
        value=f'case({named}, isnotempty(api_id), "other", "")',
    )


class GrantFields:
    """Fields about what was granted.

    - `role_level`: "privileged" for a built-in role with power over others, "other" for any other, by its template id.
    - `permission_level`: "high" where a permission with power was added, "other" where only others were.
    - `consent_type`: "allprincipals" for a grant on behalf of everybody, "principal" for one user's.
    - `api`: the API that a permission is for, "other" for those that aren't in `API_NAMES`.
    """

    role_level: Text[AuditEvent] = Text(
        "role_level",
        _role_level,
        prefilter=of_properties("role.templateid", details=("templateid", "roledefinitionoriginid")),
        kusto=_role_level_kusto,
    )
    permission_level: Text[AuditEvent] = Text(
        "permission_level",
        _permission_level,
        prefilter=of_properties(*_PERMISSIONS),
        kusto=_permission_level_kusto,
    )
    consent_type: Text[AuditEvent] = first_value("consent_type", "delegatedpermissiongrant.consenttype")
    api: Text[AuditEvent] = Text(
        "api", _api, prefilter=of_properties("targetid.serviceprincipalnames"), kusto=_api_kusto
    )
