"""The runtime that is put together from settings, on storage as it is."""

import copy
from typing import Any

import msgspec
import pytest

from infra.local.world import B2C_TENANT, BOB_B2C, CAROL
from shared.clients.storage import Storage
from shared.clients.storage_names import Container
from shared.detect.fields import Audit
from shared.detect.rosters import Roster, RosterKind
from shared.model.errors import Rejected
from shared.model.events import Target
from shared.model.kinds import TenantKind
from shared.respond.components import Content
from shared.runtime import build_runtime
from tests.fakes.clock import FakeClock
from tests.fakes.lamps import Lamps, lamp_event
from tests.fakes.runtime import settings_with


def test_evidence_goes_to_its_own_account_where_one_is_set(environment: dict[str, str], new_account: Any) -> None:  # noqa: ANN401 - a function
    both = {**environment, "EvidenceStorage": new_account()}
    Storage(both).create_all()
    Storage(both, prefix="EvidenceStorage").create_all()
    runtime = build_runtime(settings_with(), Content(detections=()), environment=both, clock=FakeClock())
    case = runtime.ledger.open("lamp-switched", lamp_event(), b"{}")
    assert case is not None
    with pytest.raises(Rejected, match="ContainerNotFound"):
        Storage(both).blob(Container.EVIDENCE, case.record)
    assert Storage(both, prefix="EvidenceStorage").blob(Container.EVIDENCE, case.record) == b"{}"


def test_its_matcher_goes_by_the_rosters_of_its_tenants(environment: dict[str, str]) -> None:
    Storage(environment).create_all()
    roster = Roster(
        kind=RosterKind.PRIVILEGED_ACCOUNTS, tenant_kinds=(TenantKind.B2C,), calls=(), read=lambda _edges: [CAROL.id]
    )
    detection = copy.replace(Lamps().detection(), when=Audit.target_level.is_("privileged"))
    runtime = build_runtime(
        settings_with(),
        Content(detections=(detection,), rosters=(roster,)),
        environment=environment,
        clock=FakeClock(),
        wait=lambda _: None,
    )
    runtime.rosters.sweep(roster, runtime.edges[B2C_TENANT])
    about = {who: msgspec.structs.replace(lamp_event(), targets=(Target(id=who.id),)) for who in (CAROL, BOB_B2C)}
    assert {who.name: runtime.matcher.matches(event) for who, event in about.items()} == {
        CAROL.name: (detection,),
        BOB_B2C.name: (),
    }
