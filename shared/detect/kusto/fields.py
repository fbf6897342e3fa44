"""The fields of the views in Kusto: the second telling of the computed fields, tested to give the same.

Properties of one name are taken together where a record has several, of two targets say. Patterns of
`Vocabulary.account_attributes` are given to Kusto as they are, whose regular expressions lack lookaround.
"""

import re
from collections.abc import Collection, Mapping
from typing import Final

from shared.conditional_access.reach import ENFORCED, NOT_ENFORCED, WORST_FIRST
from shared.detect.fields.audit_fields import _SIGN_IN_PROPERTIES as SIGN_IN_PROPERTIES  # pyright: ignore[reportPrivateUsage]
from shared.detect.kusto.listed_fields import LISTED_FIELDS
from shared.detect.kusto.sign_in_fields import SIGN_IN_FIELDS
from shared.detect.kusto.terms import SPACES, TENANT, Expression, Field, Looked, among, quoted, same, tenant
from shared.model.events import Log, fold
from shared.model.privileges import API_NAMES, GLOBAL_ADMINISTRATOR, HIGH_PRIVILEGE_PERMISSIONS, PRIVILEGED_ROLES
from shared.model.profile import TenantProfile

ACTOR: Final = "tolower(coalesce(tostring(InitiatedBy.user.id), tostring(InitiatedBy.app.servicePrincipalId)))"
RESOURCE: Final = "tolower(coalesce(ResourceId, _ResourceId))"
TARGET_ID: Final = f'tolower(trim(@"{SPACES}", tostring(target.id)))'
IS_OBJECT_ID: Final = 'matches regex "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"'


def _of_changes(name: str, *properties: str) -> Field:
    rows = f"""Changes
    | where {among("property", properties)}
    | summarize {name} = max(Fold(coalesce(new, old))) by Id"""
    return same(Looked(rows=rows, value=f'coalesce({name}, "")'))


def _flag(name: str, rows: str, word: str) -> Looked:
    """Give a field that is `word` where `rows` has the record."""
    return Looked(
        rows=f"{rows}\n    | summarize {name}_rows = count() by Id", value=f'iff({name}_rows > 0, "{word}", "")'
    )


_PRINCIPAL_KIND: Final = Looked(
    rows="""Targets
    | extend principal = Fold(tostring(target.type))
    | where principal in ("group", "serviceprincipal", "user")
    | summarize arg_min(place, principal) by Id
    | project Id, principal_kind = principal""",
    value='coalesce(principal_kind, "")',
)
_PRINCIPAL: Final = Looked(
    rows=f"""Targets
    | where Fold(tostring(target.type)) in ("group", "serviceprincipal", "user")
    | summarize arg_min(place, target) by Id
    | extend principal_id = {TARGET_ID}
    | project Id, principal_id = iff(principal_id {IS_OBJECT_ID}, principal_id, "")""",
    value='coalesce(principal_id, "")',
)
_USER: Final = "strcat(InitiatedBy.user.id, InitiatedBy.user.userPrincipalName, InitiatedBy.user.displayName)"
_APP: Final = (
    "strcat(InitiatedBy.app.servicePrincipalId, InitiatedBy.app.displayName,"
    " InitiatedBy.app.servicePrincipalName, InitiatedBy.app.appId)"
)
_ACTOR_KIND: Final = (
    f'case(isnotempty({_USER}) == isnotempty({_APP}), "unknown", isnotempty({_USER}), "user", "serviceprincipal")'
)
_USER_LABEL: Final = "coalesce(tostring(InitiatedBy.user.userPrincipalName), tostring(InitiatedBy.user.displayName))"
_APP_LABEL: Final = (
    "coalesce(tostring(InitiatedBy.app.displayName), tostring(InitiatedBy.app.servicePrincipalName),"
    " tostring(InitiatedBy.app.appId))"
)
_ACTOR_LABEL: Final = (
    f'Fold(case(isnotempty({_USER}) and isnotempty({_APP}), strcat({_USER_LABEL}, " or ", {_APP_LABEL}),'
    f" isnotempty({_USER}), {_USER_LABEL}, {_APP_LABEL}))"
)
_ACTING: Final = f'iff(isnotempty({_USER}) and isnotempty({_APP}), "", {ACTOR})'
_ACTOR_IS_TARGET: Final = Looked(
    rows=f"""Targets
    | where tolower(tostring(target.id)) == {ACTOR}
    | summarize own = count() by Id""",
    value=f'case({ACTOR} == "", "", own > 0, "self", "other")',
)
_ROLE_LEVEL: Final = Looked(
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
_IS_HIGH: Final = (
    f'permission contains_cs ".all" or permission startswith_cs "mail."'
    f" or {among('permission', HIGH_PRIVILEGE_PERMISSIONS)}"
)
_PERMISSION_LEVEL: Final = Looked(
    rows=f"""Sides
    | where property in ("approle.value", "delegatedpermissiongrant.scope")
    | mv-expand permission = split(tolower(replace_regex(value, @"{SPACES}", " ")), " ") to typeof(string)
    | where isnotempty(permission)
    | summarize olds = sum(olds), news = sum(news) by Id, property, permission
    | where news > 0 and olds == 0
    | summarize high = countif({_IS_HIGH}), granted = count() by Id""",
    value='case(high > 0, "high", granted > 0, "other", "")',
)
_API: Final = Looked(
    rows=f"""Changes
    | where property == "targetid.serviceprincipalnames"
    | mv-expand name = split(coalesce(new, old), ";") to typeof(string)
    | extend name = tolower(trim(@"{SPACES}", name))
    | summarize api_id = min(iff({among("name", API_NAMES)}, name, "~")) by Id""",
    value="case("
    + ", ".join(f'api_id == "{app}", "{name}"' for app, name in API_NAMES.items())
    + ', isnotempty(api_id), "other", "")',
)
_ADDED_CREDENTIAL: Final = Looked(
    rows=rf"""Items
    | where property in ("keydescription", "federatedidentitycredentials")
    | extend key = tolower(trim(@"{SPACES}", extract(@"(?i)^\[KeyIdentifier=([^,\]]+)", 1, text)))
    | extend key = iff(property == "keydescription" and isnotempty(key), key, text)
    | summarize olds = sum(olds), news = sum(news) by Id, property, key
    | where news > 0 and olds == 0 and isnotempty(key)
    | summarize keys = countif(property == "keydescription"), trusts = count() by Id""",
    value='case(keys > 0, "key", trusts > 0, "federated", "")',
)
_IDENTIFIER_URI: Final = _flag(
    "uri",
    """Items
    | where property in ("appidentifieruri", "serviceprincipalname")
    | summarize olds = sum(olds), news = sum(news) by Id, property, text
    | where olds == 0 or news == 0""",
    "changed",
)
_ACCOUNT_CHANGE: Final = Looked(
    rows=f"""Changes
    | where isnotempty(property)
    | where not(property startswith_cs "targetid.") and not(property startswith_cs "included updated")
    | summarize signs_in = countif({among("property", SIGN_IN_PROPERTIES)}), changes = count() by Id""",
    value='case(signs_in > 0, "sign-in", changes > 0, "other", "")',
)


def _is_below(domains: Collection[str]) -> str:
    listed = "|".join(map(re.escape, sorted(domains)))
    return rf'host matches regex @"(^|\.)({listed})$"' if domains else "false"


def _redirect_problem(profile: TenantProfile) -> Looked:
    """Write `audit_fields.uri_problem`; the digit before each word puts the worst first."""
    unknown = "2not-owned" if profile.owned_domains else "4ownership-unknown"
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
        host in ("login.microsoftonline.com", "login.live.com") or {_is_below(profile.owned_domains)}, "7owned",
        {_is_below(profile.shared_domains)}, "3shared-domain",
        "{unknown}")
    | summarize problem = min(problem) by Id"""
    return Looked(rows=rows, value='coalesce(substring(problem, 1), "")')


def _logout_url(profile: TenantProfile) -> Looked:
    named = " or ".join(f"property contains_cs {quoted(fold(word))}" for word in sorted(profile.logout_properties))
    return _flag("logout", f"Changes\n    | where old != new and ({named or 'false'})", "changed")


def _actor_service(profile: TenantProfile) -> str:
    cpim, managed = among(ACTOR, profile.cpim_ids), among(ACTOR, profile.managed_identity_ids)
    return f'case({cpim}, "cpim", {managed}, "managed-identities", "")'


def _account_fault(profile: TenantProfile) -> Expression:
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
    | extend text = substring(text, 0, 500)
    | summarize {", ".join(counted)} by Id"""
    missing = " or ".join(f"coalesce(given{place}, 0) == 0" for place in range(len(attributes)))
    wrong = " or ".join(f"wrong{place} > 0" for place in range(len(attributes)))
    return Looked(rows=rows, value=f'case({missing}, "missing", {wrong}, "pattern", "")')


def _target_account(profile: TenantProfile) -> Expression:
    accounts = profile.emergency_accounts
    if not accounts:
        return '""'
    return _flag("emergency", f"Targets\n    | where {among('tolower(tostring(target.id))', accounts)}", "emergency")


def _target_level(profile: TenantProfile) -> Looked:
    rows = f"""Targets
    | extend target_id = {TARGET_ID}
    | where target_id {IS_OBJECT_ID}
    | summarize known_targets = count(),
        privileged_targets = countif({among("target_id", profile.privileged_accounts)}) by Id"""
    is_known = f"known_targets > 0 and {among(TENANT, profile.privileged_known_in)}"
    return Looked(rows=rows, value=f'case(privileged_targets > 0, "privileged", {is_known}, "other", "unknown")')


def _group_level(profile: TenantProfile) -> Looked:
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
    return Looked(
        rows=rows,
        value=(
            'case(named_giving > 0 or (named == 0 and giving > 0), "role-assignable",'
            f' coalesce(groups, 0) == 0, "", {is_known}, "other", "unknown")'
        ),
    )


def _emergency_reach(profile: TenantProfile) -> Expression:
    """Write `ca_reach.change_of_reach`; ids are in the lists of a policy nowhere but as themselves."""
    if not profile.emergency_accounts:
        return '""'
    accounts = ", ".join(map(quoted, sorted(profile.emergency_accounts)))
    holds = sorted({GLOBAL_ADMINISTRATOR, *profile.emergency_groups})
    included, excluded = (
        " or ".join([f"{side}_users contains_cs account", *(f"{side}_by contains_cs {quoted(one)}" for one in holds)])
        for side in ("include", "exclude")
    )
    told = {word: quoted(f"{place}{word}") for place, word in enumerate(WORST_FIRST)}
    rows = f"""Sides
    | where property == "conditionalaccesspolicy"
    | extend policy = parse_json(value)
    | extend state = tolower(tostring(policy.state)), users = policy.conditions.users
    | extend include_users = tolower(tostring(users.includeUsers)),
        exclude_users = tolower(tostring(users.excludeUsers)),
        include_by = tolower(strcat(users.includeGroups, users.includeRoles)),
        exclude_by = tolower(strcat(users.excludeGroups, users.excludeRoles))
    | mv-expand account = pack_array({accounts}) to typeof(string)
    | extend includes = {included} or include_users contains_cs {quoted('"all"')}, excludes = {excluded}
    | extend reach = case(
        {among("state", NOT_ENFORCED)}, "left-out",
        state != "{ENFORCED}", "unknown",
        excludes or not(includes or include_by contains_cs {quoted('"')}), "left-out",
        includes and not(exclude_by contains_cs {quoted('"')}), "reached",
        "unknown")
    | summarize before = max(iff(olds > 0, reach, "")), now = max(iff(news > 0, reach, "")),
        is_enforced = countif(news > 0 and state == "{ENFORCED}"), left_out = countif(olds > 0 and excludes)
        by Id, account
    | where isnotempty(now)
    | summarize emergency = min(case(
        now == "reached" and before == "reached", {told["as-before"]},
        now == "reached", {told["reached"]},
        now == "left-out", {told["left-out"]},
        is_enforced > 0 and left_out > 0, {told["exclusion-lost"]},
        {told["unknown"]})) by Id"""
    return Looked(rows=rows, value='coalesce(substring(emergency, 1), "")')


def _site(profile: TenantProfile) -> str:
    below = rf'extract(@"/providers/microsoft\.web/sites/([^/]*)", 1, {RESOURCE})'
    named = f'{RESOURCE} contains_cs "/providers/microsoft.web/sites/"'
    return f'case(not({named}), "", {below} == {quoted(profile.own_site.lower())}, "own", "other")'


_OPERATION: Final = "Fold(coalesce(OperationNameValue, OperationName))"
_PERSON: Final = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"
_CALLER: Final = "Fold(coalesce({}))".format(
    ", ".join(
        text if text == "Caller" else f'tostring(parse_json(Claims)["{text}"])'
        for text in (f"{_PERSON}upn", "Caller", f"{_PERSON}name", f"{_PERSON}emailaddress", "name", "appid")
    )
)

FIELDS: Final[Mapping[Log, Mapping[str, Field]]] = {
    Log.AUDIT: {
        "activity": same("Fold(coalesce(ActivityDisplayName, OperationName))"),
        "category": same("Fold(Category)"),
        "service": same("Fold(LoggedByService)"),
        "outcome": same("Fold(Result)"),
        "reason": same("Fold(ResultReason)"),
        "actor": same(_ACTING),
        "actor_label": same(_ACTOR_LABEL),
        "address": same("Fold(tostring(InitiatedBy.user.ipAddress))"),
        "target": same("tostring(TargetResources[0].id)"),
        "target_kind": same("Fold(tostring(TargetResources[0].type))"),
        "principal": same(_PRINCIPAL),
        "principal_kind": same(_PRINCIPAL_KIND),
        "actor_kind": same(_ACTOR_KIND),
        "actor_is_target": same(_ACTOR_IS_TARGET),
        "role_level": same(_ROLE_LEVEL),
        "permission_level": same(_PERMISSION_LEVEL),
        "consent_type": _of_changes("consent_type", "delegatedpermissiongrant.consenttype"),
        "api": same(_API),
        "added_credential": same(_ADDED_CREDENTIAL),
        "service_principal_type": _of_changes(
            "service_principal_type", "targetid.serviceprincipaltype", "serviceprincipaltype"
        ),
        "identifier_uri": same(_IDENTIFIER_URI),
        "account_change": same(_ACCOUNT_CHANGE),
        "redirect_problem": _redirect_problem,
        "logout_url": _logout_url,
        "actor_service": _actor_service,
        "account_fault": _account_fault,
        "tenant": tenant,
        "target_account": _target_account,
        "target_level": _target_level,
        "group_level": _group_level,
        "emergency_reach": _emergency_reach,
        **LISTED_FIELDS,
    },
    Log.SIGN_IN: SIGN_IN_FIELDS,
    Log.RESOURCE: {
        "operation": same(_OPERATION),
        "outcome": same("Outcome(Fold(coalesce(ActivityStatusValue, ActivityStatus)))"),
        "provider": same(f'tostring(split({_OPERATION}, "/")[0])'),
        "resource": same("Whole(coalesce(ResourceId, _ResourceId))"),
        "subscription": same("tolower(SubscriptionId)"),
        "caller": same(_CALLER),
        "address": same('Fold(coalesce(CallerIpAddress, tostring(parse_json(Claims)["ipaddr"])))'),
        "site": _site,
    },
}
"""By log and name of the Text field."""
