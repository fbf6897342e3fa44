"""What holds of every detection: its own records match it and nothing else, and its words are the guide's."""

import re
from collections.abc import Callable
from copy import replace
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

import pytest

from responders import detections
from responders.catalogue import BY_ID, CATALOGUE
from responders.detections import attack, infrastructure, references
from responders.detections.directory_samples import SAMPLE_PROFILE
from responders.detections.evidence import EVIDENCE, Evidence, evidence_of
from responders.detections.samples import TENANT, diagnostic_record
from responders.detections.sign_in_samples import diagnostic_sign_in
from shared.detect.conditions import required
from shared.detect.matcher import INDEXED_BY, Matcher
from shared.model.detections import AnyDetection, Detection, Technique
from shared.model.events import Event, Log
from shared.normalize import read_batch
from tests.fakes.record_strategies import audit_row, everything, sign_in_row, written

MATCHER = Matcher(CATALOGUE, SAMPLE_PROFILE)
MODULES = [import_module(f"{detections.__name__}.{found.name}") for found in iter_modules(detections.__path__)]
HITS = [(detection, hit) for detection in CATALOGUE for hit in detection.hits]
MISSES = [(detection, miss) for detection in CATALOGUE for miss in detection.misses]


def named(pairs: list[tuple[AnyDetection, Any]]) -> list[str]:
    return [f"{detection.id}-{place}" for place, (detection, _) in enumerate(pairs)]


def event_of(record: dict[str, Any]) -> Event:
    (reading,) = read_batch(written(record), tenant_id=TENANT, interest=everything)
    assert reading.event is not None, reading.unreadable
    return reading.event


BESIDE: dict[str, set[str]] = {
    # One applies whoever did it; the other puts back what an unapproved actor did.
    "break-glass-unprotected": {"ca-policy-created", "ca-policy-updated"},
    # These are about the credential, whoever added it; the other is about who added one.
    "app-credential-added": {"app-credential-type-unused", "app-credential-outside-saml"},
    "app-credential-type-unused": {"app-credential-added", "app-credential-outside-saml"},
    "app-credential-outside-saml": {"app-credential-added"},
    # One is about who gets access, whoever gave it; the other about each change by who isn't approved.
    "partner-outside": {"cross-tenant-access-changed"},
    "break-glass-changed": {"role-removed"},
    "responder-identity-changed": {"app-role-removed"},
}
"""Detections that match the same record on purpose, each for another reason, by the one that matches fewer records."""


def takes_more_records(detection: AnyDetection) -> bool:
    """Say whether it takes several records to raise a case: then a single one may match other detections as well."""
    return detection.counted is not None or detection.after is not None


def others_met(detection: AnyDetection, event: Event) -> set[str]:
    """Name the other detections that the event alone matches."""
    met = {one.id for one in MATCHER.matches(event) if not takes_more_records(one)}
    return met - {detection.id} - BESIDE.get(detection.id, set())


@pytest.mark.parametrize(("detection", "hit"), HITS, ids=named(HITS))
def test_a_hit_matches_its_detection_and_no_other(detection: AnyDetection, hit: dict[str, Any]) -> None:
    assert detection in MATCHER.matches(event_of(hit))
    assert takes_more_records(detection) or others_met(detection, event_of(hit)) == set()
    (reading,) = read_batch(written(hit), tenant_id=TENANT, interest=MATCHER.interest)
    assert reading.event == event_of(hit)


@pytest.mark.parametrize(("detection", "miss"), MISSES, ids=named(MISSES))
def test_a_miss_does_not_match(detection: AnyDetection, miss: dict[str, Any]) -> None:
    assert detection not in MATCHER.matches(event_of(miss))


SHAPES: dict[str, tuple[Callable[[dict[str, Any]], dict[str, Any]], ...]] = {
    "activityDisplayName": (diagnostic_record, audit_row),
    "createdDateTime": (diagnostic_sign_in, sign_in_row),
}
"""The other shapes of a Graph record, by a member that tells its log."""

GRAPH_HITS = [(detection, hit) for detection, hit in HITS if not SHAPES.keys().isdisjoint(hit)]


@pytest.mark.parametrize(("detection", "hit"), GRAPH_HITS, ids=named(GRAPH_HITS))
def test_a_hit_matches_in_every_shape(detection: AnyDetection, hit: dict[str, Any]) -> None:
    matched = MATCHER.matches(event_of(hit))
    assert detection in matched
    for shape in next(shapes for member, shapes in SHAPES.items() if member in hit):
        assert MATCHER.matches(event_of(shape(hit))) == matched


@pytest.mark.parametrize(("one", "other"), [(one, other) for one, others in BESIDE.items() for other in others])
def test_what_may_match_the_same_record_does(one: str, other: str) -> None:
    assert any(other in {each.id for each in MATCHER.matches(event_of(hit))} for hit in BY_ID[one].hits)


OF_ANY_NAME = {
    "consumer-failed-from-abroad",
    "consumer-failed-from-other-city",
    "consumer-failures-rise",
    "privileged-beyond-controls",
    "break-glass-used",
    "responder-changed",
}
"""Records that matter by whose they are or where from, not by a code: for these each record of that log is built.

Of Azure resources each record is built that names the app's own resource group.
"""


@pytest.mark.parametrize("detection", CATALOGUE, ids=lambda one: one.id)
def test_a_detection_is_whole(detection: AnyDetection) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", detection.id)
    assert detection.title.endswith("by an unapproved actor") is (detection.unless_actor_in is not None)
    assert detection.why.endswith(".")
    assert detection.hits
    assert detection.misses
    assert required(detection.when, INDEXED_BY[detection.log]) or detection.id in OF_ANY_NAME, (
        "its condition names no activity, error code or operation, so no record of its log can be left unread: name"
        " one, or add the detection to OF_ANY_NAME"
    )
    assert detection.log is event_of(detection.hits[0]).log


@pytest.mark.parametrize("detection", CATALOGUE, ids=lambda one: one.id)
def test_the_constant_has_the_words_of_the_id(detection: AnyDetection) -> None:
    name = detection.id.replace("-", "_").upper()
    assert any(getattr(module, name, None) is detection for module in MODULES)


@pytest.mark.parametrize("module", MODULES, ids=lambda one: one.__name__)
def test_what_is_declared_is_in_the_catalogue(module: ModuleType) -> None:
    declared = {one.id for one in vars(module).values() if isinstance(one, Detection)}
    forgotten = declared - BY_ID.keys()
    assert not forgotten, f"add {', '.join(sorted(forgotten))} to the tuple at the end of its table's module"


@pytest.mark.parametrize("detection", CATALOGUE, ids=lambda one: one.id)
def test_it_names_a_technique_and_microsofts_page(detection: AnyDetection) -> None:
    assert detection.techniques
    assert set(detection.techniques) <= set(TECHNIQUES)
    assert len(set(detection.techniques)) == len(detection.techniques)
    assert re.fullmatch(r"https://learn\.microsoft\.com/(?!\w\w-\w\w/)[\w/#-]+", detection.reference)


TECHNIQUES = [one for one in vars(attack).values() if isinstance(one, Technique)]


def test_each_technique_is_named_once_and_found_by_a_detection() -> None:
    ids = [technique.id for technique in TECHNIQUES]
    assert ids == sorted(set(ids))
    assert all(technique.name for technique in TECHNIQUES)
    assert {technique for detection in CATALOGUE for technique in detection.techniques} == set(TECHNIQUES)


def test_each_page_is_referred_to() -> None:
    pages = {page for name, page in vars(references).items() if name.isupper() and not name.startswith("_")}
    assert pages - {detection.reference for detection in CATALOGUE} <= {references.GUIDE}


def test_a_technique_has_the_number_and_the_address_that_mitre_gives_it() -> None:
    assert attack.ADDITIONAL_CLOUD_ROLES.url == "https://attack.mitre.org/techniques/T1098/003/"
    assert attack.BRUTE_FORCE.url == "https://attack.mitre.org/techniques/T1110/"
    for wrong in ("T109", "t1098", "T1098.3", "TA0003", "T1098.003 "):
        with pytest.raises(ValueError, match="no technique of ATT&CK"):
            Technique(id=wrong)


@pytest.mark.parametrize(
    "wrong", ["http://learn.microsoft.com/", "javascript:alert(1)", "https://x y", 'https://x/"', "x"]
)
def test_a_reference_is_an_https_address(wrong: str) -> None:
    with pytest.raises(ValueError, match="no https address"):
        replace(CATALOGUE[0], reference=wrong)


def test_names_of_activities_are_graded_by_their_evidence_where_a_detection_matches_them() -> None:
    audit = [detection for detection in CATALOGUE if detection.log is Log.AUDIT]
    conditions = [one.when for one in audit] + [one.after.step_a for one in audit if one.after]
    named = frozenset[str]().union(*(required(one, INDEXED_BY[Log.AUDIT]) or () for one in conditions))
    assert EVIDENCE.keys() <= named, "take the name out of responders/detections/evidence.py"
    assert {evidence_of(name) for name in named} == set(Evidence)
    assert evidence_of("restore named location") is Evidence.PRESUMED, "nobody has seen it"


def test_a_read_of_custom_policies_is_left_out_and_the_row_says_so() -> None:
    assert "Get custom policies" in infrastructure.B2C_CUSTOM_POLICY_UPDATED.deviates
