"""Whether a principal is there and enabled."""

import pytest

from infra.local.world import MALLORY
from responders.kinds.principals import is_enabled
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
