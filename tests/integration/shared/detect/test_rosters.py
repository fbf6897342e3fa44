"""Again, on storage as it is."""

# pytest collects what is imported
# pyright: reportUnusedImport=false

from tests.unit.shared.detect.test_rosters import (
    guild,
    test_as_many_as_a_row_takes_are_kept_and_read_again,
    test_the_newest_listing_takes_the_place_of_the_one_before,
)
