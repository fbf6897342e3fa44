"""What detections find of the objects that policies lean on, the kinds understand as changes of objects."""

import msgspec
import pytest

from responders.detections.infrastructure import POLICIES
from responders.kinds.authentication_contexts import AUTHENTICATION_CONTEXT
from responders.kinds.authentication_strengths import AUTHENTICATION_STRENGTH
from responders.kinds.named_locations import NAMED_LOCATION
from shared.model.detections import AnyDetection
from shared.model.objects import Op
from shared.normalize import read_batch
from tests.fakes.record_strategies import everything
from tests.fakes.tenant import TENANT_ID

_KINDS = {each.kind.value: each for each in (NAMED_LOCATION, AUTHENTICATION_STRENGTH, AUTHENTICATION_CONTEXT)}
_OPS = {"1": Op.CREATE, "2": Op.DELETE, "3": Op.UPDATE}
_DETECTIONS = [one for one in POLICIES if one.seed_row.rpartition("/")[2] in _KINDS]


def test_each_kind_is_detected_when_it_is_made_changed_and_deleted() -> None:
    assert len(_DETECTIONS) == len(_KINDS) * len(_OPS)


@pytest.mark.parametrize("detection", _DETECTIONS, ids=lambda one: one.id)
def test_what_is_detected_is_a_change_of_an_object(detection: AnyDetection) -> None:
    _, row, name = detection.seed_row.split("/")
    readings = [*read_batch(msgspec.json.encode([*detection.hits]), tenant_id=TENANT_ID, interest=everything)]
    assert len(readings) == len(detection.hits)
    for reading in readings:
        assert reading.event is not None
        (change,) = _KINDS[name].recorded(reading.event)
        assert change.op is _OPS[row]
