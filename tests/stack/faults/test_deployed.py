"""The code is deployed while changes are being put back: the app is started anew under whatever runs.

As after a crash no case is lost, nothing is put back twice, and the owners are told.
"""

from typing import Final

import pytest

from infra.local import story
from tests.stack.faults.running_stack import RunningStack

pytestmark = pytest.mark.stack

_SCENES: Final = (story.OWNER_TAKEN, story.SELF_EXCLUSION, story.CUSTOM_POLICY_UPLOADED, story.POLICY_DELETED)

_MAY_WAIT_LONGER: Final = frozenset({"backfill_directory_audits", "backfill_sign_ins"})
"""What reads the logs again may wait for the reports' limits for longer than a host that stops does; it comes again."""


@pytest.mark.parametrize("drain", [0.0, 15.0], ids=["what runs is cut off", "what runs may end"])
def test_a_deployment_in_the_middle_of_it(running: RunningStack, drain: float) -> None:
    begun = len(running.log())
    carried_out = running.proxy.at("DELETE /subscriptions/", lambda: None, after=True, cut=False)
    targets = [scene.act(running.stack.control) for scene in _SCENES]
    assert carried_out.wait(20), running.end_of_log()
    running.stack.redeploy(drain=drain)
    cases = [running.closed(scene, target) for scene, target in zip(_SCENES, targets, strict=True)]
    state = running.stack.control.state()
    assert [scene.check(state) for scene in _SCENES] == [""] * len(_SCENES)
    assert [(case.decision, case.outcome) for case in cases] == [("remediate", "done")] * len(_SCENES)
    # A policy that is made again is made disabled and enabled after.
    assert len(running.acts()) == len(_SCENES) + 1, running.acts()
    for case in cases:
        # Two of them are by one actor, whose page is sent again after a minute.
        running.until(lambda one=case: running.posts(one, "teams"), what="no card came", within=90)
    if drain:
        log = running.log()[begun:]
        assert "host: stopping" in log
        cut_off = [line.rpartition(": ")[2].split(", ") for line in log.splitlines() if "host: cut off after" in line]
        assert {name for names in cut_off for name in names} <= _MAY_WAIT_LONGER
