from responders.catalogue import BY_ID, CATALOGUE


def test_ids_and_rows_are_unique() -> None:
    assert len({detection.id for detection in CATALOGUE}) == len(CATALOGUE)
    assert len({detection.seed_row for detection in CATALOGUE}) == len(CATALOGUE)


def test_a_detection_is_found_by_its_id() -> None:
    assert {name: BY_ID[name] for name in BY_ID} == {detection.id: detection for detection in CATALOGUE}
    assert "no-such-detection" not in BY_ID
