"""The posture of the simulated tenant, over HTTP: on its first day, and without each of the permissions."""

from datetime import timedelta
from typing import Any, Final

import msgspec
import pytest

from infra.local import world
from responders.posture import accounts
from responders.posture.declared import CALLS, DECLARED
from shared.checks.check import Status, Unread
from shared.checks.posture import Category, Decision, judged
from shared.checks.posture_daily import look
from shared.checks.posture_store import PostureStore
from shared.checks.snapshot import Part, Snapshot, read_snapshot
from shared.model.calls import Permission
from shared.model.kinds import TenantKind
from shared.respond.components import Runtime
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import bench
from tests.integration.responders.conftest import SimulatedTenant

_FAILS: Final = {
    "dedicated-admin-accounts",
    "identity-protection-on",
    "incident-owners-set",
    "privileged-roles-just-in-time",
    "pim-activation-guarded",
    "few-global-administrators",
    "incident-plan-tried",
    "admin-access-reviewed",
    "no-open-pim-alerts",
    "protected-actions-guarded",
    "provisioning-without-failures",
    "local-admin-passwords-on",
    "device-administrators-few",
    "restricted-units-known",
    "nobody-else-could-undo-us",
}
"""What the simulated tenant lacks on its first day, and the installation too."""

_NOT_APPLICABLE: Final = {
    "unneeded-admins-removed",
    "password-hash-sync-on",
    "left-out-groups-guarded",
    "application-permissions-known",
}

_OF_WORKFORCE: Final = DECLARED.of_kind(TenantKind.WORKFORCE)
_PERMISSIONS: Final = sorted({need for call in CALLS[TenantKind.WORKFORCE] for need in call.needs if "/" not in need})


def _runtime(simulated: SimulatedTenant) -> Runtime:
    storage = MemoryStorage()
    storage.create_all()
    return msgspec.structs.replace(bench(storage).runtime, edges={world.WORKFORCE_TENANT: simulated.workforce})


def test_the_first_day(simulated: SimulatedTenant) -> None:
    runtime = _runtime(simulated)
    posture = look(DECLARED, runtime, runtime.settings.workforce)
    found = {line.id: line.status for line in posture.lines if not line.is_manual}
    assert found == {
        check.id: Status.FAILED
        if check.id in _FAILS
        else Status.NOT_APPLICABLE
        if check.id in _NOT_APPLICABLE
        else Status.OK
        for check in _OF_WORKFORCE.checks
    }
    assert {line.status for line in posture.lines if line.is_manual} == {Status.FAILED}


def test_who_could_undo_the_responder(simulated: SimulatedTenant) -> None:
    runtime = _runtime(simulated)
    line = look(DECLARED, runtime, runtime.settings.workforce).line("nobody-else-could-undo-us")
    assert line is not None
    role = "whose members hold Privileged Role Administrator, which makes anybody Global Administrator"
    everything = "which changes its approvals and baselines, its code and settings, its identity and its secrets"
    assert line.found == (
        f"{world.ALICE.upn} holds Global Administrator, which takes over every subscription and application",
        f"application Release pipeline holds Contributor on subscription {world.SUBSCRIPTION}, {everything}",
        f"{world.MALLORY.upn} is a member of group Role administrators, {role}",
        f"{world.TRUDY.upn} may become a member of group Role administrators, {role}",
    )


def _why_unread(seen: Snapshot, part: Part[Any]) -> str:
    try:
        seen.of(part)
    except Unread as reason:
        return str(reason)
    return ""


@pytest.mark.parametrize("permission", _PERMISSIONS)
def test_what_a_missing_permission_hides_is_unknown(simulated: SimulatedTenant, permission: Permission) -> None:
    """No check passes that judges what can't be read. `Directory.Read.All` would do instead of some, so it goes too."""
    simulated.control.revoke(world.RESPONDER, permission, Permission.DIRECTORY_READ)
    runtime = _runtime(simulated)
    seen = read_snapshot(DECLARED.parts, runtime, runtime.settings.workforce)
    unread = {part for part in DECLARED.parts if any(permission in call.needs for call in part.calls)}
    reasons = {part: reason for part in DECLARED.parts if (reason := _why_unread(seen, part))}
    hidden = {part.id for part in reasons}
    takes = {permission, Permission.DIRECTORY_READ}
    assert all(any(one in reason for one in takes) for part, reason in reasons.items() if part in unread)
    lines = judged(DECLARED.checks, [], seen, confirmed={}, accepted={}).lines
    for line in lines:
        check = next(check for check in DECLARED.checks if check.id == line.id)
        if hidden & {part.id for part in check.parts}:
            assert line.status is Status.UNKNOWN, line
    assert hidden or permission == Permission.SYNCHRONIZATION_READ, "each hides something, where it is asked for"


def test_accounts_that_only_a_person_can_place_are_asked_for_once(simulated: SimulatedTenant) -> None:
    runtime = _runtime(simulated)
    seen = read_snapshot(DECLARED.parts, runtime, runtime.settings.workforce)
    assert Category.AUTOMATION in accounts.categories(seen).values()
    decision = Decision(
        by="Ann", at=runtime.clock(), until=runtime.clock() + timedelta(days=9), reason="x", category=Category.SHARED
    )
    PostureStore(runtime.storage, world.WORKFORCE_TENANT).sort(world.ALICE.id, decision)
    again = read_snapshot(DECLARED.parts, runtime, runtime.settings.workforce)
    assert accounts.categories(again)[world.ALICE.id] is Category.SHARED


def test_a_tenant_without_pim(simulated: SimulatedTenant) -> None:
    simulated.control.settings(has_pim=False)
    runtime = _runtime(simulated)
    posture = look(DECLARED, runtime, runtime.settings.workforce)
    found = {line.id: line.status for line in posture.lines}
    assert found["pim-enabled"] is Status.FAILED
    assert found["privileged-roles-just-in-time"] is Status.FAILED
    assert found["pim-activation-guarded"] is Status.NOT_APPLICABLE
    assert found["few-global-administrators"] is Status.FAILED


def test_a_hybrid_tenant(simulated: SimulatedTenant) -> None:
    simulated.control.make_hybrid()
    simulated.control.settings(synchronization_app_only=True)
    runtime = _runtime(simulated)
    found = {line.id: line for line in look(DECLARED, runtime, runtime.settings.workforce).lines}
    assert found["password-hash-sync-on"].status is Status.OK


def test_more_people_than_one_filter_takes_are_all_read(simulated: SimulatedTenant) -> None:
    runtime = _runtime(simulated)
    simulated.control.settings(directory_page_size=1)
    seen = read_snapshot(DECLARED.parts, runtime, runtime.settings.workforce)
    assert [_why_unread(seen, part) for part in DECLARED.parts] == [""] * len(DECLARED.parts)


def test_a_b2c_tenant(simulated: SimulatedTenant) -> None:
    storage = MemoryStorage()
    storage.create_all()
    tenant = simulated.b2c.tenant
    runtime = msgspec.structs.replace(bench(storage).runtime, edges={tenant.id: simulated.b2c})
    declared = DECLARED.of_kind(TenantKind.B2C)
    seen = read_snapshot(declared.parts, runtime, tenant)
    assert [_why_unread(seen, part) for part in declared.parts] == [""] * len(declared.parts)
    found = {line.id: line.status for line in look(DECLARED, runtime, tenant).lines}
    assert found.keys() == {check.id for check in declared.checks}
    assert Status.UNKNOWN not in found.values()
    assert found["no-consumers-in-roles"] is Status.OK
