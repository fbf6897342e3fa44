"""Where logs go, beyond what is tried of each declared kind: Entra's settings, what isn't guarded, what goes first."""

import copy
from datetime import timedelta
from typing import Final

import pytest

from infra.local.tenant.simulated.entra_diagnostic_settings import STREAM
from infra.local.tenant.simulated_kind import Sample
from infra.local.world import MALLORY, SUBSCRIPTION_SCOPE, WORKFORCE_TENANT
from responders.catalogue import CATALOGUE
from responders.detections.samples import activity_log_record
from responders.kinds.diagnostic_settings import DIAGNOSTIC_SETTING
from responders.kinds.entra_diagnostic_settings import ENTRA_DIAGNOSTIC_SETTING
from shared.model.calls import Permission
from shared.model.cases import Case, Decision
from shared.model.kinds import Image, Mode, ObjectKind
from shared.respond.act_plans import plan_act
from shared.respond.acts import act
from shared.respond.asking import Verb, asking_of
from shared.respond.persons import Result, accept
from shared.respond.resume import resume
from shared.respond.sweep import sweep
from shared.respond.unexplained import UNEXPLAINED
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import Bench, bench, settings_with
from tests.fakes.tenant import FakeTenant

KIND: Final = ENTRA_DIAGNOSTIC_SETTING
_MINUTE: Final = timedelta(minutes=1)


def _place(tenant: FakeTenant) -> Bench:
    """Put the app over a tenant, in mode enforce, and accept its Entra settings as they stand."""
    storage = MemoryStorage()
    storage.create_all()
    of = settings_with().workforce
    edges = copy.replace(tenant.edges(), tenant=of)
    made = bench(storage, detections=CATALOGUE, kinds=(KIND, DIAGNOSTIC_SETTING), edges=edges)
    made.seed(Mode.ENFORCE)
    sweep(made.runtime, KIND, of)
    for seen in [*made.runtime.objects.seen(of.id, KIND.kind)]:
        accept(made.runtime, seen.id, digest=seen.digest, by="Carol Chen", reason="a test")
    return made


def _stream(tenant: FakeTenant, sample: Sample | None = STREAM, **changes: object) -> Image:
    shelf = tenant.shelves[ObjectKind.ENTRA_DIAGNOSTIC_SETTING]
    shelf.pop(STREAM.object_id, None)
    image = copy.deepcopy(STREAM.image)
    image["properties"] |= changes
    if sample is not None:
        shelf[STREAM.object_id] = image
    return image


def _drifted(ready: Bench, tenant: FakeTenant) -> Case:
    """Let a sweep see what somebody did, and the hour pass in which a record may come."""
    del tenant
    for minute in range(75):
        if minute % 10 == 0:
            sweep(ready.runtime, KIND, ready.runtime.settings.workforce)
        ready.clock.move(_MINUTE)
        resume(ready.runtime)
    return ready.only_case(WORKFORCE_TENANT)


@pytest.mark.parametrize("is_deleted", [True, False])
def test_entras_setting_that_somebody_changed_is_paged_and_put_back_when_a_person_says_so(
    is_deleted: bool,  # noqa: FBT001 - a table
) -> None:
    tenant = FakeTenant()
    before = KIND.leaves(_stream(tenant))
    ready = _place(tenant)
    _stream(tenant, None if is_deleted else STREAM, eventHubName="elsewhere")
    case = _drifted(ready, tenant)
    assert (case.detection, case.decision, tenant.writes) == (UNEXPLAINED.id, Decision.PAGE, [])
    asking = asking_of(case, Verb.DENY)
    plan = plan_act(ready.runtime, asking).plan
    assert act(ready.runtime, asking, digest=plan.digest, by="Carol Chen", reason="CHG-7").result is Result.DONE
    for _ in range(3):
        ready.clock.move(_MINUTE)
        ready.answer_queue()
        resume(ready.runtime)
    stands = tenant.shelves[ObjectKind.ENTRA_DIAGNOSTIC_SETTING].get(STREAM.object_id)
    assert stands is not None
    assert KIND.leaves(stands) == before


def test_where_only_reading_was_allowed_the_act_waits_with_the_command() -> None:
    tenant = FakeTenant()
    _stream(tenant)
    ready = _place(tenant)
    _stream(tenant, None)
    tenant.granted.discard(Permission.ENTRA_DIAGNOSTIC_SETTING_WRITE)
    case = _drifted(ready, tenant)
    asking = asking_of(case, Verb.DENY)
    plan = plan_act(ready.runtime, asking).plan
    act(ready.runtime, asking, digest=plan.digest, by="Carol Chen", reason="CHG-7")
    ready.clock.move(_MINUTE)
    ready.answer_queue()
    resume(ready.runtime)
    assert STREAM.object_id not in tenant.shelves[ObjectKind.ENTRA_DIAGNOSTIC_SETTING]
    (seen,) = ready.runtime.objects.seen(WORKFORCE_TENANT, KIND.kind)
    kept = ready.runtime.objects.read(seen.id)
    assert kept is not None
    assert any("az rest --method PUT" in each.by_hand for each in kept.state.pending.values())


def test_a_setting_of_any_other_resource_is_a_case_by_itself_and_no_object() -> None:
    tenant = FakeTenant()
    ready = _place(tenant)
    elsewhere = f"{SUBSCRIPTION_SCOPE}/resourceGroups/shop/providers/Microsoft.Web/sites/shop"
    claims = {"http://schemas.microsoft.com/identity/claims/objectidentifier": MALLORY.id}
    record = activity_log_record(
        "Microsoft.Insights/diagnosticSettings/delete",
        resourceId=f"{elsewhere}/providers/Microsoft.Insights/diagnosticSettings/access",
        claims=claims,
        tenantId=WORKFORCE_TENANT,
    )
    ready.take_in(record)
    (case,) = ready.answer_all(WORKFORCE_TENANT)
    assert (case.detection, case.object_key) == ("monitoring-weakened", "")
    assert case.decision is Decision.PAGE
    assert not [*ready.runtime.objects.seen(WORKFORCE_TENANT, DIAGNOSTIC_SETTING.kind)]
