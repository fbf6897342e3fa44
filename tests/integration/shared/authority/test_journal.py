"""Again, on storage as it is."""

# pytest collects what is imported
# pyright: reportUnusedImport=false

from tests.unit.shared.authority.test_journal import (
    test_a_lost_answer_leaves_one_entry_or_two_that_say_the_same,
    test_a_row_of_another_kind_shows_and_stops_nobody,
    test_a_row_that_somebody_changed_shows,
    test_a_row_that_somebody_deleted_shows,
    test_acts_are_read_back_in_their_order,
    test_an_act_that_broke_off_has_its_entry_and_no_effect,
    test_an_act_that_is_not_in_order_is_not_written,
    test_an_insert_that_was_repeated_is_one_entry,
    test_each_act_is_in_the_journal_and_its_row_names_the_entry,
    test_many_at_once_make_one_chain,
    test_what_stood_before_and_after_is_told,
)
