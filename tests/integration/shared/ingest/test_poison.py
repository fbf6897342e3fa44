"""Again, on storage as it is."""

# pyright: reportUnusedImport=false - pytest collects what is imported

from tests.unit.shared.ingest.test_poison import (
    test_a_queue_takes_no_more_than_that,
    test_what_is_played_again_leaves_the_poison_queue,
)
