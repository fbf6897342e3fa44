"""Again, on storage as it is."""

# pytest collects what is imported
# pyright: reportUnusedImport=false

from tests.unit.shared.console.test_acting import (
    test_a_plan_that_is_out_of_date_does_nothing_and_the_new_one_is_shown,
    test_a_put_back_is_undone,
    test_acknowledging_twice_is_no_error_and_the_first_one_stays,
    test_what_was_shown_is_done_once_in_the_name_of_who_pressed,
)
from tests.unit.shared.console.test_pages import (
    test_an_object_shows_its_versions_and_what_differs,
    test_older_incidents_follow_each_once,
    test_the_key_of_tokens_is_made_once,
    test_the_list_has_what_needs_somebody_and_who_has_it,
    test_the_same_in_korean_has_no_particle_behind_a_name,
    test_what_was_put_back_says_who_what_and_that_it_is_so_no_more,
)
