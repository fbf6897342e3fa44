"""A threshold for a detection that doesn't count is refused wherever the detections are known."""

import json
from typing import Any

import pytest

from responders import app
from responders.catalogue import CATALOGUE
from responders.commands.profile import profile_of_environment
from shared.detect.aggregation.thresholds import threshold_problems
from shared.model.errors import SettingsError
from shared.model.profile import TenantProfile, profile_from
from tests.unit.responders.test_settings_sample import values_of_the_sample

SPRAYED = "consumer-passwords-sprayed"


def wrong(*names: str) -> str:
    return json.dumps({"thresholds": {SPRAYED: 3, **dict.fromkeys(names, 5)}})


@pytest.mark.parametrize("name", ["consumer-passwords-spraid", "ca-policy-created", "x" * 200])
def test_what_does_not_count_is_told_with_what_does(name: str) -> None:
    (problem,) = threshold_problems(profile_from(wrong(name)), CATALOGUE)
    assert problem.startswith(f"VOCABULARY.thresholds has {name[:80]!r}: it should be a detection that counts, one of ")
    assert SPRAYED in problem
    assert "ca-policy-created," not in problem


def test_every_detection_that_counts_may_have_one() -> None:
    every = TenantProfile(thresholds={one.id: 1 for one in CATALOGUE if one.counted})
    assert every.thresholds
    assert threshold_problems(every, CATALOGUE) == []


def test_the_app_does_not_start_with_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (values_of_the_sample() | {"VOCABULARY": wrong("no-such-detection")}).items():
        monkeypatch.setenv(name, value)
    unwrapped: Any = app.settings
    with pytest.raises(SettingsError, match="no-such-detection"):
        unwrapped.__wrapped__()


def test_no_command_runs_with_one() -> None:
    with pytest.raises(SettingsError, match="no-such-detection"):
        profile_of_environment({"VOCABULARY": wrong("no-such-detection")})
    assert profile_of_environment({"VOCABULARY": wrong()}).thresholds == {SPRAYED: 3}
