"""Whether a change of a conditional access policy can lock out a break-glass account."""

from shared.conditional_access.reach import ENFORCED, NOT_ENFORCED, WORST_FIRST, change_of_reach
from shared.detect.fields.audit.changes import changes_of
from shared.detect.fields.kusto_terms import among, quoted
from shared.detect.prefilter import of_properties
from shared.model.conditions import KustoJoin, KustoValue, Text, by_profile
from shared.model.events import AuditEvent
from shared.model.privileges import GLOBAL_ADMINISTRATOR
from shared.model.profile import TenantProfile


def _emergency_reach(event: AuditEvent, profile: TenantProfile) -> str:
    found = {
        change_of_reach(change.old, change.new, account=account, groups=profile.emergency_groups)
        for change in changes_of(event, "conditionalaccesspolicy")
        for account in profile.emergency_accounts
        if change.new
    }
    return next((word for word in WORST_FIRST if word in found), "")


def _emergency_reach_kusto(profile: TenantProfile) -> KustoValue:
    """Write `reach.change_of_reach`; ids are in the lists of a policy nowhere but as themselves."""
    if not profile.emergency_accounts:
        return '""'
    accounts = ", ".join(map(quoted, sorted(profile.emergency_accounts)))
    holds = sorted({GLOBAL_ADMINISTRATOR, *profile.emergency_groups})
    included, excluded = (
        " or ".join([f"{side}_users contains_cs account", *(f"{side}_by contains_cs {quoted(one)}" for one in holds)])
        for side in ("include", "exclude")
    )
    ranked = {word: quoted(f"{place}{word}") for place, word in enumerate(WORST_FIRST)}
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
        now == "reached" and before == "reached", {ranked["as-before"]},
        now == "reached", {ranked["reached"]},
        now == "left-out", {ranked["left-out"]},
        is_enforced > 0 and left_out > 0, {ranked["exclusion-lost"]},
        {ranked["unknown"]})) by Id"""
    return KustoJoin(rows=rows, value='coalesce(substring(emergency, 1), "")')


class PolicyFields:
    """Fields about a conditional access policy.

    - `emergency_reach`: the worst that a change of one is to a break-glass account: a word of `reach.WORST_FIRST`.
    """

    emergency_reach: Text[AuditEvent] = by_profile(
        "emergency_reach",
        _emergency_reach,
        *("emergency_accounts", "emergency_groups"),
        prefilter=of_properties("conditionalaccesspolicy"),
        kusto=_emergency_reach_kusto,
    )
