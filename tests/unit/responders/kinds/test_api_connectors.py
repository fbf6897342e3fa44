"""API connectors of B2C: what is read of how they sign in, what is put back, and what only a person can."""

import copy
import json
import shlex
from datetime import timedelta
from typing import Any, Final

import pytest

from infra.local.tenant.simulated import api_connectors
from infra.local.world import ALICE, MALLORY, Principal
from responders.catalogue import CATALOGUE
from responders.kinds.api_connectors import API_CONNECTOR, SIGN_IN, leaves
from responders.kinds.principals import is_enabled
from shared.model.cases import Case, Decision, Outcome
from shared.model.errors import DoneAlready
from shared.model.events import AuditEvent, Target
from shared.model.kinds import ApprovalList, Image, TenantKind
from shared.model.objects import EXISTS, WHOLE, Op, Recorded
from shared.respond.persons import accept
from shared.respond.resume import resume
from shared.respond.sweep import sweep
from tests.fakes.declared_scenes import record_of
from tests.fakes.kinds import objections, write_of
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import Bench, approval, bench, settings_with
from tests.fakes.situations import AT
from tests.fakes.situations import MALLORY as ACTOR
from tests.fakes.tenant import FakeTenant

KIND: Final = API_CONNECTOR
_SAMPLES: Final = api_connectors.SIMULATED.samples
_ID: Final = _SAMPLES[0].object_id
_CONNECTOR: Final[Image] = _SAMPLES[0].image
_NAME: Final = "CheckCustomerNumber"
_TENANT: Final = next(each for each in settings_with().tenants if each.kind is TenantKind.B2C)


def _with(*connectors: Image) -> FakeTenant:
    tenant = FakeTenant()
    tenant.shelves[KIND.kind] = {str(each["id"]): dict(each) for each in connectors}
    return tenant


def test_how_it_signs_in_is_one_leaf_without_its_secret() -> None:
    assert leaves(_CONNECTOR) == {
        EXISTS: True,
        "displayName": _NAME,
        "targetUrl": "https://customers.contoso.example/Check",
        SIGN_IN: {"type": "basicAuthentication", "username": "b2c"},
    }
    masked = {**_CONNECTOR, SIGN_IN: {**_CONNECTOR[SIGN_IN], "password": "******"}}
    assert leaves(masked) == leaves(_CONNECTOR), "whether Graph masks the password or leaves it out"
    assert SIGN_IN not in leaves({**_CONNECTOR, SIGN_IN: None})
    by_certificate = {SIGN_IN: {"@odata.type": "#microsoft.graph.pkcs12Certificate", "username": "b2c"}}
    assert not KIND.rules.same(SIGN_IN, leaves(_CONNECTOR)[SIGN_IN], leaves(by_certificate | {"id": _ID})[SIGN_IN])


def test_an_address_counts_to_the_letter() -> None:
    lower = leaves({**_CONNECTOR, "targetUrl": "https://customers.contoso.example/check"})
    assert not KIND.rules.same("targetUrl", leaves(_CONNECTOR)["targetUrl"], lower["targetUrl"])


def _event(target: Target, **more: Any) -> AuditEvent:  # noqa: ANN401 - fields
    fields: dict[str, Any] = {
        "id": "1",
        "tenant_id": "t",
        "at": AT,
        "activity": "Update API connector",
        "category": "ResourceManagement",
        "service": "B2C",
        "outcome": "success",
        "reason": "",
        "correlation_id": "",
        "actor": ACTOR,
        "targets": (target,),
    }
    return AuditEvent(**fields | more)


@pytest.mark.parametrize(
    ("target", "object_id"),
    [
        (Target(id=_ID, name=_NAME), _ID),
        (Target(id="x", name=_ID), _ID),
        (Target(id="", name=_NAME), _NAME),
        (Target(id=_NAME, name=""), _NAME),
    ],
)
def test_a_record_names_one_by_its_id_or_its_name(*, target: Target, object_id: str) -> None:
    expected = Recorded(object_id=object_id, name=target.name or target.id, op=Op.UPDATE)
    assert KIND.recorded(_event(target)) == (expected,)


@pytest.mark.parametrize(
    "more",
    [{"outcome": "failure"}, {"service": "Core Directory"}, {"activity": "Get API connector"}, {"targets": ()}],
    ids=str,
)
def test_other_records_say_nothing_of_one(more: dict[str, Any]) -> None:
    assert KIND.recorded(_event(Target(id=_ID, name=_NAME), **more)) == ()


def test_what_is_put_back_says_nothing_of_how_it_signs_in() -> None:
    tenant = _with({**_CONNECTOR, "targetUrl": "https://evil.example/", SIGN_IN: None})
    stands = KIND.read(tenant.edges(), _ID)
    found = objections(KIND, tenant.edges(), _ID, stands, leaves(_CONNECTOR))
    assert found.keys() == {SIGN_IN}
    KIND.write(tenant.edges(), write_of(KIND, _ID, stands, leaves(_CONNECTOR)))
    (write,) = tenant.writes
    assert (write.method, write.body) == ("PATCH", {"targetUrl": _CONNECTOR["targetUrl"]})


def test_the_command_for_what_cannot_be_put_back_has_a_place_for_the_secret() -> None:
    stands = {**_CONNECTOR, SIGN_IN: {**_CONNECTOR[SIGN_IN], "username": "mallory"}}
    found = objections(KIND, FakeTenant().edges(), _ID, stands, leaves(_CONNECTOR))[SIGN_IN]
    assert (found.guard, found.can_pass) == ("secret-unread", False)
    *command, body = shlex.split(found.by_hand)
    url = f"https://graph.microsoft.com/v1.0/identity/apiConnectors/{_ID}"
    assert command == ["az", "rest", "--method", "PATCH", "--url", url, "--body"]
    basic = {"@odata.type": "microsoft.graph.basicAuthentication", "username": "b2c", "password": "…"}
    assert json.loads(body) == {SIGN_IN: basic}
    without = objections(KIND, FakeTenant().edges(), _ID, stands, leaves({**_CONNECTOR, SIGN_IN: None}))
    assert without[SIGN_IN].by_hand == "", "there is no command that takes it away"


def test_one_that_was_deleted_is_never_made_again() -> None:
    found = objections(KIND, FakeTenant().edges(), _ID, None, leaves(_CONNECTOR))[WHOLE]
    assert (found.guard, found.can_pass) == ("not-whole", False)
    *_, body = shlex.split(found.by_hand)
    assert json.loads(body)["targetUrl"] == _CONNECTOR["targetUrl"]
    certificate = {**_CONNECTOR, SIGN_IN: {"@odata.type": "#microsoft.graph.clientCertificateAuthentication"}}
    (by_certificate,) = objections(KIND, FakeTenant().edges(), _ID, None, leaves(certificate)).values()
    assert "pkcs12Value" in by_certificate.by_hand


def test_one_that_is_gone_already_is_not_deleted_twice() -> None:
    with pytest.raises(DoneAlready):
        KIND.write(FakeTenant().edges(), write_of(KIND, _ID, _CONNECTOR, {}))


# By name.

_EVIL: Final[Image] = {**_CONNECTOR, "targetUrl": "https://evil.example/"}


def _accepted(storage: MemoryStorage, tenant: FakeTenant) -> Bench:
    """Accept the tenant's connectors as they stand, and let ten minutes pass."""
    edges = copy.replace(tenant.edges(TenantKind.B2C), tenant=_TENANT)
    made = bench(storage, detections=CATALOGUE, kinds=(KIND,), is_enabled=is_enabled, edges=edges)
    tenant.principals[MALLORY.id] = {"id": MALLORY.id, "accountEnabled": True}
    tenant.pass_time = lambda: made.clock.move(timedelta(milliseconds=100))
    made.clock.move(timedelta(minutes=-10))
    made.seed()
    made.runtime.approvals.approve(approval(ALICE, ApprovalList.B2C_API_CONNECTORS))
    sweep(made.runtime, KIND, _TENANT)
    for seen in [*made.runtime.objects.seen(_TENANT.id, KIND.kind)]:
        accept(made.runtime, seen.id, digest=seen.digest, by="Carol Chen", reason="a test")
    made.clock.move(timedelta(minutes=10))
    return made


def _attack(made: Bench, tenant: FakeTenant, evil: Image, *, object_id: str | None = None) -> Case:
    """Change a connector, and take in a record that has its name, and an id that isn't its own."""
    tenant.shelves[KIND.kind][str(evil["id"])] = dict(evil)
    logged = api_connectors.SIMULATED.logged(str(evil["id"]), _CONNECTOR, evil)
    record = record_of(logged, made.clock() - timedelta(minutes=1), MALLORY)
    record["targetResources"][0]["id"] = object_id
    made.take_in(record, tenant_id=_TENANT.id)
    (case,) = made.answer_all(_TENANT.id)
    return case


@pytest.mark.parametrize("object_id", [None, "not an id", "0b5e0000-3c1d-4a7f-8e26-9d4c7b1f0a53"])
def test_a_record_without_the_id_is_about_the_one_connector_of_that_name(
    memory: MemoryStorage, object_id: str | None
) -> None:
    tenant = _with(_CONNECTOR, _SAMPLES[1].image)
    case = _attack(_accepted(memory, tenant), tenant, _EVIL, object_id=object_id)
    assert (case.decision, case.outcome) == (Decision.REMEDIATE, Outcome.DONE), case.because
    assert tenant.shelves[KIND.kind][_ID] == _CONNECTOR


def test_one_that_was_renamed_is_known_by_both_names(memory: MemoryStorage) -> None:
    tenant = _with(_CONNECTOR)
    case = _attack(_accepted(memory, tenant), tenant, {**_CONNECTOR, "displayName": "Renamed"})
    assert (case.decision, case.outcome) == (Decision.REMEDIATE, Outcome.DONE), case.because


def test_a_name_that_two_have_is_nobodys(memory: MemoryStorage) -> None:
    other = {**_SAMPLES[1].image, "displayName": _NAME}
    tenant = _with(_CONNECTOR, other)
    case = _attack(_accepted(memory, tenant), tenant, _EVIL)
    assert (case.decision, tenant.writes) == (Decision.PAGE, [])


def _take_in_one(made: Bench, what: str, by: Principal, name: str) -> None:
    """Take in a record that a connector of the name was made or deleted; a minute later it is answered."""
    twin = {**_CONNECTOR, "displayName": name}
    before, after = {"made": (None, twin), "deleted": (twin, None)}[what]
    record = record_of(api_connectors.SIMULATED.logged("", before, after), made.clock() - timedelta(minutes=1), by)
    record["targetResources"][0]["id"] = None
    made.take_in(record, tenant_id=_TENANT.id)
    made.clock.move(timedelta(minutes=2))
    made.answer_all(_TENANT.id)


@pytest.mark.parametrize("name", [_NAME, _ID], ids=["its name", "its id as a name"])
@pytest.mark.parametrize("deleter", [ALICE, MALLORY], ids=["somebody approved", "she herself"])
def test_one_that_was_made_under_the_name_of_another_and_deleted_harms_the_other_in_nothing(
    memory: MemoryStorage, deleter: Principal, name: str
) -> None:
    """Mallory makes twins of a connector; what is told of them is never believed of the one that stands."""
    tenant = _with(_CONNECTOR)
    made = _accepted(memory, tenant)
    for what, by in (("deleted", deleter), ("made", MALLORY)):
        _take_in_one(made, what, by, name)
    for _ in range(5):
        made.clock.move(timedelta(minutes=20))
        resume(made.runtime)
        sweep(made.runtime, KIND, _TENANT)
    (seen,) = made.runtime.objects.seen(_TENANT.id, KIND.kind)
    assert (tenant.writes, tenant.shelves[KIND.kind]) == ([], {_ID: _CONNECTOR})
    assert made.runtime.objects.changes(seen.id) == []


def test_a_name_that_cannot_be_looked_up_pages(memory: MemoryStorage) -> None:
    tenant = _with(_CONNECTOR)
    made = _accepted(memory, tenant)
    tenant.granted.clear()
    case = _attack(made, tenant, _EVIL)
    assert (case.decision, tenant.writes) == (Decision.PAGE, [])
