"""The doctor on the running stack: all green there, and each fault on a line of its own with its cure."""

import json
import re
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from infra.local.desk import until
from infra.local.programs import free_port
from infra.local.tenant.control import TenantControl
from infra.local.world import (
    ALICE,
    BREAK_GLASS_1,
    BREAK_GLASS_2,
    MALLORY,
    RESPONDER,
    RESPONDER_B2C,
    SUBSCRIPTION,
    WORKFORCE_TENANT,
)
from responders.cli import main
from responders.content import KINDS
from responders.doctor import CHECKS, report_of
from responders.permissions import GRANTS
from responders.sources import SIGN_IN_LOG
from shared.checks.check import Line, Status
from shared.clients.storage_names import Table
from shared.ingest.poll import polled_until
from shared.model.clock import utc_now
from shared.model.kinds import ApprovalList, Mode, TenantKind
from shared.model.permissions import Tier
from tests.stack.doctor.conftest import Healthy

pytestmark = pytest.mark.stack


def bad(values: dict[str, str], *only: str, later: timedelta = timedelta()) -> list[Line]:
    """Run some checks, and give the lines that aren't ok."""
    report = report_of(values, only=only, clock=lambda: utc_now() + later)
    assert {line.check for line in report.lines} == set(only)
    return [line for line in report.lines if line.status is not Status.OK]


def only_bad(values: dict[str, str], *only: str, later: timedelta = timedelta()) -> Line:
    """The one line that isn't ok; it has a cure."""
    (line,) = bad(values, *only, later=later)
    assert line.cure
    return line


# All green.


def test_every_line_is_green_on_the_local_stack(healthy: Healthy, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--settings", str(healthy.stack.folder / "settings.json")]) == 0
    *lines, totals = capsys.readouterr().out.splitlines()
    assert [line for line in lines if not line.startswith("ok ")] == []
    assert {line.split()[1] for line in lines} == {check.id for check in CHECKS}
    assert totals == f"{len(lines)} ok"


def test_the_app_examines_itself(
    healthy: Healthy, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RESPONDER_KEY", healthy.stack.keys["function"])
    monkeypatch.setenv("RESPONDER_TOKEN", healthy.stack.control.token(ALICE, "operators"))
    assert main(["doctor", "--json", "--app", healthy.stack.host["url"]]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["healthy"] is True
    assert {line["check"] for line in report["lines"]} == {check.id for check in CHECKS}
    assert {line["status"] for line in report["lines"]} == {"ok"}


@pytest.mark.parametrize(("has_token", "answered"), [(False, 302), (True, 401)])
def test_the_app_tells_nobody_without_a_token_and_a_key(
    healthy: Healthy,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    has_token: bool,  # noqa: FBT001 - a parameter
    answered: int,
) -> None:
    if has_token:
        monkeypatch.setenv("RESPONDER_TOKEN", healthy.stack.control.token(ALICE, "operators"))
    assert main(["doctor", "--app", healthy.stack.host["url"]]) == 2
    assert f"answered {answered}: RESPONDER_KEY should be" in capsys.readouterr().err


def test_the_app_is_asked_for_what_was_delivered_since(
    healthy: Healthy, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RESPONDER_KEY", healthy.stack.keys["function"])
    monkeypatch.setenv("RESPONDER_TOKEN", healthy.stack.control.token(ALICE, "operators"))
    for since, code in (("2000-01-01T00:00:00+02:00", 0), ("2099-01-01T00:00:00Z", 1)):
        assert main(["doctor", "--app", healthy.stack.host["url"], "--since", since]) == code
        assert ("no event since 2099-01-01T00:00:00Z" in capsys.readouterr().out) is (code == 1)


def test_the_app_refuses_an_instant_that_is_none(healthy: Healthy) -> None:
    sent = {
        "x-functions-key": healthy.stack.keys["function"],
        "Authorization": f"Bearer {healthy.stack.control.token(ALICE, 'operators')}",
    }
    answer = httpx.get(f"{healthy.stack.host['url']}/api/doctor", params={"since": "soon"}, headers=sent)
    assert (answer.status_code, "since should be a time with its time zone" in answer.text) == (400, True)


# Permissions.


@contextmanager
def _without(control: TenantControl, *names: str) -> Generator[None]:
    control.revoke(RESPONDER, *names)
    try:
        yield
    finally:
        control.grant(RESPONDER, *names)


def test_a_missing_permission(healthy: Healthy) -> None:
    with _without(healthy.stack.control, "AuditLog.Read.All"):
        line = only_bad(healthy.values, "graph-permissions-exact")
        refused = bad(healthy.values, "reads-allowed")
    assert line.status is Status.FAILED
    assert line.found.startswith(
        "Entra ID: AuditLog.Read.All is missing; needed by poll of the audit log, poll of the sign-in log"
    )
    assert line.cure.startswith("infra/scripts/grant.sh --tier watch grants it.")
    assert {each.status for each in refused} == {Status.FAILED}
    halves = [each.found.partition(": not allowed: ") for each in refused]
    said = {call: names.split(";")[0] for call, _, names in halves}
    assert said == {
        "Entra ID: GET /auditLogs/directoryAudits": "AuditLog.Read.All",
        "Entra ID: GET /auditLogs/signIns": "AuditLog.Read.All, Directory.Read.All",
        "Entra ID: GET /auditLogs/provisioning": "AuditLog.Read.All",
        "Entra ID: GET /reports/authenticationMethods/userRegistrationDetails": "AuditLog.Read.All",
        "Entra ID: GET /users": "User.Read.All, AuditLog.Read.All",
    }


def test_a_tenant_without_a_licence_for_sign_ins(healthy: Healthy) -> None:
    healthy.stack.control.settings(unlicensed_tenants=[WORKFORCE_TENANT])
    try:
        line = only_bad(healthy.values, "reads-allowed")
    finally:
        healthy.stack.control.settings(unlicensed_tenants=[])
        # A poll that met the tenant so has written it down: the next one has to take that back.
        since = utc_now()
        until(lambda: _sign_ins_read_until(healthy) > since, within=30, what="the sign-ins were not read again")
    assert "Authentication_RequestFromNonPremiumTenantOrB2CTenant" in line.found
    assert "set SIGN_INS to off" in line.cure


def _sign_ins_read_until(healthy: Healthy) -> datetime:
    return polled_until(healthy.desk.storage, SIGN_IN_LOG, WORKFORCE_TENANT) or datetime.min.replace(tzinfo=UTC)


def test_a_permission_too_many(healthy: Healthy) -> None:
    healthy.stack.control.grant(RESPONDER_B2C, "Directory.ReadWrite.All")
    try:
        line = only_bad(healthy.values, "graph-permissions-exact")
    finally:
        healthy.stack.control.revoke(RESPONDER_B2C, "Directory.ReadWrite.All")
    assert line.status is Status.FAILED
    assert line.found.startswith("Azure AD B2C: Directory.ReadWrite.All is granted, and nothing")
    assert line.cure.startswith("infra/scripts/grant.sh --b2c --tier act --prune")


def test_the_tier_that_only_watches_is_enough_until_something_enforces(healthy: Healthy) -> None:
    of_acting = (each for each in GRANTS if (each.kind, each.tier) == (TenantKind.WORKFORCE, Tier.ACT))
    acting = [str(each.permission) for each in of_acting if not each.is_azure_action]
    controls = healthy.desk.controls
    with _without(healthy.stack.control, *acting):
        missing = bad(healthy.values, "graph-permissions-exact")
        controls.set_mode("*", Mode.PAGE, by="a test", reason="a test")
        try:
            report = report_of(healthy.values, only=("graph-permissions-exact",))
        finally:
            controls.set_mode("*", Mode.ENFORCE, by="a test")
    assert sorted(line.found.split()[2] for line in missing) == sorted(acting)
    assert [line.found.split(":")[1] for line in report.lines] == [
        " exactly the permissions of tier watch",
        " exactly the permissions of tier act",
    ]


def test_a_part_of_what_putting_back_needs_is_too_little_in_any_mode(healthy: Healthy) -> None:
    with _without(healthy.stack.control, "Application.Read.All"):
        assert "Application.Read.All is missing" in only_bad(healthy.values, "graph-permissions-exact").found


def test_role_assignments_that_may_not_be_read(healthy: Healthy) -> None:
    with _without(healthy.stack.control, "Microsoft.Authorization/roleAssignments/read"):
        lines = bad(healthy.values, "reads-allowed")
        (actions,) = bad(healthy.values, "azure-actions-held")
    assert len(lines) == 3
    assert all("not allowed: Microsoft.Authorization/roleAssignments/read" in line.found for line in lines)
    assert all("infra/main.bicep" in line.cure for line in lines)
    assert actions.status is Status.UNKNOWN
    assert SUBSCRIPTION in actions.found


def test_another_identity_than_the_settings_name(healthy: Healthy) -> None:
    line = only_bad(healthy.values | {"WORKFORCE_RESPONDER_ID": MALLORY.id}, "identity-right")
    assert line.status is Status.FAILED
    assert line.cure.startswith(f"Set WORKFORCE_RESPONDER_ID to {RESPONDER.id}")


# Settings, storage, channels.


def test_wrong_settings_are_listed_and_the_rest_is_not_guessed(healthy: Healthy) -> None:
    wrong = {"SUBSCRIPTION_IDS": "production", "REMEDIATIONS_PER_HOUR": "some"}
    report = report_of(healthy.values | wrong, only=("settings-right", "tables-there", "owners-named", "modes-known"))
    assert not report.healthy
    settings = [line for line in report.lines if line.check == "settings-right"]
    assert [line.found.split()[0] for line in settings] == ["SUBSCRIPTION_IDS", "REMEDIATIONS_PER_HOUR"]
    assert {line.status for line in settings} == {Status.FAILED}
    rest = {line.check: line for line in report.lines if line.check != "settings-right"}
    assert rest["tables-there"].status is Status.OK
    assert rest["modes-known"].status is Status.UNKNOWN
    assert rest["modes-known"].found == "couldn't be checked: the settings are wrong"


def test_a_webhook_that_is_down(healthy: Healthy) -> None:
    address = f"http://127.0.0.1:{free_port()}/workflows/1?sig=secret"
    line = only_bad(healthy.values | {"TEAMS_WEBHOOK_URL": address}, "teams-reachable")
    assert line.status is Status.FAILED
    assert "gave no answer" in line.found
    assert "secret" not in str(line)
    assert "TEAMS_WEBHOOK_URL" in line.cure


def test_a_missing_second_channel(healthy: Healthy) -> None:
    line = only_bad(healthy.values | {"PAGERDUTY_ROUTING_KEY": ""}, "pagerduty-reachable")
    assert (line.status, line.found) == (
        Status.WARNING,
        "PAGERDUTY_ROUTING_KEY isn't set: there is no second channel",
    )


def test_nothing_is_posted_unless_a_test_page_is_asked_for(healthy: Healthy) -> None:
    channels = ("teams-reachable", "pagerduty-reachable")

    def tests() -> list[str]:
        posts = healthy.inbox.get("/messages").raise_for_status().json()
        return [post["kind"] for post in posts if "TEST: Entra Responder can page you" in str(post)]

    healthy.inbox.delete("/messages").raise_for_status()
    assert report_of(healthy.values, only=channels).healthy
    assert tests() == []
    assert report_of(healthy.values, only=channels, pages=True).healthy
    assert sorted(tests()) == ["pagerduty", "teams"]


def test_a_test_page_that_is_refused(healthy: Healthy) -> None:
    healthy.inbox.post("/control/settings", json={"teams": "down"}).raise_for_status()
    try:
        report = report_of(healthy.values, only=("teams-reachable",), pages=True)
    finally:
        healthy.inbox.post("/control/settings", json={"teams": "on"}).raise_for_status()
    (line,) = report.lines
    assert line.status is Status.FAILED
    assert line.found.startswith("a test page was refused: the Teams flow answered 503")


def test_a_missing_table(healthy: Healthy) -> None:
    rows = healthy.desk.storage.rows(Table.OWNERS, "PartitionKey ge ''")
    healthy.desk.storage.delete_table(Table.OWNERS)
    try:
        line = only_bad(healthy.values, "tables-there")
        owners = only_bad(healthy.values, "owners-named")
    finally:
        healthy.desk.storage.create_all()
        for row in rows:
            healthy.desk.storage.upsert(Table.OWNERS, row.partition, row.key, row.columns)
    assert (line.status, line.found) == (Status.FAILED, "table Owners is missing")
    assert "restart" in line.cure
    assert owners.status is Status.UNKNOWN


# People.


@pytest.mark.parametrize(
    ("fault", "part"), [("deleted_accounts", "doesn't exist in Entra ID"), ("disabled_accounts", "is disabled")]
)
def test_an_emergency_account_that_cannot_be_used(healthy: Healthy, fault: str, part: str) -> None:
    healthy.stack.control.settings(**{fault: [BREAK_GLASS_2.id]})
    try:
        line = only_bad(healthy.values, "emergency-accounts-usable")
    finally:
        healthy.stack.control.settings(**{fault: []})
    assert line.status is Status.FAILED
    assert BREAK_GLASS_2.id in line.found
    assert part in line.found
    assert "way back in" in line.cure


def test_a_single_emergency_account(healthy: Healthy) -> None:
    line = only_bad(healthy.values | {"EMERGENCY_ACCOUNT_IDS": BREAK_GLASS_1.id}, "emergency-accounts-usable")
    assert (line.status, line.found) == (Status.FAILED, "only 1 emergency account is configured")


@contextmanager
def _approved(healthy: Healthy, **columns: str) -> Generator[None]:
    """Change Alice's row for Azure roles. The app may have written what was signed beside it meanwhile."""
    row, *_ = healthy.desk.storage.rows(
        Table.APPROVED_ACTORS,
        "PartitionKey eq @list and RowKey ge @actor",
        list=ApprovalList.RBAC_ROLES,
        actor=ALICE.id,
    )
    healthy.desk.storage.upsert(Table.APPROVED_ACTORS, row.partition, row.key, {**row.columns, **columns})
    try:
        yield
    finally:
        healthy.desk.storage.upsert(Table.APPROVED_ACTORS, row.partition, row.key, row.columns)


def test_an_approval_that_has_expired(healthy: Healthy) -> None:
    lines = bad(healthy.values, "approvals-valid", later=timedelta(days=31))
    expired, nobody = [line for line in lines if line.found.startswith("rbac-roles: ")]
    assert expired.status is Status.WARNING
    assert expired.found.startswith(f"rbac-roles: Alice Alvarez ({ALICE.id}) was approved until 20")
    assert "responder approve LIST" in expired.cure
    assert (nobody.status, nobody.found) == (Status.FAILED, "rbac-roles: nobody is approved at present")


def test_an_approval_that_ends_soon(healthy: Healthy) -> None:
    lines = bad(healthy.values, "approvals-valid", later=timedelta(days=27))
    assert {line.status for line in lines} == {Status.WARNING}
    assert all(re.search(r"is approved until 20\d\d-\d\d-\d\d only", line.found) for line in lines)


def test_an_approval_that_somebody_changed(healthy: Healthy) -> None:
    """It counts as it was signed, and the change is named."""
    with _approved(healthy, valid_until="2036-02-01T00:00:00+00:00"):
        assert bad(healthy.values, "approvals-valid") == []
        changed = bad(healthy.values, "lists-signed")
    assert {line.status for line in changed} == {Status.FAILED}
    assert f"rbac-roles {ALICE.id}" in changed[0].found
    assert "it says something else than was signed" in changed[0].found


# The running app.


def test_a_clock_that_is_off(healthy: Healthy) -> None:
    line = only_bad(healthy.values, "clock-right", later=timedelta(minutes=-3))
    assert line.status is Status.WARNING
    assert "180 s off" in line.found or "179 s off" in line.found or "181 s off" in line.found
    assert "time server" in line.cure


def test_sources_that_have_fallen_silent(healthy: Healthy) -> None:
    polls = bad(healthy.values, "audit-log-polled", later=timedelta(minutes=16))
    sign_ins = bad(healthy.values, "sign-ins-polled", later=timedelta(minutes=16))
    snapshots = bad(healthy.values, "snapshots-fresh", later=timedelta(hours=2))
    (events,) = bad(healthy.values, "events-arriving", later=timedelta(days=31))
    for log, silent in (("audit", polls), ("sign-in", sign_ins)):
        assert [line.found for line in silent] == [
            f"{tenant}, last read of the {log} log: 16 min ago; it should be less than 15 minutes"
            for tenant in ("Entra ID", "Azure AD B2C")
        ]
    assert {line.status for line in (*polls, *sign_ins, *snapshots)} == {Status.FAILED}
    assert len(snapshots) == len([each for each in KINDS if not each.inventory.is_by_hand])
    assert all("take_snapshots" in line.cure for line in snapshots)
    assert events.status is Status.WARNING


def test_controls_that_somebody_should_know_of(healthy: Healthy) -> None:
    controls = healthy.desk.controls
    controls.stop(by="a test", reason="to see")
    controls.set_mode("ca-policy-renamed", Mode.ENFORCE, by="a test")
    try:
        modes, stopped = bad(healthy.values, "modes-known", "kill-switch-off")
    finally:
        controls.start(by="a test")
        controls.set_mode("ca-policy-renamed", None, by="a test", reason="it is none")
    assert modes.found == "a mode is set for ca-policy-renamed, which is no detection"
    assert stopped.status is Status.WARNING


def test_an_app_that_is_not_there(healthy: Healthy) -> None:
    link = f"http://127.0.0.1:{free_port()}/api/cases/{{case}}"
    line = only_bad(healthy.values | {"CASE_LINK": link}, "anonymous-refused")
    assert line.status is Status.FAILED
    assert "deploy-code.sh" in line.cure


def test_an_app_that_lets_anybody_in(healthy: Healthy) -> None:
    """The inbox stands for it: it answers to whoever asks."""
    link = f"{healthy.stack.inbox['url']}/messages?x={{case}}"
    line = only_bad(healthy.values | {"CASE_LINK": link}, "anonymous-refused")
    assert line.status is Status.FAILED


# The command.


def test_the_status_says_that_something_failed(healthy: Healthy, capsys: pytest.CaptureFixture[str]) -> None:
    settings = str(healthy.stack.folder / "settings.json")
    with _approved(healthy, ticket=" "):
        assert main(["doctor", "lists-signed", "--settings", settings]) == 1
    first, *_, totals = capsys.readouterr().out.splitlines()
    assert first.startswith("failed   lists-signed")
    assert " -> Find out who writes to the storage account" in first
    assert totals in {"1 failed", "2 failed"}, "that a row is missing as well, until the app has written it again"


def test_a_warning_fails_nothing(healthy: Healthy, capsys: pytest.CaptureFixture[str]) -> None:
    settings = str(healthy.stack.folder / "settings.json")
    healthy.desk.controls.stop(by="a test", reason="to see")
    try:
        assert main(["doctor", "kill-switch-off", "--settings", settings]) == 0
    finally:
        healthy.desk.controls.start(by="a test")
    assert "responder start takes it off" in capsys.readouterr().out


def test_an_address_where_something_else_is(healthy: Healthy, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--app", healthy.stack.inbox["url"]]) == 2
    assert "answered 404 and no report" in capsys.readouterr().err
