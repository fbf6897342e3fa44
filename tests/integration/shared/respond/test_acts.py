"""What a person does about a case, on storage as it is."""

from datetime import timedelta

from infra.local.world import ALICE
from shared.clients.storage import Storage
from shared.model.cases import Outcome
from shared.respond.act_plans import plan_act
from shared.respond.acts import act
from shared.respond.asking import Verb, asking_of
from shared.respond.persons import Result
from shared.respond.resume import resume
from shared.respond.stolen import plan_revocation, revoke_since
from tests.fakes.lamps import LAMP, lamp_record
from tests.fakes.runtime import Bench, ready_bench


def _go_on(ready: Bench) -> None:
    for _ in range(2):
        ready.clock.move(timedelta(minutes=1))
        resume(ready.runtime)
        ready.answer_queue()


def test_a_put_back_is_undone_once_and_is_a_case(storage: Storage) -> None:
    ready = ready_bench(storage)
    ready.take_in(lamp_record())
    ready.answer_queue()
    asking = asking_of(ready.only_case(), Verb.UNDO)
    plan = plan_act(ready.runtime, asking).plan
    results = [act(ready.runtime, asking, digest=plan.digest, by="Carol", reason="CHG-7").result for _ in range(2)]
    assert results == [Result.DONE, Result.ALREADY]
    _go_on(ready)
    assert (ready.lamps.writes, ready.lamps.state[LAMP]) == (["set on", "set off"], "off")
    (mine,) = [one for one in ready.cases() if one.detection == "person-undo"]
    assert mine.outcome is Outcome.DONE
    assert ready.runtime.ledger.before(mine.before) == {"id": LAMP, "state": "on"}


def test_what_a_stolen_account_did_is_taken_back(storage: Storage) -> None:
    ready = ready_bench(storage)
    since = ready.clock() - timedelta(minutes=6)
    ready.take_in(lamp_record(ALICE))
    ready.answer_queue()
    plan = plan_revocation(ready.runtime, ALICE.id, since)
    revoked = revoke_since(ready.runtime, ALICE.id, since, digest=plan.digest, by="Carol", reason="stolen")
    assert revoked.result is Result.DONE
    _go_on(ready)
    assert ready.lamps.state[LAMP] == "on"
