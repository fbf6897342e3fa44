"""An emergency account's sign-in is paged whether it was announced or not; the page says by whom it was."""

from datetime import datetime, timedelta

import msgspec
import pytest

from infra.local.world import BREAK_GLASS_1, BREAK_GLASS_2, TRUDY
from responders.detections.break_glass import BREAK_GLASS_USED
from responders.detections.sign_in_samples import privileged_record
from shared.clients.storage import Storage
from shared.ingest.intake import take_in
from shared.model.cases import Case, Decision
from shared.model.errors import Unreachable
from shared.notify.cards import card_of
from shared.notify.wording import page_context_for
from shared.respond.components import Runtime
from shared.respond.pipeline import answer
from tests.fakes.emergencies import DAVE, EMERGENCY
from tests.fakes.lamps import raw
from tests.fakes.runbooks import Desk, desk
from tests.fakes.runtime import TENANT

MINUTE = timedelta(minutes=1)


@pytest.fixture
def app(storage: Storage) -> Desk:
    made = desk(storage, detections=(BREAK_GLASS_USED,))
    made.bench.seed()
    return made


def paged(app: Desk, account: str = BREAK_GLASS_1.id, *, runtime: Runtime | None = None) -> Case:
    """Let an account sign in now, and give the case as it was paged."""
    taken = runtime or msgspec.structs.replace(app.bench.runtime, announced=app.engine.announced)
    record = privileged_record(0, userId=account, createdDateTime=app.bench.clock().isoformat())
    take_in(taken, raw(record), tenant_id=TENANT)
    (case,) = app.bench.cases()
    answered = answer(taken, TENANT, case.id)
    assert answered is not None
    assert answered.decision is Decision.PAGE
    assert len(app.bench.teams.sent) == len(app.bench.pagerduty.sent) == 1
    return answered


def test_an_announced_sign_in_is_paged_and_the_page_says_who_announced_it(app: Desk) -> None:
    app.declare()
    app.ask("announce", DAVE, account=BREAK_GLASS_1.id, minutes=30)
    app.bench.clock.move(5 * MINUTE)
    case = paged(app)
    assert f"announced by {DAVE.name}" in case.because
    assert EMERGENCY in case.because
    card = msgspec.json.encode(card_of(case, BREAK_GLASS_USED, page_context_for(case, app.bench.runtime.settings)))
    assert f"announced by {DAVE.name}".encode() in card


@pytest.mark.parametrize(
    ("drill", "minutes", "account"),
    [(False, 31, BREAK_GLASS_1.id), (False, 5, BREAK_GLASS_2.id), (True, 5, BREAK_GLASS_1.id)],
)
def test_what_was_not_announced_is_paged_as_ever(app: Desk, *, drill: bool, minutes: int, account: str) -> None:
    app.declare(drill=drill)
    app.ask("announce", DAVE, account=BREAK_GLASS_1.id, minutes=30)
    app.bench.clock.move(minutes * MINUTE)
    assert "announced" not in paged(app, account).because


def test_without_an_emergency_nothing_is_announced(app: Desk) -> None:
    assert "announced" not in paged(app).because


def test_where_it_is_not_known_that_is_said_and_it_is_paged(app: Desk) -> None:
    def fails(_account: str, _at: datetime) -> str:
        raise Unreachable("no answer")

    runtime = msgspec.structs.replace(app.bench.runtime, announced=fails)
    assert "isn't known" in paged(app, runtime=runtime).because
    assert TRUDY.id not in app.bench.runtime.settings.emergency_accounts
