"""Again, on storage as it is."""

# pytest collects what is imported
# pyright: reportUnusedImport=false

import pytest

from infra.local.world import CAROL
from shared.clients.storage import Storage
from tests.fakes.runtime import approval
from tests.fakes.signed_lists import SignedLists
from tests.unit.shared.authority.test_signed_acts import (
    test_a_list_that_was_emptied_approves_as_before,
    test_a_revocation_that_nobody_signed_calls_in_question_who_is_approved_and_nobody_else,
    test_a_row_that_was_changed_counts_as_it_was_signed,
    test_a_row_that_was_deleted_counts_all_the_same_and_is_written_again,
    test_a_row_that_was_not_signed_for_its_place_approves_nobody_and_is_named,
    test_an_approval_that_was_taken_back_cant_be_said_again_by_who_copies_it,
    test_modes_the_kill_switch_and_owners_that_nobody_signed_dont_count,
    test_what_an_operator_signs_counts_and_says_who_signed_it,
    test_what_is_critical_counts_once_two_persons_have_signed_it,
    test_what_lies_in_the_evidence_container_and_is_no_entry_is_named_and_read_once,
    test_without_an_operators_key_nothing_is_written,
)


@pytest.fixture
def lists(storage: Storage) -> SignedLists:
    made = SignedLists(storage, storage)
    made.approvals("alice-1").approve(approval(CAROL))
    made.pass_time()
    return made
