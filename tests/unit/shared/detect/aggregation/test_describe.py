import copy
from datetime import timedelta
from typing import Any

import pytest

from responders.catalogue import CATALOGUE
from shared.detect.aggregation.describe import lasting, raises_case_when
from shared.detect.fields import Audit, SignIn
from shared.model.detections import After, Burst, Rise
from shared.model.profile import TenantProfile

_ORDINARY = next(one for one in CATALOGUE if not (one.counted or one.after or one.one_case_by))
_TEN = timedelta(minutes=10)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({}, ""),
        (
            {"counted": Burst(at_least=10, within=_TEN, by=SignIn.account)},
            "for 10 or more records within 10 minutes with the same account",
        ),
        (
            {"counted": Burst(at_least=5, within=timedelta(hours=1), by=SignIn.address, distinct=SignIn.account)},
            "for 5 or more different accounts within 1 hour with the same IP address",
        ),
        ({"counted": Burst(at_least=9, within=_TEN)}, "for 9 or more records within 10 minutes in the tenant"),
        ({"counted": Rise()}, "for 50 or more records in an hour, if they are over 10 % more"),
        (
            {"after": After(step_a=Audit.activity.is_("Add user"), by=Audit.target, window=timedelta(days=2))},
            "only within 2 days after another record with the same object",
        ),
        (
            {"one_case_by": (SignIn.app_id, SignIn.account)},
            "the same hour with the same app id and account are one case",
        ),
    ],
)
def test_it_says_when_a_detection_raises_a_case(how: dict[str, Any], said: str) -> None:
    sentence = raises_case_when(copy.replace(_ORDINARY, **how))
    assert said in sentence
    assert bool(sentence) is bool(said)


@pytest.mark.parametrize("counted", [Burst(at_least=10, within=_TEN), Rise(floor=10)])
def test_the_operator_s_threshold_counts(counted: Burst | Rise) -> None:
    detection = copy.replace(_ORDINARY, counted=counted)
    sentence = raises_case_when(detection, TenantProfile(thresholds={detection.id: 321}))
    assert sentence.startswith("for 321 or more records")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 seconds"),
        (59, "59 seconds"),
        (60, "1 minute"),
        (5400, "90 minutes"),
        (86400, "1 day"),
        (63072000, "2 years"),
    ],
)
def test_a_time_has_the_largest_unit(seconds: int, said: str) -> None:
    assert lasting(timedelta(seconds=seconds)) == said
