"""Again, on storage as it is."""

# pytest collects what is imported
# pyright: reportUnusedImport=false

from tests.unit.shared.authority.test_approval_history import (
    desk,
    test_a_list_that_cannot_be_read_leaves_everybody_unknown,
    test_a_malformed_row_makes_its_actor_unknown_and_nobody_else,
    test_acts_in_one_instant_count_in_the_order_in_which_they_were_said,
    test_an_act_by_a_clock_that_is_ahead_counts_at_once_and_leaves_the_past_unknown,
    test_an_act_by_a_clock_that_is_behind_comes_after_what_it_follows,
    test_each_instant_has_the_answer_that_the_list_gave_then,
    test_the_list_was_empty_until_somebody_was_approved,
    test_unapproved_from_one_instant_to_another,
    test_what_is_said_after_a_malformed_row_counts,
)
