"""What a case takes from an account, whatever fails: done once, read back, given back only by a person."""

import copy
from contextlib import suppress
from datetime import timedelta
from itertools import count
from typing import Final

import pytest

from infra.local.world import BREAK_GLASS_1, RESPONDER
from responders.account_acts import COMPROMISED, DISABLE, SESSIONS
from shared.clients.storage import Storage
from shared.model.cases import Case, Standing
from shared.model.detections import AnyDetection
from shared.model.errors import BadIdentifier, BrokenRow, EdgeError, LeaseLost, Rejected, ResponderError, Unreachable
from shared.model.events import Actor, ActorKind
from shared.model.kinds import Mode
from shared.objects.restraints import Said, StepState
from shared.respond.containing import contain, contain_unasked, keep, plan_containment, release, why_not
from shared.respond.persons import Result
from shared.respond.restraining import MOST_UNASKED, REFUSED_AGAIN, go_on_with_restraints
from tests.fakes.clock import NOW, FakeClock
from tests.fakes.declared_runs import ANSWERS, FAULTS, fresh
from tests.fakes.restraints import A_MINUTE, ACCOUNT, CASE, Scene, scene, user
from tests.fakes.spoilt_storage import SpoiltStorage
from tests.fakes.tenant import FakeTenant, Request
from tests.fakes.tenant_states import read_tenant_state

_HOUR: Final = timedelta(hours=1)
_DONE: Final = dict.fromkeys(("disable", "revoke-sessions", "confirm-compromised"), StepState.DONE)
_RELEASE: Final = {"by": "Dave", "reason": "it was them after all"}


def _released(made: Scene) -> Result:
    return release(made.runtime, CASE.tenant_id, CASE.id, **_RELEASE)


def _writes(tenant: FakeTenant) -> list[str]:
    return [f"{each.method} {each.url}" for each in tenant.writes]


def test_the_account_is_disabled_before_its_sessions_are_revoked_and_all_of_it_is_read_back() -> None:
    made = scene(fresh())
    made.contain()
    assert set(made.states.values()) == {StepState.ASKED}
    assert not made.tenant.log, "a person's laptop asks nothing of the tenant"
    made.tick()
    assert made.states == _DONE
    assert [each.rpartition("/")[2] for each in _writes(made.tenant)] == [
        ACCOUNT,
        "revokeSignInSessions",
        "confirmCompromised",
    ]
    assert made.account["accountEnabled"] is False


def test_only_a_person_gives_it_back_in_one_step_with_the_case() -> None:
    made = scene(fresh())
    made.contain()
    made.tick()
    assert read_tenant_state(made.runtime.storage, CASE.tenant_id, NOW).restrained == {ACCOUNT}
    assert _released(made) is Result.DONE
    assert read_tenant_state(made.runtime.storage, CASE.tenant_id, NOW).restrained == frozenset()
    made.tick()
    assert made.account["accountEnabled"] is True
    assert made.tenant.risky_users == {ACCOUNT: "dismissed"}
    assert set(made.states.values()) == {StepState.GIVEN, StepState.ENDED}
    assert _released(made) is Result.ALREADY
    made.tick(3)
    assert len(_writes(made.tenant)) == 5


def test_nothing_comes_back_by_time_alone() -> None:
    made = scene(fresh())
    made.contain()
    made.tick()
    for days in (1, 30, 4000):
        made.bench.clock.move(timedelta(days=days))
        made.tick()
    assert made.account["accountEnabled"] is False
    assert len(_writes(made.tenant)) == 3
    assert read_tenant_state(made.runtime.storage, CASE.tenant_id, NOW).restrained == {ACCOUNT}


def test_it_is_asked_for_once_however_often_it_is_confirmed() -> None:
    made = scene(fresh())
    plan = plan_containment(made.runtime, CASE)
    done = [contain(made.runtime, CASE, digest=plan.digest, by="Carol", reason="stolen") for _ in range(2)]
    assert [each.result for each in done] == [Result.DONE, Result.ALREADY]
    made.tick(5)
    assert len(_writes(made.tenant)) == 3


def test_a_plan_that_is_not_what_was_shown_does_nothing() -> None:
    made = scene(fresh())
    assert contain(made.runtime, CASE, digest="0" * 12, by="Carol", reason="x").result is Result.MOVED
    made.tick()
    assert not made.tenant.log


def test_without_a_reason_nothing_is_taken_and_nothing_given_back() -> None:
    made = scene(fresh())
    plan = plan_containment(made.runtime, CASE)
    with pytest.raises(ValueError, match="reason"):
        contain(made.runtime, CASE, digest=plan.digest, by="Carol", reason=" ")
    made.contain()
    made.tick()
    with pytest.raises(ValueError, match="reason"):
        release(made.runtime, CASE.tenant_id, CASE.id, by="Dave", reason="")
    made.tick()
    assert made.account["accountEnabled"] is False


@pytest.mark.parametrize(
    ("actor", "because"),
    [
        (Actor(id=BREAK_GLASS_1.id.upper(), kind=ActorKind.USER), "an emergency account"),
        (Actor(id=RESPONDER.id, kind=ActorKind.USER), "the responder's own identity"),
        (Actor(id="a1000000-0000-4000-8000-000000000001", kind=ActorKind.USER), "a protected principal"),
        (Actor(id="", name="Mallory", kind=ActorKind.USER), "isn't known who"),
        (Actor(id="mallory@contoso.example", kind=ActorKind.USER), "no account of a person"),
        (Actor(id=ACCOUNT, kind=ActorKind.SERVICE_PRINCIPAL), "no account of a person"),
        (Actor(id=ACCOUNT, kind=ActorKind.UNKNOWN), "no account of a person"),
    ],
)
def test_nobody_else_is_restrained_whoever_asks(actor: Actor, because: str) -> None:
    made = scene(fresh(), PROTECTED_PRINCIPAL_IDS="a1000000-0000-4000-8000-000000000001")
    case = copy.replace(CASE, actor=actor)
    with pytest.raises(Rejected, match=because):
        plan_containment(made.runtime, case)
    assert not contain_unasked(made.runtime, case, _detection())
    made.tick()
    assert not made.tenant.log


def test_an_account_that_became_an_emergency_account_since_is_not_touched() -> None:
    storage = fresh()
    scene(storage).contain()
    later = scene(storage, EMERGENCY_ACCOUNT_IDS=f"{BREAK_GLASS_1.id},{ACCOUNT}")
    later.tick()
    assert set(later.states.values()) == {StepState.NOT_DONE}
    assert not later.tenant.writes
    assert read_tenant_state(later.runtime.storage, CASE.tenant_id, NOW).restrained == frozenset()


def test_what_somebody_else_had_disabled_stays_disabled_when_it_is_released() -> None:
    made = scene(fresh(), FakeTenant(principals={ACCOUNT: user(accountEnabled=False)}), acts=(DISABLE,))
    made.contain()
    made.tick()
    _released(made)
    made.tick()
    assert not made.tenant.writes
    assert made.states == {"disable": StepState.ALREADY}


def test_what_two_cases_hold_is_given_back_with_the_second_one() -> None:
    made = scene(fresh(), acts=(DISABLE,))
    other = copy.replace(CASE, id="20260302-ffffffffffffffffffff")
    made.contain()
    made.tick()
    made.contain(other)
    made.tick()
    _released(made)
    made.tick()
    assert made.account["accountEnabled"] is False
    release(made.runtime, CASE.tenant_id, other.id, **_RELEASE)
    made.tick()
    assert made.account["accountEnabled"] is True


def test_an_account_that_active_directory_keeps_is_for_people() -> None:
    made = scene(fresh(), FakeTenant(principals={ACCOUNT: user(onPremisesSyncEnabled=True)}), acts=(DISABLE,))
    made.contain()
    made.tick()
    assert made.states == {"disable": StepState.REFUSED}
    assert not made.tenant.writes
    assert "Disable-ADAccount" in made.bench.teams.notices[0].what_to_do


def test_the_sessions_of_another_tenants_account_are_not_said_to_be_revoked() -> None:
    guest = user(userPrincipalName="mallory_fabrikam.example#EXT#@contoso.example")
    made = scene(fresh(), FakeTenant(principals={ACCOUNT: guest}), acts=(SESSIONS,))
    made.contain()
    made.tick()
    assert made.states == {"revoke-sessions": StepState.REFUSED}
    assert not made.tenant.writes


def test_without_the_permission_people_get_the_command_at_once_and_the_rest_is_done() -> None:
    tenant = FakeTenant(principals={ACCOUNT: user()})
    tenant.granted -= {*DISABLE.calls_by_hand[0].needs, *COMPROMISED.calls_by_hand[0].needs}
    made = scene(fresh(), tenant)
    made.contain()
    made.tick(3)
    assert made.states == {
        "disable": StepState.REFUSED,
        "revoke-sessions": StepState.DONE,
        "confirm-compromised": StepState.REFUSED,
    }
    urgent = [each for each in made.bench.teams.notices if "could not be restrained" in each.title]
    assert [f"/users/{ACCOUNT}" in each.what_to_do for each in urgent] == [True]
    assert read_tenant_state(made.runtime.storage, CASE.tenant_id, NOW).restrained == {ACCOUNT}


# Every fault at every request.


def _ready(act: int, fault: str, at: int) -> Scene:
    """Do one act of the three, with a fault at one of its requests, the first time that it is sent."""
    made = scene(fresh(), acts=((DISABLE, SESSIONS, COMPROMISED)[act],))
    made.contain()

    def spoil(number: int, _request: Request):  # noqa: ANN202 - what FakeTenant asks
        if number != at:
            return None
        if fault == "cut":
            raise Unreachable("the connection was cut")
        return ANSWERS[fault]

    if fault == "lost":
        made.tenant.lose = frozenset({at})
    else:
        made.tenant.spoil = spoil
    return made


@pytest.mark.parametrize("at", range(3))
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("act", range(3), ids=["disable", "sessions", "compromised"])
def test_whatever_a_request_is_answered_it_is_done_once_or_people_have_the_command(
    act: int, fault: str, at: int
) -> None:
    made = _ready(act, fault, at)
    for _ in range(20):
        with suppress(EdgeError):
            go_on_with_restraints(made.runtime)
        made.bench.clock.move(A_MINUTE)
    (state,) = made.states.values()
    step = made.one.steps[0]
    carried_out = [each for each in made.tenant.writes if each.method != "GET"]
    assert state in {StepState.DONE, StepState.ALREADY, StepState.REFUSED, StepState.NOT_DONE}
    if fault in {"408", "500", "503", "cut", "lost", "429", "nonsense"}:
        assert state is StepState.DONE
    if fault == "lost":
        assert len(carried_out) == 1, "what was carried out isn't sent again"
    if state is StepState.REFUSED:
        assert fault in {"401", "403"}
        assert "by hand: " in step.last.because
    _released(made)
    made.tenant.spoil = lambda _number, _request: None
    for _ in range(10):
        go_on_with_restraints(made.runtime)
        made.bench.clock.move(A_MINUTE)
    assert made.account["accountEnabled"] is True
    assert not made.one.is_under_way


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("at", range(3))
def test_whatever_giving_back_is_answered_it_is_given_back_or_people_have_the_command(fault: str, at: int) -> None:
    made = scene(fresh(), acts=(DISABLE,))
    made.contain()
    made.tick()
    _released(made)
    first = len(made.tenant.log)

    def spoil(number: int, _request: Request):  # noqa: ANN202 - what FakeTenant asks
        if number - first != at or fault == "lost":
            return None
        if fault == "cut":
            raise Unreachable("the connection was cut")
        return ANSWERS[fault]

    made.tenant.spoil = spoil
    made.tenant.lose = frozenset({first + at}) if fault == "lost" else frozenset()
    for _ in range(20):
        with suppress(EdgeError):
            go_on_with_restraints(made.runtime)
        made.bench.clock.move(A_MINUTE)
    assert not made.one.is_under_way
    if made.account["accountEnabled"] is not True:
        assert made.states == {"disable": StepState.NOT_GIVEN} or fault == "404"
        assert any("could not be released" in each for each in made.titles()) or fault == "404"


# A process that dies, two hosts, clocks, storage.


class _Killed(BaseException):
    """The process is gone."""


def test_killed_at_each_operation_of_storage_it_is_gone_on_with_and_nothing_is_done_twice() -> None:
    ends: set[int] = set()
    for number in count():
        storage = SpoiltStorage(inner := fresh())
        made = scene(storage, acts=(DISABLE, SESSIONS))
        made.contain()
        first, storage.faults.failure = len(storage.faults.log), _Killed
        log = storage.faults.log
        storage.faults.spoil = lambda _one, log=log, at=first + number: "before" if len(log) - 1 == at else ""
        try:
            go_on_with_restraints(made.runtime)
        except _Killed:
            again = scene(inner, made.tenant, acts=(DISABLE, SESSIONS))
            again.bench.clock.move(10 * A_MINUTE)
            again.tick(8)
            assert set(again.states.values()) <= {StepState.DONE}, number
            assert len(made.tenant.writes) == 2, number
            again.runtime.notifier.resume(lambda _tenant, _case: None)
            sent = {each.key for each in (*made.bench.teams.notices, *again.bench.teams.notices)}
            assert sent == {f"restrained {CASE.id} 0"}, number
            ends.add(number)
        else:
            assert len(ends) > 10
            return


def test_killed_once_the_tenant_carried_it_out_it_is_found_by_reading() -> None:
    storage = fresh()
    made = scene(storage, acts=(DISABLE,))
    made.contain()

    def kill(_number: int, request: Request) -> None:
        if request.method == "PATCH":
            made.account["accountEnabled"] = False
            raise _Killed

    made.tenant.spoil = kill
    with pytest.raises(_Killed):
        go_on_with_restraints(made.runtime)
    made.tenant.spoil = lambda _number, _request: None
    again = scene(storage, made.tenant, acts=(DISABLE,))
    again.bench.clock.move(2 * A_MINUTE)
    again.tick(2)
    assert again.states == {"disable": StepState.DONE}
    assert len(made.tenant.writes) == 1


def test_two_hosts_do_each_thing_once() -> None:
    storage = fresh()
    first = scene(storage, acts=(DISABLE, SESSIONS))
    second = scene(storage, first.tenant, acts=(DISABLE, SESSIONS))
    first.contain()
    first.tenant.pass_time = second.tick
    with suppress(LeaseLost):  # the second host's minutes end the first one's lease
        first.tick()
    first.tenant.pass_time = lambda: None
    first.tick(2)
    assert len(first.tenant.writes) == 2
    assert set(first.states.values()) == {StepState.DONE}


@pytest.mark.parametrize("jump", [timedelta(days=-400), -_HOUR, timedelta(), _HOUR, timedelta(days=400)])
def test_a_hosts_clock_neither_loses_nor_doubles_a_reminder_and_gives_nothing_back(jump: timedelta) -> None:
    storage = fresh()
    made = scene(storage, acts=(DISABLE,))
    storage.clock = true = FakeClock(made.bench.clock())
    made.contain()
    made.tick()
    made.bench.clock.move(jump)
    for _ in range(3 * 60 + 30):
        go_on_with_restraints(made.runtime)
        made.bench.clock.move(A_MINUTE)
        true.move(A_MINUTE)
    reminders = [each.key for each in made.bench.teams.notices if each.key.startswith("restrained ")]
    assert reminders == [f"restrained {CASE.id} {number}" for number in range(4)]
    assert made.account["accountEnabled"] is False


def test_while_storage_refuses_nothing_is_done_nothing_given_back_and_no_reminder_lost() -> None:
    storage = SpoiltStorage(fresh())
    made = scene(storage, acts=(DISABLE,))
    made.contain()
    storage.faults.fail("replace Switches")
    with pytest.raises(Unreachable):
        go_on_with_restraints(made.runtime)
    assert not made.tenant.writes, "without its intent nothing is sent"
    storage.faults.heal()
    made.tick()
    storage.faults.fail("insert Outbox", "write Outbox", "rows Switches", "row Switches", "replace Switches")
    made.bench.clock.move(_HOUR)
    with suppress(ResponderError):
        go_on_with_restraints(made.runtime)
    storage.faults.heal()
    made.tick()
    reminders = [each.key for each in made.bench.teams.notices if each.key.startswith("restrained ")]
    assert reminders == [f"restrained {CASE.id} {number}" for number in range(2)]
    assert made.account["accountEnabled"] is False


def test_the_owner_is_reminded_first_then_everybody_each_hour_until_a_person_decides() -> None:
    made = scene(fresh(), acts=(DISABLE,))
    made.contain()
    made.tick(60 * 4)
    numbers = [each for each in made.bench.teams.notices if each.key.startswith("restrained ")]
    assert len(numbers) == 4
    assert "*" in numbers[2].scopes
    assert "emergency" in numbers[3].scopes
    assert keep(made.runtime, CASE.tenant_id, CASE.id, by="Dave", reason="it was stolen") is Result.DONE
    made.tick(60 * 3)
    assert len([each for each in made.bench.teams.notices if each.key.startswith("restrained ")]) == 4
    assert made.account["accountEnabled"] is False
    assert _released(made) is Result.DONE
    made.tick()
    assert made.account["accountEnabled"] is True


def _reminders(made: Scene) -> list[str]:
    return [each.key.rpartition(" ")[2] for each in made.bench.teams.notices if each.key.startswith("restrained ")]


def test_who_was_released_is_not_what_people_are_reminded_of() -> None:
    made = scene(fresh(), acts=(DISABLE,))
    made.contain()
    made.tick()
    made.bench.clock.move(_HOUR)
    _released(made)
    made.tick(2)
    assert _reminders(made) == ["0"]


def test_a_reminder_whose_run_died_once_it_was_sent_does_not_come_again_the_next_day() -> None:
    storage = SpoiltStorage(inner := fresh())
    made = scene(storage, acts=(DISABLE,))
    made.contain()
    made.bench.clock.move(timedelta(hours=13, minutes=54))  # a minute before midnight
    storage.faults.failure = _Killed
    storage.faults.spoil = lambda one: "before" if one == "replace Switches" and made.bench.teams.notices else ""
    with pytest.raises(_Killed):
        go_on_with_restraints(made.runtime)
    again = scene(inner, made.tenant, acts=(DISABLE,))
    again.bench.clock.move(timedelta(hours=13, minutes=56))
    again.tick(3)
    assert [*_reminders(made), *_reminders(again)] == ["0"]


def test_with_the_kill_switch_on_nothing_is_sent_and_people_hear_why() -> None:
    made = scene(fresh(), acts=(DISABLE,))
    made.runtime.controls.stop(by="Carol", reason="a test")
    made.contain()
    made.tick(2)
    assert not made.tenant.writes
    assert "the kill switch is on" in made.bench.teams.notices[0].text
    made.runtime.controls.start(by="Carol")
    made.tick()
    assert made.states == {"disable": StepState.DONE}


# Unasked.


def _detection(**changes: object) -> AnyDetection:
    from responders.catalogue import CATALOGUE  # noqa: PLC0415 - large

    found = next(one for one in CATALOGUE if one.id == CASE.detection)
    return copy.replace(found, **changes)


def _unasked(made: Scene, case: Case = CASE, **changes: object) -> bool:
    return contain_unasked(made.runtime, case, _detection(**changes))


def _enforced(storage: Storage, mode: Mode = Mode.ENFORCE, name: str = CASE.detection) -> Scene:
    made = scene(storage, acts=(DISABLE,))
    made.bench.clock.move(-10 * A_MINUTE)
    made.runtime.controls.set_mode(name, mode, by="Carol", reason="a test")
    made.bench.clock.move(10 * A_MINUTE)
    return made


def test_in_mode_enforce_set_by_name_it_is_done_unasked() -> None:
    made = _enforced(fresh())
    assert _unasked(made)
    assert _unasked(made), "again is as once"
    made.tick()
    assert made.states == {"disable": StepState.DONE}
    assert len(made.tenant.writes) == 1


@pytest.mark.parametrize("mode", [Mode.OBSERVE, Mode.PAGE])
def test_in_other_modes_nothing_is_done_unasked(mode: Mode) -> None:
    assert not _unasked(_enforced(fresh(), mode))


def test_enforce_for_all_detections_is_not_enough() -> None:
    assert not _unasked(_enforced(fresh(), name="*"))


def test_a_change_from_before_enforce_is_for_people() -> None:
    assert not _unasked(_enforced(fresh()), copy.replace(CASE, at=CASE.at - _HOUR))


@pytest.mark.parametrize("standing", [Standing.APPROVED, Standing.UNKNOWN])
def test_doubt_about_the_approval_restrains_nobody(standing: Standing) -> None:
    assert not _unasked(_enforced(fresh()), copy.replace(CASE, standing=standing))


def test_a_detection_that_does_not_contain_restrains_nobody() -> None:
    assert not _unasked(_enforced(fresh()), contains=False)


def test_an_attacker_who_plays_with_it_reaches_a_limit_within_the_hour_and_people_hear() -> None:
    made = _enforced(fresh())
    for number in range(MOST_UNASKED + 2):
        account = f"a1000000-0000-4000-8000-00000000000{number}"
        made.tenant.principals[account] = user(id=account)
        actor = Actor(id=account, name="", kind=ActorKind.USER)
        assert _unasked(made, copy.replace(CASE, id=f"20260302-{number:020}", actor=actor))
    made.tick()
    assert len(made.tenant.writes) == MOST_UNASKED
    assert sum("were acted on unasked" in each.text for each in made.bench.teams.notices) == 2
    made.bench.clock.move(_HOUR)
    made.tick()
    assert len(made.tenant.writes) == MOST_UNASKED + 2


def test_what_was_asked_for_unasked_is_left_to_people_once_the_kill_switch_was_on() -> None:
    made = _enforced(fresh())
    assert _unasked(made)
    made.runtime.controls.stop(by="Carol", reason="a test")
    made.tick()
    made.runtime.controls.start(by="Carol")
    made.tick(3)
    assert not made.tenant.writes, "nothing is done by surprise"
    assert made.states == {"disable": StepState.REFUSED}
    assert f"responder contain {CASE.id}" in made.bench.teams.notices[0].what_to_do
    made.contain()
    made.tick()
    assert made.states == {"disable": StepState.DONE}


def test_what_was_asked_for_unasked_is_left_to_people_once_the_mode_is_another() -> None:
    made = _enforced(fresh())
    assert _unasked(made)
    made.runtime.controls.set_mode(CASE.detection, Mode.PAGE, by="Carol", reason="a test")
    made.tick()
    assert not made.tenant.writes


def test_what_was_refused_is_asked_for_again_once_the_permission_is_there() -> None:
    tenant = FakeTenant(principals={ACCOUNT: user()})
    needed = {*DISABLE.calls_by_hand[0].needs}
    tenant.granted -= needed
    made = scene(fresh(), tenant, acts=(DISABLE, SESSIONS))
    made.contain()
    made.tick(2)
    assert made.states == {"disable": StepState.REFUSED, "revoke-sessions": StepState.DONE}
    tenant.granted |= needed
    made.contain()
    made.tick()
    assert set(made.states.values()) == {StepState.DONE}
    assert [each.rpartition("/")[2] for each in _writes(tenant)].count("revokeSignInSessions") == 1


def test_what_the_tenant_refused_is_tried_again_for_hours_and_told_once() -> None:
    """The account may have been in a restricted unit, out of which it is taken meanwhile."""
    tenant = FakeTenant(principals={ACCOUNT: user()})
    needed = {*DISABLE.calls_by_hand[0].needs}
    tenant.granted -= needed
    made = scene(fresh(), tenant, acts=(DISABLE,))
    made.contain()
    made.tick(400)
    assert made.one.steps[0].times(StepState.INTENDED) == 1 + len(REFUSED_AGAIN)
    urgent = [each for each in made.bench.teams.notices if "could not be restrained" in each.title]
    assert len(urgent) == 1
    tenant.granted |= needed
    made.tick(400)
    assert made.states == {"disable": StepState.REFUSED}, "after that it is for people alone"


def test_what_was_refused_is_done_once_the_tenant_no_longer_refuses_it() -> None:
    tenant = FakeTenant(principals={ACCOUNT: user()})
    needed = {*DISABLE.calls_by_hand[0].needs}
    tenant.granted -= needed
    made = scene(fresh(), tenant, acts=(DISABLE,))
    made.contain()
    made.tick(3)
    tenant.granted |= needed
    made.tick(2)
    assert made.states == {"disable": StepState.REFUSED}
    made.tick(1)
    assert made.states == {"disable": StepState.DONE}


def test_what_was_refused_is_not_tried_again_once_it_was_released() -> None:
    tenant = FakeTenant(principals={ACCOUNT: user()})
    tenant.granted -= {*DISABLE.calls_by_hand[0].needs}
    made = scene(fresh(), tenant, acts=(DISABLE,))
    made.contain()
    made.tick(2)
    _released(made)
    made.tick(100)
    assert made.one.steps[0].times(StepState.INTENDED) == 1


def test_who_was_released_can_be_restrained_again_because_of_the_same_case() -> None:
    made = scene(fresh(), acts=(DISABLE,))
    made.contain()
    made.tick()
    _released(made)
    made.tick()
    made.contain()
    made.tick()
    assert made.account["accountEnabled"] is False
    assert read_tenant_state(made.runtime.storage, CASE.tenant_id, NOW).restrained == {ACCOUNT}
    assert len(made.one.steps[0].entries) == 8, "nothing of what was is taken out"


_MADE: Final = "a1000000-0000-4000-8000-0000000000aa"


def test_accounts_that_it_made_are_restrained_after_it_where_a_person_names_them() -> None:
    tenant = FakeTenant(principals={ACCOUNT: user(), _MADE: user(id=_MADE)})
    made = scene(fresh(), tenant, acts=(DISABLE, SESSIONS))
    made.contain()
    made.tick()
    plan = plan_containment(made.runtime, CASE, also=(_MADE.upper(), ACCOUNT))
    assert plan.digest, "there is something more to do"
    assert plan_containment(made.runtime, CASE).digest == ""
    contain(made.runtime, CASE, digest=plan.digest, by="Carol", reason="she made it", also=(_MADE,))
    made.tick()
    assert [each.partition("/users/")[2] for each in _writes(tenant)] == [
        ACCOUNT,
        f"{ACCOUNT}/revokeSignInSessions",
        _MADE,
        f"{_MADE}/revokeSignInSessions",
    ]
    assert read_tenant_state(made.runtime.storage, CASE.tenant_id, NOW).restrained == {ACCOUNT, _MADE}
    _released(made)
    made.tick()
    assert [each["accountEnabled"] for each in tenant.principals.values()] == [True, True]


@pytest.mark.parametrize("account", [BREAK_GLASS_1.id, RESPONDER.id])
def test_nobody_is_named_besides_who_must_not_be_restrained(account: str) -> None:
    with pytest.raises(Rejected, match="is not contained"):
        plan_containment(scene(fresh()).runtime, CASE, also=(account,))


def test_what_is_no_object_id_is_not_named_besides() -> None:
    with pytest.raises(BadIdentifier):
        plan_containment(scene(fresh()).runtime, CASE, also=("../users",))


def test_a_row_that_can_not_be_read_leaves_it_unknown_who_is_restrained() -> None:
    storage = fresh()
    made = scene(storage)
    from shared.clients.storage_names import Table  # noqa: PLC0415 - only here

    storage.insert(Table.CONTROLS, f"restrained {CASE.tenant_id}", CASE.id, {"record": "{}"})
    assert read_tenant_state(made.runtime.storage, CASE.tenant_id, NOW).restrained is None
    with pytest.raises(BrokenRow):
        made.runtime.restraints.read(CASE.tenant_id, CASE.id)
    made.tick()
    assert any("row" in each for each in made.titles())


def test_two_who_write_one_row_do_not_go_over_one_another() -> None:
    made = scene(fresh())
    made.contain()
    kept = made.runtime.restraints.read(CASE.tenant_id, CASE.id)
    assert kept is not None
    said = Said(by="Dave", at=made.bench.clock(), reason="x")
    made.runtime.restraints.replace(kept, copy.replace(kept.containment, kept=said))
    with pytest.raises(LeaseLost):
        made.runtime.restraints.replace(kept, kept.containment)


def test_it_is_said_why_an_actor_can_not_be_restrained() -> None:
    assert why_not(scene(fresh()).runtime, CASE) == ""
