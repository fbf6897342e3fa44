"""What is planned for conditional access policies, situation by situation."""

from datetime import timedelta
from typing import Any

import pytest

from responders.remediations.ca_policies import DISABLE_CA_POLICY, PUT_BACK_CA_POLICY, RESTORE_CA_POLICY
from shared.model.events import Change
from shared.model.kinds import Image
from shared.model.remediations import Already, Plan, Put
from tests.fakes.situations import (
    EMERGENCY_ACCOUNT,
    MALLORY,
    NEVER_THERE,
    POLICY_ID,
    TRUDY,
    approved,
    as_logged,
    ca_policy,
    case,
    change,
    doubt,
    known,
    policy_change,
    put,
    situation,
    with_users,
)

_MINUTE = timedelta(minutes=1)
_OFF = ca_policy(state="disabled")
_REPORTING = ca_policy(state="enabledForReportingButNotEnforced")


class TestSwitchingOff:
    def plan(self, current: Image | None, **more: Any) -> Plan:  # noqa: ANN401 - handed on
        run = more.pop("run", (change(None, ca_policy()),))
        return DISABLE_CA_POLICY.plan(situation(current, *run, **more))

    @pytest.mark.parametrize("current", [None, _OFF, ca_policy(state="Disabled")])
    def test_nothing_to_do(self, current: Image | None) -> None:
        assert isinstance(self.plan(current), Already)

    def test_it_is_switched_off(self) -> None:
        plan = self.plan(ca_policy())
        assert put(plan) == {"state": "disabled"}
        assert isinstance(plan, Put)
        assert plan.changes == (Change(name="state", old="enabled", new="disabled"),)
        assert 'conditional access policy "CA003' in plan.summary

    def test_so_is_a_policy_that_only_reports(self) -> None:
        assert put(self.plan(_REPORTING, run=(change(None, _REPORTING),))) == {"state": "disabled"}

    def test_so_is_one_whose_record_was_cut_off(self) -> None:
        cut = case(changes=(policy_change(None, (as_logged(ca_policy()) or "")[:200]),))
        assert put(self.plan(ca_policy(), run=(cut,))) == {"state": "disabled"}

    def test_a_policy_that_stood_before_is_not_new(self) -> None:
        assert "stood before" in doubt(self.plan(ca_policy(), baseline=known(ca_policy())))

    def test_an_approved_state_stays(self) -> None:
        enabled = approved((policy_change(as_logged(_REPORTING), as_logged(ca_policy())),))
        assert "approved" in doubt(self.plan(ca_policy(), run=(change(None, _REPORTING),), later=(enabled,)))

    def test_an_approved_change_whose_record_does_not_tell_may_have_set_the_state(self) -> None:
        assert "approved" in doubt(self.plan(ca_policy(), later=(approved(),)))

    def test_an_approved_rename_does_not_keep_it_on(self) -> None:
        renamed = ca_policy(displayName="CA999")
        later = approved((policy_change(as_logged(ca_policy()), as_logged(renamed)),))
        assert put(self.plan(renamed, later=(later,))) == {"state": "disabled"}

    def test_a_state_that_nobody_unapproved_set_stays(self) -> None:
        assert "isn't one that" in doubt(self.plan(ca_policy(), run=(change(None, _REPORTING),)))

    def test_a_second_attacker_switched_it_on(self) -> None:
        run = (change(None, _REPORTING), change(_REPORTING, ca_policy(), by=TRUDY, after=_MINUTE))
        assert put(self.plan(ca_policy(), run=run)) == {"state": "disabled"}


class TestPuttingBack:
    def plan(self, current: Image | None, *run: Any, **more: Any) -> Plan:  # noqa: ANN401 - handed on
        return PUT_BACK_CA_POLICY.plan(situation(current, *run, **more))

    def test_only_what_was_changed_is_sent(self) -> None:
        plan = self.plan(_OFF, change(ca_policy(), _OFF))
        assert put(plan) == {"state": "enabled"}
        assert isinstance(plan, Put)
        assert plan.changes == (Change(name="state", old="disabled", new="enabled"),)
        assert plan.touches == frozenset()

    def test_a_nested_property_is_sent_whole(self) -> None:
        left = with_users(ca_policy(), excludeUsers=[EMERGENCY_ACCOUNT, MALLORY.id])
        plan = self.plan(left, change(ca_policy(), left), baseline=known(ca_policy()))
        body = put(plan)
        assert body.keys() == {"conditions"}
        assert body["conditions"]["users"]["excludeUsers"] == [EMERGENCY_ACCOUNT]
        assert body["conditions"]["applications"]["includeApplications"] == ["All"]
        assert isinstance(plan, Put)
        assert plan.touches == {MALLORY.id}

    def test_an_exclusion_given_to_an_emergency_account_is_told_when_it_would_go(self) -> None:
        before = with_users(ca_policy(), excludeUsers=[])
        plan = self.plan(ca_policy(), change(before, ca_policy()))
        assert isinstance(plan, Put)
        assert plan.touches == {EMERGENCY_ACCOUNT}

    def test_a_removed_control_comes_back_as_graph_takes_it(self) -> None:
        left = ca_policy(grantControls=None)
        body = put(self.plan(left, change(ca_policy(), left)))
        assert body == {"grantControls": {**ca_policy()["grantControls"]}}

    def test_an_added_control_goes(self) -> None:
        left = ca_policy(sessionControls={"signInFrequency": {"value": 99}})
        assert put(self.plan(left, change(ca_policy(), left))) == {"sessionControls": None}

    def test_a_strength_that_was_swapped_for_a_weaker_control(self) -> None:
        left = ca_policy(grantControls={"operator": "OR", "builtInControls": ["mfa"]})
        sent = put(self.plan(left, change(ca_policy(), left)))["grantControls"]
        assert sent["authenticationStrength"] == {"id": "00000000-0000-0000-0000-000000000004"}
        assert sent["builtInControls"] == []

    def test_a_strength_that_was_added_is_cleared(self) -> None:
        before = ca_policy(grantControls={"operator": "OR", "builtInControls": ["mfa"]})
        sent = put(self.plan(ca_policy(), change(before, ca_policy())))["grantControls"]
        assert sent == {"operator": "OR", "builtInControls": ["mfa"], "authenticationStrength": None}

    @pytest.mark.parametrize("baseline", [known(ca_policy()), None])
    def test_it_stands_as_before(self, baseline: Any) -> None:  # noqa: ANN401 - a baseline or none
        more = {"baseline": baseline} if baseline else {}
        assert isinstance(self.plan(ca_policy(), change(ca_policy(), _OFF), **more), Already)

    def test_two_attackers_in_a_row_lead_back_to_the_first_state(self) -> None:
        renamed = ca_policy(state="disabled", displayName="gone")
        run = (change(ca_policy(), _REPORTING), change(_REPORTING, renamed, by=TRUDY, after=_MINUTE))
        assert put(self.plan(renamed, *run)) == {"state": "enabled", "displayName": ca_policy()["displayName"]}

    def test_what_the_first_attacker_left_is_explained_too(self) -> None:
        run = (change(ca_policy(), _REPORTING), change(_REPORTING, _OFF, by=TRUDY, after=_MINUTE))
        assert put(self.plan(_REPORTING, *run)) == {"state": "enabled"}

    def test_a_value_that_nobody_unapproved_set_is_left_alone(self) -> None:
        assert doubt(self.plan(_REPORTING, change(ca_policy(), _OFF))).startswith("state is neither")

    def test_an_approved_change_of_the_property_came_after(self) -> None:
        later = approved((policy_change(as_logged(_OFF), as_logged(_REPORTING)),))
        assert "approved" in doubt(self.plan(_REPORTING, change(ca_policy(), _OFF), later=(later,)))

    def test_an_approved_change_that_chose_the_same_value_is_kept(self) -> None:
        run = change(ca_policy(), _OFF)
        later = approved((policy_change(as_logged(_REPORTING), as_logged(_OFF)),))
        assert "approved" in doubt(self.plan(_OFF, run, later=(later,)))

    def test_an_approved_change_of_another_property_does_not_matter(self) -> None:
        renamed = ca_policy(state="disabled", displayName="CA003 new")
        later = approved((policy_change(as_logged(_OFF), as_logged(renamed)),))
        assert put(self.plan(renamed, change(ca_policy(), _OFF), later=(later,))) == {"state": "enabled"}

    def test_a_cut_record_of_an_approved_change_covers_everything(self) -> None:
        later = approved((policy_change('{"state":"dis', '{"state":'),))
        assert "approved" in doubt(self.plan(_OFF, change(ca_policy(), _OFF), later=(later,)))

    def test_a_cut_old_value_is_taken_from_the_snapshot(self) -> None:
        run = case(changes=(policy_change('{"state":"ena', as_logged(_OFF)),))
        assert put(self.plan(_OFF, run, baseline=known(ca_policy()))) == {"state": "enabled"}
        assert "doesn't say" in doubt(self.plan(_OFF, run))

    def test_a_cut_new_value_is_not_guessed(self) -> None:
        run = case(changes=(policy_change(as_logged(ca_policy()), '{"state":"dis'),))
        assert "doesn't say" in doubt(self.plan(_OFF, run, baseline=known(ca_policy())))
        assert isinstance(self.plan(ca_policy(), run), Already)

    def test_a_record_without_the_policy_is_not_guessed(self) -> None:
        assert "doesn't say" in doubt(self.plan(_OFF, case(), baseline=known(ca_policy())))

    def test_the_record_counts_before_the_snapshot(self) -> None:
        assert put(self.plan(_OFF, change(_REPORTING, _OFF), baseline=known(ca_policy()))) == {
            "state": _REPORTING["state"]
        }

    def test_the_spelling_of_dot_net_is_compared_and_not_written(self) -> None:
        pascal = '{"DisplayName":"CA003: Require MFA for all users","State":"%s"}'
        run = case(changes=(policy_change(pascal % "Enabled", pascal % "Disabled"),))
        assert put(self.plan(_OFF, run, baseline=known(ca_policy()))) == {"state": "enabled"}
        assert "words of the log" in doubt(self.plan(_OFF, run))
        assert isinstance(self.plan(ca_policy(), run), Already)

    def test_a_record_that_leaves_something_out_is_not_trusted(self) -> None:
        left = with_users(ca_policy(), excludeUsers=[MALLORY.id])
        old, new = '{"conditions":{"users":{"excludeUsers":[]}}}', '{"conditions":{"users":{"excludeUsers":["%s"]}}}'
        assert doubt(self.plan(left, case(changes=(policy_change(old, new % MALLORY.id),)))).startswith(
            "conditions is neither"
        )

    def test_a_policy_that_is_gone(self) -> None:
        assert "no longer exists" in doubt(self.plan(None, change(ca_policy(), _OFF)))

    def test_a_policy_that_was_itself_created_without_approval(self) -> None:
        run = (change(None, _REPORTING), change(_REPORTING, ca_policy(), after=_MINUTE))
        assert "created without approval" in doubt(self.plan(ca_policy(), *run, baseline=NEVER_THERE))
        assert isinstance(self.plan(_OFF, *run, baseline=NEVER_THERE), Already)


class TestRestoring:
    def plan(self, standing: list[Image], *run: Any, **more: Any) -> Plan:  # noqa: ANN401 - handed on
        deleted = run or (change(ca_policy(), None),)
        return RESTORE_CA_POLICY.plan(situation({"policies": standing}, *deleted, **more))

    @pytest.mark.parametrize("baseline", [known(ca_policy()), None])
    def test_it_is_gone(self, baseline: Any) -> None:  # noqa: ANN401 - a baseline or none
        more = {"baseline": baseline} if baseline else {}
        plan = self.plan([], **more)
        assert put(plan)["before"]["displayName"] == ca_policy()["displayName"]
        assert isinstance(plan, Put)
        assert "Restore the deleted" in plan.summary

    def test_it_is_there(self) -> None:
        assert isinstance(self.plan([ca_policy()]), Already)
        assert isinstance(self.plan([ca_policy(id=POLICY_ID.upper())], baseline=known(ca_policy())), Already)

    def test_it_was_created_again_under_another_id(self) -> None:
        twin = ca_policy(id="new", createdDateTime="2026-03-02T10:00:09.1234567Z")
        assert isinstance(self.plan([twin]), Already)

    @pytest.mark.parametrize("created", ["2026-01-12T08:30:00Z", None, "then", "2026-03-03T10:00:00"])
    def test_a_twin_that_stood_beside_it_is_another_policy(self, created: str | None) -> None:
        assert isinstance(self.plan([ca_policy(id="old", createdDateTime=created)]), Put)

    def test_another_policy_took_its_name(self) -> None:
        assert "other content" in doubt(self.plan([ca_policy(id="new", state="disabled")]))

    def test_other_policies_do_not_matter(self) -> None:
        assert isinstance(self.plan([ca_policy(id="other", displayName="CA001")]), Put)

    def test_it_did_not_exist_before(self) -> None:
        assert isinstance(self.plan([], baseline=NEVER_THERE), Already)

    def test_it_is_not_known_what_it_was(self) -> None:
        assert "isn't known" in doubt(self.plan([], case()))

    def test_the_log_alone_in_its_own_words_cannot_be_written(self) -> None:
        run = case(changes=(policy_change('{"DisplayName":"CA003"}', None),))
        assert "words of the log" in doubt(self.plan([], run))

    def test_an_approved_change_came_after(self) -> None:
        assert "approved" in doubt(self.plan([], later=(approved(),)))

    def test_changed_and_then_deleted(self) -> None:
        run = (change(ca_policy(), _OFF), change(_OFF, None, after=_MINUTE))
        plan = put(self.plan([], *run))
        assert plan["before"]["state"] == "enabled"
        assert plan["left_as"] == {"state": ["disabled"]}
        assert put(self.plan([_OFF], *run)) == {"state": "enabled"}
        assert "approved" in doubt(self.plan([_OFF], *run, later=(approved(),)))

    def test_it_exists_with_what_nobody_unapproved_set(self) -> None:
        assert "neither as before" in doubt(self.plan([_REPORTING]))
