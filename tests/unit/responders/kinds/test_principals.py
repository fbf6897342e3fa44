"""Whether a principal is there and enabled, and whether it is one of Microsoft's own services."""

import pytest

from infra.local.world import MALLORY
from responders.kinds.principals import is_enabled, is_microsofts
from shared.clients.answers import Answer
from shared.model.kinds import Image
from tests.fakes.tenant import FakeTenant

GROUP = "64000000-1111-4222-8333-444444444444"


@pytest.mark.parametrize(
    ("identity", "principal", "answer"),
    [
        (MALLORY.id, {"id": MALLORY.id, "accountEnabled": True}, True),
        (MALLORY.id, {"id": MALLORY.id, "accountEnabled": False}, False),
        (MALLORY.id, None, False),
        (GROUP, None, True),
        ("not an id", None, None),
        ("') or startswith(id,'", None, None),
    ],
    ids=["enabled", "disabled", "gone", "a group", "no id", "a filter"],
)
def test_a_principal_is_enabled_where_it_is_there_and_nobody_disabled_it(
    *, identity: str, principal: Image | None, answer: bool | None
) -> None:
    tenant = FakeTenant(principals={identity: principal} if principal else {}, groups={GROUP: []})
    assert is_enabled(tenant.edges(), identity) is answer


_SERVICE = "a5c0f700-2e8b-4d17-9f6a-c3b1e0d4a852"


@pytest.mark.parametrize(
    ("owner", "answer"),
    [
        ("f8cdef31-a31e-4b4a-93e4-5f571e91255a", True),
        ("F8CDEF31-A31E-4B4A-93E4-5F571E91255A", True),
        ("72f988bf-86f1-41af-91ab-2d7cd011db47", False),
        (None, False),
    ],
    ids=["its services", "in upper case", "what its employees register", "a managed identity"],
)
def test_a_service_is_microsofts_by_the_tenant_that_owns_it_and_not_by_its_name(
    *, owner: str | None, answer: bool
) -> None:
    service: Image = {
        "id": _SERVICE,
        "displayName": "Microsoft Managed Policies",
        "appOwnerOrganizationId": owner,
    }
    assert is_microsofts(FakeTenant(principals={_SERVICE: service}).edges(), _SERVICE) is answer


def test_one_that_is_gone_is_nobodys_and_of_one_that_cannot_be_read_nothing_is_known() -> None:
    assert is_microsofts(FakeTenant().edges(), _SERVICE) is False
    assert is_microsofts(FakeTenant().edges(), "../users") is False
    unreadable = FakeTenant(spoil=lambda _number, _request: Answer(status=403, headers={}, body=b"{}"))
    assert is_microsofts(unreadable.edges(), _SERVICE) is None
