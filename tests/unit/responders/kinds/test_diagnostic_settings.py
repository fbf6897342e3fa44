"""Diagnostic settings of Azure and of Entra ID: what they are made of, what tells of them, and what isn't written."""

import copy
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
import pytest

from infra.local.tenant.simulated.diagnostic_settings import EXPORT, SIMULATED
from infra.local.tenant.simulated.entra_diagnostic_settings import STREAM
from infra.local.world import ALICE, LOGGED_RESOURCES, MALLORY, SUBSCRIPTION, SUBSCRIPTION_SCOPE, VAULT_SCOPE
from responders.detections.samples import activity_log_record, event_grid_record
from responders.kinds import azure_stamps
from responders.kinds.diagnostic_setting_leaves import body, is_named_as_ours, leaves, words
from responders.kinds.diagnostic_settings import DIAGNOSTIC_SETTING, MOST
from responders.kinds.entra_diagnostic_settings import ENTRA_DIAGNOSTIC_SETTING
from shared.clients.api import Answer
from shared.model.errors import BadIdentifier, DoneAlready, Locked, Refused, Rejected
from shared.model.events import Actor, Log
from shared.model.kinds import Image, Json, ObjectKind
from shared.model.object_kinds import Kind, Made
from shared.model.objects import EXISTS, WHOLE, ObjectChange, Op, Recorded
from shared.normalize.resources import from_activity_log, from_event_grid
from tests.fakes.kinds import objections, write_of
from tests.fakes.situations import AT
from tests.fakes.tenant import FakeTenant, Request, answer_of

KIND: Final = DIAGNOSTIC_SETTING
ENTRA: Final = ENTRA_DIAGNOSTIC_SETTING
_ID: Final = EXPORT.object_id
_ACCESS: Final = SIMULATED.samples[1]
_COPY: Final = SIMULATED.samples[2]
_TYPE: Final = "Microsoft.Insights/diagnosticSettings"
_WORKSPACE: Final = EXPORT.image["properties"]["workspaceId"]


def _tenant(*samples: Any, **more: Any) -> FakeTenant:  # noqa: ANN401 - samples, and the tenant's fields
    tenant = FakeTenant(**more)
    for each in samples:
        kind = ObjectKind.ENTRA_DIAGNOSTIC_SETTING if each is STREAM else ObjectKind.DIAGNOSTIC_SETTING
        tenant.shelves[kind][each.object_id] = copy.deepcopy(each.image)
    return tenant


def _edges(tenant: FakeTenant, **more: Any) -> Any:  # noqa: ANN401 - the responder's edges
    edges = tenant.edges()
    return copy.replace(edges, tenant=copy.replace(edges.tenant, subscriptions=frozenset({SUBSCRIPTION}), **more))


def _answering(answer: Answer, *, to: str) -> Callable[[int, Request], Answer | None]:
    """Answer requests of a method so, and let the tenant answer the others."""

    def spoil(_number: int, request: Request) -> Answer | None:
        return answer if request.method == to else None

    return spoil


# Leaves.


def test_destinations_and_what_is_switched_on_are_leaves() -> None:
    assert leaves(EXPORT.image) == {
        EXISTS: True,
        "workspaceId": _WORKSPACE,
        "logs[administrative]": "Administrative",
        "logs[security]": "Security",
        "logs[policy]": "Policy",
    }
    found = leaves(_ACCESS.image)
    assert {name for name in found if name.startswith(("logs", "metrics"))} == {
        "logs[auditevent]",
        "logs[group audit]",
        "metrics[allmetrics]",
    }
    assert words(found) == "log-responder, send"


@pytest.mark.parametrize(
    "properties",
    [
        {"logs": None, "metrics": None, "workspaceId": None},
        {"logs": [], "metrics": [], "storageAccountId": ""},
        {"logs": [{"category": "Security", "enabled": False}, "odd", {"category": "Policy"}]},
        None,
    ],
)
def test_what_is_null_or_switched_off_is_not_there(properties: Any) -> None:  # noqa: ANN401 - properties or none
    assert leaves({"id": _ID, "name": "x", "properties": properties}) == {EXISTS: True}
    assert words(leaves({"id": _ID, "properties": properties})) == "nowhere"


@pytest.mark.parametrize(
    ("leaf", "one", "other", "is_same"),
    [
        ("workspaceId", _WORKSPACE.upper(), _WORKSPACE.lower(), True),
        ("workspaceId", _WORKSPACE, f"{_WORKSPACE}2", False),
        ("logs[security]", "Security", "SECURITY", True),
        ("logs[security]", "Security", None, False),
        ("eventHubName", None, None, True),
    ],
)
def test_azure_ignores_case(leaf: str, one: Json, other: Json, is_same: bool) -> None:  # noqa: FBT001 - a table
    assert KIND.rules.same(leaf, one, other) is is_same


def test_how_long_a_storage_account_keeps_logs_is_sent_again_as_it_was() -> None:
    kept = {"enabled": True, "days": 90}
    stands = copy.deepcopy(EXPORT.image)
    for each in stands["properties"]["logs"]:
        each["retentionPolicy"] = kept
    target = leaves(stands) | {"workspaceId": "/x"}
    sent = body(write_of(KIND, _ID, stands, target))["properties"]
    assert sent["workspaceId"] == "/x"
    assert {each["category"]: each["retentionPolicy"] for each in sent["logs"]} == dict.fromkeys(
        ("Administrative", "Policy", "Security"), kept
    )
    again = body(write_of(KIND, _ID, None, target, source=stands))["properties"]
    assert again == sent
    new = body(write_of(KIND, _ID, None, leaves(_ACCESS.image)))["properties"]
    assert {"categoryGroup": "audit", "enabled": True} in new["logs"]


# What records say.


def _recorded(image: Image, kind: Kind = KIND) -> tuple[Recorded, ...]:
    raw = msgspec.Raw(msgspec.json.encode(image))
    read = from_event_grid if "data" in image else from_activity_log
    return kind.recorded(read(raw, AT, "00000000-0000-4000-8000-000000000000"))


@pytest.mark.parametrize(
    "spelled",
    [
        f"{SUBSCRIPTION_SCOPE}/providers/{_TYPE}/entra-responder-prod",
        f"{SUBSCRIPTION_SCOPE}/providers/AzureResourceManager/diagnosticSettings/entra-responder-prod",
        f"{SUBSCRIPTION_SCOPE}/providers/microsoft.insights/diagnosticSettings/entra-responder-prod".upper(),
    ],
)
def test_a_subscriptions_setting_has_one_id_however_azure_spells_it(spelled: str) -> None:
    for make, where in ((event_grid_record, "resourceUri"), (activity_log_record, "resourceId")):
        (wrote,) = _recorded(make(f"{_TYPE}/write", **{where: spelled}))
        (deleted,) = _recorded(make(f"{_TYPE.lower()}/delete", **{where: spelled}))
        assert (wrote.object_id, wrote.op, wrote.wrote) == (_ID, Op.UPDATE, {})
        assert (deleted.object_id, deleted.op, deleted.wrote) == (_ID, Op.DELETE, {EXISTS: (True, None)})


@pytest.mark.parametrize(
    "record",
    [
        event_grid_record(f"{_TYPE}/write", resourceUri=EXPORT.object_id, status="Failed"),
        event_grid_record("Microsoft.Insights/components/write", resourceUri=EXPORT.object_id),
        event_grid_record(f"{_TYPE}/write", resourceUri=f"{VAULT_SCOPE}/x"),
        event_grid_record(f"{_TYPE}/write", resourceUri=f"/providers/{_TYPE}/x"),
        activity_log_record(f"{_TYPE}/delete", resourceId=EXPORT.object_id, status="Started"),
    ],
)
def test_what_is_about_no_setting_says_nothing(record: Image) -> None:
    assert _recorded(record) == ()


def test_no_record_tells_of_entras_settings() -> None:
    event = event_grid_record("Microsoft.AADIAM/diagnosticSettings/delete", resourceUri=STREAM.object_id)
    assert _recorded(event, ENTRA) == ()


# Which are guarded.


@pytest.mark.parametrize(
    ("setting", "is_guarded", "is_ours"),
    [
        (_ID, True, True),
        (f"{SUBSCRIPTION_SCOPE}/providers/{_TYPE}/siem", True, False),
        (_ACCESS.object_id.upper(), True, True),
        (f"{SUBSCRIPTION_SCOPE}/resourceGroups/shop/providers/x/y/z/providers/{_TYPE}/access", False, False),
        (_ID.replace(SUBSCRIPTION, "9d0e6b3f-27c8-4a51-8f3d-b64e10c7a925"), False, True),
        (f"{SUBSCRIPTION_SCOPE}/../providers/{_TYPE}/x", False, False),
    ],
)
def test_settings_of_the_subscriptions_and_of_our_own_resources_are_guarded(
    setting: str,
    is_guarded: bool,  # noqa: FBT001 - a table
    is_ours: bool,  # noqa: FBT001 - a table
) -> None:
    tenant = _edges(FakeTenant()).tenant
    assert KIND.is_configured(tenant, setting) is is_guarded
    if ".." not in setting:
        assert KIND.is_ours(tenant, setting) is is_ours


def test_entras_stream_goes_before_other_settings() -> None:
    tenant = FakeTenant().edges().tenant
    assert ENTRA.is_ours(tenant, STREAM.object_id)
    assert not ENTRA.is_ours(tenant, f"{STREAM.object_id}/x/to-siem")
    assert not is_named_as_ours("/x/my-entra-responder-copy")


# Reading.


def test_every_setting_is_listed_by_an_id_that_reads_it() -> None:
    tenant = _tenant(EXPORT, _ACCESS, STREAM)
    listed = KIND.inventory.read(_edges(tenant))
    assert listed.keys() == {EXPORT.object_id, _ACCESS.object_id}
    for key, image in listed.items():
        read = KIND.read(_edges(tenant), key.upper())
        assert read == image
        assert KIND.id_of(image) == key
    assert KIND.name_of(listed[_ID]) == f"entra-responder-prod of {SUBSCRIPTION}, to log-responder"
    assert ENTRA.inventory.read(_edges(tenant)) == {STREAM.object_id: STREAM.image}
    assert ENTRA.read(_edges(tenant), STREAM.object_id) == STREAM.image
    assert ENTRA.read(_edges(tenant), f"{STREAM.object_id}-2") is None


def test_a_resource_that_is_gone_has_no_settings_and_one_that_cant_be_read_is_no_empty_listing() -> None:
    def gone(_number: int, request: Request) -> Answer | None:
        is_there = LOGGED_RESOURCES[1].lower() not in request.url.lower()
        return None if is_there else answer_of({"error": {"code": "ResourceNotFound", "message": ""}}, 404)

    tenant = _tenant(EXPORT, _ACCESS, spoil=gone)
    assert KIND.inventory.read(_edges(tenant)).keys() == {EXPORT.object_id, _ACCESS.object_id}
    tenant.spoil = lambda _number, _request: answer_of({"error": {"code": "AuthorizationFailed", "message": ""}}, 403)
    with pytest.raises(Refused):
        KIND.inventory.read(_edges(tenant))


def test_a_text_that_is_no_setting_reaches_no_url() -> None:
    tenant = FakeTenant()
    for kind, evil in ((KIND, f"{SUBSCRIPTION_SCOPE}/../x/providers/{_TYPE}/x"), (ENTRA, "/providers/x/..")):
        with pytest.raises(BadIdentifier):
            kind.read(_edges(tenant), evil)
    assert tenant.log == []


# Guards.


def _objected(tenant: FakeTenant, sample: Any = EXPORT) -> Any:  # noqa: ANN401 - a sample, and objections
    return objections(KIND, _edges(tenant), sample.object_id, None, leaves(sample.image))


def test_a_deleted_one_is_not_made_where_five_others_stand() -> None:
    tenant = _tenant()
    shelf = tenant.shelves[ObjectKind.DIAGNOSTIC_SETTING]
    for number in range(MOST - 1):
        shelf[f"{_ID}-{number}"] = EXPORT.image | {"name": f"entra-responder-prod-{number}"}
    assert _objected(tenant) == {}
    shelf[f"{_ID}-{MOST}"] = EXPORT.image | {"name": "one-more"}
    objection = _objected(tenant)[WHOLE]
    assert objection.can_pass
    assert "Azure allows 5" in objection.because
    listing = f"https://management.azure.com{SUBSCRIPTION_SCOPE}/providers/microsoft.insights/diagnosticsettings"
    assert objection.by_hand == f"az rest --url '{listing}?api-version=2021-05-01-preview'"
    # One that stands is written all the same.
    stands = copy.deepcopy(EXPORT.image)
    target = leaves(stands) | {"workspaceId": "/x"}
    assert objections(KIND, _edges(tenant), _ID, stands, target) == {}


def test_how_many_there_are_is_unknown_where_it_cant_be_read() -> None:
    tenant = _tenant()
    tenant.granted.clear()
    objection = _objected(tenant)[WHOLE]
    assert objection.can_pass
    assert "could not be read" in objection.because


# Writing.


_PUT_AGAIN: Final = (
    f"az rest --method PUT --url 'https://management.azure.com{_ID}?api-version=2021-05-01-preview' --body "
)


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("LinkedAuthorizationFailed", 403, Refused),
        ("AuthorizationFailed", 403, Refused),
        ("ResourceNotFound", 404, Rejected),
        ("BadRequest", 400, Rejected),
        ("Conflict", 409, Rejected),
    ],
)
def test_where_azure_refuses_people_get_the_command(code: str, status: int, error: type[Refused | Rejected]) -> None:
    """The destination is gone, or the identity may not use it, or another setting sends the same there."""
    answer = answer_of({"error": {"code": code, "message": "no"}}, status)
    tenant = _tenant(spoil=_answering(answer, to="PUT"))
    with pytest.raises(error) as refused:
        KIND.write(_edges(tenant), write_of(KIND, _ID, None, leaves(EXPORT.image)))
    assert refused.value.by_hand.startswith(_PUT_AGAIN)
    assert "Administrative" in refused.value.by_hand
    assert _WORKSPACE in refused.value.by_hand


def test_entras_settings_are_written_by_hand_where_nobody_gave_the_role() -> None:
    tenant = _tenant(STREAM)
    tenant.granted.clear()
    target = leaves(STREAM.image)
    with pytest.raises(Refused) as refused:
        ENTRA.write(_edges(tenant), write_of(ENTRA, STREAM.object_id, None, target))
    assert "microsoft.aadiam/diagnosticsettings/entra-responder-prod?api-version=2017-04-01" in refused.value.by_hand
    with pytest.raises(Refused) as refused:
        ENTRA.write(_edges(tenant), write_of(ENTRA, STREAM.object_id, STREAM.image, {}))
    assert refused.value.by_hand.startswith("az rest --method DELETE --url ")


def test_entras_settings_are_written_where_somebody_did() -> None:
    tenant = _tenant()
    api = _edges(tenant)
    assert ENTRA.write(api, write_of(ENTRA, STREAM.object_id, None, leaves(STREAM.image))) == STREAM.object_id
    stands = ENTRA.read(api, STREAM.object_id)
    assert stands is not None
    assert leaves(stands) == leaves(STREAM.image)
    ENTRA.write(api, write_of(ENTRA, STREAM.object_id, stands, {}))
    assert ENTRA.read(api, STREAM.object_id) is None


def test_a_lock_is_named_with_the_command_that_lifts_it() -> None:
    lock = f"{SUBSCRIPTION_SCOPE}/providers/Microsoft.Authorization/locks/keep"
    message = f"The scope '{_ID}' cannot perform delete operation because following scope(s) are locked: "
    locked_answer = answer_of(
        {"error": {"code": "ScopeLocked", "message": f"{message}'{SUBSCRIPTION_SCOPE}'. Please remove the lock."}}, 409
    )
    tenant = _tenant(_COPY, locks=[lock], spoil=_answering(locked_answer, to="DELETE"))
    with pytest.raises(Locked) as locked:
        KIND.write(_edges(tenant), write_of(KIND, _COPY.object_id, _COPY.image, {}))
    assert lock in str(locked.value)
    assert locked.value.by_hand == f"az lock delete --subscription {SUBSCRIPTION} --ids {lock}"


def test_who_was_faster_with_a_deletion_is_left_to_it() -> None:
    answer = answer_of({"error": {"code": "ResourceNotFound", "message": ""}}, 404)
    tenant = _tenant(spoil=_answering(answer, to="DELETE"))
    with pytest.raises(DoneAlready):
        KIND.write(_edges(tenant), write_of(KIND, _ID, EXPORT.image, {}))
    with pytest.raises(DoneAlready):
        ENTRA.write(_edges(tenant), write_of(ENTRA, STREAM.object_id, STREAM.image, {}))


# Who did it.


def test_what_azure_stamps_is_when_and_not_who() -> None:
    stamped = {"systemData": {"createdBy": "mallory@x", "createdAt": f"{AT:%Y-%m-%dT%H:%M:%SZ}"}}
    assert azure_stamps.made(EXPORT.image | stamped) == Made(at=AT)
    for odd in ({}, {"systemData": None}, {"systemData": {"createdAt": "yesterday"}}):
        assert azure_stamps.made(odd) == Made()
    assert azure_stamps.instant("2026-03-02T10:00:00") is None, "of no zone"


def _change(by: str = MALLORY.id, op: Op = Op.UPDATE) -> ObjectChange:
    return ObjectChange(id="c", log=Log.RESOURCE, actor=Actor(id=by), at=AT, arrived_at=AT, op=op, object_id=_ID)


def _logged(by: str, *, minutes: float = 0, verb: str = "write") -> Image:
    at = f"{AT + timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%SZ}"
    claims = {"http://schemas.microsoft.com/identity/claims/objectidentifier": by}
    record = activity_log_record(f"{_TYPE}/{verb}", resourceId=_ID, claims=claims)
    record.pop("authorization", None)
    return record | {"eventTimestamp": at}


@pytest.mark.parametrize(
    ("logged", "op", "is_true"),
    [
        ([_logged(MALLORY.id)], Op.UPDATE, True),
        ([_logged(MALLORY.id, verb="delete")], Op.DELETE, True),
        ([_logged(ALICE.id)], Op.UPDATE, False),
        ([_logged(ALICE.id, minutes=-3)], Op.UPDATE, None),
        ([_logged(MALLORY.id)], Op.DELETE, None),
        ([], Op.UPDATE, None),
    ],
)
def test_who_did_it_is_what_azures_own_log_says(logged: list[Image], op: Op, is_true: bool | None) -> None:  # noqa: FBT001 - a table
    assert KIND.confirm is not None
    assert KIND.confirm(_edges(_tenant(activity=logged)), _change(op=op), None).is_true is is_true


def test_a_log_that_cant_be_read_says_nothing() -> None:
    assert KIND.confirm is not None
    tenant = _tenant(activity=[_logged(MALLORY.id)])
    tenant.granted.clear()
    assert KIND.confirm(_edges(tenant), _change(), None).is_true is None


_HOUR_BEFORE: Final[datetime] = AT - timedelta(hours=1)


@pytest.mark.parametrize(
    ("logged", "is_first"),
    [
        ([_logged(MALLORY.id)], True),
        ([_logged(ALICE.id, minutes=-30), _logged(MALLORY.id)], False),
        ([_logged(MALLORY.id, minutes=-30), _logged(MALLORY.id)], False),
        ([_logged(ALICE.id, minutes=-70), _logged(MALLORY.id)], True),
        ([_logged(ALICE.id, minutes=-30, verb="delete"), _logged(MALLORY.id)], True),
        ([_logged(MALLORY.id), _logged(ALICE.id, minutes=2)], True),
        ([_logged(ALICE.id, minutes=-30)], None),
        ([], None),
    ],
)
def test_the_first_write_after_it_was_lacking_made_it(logged: list[Image], is_first: bool | None) -> None:  # noqa: FBT001 - a table
    assert KIND.is_first_write is not None
    assert KIND.is_first_write(_edges(_tenant(activity=logged)), _change(), _HOUR_BEFORE) is is_first
