"""What it was done to: the first target, the principal that it is about, its power, and what changed of an account."""

from typing import Final

from msgspec import Struct, field
from msgspec.json import Decoder

from shared.detect.fields.audit.changes import changes_of, first_value, items
from shared.detect.fields.kusto_terms import IS_OBJECT_ID, SPACES, TARGET_ID, TENANT, among, flag, quoted
from shared.detect.prefilter import of_ids, of_properties, of_settings
from shared.model import patterns
from shared.model.conditions import KustoJoin, KustoValue, Label, Text, by_profile
from shared.model.errors import UnreadableRecord
from shared.model.events import AuditEvent, Target, fold
from shared.model.prefilters import Asked, NameSeen, Needs
from shared.model.profile import TenantProfile
from shared.normalize.decoding import decode
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


_GROUP: Final = "group.objectid"


def _groups_of(event: AuditEvent) -> set[str]:
    """Look for the group in a property, since Core Directory names the member first; else among the targets."""
    named = {(change.new or change.old or "").strip().lower() for change in changes_of(event, _GROUP)} - {""}
    return named or {one.id for one in event.targets if fold(one.kind) == "group" and is_object_id(one.id)}


def _level_of_groups(groups: set[str], listed: frozenset[str], word: str, *, is_known: bool) -> str:
    if not groups:
        return ""
    if not listed.isdisjoint(groups):
        return word
    return "other" if is_known else "unknown"


def _group_level(event: AuditEvent, profile: TenantProfile) -> str:
    is_known = event.tenant_id in profile.groups_known_in
    return _level_of_groups(_groups_of(event), profile.role_assignable_groups, _ASSIGNABLE, is_known=is_known)


def _policy_group(event: AuditEvent, profile: TenantProfile) -> str:
    is_known = event.tenant_id in profile.policy_groups_known_in
    return _level_of_groups(_groups_of(event), profile.policy_groups, _LEFT_OUT, is_known=is_known)


_ASSIGNABLE: Final = "role-assignable"
_LEFT_OUT: Final = "left-out"


def _groups_kusto(name: str, listed: frozenset[str], word: str, known_in: frozenset[str]) -> KustoJoin:
    rows = f"""union
        (Changes
        | where property == "{_GROUP}"
        | project Id, group_id = tolower(trim(@"{SPACES}", coalesce(new, old))), named = 1),
        (Targets
        | where Fold(tostring(target.type)) == "group"
        | project Id, group_id = {TARGET_ID}, named = 0
        | where group_id {IS_OBJECT_ID})
    | where isnotempty(group_id)
    | extend is_listed = {among("group_id", listed)}
    | summarize {name}_named = sum(named), {name}_named_listed = countif(is_listed and named == 1),
        {name}_listed = countif(is_listed), {name}_groups = count() by Id"""
    is_known = among(TENANT, known_in)
    return KustoJoin(
        rows=rows,
        value=(
            f'case({name}_named_listed > 0 or ({name}_named == 0 and {name}_listed > 0), "{word}",'
            f' coalesce({name}_groups, 0) == 0, "", {is_known}, "other", "unknown")'
        ),
    )


def _group_level_kusto(profile: TenantProfile) -> KustoJoin:
    return _groups_kusto("roles", profile.role_assignable_groups, _ASSIGNABLE, profile.groups_known_in)


def _policy_group_kusto(profile: TenantProfile) -> KustoJoin:
    return _groups_kusto("policies", profile.policy_groups, _LEFT_OUT, profile.policy_groups_known_in)


def _own_object(event: AuditEvent, profile: TenantProfile) -> str:
    properties = {*changes_of(event, _HOLDER)}
    ids = {target.id for target in event.targets} | {(one.new or one.old or "").strip().lower() for one in properties}
    if not profile.own_identities.isdisjoint(ids):
        return "identity"
    names = {
        name.strip().lower()
        for change in changes_of(event, _NAMES_OF_API)
        for name in (change.new or change.old or "").split(";")
    }
    return "operators" if profile.operators_app and profile.operators_app in names else ""


_HOLDER: Final = "serviceprincipal.objectid"
_NAMES_OF_API: Final = "targetid.serviceprincipalnames"
_OWN_IDENTITIES: Final = of_ids("identity", lambda profile: profile.own_identities, in_property=_HOLDER)


def _own_ids(asked: Asked) -> Needs | None:
    if asked.value != "operators":
        return _OWN_IDENTITIES(asked)
    app = frozenset({asked.profile.operators_app} - {""})
    return Needs(texts=app, sights=frozenset({NameSeen(_NAMES_OF_API)}) if app else frozenset())


def _own_object_kusto(profile: TenantProfile) -> KustoValue:
    if not profile.own_identities and not profile.operators_app:
        return '""'
    app = frozenset({profile.operators_app} - {""})
    rows = f"""union
        (Targets
        | where {among(TARGET_ID, profile.own_identities)}
        | project Id, is_identity = 1),
        (Changes
        | where property == "{_HOLDER}"
        | extend own_id = tolower(trim(@"{SPACES}", coalesce(new, old)))
        | where {among("own_id", profile.own_identities)}
        | project Id, is_identity = 1),
        (Changes
        | where property == "{_NAMES_OF_API}"
        | mv-expand own_name = split(coalesce(new, old), ";") to typeof(string)
        | extend own_name = tolower(trim(@"{SPACES}", own_name))
        | where {among("own_name", app)}
        | project Id, is_identity = 0)
    | summarize own_identity = sum(is_identity), own_rows = count() by Id"""
    return KustoJoin(rows=rows, value='case(own_identity > 0, "identity", own_rows > 0, "operators", "")')


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
    - `policy_group`: "left-out" where a conditional access policy leaves the group out, "other" where it is known that
      none does, else "unknown"; "" without a group.
    - `own_object`: "identity" where it is about a service principal of the app itself, "operators" where it is about
      the registration by which people call the app.
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
        prefilter=of_ids(
            "privileged",
            lambda profile: profile.privileged_accounts,
            unknown_outside=lambda profile: profile.privileged_known_in,
        ),
        kusto=_target_level_kusto,
    )
    group_level: Text[AuditEvent] = by_profile(
        "group_level",
        _group_level,
        *("groups_known_in", "role_assignable_groups"),
        prefilter=of_ids(_ASSIGNABLE, lambda profile: profile.role_assignable_groups, in_property=_GROUP),
        kusto=_group_level_kusto,
    )
    policy_group: Text[AuditEvent] = by_profile(
        "policy_group",
        _policy_group,
        *("policy_groups", "policy_groups_known_in"),
        prefilter=of_ids(_LEFT_OUT, lambda profile: profile.policy_groups, in_property=_GROUP),
        kusto=_policy_group_kusto,
    )
    own_object: Text[AuditEvent] = by_profile(
        "own_object",
        _own_object,
        *("own_identities", "operators_app"),
        prefilter=_own_ids,
        kusto=_own_object_kusto,
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


_STRONG_AUTHENTICATION: Final = frozenset(
    {"strongauthenticationmethod", "strongauthenticationrequirement", "strongauthenticationuserdetails"}
)
_PHONE_APP: Final = "strongauthenticationphoneappdetail"
"""Each sign-in by an authenticator app writes its time into this property, so only other devices are a change."""


class _Device(Struct):
    """One item of the property: a device with an authenticator app."""

    id: str | None = field(default=None, name="Id")


_DEVICE: Final = Decoder(_Device)


def _strong_authentication(event: AuditEvent) -> str:
    for change in changes_of(event, *_STRONG_AUTHENTICATION, _PHONE_APP):
        name_of = _device if fold(change.name) == _PHONE_APP else str
        if {*map(name_of, items(change.old))} != {*map(name_of, items(change.new))}:
            return "changed"
    return ""


def _device(item: str) -> str:
    if not item.startswith("{"):
        return item
    try:
        return (decode(_DEVICE, item).id or "").strip()
    except UnreadableRecord:
        return item


_STRONG_AUTHENTICATION_KUSTO: Final = flag(
    "strong_authentication",
    f"""Items
    | where {among("property", _STRONG_AUTHENTICATION | {_PHONE_APP})}
    | extend text = iff(property == "{_PHONE_APP}" and text startswith "{{",
        trim(@"{SPACES}", tostring(parse_json(text).Id)), text)
    | summarize olds = sum(olds), news = sum(news) by Id, property, text
    | where olds == 0 or news == 0""",
    "changed",
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


def _attribute_fault(event: AuditEvent, profile: TenantProfile) -> str:
    fault = ""
    for name, pattern in profile.account_attributes.items():
        changes = [*changes_of(event, fold(name))]
        old = {item for change in changes for item in items(change.old) if item}
        new = {item for change in changes for item in items(change.new) if item}
        if old and not new:
            return "missing"
        if not all(patterns.is_met(pattern, value[:_LONGEST_VALUE]) for value in new - old):
            fault = "pattern"
    return fault


def _attribute_fault_kusto(profile: TenantProfile) -> KustoValue:
    if not profile.account_attributes:
        return '""'
    counted: list[str] = []
    attributes = list(profile.account_attributes.items())
    for place, (name, pattern) in enumerate(attributes):
        given = f"property == {quoted(fold(name))}"
        whole = quoted(f"^(?:{pattern})$")
        counted += (
            f"had{place} = countif({given} and olds > 0)",
            f"has{place} = countif({given} and news > 0)",
            f"new_wrong{place} = countif({given} and is_new and not(short matches regex {whole}))",
        )
    rows = f"""Items
    | where text != ""
    | summarize olds = sum(olds), news = sum(news) by Id, property, text
    | extend is_new = news > 0 and olds == 0, short = substring(text, 0, {_LONGEST_VALUE})
    | summarize {", ".join(counted)} by Id"""
    missing = " or ".join(f"(had{place} > 0 and has{place} == 0)" for place in range(len(attributes)))
    wrong = " or ".join(f"new_wrong{place} > 0" for place in range(len(attributes)))
    return KustoJoin(rows=rows, value=f'case({missing}, "missing", {wrong}, "pattern", "")')


class AccountFields:
    """Fields about what changed of an account.

    - `account_change`: "sign-in" where something changed by which an account signs in, "other" where something else
      did.
    - `account_fault`: "missing" where a new account lacks a standard attribute of the profile, "pattern" where one
      breaks its convention.
    - `attribute_fault`: "missing" where a standard attribute of an account was taken away, "pattern" where one has a
      new value that breaks its convention.
    - `strong_authentication`: "changed" where a second factor, a device with an authenticator app, or whether one is
      required isn't what it was.
    """

    account_change: Text[AuditEvent] = Text(
        "account_change",
        _account_change,
        prefilter=of_properties(*_SIGN_IN_PROPERTIES, only="sign-in"),
        kusto=_account_change_kusto,
    )
    account_fault: Text[AuditEvent] = by_profile(
        "account_fault",
        _account_fault,
        "account_attributes",
        prefilter=of_settings(lambda profile: profile.account_attributes, "missing", "pattern"),
        kusto=_account_fault_kusto,
    )
    attribute_fault: Text[AuditEvent] = by_profile(
        "attribute_fault",
        _attribute_fault,
        "account_attributes",
        prefilter=of_settings(lambda profile: profile.account_attributes, "missing", "pattern"),
        kusto=_attribute_fault_kusto,
    )
    strong_authentication: Text[AuditEvent] = Text(
        "strong_authentication",
        _strong_authentication,
        prefilter=of_properties(*_STRONG_AUTHENTICATION, _PHONE_APP),
        kusto=_STRONG_AUTHENTICATION_KUSTO,
    )
