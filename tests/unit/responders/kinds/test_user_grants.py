"""What applications were allowed to do in one user's name: what counts of it, what records say, how it is taken."""

import copy
import json
import shlex
from typing import Any, Final, cast

import msgspec
import pytest

from infra.local.tenant.simulated.delegated_grants import FOR_ONE_USER, SIMULATED
from infra.local.world import DAVE, TRUDY
from responders.detections.directory_samples import APPLICATION, delegated_record
from responders.kinds.user_grants import USER_GRANT, leaves
from shared.model.calls import Permission
from shared.model.errors import BadIdentifier, Refused, Rejected
from shared.model.kinds import Image, ObjectKind
from shared.model.objects import EXISTS, WHOLE, Op, Recorded
from shared.normalize.audit import from_graph
from tests.fakes.kinds import objections, write_of
from tests.fakes.situations import AT
from tests.fakes.tenant import FakeTenant, answer_of

KIND: Final = USER_GRANT
STANDS: Final = FOR_ONE_USER.samples[0].image
_ID: Final = FOR_ONE_USER.samples[0].object_id
_CLIENT, _API, _USER = _ID.split("/")
_OF: Final = {EXISTS: True, "clientId": _CLIENT}
_OF_RECORD: Final = {EXISTS: True, "clientId": APPLICATION}


def _with(*scopes: str, **more: object) -> Image:
    return copy.deepcopy(STANDS) | {"scope": list(scopes)} | more


def _tenant(*images: Image, **more: Any) -> FakeTenant:  # noqa: ANN401 - the tenant's fields
    tenant = FakeTenant(**more)
    tenant.shelves[ObjectKind.USER_GRANT] = {KIND.id_of(each): copy.deepcopy(each) for each in images or (STANDS,)}
    return tenant


def test_highly_privileged_scopes_are_leaves_and_others_are_not() -> None:
    assert leaves(STANDS) == _OF | {"scope[mail.read]": "Mail.Read"}
    assert KIND.id_of(STANDS) == _ID == f"{_CLIENT}/{_API}/{DAVE.id}"


def test_only_grants_that_count_are_there() -> None:
    small = _with("User.Read", principalId=TRUDY.id)
    tenant = _tenant(STANDS, small)
    tenant.shelves[ObjectKind.DELEGATED_GRANT]["all"] = SIMULATED.samples[1].image
    assert KIND.inventory.read(tenant.edges()) == {_ID: STANDS}
    assert KIND.read(tenant.edges(), _ID.upper()) == STANDS
    assert KIND.read(tenant.edges(), f"{_CLIENT}/{_API}/{TRUDY.id}") is None
    for wrong in ("", f"{_CLIENT}/{_API}", f"{_ID}/x", "x' or '1' eq '1/y/z"):
        with pytest.raises(BadIdentifier):
            KIND.read(tenant.edges(), wrong)


def test_a_grant_for_all_is_none_of_a_user_whatever_was_asked_for() -> None:
    tenant = _tenant()
    for_all = SIMULATED.samples[1].image | {"scope": "Mail.ReadWrite"}
    tenant.spoil = lambda _number, _request: answer_of({"value": [for_all]})
    assert KIND.inventory.read(tenant.edges()) == {}


# What records say.


def _recorded(scope: str, **more: object) -> tuple[Recorded, ...]:
    record = delegated_record(scope, **cast("dict[str, Any]", more))
    return KIND.recorded(from_graph(msgspec.Raw(msgspec.json.encode(record)), AT, "t"))


def test_a_record_tells_which_scopes_came_and_went_and_names_no_user() -> None:
    (given,) = _recorded(" User.Read Mail.Read", before=" User.Read")
    assert (given.op, given.is_whole) == (Op.CREATE, True)
    assert given.wrote == {
        leaf: (None, value) for leaf, value in (_OF_RECORD | {"scope[mail.read]": "Mail.Read"}).items()
    }
    (wider,) = _recorded("Mail.Read Mail.Send", before="mail.read", activity="Remove delegated permission grant")
    assert (wider.op, wider.wrote) == (Op.UPDATE, {"scope[mail.send]": (None, "Mail.Send")})
    (gone,) = _recorded("User.Read", before="User.Read Mail.Read", activity="Remove delegated permission grant")
    assert (gone.op, gone.wrote[EXISTS]) == (Op.DELETE, (True, None))
    assert given.object_id == given.name == wider.name == gone.name
    assert KIND.is_id is not None
    assert [KIND.is_id(each) for each in (given.object_id, _ID, _ID.upper())] == [False, True, True]


def test_a_grant_is_called_as_its_record_calls_it() -> None:
    (given,) = _recorded("Mail.Read")
    grant = _with("Mail.Read", clientId=APPLICATION, resourceId="CE7199B4-8f52-46f3-b54b-4fd81de961e2")
    assert KIND.name_of(grant) == given.name


def test_other_records_are_about_no_users_grant() -> None:
    assert _recorded("User.Read openid", before="openid") == ()
    assert _recorded("Mail.Read", consent="AllPrincipals") == ()
    assert _recorded("Mail.Read", result="failure") == ()
    assert _recorded("Mail.Read", loggedByService="B2C") == ()
    assert _recorded("Mail.Read", targetResources=[]) == ()


# Taking away.


def _put_back(tenant: FakeTenant, wanted: dict[str, Any]) -> None:
    stands = KIND.read(tenant.edges(), _ID)
    assert stands is not None
    KIND.write(tenant.edges(), write_of(KIND, _ID, stands, wanted))


def test_an_added_scope_goes_and_all_others_stay() -> None:
    tenant = _tenant(_with("User.Read", "Mail.Read", "Mail.Send", "openid"))
    _put_back(tenant, leaves(STANDS))
    assert tenant.shelves[ObjectKind.USER_GRANT][_ID]["scope"] == ["User.Read", "Mail.Read", "openid"]


@pytest.mark.parametrize(
    ("scopes", "left"), [(("User.Read", "Mail.Send"), ["User.Read"]), (("Mail.Send",), None)], ids=["others", "alone"]
)
def test_of_one_that_is_not_to_be_there_only_what_counts_goes(
    *, scopes: tuple[str, ...], left: list[str] | None
) -> None:
    tenant = _tenant(_with(*scopes))
    _put_back(tenant, {})
    stands = tenant.shelves[ObjectKind.USER_GRANT].get(_ID)
    assert (stands and stands["scope"]) == left
    assert KIND.read(tenant.edges(), _ID) is None


def test_without_the_permission_the_page_has_the_command() -> None:
    tenant = _tenant(_with("User.Read", "Mail.Send"), granted=set(Permission) - {Permission.DELEGATED_GRANT_WRITE})
    with pytest.raises(Refused) as refused:
        _put_back(tenant, {})
    assert json.loads(shlex.split(refused.value.by_hand)[-1]) == {"scope": "User.Read"}


def test_nothing_is_ever_given_and_the_page_has_the_command() -> None:
    edges = _tenant().edges()
    made = objections(KIND, edges, _ID, None, leaves(STANDS))[WHOLE]
    body = {"clientId": _CLIENT, "consentType": "Principal", "principalId": _USER, "resourceId": _API}
    assert json.loads(shlex.split(made.by_hand)[-1]) == body | {"scope": "Mail.Read"}
    wider = objections(KIND, edges, _ID, STANDS, leaves(_with("Mail.Read", "Mail.Send")))
    assert (wider.keys(), made.can_pass) == ({"scope[mail.send]"}, False)
    assert objections(KIND, edges, _ID, STANDS, {}) == {}
    with pytest.raises(Rejected, match="never allows"):
        KIND.write(edges, write_of(KIND, _ID, None, leaves(STANDS)))


def test_an_application_that_is_protected_loses_something() -> None:
    assert KIND.loses(leaves(STANDS), {}) == {_CLIENT}
    assert KIND.loses(leaves(STANDS), leaves(_with("Mail.Read", "Mail.Send"))) == frozenset()


def test_a_grant_goes_with_its_application_its_api_or_its_user() -> None:
    assert KIND.is_orphan is not None
    there = {each: {"id": each} for each in (_CLIENT, _API, _USER)}
    assert not KIND.is_orphan(FakeTenant(principals=there).edges(), _ID)
    for gone in there:
        left = {each: image for each, image in there.items() if each != gone}
        assert KIND.is_orphan(FakeTenant(principals=left).edges(), _ID)
