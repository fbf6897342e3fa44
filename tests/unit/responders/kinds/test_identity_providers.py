"""Identity providers of B2C: what is read of them, put back, and what waits for somebody who knows the secret."""

import json
import shlex
from typing import Any, Final

import pytest

from infra.local.tenant.simulated import identity_providers
from responders.kinds.identity_providers import IDENTITY_PROVIDER, leaves
from shared.model.errors import BadIdentifier, DoneAlready
from shared.model.events import AuditEvent, Target
from shared.model.kinds import Image
from shared.model.objects import EXISTS, WHOLE, Op, Recorded
from tests.fakes.kinds import objections, write_of
from tests.fakes.situations import AT, MALLORY
from tests.fakes.tenant import FakeTenant

KIND: Final = IDENTITY_PROVIDER
_PROVIDER: Final[Image] = identity_providers.SIMULATED.samples[0].image
_ID: Final = str(_PROVIDER["id"])
_TYPE: Final = "#microsoft.graph.openIdConnectIdentityProvider"


def _with(provider: Image) -> FakeTenant:
    tenant = FakeTenant()
    tenant.shelves[KIND.kind] = {_ID.lower(): dict(provider)}
    return tenant


def test_no_secret_is_a_leaf() -> None:
    split = leaves(_PROVIDER)
    assert split[EXISTS] is True
    assert split["claimsMapping"] == {"userId": "sub", "displayName": "name"}
    assert "clientSecret" not in split
    assert leaves({**_PROVIDER, "certificateData": "x", "clientSecret": None}) == split


@pytest.mark.parametrize("service", ["B2C", "Core Directory"])
@pytest.mark.parametrize(
    ("activity", "op"),
    [
        ("Create custom identity provider", Op.CREATE),
        ("Update identity provider ", Op.UPDATE),
        ("Delete local identity provider", Op.DELETE),
    ],
)
def test_a_record_says_what_was_done_to_which(*, service: str, activity: str, op: Op) -> None:
    (found,) = KIND.recorded(_event(activity, service))
    assert (found.object_id, found.name, found.op) == (_ID, "Contoso", op)


def _event(activity: str, service: str, **more: Any) -> AuditEvent:  # noqa: ANN401 - fields
    fields: dict[str, Any] = {
        "id": "1",
        "tenant_id": "t",
        "at": AT,
        "activity": activity,
        "category": "ResourceManagement",
        "service": service,
        "outcome": "success",
        "reason": "",
        "correlation_id": "",
        "actor": MALLORY,
        "targets": (Target(id=_ID, name="Contoso"),),
    }
    return AuditEvent(**fields | more)


def test_other_records_say_nothing_of_one() -> None:
    for event in (
        _event("Get identity provider", "B2C"),
        _event("Update identity provider", "Other"),
        _event("Update identity provider", "B2C", outcome="failure"),
        _event("Update identity provider", "B2C", targets=()),
    ):
        assert KIND.recorded(event) == ()
    by_name = _event("Update identity provider", "B2C", targets=(Target(name="Contoso staff"),))
    assert KIND.recorded(by_name) == (Recorded(object_id="Contoso staff", name="Contoso staff", op=Op.UPDATE),)


def test_what_is_put_back_has_its_type_and_no_secret() -> None:
    evil = {
        **_PROVIDER,
        "metadataUrl": "https://evil.example/",
        "claimsMapping": {"userId": "email"},
        "domainHint": "x",
    }
    tenant = _with(evil)
    stands = KIND.read(tenant.edges(), _ID)
    assert objections(KIND, tenant.edges(), _ID, stands, leaves(_PROVIDER)) == {}
    KIND.write(tenant.edges(), write_of(KIND, _ID, stands, leaves(_PROVIDER)))
    (write,) = tenant.writes
    assert write.body == {
        "@odata.type": _TYPE,
        "claimsMapping": _PROVIDER["claimsMapping"],
        "domainHint": None,
        "metadataUrl": _PROVIDER["metadataUrl"],
    }


def test_a_client_id_is_not_put_back_without_its_secret_unless_somebody_asks() -> None:
    stands = {**_PROVIDER, "clientId": "mallorys", "displayName": "Staff"}
    found = objections(KIND, FakeTenant().edges(), _ID, stands, leaves(_PROVIDER))
    assert {leaf: (each.guard, each.can_pass) for leaf, each in found.items()} == {"clientId": ("secret-unread", False)}
    *command, body = shlex.split(found["clientId"].by_hand)
    assert command[2:6] == [
        "--method",
        "PATCH",
        "--url",
        f"https://graph.microsoft.com/beta/identity/identityProviders/{_ID}",
    ]
    assert json.loads(body) == {"@odata.type": _TYPE, "clientId": _PROVIDER["clientId"], "clientSecret": "…"}
    assert objections(KIND, FakeTenant().edges(), _ID, stands, leaves(_PROVIDER), is_asked=True) == {}


def test_one_of_another_type_is_not_written() -> None:
    stands = {**_PROVIDER, "identityProviderType": "Google"}
    found = objections(KIND, FakeTenant().edges(), _ID, stands, leaves({**stands, "identityProviderType": "Facebook"}))
    assert found["identityProviderType"].guard == "not-writable"


def test_one_that_was_deleted_is_never_made_again() -> None:
    found = objections(KIND, FakeTenant().edges(), _ID, None, leaves(_PROVIDER))[WHOLE]
    assert (found.guard, found.can_pass) == ("not-whole", False)
    assert json.loads(shlex.split(found.by_hand)[-1])["clientSecret"] == "…"


def test_a_new_one_is_deleted_and_not_twice() -> None:
    tenant = _with(_PROVIDER)
    assert objections(KIND, tenant.edges(), _ID, _PROVIDER, {}) == {}
    KIND.write(tenant.edges(), write_of(KIND, _ID, _PROVIDER, {}))
    assert tenant.shelves[KIND.kind] == {}
    with pytest.raises(DoneAlready):
        KIND.write(tenant.edges(), write_of(KIND, _ID, _PROVIDER, {}))


@pytest.mark.parametrize("evil", ["", "../users", "a/b", "x?y"])
def test_nothing_but_ids_gets_into_a_request(evil: str) -> None:
    tenant = _with(_PROVIDER)
    with pytest.raises(BadIdentifier):
        KIND.read(tenant.edges(), evil)
    assert tenant.log == []
