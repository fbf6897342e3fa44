"""Step 7: what sends, deletes or hides privileged mail, what changed since the last look, and what can't be seen."""

import copy
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import pytest

from infra.local.world import BREAK_GLASS_1, BREAK_GLASS_2
from responders.runbooks.mailboxes import CALLS, MAILBOXES
from shared.clients.answers import Answer
from shared.emergency.entries import Answer as Found
from shared.emergency.entries import Finding, RunKind, StepState
from shared.emergency.manifest import StoredFiles, verify
from shared.emergency.runbook import StepEnd
from shared.model.errors import Unreachable
from tests.fakes.emergencies import EMERGENCY
from tests.fakes.log_tenant import error
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.spoilt_storage import SpoiltStorage
from tests.fakes.step_runs import Drive, drive

ALICE: Final = "a11ce000-3b5d-4c8e-9f21-7d60b4e8a115"
BOB: Final = "b0b00000-0000-4000-8000-000000000002"
EVIL: Final = {"emailAddress": {"name": "Evil", "address": "drop@evil.example"}}
FORWARDS: Final[dict[str, Any]] = {
    "id": "r-1",
    "displayName": "..",
    "isEnabled": True,
    "actions": {"forwardTo": [EVIL], "stopProcessingRules": True},
}


@pytest.fixture
def storage() -> MemoryStorage:
    made = MemoryStorage()
    made.create_all()
    return made


@pytest.fixture
def driven(storage: MemoryStorage) -> Drive:
    return with_mailboxes(drive(storage, accounts=(ALICE, BOB)))


def with_mailboxes(made: Drive) -> Drive:
    """Give Alice a mailbox with a harmless rule, Bob an empty one, and the emergency accounts none."""
    made.workforce.users = {
        each: {"id": each, "userPrincipalName": f"{name}@contoso.com"}
        for each, name in ((ALICE, "alice"), (BOB, "bob"), (BREAK_GLASS_1.id, "em-1"), (BREAK_GLASS_2.id, "em-2"))
    }
    tidy = {"id": "r-0", "displayName": "Tidy", "isEnabled": True, "actions": {"moveToFolder": "f-1"}}
    made.workforce.rules = {ALICE: [tidy], BOB: []}
    return made


def of(end: StepEnd, words: str, answer: Found) -> list[Finding]:
    return [one for one in end.findings if one.about.startswith(words) and one.answer is answer]


def pages(driven: Drive) -> list[str]:
    return [notice.title for notice in driven.bench.teams.notices]


def again(driven: Drive, minutes: int = 15) -> StepEnd:
    driven.clock.move(timedelta(minutes=minutes))
    return driven.run(MAILBOXES, RunKind.REPEAT)


def test_mailboxes_that_are_fine_page_nobody_and_are_looked_at_again_in_15_minutes(driven: Drive) -> None:
    end = driven.run(MAILBOXES)
    assert end.state is StepState.DONE
    assert end.next_at == driven.clock() + timedelta(minutes=15)
    assert of(end, "2 mailboxes", Found.FINE)
    (without,) = of(end, "no mailbox", Found.NOTED)
    assert "em-1@contoso.com" in without.text
    again(driven)
    assert pages(driven) == []


def test_what_cannot_be_watched_is_said_with_the_command(driven: Drive) -> None:
    (found,) = of(driven.run(MAILBOXES), "what can't be watched", Found.UNKNOWN)
    assert "forwarding address" in found.text
    assert "ForwardingSmtpAddress" in found.what_to_do


_RISKY: Final[tuple[tuple[dict[str, Any], str], ...]] = (
    ({"forwardTo": [EVIL]}, "forwards to drop@evil.example"),
    ({"forwardAsAttachmentTo": [EVIL]}, "forwards as an attachment to drop@evil.example"),
    ({"redirectTo": [EVIL, EVIL]}, "redirects to drop@evil.example, drop@evil.example"),
    ({"redirectTo": [{}]}, "redirects to somebody"),
    ({"delete": True}, "deletes mail"),
    ({"permanentDelete": True}, "deletes mail for good"),
    ({"moveToFolder": "f-2", "markAsRead": True}, "moves mail to another folder and marks it as read"),
)


@pytest.mark.parametrize(("actions", "said"), _RISKY)
def test_each_rule_that_sends_deletes_or_hides_mail_is_wrong_and_paged(
    driven: Drive, actions: dict[str, Any], said: str
) -> None:
    driven.workforce.rules[BOB] = [FORWARDS | {"actions": actions}]
    end = driven.run(MAILBOXES)
    (found,) = of(end, "bob@contoso.com", Found.WRONG)
    assert said in found.text
    assert found.is_new
    assert len(pages(driven)) == 1
    assert said in driven.bench.teams.notices[0].text
    calm = again(driven)
    (still,) = of(calm, "bob@contoso.com", Found.WRONG)
    assert not still.is_new
    assert len(pages(driven)) == 1


_HARMLESS: Final[tuple[dict[str, Any], ...]] = (
    FORWARDS | {"isEnabled": False},
    FORWARDS | {"actions": {"forwardTo": [], "delete": False}},
    FORWARDS | {"actions": {"moveToFolder": "f-1"}},
    FORWARDS | {"actions": None},
    FORWARDS | {"actions": "odd"},
)


@pytest.mark.parametrize("rule", _HARMLESS)
def test_rules_that_do_nothing_of_it_are_no_finding(driven: Drive, rule: dict[str, Any]) -> None:
    driven.workforce.rules[BOB] = [rule]
    assert not of(driven.run(MAILBOXES), "bob@contoso.com", Found.WRONG)


def test_a_rule_that_comes_later_goes_and_comes_back_is_paged_each_time(driven: Drive) -> None:
    driven.run(MAILBOXES)
    for rules, count in (([FORWARDS], 1), ([], 2), ([FORWARDS], 3), ([FORWARDS], 3)):
        driven.workforce.rules[BOB] = copy.deepcopy(rules)
        again(driven)
        assert len(pages(driven)) == count
    assert verify(StoredFiles(driven.bench.storage, EMERGENCY)).problems == ()


def test_a_harmless_rule_that_changes_is_a_change(driven: Drive) -> None:
    driven.run(MAILBOXES)
    driven.workforce.rules[ALICE][0]["displayName"] = "Tidier"
    (found,) = of(again(driven), "alice@contoso.com", Found.NOTED)
    assert found.is_new
    assert len(pages(driven)) == 1


def test_automatic_replies_are_noted_and_paged_when_they_change(driven: Drive) -> None:
    driven.workforce.replies[ALICE] = {"status": "alwaysEnabled", "externalReplyMessage": "Write to me at evil.example"}
    (found,) = of(driven.run(MAILBOXES), "alice@contoso.com", Found.NOTED)
    assert "evil.example" in found.text
    assert pages(driven) == []
    driven.workforce.replies[ALICE] = {"status": "disabled"}
    (found,) = of(again(driven), "alice@contoso.com", Found.NOTED)
    assert "switched off" in found.text
    assert len(pages(driven)) == 1


def grant(scope: str, **differences: object) -> dict[str, Any]:
    return {
        "id": f"g-{scope}",
        "clientId": "c-1",
        "consentType": "Principal",
        "principalId": ALICE,
        "scope": scope,
        **differences,
    }


def test_a_consent_to_read_mail_is_noted_at_first_and_paged_when_it_is_new(driven: Drive) -> None:
    driven.workforce.grants = [grant("openid Mail.Read"), grant("User.Read"), grant("Mail.Send", principalId="x")]
    end = driven.run(MAILBOXES)
    (old,) = of(end, "consents", Found.NOTED)
    assert "Mail.Read" in old.text
    assert "openid" not in old.text
    assert pages(driven) == []
    driven.workforce.grants.append(grant("EWS.AccessAsUser.All", consentType="AllPrincipals", principalId=None))
    end = again(driven)
    (new,) = of(end, "consents", Found.WRONG)
    assert "everybody" in new.text
    assert len(pages(driven)) == 1
    assert not of(again(driven), "consents", Found.WRONG)


def test_the_first_consent_of_all_is_new_where_none_was_there_before(driven: Drive) -> None:
    driven.run(MAILBOXES)
    driven.workforce.grants = [grant("Mail.ReadWrite")]
    assert of(again(driven), "consents", Found.WRONG)


def test_a_consent_that_grew_is_new(driven: Drive) -> None:
    driven.workforce.grants = [grant("Mail.Read")]
    driven.run(MAILBOXES)
    driven.workforce.grants[0]["scope"] = "Mail.Read Mail.Send"
    (found,) = of(again(driven), "consents", Found.WRONG)
    assert "Mail.Send" in found.text


_FAULTS: Final[tuple[tuple[str, Callable[[], Answer | None]], ...]] = (
    ("429", lambda: error(429, "TooManyRequests", retry_after="60")),
    ("503", lambda: error(503)),
    ("500", lambda: error(500)),
    ("403", lambda: error(403, "ErrorAccessDenied")),
    ("404 of another kind", lambda: error(404, "ErrorInvalidUser")),
    ("no JSON", lambda: Answer(status=200, headers={}, body=b"<html>")),
    ("cut", lambda: (_ for _ in ()).throw(Unreachable("the connection was cut"))),
)


@pytest.mark.parametrize("what", ["messageRules", "mailboxSettings"])
@pytest.mark.parametrize("fault", [each[1] for each in _FAULTS], ids=[each[0] for each in _FAULTS])
def test_a_mailbox_that_is_not_read_is_unknown_and_no_change(
    driven: Drive, fault: Callable[[], Answer | None], what: str
) -> None:
    driven.workforce.rules[BOB] = [FORWARDS]
    driven.run(MAILBOXES)
    driven.workforce.spoil = lambda path: fault() if path.endswith(what) and BOB in path else None
    end = again(driven)
    (found,) = of(end, "bob@contoso.com", Found.UNKNOWN)
    assert "Get-InboxRule" in found.what_to_do
    assert not of(end, "bob@contoso.com", Found.WRONG)
    driven.workforce.spoil = lambda _path: None
    healed = again(driven)
    assert not of(healed, "bob@contoso.com", Found.UNKNOWN)
    assert not [one for one in healed.findings if one.is_new]
    assert len(pages(driven)) == 1, "what stands as it did before is paged once"


@pytest.mark.parametrize("fault", [each[1] for each in _FAULTS[:4]], ids=[each[0] for each in _FAULTS[:4]])
def test_consents_that_are_not_read_are_unknown_and_not_new_later(
    driven: Drive, fault: Callable[[], Answer | None]
) -> None:
    driven.workforce.grants = [grant("Mail.Read")]
    driven.workforce.spoil = lambda path: fault() if path == "/oauth2PermissionGrants" else None
    assert of(driven.run(MAILBOXES), "consents", Found.UNKNOWN)
    driven.workforce.spoil = lambda _path: None
    assert not of(again(driven), "consents", Found.WRONG), "it is the first look at them"


def test_without_the_permission_the_step_has_failed_and_looks_again(driven: Drive) -> None:
    driven.workforce.spoil = lambda path: error(403, "ErrorAccessDenied") if "mail" in path else None
    end = driven.run(MAILBOXES)
    assert end.state is StepState.FAILED
    assert end.next_at is not None
    assert all("may not read it" in one.text for one in of(end, "alice@contoso.com", Found.UNKNOWN))


def test_in_a_hybrid_tenant_no_mailbox_is_unknown(storage: MemoryStorage) -> None:
    made = with_mailboxes(drive(storage, hybrid=True))
    (found,) = of(made.run(MAILBOXES), "em-1@contoso.com", Found.UNKNOWN)
    assert "on-premises" in found.text


def test_a_change_whose_page_could_not_be_stored_is_paged_by_the_next_run(storage: MemoryStorage) -> None:
    spoilt = SpoiltStorage(storage)
    made = with_mailboxes(drive(spoilt, accounts=(ALICE, BOB)))
    made.workforce.rules[BOB] = [FORWARDS]
    spoilt.faults.spoil = lambda operation: "before" if "Outbox" in operation else ""
    with pytest.raises(Unreachable):
        made.run(MAILBOXES)
    spoilt.faults.heal()
    assert of(again(made), "bob@contoso.com", Found.WRONG)[0].is_new
    assert len(pages(made)) == 1


@pytest.mark.parametrize("how", ["before", "after"])
def test_a_run_that_dies_after_its_page_pages_nobody_twice(storage: MemoryStorage, how: str) -> None:
    spoilt = SpoiltStorage(storage)
    made = with_mailboxes(drive(spoilt, accounts=(ALICE, BOB)))
    made.workforce.rules[BOB] = [FORWARDS]
    spoilt.faults.fail_once("keep evidence", how)
    with pytest.raises(Unreachable):
        made.run(MAILBOXES)
    again(made)
    again(made)
    assert len(pages(made)) == 1


def test_a_drill_says_so_on_its_page(storage: MemoryStorage) -> None:
    made = with_mailboxes(drive(storage, drill=True, accounts=(BOB,)))
    made.workforce.rules[BOB] = [FORWARDS]
    made.run(MAILBOXES)
    assert made.bench.teams.notices[0].drill
    assert not made.bench.teams.notices[0].never_waits


def test_mailboxes_for_which_the_time_was_too_short_come_first_a_minute_later(driven: Drive) -> None:
    def slow(path: str) -> Answer | None:
        driven.clock.move(timedelta(seconds=130) if path.endswith("messageRules") else timedelta())
        return None

    driven.workforce.spoil = slow
    end = driven.run(MAILBOXES)
    assert end.state is StepState.RUNNING
    assert end.next_at is not None
    assert of(end, "2 mailboxes", Found.UNKNOWN)
    driven.workforce.asked.clear()
    again(driven, 1)
    first = next(path for path, _ in driven.workforce.asked if path.endswith("messageRules"))
    assert ALICE in first


def test_its_calls_are_declared() -> None:
    assert MAILBOXES.needs == CALLS


# ---- apps ------------------------------------------------------------------------------------------------------------

GRAPH: Final = "5e000003-0000-4000-8000-000000000003"
EXCHANGE: Final = "5e000002-0000-4000-8000-000000000002"
_ROLES: Final[dict[str, tuple[str, ...]]] = {
    GRAPH: ("Mail.Read", "Mail.ReadWrite", "Mail.Send", "MailboxSettings.ReadWrite", "User.Read.All"),
    EXCHANGE: ("full_access_as_app", "IMAP.AccessAsApp", "Exchange.ManageAsApp"),
}
_APP_IDS: Final = {GRAPH: "00000003-0000-0000-c000-000000000000", EXCHANGE: "00000002-0000-0ff1-ce00-000000000000"}


def with_apps(made: Drive) -> Drive:
    """Give the tenant both resources, and nobody a role of them."""
    made.workforce.resources = [
        {
            "id": resource,
            "appId": app_id,
            "appRoles": [{"id": f"role {name}", "value": name} for name in _ROLES[resource]],
        }
        for resource, app_id in _APP_IDS.items()
    ]
    return made


def give(driven: Drive, role: str, *, minutes: float, app: str = "Backup tool") -> None:
    """Grant a role so many minutes after the emergency was declared."""
    resource = next((each for each, roles in _ROLES.items() if role in roles), GRAPH)
    created = driven.emergency.declared_at + timedelta(minutes=minutes)
    driven.workforce.held.setdefault(resource, []).append(
        {
            "id": f"{app} {role} {minutes}",
            "appRoleId": f"role {role}",
            "createdDateTime": f"{created:%Y-%m-%dT%H:%M:%S.0000000Z}",
            "principalDisplayName": app,
            "principalId": "baca0000-0000-4000-8000-000000000001",
            "principalType": "ServicePrincipal",
        }
    )


_ABOUT_MAIL: Final = [name for roles in _ROLES.values() for name in roles if name != "User.Read.All"]


@pytest.mark.parametrize("role", _ABOUT_MAIL)
def test_an_app_that_was_given_a_permission_to_mail_long_ago_is_listed_and_not_paged(driven: Drive, role: str) -> None:
    give(with_apps(driven), role, minutes=-60 * 24)
    (found,) = of(driven.run(MAILBOXES), "apps that reach every mailbox", Found.NOTED)
    assert "Backup tool (baca0000-0000-4000-8000-000000000001)" in found.text
    assert role in found.text
    assert not found.is_new
    again(driven)
    assert pages(driven) == []


@pytest.mark.parametrize("role", _ABOUT_MAIL)
def test_one_that_was_given_it_since_the_emergency_began_is_wrong_and_paged_once(driven: Drive, role: str) -> None:
    give(with_apps(driven), role, minutes=1)
    driven.clock.move(timedelta(minutes=2))
    (found,) = of(driven.run(MAILBOXES), "apps that reach every mailbox", Found.WRONG)
    assert (found.is_new, "since the emergency began" in found.text) == (True, True)
    assert role in driven.bench.teams.notices[0].text
    for _ in range(3):
        (found,) = of(again(driven), "apps that reach every mailbox", Found.WRONG)
        assert not found.is_new
    assert len(pages(driven)) == 1


def test_one_that_comes_between_two_looks_is_new_whatever_its_date_says(driven: Drive) -> None:
    with_apps(driven)
    assert of(driven.run(MAILBOXES), "apps that reach every mailbox", Found.FINE)
    give(driven, "Mail.ReadWrite", minutes=-600)
    (found,) = of(again(driven), "apps that reach every mailbox", Found.WRONG)
    assert found.is_new
    assert len(pages(driven)) == 1


def test_a_permission_about_something_else_is_not_listed(driven: Drive) -> None:
    give(with_apps(driven), "User.Read.All", minutes=1)
    end = driven.run(MAILBOXES)
    assert [one.answer for one in end.findings if "every mailbox" in one.about] == [Found.FINE]


def test_where_graph_itself_is_not_found_nothing_is_known(driven: Drive) -> None:
    driven.workforce.resources = []
    assert [one.answer for one in driven.run(MAILBOXES).findings if "every mailbox" in one.about] == [Found.UNKNOWN]


def test_a_role_that_its_resource_does_not_name_is_unknown(driven: Drive) -> None:
    give(with_apps(driven), "Mail.NotThereAnyMore", minutes=-600)
    driven.workforce.held[GRAPH][0]["createdDateTime"] = None
    (found,) = of(driven.run(MAILBOXES), "apps that reach every mailbox", Found.UNKNOWN)
    assert "role Mail.NotThereAnyMore" in found.text


@pytest.mark.parametrize("where", ["/servicePrincipals", f"/servicePrincipals/{EXCHANGE}/appRoleAssignedTo"])
@pytest.mark.parametrize("fault", [each[1] for each in _FAULTS[:4]], ids=[each[0] for each in _FAULTS[:4]])
def test_apps_that_are_not_read_are_unknown_never_none(
    driven: Drive, fault: Callable[[], Answer | None], where: str
) -> None:
    give(with_apps(driven), "Mail.Read", minutes=-600)
    driven.workforce.spoil = lambda path: fault() if path == where else None
    end = driven.run(MAILBOXES)
    assert [one.answer for one in end.findings if "every mailbox" in one.about] == [Found.UNKNOWN]
    driven.workforce.spoil = lambda _path: None
    assert of(again(driven), "apps that reach every mailbox", Found.NOTED), "it is the first look at them"
    assert pages(driven) == []
