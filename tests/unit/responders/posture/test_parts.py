"""How the parts of a snapshot are read from what Microsoft answers, and what isn't as it writes it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import msgspec
import pytest

from infra.local.world import ALICE, BREAK_GLASS_1, SUBSCRIPTION
from responders.kinds.app_role_assignments import LIST_ROLE_HOLDERS
from responders.kinds.diagnostic_settings import LIST_DIAGNOSTIC_SETTINGS
from responders.kinds.principals import LIST_SERVICE_PRINCIPALS
from responders.kinds.registered_methods import GET_REGISTRATION
from responders.kinds.restricted_units import LIST_UNIT_MEMBERS, LIST_UNITS
from responders.kinds.security_defaults import GET_SECURITY_DEFAULTS
from responders.posture import (
    accounts,
    app_permissions,
    azure,
    devices,
    directory,
    governance,
    reports,
    roles,
    sign_in_policies,
    units,
)
from responders.posture.accounts import Person
from responders.posture.app_permissions import Powerful
from responders.posture.devices import GET_DEVICE_REGISTRATION, Registration
from responders.posture.governance import LIST_PIM_ALERTS, LIST_PROTECTED_ACTIONS, LIST_REVIEWS, Review
from responders.posture.reports import LIST_PROVISIONING, LIST_SECURE_SCORES, Failures, Score
from responders.posture.roles import PRIVILEGED_ROLE_ADMINISTRATOR, Activation, Held, Holder
from responders.rosters import (
    LIST_DIRECTORY_ROLE_ASSIGNMENTS,
    LIST_DIRECTORY_ROLE_ELIGIBILITIES,
    LIST_GROUP_MEMBERS,
    LIST_GROUPS,
    LIST_ROLE_ASSIGNMENTS,
)
from shared.checks.check import Unread
from shared.checks.snapshot import Part, Reading, Snapshot
from shared.clients.storage import Storage
from shared.model.calls import Call
from shared.model.errors import EdgeError, Refused, Rejected, Unreachable
from shared.model.kinds import Image
from shared.model.privileges import GLOBAL_ADMINISTRATOR
from tests.fakes.postures import AT, healthy, policies, policy
from tests.fakes.runtime import bench
from tests.fakes.scripted_api import ScriptedApi

_GROUP: Final = "64001000-7c3e-4a92-b5d8-1f0e6b9a2c47"
_CUSTOM: Final = "c057000a-2e8b-4d61-9f34-7b1c5a0e8d92"
_SCOPE: Final = f"/subscriptions/{SUBSCRIPTION}"
_NO_PIM: Final = Rejected("400 AadPremiumLicenseRequired")


@pytest.fixture
def reading(storage: Storage) -> "Reader":
    return Reader(storage)


class Reader:
    """Reads a part from what a test says, with everything else as in a healthy tenant but for `before`."""

    def __init__(self, storage: Storage) -> None:
        self._runtime = bench(storage).runtime

    def __call__(self, part: Part[Any], answers: Mapping[Call, Any], **before: Any) -> Any:  # noqa: ANN401 - the part's own
        known = {each.id: value for each, value in healthy().items()} | before
        settings = self._runtime.settings
        snapshot = Snapshot(tenant=settings.workforce, settings=settings, at=AT, parts=known)
        api = ScriptedApi(answers=answers, subscriptions=frozenset({SUBSCRIPTION}))
        return part.read(Reading(api=api, runtime=self._runtime, before=snapshot))


def _held(principal: str, role: str, **more: Any) -> Image:  # noqa: ANN401 - as Graph prints it
    return {"principalId": principal.upper(), "roleDefinitionId": role, "directoryScopeId": "/", **more}


def test_a_member_holds_what_the_group_holds(reading: Reader) -> None:
    answers = {LIST_GROUPS: [{"id": _GROUP}], LIST_GROUP_MEMBERS: [{"id": ALICE.id.upper()}]}
    found = reading(
        roles.HOLDERS,
        answers,
        **{
            "role-assignments": [
                Held(principal=_GROUP, role=GLOBAL_ADMINISTRATOR),
                Held(principal="reader", role="some-role"),
            ],
            "role-eligibilities": [Held(principal=ALICE.id, role=_CUSTOM)],
            "custom-roles": frozenset({_CUSTOM}),
        },
    )
    alice = Holder(id=ALICE.id, active=frozenset({GLOBAL_ADMINISTRATOR}), eligible=frozenset({_CUSTOM}))
    assert found == {ALICE.id: alice}


def test_without_pim_only_assignments_count(reading: Reader) -> None:
    found = reading(roles.HOLDERS, {LIST_GROUPS: []}, **{"role-eligibilities": None})
    assert {*found} == {each.principal for each in healthy()[roles.ASSIGNMENTS]}


@pytest.mark.parametrize(
    ("part", "call"),
    [
        (roles.ELIGIBILITIES, LIST_DIRECTORY_ROLE_ELIGIBILITIES),
        (roles.ASSIGNED, roles.LIST_ROLE_INSTANCES),
        (roles.ACTIVATIONS, roles.LIST_PIM_SETTINGS),
        (governance.REVIEWS, LIST_REVIEWS),
        (governance.ALERTS, LIST_PIM_ALERTS),
    ],
)
def test_a_tenant_without_the_licence_has_nothing_of_pim_and_a_refusal_is_a_refusal(
    reading: Reader, part: Part[Any], call: Call
) -> None:
    assert reading(part, {call: _NO_PIM}) is None
    for error in (Refused("403"), Rejected("400 BadRequest"), Unreachable("cut")):
        with pytest.raises(EdgeError):
            reading(part, {call: error})


def test_what_was_activated_is_not_held_for_good_and_what_has_an_end_neither(reading: Reader) -> None:
    listed = [
        _held(ALICE.id, GLOBAL_ADMINISTRATOR, assignmentType="Assigned", endDateTime=None),
        _held(ALICE.id, _CUSTOM, assignmentType="Assigned", endDateTime="2026-09-01T00:00:00Z"),
        _held(ALICE.id, PRIVILEGED_ROLE_ADMINISTRATOR, assignmentType="Activated", endDateTime=None),
    ]
    assert reading(roles.ASSIGNED, {roles.LIST_ROLE_INSTANCES: listed}) == [
        Held(principal=ALICE.id, role=GLOBAL_ADMINISTRATOR),
        Held(principal=ALICE.id, role=_CUSTOM, is_lasting=False),
    ]


def test_an_assignment_without_a_principal_makes_the_listing_unread(reading: Reader) -> None:
    with pytest.raises(Rejected, match="principalId"):
        reading(roles.ASSIGNMENTS, {LIST_DIRECTORY_ROLE_ASSIGNMENTS: [{"roleDefinitionId": _CUSTOM}]})


def _settings(**rules: Mapping[str, Any]) -> list[Image]:
    listed = [{"id": name, **rule} for name, rule in rules.items()]
    return [{"roleDefinitionId": GLOBAL_ADMINISTRATOR.upper(), "policy": {"rules": listed}}]


_RULES: Final[Mapping[str, Mapping[str, Any]]] = {
    "Expiration_EndUser_Assignment": {"maximumDuration": "PT8H"},
    "Enablement_EndUser_Assignment": {"enabledRules": ["MultiFactorAuthentication", "Justification"]},
    "Approval_EndUser_Assignment": {"setting": {"isApprovalRequired": True}},
    "Notification_Admin_EndUser_Assignment": {"isDefaultRecipientsEnabled": True},
}
_GUARDED: Final = Activation(
    role=GLOBAL_ADMINISTRATOR,
    asks_for_mfa=True,
    asks_for_reason=True,
    asks_for_approval=True,
    tells_administrators=True,
    longest=timedelta(hours=8),
)


@pytest.mark.parametrize(
    ("rules", "differs"),
    [
        ({}, {}),
        ({"Enablement_EndUser_Assignment": {"enabledRules": ["Justification"]}}, {"asks_for_mfa": False}),
        (
            {
                "Enablement_EndUser_Assignment": {"enabledRules": ["Justification"]},
                "AuthenticationContext_EndUser_Assignment": {"isEnabled": True, "claimValue": "c1"},
            },
            {},
        ),
        (
            {"Enablement_EndUser_Assignment": {"enabledRules": ["MultiFactorAuthentication"]}},
            {"asks_for_reason": False},
        ),
        ({"Approval_EndUser_Assignment": {"setting": {"isApprovalRequired": False}}}, {"asks_for_approval": False}),
        ({"Approval_EndUser_Assignment": {"setting": None}}, {"asks_for_approval": False}),
        ({"Notification_Admin_EndUser_Assignment": {}}, {"tells_administrators": False}),
        ({"Notification_Admin_EndUser_Assignment": {"notificationRecipients": ["a@b.c"]}}, {}),
        ({"Expiration_EndUser_Assignment": {"maximumDuration": "P1DT30M"}}, {"longest": timedelta(days=1, minutes=30)}),
        ({"Expiration_EndUser_Assignment": {"maximumDuration": "a while"}}, {"longest": None}),
        ({"Expiration_EndUser_Assignment": {"maximumDuration": "PT"}}, {"longest": None}),
        ({"Expiration_EndUser_Assignment": {}}, {"longest": None}),
    ],
)
def test_pims_rules_are_read(reading: Reader, rules: Mapping[str, Any], differs: Mapping[str, Any]) -> None:
    (found,) = reading(roles.ACTIVATIONS, {roles.LIST_PIM_SETTINGS: _settings(**{**_RULES, **rules})})
    assert found == msgspec.structs.replace(_GUARDED, **differs)


def test_settings_without_rules_are_unread(reading: Reader) -> None:
    with pytest.raises(Unread):
        reading(roles.ACTIVATIONS, {roles.LIST_PIM_SETTINGS: _settings()})


def _user(**more: Any) -> Image:  # noqa: ANN401 - as Graph prints it
    whole: Image = {
        "id": ALICE.id.upper(),
        "userPrincipalName": "alice@contoso.com",
        "accountEnabled": True,
        "userType": "Member",
        "onPremisesSyncEnabled": None,
        "identities": [{"issuer": "contoso.onmicrosoft.com"}],
        "lastPasswordChangeDateTime": "2026-03-01T10:00:00Z",
        "assignedPlans": [{"service": "exchange", "capabilityStatus": "Deleted"}],
        "createdDateTime": "2024-04-01T10:00:00Z",
    }
    return whole | more


@pytest.mark.parametrize(
    ("more", "differs"),
    [
        ({}, {}),
        ({"accountEnabled": False}, {"is_enabled": False}),
        ({"onPremisesSyncEnabled": True}, {"is_synced": True}),
        ({"userType": "Guest"}, {"is_guest": True}),
        (
            {"userPrincipalName": "bob_fabrikam.com#EXT#@contoso.onmicrosoft.com"},
            {"is_guest": True, "name": "bob_fabrikam.com#EXT#@contoso.onmicrosoft.com"},
        ),
        ({"identities": [{"issuer": "MicrosoftAccount"}]}, {"is_microsoft_account": True}),
        ({"identities": [{"signInType": "emailAddress"}]}, {"is_consumer": True}),
        ({"identities": [{"signInType": "federated"}]}, {}),
        (
            {"userPrincipalName": "live.com#bob@outlook.com"},
            {"is_microsoft_account": True, "name": "live.com#bob@outlook.com"},
        ),
        ({"assignedPlans": [{"service": "exchange", "capabilityStatus": "Enabled"}]}, {"has_mailbox": True}),
        ({"assignedPlans": [{"service": "SharePoint", "capabilityStatus": "Enabled"}]}, {}),
        ({"lastPasswordChangeDateTime": None}, {"password_changed": None}),
        ({"identities": None, "assignedPlans": None}, {}),
    ],
)
def test_a_person_is_read(reading: Reader, more: Mapping[str, Any], differs: Mapping[str, Any]) -> None:
    plain = Person(
        id=ALICE.id,
        name="alice@contoso.com",
        is_enabled=True,
        is_synced=False,
        is_guest=False,
        is_microsoft_account=False,
        is_consumer=False,
        has_mailbox=False,
        password_changed=AT - timedelta(days=1),
        created=AT.replace(year=2024, month=4, day=1),
    )
    found = reading(accounts.PEOPLE, {accounts.LIST_USERS: [_user(**more)]})
    assert found == {ALICE.id: msgspec.structs.replace(plain, **differs)}


def test_a_person_whose_instant_is_none_makes_the_listing_unread(reading: Reader) -> None:
    with pytest.raises(Rejected, match="alice"):
        reading(accounts.PEOPLE, {accounts.LIST_USERS: [_user(createdDateTime="yesterday")]})


def test_a_sign_in_that_graph_does_not_know_is_none(reading: Reader) -> None:
    listed = [
        {"id": ALICE.id, "signInActivity": {"lastSuccessfulSignInDateTime": "2026-03-01T10:00:00Z"}},
        {"id": BREAK_GLASS_1.id, "signInActivity": {"lastSignInDateTime": "2026-03-01T10:00:00Z"}},
    ]
    found = reading(accounts.SIGN_INS, {accounts.LIST_USERS: listed})
    assert found == {ALICE.id: AT - timedelta(days=1), BREAK_GLASS_1.id: None}, "an attempt is no sign-in"


@pytest.mark.parametrize(
    ("setting", "counts"),
    [
        ({"workspaceId": "/w", "logs": [{"category": "Administrative", "enabled": True}]}, True),
        ({"storageAccountId": "/s", "logs": [{"categoryGroup": "allLogs", "enabled": True}]}, True),
        ({"workspaceId": "/w", "logs": [{"category": "Administrative", "enabled": False}]}, False),
        ({"workspaceId": "/w", "logs": [{"category": "Policy", "enabled": True}]}, False),
        ({"logs": [{"category": "Administrative", "enabled": True}]}, False),
        ({"workspaceId": "/w", "logs": None}, False),
    ],
)
def test_a_setting_counts_that_sends_who_did_what_somewhere(reading: Reader, setting: Image, *, counts: bool) -> None:
    found = reading(azure.EXPORTS, {LIST_DIAGNOSTIC_SETTINGS: [{"name": "one", "properties": setting}]})
    assert found == {SUBSCRIPTION: ["one"] if counts else []}


def _assignment(role: str, scope: str) -> Image:
    return {"properties": {"principalId": ALICE.id.upper(), "roleDefinitionId": f"{_SCOPE}/x/{role}", "scope": scope}}


@pytest.mark.parametrize(
    ("role", "scope", "owns"),
    [
        ("8e3af657-a8ff-443c-a75c-2fe8c4bcb635", _SCOPE, True),
        ("8E3AF657-A8FF-443C-A75C-2FE8C4BCB635", _SCOPE.upper() + "/", True),
        ("8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "/providers/Microsoft.Management/managementGroups/root", True),
        ("8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "/", True),
        ("8e3af657-a8ff-443c-a75c-2fe8c4bcb635", f"{_SCOPE}/resourceGroups/rg", False),
        ("b24988ac-6180-42a0-ab88-20f7382dd24c", _SCOPE, False),
    ],
)
def test_owners_of_a_subscription_own_it_there_or_above(reading: Reader, role: str, scope: str, *, owns: bool) -> None:
    found = reading(azure.OWNERS_OF_SUBSCRIPTIONS, {LIST_ROLE_ASSIGNMENTS: [_assignment(role, scope)]})
    assert found == {SUBSCRIPTION: [ALICE.id] if owns else []}


def test_an_assignment_that_is_not_as_azure_writes_it_makes_the_listing_unread(reading: Reader) -> None:
    with pytest.raises(Rejected):
        reading(azure.OWNERS_OF_SUBSCRIPTIONS, {LIST_ROLE_ASSIGNMENTS: [{"properties": {}}]})


@pytest.mark.parametrize("answer", [None, {}, {"isEnabled": "yes"}])
def test_security_defaults_of_which_nothing_is_said_are_unread(reading: Reader, answer: Image | None) -> None:
    with pytest.raises(Unread):
        reading(sign_in_policies.DEFAULTS, {GET_SECURITY_DEFAULTS: answer})
    assert reading(sign_in_policies.DEFAULTS, {GET_SECURITY_DEFAULTS: {"isEnabled": True}}) is True


@pytest.mark.parametrize("listed", [[], [{}, {}]])
def test_one_organization_is_expected(reading: Reader, listed: list[Image]) -> None:
    with pytest.raises(Unread):
        reading(directory.ORGANIZATION, {directory.GET_ORGANIZATION: listed})


@pytest.mark.parametrize("features", [[], [{}], [{"passwordSyncEnabled": None}]])
def test_whether_hashes_are_synchronized_is_said_or_unread(reading: Reader, features: list[Image]) -> None:
    with pytest.raises(Unread):
        reading(directory.HASH_SYNC, {directory.LIST_SYNCHRONIZATION: [{"features": each} for each in features]})


def test_of_each_group_that_a_policy_leaves_out_it_is_read_who_changes_it(reading: Reader) -> None:
    seen = policies(
        policy("on", users={"excludeGroups": [_GROUP]}),
        policy("off", users={"excludeGroups": [_CUSTOM]}) | {"state": "disabled"},
    )
    answers = {LIST_GROUPS: [{"id": _GROUP, "displayName": "Contractors", "isAssignableToRole": None}]}
    found = reading(sign_in_policies.LEFT_OUT, answers, **{"sign-in-policies": seen})
    assert found == {"Contractors": False}
    nobody = policies(policy("off", users={"excludeGroups": [_CUSTOM]}) | {"state": "disabled"})
    assert reading(sign_in_policies.LEFT_OUT, {}, **{"sign-in-policies": nobody}) == {}


def test_who_the_report_takes_for_no_administrator_is_asked_for_singly(reading: Reader) -> None:
    alone = {GET_REGISTRATION: {"methodsRegistered": ["fido2SecurityKey"]}}
    listed = {accounts.LIST_REGISTRATIONS: [{"id": ALICE.id.upper(), "methodsRegistered": ["mobilePhone"]}]}
    found = reading(accounts.REGISTRATIONS, alone | listed)
    assert found.pop(ALICE.id) == ("mobilePhone",)
    assert found == dict.fromkeys(healthy()[accounts.PEOPLE].keys() - {ALICE.id}, ("fido2SecurityKey",))
    assert reading(accounts.REGISTRATIONS, {GET_REGISTRATION: None} | listed) == {ALICE.id: ("mobilePhone",)}
    with pytest.raises(Refused):
        reading(accounts.REGISTRATIONS, {GET_REGISTRATION: Refused("403")} | listed)


# Reviews, alerts, protected actions.


def _scope(query: str) -> Image:
    return {"@odata.type": "#microsoft.graph.accessReviewQueryScope", "query": query, "queryType": "MicrosoftGraph"}


_OF_ROLE: Final = _scope(f"/roleManagement/directory/roleDefinitions/{GLOBAL_ADMINISTRATOR.upper()}")
_OF_PRINCIPALS: Final = {
    "principalScopes": [_scope(f"/groups/{_GROUP}/transitiveMembers")],
    "resourceScopes": [_OF_ROLE],
}
_QUARTERLY: Final = {"pattern": {"type": "absoluteMonthly", "interval": 3}, "range": {"type": "noEnd"}}


@pytest.mark.parametrize(
    ("scope", "recurrence", "differs"),
    [
        (_OF_PRINCIPALS, _QUARTERLY, {}),
        (_OF_ROLE, _QUARTERLY, {}),
        (_OF_ROLE, None, {"again": None}),
        (_OF_ROLE, {"pattern": None, "range": None}, {"again": None}),
        (_OF_ROLE, {"pattern": {"type": "weekly"}}, {"again": timedelta(days=7)}),
        (
            _OF_ROLE,
            _QUARTERLY | {"range": {"type": "endDate", "endDate": "2026-05-01"}},
            {"until": AT.replace(month=5, day=1).date()},
        ),
    ],
)
def test_a_review_of_roles_is_read(
    reading: Reader, scope: Image, recurrence: Image | None, differs: Mapping[str, Any]
) -> None:
    plain = Review(
        name="Q",
        roles=frozenset({GLOBAL_ADMINISTRATOR}),
        made=AT.replace(year=2025),
        again=timedelta(days=93),
        until=None,
    )
    listed = {
        "displayName": "Q",
        "createdDateTime": "2025-03-02T10:00:00Z",
        "scope": scope,
        "settings": {"recurrence": recurrence},
    }
    of_group = listed | {"scope": _scope(f"/groups/{_GROUP}/members")}
    found = reading(governance.REVIEWS, {LIST_REVIEWS: [listed, of_group]})
    assert found == [msgspec.structs.replace(plain, **differs)], "the review of a group's members is of no role"


@pytest.mark.parametrize(
    "wrong", [{"createdDateTime": "soon"}, {"settings": {"recurrence": {"pattern": {"type": "at full moon"}}}}]
)
def test_a_review_that_is_not_as_graph_writes_it_makes_the_listing_unread(reading: Reader, wrong: Image) -> None:
    listed = {"id": "r", "createdDateTime": "2025-03-02T10:00:00Z", "scope": _OF_ROLE} | wrong
    with pytest.raises(Rejected, match="access review"):
        reading(governance.REVIEWS, {LIST_REVIEWS: [listed]})


def test_alerts_that_are_active_go_by_the_name_of_their_definition(reading: Reader) -> None:
    listed = [
        {"alertDefinitionId": "DirectoryRole_5f1c_StaleSignInAlert", "isActive": True, "incidentCount": 3},
        {"alertDefinitionId": "DirectoryRole_5f1c_NoMfaOnRoleActivationAlert", "isActive": False, "incidentCount": 9},
    ]
    assert reading(governance.ALERTS, {LIST_PIM_ALERTS: listed}) == {"StaleSignIn": 3}
    with pytest.raises(Rejected):
        reading(governance.ALERTS, {LIST_PIM_ALERTS: [{"id": "one"}]})


def test_actions_go_by_their_context_and_none_at_all_is_unread(reading: Reader) -> None:
    listed = [{"name": "microsoft.directory/A", "authenticationContextId": "C1"}, {"name": "b"}]
    found = reading(governance.ACTIONS, {LIST_PROTECTED_ACTIONS: listed})
    assert found == {"microsoft.directory/a": "c1", "b": ""}
    with pytest.raises(Unread):
        reading(governance.ACTIONS, {LIST_PROTECTED_ACTIONS: []})


# Reports.


def test_the_secure_score_is_read(reading: Reader) -> None:
    listed = [{"createdDateTime": "2026-03-01T10:00:00Z", "currentScore": 12, "maxScore": 48.0}, {}]
    score = Score(at=AT - timedelta(days=1), points=12, most=48)
    assert reading(reports.SCORES, {LIST_SECURE_SCORES: listed}) == [score, score], "the first of each page"
    assert score.share == 25
    assert reading(reports.SCORES, {LIST_SECURE_SCORES: []}) == []


@pytest.mark.parametrize("wrong", [{"currentScore": None}, {"maxScore": 0}, {"createdDateTime": "yesterday"}])
def test_a_score_that_is_none_is_unread(reading: Reader, wrong: Image) -> None:
    listed = {"createdDateTime": "2026-03-01T10:00:00Z", "currentScore": 12, "maxScore": 48} | wrong
    with pytest.raises((Rejected, Unread)):
        reading(reports.SCORES, {LIST_SECURE_SCORES: [listed]})


@pytest.mark.parametrize(
    ("record", "name"),
    [
        ({"servicePrincipal": {"id": "1", "displayName": "Expenses"}}, "Expenses"),
        ({"servicePrincipal": [{"id": "1", "name": "Expenses"}]}, "Expenses"),
        ({"servicePrincipal": []}, "an application that the record doesn't name"),
        ({}, "an application that the record doesn't name"),
    ],
)
def test_what_failed_is_counted_by_application(reading: Reader, record: Image, name: str) -> None:
    found = reading(reports.FAILURES, {LIST_PROVISIONING: [record, record]})
    assert found == Failures(by_application={name: 2})


def test_where_nothing_is_provisioned_nothing_can_fail(reading: Reader) -> None:
    assert reading(reports.FAILURES, {LIST_PROVISIONING: []}) is None


# Devices.

_EVERYBODY: Final = {"@odata.type": "#microsoft.graph.allDeviceRegistrationMembership"}
_NOBODY: Final = {"@odata.type": "#microsoft.graph.noDeviceRegistrationMembership"}


def _devices(*, join: Image = _EVERYBODY, users: Image = _EVERYBODY) -> Image:
    administrators = {"enableGlobalAdmins": True, "registeringUsers": users}
    return {
        "azureADJoin": {"allowedToJoin": join, "localAdmins": administrators},
        "localAdminPassword": {"isEnabled": False},
    }


@pytest.mark.parametrize(
    ("policy_", "differs"),
    [
        (_devices(), {}),
        (_devices(join=_NOBODY), {"may_join": False}),
        (_devices(users=_NOBODY), {"everybody": False}),
    ],
)
def test_what_becomes_of_devices_is_read(reading: Reader, policy_: Image, differs: Mapping[str, bool]) -> None:
    plain = Registration(may_join=True, global_administrators=True, everybody=True, passwords_managed=False)
    found = reading(devices.REGISTRATION, {GET_DEVICE_REGISTRATION: policy_})
    assert found == msgspec.structs.replace(plain, **differs)


@pytest.mark.parametrize(
    "policy_",
    [None, {}, _devices(join={}), _devices(users={}), _devices() | {"localAdminPassword": {"isEnabled": None}}],
)
def test_what_is_not_said_of_devices_is_unread(reading: Reader, policy_: Image | None) -> None:
    with pytest.raises(Unread):
        reading(devices.REGISTRATION, {GET_DEVICE_REGISTRATION: policy_})


# Units and permissions of applications.


def test_members_of_restricted_units_are_read_and_hidden_ones_make_them_unread(reading: Reader) -> None:
    unit = {"id": _GROUP, "displayName": "Directors", "isMemberManagementRestricted": True}
    plain = {"id": _CUSTOM, "displayName": "Paris", "isMemberManagementRestricted": False}
    answers = {LIST_UNITS: [unit, plain], LIST_UNIT_MEMBERS: [{"id": ALICE.id.upper()}]}
    assert reading(units.UNITS, answers) == {"Directors": frozenset({ALICE.id})}
    with pytest.raises(Rejected):
        reading(units.UNITS, {LIST_UNITS: [unit | {"visibility": "HiddenMembership"}]})


_ROLES_OF_API: Final = [{"id": "R1", "value": "User.ReadWrite.All"}, {"id": "R2", "value": "User.Read.All"}]


def _given(role: str, **more: Any) -> Image:  # noqa: ANN401 - as Graph prints it
    holder = {"principalId": ALICE.id.upper(), "principalDisplayName": "Sync", "principalType": "ServicePrincipal"}
    return holder | {"appRoleId": role} | more


def test_applications_with_high_permissions_are_read_with_their_names(reading: Reader) -> None:
    apis = [{"id": _GROUP, "appRoles": _ROLES_OF_API}]
    given = [_given("r1"), _given("r2", principalId="other"), _given("r1", principalId="u", principalType="User")]
    found = reading(app_permissions.POWERFUL, {LIST_SERVICE_PRINCIPALS: apis, LIST_ROLE_HOLDERS: given})
    assert found == {ALICE.id: Powerful(id=ALICE.id, name="Sync", permissions=frozenset({"User.ReadWrite.All"}))}


def test_permissions_without_names_or_holders_are_unread(reading: Reader) -> None:
    with pytest.raises(Unread):
        reading(app_permissions.POWERFUL, {LIST_SERVICE_PRINCIPALS: [{"id": _GROUP}], LIST_ROLE_HOLDERS: []})
    apis = {LIST_SERVICE_PRINCIPALS: [{"id": _GROUP, "appRoles": _ROLES_OF_API}]}
    nobody = {"appRoleId": "r1", "principalType": "ServicePrincipal"}
    with pytest.raises(Rejected):
        reading(app_permissions.POWERFUL, apis | {LIST_ROLE_HOLDERS: [nobody]})
