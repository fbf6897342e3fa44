"""Each spelling of a field, in a rule that meets one record and not another: read by the app, and asked in Kusto."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from responders.detections.directory_samples import change, target
from responders.detections.samples import BY_APP, BY_USER, PIPELINE, activity_log_record, audit_record
from shared.detect.conditions import predicate
from shared.detect.kusto.compile import query
from shared.detect.sigma.fields import answer_for, spellings
from shared.detect.sigma.patterns import Inexpressible
from shared.model.events import Log
from shared.normalize import read_batch
from tests.fakes.kql_rows import Json, row_of
from tests.fakes.kql_workspace import Workspace, to_sql
from tests.fakes.record_strategies import everything, sign_in_record
from tests.fakes.sigma_rules import detection_from, reason_from, selection

type Case = tuple[str, list[Json], list[Json]]

_ADDED: Final = audit_record("Add user", category="UserManagement")
_REMOVED: Final = audit_record("Delete user", category="Other", loggedByService="B2C", result="failure")
_BY_PIPELINE: Final = audit_record("Add user", initiatedBy=BY_APP)
_BY_ROBIN: Final = audit_record(
    "Add user",
    initiatedBy={
        "user": BY_USER["user"]
        | {
            "id": "0a000000-0000-4000-8000-000000000001",
            "userPrincipalName": "robin@fabrikam.example",
            "ipAddress": "203.0.113.9",
        }
    },
)
_GUEST: Final = target(
    "0a000000-0000-4000-8000-000000000002",
    "User",
    change("UserType", ["Guest"], ["Member"]),
    change("Role.DisplayName", None, "Helpdesk Administrator"),
    name="Sam",
    upn="sam_contoso.com#EXT#@fabrikam.onmicrosoft.com",
)
_APP: Final = target(
    "0a000000-0000-4000-8000-000000000003",
    "ServicePrincipal",
    change("ConsentContext.IsAdminConsent", None, "False"),
    change("AppAddress", [], [{"Address": "https://x.example", "AddressType": 0}]),
    name="Sam's tool",
)
_ABOUT_GUEST: Final = audit_record("Update user", targetResources=[_GUEST])
_ABOUT_APP: Final = audit_record("Consent to application", targetResources=[_APP])
_ABOUT_BOTH: Final = audit_record("Update user", targetResources=[_APP, _GUEST])
_RECOVERED: Final = audit_record(
    "Recover device local administrator password",
    resultReason="As asked",
    additionalDetails=[{"key": "AdditionalInfo", "value": "Successfully recovered local credential by device id 7"}],
)

_AUDIT: Final[list[Case]] = [
    ("properties.message: [Add user, Add group]", [_ADDED], [_REMOVED]),
    ("OperationName: ADD  USER", [_ADDED], [_REMOVED]),
    ("operationName|startswith: 'Add '", [_ADDED], [_REMOVED, audit_record("Address changed")]),
    ("ActivityDisplayName|endswith: ' user'", [_ADDED, _REMOVED], [audit_record("Superuser"), audit_record("user")]),
    ("ActivityType|contains|all: [Add, use]", [_ADDED], [_REMOVED]),
    ("OperationName: Add user.", [_ADDED], [_REMOVED]),
    (
        "OperationName: 'Update application - Certificates'",
        [audit_record("Update application \N{EN DASH} Certificates ")],
        [_ADDED],
    ),
    ("Category: usermanagement", [_ADDED], [_REMOVED]),
    ("properties.category|contains: Management", [_ADDED], [_REMOVED]),
    ("LoggedByService: 'Core Directory'", [_ADDED], [_REMOVED]),
    ("Result: Succeeded", [_ADDED], [_REMOVED]),
    ("Status: Failure", [_REMOVED], [_ADDED]),
    ("properties.result: failed", [_REMOVED], [_ADDED]),
    ("ResultReason|contains: asked", [_RECOVERED], [_ADDED]),
    ("Initiatedby: morgan@fabrikam.onmicrosoft.com", [_ADDED], [_BY_ROBIN, _BY_PIPELINE]),
    ("InitiatedBy|contains: [robin@, pipeline]", [_BY_ROBIN, _BY_PIPELINE], [_ADDED]),
    ("properties.initiatedBy.user.userPrincipalName: Robin@fabrikam.example", [_BY_ROBIN], [_ADDED, _BY_PIPELINE]),
    ("initiatedBy.user.userPrincipalName: null", [_BY_PIPELINE], [_ADDED, _BY_ROBIN]),
    ("InitiatedBy.user.userPrincipalName|exists: true", [_ADDED, _BY_ROBIN], [_BY_PIPELINE]),
    (f"InitiatedBy.app.servicePrincipalId: {PIPELINE.upper()}", [_BY_PIPELINE], [_ADDED]),
    ("InitiatedBy.app.displayName|startswith: deployment", [_BY_PIPELINE], [_ADDED]),
    ("InitiatedBy.user|contains: robin", [_BY_ROBIN], [_ADDED, _BY_PIPELINE]),
    ("InitiatedBy.app: '*'", [_BY_PIPELINE], [_ADDED]),
    ("properties.initiatedBy.user.ipAddress: 203.0.113.9", [_BY_ROBIN], [_ADDED]),
    ("IPAddress|startswith: 203.0.113.", [_BY_ROBIN], [_ADDED]),
    ("TargetResources|contains: '#EXT#'", [_ABOUT_GUEST, _ABOUT_BOTH], [_ABOUT_APP, _ADDED]),
    ("properties.targetResources|contains: Administrator", [_ABOUT_GUEST, _ABOUT_BOTH], [_ABOUT_APP]),
    ("TargetResources|contains|all: [UserType, Guest, Member]", [_ABOUT_GUEST, _ABOUT_BOTH], [_ABOUT_APP]),
    ("TargetUserName: Sam", [_ABOUT_GUEST, _ABOUT_BOTH], [_ABOUT_APP]),
    ("TargetResources{}.displayName|endswith: tool", [_ABOUT_APP, _ABOUT_BOTH], [_ABOUT_GUEST]),
    ("TargetResources.id: 0A000000-0000-4000-8000-000000000003", [_ABOUT_APP, _ABOUT_BOTH], [_ABOUT_GUEST]),
    ("TargetResources.type: servicePrincipal", [_ABOUT_APP, _ABOUT_BOTH], [_ABOUT_GUEST]),
    ("TargetResources.userPrincipalName|endswith: '@fabrikam.onmicrosoft.com'", [_ABOUT_GUEST], [_ABOUT_APP]),
    ("TargetResources.userPrincipalName: ''", [_ABOUT_APP, _ADDED], [_ABOUT_GUEST]),
    (
        "properties.targetResources{}.modifiedProperties{}.displayName: usertype",
        [_ABOUT_GUEST],
        [
            _ABOUT_APP,
            audit_record("Update user", targetResources=[target("x", "User", change("UserTypeChanged", None, "1"))]),
        ],
    ),
    (
        "properties.targetResources{}.modifiedProperties{}.newValue|endswith: Administrator",
        [_ABOUT_GUEST],
        [_ABOUT_APP],
    ),
    (
        """properties.targetResources{}.modifiedProperties{}.newValue: '"Helpdesk Administrator"'""",
        [_ABOUT_GUEST],
        [_ABOUT_APP],
    ),
    ("""TargetResources.modifiedProperties.newValue|contains: '"Helpdesk'""", [_ABOUT_GUEST], [_ABOUT_APP]),
    ("""TargetResources.modifiedProperties.oldValue: '["Guest"]'""", [_ABOUT_GUEST], [_ABOUT_APP]),
    ("TargetResources.modifiedProperties|contains: AppAddress", [_ABOUT_APP], [_ABOUT_GUEST]),
    ("ConsentContext.IsAdminConsent: 'false'", [_ABOUT_APP], [_ABOUT_GUEST]),
    ("ConsentContext.IsAdminConsent: false", [_ABOUT_APP], [_ABOUT_GUEST]),
    ("ConsentContext.IsAdminConsent|exists: false", [_ABOUT_GUEST], [_ABOUT_APP]),
    ("additionalDetails|contains: recovered local credential", [_RECOVERED], [_ADDED]),
    ("additionalDetails.additionalInfo|startswith: successfully", [_RECOVERED], [_ADDED]),
    ("userAgent|startswith: Mozilla/5.0", [_ADDED], [_RECOVERED]),
]

_FAILED: Final = sign_in_record()
_CODE: Final = sign_in_record(
    status={"errorCode": 0, "failureReason": "Other.", "additionalDetails": None},
    authenticationProtocol="deviceCode",
    authenticationRequirement="singleFactorAuthentication",
    conditionalAccessStatus="success",
    clientAppUsed="Other clients",
    userAgent="azurehound/2.1",
    deviceDetail={"deviceId": "", "displayName": "", "trustType": "", "isCompliant": False, "isManaged": False},
    resourceDisplayName="Device Registration Service",
    riskState="atRisk",
    riskLevelDuringSignIn="high",
    crossTenantAccessType="b2bCollaboration",
    homeTenantId="0B000000-0000-4000-8000-000000000001",
    resourceTenantId="0b000000-0000-4000-8000-000000000002",
    userPrincipalName="robin@fabrikam.example",
    userId="0A000000-0000-4000-8000-000000000001",
    appDisplayName="Device Login",
    appId="0C000000-0000-4000-8000-000000000001",
    ipAddress="203.0.113.9",
    location={"city": "Oslo", "countryOrRegion": "NO"},
)
_DENIED: Final = sign_in_record(
    status={
        "errorCode": 500121,
        "failureReason": "Authentication failed.",
        "additionalDetails": "MFA denied; user declined",
    },
    deviceDetail={
        "deviceId": "0D000000-0000-4000-8000-000000000001",
        "displayName": "LAPTOP-7",
        "trustType": "Azure AD joined",
        "isCompliant": True,
        "isManaged": True,
        "browser": "Edge 140.0",
        "operatingSystem": "Windows 11",
    },
)

_SIGN_IN: Final[list[Case]] = [
    ("ResultType: 53003", [_FAILED], [_CODE, _DENIED]),
    ("ResultType: '0'", [_CODE], [_FAILED]),
    ("ErrorCode|startswith: ['5', '7']", [_FAILED, _DENIED], [_CODE]),
    ("Status.errorCode: [53003, 500121]", [_FAILED, _DENIED], [_CODE]),
    ("Status: Success", [_CODE], [_FAILED, _DENIED]),
    ("Status: failure", [_FAILED, _DENIED], [_CODE]),
    ("Status|contains: 'MFA Denied'", [_DENIED], [_FAILED, _CODE]),
    ("Status|contains: conditional access", [_FAILED], [_DENIED, _CODE]),
    ("Resultdescription: Blocked by Conditional Access.", [_FAILED], [_CODE]),
    ("UserPrincipalName: ROBIN@fabrikam.example", [_CODE], [_FAILED]),
    ("Username|startswith: robin", [_CODE], [_FAILED]),
    ("userId: 0a000000-0000-4000-8000-000000000001", [_CODE], [_FAILED]),
    ("IPAddress: 203.0.113.9", [_CODE], [_FAILED]),
    ("Location: 'no'", [_CODE], [_FAILED]),
    ("LocationDetails.countryOrRegion|contains: NL", [_FAILED], [_CODE]),
    ("properties.authenticationProtocol: [Authentication transfer, deviceCode]", [_CODE], [_FAILED]),
    ("properties.message: Device Code", [_CODE], [_FAILED]),
    ("AppId: 0c000000-0000-4000-8000-000000000001", [_CODE], [_FAILED]),
    ("AppDisplayName|contains: Login", [_CODE], [_FAILED]),
    ("ResourceDisplayName: Device Registration Service", [_CODE], [_FAILED]),
    ("ClientApp: [Other client, IMAP]", [_CODE], [_FAILED]),
    ("clientAppUsed|startswith: Mobile", [_FAILED], [_CODE]),
    ("conditionalAccessStatus: success", [_CODE], [_FAILED]),
    ("AuthenticationRequirement: singleFactorAuthentication", [_CODE], [_FAILED]),
    ("userAgent|contains: azurehound", [_CODE], [_FAILED]),
    ("DeviceDetail.isCompliant: false", [_CODE], [_DENIED, _FAILED]),
    ("DeviceDetail.isCompliant: 'True'", [_DENIED], [_CODE, _FAILED]),
    ("DeviceDetail.isManaged: true", [_DENIED], [_CODE]),
    ("DeviceDetail.deviceId: ''", [_CODE, _FAILED], [_DENIED]),
    ("DeviceDetail.deviceId: 0d000000-0000-4000-8000-000000000001", [_DENIED], [_CODE]),
    ("DeviceDetail.trusttype: Azure AD joined", [_DENIED], [_CODE]),
    ("DeviceDetail.displayName|startswith: laptop", [_DENIED], [_CODE]),
    ("DeviceDetail.browser|startswith: Edge", [_DENIED], [_CODE]),
    ("DeviceDetail.operatingSystem|contains: windows", [_DENIED], [_CODE]),
    ("DeviceInfo|contains: windows", [_DENIED], [_CODE]),
    ("RiskState: atRisk", [_CODE], [_FAILED]),
    ("RiskLevelDuringSignIn: [medium, high]", [_CODE], [_FAILED]),
    ("CrossTenantAccessType: b2bCollaboration", [_CODE], [_FAILED]),
    ("HomeTenantId: 0b000000-0000-4000-8000-000000000001", [_CODE], [_FAILED]),
    ("ResourceTenantId|endswith: '2'", [_CODE], [_FAILED]),
]

_WRITTEN: Final = activity_log_record("Microsoft.Network/virtualNetworks/write")
_DELETED: Final = activity_log_record(
    "Microsoft.KeyVault/vaults/delete",
    status="Failed",
    caller="robin@fabrikam.example",
    claims={},
    httpRequest={"clientIpAddress": "203.0.113.9"},
    resourceId="/subscriptions/s/providers/Microsoft.KeyVault/vaults/Safe",
    subscriptionId="0e000000-0000-4000-8000-000000000001",
)

_RESOURCE: Final[list[Case]] = [
    ("operationName: MICROSOFT.NETWORK/VIRTUALNETWORKS/WRITE", [_WRITTEN], [_DELETED]),
    (
        "operationName|startswith: MICROSOFT.NETWORK/\noperationName|endswith: [/WRITE, /DELETE]",
        [_WRITTEN],
        [_DELETED],
    ),
    ("OperationNameValue|contains: keyvault", [_DELETED], [_WRITTEN]),
    ("properties.message: Microsoft.KeyVault/vaults/delete", [_DELETED], [_WRITTEN]),
    ("ResourceProviderValue: Microsoft.KeyVault", [_DELETED], [_WRITTEN]),
    ("ResourceId|endswith: /vaults/safe", [_DELETED], [_WRITTEN]),
    ("subscriptionId: 0E000000-0000-4000-8000-000000000001", [_DELETED], [_WRITTEN]),
    ("Caller: robin@fabrikam.example", [_DELETED], [_WRITTEN]),
    ("CallerIpAddress: 203.0.113.9", [_DELETED], [_WRITTEN]),
]
_OF_STATUS: Final = [
    (word, status)
    for word, status in (
        ("Success", "Succeeded"),
        ("Succeeded", "Succeeded"),
        ("Failure", "Failed"),
        ("failed", "Failed"),
        ("Start", "Started"),
        ("Accepted", "Accepted"),
    )
]

_CASES: Final = [
    pytest.param(service, case, id=f"{service}: {case[0][:60]}")
    for service, cases in (("auditlogs", _AUDIT), ("signinlogs", _SIGN_IN), ("activitylogs", _RESOURCE))
    for case in cases
]


def _row(record: Json) -> Json:
    row = row_of(record)
    if "eventDataId" not in record:
        return row
    address = record["httpRequest"]["clientIpAddress"]
    return row | {
        "Caller": record["caller"],
        "CallerIpAddress": address,
        "SubscriptionId": record["subscriptionId"],
    }


def found(folder: Path, text: str, records: list[Json]) -> set[int]:
    """Give the places of the records that a rule meets in the app."""
    meets = predicate(detection_from(folder, text).when)
    readings = list(read_batch(json.dumps(records).encode(), tenant_id="", interest=everything))
    assert [reading.unreadable for reading in readings] == [""] * len(records)
    return {reading.index for reading in readings if reading.event is not None and meets(reading.event)}


@pytest.fixture(scope="module")
def workspace() -> Workspace:
    return Workspace()


@pytest.mark.parametrize(("service", "case"), _CASES)
def test_a_field_in_its_public_spelling_tells_records_apart(
    tmp_path: Path, workspace: Workspace, service: str, case: Case
) -> None:
    members, hits, misses = case
    text = selection(members, service=service)
    records = [*hits, *misses]
    expected = set(range(len(hits)))
    assert found(tmp_path, text, records) == expected

    rows = [_row(record) for record in records]
    workspace.fill(rows)
    assert workspace.found(to_sql(query(detection_from(tmp_path, text)))) == expected
    assert found(tmp_path, text, rows) == expected


@pytest.mark.parametrize(("word", "status"), _OF_STATUS)
def test_azure_s_words_for_an_outcome_are_understood(tmp_path: Path, word: str, status: str) -> None:
    records = [activity_log_record("Microsoft.KeyVault/vaults/delete", status=one) for one in (status, "Canceled")]
    assert found(tmp_path, selection(f"ActivityStatusValue: {word}", service="activitylogs"), records) == {0}


_NEVER: Final = [
    ("auditlogs", "Result: fine", "it should be success, failure or timeout"),
    ("signinlogs", "ResultType: denied", "it should be an error code"),
    ("signinlogs", "Status: fine", "it should be success or failure"),
    ("signinlogs", "properties.message: Add user", "it should be the protocol"),
    ("signinlogs", "DeviceDetail.isCompliant: maybe", "it should be true or false"),
    ("activitylogs", "properties.message: Add service principal", "is in service auditlogs"),
    ("auditlogs", "Colour: red", "no audit record has a field 'Colour'"),
    ("auditlogs", "Categori: x", "is category meant?"),
    ("auditlogs", "Identity: x", "isn't kept"),
    ("auditlogs", "eventSource: AzureActiveDirectory", "Office 365 unified audit log"),
    ("auditlogs", "TargetResources: x", "ask for one of those, or use contains"),
    ("auditlogs", "TargetResources.modifiedProperties|startswith: x", "ask for one of those, or use contains"),
    ("auditlogs", "userAgent|contains: x", "only the whole value or its beginning"),
    ("auditlogs", "InitiatedBy|contains: '<approved inviter>'", "stands for words of your own"),
]


@pytest.mark.parametrize(("service", "members", "because"), _NEVER)
def test_what_no_record_could_ever_meet_is_told(tmp_path: Path, service: str, members: str, because: str) -> None:
    assert because in reason_from(tmp_path, selection(members, service=service))


def test_every_field_of_the_tables_answers_or_says_why_not() -> None:
    for log, name, entry in spellings():
        if isinstance(entry, str):
            with pytest.raises(Inexpressible, match="field"):
                answer_for(log, name)
        else:
            assert answer_for(log, f"properties.{name.upper()}") == entry


@pytest.mark.parametrize("log", Log)
def test_no_two_fields_of_a_log_have_one_spelling(log: Log) -> None:
    answers: dict[str, Any] = {}
    for of, name, entry in spellings():
        key = "".join(filter(str.isalnum, name.lower()))
        if of is log:
            assert answers.setdefault(key, entry) is entry, name
