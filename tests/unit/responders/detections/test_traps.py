"""What real records do that nobody would invent, each with what the detections make of it.

Records as the log gives them: names, nulls and quotes are those of records that were captured in tenants.
"""

import json
from typing import Any, Final

import pytest

from responders.catalogue import CATALOGUE
from responders.detections.directory_samples import (
    APPLICATION,
    COLLEAGUE,
    CPIM,
    IMPOSTOR,
    MANAGED_IDENTITIES,
    ROLE_HOLDER,
    SAMPLE_PROFILE,
    account_record,
    addresses,
    app_role_record,
    application_record,
    by_service,
    change,
    delegated_record,
    key,
    new_account_record,
    role_record,
)
from responders.detections.samples import (
    ADMINISTRATOR,
    BY_USER,
    CA_POLICY,
    TENANT,
    ca_policy_record,
    ca_policy_twin,
    custom_policy_record,
    diagnostic_record,
)
from responders.detections.sign_in_samples import SUCCESS, sign_in_record
from shared.detect.fields import SignIn
from shared.detect.matcher import Matcher
from shared.model.cases import case_id
from shared.model.events import AuditEvent, Event, SignInEvent
from shared.normalize import read_batch
from shared.notify.diff import diff_of
from tests.fakes.record_strategies import audit_row, everything

type Record = dict[str, Any]

MATCHER: Final = Matcher((one for one in CATALOGUE if not one.counted and not one.after), SAMPLE_PROFILE)
EN_DASH: Final = "\N{EN DASH}"
SECRETS: Final = f"Update application {EN_DASH} Certificates and secrets management "


def events_of(*records: Record) -> list[Event]:
    """Read records as they come, in one delivery, with only those decoded that could matter."""
    readings = read_batch(json.dumps(records).encode(), tenant_id=TENANT, interest=MATCHER.interest)
    return [reading.event for reading in readings if reading.event is not None]


def met_by(*records: Record) -> set[str]:
    return {one.id for event in events_of(*records) for one in MATCHER.matches(event)}


def cases_of(*records: Record) -> set[str]:
    """Name the cases that records open."""
    return {case_id(TENANT, one.id, event) for event in events_of(*records) for one in MATCHER.matches(event)}


def audit_event_of(record: Record) -> AuditEvent:
    (event,) = events_of(record)
    assert isinstance(event, AuditEvent)
    return event


class TestNames:
    @pytest.mark.parametrize(
        "name", [SECRETS, SECRETS.strip(), SECRETS.replace(EN_DASH, "-"), SECRETS.upper(), f"\t{SECRETS}"]
    )
    def test_an_en_dash_and_a_space_at_the_end_are_no_other_activity(self, name: str) -> None:
        assert met_by(application_record(name, change("KeyDescription", [], [key(1)]))) == {"app-credential-added"}

    def test_the_guide_s_capitals_are_not_the_log_s(self) -> None:
        for name in ("Delete conditional access policy", "Delete Conditional Access policy"):
            assert met_by(ca_policy_record(name, old=CA_POLICY)) == {"ca-policy-deleted"}

    def test_a_dash_more_is_another_activity(self) -> None:
        assert met_by(application_record(f"{SECRETS}{EN_DASH}", change("KeyDescription", [], [key(1)]))) == set()


class TestOneActionSeveralRecords:
    def test_conditional_access_has_a_twin_of_core_directory(self) -> None:
        own = ca_policy_record("Update conditional access policy", old=CA_POLICY, new=CA_POLICY | {"state": "disabled"})
        assert len(cases_of(own, ca_policy_twin("Update policy"))) == 1
        assert own["correlationId"] == ca_policy_twin("Update policy")["correlationId"]

    def test_a_new_secret_is_three_records(self) -> None:
        added = change("KeyDescription", [], [key(1)])
        records = (
            application_record(SECRETS, added),
            application_record(SECRETS, added, id="Directory_twin"),
            application_record(SECRETS, targetResources=[]),
        )
        assert len(cases_of(*records)) == 1

    def test_b2c_logs_a_change_in_two_categories(self) -> None:
        first = custom_policy_record("Update custom policy")
        second = custom_policy_record(
            "Update custom policy",
            id="B2C_KJ7PQ_6120945",
            category="Authorization",
            activityDateTime="2026-03-17T09:24:51.0884152Z",
        )
        assert len(cases_of(first, second)) == 1


class TestActor:
    def test_core_directory_leaves_the_app_id_null(self) -> None:
        event = audit_event_of(role_record("Add member to role", initiatedBy=by_service(IMPOSTOR, "deploy")))
        assert (event.actor.id, event.actor.kind) == (IMPOSTOR, "servicePrincipal")

    @pytest.mark.parametrize(
        ("actor_id", "name", "record", "met"),
        [
            (CPIM, "CPIM Service", new_account_record(), set[str]()),
            (IMPOSTOR, "CPIM Service", new_account_record(), {"consumer-account-created"}),
            (
                IMPOSTOR,
                "Managed Service Identity",
                application_record("Add service principal credentials", change("KeyDescription", [], [key(1)])),
                {"app-credential-added", "app-credential-outside-saml"},
            ),
            (
                MANAGED_IDENTITIES,
                "anything",
                application_record("Add service principal credentials", change("KeyDescription", [], [key(1)])),
                set[str](),
            ),
        ],
    )
    def test_a_service_is_known_by_its_id_and_never_by_its_name(
        self, actor_id: str, name: str, record: Record, met: set[str]
    ) -> None:
        assert met_by(record | {"initiatedBy": by_service(actor_id, name)}) == met

    def test_consent_names_a_service_and_means_a_person(self) -> None:
        by_ests = {"user": BY_USER["user"] | {"displayName": "Azure ESTS Service", "ipAddress": "20.190.129.4"}}
        actor = audit_event_of(app_role_record("Mail.ReadWrite", initiatedBy=by_ests)).actor
        assert (actor.id, actor.name) == (ADMINISTRATOR, "morgan@fabrikam.onmicrosoft.com")

    def test_a_name_may_be_missing_where_the_id_is_not(self) -> None:
        nameless = {"user": {"id": COLLEAGUE.upper(), "userPrincipalName": None, "displayName": None}, "app": None}
        actor = audit_event_of(role_record("Add member to role", initiatedBy=nameless)).actor
        assert (actor.id, actor.name) == (COLLEAGUE, "")


class TestValues:
    def test_a_scalar_is_json_in_a_string(self) -> None:
        record = role_record("Add member to role")
        names = {one["displayName"]: one["newValue"] for one in record["targetResources"][0]["modifiedProperties"]}
        assert names["Role.DisplayName"] == '"Privileged Role Administrator"'
        changes = {one.name: one.new for one in audit_event_of(record).target.changes}
        assert changes["Role.DisplayName"] == "Privileged Role Administrator"

    def test_log_analytics_wraps_it_once_more(self) -> None:
        row = audit_row(role_record("Add member to role"))
        assert isinstance(row["TargetResources"], str)
        assert met_by(row) == met_by(diagnostic_record(role_record("Add member to role"))) == {"role-assigned"}

    def test_a_secret_s_name_may_hold_commas_and_brackets(self) -> None:
        spoofing = key(1, f"x],{key(2)}")
        assert met_by(application_record(SECRETS, change("KeyDescription", [spoofing], [spoofing, key(2)]))) == {
            "app-credential-added"
        }
        assert met_by(application_record(SECRETS, change("KeyDescription", [key(1)], [spoofing]))) == set()

    def test_a_key_that_vanished_is_a_change(self) -> None:
        without = {name: value for name, value in CA_POLICY.items() if name != "grantControls"}
        record = ca_policy_record("Update conditional access policy", old=CA_POLICY, new=without)
        assert met_by(record) == {"ca-policy-updated"}
        shown = diff_of(audit_event_of(record).target.changes, {})
        assert any(one.path.startswith("grantControls") for one in shown)

    def test_an_old_value_may_be_missing(self) -> None:
        added = change("AppAddress", None, addresses("https://evil.example/"))
        del added["oldValue"]
        assert met_by(application_record("Update application", added)) == {"app-redirect-changed"}


class TestGrants:
    def test_they_are_cumulative(self) -> None:
        before, after = "User.Read Mail.ReadWrite", "Mail.ReadWrite  User.Read"
        assert met_by(delegated_record(after, before=before)) == set()

    def test_one_can_be_widened_by_a_record_of_its_removal(self) -> None:
        record = delegated_record(
            "offline_access Mail.Send", before="offline_access", activity="Remove delegated permission grant"
        )
        assert met_by(record) == {"delegated-permission-granted"}


class TestOutcome:
    def test_failure_exists_for_every_activity(self) -> None:
        assert met_by(role_record("Add member to role", result="failure")) == set()
        assert met_by(app_role_record("Mail.ReadWrite", result="failure")) == set()

    def test_failures_on_privileged_accounts_are_kept(self) -> None:
        record = account_record("Reset password (by admin)", identity=ROLE_HOLDER, result="failure")
        assert met_by(record) == {"privileged-password-changed"}

    def test_a_period_at_the_end_is_the_unified_audit_log_s(self) -> None:
        assert met_by(role_record("Add member to role.", identity=APPLICATION)) == set()


class TestSignIns:
    @staticmethod
    def read(record: Record) -> SignInEvent:
        (reading,) = read_batch(json.dumps(record).encode(), tenant_id=TENANT, interest=everything)
        assert isinstance(reading.event, SignInEvent)
        return reading.event

    def test_a_success_has_a_failure_reason(self) -> None:
        assert SUCCESS["failureReason"] == "Other."
        assert SignIn.error_code.read(self.read(sign_in_record(status=SUCCESS))) == "0"

    @pytest.mark.parametrize("location", [None, {}, {"city": "", "state": "", "countryOrRegion": ""}])
    def test_a_country_may_be_missing(self, location: Record | None) -> None:
        assert SignIn.country.read(self.read(sign_in_record(location=location))) == ""

    def test_v1_has_no_protocol(self) -> None:
        assert SignIn.protocol.read(self.read(sign_in_record())) == ""
