"""Again, on storage as it is."""

# pytest collects what is imported
# pyright: reportUnusedImport=false

from tests.unit.shared.respond.test_pipeline import (
    lit,
    test_a_case_that_is_closed_is_never_answered_again,
    test_an_approved_change_is_only_recorded,
    test_an_unapproved_change_is_put_back_and_told,
    test_the_image_before_and_the_intent_are_kept_before_anything_is_written,
    test_the_impostor_with_an_approved_name_is_put_back,
    test_the_same_record_delivered_again_changes_nothing,
    test_what_is_already_as_it_should_be_is_told_as_such,
)
