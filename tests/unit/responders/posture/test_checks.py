"""Each posture check: a tenant that passes, tenants that fail, the guides' traps, and what isn't known."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import pytest

from infra.local.world import ALICE, BREAK_GLASS_1, BREAK_GLASS_2, CAROL, MALLORY, RELEASE_PIPELINE, SUBSCRIPTION
from responders.posture import (
    accounts,
    app_permissions,
    azure,
    devices,
    directory,
    governance,
    installation,
    reports,
    rights,
    roles,
    sign_in_policies,
    units,
)
from responders.posture.app_permissions import Powerful
from responders.posture.declared import DECLARED
from responders.posture.directory import Organization
from responders.posture.korean_findings import FINDINGS
from responders.posture.reports import Failures
from responders.posture.roles import PRIVILEGED_ROLE_ADMINISTRATOR, Held, Holder
from shared.checks.check import Status, Unread
from shared.checks.posture import Category, PostureCheck, judged
from shared.checks.snapshot import Part, Snapshot
from shared.model.privileges import GLOBAL_ADMINISTRATOR
from tests.fakes import postures
from tests.fakes.postures import (
    ADMINS,
    AT,
    EMERGENCY,
    LEGACY,
    MFA,
    PROTECTED,
    SIGN_IN_RISK,
    USER_RISK,
    policies,
    policy,
    snapshot,
)
from tests.fakes.runtime import approval

type Changes = Mapping[Part[Any], Any]

_CHECKS: Final = {check.id: check for check in DECLARED.checks}
_CUSTOM: Final = "c057000a-2e8b-4d61-9f34-7b1c5a0e8d92"
_REST: Final = (LEGACY, SIGN_IN_RISK, USER_RISK)


def _line(check: str, seen: Snapshot) -> tuple[Status, str]:
    (line,) = judged([_CHECKS[check]], [], seen, confirmed={}, accepted={}).lines
    return line.status, " | ".join(line.found)


def _without(account: str) -> Mapping[str, tuple[str, ...]]:
    return {each: ("microsoftAuthenticatorPush",) for each in (*EMERGENCY, *ADMINS) if each != account}


@pytest.mark.parametrize("check", _CHECKS)
def test_a_healthy_tenant_passes(check: str) -> None:
    assert _line(check, snapshot())[0] is Status.OK


@pytest.mark.parametrize("part", DECLARED.parts, ids=lambda part: part.id)
def test_what_could_not_be_read_is_unknown_in_every_check_that_needs_it_and_in_no_other(part: Part[Any]) -> None:
    seen = snapshot({part: Unread("403")})
    for check in DECLARED.checks:
        status, text = _line(check.id, seen)
        needs_it = part in check.parts
        assert (status is Status.UNKNOWN) is needs_it, check.id
        assert not needs_it or (part.title in text and "403" in text)


@pytest.mark.parametrize("check", _CHECKS)
def test_a_check_asks_for_the_parts_that_it_names_and_for_no_others(check: str) -> None:
    named = {part.id for part in _CHECKS[check].parts}
    some = {part: value for part, value in postures.healthy().items() if part.id in named}
    rest = {part: Unread("not named") for part in postures.healthy() if part.id not in named}
    assert _line(check, snapshot({**some, **rest}))[0] is Status.OK


_FAILS: Final[tuple[tuple[str, Changes, str], ...]] = (
    ("privileged-accounts-categorised", {accounts.SORTED: {CAROL.id: Category.SHARED}}, f"{ALICE.upn} {ALICE.id}"),
    ("pim-enabled", {roles.ELIGIBILITIES: None}, "no licence"),
    ("two-emergency-accounts", {accounts.PEOPLE: postures.emergency(is_enabled=False)}, "disabled"),
    ("two-emergency-accounts", {accounts.PEOPLE: postures.emergency(is_synced=True)}, "synchronized"),
    ("two-emergency-accounts", {accounts.PEOPLE: postures.emergency(name="bg@contoso.com")}, ".onmicrosoft.com"),
    ("two-emergency-accounts", {accounts.PEOPLE: postures.emergency(has_mailbox=True)}, "mailbox"),
    (
        "two-emergency-accounts",
        {accounts.PEOPLE: {key: each for key, each in postures.people().items() if key != BREAK_GLASS_1.id}},
        "no such account",
    ),
    (
        "two-emergency-accounts",
        {roles.ASSIGNMENTS: [Held(principal=BREAK_GLASS_2.id, role=GLOBAL_ADMINISTRATOR)]},
        "isn't assigned Global Administrator",
    ),
    ("two-emergency-accounts", {accounts.REGISTRATIONS: _without(BREAK_GLASS_1.id)}, "no second factor"),
    (
        "emergency-accounts-not-blocked",
        {sign_in_policies.POLICIES: policies(policy("all", users={"excludeUsers": []}, controls=["compliantDevice"]))},
        "kept out",
    ),
    (
        "privileged-roles-just-in-time",
        {roles.ASSIGNED: [Held(principal=ALICE.id, role=GLOBAL_ADMINISTRATOR)]},
        f"{ALICE.upn} (Global Administrator)",
    ),
    (
        "privileged-roles-just-in-time",
        {roles.ASSIGNED: [Held(principal=ALICE.id, role=_CUSTOM)], roles.CUSTOM_ROLES: frozenset({_CUSTOM})},
        str(ALICE.upn),
    ),
    ("privileged-roles-just-in-time", {roles.ASSIGNED: None}, "without PIM"),
    *(
        ("pim-activation-guarded", {roles.ACTIVATIONS: [postures.activation(GLOBAL_ADMINISTRATOR, **lacks)]}, said)
        for lacks, said in (
            ({"asks_for_mfa": False}, "no MFA"),
            ({"asks_for_reason": False}, "no reason"),
            ({"asks_for_approval": False}, "no approval"),
            ({"tells_administrators": False}, "nobody is told"),
            ({"longest": timedelta(hours=9)}, "for 9 hours"),
            ({"longest": None}, "isn't known"),
        )
    ),
    (
        "few-global-administrators",
        {
            roles.HOLDERS: postures.holders(
                *(Holder(id=f"{n}", active=frozenset({GLOBAL_ADMINISTRATOR}), eligible=frozenset()) for n in range(3))
            )
        },
        "5 hold or may activate",
    ),
    (
        "few-global-administrators",
        {roles.HOLDERS: {key: each for key, each in postures.holders().items() if key != CAROL.id}},
        "1 hold or may activate",
    ),
    ("privileged-roles-mfa-registered", {accounts.REGISTRATIONS: _without(ALICE.id)}, "1 of 2 who hold privileged"),
    ("unneeded-admins-removed", {accounts.SIGN_INS: {ALICE.id: AT - timedelta(days=91), CAROL.id: AT}}, str(ALICE.upn)),
    ("unneeded-admins-removed", {accounts.SIGN_INS: {ALICE.id: None, CAROL.id: AT}}, str(ALICE.upn)),
    ("no-microsoft-accounts-in-roles", {accounts.PEOPLE: postures.people(is_microsoft_account=True)}, "1 of 2"),
    ("no-consumers-in-roles", {accounts.PEOPLE: postures.people(is_consumer=True)}, "are customers'"),
    ("no-guests-in-roles", {accounts.PEOPLE: postures.people(is_guest=True)}, "(Global Administrator)"),
    ("dedicated-admin-accounts", {accounts.PEOPLE: postures.people(has_mailbox=True)}, "have a mailbox"),
    ("no-synced-accounts-in-roles", {accounts.PEOPLE: postures.people(is_synced=True)}, "are synchronized"),
    (
        "service-principals-in-roles-known",
        {accounts.WORKLOADS: [postures.workload(secrets=((AT, AT + timedelta(days=800)),))]},
        "Release pipeline",
    ),
    (
        "service-principals-in-roles-known",
        {accounts.WORKLOADS: [postures.workload(secrets=((AT - timedelta(days=9), AT - timedelta(days=1)),))]},
        "are over",
    ),
    (
        "privileged-roles-require-mfa",
        {sign_in_policies.POLICIES: policies(*_REST)},
        "get in by a password alone",
    ),
    ("all-users-require-mfa", {sign_in_policies.POLICIES: policies(*_REST)}, "a guest in no group"),
    *(
        (check, {sign_in_policies.POLICIES: policies(one, *_REST)}, "password")
        for check in ("privileged-roles-require-mfa", "all-users-require-mfa")
        for one in (
            MFA | {"state": "enabledForReportingButNotEnforced"},
            MFA | {"state": "disabled"},
            policy(
                "one application",
                conditions={"applications": {"includeApplications": ["00000002-0000-0ff1-ce00-000000000000"]}},
            ),
            policy("elsewhere", conditions={"platforms": {"includePlatforms": ["all"], "excludePlatforms": ["linux"]}}),
            policy("phones", conditions={"platforms": {"includePlatforms": ["android", "iOS"]}}),
        )
    ),
    (
        "all-users-require-mfa",
        {
            sign_in_policies.POLICIES: policies(
                policy("no guests", users={"includeUsers": ["All"], "excludeUsers": ["GuestsOrExternalUsers"]}), *_REST
            )
        },
        "a guest in no group",
    ),
    (
        "privileged-roles-require-mfa",
        {
            sign_in_policies.POLICIES: policies(
                policy("but her", users={"excludeUsers": [ALICE.id, *EMERGENCY]}), *_REST
            )
        },
        f"for example {ALICE.upn} signs in with a password",
    ),
    ("identity-protection-on", {sign_in_policies.POLICIES: policies(MFA, LEGACY, USER_RISK)}, "the risk of a sign-in"),
    ("identity-protection-on", {sign_in_policies.POLICIES: policies(MFA, LEGACY, SIGN_IN_RISK)}, "the risk of a user"),
    ("identity-protection-on", {sign_in_policies.DEFAULTS: True}, "security defaults"),
    ("legacy-authentication-blocked", {sign_in_policies.POLICIES: policies(SIGN_IN_RISK, USER_RISK)}, "ActiveSync"),
    (
        "legacy-authentication-blocked",
        {
            sign_in_policies.POLICIES: policies(
                policy("half", clients=["exchangeActiveSync"], controls=["block"]), SIGN_IN_RISK, USER_RISK
            )
        },
        "other legacy clients",
    ),
    ("left-out-groups-guarded", {sign_in_policies.LEFT_OUT: {"Contractors": False, "Emergency": True}}, "Contractors"),
    ("emergency-accounts-tried", {accounts.SIGN_INS: {BREAK_GLASS_1.id: AT}}, BREAK_GLASS_2.id),
    ("activity-logs-exported", {azure.EXPORTS: {SUBSCRIPTION: list[str]()}}, "nothing keeps who did what"),
    ("azure-owners-few", {azure.OWNERS_OF_SUBSCRIPTIONS: {SUBSCRIPTION: ["1", "2", "3", "4"]}}, "4 owners"),
    ("admin-contact-known", {directory.ORGANIZATION: Organization(is_synced=False, contacts=())}, "no address"),
    ("password-hash-sync-on", {directory.HASH_SYNC: False}, "aren't synchronized"),
    ("incident-owners-set", {installation.OWNERS: []}, "nobody is named"),
    ("incident-owners-set", {installation.OWNERS: [postures.owner("Ann")]}, "only Ann"),
    (
        "incident-owners-set",
        {installation.OWNERS: [postures.owner("Ann"), postures.owner("Bea", scope="conditional-access")]},
        "only Ann",
    ),
    ("incident-owners-set", {installation.OWNERS: [postures.owner("Ann", upn="")]}, "nobody is named"),
    (
        "approvals-fresh",
        {installation.APPROVALS: [("consent", MALLORY.id, approval(MALLORY, valid_until=AT - timedelta(days=1)))]},
        "1 of 1 approvals are over",
    ),
    ("approvals-fresh", {installation.APPROVALS: [("consent", "somebody", None)]}, "somebody on consent"),
    ("incident-plan-tried", {installation.DRILLS: []}, "no drill"),
    *(
        ("admin-access-reviewed", {governance.REVIEWS: [*reviews]}, said)
        for reviews, said in (
            ((), "2 of 2 privileged roles"),
            ((postures.review(roles=frozenset({GLOBAL_ADMINISTRATOR})),), "1 of 2"),
            ((postures.review(again=timedelta(days=366)),), "2 of 2"),
            ((postures.review(again=None),), "2 of 2"),
            ((postures.review(until=(AT - timedelta(days=1)).date()),), "2 of 2"),
        )
    ),
    ("no-open-pim-alerts", {governance.ALERTS: {"StaleSignIn": 3}}, "StaleSignIn (3)"),
    ("protected-actions-guarded", {governance.ACTIONS: {"x": "c1"}}, "no authentication context"),
    *(
        ("protected-actions-guarded", {sign_in_policies.POLICIES: policies(MFA, *others)}, "asks for context c1")
        for others in ((), (PROTECTED | {"state": "disabled"},))
    ),
    ("secure-score-kept", {reports.SCORES: postures.scores(40, 45.1)}, "40 %"),
    (
        "provisioning-without-failures",
        {reports.FAILURES: Failures(by_application={"Expenses": 2})},
        "by application: Expenses (2)",
    ),
    ("local-admin-passwords-on", {devices.REGISTRATION: postures.registration(passwords_managed=False)}, "LAPS is off"),
    ("device-administrators-few", {devices.REGISTRATION: postures.registration(everybody=True)}, "whoever joins"),
    (
        "device-administrators-few",
        {devices.REGISTRATION: postures.registration(global_administrators=True)},
        "each Global Administrator",
    ),
    ("restricted-units-known", {units.UNITS: {"Directors": frozenset({*EMERGENCY, ALICE.id})}}, f"{ALICE.upn} in Dir"),
    (
        "application-permissions-known",
        {
            app_permissions.POWERFUL: {
                MALLORY.id: Powerful(id=MALLORY.id, name="Sync", permissions=frozenset({"User.ReadWrite.All"}))
            }
        },
        f"1 of 1 such applications: Sync {MALLORY.id} (User.ReadWrite.All)",
    ),
    (
        "nobody-else-could-undo-us",
        {
            rights.FACTS: rights.Facts(
                assigned=[Held(principal=MALLORY.id, role=GLOBAL_ADMINISTRATOR)],
                role_names={GLOBAL_ADMINISTRATOR: "Global Administrator"},
                names={MALLORY.id: str(MALLORY.upn)},
            )
        },
        f"{MALLORY.upn} holds Global Administrator, which takes over every subscription and application",
    ),
    *(
        ("application-permissions-known", {installation.APPROVALS: [("consent", ALICE.id, said)]}, "nobody answers")
        for said in (
            None,
            approval(ALICE, valid_until=AT),
            approval(ALICE, revoked_at=AT),
        )
    ),
)


@pytest.mark.parametrize(("check", "changes", "said"), _FAILS)
def test_what_is_not_as_it_should_be_fails_and_is_named(check: str, changes: Changes, said: str) -> None:
    status, text = _line(check, snapshot(changes))
    assert status is Status.FAILED, text
    assert said in text


def test_each_check_has_a_tenant_that_fails() -> None:
    warned = {"admin-passwords-recent"}
    assert {check for check, *_ in _FAILS} | warned == set(_CHECKS)


def test_what_is_not_known_is_told_beside_who_could_undo_the_responder() -> None:
    held = [Held(principal=f"p{number}", role=GLOBAL_ADMINISTRATOR) for number in range(27)]
    facts = rights.Facts(assigned=held, unread={"who holds Azure roles over the responder": "403"})
    _, text = _line("nobody-else-could-undo-us", snapshot({rights.FACTS: facts}))
    assert text.endswith("and 2 more | beside these: who holds Azure roles over the responder isn't known: 403")


_ONLY_IN_ENGLISH: Final = {"nobody-else-could-undo-us"}


@pytest.mark.parametrize(("check", "changes", "_said"), _FAILS)
def test_what_fails_is_told_in_korean(check: str, changes: Changes, _said: str) -> None:
    found = judged([_CHECKS[check]], [], snapshot(changes), confirmed={}, accepted={}).lines[0].found
    assert all(map(FINDINGS.in_korean, found)) is (check not in _ONLY_IN_ENGLISH)


@pytest.mark.parametrize(
    ("text", "korean"),
    [
        ("a guest in no group signs in with a password on Linux", "그룹이 없는 게스트: 암호만으로 로그인됨 (on Linux)"),
        (
            "5 hold or may activate Global Administrator, beside the emergency accounts: a, b",
            "전역 관리자가 될 수 있는 사람 5명: a, b",
        ),
        ("nobody has confirmed it", "아직 아무도 확인하지 않음"),
        ("couldn't be checked: the secure score: 403", "확인하지 못함: the secure score: 403"),
        ("something new", ""),
    ],
)
def test_findings_in_korean_keep_names_and_numbers(text: str, korean: str) -> None:
    assert FINDINGS.in_korean(text).endswith(korean)
    assert bool(FINDINGS.in_korean(text)) is bool(korean)


_OLD: Final = AT - timedelta(days=91)


_RIGHT: Final[tuple[tuple[str, Changes, Status, str], ...]] = (
    (
        "admin-passwords-recent",
        {accounts.PEOPLE: postures.people(password_changed=_OLD)},
        Status.WARNING,
        "an old password",
    ),
    (
        "admin-passwords-recent",
        {accounts.PEOPLE: postures.people(password_changed=None)},
        Status.WARNING,
        "of no known age",
    ),
    (
        "admin-passwords-recent",
        {accounts.REGISTRATIONS: dict.fromkeys(ADMINS, ("fido2SecurityKey",))},
        Status.NOT_APPLICABLE,
        "passwordless, with an old password date",
    ),
    (
        "unneeded-admins-removed",
        {accounts.PEOPLE: postures.people(created=AT), accounts.SIGN_INS: {CAROL.id: AT}},
        Status.OK,
        "a new account",
    ),
    (
        "unneeded-admins-removed",
        {accounts.PEOPLE: postures.people(is_enabled=False), accounts.SIGN_INS: {CAROL.id: AT}},
        Status.OK,
        "a disabled account",
    ),
    (
        "privileged-roles-mfa-registered",
        {accounts.PEOPLE: postures.people(is_enabled=False), accounts.REGISTRATIONS: _without(ALICE.id)},
        Status.OK,
        "a disabled account needs no factor",
    ),
    (
        "privileged-roles-require-mfa",
        {sign_in_policies.DEFAULTS: True},
        Status.OK,
        "security defaults ask administrators",
    ),
    (
        "legacy-authentication-blocked",
        {sign_in_policies.DEFAULTS: True, sign_in_policies.POLICIES: policies()},
        Status.OK,
        "security defaults block them",
    ),
    (
        "privileged-roles-require-mfa",
        {
            sign_in_policies.POLICIES: policies(
                policy("a group", users={"includeUsers": [], "includeGroups": ["g"]}), *_REST, unread=ADMINS
            )
        },
        Status.UNKNOWN,
        "whether they are in the group isn't known",
    ),
    (
        "emergency-accounts-not-blocked",
        {
            sign_in_policies.POLICIES: policies(
                policy(
                    "a group",
                    users={"includeUsers": [], "includeGroups": ["g"], "excludeUsers": []},
                    controls=["block"],
                ),
                unread=EMERGENCY,
            )
        },
        Status.UNKNOWN,
        "whether it is in the group isn't known",
    ),
    ("pim-activation-guarded", {roles.ACTIVATIONS: None}, Status.NOT_APPLICABLE, "no PIM"),
    (
        "pim-activation-guarded",
        {
            roles.ACTIVATIONS: [
                postures.activation(PRIVILEGED_ROLE_ADMINISTRATOR),
                postures.activation("729827e3-9c14-49f7-bb1b-9608f156bbb8", asks_for_approval=False),
            ]
        },
        Status.OK,
        "approval for the top roles only",
    ),
    (
        "pim-activation-guarded",
        {roles.ACTIVATIONS: [postures.activation("some-role", asks_for_mfa=False)]},
        Status.UNKNOWN,
        "no privileged role among them",
    ),
    (
        "privileged-roles-just-in-time",
        {roles.ASSIGNED: [Held(principal=ALICE.id, role=GLOBAL_ADMINISTRATOR, is_lasting=False)]},
        Status.OK,
        "it has an end",
    ),
    (
        "privileged-roles-just-in-time",
        {roles.ASSIGNED: [Held(principal=ALICE.id, role="some-role")]},
        Status.OK,
        "not privileged",
    ),
    (
        "password-hash-sync-on",
        {directory.ORGANIZATION: Organization(is_synced=False, contacts=("a@b.c",)), directory.HASH_SYNC: False},
        Status.NOT_APPLICABLE,
        "nothing is synchronized",
    ),
    ("azure-owners-few", {azure.OWNERS_OF_SUBSCRIPTIONS: {}}, Status.NOT_APPLICABLE, "no subscription"),
    (
        "left-out-groups-guarded",
        {sign_in_policies.LEFT_OUT: dict[str, bool]()},
        Status.NOT_APPLICABLE,
        "no group is left out",
    ),
    ("service-principals-in-roles-known", {accounts.WORKLOADS: []}, Status.NOT_APPLICABLE, "no application"),
    (
        "service-principals-in-roles-known",
        {accounts.WORKLOADS: [postures.workload(is_managed=True, secrets=())]},
        Status.OK,
        "a managed identity",
    ),
    (
        "service-principals-in-roles-known",
        {accounts.WORKLOADS: [postures.workload(secrets=((None, None),))]},
        Status.FAILED,
        "a secret without an end",
    ),
    (
        "approvals-fresh",
        {installation.APPROVALS: [("consent", ALICE.id, approval(ALICE, valid_until=AT + timedelta(days=9)))]},
        Status.WARNING,
        "it ends soon",
    ),
    (
        "approvals-fresh",
        {installation.APPROVALS: [("consent", ALICE.id, approval(ALICE, valid_until=_OLD, revoked_at=_OLD))]},
        Status.OK,
        "it was revoked",
    ),
    (
        "few-global-administrators",
        {
            roles.HOLDERS: postures.holders(
                Holder(id=MALLORY.id, active=frozenset(), eligible=frozenset({GLOBAL_ADMINISTRATOR}))
            )
        },
        Status.OK,
        "who is only eligible counts, three are fine",
    ),
    (
        "restricted-units-known",
        {units.UNITS: {"Emergency": frozenset({BREAK_GLASS_1.id})}},
        Status.WARNING,
        "an emergency account in no unit",
    ),
    ("admin-access-reviewed", {governance.REVIEWS: None}, Status.NOT_APPLICABLE, "no reviews"),
    (
        "admin-access-reviewed",
        {governance.REVIEWS: [postures.review(again=None, made=AT - timedelta(days=183))]},
        Status.OK,
        "one that was held lately",
    ),
    (
        "admin-access-reviewed",
        {governance.REVIEWS: [postures.review(until=AT.date())]},
        Status.OK,
        "one that goes on until today",
    ),
    ("no-open-pim-alerts", {governance.ALERTS: None}, Status.NOT_APPLICABLE, "no alerts"),
    ("secure-score-kept", {reports.SCORES: []}, Status.NOT_APPLICABLE, "no score"),
    ("secure-score-kept", {reports.SCORES: postures.scores(1, 1)[:1]}, Status.OK, "no trend"),
    ("secure-score-kept", {reports.SCORES: postures.scores(40, 45)}, Status.OK, "fell by little"),
    ("secure-score-kept", {reports.SCORES: postures.scores(40, 30)[1:]}, Status.UNKNOWN, "an old score"),
    ("provisioning-without-failures", {reports.FAILURES: None}, Status.NOT_APPLICABLE, "nothing provisioned"),
    *(
        (
            check,
            {devices.REGISTRATION: postures.registration(may_join=False, everybody=True, passwords_managed=False)},
            Status.NOT_APPLICABLE,
            f"nobody may join ({check})",
        )
        for check in ("local-admin-passwords-on", "device-administrators-few")
    ),
    (
        "nobody-else-could-undo-us",
        {rights.FACTS: rights.Facts(unread={"who holds Azure roles over the responder": "403"})},
        Status.UNKNOWN,
        "Azure roles that can't be read",
    ),
    ("application-permissions-known", {app_permissions.POWERFUL: {}}, Status.NOT_APPLICABLE, "no such app"),
    ("activity-logs-exported", {azure.EXPORTS: {}}, Status.NOT_APPLICABLE, "nothing to export"),
    (
        "privileged-roles-require-mfa",
        {roles.HOLDERS: {key: each for key, each in postures.holders().items() if key in EMERGENCY}},
        Status.NOT_APPLICABLE,
        "no administrator to ask",
    ),
    (
        "unneeded-admins-removed",
        {accounts.PEOPLE: {each: postures.person(each, each, created=AT) for each in (*EMERGENCY, *ADMINS)}},
        Status.NOT_APPLICABLE,
        "new accounts alone",
    ),
)


@pytest.mark.parametrize(
    ("check", "changes", "status"),
    [pytest.param(check, changes, status, id=about) for check, changes, status, about in _RIGHT],
)
def test_what_is_right_in_its_way(check: str, changes: Changes, status: Status) -> None:
    found, text = _line(check, snapshot(changes))
    assert found is status, text


@pytest.mark.parametrize("check", _CHECKS.values(), ids=_CHECKS.keys())
def test_each_check_has_a_tenant_that_it_does_not_apply_to_or_says_why_there_is_none(check: PostureCheck) -> None:
    found = any(name == check.id and status is Status.NOT_APPLICABLE for name, _, status, _ in _RIGHT)
    assert found is not bool(check.always_applies), "give it either a tenant in _RIGHT or always_applies"
    assert not check.always_applies or check.always_applies.endswith(".")


@pytest.mark.parametrize("check", [check.id for check in _CHECKS.values() if check.always_applies])
def test_what_applies_to_every_tenant_never_says_that_it_does_not(check: str) -> None:
    own = [changes for name, changes, _ in _FAILS if name == check]
    own += [changes for name, changes, _, _ in _RIGHT if name == check]
    empty: Changes = {
        part: [] if isinstance(value, list) else {}
        for part, value in postures.healthy().items()
        if isinstance(value, (list, dict))
    }
    for changes in (*own, {part: empty[part] for part in _CHECKS[check].parts if part in empty}):
        assert _line(check, snapshot(changes))[0] is not Status.NOT_APPLICABLE


def test_without_emergency_accounts_both_checks_fail() -> None:
    seen = snapshot(settings={"EMERGENCY_ACCOUNT_IDS": BREAK_GLASS_1.id})
    assert _line("two-emergency-accounts", seen)[0] is Status.FAILED


@pytest.mark.parametrize(
    ("account", "changes", "category"),
    [
        (BREAK_GLASS_1.id, {accounts.SORTED: {BREAK_GLASS_1.id: Category.SHARED}}, Category.BREAK_GLASS),
        (RELEASE_PIPELINE.id, {}, Category.AUTOMATION),
        (ALICE.id, {}, Category.ADMIN_ONLY),
        (ALICE.id, {accounts.SORTED: {}}, None),
        (ALICE.id, {accounts.SORTED: {}, accounts.PEOPLE: postures.people(has_mailbox=True)}, Category.DUAL_USE),
        (ALICE.id, {accounts.SORTED: {}, accounts.PEOPLE: postures.people(is_guest=True)}, Category.EXTERNAL),
        (
            ALICE.id,
            {accounts.SORTED: {}, accounts.PEOPLE: postures.people(is_microsoft_account=True)},
            Category.EXTERNAL,
        ),
        (
            ALICE.id,
            {accounts.SORTED: {ALICE.id: Category.SHARED}, accounts.PEOPLE: postures.people(has_mailbox=True)},
            Category.SHARED,
        ),
    ],
)
def test_accounts_are_sorted_into_the_guides_categories(
    account: str, changes: Changes, category: Category | None
) -> None:
    assert accounts.categories(snapshot(changes))[account] is category
