"""What it was done to: the first target, the principal that it is about, its power, and what changed of an account."""

from typing import Final

from shared.detect.fields.audit.changes import changes_of, first_value, items
from shared.detect.fields.kusto_terms import IS_OBJECT_ID, SPACES, TARGET_ID, TENANT, among, flag, quoted
from shared.detect.prefilter import of_ids, of_settings
from shared.model import patterns
from shared.model.conditions import KustoJoin, KustoValue, Label, Text, by_profile
from shared.model.events import AuditEvent, Target, fold
from shared.model.profile import TenantProfile
from shared.normalize.ids import is_object_id

_PRINCIPALS: Final = frozenset({"user", "group", "serviceprincipal"})


def _principal(event: AuditEvent) -> Target | None:
    """Find the principal that it is about: PIM lists the role first, Core Directory the principal."""
    return next((target for target in event.targets if fold(target.kind) in _PRINCIPALS), None)


def _principal_id(event: AuditEvent) -> str:
    found = _principal(event)
    return found.id if found and is_object_id(found.id) else ""


_PRINCIPAL_KUSTO: Final = KustoJoin(
    rows=f"""Targets
    | where Fold(tostring(target.type)) in ("group", "serviceprincipal", "user")
    | summarize arg_min(place, target) by Id
    | extend principal_id = {TARGET_ID}
    | project Id, principal_id = iff(principal_id {IS_OBJECT_ID}, principal_id, "")""",
    value='coalesce(principal_id, "")',
)


def _principal_kind(event: AuditEvent) -> str:
    found = _principal(event)
    return fold(found.kind) if found else ""


_PRINCIPAL_KIND_KUSTO: Final = KustoJoin(
    rows="""Targets
    | extend principal = Fold(tostring(target.type))
    | where principal in ("group", "serviceprincipal", "user")
    | summarize arg_min(place, principal) by Id
    | project Id, principal_kind = principal""",
    value='coalesce(principal_kind, "")',
)


def _target_account(event: AuditEvent, profile: TenantProfile) -> str:
    ids = [target.id for target in event.targets]
    return "" if profile.emergency_accounts.isdisjoint(ids) else "emergency"


def _target_account_kusto(profile: TenantProfile) -> KustoValue:
    accounts = profile.emergency_accounts
    if not accounts:
        return '""'
    return flag("emergency", f"Targets\n    | where {among(TARGET_ID, accounts)}", "emergency")


def _target_level(event: AuditEvent, profile: TenantProfile) -> str:
    ids = [target.id for target in event.targets if is_object_id(target.id)]
    if not profile.privileged_accounts.isdisjoint(ids):
        return "privileged"
    return "other" if ids and event.tenant_id in profile.privileged_known_in else "unknown"


def _target_level_kusto(profile: TenantProfile) -> KustoJoin:
    rows = f"""Targets
    | extend target_id = {TARGET_ID}
    | where target_id {IS_OBJECT_ID}
    | summarize known_targets = count(),
        privileged_targets = countif({among("target_id", profile.privileged_accounts)}) by Id"""
    is_known = f"known_targets > 0 and {among(TENANT, profile.privileged_known_in)}"
    return KustoJoin(rows=rows, value=f'case(privileged_targets > 0, "privileged", {is_known}, "other", "unknown")')


def _group_level(event: AuditEvent, profile: TenantProfile) -> str:
    """Look for the group in a property, since Core Directory names the member first; else among the targets."""
    named = {(change.new or change.old or "").strip().lower() for change in changes_of(event, "group.objectid")} - {""}
    groups = named or {one.id for one in event.targets if fold(one.kind) == "group" and is_object_id(one.id)}
    if not groups:
        return ""
    if not profile.role_assignable_groups.isdisjoint(groups):
        return "role-assignable"
    return "other" if event.tenant_id in profile.groups_known_in else "unknown"


def _group_level_kusto(profile: TenantProfile) -> KustoJoin:
    rows = f"""union
        (Changes
        | where property == "group.objectid"
        | project Id, group_id = tolower(trim(@"{SPACES}", coalesce(new, old))), named = 1),
        (Targets
        | where Fold(tostring(target.type)) == "group"
        | project Id, group_id = {TARGET_ID}, named = 0
        | where group_id {IS_OBJECT_ID})
    | where isnotempty(group_id)
    | extend gives_roles = {among("group_id", profile.role_assignable_groups)}
    | summarize named = sum(named), named_giving = countif(gives_roles and named == 1),
        giving = countif(gives_roles), groups = count() by Id"""
    is_known = among(TENANT, profile.groups_known_in)
    return KustoJoin(
        rows=rows,
        value=(
            'case(named_giving > 0 or (named == 0 and giving > 0), "role-assignable",'
            f' coalesce(groups, 0) == 0, "", {is_known}, "other", "unknown")'
        ),
    )


_FIRST_TARGET_KUSTO: Final = "coalesce({})".format(
    ", ".join(f"Identifier(tostring(TargetResources[0].{name}))" for name in ("id", "displayName", "userPrincipalName"))
)


class TargetFields:
    """Fields about what it was done to.

    - `target`: id of the first target; its name where it has none, like a domain.
    - `principal`, `principal_kind`: object id and kind ("user", "group", "serviceprincipal") of the first target that
      is a principal.
    - `service_principal_type`: "managedidentity", "application" and so on, where the record has it.
    - `target_account`: "emergency" where one of the targets is a break-glass account.
    - `target_level`: "privileged" where one of the targets is a privileged account, "other" where it is known that
      none is, else "unknown".
    - `group_level`: "role-assignable" where members of the group can hold roles by it, "other" where it is known that
      they can't, else "unknown"; "" without a group.
    """

    target: Text[AuditEvent] = Text(
        "target",
        lambda event: event.target.id,
        kusto=_FIRST_TARGET_KUSTO,
        label=Label("object", "objects"),
    )
    target_kind: Text[AuditEvent] = Text(
        "target_kind", lambda event: fold(event.target.kind), kusto="Fold(tostring(TargetResources[0].type))"
    )
    principal: Text[AuditEvent] = Text(
        "principal", _principal_id, kusto=_PRINCIPAL_KUSTO, label=Label("account", "accounts")
    )
    principal_kind: Text[AuditEvent] = Text("principal_kind", _principal_kind, kusto=_PRINCIPAL_KIND_KUSTO)
    service_principal_type: Text[AuditEvent] = first_value(
        "service_principal_type", "targetid.serviceprincipaltype", "serviceprincipaltype"
    )
    target_account: Text[AuditEvent] = by_profile(
        "target_account",
        _target_account,
        "emergency_accounts",
        prefilter=of_ids("emergency", lambda profile: profile.emergency_accounts),
        kusto=_target_account_kusto,
    )
    target_level: Text[AuditEvent] = by_profile(
        "target_level",
        _target_level,
        *("privileged_accounts", "privileged_known_in"),
        prefilter=of_ids("privileged", lambda profile: profile.privileged_accounts),
        kusto=_target_level_kusto,
    )
    group_level: Text[AuditEvent] = by_profile(
        "group_level",
        _group_level,
        *("groups_known_in", "role_assignable_groups"),
        prefilter=of_ids("role-assignable", lambda profile: profile.role_assignable_groups),
        kusto=_group_level_kusto,
    )


_LONGEST_VALUE: Final = 500
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
_ABOUT_THE_RECORD: Final = frozenset({"", "included updated properties", "targetid.usertype"})
"""Properties that list the record's others, or describe whom it is about."""


def _account_change(event: AuditEvent) -> str:
    names = {fold(change.name) for target in event.targets for change in target.changes}
    if not names.isdisjoint(_SIGN_IN_PROPERTIES):
        return "sign-in"
    return "other" if names - _ABOUT_THE_RECORD else ""


def _account_change_kusto(_profile: TenantProfile) -> KustoJoin:
    return KustoJoin(
        rows=f"""Changes
    | where not({among("property", _ABOUT_THE_RECORD)})
    | summarize signs_in = countif({among("property", _SIGN_IN_PROPERTIES)}), changes = count() by Id""",
        value='case(signs_in > 0, "sign-in", changes > 0, "other", "")',
    )


def _account_fault(event: AuditEvent, profile: TenantProfile) -> str:
    fault = ""
    for name, pattern in profile.account_attributes.items():
        values = [
            item[:_LONGEST_VALUE] for change in changes_of(event, fold(name)) for item in items(change.new) if item
        ]
        if not values:
            return "missing"
        if not all(patterns.is_met(pattern, value) for value in values):
            fault = "pattern"
    return fault


def _account_fault_kusto(profile: TenantProfile) -> KustoValue:
    """Give Kusto the patterns as they are, whose regular expressions lack lookaround."""
    if not profile.account_attributes:
        return '""'
    counted: list[str] = []
    attributes = list(profile.account_attributes.items())
    for place, (name, pattern) in enumerate(attributes):
        given = f'news > 0 and property == {quoted(fold(name))} and text != ""'
        whole = quoted(f"^(?:{pattern})$")
        counted += (
            f"given{place} = countif({given})",
            f"wrong{place} = countif({given} and not(text matches regex {whole}))",
        )
    rows = f"""Items
    | extend text = substring(text, 0, {_LONGEST_VALUE})
    | summarize {", ".join(counted)} by Id"""
    missing = " or ".join(f"coalesce(given{place}, 0) == 0" for place in range(len(attributes)))
    wrong = " or ".join(f"wrong{place} > 0" for place in range(len(attributes)))
    return KustoJoin(rows=rows, value=f'case({missing}, "missing", {wrong}, "pattern", "")')


class AccountFields:
    """Fields about what changed of an account.

    - `account_change`: "sign-in" where something changed by which an account signs in, "other" where something else
      did.
    - `account_fault`: "missing" where a new account lacks a standard attribute of the profile, "pattern" where one
      breaks its convention.
    """

    account_change: Text[AuditEvent] = Text("account_change", _account_change, kusto=_account_change_kusto)
    account_fault: Text[AuditEvent] = by_profile(
        "account_fault",
        _account_fault,
        "account_attributes",
        prefilter=of_settings(lambda profile: profile.account_attributes, "missing", "pattern"),
        kusto=_account_fault_kusto,
    )
