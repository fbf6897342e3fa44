"""Registrations of applications: their leaves, what records say of them, and how they are put back."""

import copy
import json
import shlex
from typing import Any, Final, cast

import msgspec
import pytest

from infra.local.tenant.simulated.applications import SIMULATED
from responders.detections.directory_samples import addresses, application_record, change, key
from responders.kinds.applications import APPLICATION, leaves
from shared.model.calls import Permission
from shared.model.errors import BadIdentifier, Refused, Rejected
from shared.model.events import AuditEvent
from shared.model.kinds import Image, ObjectKind
from shared.model.objects import EXISTS, WHOLE, Op, Recorded
from shared.normalize.audit import from_graph
from tests.fakes.kinds import objections, write_of
from tests.fakes.situations import AT
from tests.fakes.tenant import RESPONDER_ID, FakeTenant, answer_of

KIND: Final = APPLICATION
STANDS: Final = SIMULATED.samples[0].image
_ID: Final = str(STANDS["id"])
_SECRET, _CERTIFICATE = STANDS["passwordCredentials"][0]["keyId"], STANDS["keyCredentials"][0]["keyId"]
_OTHER: Final = "00000002-5a1c-4e37-b9d0-82f64c7e0b15"
_TRUST: Final = {"name": "ci", "issuer": "https://evil.example/oidc", "subject": "repo:evil/ci"}
_TRUST_LEAF: Final = "federatedIdentityCredentials[ci|https://evil.example/oidc|repo:evil/ci]"


def _tenant(image: Image = STANDS, **more: Any) -> FakeTenant:  # noqa: ANN401 - the tenant's fields
    tenant = FakeTenant(**more)
    tenant.shelves[ObjectKind.APPLICATION][_ID] = copy.deepcopy(image)
    return tenant


def _with(**more: object) -> Image:
    return copy.deepcopy(STANDS) | more


def _read(tenant: FakeTenant) -> Image:
    found = KIND.read(tenant.edges(), _ID)
    assert found is not None
    return found


def test_addresses_and_credentials_are_leaves_each() -> None:
    assert leaves(_with(federatedIdentityCredentials=[_TRUST])) == {
        EXISTS: True,
        "signInAudience": "AzureADMyOrg",
        "identifierUris[api://orders.fabrikam.example]": "api://orders.fabrikam.example",
        "web.redirectUris[http://localhost:5001/signin]": "http://localhost:5001/Signin",
        f"passwordCredentials[{_SECRET}]": "deploy",
        f"keyCredentials[{_CERTIFICATE}]": "signing",
        _TRUST_LEAF: _TRUST,
    }
    assert (KIND.id_of(STANDS), KIND.name_of(STANDS)) == (_ID, "Orders")


def test_a_trust_in_another_subject_is_another_trust() -> None:
    changed = leaves(_with(federatedIdentityCredentials=[_TRUST | {"subject": "repo:other/ci"}]))
    assert _TRUST_LEAF not in changed
    any_of = {"subject": None, "claimsMatchingExpression": {"value": "claims['sub'] matches 'repo:*'"}}
    matching = leaves(_with(federatedIdentityCredentials=[_TRUST | any_of]))
    assert "federatedIdentityCredentials[ci|https://evil.example/oidc|claims['sub'] matches 'repo:*']" in matching


def test_one_that_is_read_by_itself_is_as_in_the_listing() -> None:
    tenant = _tenant(_with(federatedIdentityCredentials=[_TRUST], requiredResourceAccess=[{"resourceAppId": "x"}]))
    image = _read(tenant)
    assert KIND.inventory.read(tenant.edges()) == {_ID: image}
    assert "requiredResourceAccess" not in image
    assert "key" not in image["keyCredentials"][0]
    assert image["federatedIdentityCredentials"][0]["name"] == "ci"
    assert KIND.read(FakeTenant().edges(), _ID) is None
    with pytest.raises(BadIdentifier):
        KIND.read(tenant.edges(), "../users")


# What records say.


def _event(record: Image) -> AuditEvent:
    return from_graph(msgspec.Raw(msgspec.json.encode(record)), AT, "t")


def _recorded(activity: str, *changes: Image, **more: object) -> tuple[Recorded, ...]:
    return KIND.recorded(_event(application_record(activity, *changes, **cast("dict[str, Any]", more))))


_SECRETS: Final = "Update application \N{EN DASH} Certificates and secrets management "


def test_a_record_tells_which_credentials_came_and_went() -> None:
    spoof = "x,KeyType=AsymmetricX509Cert,KeyUsage=Sign]"
    keys = change("KeyDescription", [key(1)], [key(2, spoof), key(3, kind="AsymmetricX509Cert")])
    (found,) = _recorded(_SECRETS, keys)
    secret, certificate = key(2)[15:51], key(3)[15:51]
    assert (found.op, found.is_whole) == (Op.UPDATE, True)
    assert found.wrote == {
        f"passwordCredentials[{key(1)[15:51]}]": ("deploy, 2026", None),
        f"passwordCredentials[{secret}]": (None, spoof),
        f"keyCredentials[{certificate}]": (None, "deploy, 2026"),
    }
    listed = {"Name": "ci", "Issuer": "https://evil.example/oidc", "Subject": "repo:evil/ci", "Id": "a7"}
    (trust,) = _recorded("Update application", change("FederatedIdentityCredentials", [], [listed]))
    assert (trust.wrote, trust.is_whole) == ({_TRUST_LEAF: (None, _TRUST)}, True)
    (named,) = _recorded("Update application", change("AppIdentifierUri", ["api://A"], ["api://b"]))
    assert named.wrote == {"identifierUris[api://a]": ("api://A", None), "identifierUris[api://b]": (None, "api://b")}


@pytest.mark.parametrize(
    "changed",
    [
        change("AppAddress", [], addresses("https://evil.example/")),
        change("LogoutUrl", ["https://a.example"], []),
        change("KeyDescription", [], [key(1, kind="Hsm")]),
        change("KeyDescription", [], ["cut short"]),
        change("FederatedIdentityCredentials", [], [{"Name": "ci"}]),
        {"displayName": "KeyDescription", "oldValue": "[]", "newValue": '["[KeyIdent'},
    ],
    ids=lambda changed: str(changed)[:90],
)
def test_what_a_record_does_not_tell_is_left_to_versions(changed: Image) -> None:
    (found,) = _recorded("Update application", change("KeyDescription", [], []), changed)
    assert (found.object_id, found.wrote, found.is_whole) == (found.object_id.lower(), {}, False)


def test_a_record_that_names_not_all_that_it_changed_is_not_whole() -> None:
    record = application_record(_SECRETS, change("KeyDescription", [], [key(1)]))
    record["targetResources"][0]["modifiedProperties"].pop()
    event = _event(record)
    assert [(bool(each.wrote), each.is_whole) for each in KIND.recorded(event)] == [(True, False)]


@pytest.mark.parametrize(("activity", "op"), [("Add application", Op.CREATE), ("Delete application", Op.DELETE)])
def test_a_record_tells_that_one_came_or_went(*, activity: str, op: Op) -> None:
    (found,) = _recorded(activity, change("AppAddress", [], addresses("https://a.example/")))
    step = (None, True) if op is Op.CREATE else (True, None)
    assert (found.op, found.wrote, found.is_whole) == (op, {EXISTS: step}, False)


def test_other_records_are_about_no_registration() -> None:
    assert _recorded("Update application", change("RequiredResourceAccess", [], ["x"])) == ()
    assert _recorded(_SECRETS, change("KeyDescription", [], [key(1)]), result="failure") == ()
    assert _recorded(_SECRETS, change("KeyDescription", [], [key(1)]), loggedByService="B2C") == ()
    assert _recorded("Update application", change("KeyDescription", [], [key(1)]), kind="ServicePrincipal") == ()


# Putting back.


def _put_back(tenant: FakeTenant, wanted: Image = STANDS) -> None:
    KIND.write(tenant.edges(), write_of(KIND, _ID, _read(tenant), leaves(wanted)))


def test_added_credentials_go_and_all_others_stay() -> None:
    tenant = _tenant(
        _with(
            passwordCredentials=[*STANDS["passwordCredentials"], {"keyId": _OTHER}],
            keyCredentials=[{"keyId": _OTHER}, *STANDS["keyCredentials"]],
            federatedIdentityCredentials=[_TRUST],
        )
    )
    _put_back(tenant)
    assert tenant.shelves[ObjectKind.APPLICATION][_ID] == STANDS
    assert [(each.method, each.url.rpartition(_ID)[2].split("/")[1:2]) for each in tenant.writes] == [
        ("DELETE", ["federatedIdentityCredentials"]),
        ("POST", ["removePassword"]),
        ("PATCH", []),
    ]


@pytest.mark.parametrize(
    "shown",
    [
        answer_of({"error": {"code": "Request_ResourceNotFound", "message": ""}}, 404),
        answer_of({}),
        answer_of({"keyCredentials": [{"keyId": _CERTIFICATE, "key": None}, {"keyId": _OTHER, "key": "x"}]}),
    ],
    ids=["gone", "without certificates", "without a public part"],
)
def test_no_certificate_is_lost_where_those_that_stay_can_not_be_read(shown: Any) -> None:  # noqa: ANN401 - an answer
    tenant = _tenant(_with(keyCredentials=[*STANDS["keyCredentials"], {"keyId": _OTHER}]))
    image = _read(tenant)
    tenant.spoil = lambda _number, request: shown if request.query.get("$select") else None
    with pytest.raises(Rejected):
        KIND.write(tenant.edges(), write_of(KIND, _ID, image, leaves(STANDS)))
    assert tenant.writes == []


def test_addresses_are_put_back_among_those_that_stand() -> None:
    stood = ["https://A.example/x", "https://a.example/X", "https://evil.example/"]
    web = STANDS["web"] | {"redirectUris": stood, "homePageUrl": "https://a.example", "redirectUriSettings": []}
    tenant = _tenant(_with(web=web | {"logoutUrl": "https://evil.example/out"}, signInAudience="AzureADMultipleOrgs"))
    wanted = _with(
        web=web | {"redirectUris": [*stood[:1], "http://localhost/New"], "logoutUrl": "https://a.example/out"}
    )
    _put_back(tenant, wanted)
    kept = tenant.shelves[ObjectKind.APPLICATION][_ID]
    assert kept["web"]["redirectUris"] == [*stood[:2], "http://localhost/New"]
    assert (kept["web"]["logoutUrl"], kept["web"]["homePageUrl"]) == ("https://a.example/out", "https://a.example")
    assert (kept["signInAudience"], len(tenant.writes)) == ("AzureADMyOrg", 1)


def test_a_log_out_address_that_somebody_added_goes() -> None:
    tenant = _tenant(_with(web=STANDS["web"] | {"logoutUrl": "https://evil.example/out"}))
    _put_back(tenant)
    assert tenant.shelves[ObjectKind.APPLICATION][_ID] == STANDS


def test_without_the_permission_the_page_has_the_commands() -> None:
    changed = _with(
        passwordCredentials=[*STANDS["passwordCredentials"], {"keyId": _OTHER}],
        keyCredentials=[*STANDS["keyCredentials"], {"keyId": _OTHER}],
        federatedIdentityCredentials=[_TRUST],
        identifierUris=["api://evil'; rm -rf /"],
    )
    tenant = _tenant(changed, granted=set(Permission) - {Permission.APPLICATION_WRITE})
    with pytest.raises(Refused) as refused:
        _put_back(tenant)
    secret, certificate, trust, addressed = (shlex.split(each) for each in refused.value.by_hand.split(" && "))
    assert secret == ["az", "ad", "app", "credential", "delete", "--id", _ID, "--key-id", _OTHER]
    assert certificate == [*secret, "--cert"]
    assert trust[:4] == ["az", "ad", "app", "federated-credential"]
    assert json.loads(addressed[-1]) == {"identifierUris": STANDS["identifierUris"]}
    assert tenant.shelves[ObjectKind.APPLICATION][_ID] == changed


# Guards.


def test_no_credential_is_ever_given() -> None:
    gone = _with(passwordCredentials=[], keyCredentials=[])
    found = objections(KIND, FakeTenant().edges(), _ID, gone, leaves(_with(federatedIdentityCredentials=[_TRUST])))
    assert found.keys() == {f"passwordCredentials[{_SECRET}]", f"keyCredentials[{_CERTIFICATE}]", _TRUST_LEAF}
    assert not any(each.can_pass for each in found.values())


def test_one_is_neither_deleted_nor_restored_and_the_page_has_the_command() -> None:
    deleted = objections(KIND, FakeTenant().edges(), _ID, STANDS, {})[WHOLE]
    restored = objections(KIND, FakeTenant().edges(), _ID, None, leaves(STANDS))[WHOLE]
    assert shlex.split(deleted.by_hand) == ["az", "ad", "app", "delete", "--id", _ID]
    assert restored.by_hand.endswith(f"/directory/deletedItems/{_ID}/restore")
    for write in (write_of(KIND, _ID, STANDS, {}), write_of(KIND, _ID, None, leaves(STANDS))):
        with pytest.raises(Rejected, match="neither makes nor deletes"):
            KIND.write(FakeTenant().edges(), write)


@pytest.mark.parametrize("own", [{"appId": "C0FFEE00-0000-4000-8000-000000000001"}, {"id": RESPONDER_ID}], ids=str)
def test_the_responders_own_registration_is_never_touched(own: Image) -> None:
    edges = FakeTenant().edges()
    edges = copy.replace(edges, tenant=copy.replace(edges.tenant, client_id="c0ffee00-0000-4000-8000-000000000001"))
    image = _with(**own, identifierUris=["api://evil"])
    found = objections(KIND, edges, str(image["id"]), image, leaves(STANDS))
    assert (found[WHOLE].guard, found[WHOLE].can_pass) == ("own-registration", False)
    assert objections(KIND, edges, _ID, _with(identifierUris=["api://evil"]), leaves(STANDS)) == {}


def test_nothing_of_a_secret_is_kept() -> None:
    """Graph shows its first letters, and evidence is kept for a year."""
    shown = {"keyId": _OTHER, "displayName": "deploy", "hint": "a1B", "secretText": "a1B~whole"}
    kept = json.dumps(_read(_tenant(_with(passwordCredentials=[shown]))))
    assert _OTHER in kept
    assert "a1B" not in kept
