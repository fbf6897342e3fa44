"""Again, on storage as it is."""

# pytest collects what is imported
# pyright: reportUnusedImport=false

from tests.unit.shared.authority.test_control_history import (
    desk,
    test_a_malformed_kill_switch_is_unknown_from_then_on,
    test_a_malformed_mode_is_page_and_unknown_and_spoils_no_other,
    test_a_stop_and_a_start_in_one_instant_count_in_their_order,
    test_a_stop_by_a_clock_that_is_ahead_counts_at_once,
    test_controls_that_cannot_be_read_are_unknown,
    test_each_instant_has_the_mode_that_was_set_then,
    test_enforced_from_one_instant_to_another,
    test_stopped_from_one_instant_to_another,
    test_what_does_less_needs_a_reason,
)
