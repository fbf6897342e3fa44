"""Again, on storage as it is."""

# pytest collects what is imported
# pyright: reportUnusedImport=false

from tests.unit.shared.authority.test_approvals import (
    approvals,
    clock,
    test_a_list_is_empty_until_it_has_a_row,
    test_a_refused_read_names_the_table,
    test_a_row_of_a_list_that_does_not_exist_is_listed_as_malformed,
    test_a_row_written_wrong_by_hand_leaves_it_unknown,
    test_a_table_that_is_gone_is_an_error_and_nobody_is_told_apart,
    test_a_table_that_was_made_anew_tells_nobody_apart,
    test_an_actor_id_with_quotes_finds_nobody_else,
    test_an_id_in_capitals_as_row_key_is_malformed_not_absent,
    test_approving_again_takes_the_place_of_the_row,
    test_columns_of_type_datetime_are_read,
    test_revoking_again_does_not_move_the_first_time,
    test_revoking_keeps_the_row_and_counts_from_then_on,
    test_revoking_nothing_says_so,
    test_what_is_approved_is_read_back_as_it_was,
    test_whatever_an_approval_says_comes_back,
)
