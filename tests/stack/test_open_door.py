"""The stack as it isn't deployed: by the storage accounts' keys, and with nothing in front of the app."""

from pathlib import Path

import httpx
import pytest

from infra.local import story
from infra.local.desk import Desk, until
from infra.local.stack import Stack, StorageAccess, Unauthenticated
from tests.stack.faults.running_stack import SELDOM

pytestmark = pytest.mark.stack


def test_keys_and_an_open_door(tmp_path: Path) -> None:
    stack = Stack(tmp_path, settings=SELDOM, storage=StorageAccess.KEYS, unauthenticated=Unauthenticated.OFF)
    with stack:
        storage = {name: value for name, value in stack.values().items() if "Storage" in name}
        assert storage.keys() == {"AzureWebJobsStorage", "EvidenceStorage"}
        assert all("AccountKey=" in value for value in storage.values())
        desk = Desk(stack.operator_values())
        desk.seed()
        story.OWNER_TAKEN.act(stack.control)
        (case,) = until(desk.cases, within=30, what="no case from the event that came by a signature")
        url = f"{stack.host['url']}/api/cases/{case.id}"
        assert httpx.get(url).status_code == 401
        assert httpx.get(url, headers={"x-functions-key": stack.keys["function"]}, timeout=60).status_code == 200
        link = desk.settings.case_link.format(case=case.id)
        assert httpx.get(link, headers={"X-MS-CLIENT-PRINCIPAL-ID": "forged"}, timeout=60).status_code == 403
