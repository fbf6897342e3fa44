"""Who asked PIM for what its service did to a directory role: its own record says so, or it isn't known yet."""

from datetime import timedelta
from typing import Any, Final

import pytest

from responders.detections.directory_samples import COLLEAGUE, pim_record
from responders.kinds.directory_role_assignments import DIRECTORY_ROLE_ASSIGNMENT
from responders.kinds.microsoft_services import MICROSOFT_SERVICES
from responders.kinds.principals import MICROSOFT
from shared.model.calls import Permission
from shared.model.events import Actor, ActorKind, Log
from shared.model.kinds import Image
from shared.model.object_kinds import Confirmation
from shared.model.objects import ObjectChange, Op
from tests.fakes.situations import ALICE, AT, MALLORY, PRIVILEGED_ROLE_ADMINISTRATOR
from tests.fakes.tenant import FakeTenant

_PIM: Final = Actor(id="91300000-6e2d-4b8f-a5c1-0d9f7b3e4a68", name="MS-PIM", kind=ActorKind.SERVICE_PRINCIPAL)
_APP: Final = next(one.app_id for one in MICROSOFT_SERVICES if one.name == "MS-PIM")
_ID: Final = f"{PRIVILEGED_ROLE_ADMINISTRATOR}/{COLLEAGUE}"
_ASSIGNED: Final = "Add member to role in PIM completed (permanent)"
_ACTIVATED: Final = "Add member to role completed (PIM activation)"
_BY_PIM: Final[Image] = {"user": None, "app": {"displayName": "MS-PIM", "servicePrincipalId": _PIM.id}}


def _record(activity: str, *, by: str = MALLORY.id, minutes: float = 0, **more: Any) -> Image:  # noqa: ANN401 - fields
    at = (AT + timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")
    user = {"id": by.upper(), "userPrincipalName": "somebody@contoso.example"}
    return pim_record(activity, initiatedBy={"user": user, "app": None}, activityDateTime=at) | more


def _confirmed(
    *audits: Image,
    op: Op = Op.CREATE,
    actor: Actor = _PIM,
    app: str = _APP,
    **more: Any,  # noqa: ANN401 - fields of the fake
) -> Confirmation:
    service = {"id": _PIM.id, "appId": app, "appOwnerOrganizationId": MICROSOFT}
    tenant = FakeTenant(audits=[*audits], principals={_PIM.id: service}, **more)
    change = ObjectChange(id="c", log=Log.AUDIT, actor=actor, at=AT, arrived_at=AT, op=op, object_id=_ID)
    assert DIRECTORY_ROLE_ASSIGNMENT.confirm is not None
    return DIRECTORY_ROLE_ASSIGNMENT.confirm(tenant.edges(), change, None)


def test_what_pim_assigned_counts_as_done_by_who_asked() -> None:
    later = _record(_ASSIGNED, by=ALICE.id, minutes=-9)
    found = _confirmed(later, _record(_ASSIGNED, minutes=-1))
    assert found.is_true
    assert found.actor == Actor(id=MALLORY.id, name="somebody@contoso.example", kind=ActorKind.USER)
    assert (found.is_expiry, found.is_own_use) == (False, False)


@pytest.mark.parametrize(
    ("activity", "op", "by", "is_own_use"),
    [
        (_ACTIVATED, Op.CREATE, COLLEAGUE, True),
        (_ACTIVATED, Op.CREATE, MALLORY.id, False),
        ("Remove member from role completed (PIM deactivate)", Op.DELETE, COLLEAGUE, True),
        (_ASSIGNED, Op.CREATE, COLLEAGUE, False),
    ],
)
def test_a_use_of_ones_own_right_is_no_change(*, activity: str, op: Op, by: str, is_own_use: bool) -> None:
    found = _confirmed(_record(activity, by=by), op=op)
    assert (found.is_true, found.is_own_use, found.actor and found.actor.id) == (True, is_own_use, by)


def test_what_ends_by_itself_is_an_expiry() -> None:
    found = _confirmed(_record("Remove member from role (PIM activation expired)", initiatedBy=_BY_PIM), op=Op.DELETE)
    assert (found.is_true, found.is_expiry, found.actor) == (True, True, None)


_OTHERS: Final[dict[str, Image]] = {
    "of another holder": _record(_ASSIGNED) | {"targetResources": []},
    "a request that isn't done": _record("Add member to role requested (PIM activation)"),
    "an approval": _record("Add member to role request approved (PIM activation)"),
    "what others gave": _record("Add member to role outside of PIM (permanent)"),
    "an eligibility": _record("Add eligible member to role in PIM completed (permanent)"),
    "a removal": _record("Remove member from role in PIM completed (permanent)"),
    "a failure": _record(_ASSIGNED, result="failure"),
    "of another service": _record(_ASSIGNED, loggedByService="Core Directory"),
    "long before": _record(_ASSIGNED, minutes=-16),
}


@pytest.mark.parametrize("other", _OTHERS.values(), ids=_OTHERS)
def test_other_records_do_not_say_who_asked(other: Image) -> None:
    assert _confirmed(other).is_true is None


def test_a_request_that_is_withdrawn_takes_nothing_away() -> None:
    assert _confirmed(_record("Remove request"), op=Op.DELETE).is_true is None


@pytest.mark.parametrize("at", ["soon", "2026-03-02T10:00:00"])
def test_a_record_whose_time_can_not_be_read_leaves_it_unknown(at: str) -> None:
    found = _confirmed(_record(_ASSIGNED) | {"activityDateTime": at})
    assert found.is_true is None
    assert "could not be read" in found.because


def test_who_activates_a_role_did_it_and_not_who_approved_that() -> None:
    approved = _record("Add member to role request approved (PIM activation)", by=ALICE.id)
    found = _confirmed(approved, _record(_ACTIVATED, by=COLLEAGUE, minutes=0.01))
    assert (found.is_own_use, found.actor and found.actor.id) == (True, COLLEAGUE)


def test_a_request_from_before_counts_once_the_log_has_had_time_for_a_nearer_one() -> None:
    """Else who gave the role before, and had it taken away again, would answer for what another gives now."""
    before = _record(_ASSIGNED, by=ALICE.id, minutes=-5)
    assert _confirmed(before).is_true is None
    later = _record("Update user", loggedByService="Core Directory", minutes=16)
    found = _confirmed(before, later)
    assert (found.is_true, found.actor and found.actor.id) == (True, ALICE.id)
    found = _confirmed(before, later, _record(_ASSIGNED, minutes=0.5))
    assert found.actor is not None
    assert found.actor.id == MALLORY.id


def test_where_the_log_has_gone_on_without_a_record_it_is_as_told() -> None:
    """Nobody knows who asked then: what one of Microsoft's services did goes to people."""
    found = _confirmed(_record("Update user", loggedByService="Core Directory", minutes=16))
    assert (found.is_true, found.actor) == (True, None)


@pytest.mark.parametrize(
    ("actor", "app"),
    [
        (Actor(id=MALLORY.id, kind=ActorKind.USER), _APP),
        (Actor(id="", kind=ActorKind.UNKNOWN), _APP),
        (Actor(id="no id", kind=ActorKind.SERVICE_PRINCIPAL), _APP),
        (_PIM, "5ec00000-7b1d-4e94-a6f0-3c8d9e2b5a17"),
    ],
)
def test_what_pim_did_not_do_is_as_told(*, actor: Actor, app: str) -> None:
    found = _confirmed(_record(_ASSIGNED), actor=actor, app=app)
    assert (found.is_true, found.actor) == (True, None)


@pytest.mark.parametrize("missing", [Permission.AUDIT_LOG_READ, Permission.APPLICATION_READ])
def test_what_can_not_be_read_is_not_known(missing: Permission) -> None:
    as_good = {Permission.DIRECTORY_READ, Permission.APPLICATION_WRITE}
    found = _confirmed(_record(_ASSIGNED), granted=set(Permission) - {missing} - as_good)
    assert found.is_true is None
    assert "could not be read" in found.because
