"""Who is privileged and which groups roles can be given to, read of the simulated tenants over real HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from infra.local import world
from responders.left_out import READS
from responders.rosters import (
    AZURE_ADMINISTRATORS,
    PRIVILEGED_ACCOUNTS,
    PRIVILEGED_ACCOUNTS_OF_B2C,
    ROLE_ASSIGNABLE_GROUPS,
    ROSTERS,
)
from shared.clients.api import TenantEdges
from shared.detect.rosters import Roster
from shared.model.calls import Permission
from shared.model.errors import Refused, Rejected
from shared.model.kinds import TenantKind
from tests.integration.responders.conftest import SimulatedTenant

_DIRECT: Final = {world.ALICE.id, world.BREAK_GLASS_1.id, world.BREAK_GLASS_2.id}
_BY_CUSTOM_ROLE: Final = {world.RELEASE_PIPELINE.id}
_BY_GROUP: Final = {world.ROLE_ADMINISTRATORS.id, world.MALLORY.id}
_BY_PIM: Final = {world.ERIN.id, world.TRUDY.id}


def _edges(simulated: SimulatedTenant, kind: TenantKind) -> TenantEdges:
    return {TenantKind.WORKFORCE: simulated.workforce, TenantKind.B2C: simulated.b2c}[kind]


def test_every_way_to_be_privileged_counts(simulated: SimulatedTenant) -> None:
    read = PRIVILEGED_ACCOUNTS.read(simulated.workforce)
    assert set(read) == _DIRECT | _BY_CUSTOM_ROLE | _BY_GROUP | _BY_PIM


def test_in_a_tenant_without_pim_nobody_is_eligible_which_is_known(simulated: SimulatedTenant) -> None:
    simulated.control.settings(has_pim=False)
    assert set(PRIVILEGED_ACCOUNTS.read(simulated.workforce)) == _DIRECT | _BY_CUSTOM_ROLE | _BY_GROUP


def test_pages_are_followed(simulated: SimulatedTenant) -> None:
    whole = set(PRIVILEGED_ACCOUNTS.read(simulated.workforce))
    simulated.control.settings(directory_page_size=1)
    assert set(PRIVILEGED_ACCOUNTS.read(simulated.workforce)) == whole


def test_a_b2c_tenants_roles_are_read_and_pim_is_never_asked(simulated: SimulatedTenant) -> None:
    assert set(PRIVILEGED_ACCOUNTS_OF_B2C.read(simulated.b2c)) == {world.CAROL.id, world.BOB_B2C.id}
    asked = {entry["path"] for entry in simulated.control.requests()}
    assert not any("Eligibility" in path or "eligibility" in path for path in asked)


def test_whoever_administers_a_watched_subscription_is_read(simulated: SimulatedTenant) -> None:
    found = set(AZURE_ADMINISTRATORS.read(simulated.workforce))
    assert found == {world.ALICE.id, world.BREAK_GLASS_1.id, world.RESPONDER.id}


def test_groups_are_listed_whatever_they_hold(simulated: SimulatedTenant) -> None:
    held = {world.ROLE_ADMINISTRATORS.id, world.REPORT_READERS.id}
    assert set(ROLE_ASSIGNABLE_GROUPS.read(simulated.workforce)) == held
    assert set(ROLE_ASSIGNABLE_GROUPS.read(simulated.b2c)) == set()


def test_a_group_that_hides_its_members_leaves_it_unknown(simulated: SimulatedTenant) -> None:
    simulated.control.settings(hidden_groups=[world.ROLE_ADMINISTRATORS.id])
    with pytest.raises(Rejected, match=f"group {world.ROLE_ADMINISTRATORS.id} .* hides its members"):
        PRIVILEGED_ACCOUNTS.read(simulated.workforce)
    simulated.control.settings(hidden_groups=[world.REPORT_READERS.id])
    assert world.MALLORY.id in PRIVILEGED_ACCOUNTS.read(simulated.workforce)


def test_a_groups_own_members_are_read_and_who_added_them(simulated: SimulatedTenant) -> None:
    group, gone = world.ROLE_ADMINISTRATORS, "92000001-3e7b-4c5d-a1f9-8b6d0e2c4f57"
    assert READS.existing(simulated.workforce, [group.id, gone]) == {group.id: True}
    members = READS.members(simulated.workforce, group.id)
    assert members == {each.id for each in (*group.members, *group.nested)}
    since = datetime.now(UTC) - timedelta(hours=1)
    many = [f"{number:08d}-0000-4000-8000-000000000001" for number in range(20)]
    for asked in ([world.MALLORY.id], many):
        assert READS.added(simulated.workforce, asked, group.id, since) == frozenset()


_PLACES: Final = [
    pytest.param(roster, kind, permission, id=f"{roster.kind} {kind} {permission}")
    for roster in ROSTERS
    for kind in roster.tenant_kinds
    for permission in sorted({each for call in roster.calls for each in call.needs})
    # No group holds an Azure role in the simulated tenant, so that none is read.
    if (roster, permission) != (AZURE_ADMINISTRATORS, Permission.GROUP_MEMBER_READ)
]


@pytest.mark.parametrize(("roster", "kind", "permission"), _PLACES)
def test_each_permission_is_needed_and_its_lack_is_told(
    simulated: SimulatedTenant, roster: Roster, kind: TenantKind, permission: Permission
) -> None:
    responder = world.RESPONDER if kind is TenantKind.WORKFORCE else world.RESPONDER_B2C
    # What other calls need may cover this one too, so that it alone tells nothing.
    simulated.control.revoke(responder, *Permission)
    simulated.control.grant(responder, *{each for call in roster.calls for each in call.needs} - {permission})
    with pytest.raises(Refused) as refused:
        roster.read(_edges(simulated, kind))
    assert permission in refused.value.needed


@pytest.mark.parametrize(("roster", "kind"), [(roster, kind) for roster in ROSTERS for kind in roster.tenant_kinds])
def test_the_declared_permissions_are_enough(simulated: SimulatedTenant, roster: Roster, kind: TenantKind) -> None:
    responder = world.RESPONDER if kind is TenantKind.WORKFORCE else world.RESPONDER_B2C
    simulated.control.revoke(responder, *Permission)
    simulated.control.grant(responder, *{each for call in roster.calls for each in call.needs})
    assert roster.read(_edges(simulated, kind)) is not None
