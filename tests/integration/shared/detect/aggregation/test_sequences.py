"""Again, on storage as it is."""

# pytest collects what is imported
# pyright: reportUnusedImport=false

from tests.unit.shared.detect.aggregation.test_sequences import (
    test_ten_years_are_a_time_as_well,
    test_the_longest_record_that_a_row_takes_comes_back_whole,
    test_whoever_is_first_one_of_two_instances_opens_the_case,
)
