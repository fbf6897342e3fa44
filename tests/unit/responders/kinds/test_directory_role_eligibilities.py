"""Eligibilities for directory roles: what is read, what records say, what guards refuse, how one is taken away."""

import copy
import json
import shlex
from typing import Any, Final

import msgspec
import pytest

from infra.local.tenant.simulated.directory_role_eligibilities import SIMULATED
from responders.detections.directory_samples import COLLEAGUE, pim_record, role_record
from responders.kinds.directory_role_eligibilities import DIRECTORY_ROLE_ELIGIBILITY, REQUEST_REMOVAL, giving
from responders.kinds.microsoft_services import MICROSOFT_SERVICES
from responders.kinds.principals import MICROSOFT
from responders.rosters import NO_LICENCE
from shared.clients.api import Answer
from shared.model.calls import Permission
from shared.model.errors import BadIdentifier, DoneAlready, Refused, Rejected
from shared.model.events import Actor, ActorKind, Log
from shared.model.kinds import Image, ObjectKind
from shared.model.object_kinds import Confirmation
from shared.model.objects import EXISTS, WHOLE, ObjectChange, Op, Recorded
from shared.normalize.audit import from_graph
from tests.fakes.kinds import objections, write_of
from tests.fakes.situations import ALICE, AT, MALLORY, PRIVILEGED_ROLE_ADMINISTRATOR
from tests.fakes.tenant import FakeTenant, Request, answer_of

KIND: Final = DIRECTORY_ROLE_ELIGIBILITY
STANDS: Final = SIMULATED.samples[0].image
_ID: Final = SIMULATED.samples[0].object_id
_HOLDER: Final = str(STANDS["principalId"])
_ROLE: Final = str(STANDS["roleDefinitionId"])
_LEAVES: Final = {EXISTS: True, "roleDefinitionId": _ROLE, "principalId": _HOLDER}
_OWN_ROLE: Final = "c057000a-2e8b-4d61-9f34-7b1c5a0e8d92"
_TEMPLATE: Final = "7e300001-2e8b-4d61-9f34-7b1c5a0e8d92"
_PIM: Final = Actor(id="91300000-6e2d-4b8f-a5c1-0d9f7b3e4a68", name="MS-PIM", kind=ActorKind.SERVICE_PRINCIPAL)
_APP: Final = next(one.app_id for one in MICROSOFT_SERVICES if one.name == "MS-PIM")


def _tenant(*images: Image, **more: Any) -> FakeTenant:  # noqa: ANN401 - the tenant's fields
    tenant = FakeTenant(**more)
    for each in images or (STANDS,):
        tenant.shelves[ObjectKind.DIRECTORY_ROLE_ELIGIBILITY][str(each["id"])] = copy.deepcopy(each)
    return tenant


# Reading.


def test_it_goes_by_role_and_holder() -> None:
    assert (KIND.id_of(STANDS), KIND.leaves(STANDS)) == (_ID, _LEAVES)
    assert KIND.read(_tenant().edges(), _ID.upper()) == STANDS
    assert KIND.inventory.read(_tenant().edges()) == {_ID: STANDS}
    with pytest.raises(BadIdentifier):
        KIND.read(_tenant().edges(), "x' or '1' eq '1")


@pytest.mark.parametrize(
    "differences",
    [{"directoryScopeId": "/administrativeUnits/1"}, {"memberType": "Group"}, {"memberType": "Inherited"}],
)
def test_what_is_over_a_part_or_a_groups_is_not_guarded(differences: Image) -> None:
    tenant = _tenant(STANDS | differences)
    assert KIND.read(tenant.edges(), _ID) is None
    assert KIND.inventory.read(tenant.edges()) == {}


def test_a_role_of_the_tenants_own_goes_by_its_template() -> None:
    own = [{"id": _OWN_ROLE, "templateId": _TEMPLATE}]
    tenant = _tenant(STANDS | {"roleDefinitionId": _OWN_ROLE}, own_roles=own)
    found = KIND.read(tenant.edges(), f"{_TEMPLATE}/{_HOLDER}")
    assert found is not None
    assert KIND.id_of(found) == f"{_TEMPLATE}/{_HOLDER}"
    assert KIND.inventory.read(tenant.edges()).keys() == {f"{_TEMPLATE}/{_HOLDER}"}


def _refusing(code: str) -> FakeTenant:
    def spoil(number: int, request: Request) -> Answer | None:
        del number
        is_asked = request.url.endswith("/roleEligibilityScheduleInstances")
        return answer_of({"error": {"code": code, "message": code}}, 400) if is_asked else None

    return _tenant(spoil=spoil)


def test_without_the_licence_nobody_is_eligible_and_any_other_refusal_leaves_it_unknown() -> None:
    assert KIND.read(_refusing(NO_LICENCE).edges(), _ID) is None
    assert KIND.inventory.read(_refusing(NO_LICENCE).edges()) == {}
    with pytest.raises(Rejected):
        KIND.read(_refusing("InvalidFilter").edges(), _ID)
    with pytest.raises(Rejected):
        KIND.inventory.read(_refusing("InvalidFilter").edges())


# What records say.


def _recorded(record: Image) -> tuple[Recorded, ...]:
    return KIND.recorded(from_graph(msgspec.Raw(msgspec.json.encode(record)), AT, "t"))


@pytest.mark.parametrize(
    ("activity", "op"), [("Add eligible member to role", Op.CREATE), ("Remove eligible member from role ", Op.DELETE)]
)
def test_a_record_says_that_one_came_or_went(*, activity: str, op: Op) -> None:
    (found,) = _recorded(role_record(activity))
    assert (found.object_id, found.op, found.is_whole) == (
        f"{PRIVILEGED_ROLE_ADMINISTRATOR}/{COLLEAGUE}",
        op,
        True,
    )
    assert found.wrote[EXISTS] == ((None, True) if op is Op.CREATE else (True, None))


@pytest.mark.parametrize(
    "record",
    [
        role_record("Add member to role"),
        role_record("Add eligible member to role", result="failure"),
        role_record("Add eligible member to role", loggedByService="PIM"),
        pim_record("Add eligible member to role in PIM completed (permanent)"),
        role_record("Add eligible member to role", targetResources=[]),
    ],
    ids=lambda record: str(record["activityDisplayName"]),
)
def test_other_records_say_nothing_of_one(record: Image) -> None:
    assert _recorded(record) == ()


# Who did it.

_GIVEN: Final = "Add eligible member to role in PIM completed (timebound)"
_TAKEN: Final = "Remove eligible member from role in PIM completed (timebound)"
_BY_PIM: Final[Image] = {"user": None, "app": {"displayName": "MS-PIM", "servicePrincipalId": _PIM.id}}
_BY_NOBODY: Final[Image] = {"user": None, "app": {"displayName": "Azure AD PIM", "servicePrincipalId": None}}


def _said(activity: str, by: Image | None = None) -> Image:
    at = AT.isoformat().replace("+00:00", "Z")
    somebody: Image = {"user": {"id": MALLORY.id, "userPrincipalName": "m@contoso.example"}, "app": None}
    return pim_record(activity, initiatedBy=by or somebody, activityDateTime=at)


def _confirmed(*audits: Image, op: Op) -> Confirmation:
    service = {"id": _PIM.id, "appId": _APP, "appOwnerOrganizationId": MICROSOFT}
    tenant = _tenant(audits=[*audits], principals={_PIM.id: service})
    object_id = f"{PRIVILEGED_ROLE_ADMINISTRATOR}/{COLLEAGUE}"
    change = ObjectChange(id="c", log=Log.AUDIT, actor=_PIM, at=AT, arrived_at=AT, op=op, object_id=object_id)
    assert KIND.confirm is not None
    return KIND.confirm(tenant.edges(), change, None)


@pytest.mark.parametrize(("activity", "op"), [(_GIVEN, Op.CREATE), (_TAKEN, Op.DELETE)])
def test_what_pim_did_counts_as_done_by_who_asked(*, activity: str, op: Op) -> None:
    found = _confirmed(_said(activity), op=op)
    assert (found.actor and found.actor.id, found.is_expiry, found.is_own_use) == (MALLORY.id, False, False)


@pytest.mark.parametrize("by", [_BY_PIM, _BY_NOBODY])
def test_what_was_bound_in_time_and_goes_without_anybodys_asking_has_ended(by: Image) -> None:
    assert _confirmed(_said(_TAKEN, by), op=Op.DELETE).is_expiry
    lasting = _confirmed(_said(_TAKEN.replace("timebound", "permanent"), by), op=Op.DELETE)
    assert not lasting.is_expiry


@pytest.mark.parametrize(
    "activity",
    [
        "Add member to role in PIM completed (timebound)",
        "Add eligible member to role in PIM requested (timebound)",
        "Add member to role completed (PIM activation)",
    ],
)
def test_records_of_other_requests_do_not_say_who_asked(activity: str) -> None:
    assert _confirmed(_said(activity), op=Op.CREATE).is_true is None


def test_what_a_person_did_needs_no_confirmation_and_what_a_service_did_may() -> None:
    assert not KIND.is_doubtful(MALLORY)
    assert KIND.is_doubtful(_PIM)


# Guards and writing.


def test_it_is_taken_by_a_request_to_pim() -> None:
    tenant = _tenant(granted={Permission.ROLE_ELIGIBILITY_REMOVE})
    tenant.shelves[KIND.kind] = {_ID: STANDS}
    write = write_of(KIND, _ID, STANDS, {})
    assert KIND.write(tenant.edges(), write) == _ID
    (sent,) = tenant.writes
    assert (sent.method, sent.url) == ("POST", REQUEST_REMOVAL.path)
    assert (sent.body["action"], sent.body["principalId"], sent.body["directoryScopeId"]) == (
        "adminRemove",
        _HOLDER,
        "/",
    )
    with pytest.raises(DoneAlready):
        KIND.write(tenant.edges(), write)


def test_where_it_is_refused_the_page_has_the_command() -> None:
    tenant = _tenant(granted=set())
    with pytest.raises(Refused) as refused:
        KIND.write(tenant.edges(), write_of(KIND, _ID, STANDS, {}))
    words = shlex.split(refused.value.by_hand)
    assert words[words.index("--url") + 1].endswith("/v1.0/roleManagement/directory/roleEligibilityScheduleRequests")
    assert json.loads(words[-1])["action"] == "adminRemove"


def test_none_is_ever_given() -> None:
    found = objections(KIND, _tenant().edges(), _ID, None, _LEAVES)[WHOLE]
    assert (found.guard, found.can_pass, found.by_hand) == ("never-given", False, giving(_ID))
    assert json.loads(shlex.split(found.by_hand)[-1])["action"] == "adminAssign"
    assert giving("nobody") == ""
    tenant = _tenant()
    with pytest.raises(Rejected):
        KIND.write(tenant.edges(), write_of(KIND, _ID, None, _LEAVES))
    assert tenant.writes == []


def test_none_goes_by_which_an_emergency_account_or_a_protected_principal_is_eligible() -> None:
    people = {each.id: {"@odata.type": "#microsoft.graph.user", "id": each.id} for each in (ALICE, MALLORY)}
    tenant = _tenant(groups={_HOLDER: [*people]}, principals=people)
    for field, who, guard in (
        ("emergency", ALICE, "emergency-account"),
        ("protected", MALLORY, "protected-principal"),
    ):
        more: dict[str, Any] = {field: frozenset({who.id})}
        assert objections(KIND, tenant.edges(), _ID, STANDS, {}, **more)[WHOLE].guard == guard
    assert objections(KIND, tenant.edges(), _ID, STANDS, {}) == {}
    tenant.granted.remove(Permission.GROUP_MEMBER_READ)
    unread = objections(KIND, tenant.edges(), _ID, STANDS, {})[WHOLE]
    assert (unread.guard, unread.can_pass) == ("emergency-account", True)
    assert (KIND.loses(_LEAVES, {}), KIND.gains({}, _LEAVES)) == ({_HOLDER}, {_HOLDER})
