"""Applications by their names, asked of a simulated B2C tenant over real HTTP."""

from datetime import UTC, datetime

import pytest

from infra.local import world
from responders.kinds.named_applications import find_application
from tests.integration.responders.conftest import SimulatedTenant

_NAME = world.RESPONDER_B2C.name


@pytest.mark.parametrize(
    ("name", "because"),
    [
        (_NAME, ""),
        (_NAME.upper(), "to the letter"),
        (_NAME[:-1], "no applications"),
        (f"{_NAME}'s", "no applications"),
    ],
)
def test_an_application_is_found_by_its_whole_name(simulated: SimulatedTenant, name: str, because: str) -> None:
    found = find_application(simulated.b2c, name, datetime.now(UTC))
    assert found.is_read
    assert found.id == ("" if because else world.RESPONDER_B2C.id)
    assert because in found.because
