"""Thousands of broken records through normalising and matching: each is read or called unreadable.

`make test` puts 50,000 through, `make fuzz` millions that start from another seed each time.
"""

import os
import sys
from collections import Counter
from typing import Final

from responders.catalogue import CATALOGUE
from responders.detections.directory_samples import SAMPLE_PROFILE
from responders.detections.samples import TENANT
from shared.detect.matcher import Matcher
from shared.normalize import read_batch
from tests.fakes.mutations import Mutations
from tests.fakes.record_strategies import SAMPLES, everything

_RECORDS: Final = int(os.environ.get("FUZZ_RECORDS", "20000"))
_SEED: Final = int(os.environ.get("FUZZ_SEED", "20260317"))


def test_every_mutant_is_read_or_called_unreadable_and_passed_over_only_if_it_matches_nothing() -> None:
    matcher = Matcher(CATALOGUE, SAMPLE_PROFILE)
    seeds = [*SAMPLES.values(), *(hit for one in CATALOGUE for hit in one.hits)]
    became: Counter[str] = Counter()
    for raw in Mutations(seeds, _SEED).records(_RECORDS):
        try:
            became[outcome(matcher, raw)] += 1
        except Exception as escaped:
            raise AssertionError(f"{escaped!r} came of {raw!r}") from escaped
    sys.stderr.write(f"{_RECORDS} mutants of seed {_SEED}: {dict(became)}\n")
    assert became.total() == _RECORDS
    assert became["matched"] > _RECORDS / 3
    assert became["read"] > _RECORDS / 50
    assert became["unreadable"] > _RECORDS / 5
    assert became["nothing"] < _RECORDS / 1_000


def outcome(matcher: Matcher, raw: bytes) -> str:
    """Put one text through, and give the best that came of it; several records may."""
    readings = list(read_batch(raw, tenant_id=TENANT, interest=everything))
    for reading in readings:
        assert (reading.event is None) == bool(reading.unreadable)
    matching = [
        one.index for one in readings if one.event and (matcher.matches(one.event) or matcher.matches_step_a(one.event))
    ]
    if matching:
        asked_first = read_batch(raw, tenant_id=TENANT, interest=matcher.interest)
        assert set(matching) <= {one.index for one in asked_first if one.event}
        return "matched"
    if not readings:
        return "nothing"
    return "read" if any(one.event for one in readings) else "unreadable"
