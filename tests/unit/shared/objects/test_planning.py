from shared.model.objects import EXISTS, Op, Verdict
from tests.fakes.object_stories import HOUR, Story, verdicts


def test_what_an_unapproved_actor_wrote_is_put_back() -> None:
    plan = Story().change(600, "Mallory", state=("on", "off")).plan(640, state="off")
    assert (plan.op, plan.steps) == (Op.UPDATE, {"state": ("off", "on")})
    assert verdicts(plan) == {"state": Verdict.PUT_BACK}


def test_what_an_approved_actor_wrote_is_the_baseline() -> None:
    plan = Story().change(600, "Alice", state=("on", "off")).plan(640, state="off")
    assert (plan.op, plan.verdicts, plan.baseline["state"].value) == (None, {}, "off")


def test_what_was_deleted_is_made_again() -> None:
    plan = Story().change(600, "Mallory", Op.DELETE).plan(640, gone=True)
    assert plan.op is Op.CREATE
    assert plan.steps == {
        EXISTS: (None, True),
        "state": (None, "on"),
        "colour": (None, "red"),
        "guests[Ann]": (None, True),
    }


def test_what_was_made_is_deleted() -> None:
    plan = Story().absent().change(600, "Mallory", Op.CREATE, state=(None, "on")).plan(640)
    assert (plan.op, plan.steps) == (Op.DELETE, {EXISTS: (True, None)})


def test_what_no_record_explains_waits_its_grace_and_then_goes_to_people() -> None:
    first = Story().plan(600, state="off")
    assert verdicts(first) == {"state": Verdict.WAIT_UNEXPLAINED}
    later = Story().with_state(differing=first.state.differing)
    assert verdicts(later.plan(600 + HOUR - 1, state="off")) == {"state": Verdict.WAIT_UNEXPLAINED}
    assert verdicts(later.plan(600 + HOUR, state="off")) == {"state": Verdict.DRIFT}
