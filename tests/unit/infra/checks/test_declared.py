import json
from datetime import timedelta

import pytest

from infra.checks.compiler import REPOSITORY
from infra.checks.declared import actions, declared, operations_of
from infra.checks.rules.watching import RUN, longest_gap
from responders.catalogue import CATALOGUE
from responders.permissions import NEEDS
from responders.runbooks.support_ticket import SUPPORT_TICKET
from shared.model.events import Log
from shared.model.kinds import ObjectKind
from shared.model.permissions import grants_from


def test_what_the_code_declares_is_read_from_the_code() -> None:
    found = declared()
    assert found.queues == {"cases", "resource-events"}
    assert found.consumer_groups == {"responder"}
    assert found.timers["resume_cases"] == "15 * * * * *"  # by a setting
    assert found.timers["purge_old_data"] == "0 10 4 * * *"  # by itself
    assert {"list_cases", "subscription_events", "answer_case", "poll_sign_ins"} <= found.functions
    assert not found.timers.keys() & {"list_cases", "answer_case"}
    assert "case %s closed: %s, %s" in found.log_texts
    assert found.operations >= {"microsoft.authorization/roleassignments/write"}
    assert "Microsoft.Authorization/roleAssignments/read" in found.watch_actions
    assert "Microsoft.Authorization/roleAssignments/delete" in found.act_actions
    assert not found.watch_actions & found.act_actions
    assert found.settings <= found.sample
    assert found.vaulted == {
        "B2C_CERTIFICATE",
        "EMERGENCY_CODES",
        "STATE_KEYS",
        "PAGERDUTY_ROUTING_KEY",
        "PAGERDUTY_WEBHOOK_SECRETS",
        "TEAMS_WEBHOOK_URL",
    }
    assert not found.vaulted - found.settings
    assert "WORKFORCE_TENANT_ID" not in found.defaults


def test_the_actions_are_the_union_of_what_the_declared_calls_need() -> None:
    """Worked out once more from the declarations themselves, without the module that the check uses."""
    detections = [one.remediation for one in CATALOGUE if one.remediation]
    in_azure = {ObjectKind.ROLE_ASSIGNMENT, ObjectKind.DIAGNOSTIC_SETTING}
    calls = [call for one in detections if one.kind in in_azure for call in one.calls]
    written = {str(need) for call in (*calls, *SUPPORT_TICKET.needs) if call.method != "GET" for need in call.needs}
    assert written == declared().act_actions
    # What Graph is asked besides is a permission, and no action of an Azure role.
    read = {str(need) for call in calls if call.method == "GET" for need in call.needs if "/" in need}
    assert read
    assert read <= declared().watch_actions


def test_a_declaration_that_goes_takes_its_actions_with_it() -> None:
    detections = {"rbac-role-assigned", "rbac-role-removed", "monitoring-weakened"}
    kinds = {"role-assignment", "diagnostic-setting", "event-subscription"}
    writing = {*detections, *(f"reconciler ({kind})" for kind in kinds), "break-glass runbook, step 4"}
    left = [need for need in NEEDS if need.by not in writing]
    assert actions(grants_from(left))[1] == frozenset()


def test_the_operations_are_those_of_the_detections() -> None:
    resource_detections = [one for one in CATALOGUE if one.log is Log.RESOURCE]
    assert operations_of(resource_detections[:1])[0] < declared().operations or len(resource_detections) == 1
    assert operations_of([one for one in CATALOGUE if one.log is not Log.RESOURCE]) == (frozenset(), (), ())
    assert declared().unbounded == ()
    assert declared().of_own_groups == ("responder-changed",)


@pytest.mark.parametrize(
    ("schedule", "gap"),
    [
        ("15 * * * * *", timedelta(minutes=1)),
        ("0 */15 * * * *", timedelta(minutes=15)),
        ("0 40 3 * * *", timedelta(days=1)),
        ("0 0 9-17 * * *", timedelta(hours=16)),
        ("0 0 6 * * 1-5", timedelta(days=3)),
        ("", timedelta()),
    ],
)
def test_the_longest_time_between_two_runs(schedule: str, gap: timedelta) -> None:
    assert longest_gap(schedule) == gap


def test_a_run_takes_as_long_as_the_host_lets_it() -> None:
    host = json.loads((REPOSITORY / "host.json").read_bytes())
    hours, minutes, seconds = map(int, host["functionTimeout"].split(":"))
    assert timedelta(hours=hours, minutes=minutes, seconds=seconds) == RUN
