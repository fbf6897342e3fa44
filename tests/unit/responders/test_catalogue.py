import pytest

from responders.catalogue import BY_ID, CATALOGUE
from shared.model.detections import AnyDetection
from shared.model.profile import TenantProfile


def test_ids_and_rows_are_unique() -> None:
    assert len({detection.id for detection in CATALOGUE}) == len(CATALOGUE)
    assert len({detection.seed_row for detection in CATALOGUE}) == len(CATALOGUE)


@pytest.mark.parametrize("detection", CATALOGUE, ids=lambda one: one.id)
def test_it_is_judged_by_words_that_there_are(detection: AnyDetection) -> None:
    assert set(detection.required_profile_keys) <= set(TenantProfile.__struct_fields__)
    assert ("thresholds" in detection.required_profile_keys) is (detection.counted is not None)


def test_what_comes_first_is_judged_by_words_too() -> None:
    words = BY_ID["consumer-account-made-privileged"].required_profile_keys
    assert words == (
        "consumer_tenants",
        "cpim_ids",
        "groups_known_in",
        "managed_identity_ids",
        "role_assignable_groups",
    )
