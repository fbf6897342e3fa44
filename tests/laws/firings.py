"""Which guards there are, and where each has to object: in random stories, or in a test of its own.

A guard that never objects is dead text. Those that stories give a reason to object do so `FEWEST` times in 10,000
stories at least; of each other one it is said why no story has its reason, and which test has.
"""

from collections.abc import Mapping
from typing import Final

FEWEST: Final = 100

IN_STORIES: Final = frozenset(
    {
        "base-gone",
        "cannot-come-back",
        "disabled-account",
        "emergency-account",
        "emergency-sign-in",
        "family-unread",
        "hourly-limit",
        "identity",
        "inherited-from",
        "kill-switch",
        "last-holder",
        "lock",
        "made-already",
        "moving",
        "named-in-case",
        "never-given",
        "never-switched-on",
        "no-control-left",
        "not-restored",
        "not-whole",
        "protected-principal",
        "provenance",
        "reference-gone",
        "refused",
        "restrained",
        "secret-unread",
        "source-missing",
        "throttled",
        "time-bound",
        "unproved",
        "unreadable",
        "used",
    }
)

_KINDS: Final = "tests/unit/responders/kinds"
_RESPOND: Final = "tests/unit/shared/respond"
_OURS: Final = "stories change nothing of the responder's own registration"
_BEFORE_AN_ACT: Final = "only what a person is shown before an act has it"
_NOT_DETECTED: Final = "what it forbids to answer is in no story: of the kind only additions are"

ELSEWHERE: Final[Mapping[str, tuple[str, str]]] = {
    "authority": (
        "storage always answers in stories",
        f"{_RESPOND}/test_pipeline.py::test_what_cannot_be_judged_is_paged_and_judged_again_later",
    ),
    "credential-never-given": (_NOT_DETECTED, f"{_KINDS}/test_applications.py::test_no_credential_is_ever_given"),
    "foreign-master": (
        "stories have no directory that a group is kept by",
        f"{_KINDS}/test_groups.py::test_a_synchronised_group_and_the_group_itself_are_never_written",
    ),
    "identifier": (
        "stories have no id that can't be one",
        f"{_RESPOND}/test_reconcile_faults.py::test_an_id_that_cannot_be_one_is_paged_once",
    ),
    "incomplete": (
        "nobody tampers with storage in stories",
        "tests/laws/test_tampered_state.py::test_what_changes_are_gone_of_is_not_put_back_until_it_is_accepted",
    ),
    "kind-of-location": (
        "stories have locations of addresses only",
        f"{_KINDS}/test_named_locations.py::test_a_location_of_neither_addresses_nor_countries_is_not_made",
    ),
    "most-settings": (
        "of Azure, stories have role assignments only",
        f"{_KINDS}/test_diagnostic_settings.py::test_a_deleted_one_is_not_made_where_five_others_stand",
    ),
    "never-deleted": (
        _NOT_DETECTED,
        f"{_KINDS}/test_applications.py::test_one_is_neither_deleted_nor_restored_and_the_page_has_the_command",
    ),
    "not-writable": (_NOT_DETECTED, f"{_KINDS}/test_identity_providers.py::test_one_of_another_type_is_not_written"),
    "own-registration": (
        _OURS,
        f"{_KINDS}/test_applications.py::test_the_responders_own_registration_is_never_touched",
    ),
    "own-service-principal": (
        _OURS,
        f"{_KINDS}/test_service_principals.py::test_the_responders_own_is_never_touched",
    ),
    "parts-unread": (
        "beta answers wherever v1.0 does in stories",
        f"{_KINDS}/test_ca_policies.py::test_where_beta_refuses_v1_is_read_and_what_could_be_lost_is_not_written",
    ),
    "signing-key": (
        "stories have no key that signs tokens for SAML",
        f"{_KINDS}/test_service_principals.py::test_no_certificate_goes_from_beside_a_key_that_signs_tokens",
    ),
    "tenant-configured": (
        _BEFORE_AN_ACT,
        "tests/unit/shared/objects/test_guards.py::test_each_guard_objects_and_nothing_else_would",
    ),
    "unread": (
        _BEFORE_AN_ACT,
        f"{_RESPOND}/test_acts.py::test_where_the_tenant_cannot_be_read_from_the_plan_is_of_what_was_last_read_and_says_so",
    ),
    "waits": (
        _BEFORE_AN_ACT,
        f"{_RESPOND}/test_act_guards.py::test_where_a_plan_waits_for_what_stands_it_says_so",
    ),
}
"""Why no story has a reason for it, and the test that has."""
