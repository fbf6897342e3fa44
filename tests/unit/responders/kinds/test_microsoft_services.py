"""Microsoft's services are approved by app id and owner, for their lists alone, unless somebody says otherwise."""

import copy
from typing import Final

import msgspec
import pytest

from infra.local.world import ALICE
from responders.cli import main
from responders.detections.directory_samples import by_service, role_record
from responders.detections.privileged_access import ROLE_ASSIGNED
from responders.kinds.microsoft_services import MICROSOFT_SERVICES, approved_service
from responders.kinds.principals import GET_SERVICE_PRINCIPAL, MICROSOFT
from shared.model.cases import Standing
from shared.model.errors import Refused
from shared.model.events import ActorKind
from shared.model.kinds import ApprovalList, Image, Mode
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import A_MINUTE, TENANT, Bench, approval, bench
from tests.fakes.scripted_api import ScriptedApi

PIM: Final = MICROSOFT_SERVICES[0]
PIM_HERE: Final = "2a71ba9d-de5b-4f9a-a9df-73e68bc5ddcf"
ROLES: Final = ApprovalList.DIRECTORY_ROLES
_NONE: Final[frozenset[str]] = frozenset()


def asked(found: Image | Exception | None, approval_list: ApprovalList = ROLES, gone: frozenset[str] = _NONE) -> str:
    return approved_service(ScriptedApi({GET_SERVICE_PRINCIPAL: found}), PIM_HERE, approval_list, gone)


def principal(app_id: str = PIM.app_id, owner: str | None = MICROSOFT) -> Image:
    return {"id": PIM_HERE, "displayName": "MS-PIM", "appId": app_id, "appOwnerOrganizationId": owner}


def test_each_is_known_by_an_app_id_of_its_own_and_says_why() -> None:
    assert len({one.app_id for one in MICROSOFT_SERVICES}) == len(MICROSOFT_SERVICES)
    for one in MICROSOFT_SERVICES:
        for name in one.lists:
            assert one.why in asked(principal(one.app_id), name)


@pytest.mark.parametrize(
    "found",
    [
        principal(app_id="7a40c5d9-2e81-4b6f-93d7-f58e0c1a64b2"),
        principal(owner="72f988bf-86f1-41af-91ab-2d7cd011db47"),
        principal(owner=None),
        None,
        Refused("403"),
    ],
    ids=["another app", "another owner", "no owner", "gone", "can't be read"],
)
def test_a_name_makes_nobody_one_and_what_cannot_be_read_is_none(found: Image | Exception | None) -> None:
    assert asked(found) == ""


def test_it_is_approved_for_its_own_lists_until_it_is_withdrawn() -> None:
    assert asked(principal())
    assert asked(principal(), ApprovalList.TENANT_SETTINGS) == ""
    assert asked(principal(), gone=frozenset({PIM.app_id})) == ""


def _answered(memory: MemoryStorage, *, revoked: bool = False, profile: str = "") -> Standing | None:
    made = bench(memory, detections=(ROLE_ASSIGNED,), VOCABULARY=profile)

    def service(_api: object, actor_id: str, name: ApprovalList, withdrawn: frozenset[str]) -> str:
        return "PIM did" if (actor_id, name) == (PIM_HERE, ROLES) and PIM.app_id not in withdrawn else ""

    ready: Bench = copy.replace(made, runtime=msgspec.structs.replace(made.runtime, approved_service=service))
    ready.runtime.approvals.approve(approval(ALICE, ROLES))
    if revoked:
        service_principal = ActorKind.SERVICE_PRINCIPAL
        of_pim = approval(ALICE, ROLES, actor_id=PIM_HERE, kind=service_principal, name="MS-PIM")
        ready.runtime.approvals.approve(of_pim)
        ready.runtime.approvals.revoke(ROLES, PIM_HERE, by="Carol Chen")
    ready.runtime.controls.set_mode("*", Mode.ENFORCE, by="a test")
    ready.clock.move(A_MINUTE)
    at = ready.clock().isoformat()
    ready.take_in(role_record("Add member to role", initiatedBy=by_service(PIM_HERE, "MS-PIM"), activityDateTime=at))
    (case,) = ready.answer_all(TENANT)
    return case.standing


def test_what_it_does_is_recorded_and_a_row_of_the_list_or_the_profile_takes_that_back(memory: MemoryStorage) -> None:
    assert _answered(memory) is Standing.APPROVED


@pytest.mark.parametrize("how", ["row", "profile"])
def test_people_can_withdraw_it(memory: MemoryStorage, how: str) -> None:
    profile = f'{{"withdrawn_services": ["{PIM.app_id.upper()}"]}}' if how == "profile" else ""
    assert _answered(memory, revoked=how == "row", profile=profile) is Standing.UNAPPROVED


def test_people_see_who_is_approved_and_who_is_withdrawn(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VOCABULARY", f'{{"withdrawn_services": ["{PIM.app_id}"]}}')
    assert main(["approvals", "--microsoft"]) == 0
    lines = capsys.readouterr().out.splitlines()
    shown = {name: line for line in lines for name in (one.name for one in MICROSOFT_SERVICES) if name in line}
    assert "withdrawn" in shown["MS-PIM"]
    assert "approved" in shown["Managed Service Identity"]
