"""What a stolen account did by records without values, several times before anybody looked, is in the one plan too."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from infra.local.world import ALICE
from responders.content import KINDS
from shared.model.kinds import ObjectKind
from shared.model.object_kinds import nobody
from shared.respond.persons import Result
from shared.respond.resume import resume
from shared.respond.stolen import WAYS_BACK, plan_revocation, revoke_since
from tests.fakes.declared_runs import AT, attacked, tenant_of
from tests.fakes.declared_scenes import SCENES, Scene
from tests.laws.world import changed

_SECOND = timedelta(seconds=1)
_MINUTE = timedelta(minutes=1)


def _pairs() -> Iterator[tuple[Scene, Scene]]:
    """Give two edits of one object that have no leaf in common, the second on top of the first."""
    edits = [each for each in SCENES if each.op == "update" and each.is_put_back and not each.simulated.tells_values]
    for one in edits:
        for other in edits:
            if one.object_id != other.object_id or one.name >= other.name:
                continue
            mine, theirs = one.kind.leaves(one.after or {}), other.kind.leaves(other.after or {})
            before = one.kind.leaves(one.before or {})
            if {leaf for leaf in mine if mine[leaf] != before.get(leaf)} & {
                leaf for leaf in theirs if theirs[leaf] != before.get(leaf)
            }:
                continue
            yield one, other


_PAIRS = [*_pairs()]


def test_there_are_such_pairs() -> None:
    assert len(_PAIRS) >= 2


@pytest.mark.parametrize(("one", "other"), _PAIRS, ids=[f"{one.name} | {other.name}" for one, other in _PAIRS])
def test_two_changes_that_nobody_looked_between_are_both_taken_back(one: Scene, other: Scene) -> None:
    ready, tenant = attacked(one, by=ALICE)
    shelf = tenant.shelves[one.simulated.kind]
    edit = next(each for each in one.simulated.edits if changed(one.before or {}, each) == other.after)
    shelf[one.object_id] = changed(shelf[one.object_id], edit)
    later = [each | {"id": f"{each['id']} again"} for each in other.records(AT + _SECOND, ALICE)]
    ready.take_in(*later, tenant_id=tenant_of(one).id)
    for _ in range(3):
        ready.answer_queue()
        ready.clock.move(_MINUTE)
        resume(ready.runtime)
    tenant.log.clear()
    plan = plan_revocation(ready.runtime, ALICE.id, AT - _MINUTE)
    assert [each.tenants_id.lower() for each in plan.plans] == [one.object_id]
    done = revoke_since(ready.runtime, ALICE.id, AT - _MINUTE, digest=plan.digest, by="Carol", reason="stolen")
    assert done.result is Result.DONE
    for _ in range(5):
        ready.answer_queue()
        ready.clock.move(_MINUTE)
        resume(ready.runtime)
    assert one.is_undone(tenant)


def test_what_gives_access_goes_first_and_before_it_what_puts_accounts_out_of_reach() -> None:
    giving = {kind.kind for kind in KINDS if kind.gains is not nobody} - {ObjectKind.CA_POLICY}
    assert giving <= {*WAYS_BACK}
    seen_by = (ObjectKind.EVENT_SUBSCRIPTION, ObjectKind.ENTRA_DIAGNOSTIC_SETTING, ObjectKind.DIAGNOSTIC_SETTING)
    assert WAYS_BACK[:4] == (*seen_by, ObjectKind.RESTRICTED_UNIT)
    assert len({*WAYS_BACK}) == len(WAYS_BACK)
