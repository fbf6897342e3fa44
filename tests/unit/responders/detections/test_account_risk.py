"""A risk that Identity Protection sees of an account comes by the audit stream and is paged, once an hour."""

import json

from infra.local.world import BREAK_GLASS_1
from responders.catalogue import CATALOGUE
from responders.detections.account_risk import BREAK_GLASS_AT_RISK, risk_record
from shared.ingest.stream import Arrivals, take_in_stream
from shared.model.cases import Decision
from shared.model.kinds import Image, Mode
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import TENANT, bench


def _of_tenant(record: Image) -> Image:
    return record | {"tenantId": TENANT, "resourceId": f"/tenants/{TENANT}/providers/microsoft.aadiam"}


def test_what_both_categories_say_of_a_break_glass_account_in_an_hour_is_one_page(memory: MemoryStorage) -> None:
    made = bench(memory, detections=CATALOGUE)
    made.runtime.controls.set_mode("*", Mode.PAGE, by="a test")
    for category in ("UserRiskEvents", "RiskyUsers", "UserRiskEvents"):
        records = [_of_tenant(risk_record(category, BREAK_GLASS_1.id, level="low"))]
        records.append(_of_tenant(risk_record(category, "f95c2e07-83ab-4d16-b7e0-4a1d98c6353b")))
        take_in_stream(made.runtime, [json.dumps({"records": records}).encode()], Arrivals(memory), tries=0)
    made.answer_all()
    case = made.only_case()
    assert (case.detection, case.decision, case.target.id) == (BREAK_GLASS_AT_RISK.id, Decision.PAGE, BREAK_GLASS_1.id)
    assert made.teams.case_ids() == made.pagerduty.case_ids() == {case.id}
