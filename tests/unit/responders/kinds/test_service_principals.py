"""Service principals: their leaves, what records say of them, and how they are put back."""

import copy
import json
import shlex
from typing import Any, Final, cast

import msgspec
import pytest

from infra.local.tenant.simulated.service_principals import SIMULATED
from responders.detections.directory_samples import addresses, application_record, change, key
from responders.kinds.service_principals import SERVICE_PRINCIPAL, leaves
from shared.model.calls import Permission
from shared.model.errors import BadIdentifier, Refused, Rejected
from shared.model.kinds import Image, ObjectKind
from shared.model.objects import EXISTS, WHOLE, Op, Recorded
from shared.normalize.audit import from_graph
from tests.fakes.kinds import objections, write_of
from tests.fakes.situations import AT
from tests.fakes.tenant import RESPONDER_ID, FakeTenant, answer_of

KIND: Final = SERVICE_PRINCIPAL
STANDS: Final = SIMULATED.samples[0].image
_ID: Final = str(STANDS["id"])
_SECRET, _CERTIFICATE = STANDS["passwordCredentials"][0]["keyId"], STANDS["keyCredentials"][0]["keyId"]
_OTHER: Final = "00000002-5a1c-4e37-b9d0-82f64c7e0b15"


def _tenant(image: Image = STANDS, **more: Any) -> FakeTenant:  # noqa: ANN401 - the tenant's fields
    tenant = FakeTenant(**more)
    tenant.shelves[ObjectKind.SERVICE_PRINCIPAL][_ID] = copy.deepcopy(image)
    return tenant


def _with(**more: object) -> Image:
    return copy.deepcopy(STANDS) | more


def _read(tenant: FakeTenant) -> Image:
    found = KIND.read(tenant.edges(), _ID)
    assert found is not None
    return found


def test_whether_it_may_sign_in_and_each_credential_are_leaves() -> None:
    assert leaves(STANDS) == {
        EXISTS: True,
        "accountEnabled": True,
        f"passwordCredentials[{_SECRET}]": "nightly",
        f"keyCredentials[{_CERTIFICATE}]": "tokens",
    }
    assert leaves(_with(accountEnabled=False))["accountEnabled"] is False
    assert (KIND.id_of(STANDS), KIND.name_of(STANDS)) == (_ID, "Archive")


def test_one_that_is_read_by_itself_is_as_in_the_listing() -> None:
    tenant = _tenant(_with(passwordCredentials=[{"keyId": _OTHER, "hint": "a1B", "secretText": "a1B~whole"}]))
    image = _read(tenant)
    assert KIND.inventory.read(tenant.edges()) == {_ID: image}
    assert "servicePrincipalNames" not in image
    assert "key" not in image["keyCredentials"][0]
    assert "a1B" not in json.dumps(image)
    assert KIND.read(FakeTenant().edges(), _ID) is None
    with pytest.raises(BadIdentifier):
        KIND.read(tenant.edges(), "../users")


# What records say.


def _recorded(activity: str, *changes: Image, **more: object) -> tuple[Recorded, ...]:
    record = application_record(activity, *changes, **{"kind": "ServicePrincipal"} | cast("dict[str, Any]", more))
    return KIND.recorded(from_graph(msgspec.Raw(msgspec.json.encode(record)), AT, "t"))


@pytest.mark.parametrize("activity", ["Add service principal credentials", "Update service principal"])
def test_a_record_tells_which_credentials_came_and_went(activity: str) -> None:
    keys = change("KeyDescription", [key(1)], [key(2), key(3, kind="AsymmetricX509Cert", usage="Sign")])
    (found,) = _recorded(activity, keys)
    secret, certificate = key(2)[15:51], key(3)[15:51]
    assert (found.op, found.is_whole) == (Op.UPDATE, True)
    assert found.wrote == {
        f"passwordCredentials[{key(1)[15:51]}]": ("deploy, 2026", None),
        f"passwordCredentials[{secret}]": (None, "deploy, 2026"),
        f"keyCredentials[{certificate}]": (None, "deploy, 2026"),
    }


def test_a_record_of_removed_credentials_may_name_only_those() -> None:
    (found,) = _recorded("Remove service principal credentials", change("KeyDescription", [key(1)], None))
    assert (found.wrote, found.is_whole) == ({f"passwordCredentials[{key(1)[15:51]}]": ("deploy, 2026", None)}, True)


@pytest.mark.parametrize(
    ("old", "new", "wrote"),
    [
        ([True], [False], {"accountEnabled": (True, False)}),
        ([False], ["True"], {"accountEnabled": (False, True)}),
        ([], [True], {"accountEnabled": (None, True)}),
        ([True], [True], {}),
    ],
)
def test_a_record_tells_that_one_was_switched(old: object, new: object, wrote: dict[str, object]) -> None:
    (found,) = _recorded("Update service principal", change("AccountEnabled", old, new))
    assert (found.wrote, found.is_whole) == (wrote, True)


@pytest.mark.parametrize(
    "changed",
    [
        change("AccountEnabled", [True], []),
        change("AccountEnabled", [True], [False, True]),
        change("AccountEnabled", [True], ["perhaps"]),
        change("KeyDescription", [], [key(1, kind="Hsm")]),
        {"displayName": "KeyDescription", "oldValue": "[]", "newValue": '["[KeyIdent'},
    ],
    ids=lambda changed: str(changed)[:90],
)
def test_what_a_record_does_not_tell_is_left_to_versions(changed: Image) -> None:
    (found,) = _recorded("Update service principal", changed)
    assert (found.wrote, found.is_whole) == ({}, False)


@pytest.mark.parametrize(
    ("activity", "op"),
    [
        ("Add service principal", Op.CREATE),
        ("Restore service principal", Op.CREATE),
        ("Remove service principal", Op.DELETE),
        ("Hard delete service principal", Op.DELETE),
    ],
)
def test_a_record_tells_that_one_came_or_went(*, activity: str, op: Op) -> None:
    (found,) = _recorded(activity, change("AccountEnabled", [], [True]))
    step = (None, True) if op is Op.CREATE else (True, None)
    assert (found.op, found.wrote, found.is_whole) == (op, {EXISTS: step}, False)


def test_other_records_are_about_no_service_principal() -> None:
    keys = change("KeyDescription", [], [key(1)])
    assert _recorded("Update service principal", change("AppAddress", [], addresses("https://a.example/"))) == ()
    assert _recorded("Add service principal credentials", keys, result="failure") == ()
    assert _recorded("Add service principal credentials", keys, loggedByService="B2C") == ()
    assert _recorded("Add service principal credentials", keys, kind="Application") == ()


# Putting back.


def _put_back(tenant: FakeTenant, wanted: Image = STANDS) -> None:
    KIND.write(tenant.edges(), write_of(KIND, _ID, _read(tenant), leaves(wanted)))


def test_one_is_switched_and_added_credentials_go_while_all_others_stay() -> None:
    stopped = _with(accountEnabled=False)
    tenant = _tenant(
        _with(
            passwordCredentials=[*STANDS["passwordCredentials"], {"keyId": _OTHER}],
            keyCredentials=[{"keyId": _OTHER}, *STANDS["keyCredentials"]],
        )
    )
    _put_back(tenant, stopped)
    assert tenant.shelves[ObjectKind.SERVICE_PRINCIPAL][_ID] == stopped
    assert [each.body for each in tenant.writes][:2] == [{"accountEnabled": False}, {"keyId": _OTHER}]
    assert len(tenant.writes) == 3


def test_no_certificate_is_lost_where_those_that_stay_can_not_be_read() -> None:
    tenant = _tenant(_with(keyCredentials=[*STANDS["keyCredentials"], {"keyId": _OTHER}]))
    image = _read(tenant)
    shown = answer_of({"keyCredentials": [{"keyId": _CERTIFICATE, "key": None}, {"keyId": _OTHER, "key": "x"}]})
    tenant.spoil = lambda _number, request: shown if request.query.get("$select") else None
    with pytest.raises(Rejected):
        KIND.write(tenant.edges(), write_of(KIND, _ID, image, leaves(STANDS)))
    assert tenant.writes == []


def test_a_certificate_that_is_not_listed_any_more_is_looked_at_again_and_not_called_gone() -> None:
    tenant = _tenant(_with(keyCredentials=[*STANDS["keyCredentials"], {"keyId": _OTHER}]))
    image = _read(tenant)
    out_of_date = answer_of({"keyCredentials": [{"keyId": _CERTIFICATE, "key": "x"}]})
    tenant.spoil = lambda _number, request: out_of_date if request.query.get("$select") else None
    with pytest.raises(Rejected, match="isn't listed"):
        KIND.write(tenant.edges(), write_of(KIND, _ID, image, leaves(STANDS)))
    assert tenant.writes == []


def test_without_the_permission_the_page_has_the_commands() -> None:
    changed = _with(
        accountEnabled=False,
        passwordCredentials=[*STANDS["passwordCredentials"], {"keyId": _OTHER}],
        keyCredentials=[*STANDS["keyCredentials"], {"keyId": _OTHER}],
    )
    tenant = _tenant(changed, granted=set(Permission) - {Permission.APPLICATION_WRITE})
    with pytest.raises(Refused) as refused:
        _put_back(tenant)
    secret, certificate, switched = (shlex.split(each) for each in refused.value.by_hand.split(" && "))
    assert secret == ["az", "ad", "sp", "credential", "delete", "--id", _ID, "--key-id", _OTHER]
    assert certificate == [*secret, "--cert"]
    assert json.loads(switched[-1]) == {"accountEnabled": True}
    assert tenant.shelves[ObjectKind.SERVICE_PRINCIPAL][_ID] == changed


# Guards.


def test_one_is_switched_on_only_when_somebody_asks_for_it() -> None:
    edges, stopped = FakeTenant().edges(), _with(accountEnabled=False)
    found = objections(KIND, edges, _ID, stopped, leaves(STANDS))
    assert (found["accountEnabled"].guard, found["accountEnabled"].can_pass) == ("never-switched-on", False)
    assert json.loads(shlex.split(found["accountEnabled"].by_hand)[-1]) == {"accountEnabled": True}
    assert objections(KIND, edges, _ID, stopped, leaves(STANDS), is_asked=True) == {}
    assert objections(KIND, edges, _ID, STANDS, leaves(stopped)) == {}


def test_no_credential_is_ever_given() -> None:
    gone = _with(passwordCredentials=[], keyCredentials=[])
    found = objections(KIND, FakeTenant().edges(), _ID, gone, leaves(STANDS), is_asked=True)
    assert found.keys() == {f"passwordCredentials[{_SECRET}]", f"keyCredentials[{_CERTIFICATE}]"}
    assert not any(each.can_pass for each in found.values())


@pytest.mark.parametrize("signing", [_CERTIFICATE, _OTHER])
def test_no_certificate_goes_from_beside_a_key_that_signs_tokens(signing: str) -> None:
    """A key that signs may go itself; one that stays would be sent without what Graph doesn't show of it."""
    keys = [{"keyId": each, "usage": "Sign" if each == signing else "Verify"} for each in (_CERTIFICATE, _OTHER)]
    found = objections(KIND, FakeTenant().edges(), _ID, _with(keyCredentials=keys), leaves(STANDS))
    assert found.keys() == ({f"keyCredentials[{_OTHER}]"} if signing == _CERTIFICATE else set())
    more = [*STANDS["passwordCredentials"], {"keyId": _OTHER}]
    found = objections(KIND, FakeTenant().edges(), _ID, _with(passwordCredentials=more), leaves(STANDS))
    assert found == {}


def test_one_is_neither_deleted_nor_restored_and_the_page_has_the_command() -> None:
    deleted = objections(KIND, FakeTenant().edges(), _ID, STANDS, {})[WHOLE]
    restored = objections(KIND, FakeTenant().edges(), _ID, None, leaves(STANDS))[WHOLE]
    assert shlex.split(deleted.by_hand) == ["az", "ad", "sp", "delete", "--id", _ID]
    assert restored.by_hand.endswith(f"/directory/deletedItems/{_ID}/restore")
    for write in (write_of(KIND, _ID, STANDS, {}), write_of(KIND, _ID, None, leaves(STANDS))):
        with pytest.raises(Rejected, match="neither makes nor deletes"):
            KIND.write(FakeTenant().edges(), write)


@pytest.mark.parametrize("own", [{"appId": "C0FFEE00-0000-4000-8000-000000000001"}, {"id": RESPONDER_ID}], ids=str)
def test_the_responders_own_is_never_touched(own: Image) -> None:
    edges = FakeTenant().edges()
    edges = copy.replace(edges, tenant=copy.replace(edges.tenant, client_id="c0ffee00-0000-4000-8000-000000000001"))
    image = _with(**own, passwordCredentials=[])
    found = objections(KIND, edges, str(image["id"]), image, leaves(_with(accountEnabled=False)))
    assert (found[WHOLE].guard, found[WHOLE].can_pass) == ("own-service-principal", False)
