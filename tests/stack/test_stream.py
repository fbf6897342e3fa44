"""The audit stream on the whole stack: what it alone tells is put back, once, though the host is killed."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from infra.local import story
from infra.local.desk import Desk, until
from infra.local.host.hubs import HubSender
from infra.local.stack import HOST_ACCOUNT, Stack, connection_string
from infra.local.world import ALICE, WORKFORCE_TENANT
from shared.clients.storage_names import Container
from shared.ingest.stream import arrivals
from shared.model.cases import Case, State
from tests.stack.faults.running_stack import PATIENT

pytestmark = pytest.mark.stack

_HUB: Final = "directory-logs"
_SETTINGS: Final = {
    **PATIENT,
    "AUDIT_STREAM_HUB": _HUB,
    "AUDIT_STREAM__fullyQualifiedNamespace": "evhns.servicebus.windows.net",
    "AUDIT_POLL_SCHEDULE": "0 0 0 1 1 *",  # not while this runs: nothing but the stream brings the record
}


def _records(stack: Stack) -> list[dict[str, Any]]:
    stack.control.grant(ALICE, "AuditLog.Read.All")
    with stack.control.as_principal(ALICE) as alice:
        found = alice.get("/v1.0/auditLogs/directoryAudits").raise_for_status().json()["value"]
    return [one for one in found if one["activityDisplayName"] == "Update conditional access policy"]


def _batch(record: dict[str, Any]) -> bytes:
    wrapped = {
        "time": record["activityDateTime"],
        "operationName": record["activityDisplayName"],
        "category": "AuditLogs",
        "tenantId": WORKFORCE_TENANT,
        "properties": record,
    }
    return json.dumps({"records": [wrapped, {"what": "is this"}, wrapped]}).encode()


def test_what_the_stream_alone_tells_is_put_back_once_though_the_host_is_killed(tmp_path: Path) -> None:
    with Stack(tmp_path, settings=_SETTINGS) as stack:
        desk = Desk(stack.operator_values())
        desk.seed()
        until(desk.objects_read, within=120, what="not every object was read")
        desk.accept_all()
        scene = story.SELF_EXCLUSION
        scene.act(stack.control)
        record = until(lambda: _records(stack), within=90, what="the tenant has no record of the change")[0]
        storage = connection_string(stack.azurite.addresses, HOST_ACCOUNT, stack.azurite.keys[HOST_ACCOUNT])
        hub = HubSender(storage, _HUB, authority=stack.tenant["ca_file"])
        hub.send(_batch(record))
        stack.kill_host()
        stack.start_host()
        hub.send(_batch(record))
        hub.send(_batch(record), partition=1)
        hub.close()

        def closed() -> list[Case]:
            return [case for case in desk.cases() if case.state is State.CLOSED]

        (case,) = until(closed, within=180, what="the change isn't put back")
        assert (case.detection, case.decision, case.outcome) == (scene.detection, scene.decision, scene.outcome)
        assert len(desk.cases()) == 1
        until(lambda: len(arrivals(desk.storage)) == 1, within=30, what="what came isn't noted")
        assert {(one.tenant_id, one.category) for one in arrivals(desk.storage)} == {(WORKFORCE_TENANT, "AuditLogs")}
        assert len(desk.storage.blob_names(Container.QUARANTINE, "")) == 1, "what can't be read, once"
