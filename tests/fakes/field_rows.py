"""Rows of each log, and profiles, with which fields are compared: read by the app and by Kusto.

Rows are drawn from the catalogue's samples, with odd spellings in them, and from strategies for what samples seldom
vary. A field that is new needs a detection with a hit and a miss for it, or a strategy here.
"""

import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Final

from hypothesis import strategies as st

from responders.catalogue import CATALOGUE
from responders.detections.directory_samples import (
    COLLEAGUE,
    EMERGENCY_GROUP,
    ROLE_ASSIGNABLE_GROUP,
    ROLE_HOLDER,
    SAMPLE_PROFILE,
    change,
    target,
)
from responders.detections.samples import (
    ADMINISTRATOR,
    BREAK_GLASS,
    CA_POLICY,
    PIPELINE,
    TENANT,
    audit_record,
    ca_policy_record,
)
from responders.detections.sign_in_samples import failed
from shared.detect.kusto.compile import why_no_query
from shared.model.events import Log
from shared.model.privileges import GLOBAL_ADMINISTRATOR
from shared.model.profile import DEFAULT, Hours, TenantProfile
from tests.fakes.kql_rows import Json, row_of, rows
from tests.fakes.record_strategies import audit_row, sign_in_record, sign_in_row

_MORGAN: Final = "d40a6b7e-8c15-4f29-93e6-1b7f52ac80d3"
_ROBIN: Final = "f95c2e07-83ab-4d16-b7e0-4a1d98c6353b"
_OFFICE: Final = Hours(zone="Europe/Amsterdam", begin="08:00", end="18:30")
_NIGHT: Final = Hours(zone="America/New_York", begin="22:00", end="06:00", days=frozenset({5, 6, 7}))

PROFILES: Final[Mapping[str, TenantProfile]] = {
    "default": DEFAULT,
    "of the samples": SAMPLE_PROFILE,
    "everything set": TenantProfile(
        consumer_apps=frozenset({"Order  Portal", "04B07795-8ddb-461a-bbee-02f9e1bf7b46"}),
        allowed_countries=frozenset({"NL", "be"}),
        credential_types=frozenset({"password", "federated"}),
        automated_tests={"04b07795-8ddb-461a-bbee-02f9e1bf7b46": date(2026, 6, 30)},
        allowed_cities=frozenset({"The Hague", "ghent"}),
        privileged_countries=frozenset({"nl"}),
        privileged_networks=frozenset({"198.51.100.0/24", "203.0.113.7", "2001:db8:4::/48"}),
        privileged_browsers=frozenset({"Edge", "Mobile Safari"}),
        privileged_operating_systems=frozenset({"windows"}),
        working_hours={_MORGAN: _OFFICE, _ROBIN: _NIGHT},
        vip_accounts=frozenset({_ROBIN}),
        privileged_accounts=frozenset({_MORGAN}),
        privileged_known_in=frozenset({TENANT}),
        consumer_tenants=frozenset({TENANT}),
        emergency_accounts=frozenset({_ROBIN}),
        emergency_groups=frozenset({EMERGENCY_GROUP}),
        shared_domains=frozenset({"github.io"}),
    ),
    "otherwise": TenantProfile(
        privileged_networks=frozenset({"2001:db8:4::/48"}),
        privileged_browsers=frozenset({"Chrome"}),
        working_hours={"*": _NIGHT, _MORGAN: _OFFICE},
        interrupts=frozenset(),
        consumer_tenants=frozenset(),
        emergency_accounts=frozenset({BREAK_GLASS, ROLE_HOLDER}),
        logout_properties=frozenset({"SignOut"}),
    ),
}

_GROUPS: Final = (ROLE_ASSIGNABLE_GROUP, EMERGENCY_GROUP)
_IDS: Final = (*_GROUPS, ROLE_HOLDER.upper(), f" {COLLEAGUE}\N{NO-BREAK SPACE}", "robin@fabrikam.example", "", None)

_group_properties = st.lists(
    st.sampled_from(("", *_GROUPS)).map(lambda id_: change("Group.ObjectID", None, id_)), max_size=1
)


def _member(id_: str | None, kind: str, changes: list[Json]) -> Json:
    return target(id_, kind, *changes)


_member_targets = st.builds(
    _member,
    st.sampled_from(_IDS),
    st.sampled_from(("User", "group", "ServicePrincipal", "Role", "Other")),
    _group_properties,
)
_memberships = st.lists(_member_targets, max_size=3).map(
    lambda each: audit_record("Add member to group", targetResources=each)
)

_members = st.lists(
    st.sampled_from(("All", "None", BREAK_GLASS, ROLE_HOLDER.upper(), PIPELINE, *_GROUPS, GLOBAL_ADMINISTRATOR)),
    max_size=2,
)
_policy_users = st.fixed_dictionaries(
    {},
    optional={
        f"{side}{whom}": st.none() | _members
        for side in ("include", "exclude")
        for whom in ("Users", "Groups", "Roles")
    },
)


def _policy(state: str | None, users: Json | None) -> str:
    return json.dumps(CA_POLICY | {"state": state, "conditions": {"users": users}})


_policies = st.builds(
    _policy,
    st.sampled_from(("enabled", "Enabled", "disabled", "enabledForReportingButNotEnforced", None)),
    st.none() | _policy_users,
)
_texts = st.none() | st.sampled_from(("", "{", "null", '"x"')) | _policies


def _policy_record(old: str | None, new: str | None) -> Json:
    record = ca_policy_record("Update conditional access policy")
    record["targetResources"][0]["modifiedProperties"][0] |= {"oldValue": old, "newValue": new}
    return record


_LONG: Final = f"{'Mail.Read ' * 80}the end"
_SPACED: Final = "A \N{EM DASH}\N{NO-BREAK SPACE}B\n\nC"
_names = st.sampled_from(("Sam", "sam ", _SPACED, '"quoted"', "a=b", "100%_x", "", None))
_values = st.none() | st.sampled_from(
    ("null", "", '"Member"', '["Guest"]', "plain", '" "', json.dumps(_LONG), '{"a": "b\\n"}')
)
_changes = st.fixed_dictionaries({"displayName": _names, "oldValue": _values, "newValue": _values})


def _target(id_: str | None, kind: str, changes: list[Json], name: str | None, upn: str | None) -> Json:
    return target(id_, kind, *changes, name=name, upn=upn)


_targets = st.builds(
    _target,
    st.sampled_from(("0A000000-0000-4000-8000-000000000001", "b2c_1a", "", None)),
    st.sampled_from(("User", "ServicePrincipal", "Other")),
    st.lists(_changes, max_size=3),
    _names,
    _names,
)
_users = st.fixed_dictionaries(
    {
        "id": st.sampled_from((ADMINISTRATOR, "", None)),
        "userPrincipalName": _names,
        "displayName": _names,
        "ipAddress": _names,
    }
)
_apps = st.fixed_dictionaries(
    {"servicePrincipalId": st.sampled_from((PIPELINE, None)), "displayName": _names, "appId": st.none() | st.just("7")}
)
_details = st.dictionaries(st.sampled_from(("User-Agent", "Key \N{EN DASH} two")), _names, max_size=2).map(
    lambda each: [{"key": key, "value": value} for key, value in each.items()]
)


def _listed_record(members: Json) -> Json:
    return audit_record("Update user", **members)


_listed = st.fixed_dictionaries(
    {
        "targetResources": st.lists(_targets, max_size=3),
        "initiatedBy": st.fixed_dictionaries({"user": st.none() | _users, "app": st.none() | _apps}),
        "additionalDetails": _details,
        "resultReason": _names,
    }
).map(_listed_record)

_BEGIN: Final = datetime(2026, 1, 1)  # noqa: DTZ001 - hypothesis draws naive ones
_CODES: Final = (0, "0", 50126, 53003, 50074, 500121, "", None)
_DETAILS: Final = (
    None,
    "MFA denied; user declined",
    " mfa\N{NO-BREAK SPACE}DENIED; Phone App Reported Fraud",
    "MFA required",
)
_CLAIM: Final = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"
_statuses = st.builds(failed, st.sampled_from(_CODES), st.sampled_from(_DETAILS))  # type: ignore[arg-type]
_steps = st.lists(
    st.sampled_from(_DETAILS).map(lambda detail: {"authenticationStepResultDetail": detail, "succeeded": False}),
    max_size=3,
)
_devices = st.fixed_dictionaries(
    {},
    optional={
        "browser": st.sampled_from(
            (None, "", "Edge 134.0.0", "Chrome 141.0.0", "MOBILE\tSafari 18.5", "Python Requests 2.32")
        ),
        "operatingSystem": st.sampled_from((None, "Windows 10", "Windows10", "Linux", "")),
        "deviceId": st.sampled_from((_MORGAN.upper(), _ROBIN, "", None)),
        "displayName": st.sampled_from(("Laptop\N{EM DASH}7", "laptop", None)),
        "trustType": st.sampled_from(("Azure AD joined", "", None)),
        "isCompliant": st.sampled_from((True, False, None)),
        "isManaged": st.sampled_from((True, False, None)),
    },
)
_addresses = st.sampled_from(
    (
        "198.51.100.23",
        "198.51.101.23",
        "203.0.113.7",
        "2001:db8:4::1",
        "2001:DB8:5::1",
        " 198.51.100.23",
        "198.51.100.0/24",
        "198.51.100",
        "x",
        "",
        None,
    )
)
_sign_ins = st.builds(
    sign_in_record,
    createdDateTime=st.datetimes(_BEGIN, _BEGIN + timedelta(days=365)).map(lambda at: f"{at.isoformat()}Z"),
    userId=st.sampled_from(
        (
            _MORGAN,
            _ROBIN.upper(),
            f" {_ROBIN}",
            _ROBIN.replace("-", ""),
            "00000000-0000-0000-0000-000000000000",
            "",
            None,
        )
    ),
    userPrincipalName=st.sampled_from(("robin@contoso.com", " Robin\N{EM SPACE}R ", "", None)),
    appId=st.sampled_from(("04b07795-8ddb-461a-bbee-02f9e1bf7b46", "4d8a17f2-e6c3-4f0b-9b25-c7013e8fd946", "")),
    appDisplayName=st.sampled_from(
        ("Order portal", "order\N{NO-BREAK SPACE}portal ", "CPIM PowerShell Client", "", None)
    ),
    ipAddress=_addresses,
    location=st.sampled_from(
        (
            None,
            {},
            {"countryOrRegion": "NL", "city": "Utrecht"},
            {"countryOrRegion": " be", "city": " the\N{NO-BREAK SPACE}HAGUE"},
            {"countryOrRegion": "RU", "city": ""},
            {"city": "Ghent"},
        )
    ),
    deviceDetail=_devices | st.none(),
    status=_statuses,
    authenticationDetails=_steps,
    isInteractive=st.sampled_from((True, False, None)),
    authenticationRequirement=st.sampled_from(("multiFactorAuthentication", "singleFactorAuthentication", "", None)),
    userAgent=st.sampled_from(("Mozilla/5.0", "python-requests/2", "", None)),
    riskState=st.sampled_from(("atRisk", "none", None)),
    riskLevelDuringSignIn=st.sampled_from(("high", "low", None)),
    riskEventTypes_v2=st.sampled_from(
        (None, [], ["unfamiliarFeatures"], ["newCountry", " Unlikely\N{EM SPACE}Travel "], [None, "", "newCountry"])
    ),
    crossTenantAccessType=st.sampled_from(("b2bCollaboration", "none", None)),
    homeTenantId=st.sampled_from((TENANT.upper(), "", None)),
    resourceTenantId=st.sampled_from((TENANT, "", None)),
    authenticationProtocol=st.sampled_from(("ropc", "none", "ROPC", None)),
)


@st.composite
def _sign_in_rows(draw: st.DrawFn) -> Json:
    row = sign_in_row(draw(_sign_ins))
    if draw(st.booleans()):
        row |= {"Location": draw(st.sampled_from(("NL", "US", "")))}
    if draw(st.booleans()):
        return row
    del row["AADTenantId"]
    tenant = draw(st.sampled_from((TENANT, TENANT.upper(), "77777777-0000-4000-8000-000000000000")))
    return row | {"Type": "AADNonInteractiveUserSignInLogs", "ResourceTenantId": tenant}


_words = st.sampled_from((None, "", '"Application"', '"ManagedIdentity "', '["a"]', '["a","b"]', PIPELINE, "x"))
_property_names = st.sampled_from(
    (
        "TargetId.ServicePrincipalType",
        "ServicePrincipalType",
        "TargetId.UserType",
        "Included Updated Properties",
        "Included Updated",
        "AppIdentifierUri",
        "ServicePrincipalName",
        "DelegatedPermissionGrant.ConsentType",
        "SignOutAddress",
        "UserPrincipalName",
        "Group.ObjectID",
    )
)
_properties = st.lists(
    st.fixed_dictionaries({"displayName": _property_names, "oldValue": _words, "newValue": _words}),
    max_size=3,
    unique_by=lambda one: str(one["displayName"]).rpartition(".")[2],
)
"""No two that are read as one, since Kusto takes those together."""


def _changed_record(properties: list[Json]) -> Json:
    return audit_record("Update", targetResources=[target(PIPELINE, "ServicePrincipal", *properties)])


@st.composite
def _resource_rows(draw: st.DrawFn) -> Json:
    row = draw(_sample_rows(Log.RESOURCE))
    claims = draw(st.dictionaries(st.sampled_from(("name", "appid", "ipaddr", f"{_CLAIM}upn")), _names, max_size=3))
    return row | {
        "Caller": draw(_names),
        "CallerIpAddress": draw(_addresses),
        "SubscriptionId": draw(st.sampled_from(("", TENANT.upper(), f" {TENANT}", None))),
        "ActivityStatusValue": draw(st.sampled_from(("Succeeded", " FAILED", "Not\N{EN DASH}started", None))),
        "Claims": json.dumps(claims),
    }


_ASKED: Final = [one for one in CATALOGUE if not why_no_query(one)]


def _sample_rows(log: Log) -> st.SearchStrategy[Json]:
    return st.sampled_from([one for one in _ASKED if one.log is log]).flatmap(rows)


SAMPLES: Final[Mapping[Log, list[Json]]] = {
    log: [row_of(record) for one in _ASKED if one.log is log for record in (*one.hits, *one.misses)] for log in Log
}
"""Every hit and miss of the catalogue, as rows."""

ROWS: Final[Mapping[Log, st.SearchStrategy[Json]]] = {
    Log.AUDIT: st.one_of(
        _sample_rows(Log.AUDIT),
        _sample_rows(Log.AUDIT),
        st.one_of(
            _memberships, st.builds(_policy_record, _texts, _texts), _listed, _properties.map(_changed_record)
        ).map(audit_row),
    ),
    Log.SIGN_IN: st.one_of(_sample_rows(Log.SIGN_IN), _sign_in_rows()),
    Log.RESOURCE: st.one_of(_sample_rows(Log.RESOURCE), _resource_rows()),
}
"""Rows like those, and others that vary more, by log."""
