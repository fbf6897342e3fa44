"""Again, on storage as it is."""

# pytest collects what is imported
# pyright: reportUnusedImport=false

from tests.unit.shared.ingest.test_poison import (
    test_a_queue_takes_no_more_than_that,
    test_what_is_played_again_leaves_the_poison_queue,
)
