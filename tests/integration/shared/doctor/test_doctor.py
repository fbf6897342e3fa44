"""What each check makes of what it reads, and that what couldn't be read is never green."""

import base64
import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates
from cryptography.x509.oid import NameOID

from infra.local.operators import local_operators
from infra.local.world import ALICE, B2C_TENANT, RESPONDER, RESPONDER_B2C, SUBSCRIPTION, WORKFORCE_TENANT
from responders.content import CONTENT as APP_CONTENT
from responders.doctor import CHECKS, CONTENT
from responders.permissions import GRANTS
from responders.sources import SIGN_IN_LOG
from shared.authority.operators import Operator
from shared.authority.owners import NamedOwner
from shared.checks.check import Line, Status, Unread
from shared.checks.run import run_checks
from shared.clients.api import Answer, TenantEdges
from shared.clients.log_analytics import Workspace
from shared.clients.storage import Storage
from shared.clients.storage_names import QUEUES, Container, Table
from shared.clients.web import PlainWeb, WebResponse
from shared.detect.rosters import STALE, Roster, RosterKind, Rosters
from shared.doctor.context import JUST_LOOK, Asked, DoctorContext
from shared.doctor.identity import claims_from
from shared.doctor.people import who_could_confirm
from shared.doctor.sources import LICENCE_CURE, ago
from shared.ingest.poll import NO_LICENCE
from shared.ingest.stream import Arrivals
from shared.model.calls import Service
from shared.model.errors import EdgeError, Refused, Rejected, Unreachable
from shared.model.kinds import ApprovalList, Mode, ObjectKind, TenantKind
from shared.model.objects import SCHEMA, Acceptance, ObjectId, key_of
from shared.model.permissions import Tier
from shared.model.settings import Settings, Tenant
from shared.notify.paged import Channel
from shared.notify.reached import note_asked, note_reached
from shared.objects.object_store import Kept
from shared.respond.delivery_times import store_delivery_time
from shared.runtime import Runtime, build_runtime
from tests.fakes.clock import NOW, FakeClock
from tests.fakes.guarded_objects import a_state
from tests.fakes.http_service import Reply, http_service
from tests.fakes.runtime import SETTINGS, approval
from tests.fakes.spoilt_storage import UNREACHABLE_STORAGE
from tests.fakes.tenant import Unpaced, answer_of
from tests.unit.shared.clients.test_transports import Holder

_STORAGE_CHECKS: Final = {"storage-reachable", "tables-there", "containers-there", "queue-there"}
_EMPTY: Final[dict[str, Any]] = {"value": []}
_ROLE: Final = "0a0a0a0a-1b2c-4d3e-8f90-a1b2c3d4e5f6"


def roles(kind: TenantKind, tier: Tier = Tier.ACT) -> list[str]:
    return [
        each.permission
        for each in CONTENT.grants
        if each.kind is kind and each.is_in(tier) and not each.is_azure_action
    ]


@dataclass(slots=True, kw_only=True)
class Installation:
    """Everything healthy, for a test to spoil. `answers` gives ARM's and Graph's, by the URL's end; None is a 404."""

    storage: Mapping[str, str]
    settings: dict[str, str] = field(default_factory=dict[str, str])
    clock: FakeClock = field(default_factory=FakeClock)
    answers: dict[str, Any] = field(default_factory=dict[str, Any])
    claims: dict[TenantKind, Mapping[str, Any] | EdgeError] = field(
        default_factory=lambda: {
            TenantKind.WORKFORCE: {
                "tid": WORKFORCE_TENANT,
                "oid": RESPONDER.id,
                "roles": roles(TenantKind.WORKFORCE),
            },
            TenantKind.B2C: {"tid": B2C_TENANT, "oid": RESPONDER_B2C.id, "roles": roles(TenantKind.B2C)},
        }
    )
    answer: WebResponse | EdgeError = field(
        default_factory=lambda: WebResponse(status=401, headers={"date": "Mon, 02 Mar 2026 10:05:00 GMT"})
    )
    workspace: Workspace | None = None
    asked: Asked = JUST_LOOK
    asked_of_web: list[str] = field(default_factory=list[str])
    queries: list[Mapping[str, str]] = field(default_factory=list[Mapping[str, str]])

    @property
    def environment(self) -> dict[str, str]:
        return {**SETTINGS, **self.storage, **self.settings}

    def ask(self, method: str, url: str) -> WebResponse:
        self.asked_of_web.append(f"{method} {url}")
        if isinstance(self.answer, EdgeError):
            raise self.answer
        return self.answer

    def exchange(
        self, method: str, url: str, *, query: Mapping[str, str], body: bytes | None, content_type: str
    ) -> Answer:
        assert (method, body) == ("GET", None), url
        del content_type
        self.queries.append(query)
        found: Any = next((value for end, value in self.answers.items() if url.endswith(end)), _EMPTY)
        if isinstance(found, EdgeError):
            raise found
        missing = {"error": {"code": "Request_ResourceNotFound", "message": "none"}}
        return answer_of(missing, 404) if found is None else answer_of(found)

    def _claims_of(self, _settings: Settings, tenant: Tenant) -> Mapping[str, Any]:
        claims = self.claims[tenant.kind]
        if isinstance(claims, EdgeError):
            raise claims
        return claims

    def _connect(self, settings: Settings) -> Runtime:
        transports = dict.fromkeys(Service, self)
        edges = {
            tenant.id: TenantEdges(tenant=tenant, transports=transports, pacer=Unpaced(), wait=self.clock.wait)
            for tenant in settings.tenants
        }
        made = build_runtime(
            settings,
            APP_CONTENT,
            environment=self.environment,
            clock=self.clock,
        )
        return copy.replace(made, edges=edges, workspace=self.workspace)

    @property
    def context(self) -> DoctorContext:
        return DoctorContext(
            environment=self.environment,
            content=CONTENT,
            connect=self._connect,
            claims_of=self._claims_of,
            web=self,
            clock=self.clock,
            wait=self.clock.wait,
            asked=self.asked,
        )

    def look(self, *only: str) -> list[Line]:
        """Run some checks, or all."""
        checks = [check for check in CHECKS if not only or check.id in only]
        assert only == () or len(checks) == len(only)
        return list(run_checks(checks, self.context).lines)

    def found(self, *only: str) -> list[tuple[str, str]]:
        """Run some checks, and give their lines as status and text."""
        return [(line.status.value, line.found) for line in self.look(*only)]


@pytest.fixture
def there(environment: dict[str, str], storage: Storage) -> Installation:
    """Give a healthy installation over an account of its own, with its tables."""
    del storage
    return Installation(storage=environment)


# Wrong settings.


def test_with_wrong_settings_nothing_is_green_but_what_needs_none(there: Installation) -> None:
    there.settings = {"WORKFORCE_TENANT_ID": "contoso"}
    by_status: dict[Status, set[str]] = {}
    for line in there.look():
        by_status.setdefault(line.status, set()).add(line.check)
    assert by_status[Status.FAILED] == {"settings-right"}
    assert by_status[Status.OK] == _STORAGE_CHECKS
    assert by_status[Status.UNKNOWN] == {check.id for check in CHECKS} - _STORAGE_CHECKS - {"settings-right"}


def test_each_check_declares_that_it_reads_the_settings_but_those_of_storage(there: Installation) -> None:
    there.settings = {"WORKFORCE_TENANT_ID": "contoso"}
    stopped = {check.id for check in CHECKS if any(_is_unread(read, there.context) for read in check.reads)}
    assert stopped == {check.id for check in CHECKS} - _STORAGE_CHECKS - {"settings-right"}


def _is_unread(read: Callable[[DoctorContext], object], context: DoctorContext) -> bool:
    try:
        read(context)
    except Unread:
        return True
    return False


def test_a_threshold_of_no_detection_is_a_wrong_setting(there: Installation) -> None:
    there.settings = {"VOCABULARY": '{"thresholds": {"no-such-detection": 3}}'}
    (line,) = there.look("settings-right")
    assert line.status is Status.FAILED
    assert "VOCABULARY.thresholds has 'no-such-detection'" in line.found


# Storage.


def test_storage_that_does_not_answer_is_said_once_and_waited_for_once() -> None:
    lines = Installation(storage=UNREACHABLE_STORAGE).look(*_STORAGE_CHECKS, "kill-switch-off", "reads-allowed")
    by_check = {line.check: line for line in lines}
    assert by_check["storage-reachable"].status is Status.FAILED
    assert "storage gave no answer" in by_check["storage-reachable"].found
    for check in ("tables-there", "containers-there", "queue-there", "kill-switch-off"):
        assert by_check[check].status is Status.UNKNOWN
    assert by_check["reads-allowed"].status is Status.OK


def test_a_connection_string_that_is_none() -> None:
    (line,) = Installation(storage={"AzureWebJobsStorage": "the account"}).look("storage-reachable")
    assert line.status is Status.FAILED
    assert "AzureWebJobsStorage" in line.found + line.cure
    assert "the account" not in line.found


def test_an_empty_account_misses_everything_and_nothing_is_made(environment: dict[str, str]) -> None:
    there = Installation(storage=environment)
    for _ in range(2):
        found = there.found("tables-there", "containers-there", "queue-there")
        assert ("failed", "table Cases is missing") in found
        assert ("failed", "container evidence is missing") in found
        assert ("failed", "queue cases is missing") in found
        assert len(found) == len(Table) + len(Container) + 2 * len(QUEUES)


def test_evidence_is_looked_for_in_its_own_account(there: Installation, new_account: Callable[[], str]) -> None:
    there.settings = {"EvidenceStorage": new_account()}
    assert there.found("containers-there") == [("failed", "container evidence is missing")]


# The identity.


def _without(there: Installation, kind: TenantKind, *names: str) -> None:
    claims = there.claims[kind]
    assert isinstance(claims, Mapping)
    there.claims[kind] = {**claims, "roles": [name for name in claims["roles"] if name not in names]}


def test_no_token_is_no_permission(there: Installation) -> None:
    there.claims[TenantKind.B2C] = Unreachable("the authority is down")
    for check in ("identity-right", "graph-permissions-exact"):
        workforce, b2c = there.look(check)
        assert workforce.status is Status.OK
        assert (b2c.status, b2c.found) == (Status.UNKNOWN, "Azure AD B2C: the authority is down")


def test_a_token_without_roles_lacks_what_watching_needs(there: Installation) -> None:
    there.claims[TenantKind.B2C] = {"tid": B2C_TENANT, "oid": RESPONDER_B2C.id}
    _, *b2c = there.found("graph-permissions-exact")
    assert [text.split()[3] for _, text in b2c] == roles(TenantKind.B2C, Tier.WATCH)


def test_restraining_unasked_without_the_permission_is_warned_of(there: Installation) -> None:
    assert [status for status, _ in there.found("restraints-possible")] == ["ok"]
    there.context.runtime.controls.set_mode("*", Mode.ENFORCE, by="a test")
    assert [status for status, _ in there.found("restraints-possible")] == ["ok"], "it takes enforce by name"
    there.context.runtime.controls.set_mode("role-assigned", Mode.ENFORCE, by="a test")
    found = there.found("restraints-possible")
    assert [(status, "User.EnableDisableAccount.All" in text) for status, text in found] == [("warning", True)] * 2
    for kind in TenantKind:
        claims = there.claims[kind]
        assert isinstance(claims, dict)
        there.claims[kind] = {**claims, "roles": [*claims["roles"], "User.EnableDisableAccount.All"]}
    assert [status for status, _ in there.found("restraints-possible")] == ["ok", "ok"]


def test_the_other_tenants_token(there: Installation) -> None:
    there.claims[TenantKind.B2C] = there.claims[TenantKind.WORKFORCE]
    _, tenant, identity = there.look("identity-right")
    assert f"B2C_TENANT_ID is {B2C_TENANT}" in tenant.found
    assert identity.cure.startswith(f"Set B2C_RESPONDER_ID to {RESPONDER.id}")


def test_enforcing_without_permission_is_a_failure(there: Installation) -> None:
    acting = (each for each in GRANTS if (each.kind, each.tier) == (TenantKind.B2C, Tier.ACT))
    _without(there, TenantKind.B2C, *(str(each.permission) for each in acting))
    assert {status for status, _ in there.found("graph-permissions-exact")} == {"ok"}
    there.context.runtime.controls.set_mode("b2c-custom-policy-deleted", Mode.ENFORCE, by="a test")
    failed = [text for status, text in there.found("graph-permissions-exact") if status == "failed"]
    missing = "Azure AD B2C: Policy.ReadWrite.TrustFramework is missing; needed by "
    assert any(text.startswith(missing) for text in failed)


def test_what_was_granted_by_hand_is_warned_of(there: Installation) -> None:
    claims = there.claims[TenantKind.WORKFORCE]
    assert isinstance(claims, dict)
    for name in sorted(there.context.content.by_hand):
        there.claims[TenantKind.WORKFORCE] = claims | {"roles": [*claims["roles"], name]}
        (status, text), _ = there.found("graph-permissions-exact")
        assert (status, name in text, "harm the whole tenant" in text) == ("warning", True, True)


def _assigned(scope: str) -> dict[str, Any]:
    definition = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{_ROLE.upper()}"
    return {"value": [{"id": "x", "properties": {"roleDefinitionId": definition, "scope": scope}}]}


def _role(*actions: str, not_actions: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"properties": {"permissions": [{"actions": actions, "notActions": not_actions}]}}


_WATCH: Final = (
    "Microsoft.Authorization/roleAssignments/read",
    "Microsoft.Authorization/roleDefinitions/read",
    "Microsoft.Authorization/roleAssignmentScheduleRequests/read",
    "Microsoft.Authorization/locks/read",
    "Microsoft.Insights/diagnosticSettings/read",
    "Microsoft.EventGrid/systemTopics/eventSubscriptions/read",
    "Microsoft.Insights/eventtypes/values/read",
    "Microsoft.Support/services/read",
    "Microsoft.Support/services/problemClassifications/read",
    "Microsoft.Support/supportTickets/read",
)
_WRITE: Final = "Microsoft.Authorization/roleAssignments/write"
_DELETE: Final = "Microsoft.Authorization/roleAssignments/delete"
_TICKET: Final = "Microsoft.Support/supportTickets/write"
_LOGS: Final = (
    "Microsoft.Insights/diagnosticSettings/write",
    "Microsoft.Insights/diagnosticSettings/delete",
    "Microsoft.EventGrid/systemTopics/eventSubscriptions/write",
    "Microsoft.EventGrid/systemTopics/eventSubscriptions/delete",
)
_AT: Final = f"/subscriptions/{SUBSCRIPTION}"


@pytest.mark.parametrize(
    ("scope", "role", "expected"),
    [
        (_AT, _role(*_WATCH), ["the roles allow what tier watch needs"]),
        (_AT, _role(*_WATCH, _WRITE, _DELETE, *_LOGS, _TICKET), ["the roles allow what tier act needs"]),
        (_AT, _role("*"), ["the roles allow what tier act needs"]),
        (
            "/",
            _role("microsoft.authorization/*", "microsoft.insights/*", "microsoft.eventgrid/*", "microsoft.support/*"),
            ["the roles allow what tier act needs"],
        ),
        (
            "/providers/Microsoft.Management/managementGroups/mg",
            _role(*_WATCH),
            ["the roles allow what tier watch needs"],
        ),
        (_AT, _role(*_WATCH, _WRITE, *_LOGS, _TICKET), [f"{_DELETE} is missing; needed by rbac-role-assigned"]),
        (_AT, _role("*", not_actions=("Microsoft.Authorization/*/Delete",)), [f"{_DELETE} is missing; needed by "]),
        (f"{_AT}/resourceGroups/rg", _role("*"), [f"{each} is missing" for each in _WATCH]),
        (_AT, None, [f"{each} is missing" for each in _WATCH]),
    ],
)
def test_azure_roles_are_read_for_what_they_allow(
    there: Installation, scope: str, role: dict[str, Any] | None, expected: list[str]
) -> None:
    there.answers = {"/roleAssignments": _assigned(scope), f"/roleDefinitions/{_ROLE}": role}
    lines = there.look("azure-actions-held")
    assert len(lines) == len(expected)
    for line, text in zip(lines, expected, strict=True):
        assert line.found.startswith(f"subscription {SUBSCRIPTION}: {text}")
        assert (line.status is Status.OK) == text.startswith("the roles allow")


def test_an_answer_about_roles_that_is_none(there: Installation) -> None:
    there.answers = {"/roleAssignments": {"value": [{"id": "x"}]}}
    ((status, text),) = there.found("azure-actions-held")
    assert status == "unknown"
    assert "isn't as expected" in text


@pytest.mark.parametrize("token", ["", "opaque", "a.b.c", "a.!.c", f"a.{base64.urlsafe_b64encode(b'[]').decode()}.c"])
def test_a_token_that_cannot_be_looked_into(token: str) -> None:
    with pytest.raises(Unread):
        claims_from(token)


def test_a_tokens_claims() -> None:
    claims = {"roles": ["Policy.Read.All"], "tid": "ä"}
    payload = base64.urlsafe_b64encode(msgspec.json.encode(claims)).decode().rstrip("=")
    assert claims_from(f"a.{payload}.c") == claims


# The certificate.


def _certificate(*, days: int, form: str) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "made-up.example")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    end = NOW + timedelta(days=days, minutes=1)
    made = (
        builder.serial_number(1)
        .not_valid_before(end - timedelta(days=800))
        .not_valid_after(end)
        .sign(key, hashes.SHA256())
    )
    if form == "pfx":
        content = serialize_key_and_certificates(b"x", key, made, None, serialization.NoEncryption())
    else:
        plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        content = key.private_bytes(serialization.Encoding.PEM, *plain) + made.public_bytes(serialization.Encoding.PEM)
    return base64.b64encode(content).decode()


@pytest.mark.parametrize("form", ["pem", "pfx"])
@pytest.mark.parametrize(
    ("days", "status", "part"),
    [(700, "ok", "until 2028-01-31"), (27, "warning", "27 days more"), (-1, "failed", "it has run out")],
)
def test_a_certificate_that_runs_out_is_named_in_time(
    there: Installation, form: str, days: int, status: str, part: str
) -> None:
    there.settings = {"B2C_CERTIFICATE": _certificate(days=days, form=form)}
    ((found, text),) = there.found("b2c-certificate-lasting")
    assert found == status
    assert part in text


@pytest.mark.parametrize("setting", ["no-such-file.pem", base64.b64encode(b"not a certificate").decode()])
def test_a_certificate_that_is_none(there: Installation, setting: str) -> None:
    there.settings = {"B2C_CERTIFICATE": setting}
    ((found, text),) = there.found("b2c-certificate-lasting")
    assert found == "unknown"
    assert setting not in text


def test_no_b2c_tenant_no_certificate(there: Installation) -> None:
    there.settings = {"B2C_TENANT_ID": ""}
    assert there.found("b2c-certificate-lasting") == [("ok", "there is no B2C tenant")]


# Reads.


def test_each_read_has_its_line_and_an_empty_tenant_is_no_fault(there: Installation) -> None:
    found = there.found("reads-allowed")
    assert {status for status, _ in found} == {"ok"}
    assert len(found) == len(CONTENT.read_probes)
    assert ("ok", "Entra ID: GET {role_assignment}: nothing there to read yet") in found


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Refused("not you", needed=("Policy.Read.All",)), "failed"),
        (Rejected("not so"), "failed"),
        (Unreachable("nobody there"), "unknown"),
    ],
)
def test_a_read_that_fails_does_not_hide_the_others(there: Installation, error: EdgeError, status: str) -> None:
    there.answers = {"/trustFramework/policies": error}
    bad = [line for line in there.found("reads-allowed") if line[0] != "ok"]
    assert [one for one, _ in bad] == [status] * 2
    assert all(str(error) in text and "Azure AD B2C: GET /trustFramework/policies" in text for _, text in bad)


# Sources.


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-5, "0 s ago"), (59, "59 s ago"), (60, "1 min ago"), (7199, "1 h ago"), (172_800, "2 d ago")],
)
def test_ages_in_words(seconds: int, text: str) -> None:
    assert ago(timedelta(seconds=seconds)) == text


def test_nothing_has_come_yet(there: Installation) -> None:
    assert set(there.found("audit-log-polled")) == {
        ("failed", "Entra ID, last read of the audit log: never so far"),
        ("failed", "Azure AD B2C, last read of the audit log: never so far"),
    }
    swept = [each for each in CONTENT.kinds if not (each.inventory.is_of_tier_act or each.inventory.is_by_hand)]
    """Kinds that only tier act, or no tier, may read are unknown until they were read once."""
    assert len([one for one in there.found("snapshots-fresh") if one[0] == "failed"]) == len(swept)
    assert there.found("events-arriving") == [("warning", f"subscription {SUBSCRIPTION}, last event: none so far")]


def _swept(there: Installation, storage: Storage) -> None:
    for tenant_id, kinds in ((WORKFORCE_TENANT, TenantKind.WORKFORCE), (B2C_TENANT, TenantKind.B2C)):
        for kind in {each.kind for each in CONTENT.kinds if each.tenant_kind is kinds}:
            columns = {"confirmed_at": there.clock().isoformat(), "objects": 2}
            storage.upsert(Table.CURSORS, "sweep", f"{tenant_id}|{kind}", columns)


def _store_policies(there: Installation) -> tuple[Kept, Kept]:
    objects = there.context.runtime.objects
    ids = {name: ObjectId(tenant_id=WORKFORCE_TENANT, kind=ObjectKind.CA_POLICY, key=key_of(name)) for name in "ab"}
    first, second = (objects.insert(a_state(name, id=each)) for name, each in ids.items())
    assert first is not None
    assert second is not None
    return first, second


def test_what_nobody_has_accepted_is_counted(there: Installation, storage: Storage) -> None:
    _swept(there, storage)
    first, second = _store_policies(there)
    (line,) = [line for line in there.look("baseline-accepted") if line.status is not Status.OK]
    assert line.status is Status.WARNING
    assert line.found.startswith("Entra ID, ca-policy: nobody has accepted 2 of 2; of these only what approved")
    assert "responder baseline accept --listing" in line.cure
    objects = there.context.runtime.objects
    for kept, uncovered in ((first, ()), (second, ("state",))):
        acceptance = Acceptance(at=there.clock(), by="Alice", leaves={}, uncovered=uncovered)
        objects.replace(kept, copy.replace(kept.state, acceptances=(acceptance,)))
    ((_, found),) = [line for line in there.found("baseline-accepted") if line[0] != "ok"]
    assert "nobody has accepted 1 of 2" in found
    second = objects.read(second.id)
    assert second is not None
    whole = Acceptance(at=there.clock(), by="Alice", leaves={})
    objects.replace(second, copy.replace(second.state, acceptances=(whole,)))
    assert ("ok", "Entra ID, ca-policy: all 2 are accepted") in there.found("baseline-accepted")
    assert {status for status, _ in there.found("baseline-accepted")} == {"ok"}


def test_it_says_whether_anybody_could_change_a_baseline(there: Installation) -> None:
    assert [status for status, _ in there.found("baselines-signed")] == ["warning"]
    there.settings = {"STATE_KEYS": "5a" * 32}
    assert [status for status, _ in there.found("baselines-signed")] == ["ok"]
    there.settings = {"STATE_KEYS": "@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/state-keys)"}
    ((status, text),) = there.found("baselines-signed")
    assert (status, "state-keys" in text) == ("failed", True)


def test_what_was_never_read_or_is_of_newer_code_does_not_count_as_accepted(
    there: Installation, storage: Storage
) -> None:
    read = [status for status, text in there.found("baseline-accepted") if ": off; " not in text]
    assert set(read) == {"unknown"}
    _swept(there, storage)
    kept, _ = _store_policies(there)
    columns = {**kept.row.columns, "schema": SCHEMA + 1}
    storage.upsert(Table.OBJECTS, kept.row.partition, kept.row.key, columns)
    assert [text for status, text in there.found("baseline-accepted") if status == "unknown"] == [
        "Entra ID, ca-policy: 1 of 2 rows were written by newer code or can't be read"
    ]


def test_the_sign_in_log_is_judged_like_the_audit_log(there: Installation, storage: Storage) -> None:
    at = (there.clock() - timedelta(minutes=3)).isoformat()
    storage.upsert(Table.CURSORS, SIGN_IN_LOG.cursors, WORKFORCE_TENANT, {"done_until": at})
    assert there.found("sign-ins-polled") == [
        ("ok", "Entra ID, last read of the sign-in log: 3 min ago"),
        ("failed", "Azure AD B2C, last read of the sign-in log: never so far"),
    ]


def test_a_tenant_without_a_licence_for_sign_ins(there: Installation, storage: Storage) -> None:
    for tenant_id in (WORKFORCE_TENANT, B2C_TENANT):
        storage.upsert(Table.CURSORS, SIGN_IN_LOG.cursors, tenant_id, {"unlicensed": True})
    there.answers = {"/auditLogs/signIns": Refused("not licensed", code=NO_LICENCE)}
    polled, read = there.look("sign-ins-polled"), there.look("reads-allowed")
    bad = [*polled, *(line for line in read if line.status is not Status.OK)]
    assert [line.status for line in bad] == [Status.FAILED] * 4
    assert polled[0].found == "Entra ID: the tenant has no licence for the sign-in log"
    assert {line.cure for line in bad} == {LICENCE_CURE}


def _workspace_says(latest: object) -> Reply:
    columns = [{"name": "latest", "type": "datetime"}]
    return Reply(
        body=msgspec.json.encode({"tables": [{"name": "PrimaryResult", "columns": columns, "rows": [[latest]]}]}),
        headers={"Content-Type": "application/json"},
    )


@pytest.mark.parametrize(
    ("reply", "status", "said"),
    [
        (_workspace_says("2026-03-02T10:01:00Z"), "ok", "the latest sign-in in the workspace: 4 min ago"),
        (_workspace_says(None), "failed", "no sign-in reached the workspace in the last 1 day"),
        (Reply(status=403), "unknown", "couldn't be checked: Log Analytics answered 403"),
    ],
)
def test_a_workspace_that_counts_is_asked(there: Installation, reply: Reply, status: str, said: str) -> None:
    with http_service(reply) as service:
        there.workspace = Workspace(url=service.url, workspace_id=WORKFORCE_TENANT, credential=Holder())
        ((found, text),) = there.found("workspace-answers")
    assert found == status
    assert text.startswith(said)


def test_without_a_workspace_the_app_counts(there: Installation) -> None:
    ((status, text),) = there.found("workspace-answers")
    assert (status, "the app counts" in text) == ("ok", True)


def test_sign_ins_that_are_switched_off_are_not_missed(there: Installation) -> None:
    there.settings = {"SIGN_INS": "off"}
    there.answers = {"/auditLogs/signIns": Refused("not licensed", code=NO_LICENCE)}
    assert {status for status, _ in there.found("sign-ins-polled", "reads-allowed")} == {"ok"}


def test_an_event_came(there: Installation, storage: Storage) -> None:
    store_delivery_time(storage, SUBSCRIPTION, now=there.clock() - timedelta(hours=5))
    assert there.found("events-arriving") == [("ok", f"subscription {SUBSCRIPTION}, last event: 5 h ago")]


@pytest.mark.parametrize(
    ("gone", "status", "said"),
    [
        (
            timedelta(hours=2),
            "ok",
            "last audit records by the stream: 2 h ago; categories that came: AuditLogs, SignInLogs",
        ),
        (timedelta(days=2), "warning", "last audit records by the stream: 2 d ago"),
        (None, "failed", "last audit records by the stream: none so far"),
    ],
)
def test_the_stream_is_judged_by_what_came_of_each_tenant(
    there: Installation, storage: Storage, gone: timedelta | None, status: str, said: str
) -> None:
    there.settings = {"AUDIT_STREAM_HUB": "logs", "AUDIT_STREAM__fullyQualifiedNamespace": "x.servicebus.windows.net"}
    now = there.clock()
    Arrivals(storage).note([(WORKFORCE_TENANT, "SignInLogs", now), (B2C_TENANT, "SignInLogs", now)], now=now)
    if gone is not None:
        Arrivals(storage).note([(WORKFORCE_TENANT, "AuditLogs", now)], now=now - gone)
    workforce, b2c = there.look("stream-arriving")
    assert (workforce.status, said in workforce.found) == (status, True)
    assert (b2c.status, "stream.sh --b2c" in b2c.cure) == ("failed", True)


def test_without_a_stream_none_is_missed(there: Installation) -> None:
    assert there.found("stream-arriving") == [("ok", "AUDIT_STREAM_HUB is empty: the logs are polled alone")]


# Rosters.


def test_a_roster_is_fresh_stale_or_was_never_read(there: Installation, storage: Storage) -> None:
    edges = {
        tenant.kind: TenantEdges(tenant=tenant, transports={}, pacer=Unpaced(), wait=there.clock.wait)
        for tenant in there.context.tenants()
    }
    roster = Roster(
        kind=RosterKind.PRIVILEGED_ACCOUNTS, tenant_kinds=tuple(TenantKind), calls=(), read=lambda _edges: [ALICE.id]
    )
    kept = Rosters(storage, (roster,), clock=there.clock)
    kept.sweep(roster, edges[TenantKind.B2C])
    there.clock.move(STALE)
    kept.sweep(roster, edges[TenantKind.WORKFORCE])
    there.clock.move(timedelta(minutes=5))
    assert set(there.found("rosters-fresh")) == {
        ("ok", "Entra ID, privileged-accounts: 1 known, read 5 min ago"),
        ("failed", "Azure AD B2C, privileged-accounts: 1 known, read 2 h ago"),
        ("failed", "Entra ID, role-assignable-groups: never read so far"),
        ("failed", "Azure AD B2C, role-assignable-groups: never read so far"),
        ("failed", "Entra ID, azure-administrators: never read so far"),
        ("failed", "Entra ID, policy-groups: never read so far"),
    }


def test_a_roster_that_cannot_be_read_does_not_hide_the_others(there: Installation, storage: Storage) -> None:
    storage.upsert(Table.ROSTERS, RosterKind.PRIVILEGED_ACCOUNTS, WORKFORCE_TENANT, {"count": 1})
    statuses = [status for status, _ in there.found("rosters-fresh")]
    assert (statuses.count("unknown"), statuses.count("failed")) == (1, 5)


@pytest.mark.parametrize("error", [Rejected, Refused])
def test_a_read_that_needs_a_licence_is_no_fault_in_a_tenant_without_it(
    there: Installation, error: type[Rejected | Refused]
) -> None:
    there.answers = {"/roleEligibilityScheduleInstances": error("gave 400 AadPremiumLicenseRequired: P2")}
    ((status, text),) = [one for one in there.found("reads-allowed") if "roleEligibilityScheduleInstances" in one[1]]
    assert status == "ok"
    assert text.endswith("the tenant has no licence for it, and so nothing there to read")
    there.answers = {"/roleManagement/directory/roleAssignments": error("gave 400 AadPremiumLicenseRequired: P2")}
    listing = "GET /roleManagement/directory/roleAssignments"
    bad = [text for status, text in there.found("reads-allowed") if status == "failed" and listing in text]
    assert len(bad) == 2, "what needs no licence is a fault, in both tenants"


def test_the_ids_of_a_probe_fill_its_query(there: Installation) -> None:
    group = "0a0a0a0a-0000-4000-8000-000000000001"
    there.answers = {"/groups": {"value": [{"id": group}]}}
    there.look("reads-allowed")
    assert f"groupId eq '{group}'" in {query.get("$filter") for query in there.queries}


# Channels and the web.


def test_only_the_host_of_a_channel_is_asked(there: Installation) -> None:
    assert {status for status, _ in there.found("teams-reachable", "pagerduty-reachable")} == {"ok"}
    assert there.asked_of_web == ["OPTIONS https://flows.example/", "OPTIONS https://events.pagerduty.com/"]


@pytest.mark.parametrize("answer", [Unreachable("flows.example gave no answer"), WebResponse(status=503, headers={})])
def test_a_channel_that_is_down(there: Installation, answer: WebResponse | EdgeError) -> None:
    there.answer = answer
    assert {status for status, _ in there.found("teams-reachable", "pagerduty-reachable")} == {"failed"}


def test_a_channel_that_is_not_set(there: Installation) -> None:
    there.settings = {"TEAMS_WEBHOOK_URL": ""}
    assert there.found("teams-reachable") == [("warning", "TEAMS_WEBHOOK_URL isn't set")]


@pytest.mark.parametrize(
    ("status", "result"), [(401, "ok"), (403, "ok"), (200, "failed"), (302, "failed"), (404, "failed")]
)
def test_who_may_call_the_app(there: Installation, status: int, result: str) -> None:
    there.answer = WebResponse(status=status, headers={})
    ((found, _),) = there.found("anonymous-refused")
    assert found == result
    assert there.asked_of_web == ["GET https://responder.example/api/cases"]


@pytest.mark.parametrize(
    ("location", "found"),
    [
        ("/.auth/login/aad?post_login_redirect_url=%2Fapi%2Fcases", Status.OK),
        ("https://responder.example/.auth/login/aad", Status.OK),
        ("/api/cases/", Status.FAILED),
        ("", Status.FAILED),
    ],
)
def test_a_sign_in_page_keeps_people_out_too(there: Installation, location: str, found: Status) -> None:
    there.answer = WebResponse(status=302, headers={"location": location})
    assert there.look("anonymous-refused")[0].status is found


def test_where_the_app_is(there: Installation) -> None:
    there.settings = {"CASE_LINK": ""}
    assert there.look("anonymous-refused")[0].status is Status.UNKNOWN
    there.settings = {"CASE_LINK": "", "WEBSITE_HOSTNAME": "app.example"}
    assert there.look("anonymous-refused")[0].status is Status.OK
    assert there.asked_of_web == ["GET https://app.example/api/cases"]


@pytest.mark.parametrize(
    ("date", "status"),
    [
        ("Mon, 02 Mar 2026 10:05:59 GMT", "ok"),
        ("Mon, 02 Mar 2026 10:06:01 GMT", "warning"),
        ("Mon, 02 Mar 2026 10:03:59 GMT", "warning"),
        ("yesterday", "unknown"),
        ("", "unknown"),
    ],
)
def test_the_clock_is_compared_with_graphs(there: Installation, date: str, status: str) -> None:
    there.answer = WebResponse(status=401, headers={"date": date})
    assert there.found("clock-right")[0][0] == status


def test_a_web_server_is_asked_without_any_credential() -> None:
    with http_service(Reply(status=302, headers={"Location": "/elsewhere"})) as service:
        answer = PlainWeb().ask("GET", f"{service.url}/")
        assert answer.status == 302
        assert answer.headers["location"] == "/elsewhere"
        (asked,) = service.asked
    assert (asked.method, asked.path, asked.body) == ("GET", "/", b"")
    assert not {"authorization", "x-functions-key"} & {name.lower() for name in asked.headers}


@pytest.mark.parametrize(
    ("url", "kind"), [("http://127.0.0.1:9/", Unreachable), ("ftp://127.0.0.1/", Rejected), ("http://[", Rejected)]
)
def test_a_web_server_that_is_none(url: str, kind: type[EdgeError]) -> None:
    with pytest.raises(kind):
        PlainWeb().ask("GET", url)


# People.


def test_empty_lists_matter_once_a_detection_pages(there: Installation) -> None:
    there.context.runtime.approvals.approve(approval(ALICE, ApprovalList.CONDITIONAL_ACCESS))
    empty = there.found("approvals-valid")
    assert {status for status, _ in empty} == {"warning"}
    assert not any("conditional-access" in text for _, text in empty)
    there.context.runtime.controls.set_mode("rbac-role-assigned", Mode.PAGE, by="a test")
    statuses = {text.split()[0]: status for status, text in there.found("approvals-valid")}
    assert statuses["rbac-roles"] == "failed"
    assert statuses["b2c-custom-policies"] == "warning"


def test_nobody_is_paged(there: Installation, storage: Storage) -> None:
    assert there.found("owners-named")[0][0] == "warning"
    there.context.runtime.controls.set_mode("*", Mode.PAGE, by="a test")
    assert there.found("owners-named")[0][0] == "failed"
    storage.upsert(Table.OWNERS, "*", "010", {"name": "Alice"})
    assert there.found("owners-named") == [("failed", 'the row "*" 010 has no name or no user principal name')]
    storage.upsert(Table.OWNERS, "*", "010", {"name": "Alice", "upn": "alice@contoso.com"})
    assert there.found("owners-named") == [("ok", 'paged for "*": Alice')]


def _answered(there: Installation, storage: Storage, name: str, days: int | None, *, pagerduty: str = "") -> None:
    upn = f"{name.lower()}@contoso.com"
    storage.upsert(Table.OWNERS, "*", name.lower(), {"name": name, "upn": upn, "pagerduty": pagerduty})
    owner = NamedOwner(scope="*", order=name.lower(), name=name, upn=upn)
    now = there.context.clock()
    note_asked(storage, owner, at=now)
    if days is not None:
        note_reached(storage, owner, Channel.TEAMS, at=now - timedelta(days=days))


def test_owners_who_do_not_answer_are_found(there: Installation, storage: Storage) -> None:
    assert there.found("owners-reachable")[0][0] == "warning"
    storage.upsert(Table.OWNERS, "*", "010", {"name": "Alice", "upn": "alice@contoso.com"})
    ((status, text),) = there.found("owners-reachable")
    assert (status, "the first weekly test hasn't been sent yet" in text, "Alice" in text) == ("unknown", True, True)
    assert "responder owner test" in there.look("owners-reachable")[0].cure
    _answered(there, storage, "Bob", 21, pagerduty="PBOB001")
    _answered(there, storage, "Carol", 22, pagerduty="PCAROL1")
    _answered(there, storage, "Dora", None, pagerduty="PDORA01")
    found = {text.split()[0]: (status, text) for status, text in there.found("owners-reachable")}
    statuses = {name: status for name, (status, _) in found.items()}
    assert statuses == {"Alice": "warning", "Bob": "ok", "Carol": "failed", "Dora": "failed"}
    assert "user in PagerDuty isn't known" in found["Alice"][1]
    assert "last answered 21 days ago (Teams on " in found["Bob"][1]


def test_who_could_declare_an_emergency_and_who_could_confirm(there: Installation, tmp_path: Path) -> None:
    ((status, text),) = there.found("operators-enrolled")
    assert (status, "nobody could declare it, or be the second" in text) == ("warning", True)
    there.settings = dict(local_operators(tmp_path).settings)
    ((status, text),) = there.found("operators-enrolled")
    assert (status, text.startswith("3 operators")) == ("ok", True)
    there.settings |= {"EMERGENCY_KEY_HASH": ""}
    assert [status for status, _ in there.found("operators-enrolled")] == ["ok", "warning"]
    there.settings |= {"EMERGENCY_OPERATORS": "[1]"}
    assert [status for status, _ in there.found("operators-enrolled")] == ["warning", "warning"]


def test_one_operator_alone_has_no_second() -> None:
    one = Operator(id="alice", name="Alice", object_id="a11ce000-3b5d-4c8e-9f21-7d60b4e8a115", keys=())
    same = msgspec.structs.replace(one, id="alice-2")
    other = msgspec.structs.replace(one, id="bob", name="Bob", object_id="b0b00000-0000-4000-8000-000000000002")
    for operators, is_known, status in (
        ((), True, "warning"),
        ((), False, "unknown"),
        ((one,), True, "failed"),
        ((one, same), True, "failed"),
        ((one, other), True, "ok"),
    ):
        assert who_could_confirm(operators, is_known=is_known).status == status


# Secrets that App Service could not read.


@pytest.mark.parametrize(
    ("setting", "secret", "check"),
    [
        ("TEAMS_WEBHOOK_URL", "teams-webhook-url", "teams-reachable"),
        ("PAGERDUTY_ROUTING_KEY", "pagerduty-routing-key", "pagerduty-reachable"),
        ("B2C_CERTIFICATE", "b2c-certificate", "b2c-certificate-lasting"),
    ],
)
def test_a_secret_that_stayed_in_its_vault_is_named_with_what_to_do(
    there: Installation, setting: str, secret: str, check: str
) -> None:
    there.settings = {setting: f"@Microsoft.KeyVault(SecretUri=https://kv.vault.azure.net/secrets/{secret}/)"}
    for line in there.look("settings-right", check):
        assert line.status in {Status.FAILED, Status.UNKNOWN}
        assert f"{setting} didn't resolve (secret {secret})" in line.found
        assert f"the secret {secret} is in the vault and enabled" in line.cure
        assert "configreferences/appsettings/refresh" in line.cure


# A change that somebody made to see it come round.


@pytest.mark.parametrize(
    ("delivered", "status"),
    [(None, "failed"), (timedelta(seconds=-1), "failed"), (timedelta(), "ok"), (timedelta(seconds=9), "ok")],
)
def test_events_since_an_instant_are_asked_for(
    there: Installation, storage: Storage, delivered: timedelta | None, status: str
) -> None:
    since = there.clock() - timedelta(minutes=1)
    there.asked = Asked(since=since)
    if delivered is not None:
        store_delivery_time(storage, SUBSCRIPTION, now=since + delivered)
    ((found, text),) = there.found("events-arriving")
    assert found == status
    assert SUBSCRIPTION in text
    (line,) = there.look("events-arriving")
    assert "event-subscriptions.sh" not in line.cure


def test_each_watched_subscription_has_to_have_had_one(there: Installation, storage: Storage) -> None:
    other = "0badc0de-0000-4000-8000-000000000001"
    there.settings = {"SUBSCRIPTION_IDS": f"{SUBSCRIPTION},{other}"}
    there.asked = Asked(since=there.clock())
    store_delivery_time(storage, SUBSCRIPTION, now=there.clock())
    assert {status for status, _ in there.found("events-arriving")} == {"failed", "ok"}


# The page that people sign in for.

_SENT_TO_SIGN_IN: Final = {"location": "https://app.example/.auth/login/aad?x=1"}


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (WebResponse(status=302, headers=_SENT_TO_SIGN_IN), "ok"),
        (WebResponse(status=401, headers={}), "ok"),
        (WebResponse(status=302, headers={"location": "https://evil.example"}), "failed"),
        (WebResponse(status=403, headers={}), "failed"),
        (WebResponse(status=200, headers={}), "failed"),
        (WebResponse(status=404, headers={}), "failed"),
        (Unreachable("cut"), "unknown"),
    ],
)
def test_people_can_sign_in_to_open_a_case(there: Installation, answer: WebResponse | EdgeError, status: str) -> None:
    there.settings = {"CASE_LINK": "https://app.example/api/console/i/{case}"}
    there.answer = answer
    ((found, _),) = there.found("case-opens")
    assert found == status
    assert there.asked_of_web == ["GET https://app.example/api/console/i/nobody"]


def test_a_case_link_elsewhere_is_nothing_to_sign_in_for(there: Installation) -> None:
    there.settings = {"CASE_LINK": "https://elsewhere.example/{case}"}
    assert [status for status, _ in there.found("case-opens")] == ["ok"]
    assert there.asked_of_web == []
