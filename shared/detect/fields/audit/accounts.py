"""What changed of an account."""

import re
from typing import Final

from shared.detect.fields.audit.changes import changes_of, items
from shared.detect.fields.kusto_terms import among, quoted
from shared.detect.prefilter import of_settings
from shared.model.conditions import KustoJoin, KustoValue, Text, by_profile
from shared.model.events import AuditEvent, fold
from shared.model.profile import TenantProfile

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
        if not all(re.fullmatch(pattern, value) for value in values):
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
