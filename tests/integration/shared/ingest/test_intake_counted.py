"""Again, on storage as it is."""

# pytest collects what is imported
# pyright: reportUnusedImport=false

from tests.unit.shared.ingest.test_intake_counted import (
    test_a_record_opens_its_case_only_after_another_one,
    test_too_many_records_are_one_case_that_is_answered_to_its_end,
)
