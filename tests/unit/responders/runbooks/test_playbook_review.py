"""Step 2: who did what in the last day, what was touched, and which playbooks fit."""

from datetime import timedelta

import pytest

from infra.local.world import MALLORY
from responders.runbooks.break_glass import BREAK_GLASS
from responders.runbooks.playbook_review import chosen
from responders.runbooks.playbooks import (
    ACCOUNT_TAKEOVER,
    FEDERATION_OUTAGE,
    LOCK_OUT,
    MALICIOUS_CONSENT,
    PLAYBOOKS,
    POLICY_TAMPERING,
    Playbook,
)
from shared.clients.storage import Storage
from shared.emergency.entries import Answer, StepState
from shared.model.cases import Case, Decision
from shared.model.events import Actor, Target
from tests.fakes.clock import NOW
from tests.fakes.lamps import lamp_record
from tests.fakes.runbooks import Desk, desk
from tests.fakes.spoilt_storage import SpoiltStorage

MINUTE = timedelta(minutes=1)


def case(detection: str, **fields: object) -> Case:
    return Case(
        **{  # pyright: ignore[reportArgumentType] - the fields of a case
            "id": f"20260302-{detection}",
            "tenant_id": "t",
            "detection": detection,
            "correlation_id": "",
            "event_id": "",
            "at": NOW,
            "opened_at": NOW,
            "actor": Actor(id=MALLORY.id, name=MALLORY.name),
            "target": Target(name="CA001"),
            "record": "",
            "decision": Decision.PAGE,
        }
        | fields
    )


@pytest.mark.parametrize(
    ("detections", "hybrid", "playbooks"),
    [
        (["privileged-password-changed"], False, [ACCOUNT_TAKEOVER]),
        (["elevate-access"], False, [ACCOUNT_TAKEOVER]),
        (["app-credential-added"], False, [MALICIOUS_CONSENT]),
        (["permission-granted-for-all"], True, [MALICIOUS_CONSENT, FEDERATION_OUTAGE]),
        (["named-location-updated"], False, [POLICY_TAMPERING]),
        (["ca-policy-updated"], False, [POLICY_TAMPERING, LOCK_OUT]),
        (["break-glass-unprotected"], False, [LOCK_OUT]),
        (["domain-federation-changed"], False, [FEDERATION_OUTAGE]),
        (["app-owner-added", "role-assigned"], False, [ACCOUNT_TAKEOVER, MALICIOUS_CONSENT]),
        ([], False, [*PLAYBOOKS]),
        ([], True, [*PLAYBOOKS]),
        (["consumer-passwords-sprayed"], False, [*PLAYBOOKS]),
    ],
)
def test_the_playbooks_that_fit(detections: list[str], *, hybrid: bool, playbooks: list[Playbook]) -> None:
    assert [*chosen([case(each) for each in detections], hybrid=hybrid, all_read=True)] == playbooks


def test_what_could_not_be_read_may_be_anything() -> None:
    assert chosen([case("app-credential-added")], hybrid=False, all_read=False) == PLAYBOOKS


def test_every_detection_of_a_case_counts() -> None:
    one = case("ca-policy-deleted", detections=("ca-policy-deleted", "break-glass-unprotected"))
    assert LOCK_OUT in chosen([one], hybrid=False, all_read=True)


# What is gathered.


@pytest.fixture
def app(storage: Storage) -> Desk:
    made = desk(storage, runbook=BREAK_GLASS)
    made.bench.seed()
    made.bench.sweep()
    return made


def review(app: Desk) -> list[tuple[Answer, str, str]]:
    return [(one.answer, one.about, one.text) for one in app.emergency.step(2).findings]


def test_who_did_what_is_gathered_by_actor(app: Desk) -> None:
    app.bench.take_in(lamp_record(MALLORY))
    app.bench.answer_all()
    app.declare()
    assert app.run_steps(2).step(2).state is StepState.DONE
    (actor,) = [one for one in review(app) if one[0] is Answer.WRONG]
    assert MALLORY.id in actor[1]
    assert "Lamp switched" in actor[2]
    touched = next(text for _, about, text in review(app) if about == "Changed policies and roles")
    assert touched
    titles = [notice.title for notice in app.bench.teams.notices]
    assert any(title.startswith("Playbook: ") for title in titles)


def test_without_cases_all_playbooks_are_sent_whole(app: Desk) -> None:
    app.declare()
    app.run_steps(2)
    assert any("None, as far as is known" in text for _, _, text in review(app))
    sent = {notice.text for notice in app.bench.pagerduty.notices}
    assert {playbook.text.en for playbook in PLAYBOOKS} <= sent


def test_what_is_older_than_a_day_is_left_out(app: Desk) -> None:
    app.bench.take_in(lamp_record(MALLORY))
    app.bench.answer_all()
    app.bench.clock.move(timedelta(hours=30))
    app.declare()
    app.run_steps(2)
    assert [one for one in review(app) if one[0] is Answer.WRONG] == []


def test_what_came_since_is_marked_as_new_when_it_runs_again(app: Desk) -> None:
    app.declare()
    app.run_steps(2)
    assert not any(one.is_new for one in app.emergency.step(2).findings)
    app.bench.take_in(lamp_record(MALLORY))
    app.bench.answer_all()
    emergency = app.ask("steps/2", action="run", force=True, reason="Something happened since")
    new = [one.about for one in emergency.step(2).findings if one.is_new]
    assert any(MALLORY.id in about for about in new)
    assert not any(about.startswith("Playbook: Account takeover") for about in new)


def test_cases_that_can_not_be_read_are_unknown(storage: Storage) -> None:
    faulty = SpoiltStorage(storage)
    app = desk(faulty, runbook=BREAK_GLASS)
    app.declare()
    faulty.faults.fail("rows Cases")
    assert app.run_steps(2).step(2).state is StepState.DONE
    unknown = [about for answer, about, _ in review(app) if answer is Answer.UNKNOWN]
    assert len(unknown) == len(app.bench.runtime.settings.tenants)
    shown = [about for _, about, _ in review(app) if about.startswith("Playbook")]
    assert len(shown) == len(PLAYBOOKS)
