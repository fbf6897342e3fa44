"""Again, on storage as it is."""

# pytest collects what is imported
# pyright: reportUnusedImport=false

from tests.unit.shared.detect.aggregation.test_thresholds import (
    test_a_full_minute_takes_no_more_and_still_raises_a_case,
    test_instances_that_write_the_same_minute_at_once_lose_nothing,
)
