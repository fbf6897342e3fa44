"""Again, on storage as it is."""

# pytest collects what is imported
# pyright: reportUnusedImport=false

from tests.unit.shared.respond.test_pipeline_intake import (
    test_a_case_that_was_put_off_is_in_the_queue_again,
    test_an_object_whose_message_was_lost_is_looked_at_by_the_timer,
    test_cases_that_nobody_holds_are_queued_again_in_every_tenant,
    test_whatever_a_lamp_is_called_its_case_comes_to_its_end,
    test_whatever_a_lamp_was_switched_to_it_is_put_back,
)
