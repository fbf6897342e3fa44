"""The reconciler on the product's own detections of custom policies: families, and what isn't safe to read."""

import copy
from datetime import datetime, timedelta
from typing import Final

import pytest

from infra.local.world import ALICE, B2C_TENANT, MALLORY
from responders.catalogue import CATALOGUE
from responders.detections.samples import custom_policy_record
from responders.kinds.custom_policies import CUSTOM_POLICY, leaves
from shared.clients.api import Answer
from shared.model.cases import Outcome, State
from shared.model.kinds import ApprovalList, Image, Mode
from shared.respond.persons import accept
from shared.respond.resume import resume
from shared.respond.sweep import sweep
from tests.fakes.lamps import initiated_by
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import Bench, approval, bench, settings_with
from tests.fakes.situations import custom_policy_xml
from tests.fakes.tenant import FakeTenant, Request

_MINUTE: Final = timedelta(minutes=1)
_LIMIT: Final = 10
_BASE: Final = "B2C_1A_Base"
_SIGN_IN: Final = "B2C_1A_SignIn"
_EVIL: Final = "B2C_1A_Evil"
_DEEP: Final = "B2C_1A_Deep"
_DEEPER: Final = "B2C_1A_Deeper"
_NESTED: Final = "<a>" * 200 + "</a>" * 200


class _B2c:
    """A tenant with custom policies that somebody accepted, and the runtime that guards it."""

    def __init__(self, storage: MemoryStorage, **documents: str) -> None:
        owner = settings_with().tenant(B2C_TENANT)
        assert owner is not None
        self.owner = owner
        self.tenant = FakeTenant(custom_policies=dict(documents))
        self.uploads: list[tuple[datetime, str]] = []
        edges = copy.replace(self.tenant.edges(self.owner.kind), tenant=self.owner)
        self.ready = bench(
            storage,
            detections=CATALOGUE,
            kinds=(CUSTOM_POLICY,),
            edges=edges,
            REMEDIATIONS_PER_HOUR=f"{_LIMIT}",
        )
        self.tenant.pass_time = lambda: self.ready.clock.move(timedelta(milliseconds=100))
        self.tenant.spoil = self._note
        self._accept()

    def _accept(self) -> None:
        ready, objects = self.ready, self.ready.runtime.objects
        ready.clock.move(-10 * _MINUTE)
        ready.seed(Mode.ENFORCE)
        ready.runtime.approvals.approve(approval(ALICE, ApprovalList.B2C_CUSTOM_POLICIES))
        sweep(ready.runtime, CUSTOM_POLICY, self.owner)
        for seen in [*objects.seen(self.owner.id, CUSTOM_POLICY.kind)]:
            accept(ready.runtime, seen.id, digest=seen.digest, by="Carol Chen", reason="a test")
        resume(ready.runtime)
        ready.clock.move(10 * _MINUTE)

    def _note(self, _number: int, request: Request) -> Answer | None:
        if request.method == "PUT":
            self.uploads.append((self.ready.clock(), request.url.split("/")[-2]))
        return None

    def record(self, verb: str, policy_id: str) -> None:
        """Take in that Mallory did something to a policy a moment ago."""
        at = self.ready.clock() - timedelta(seconds=1)
        target: Image = {"id": policy_id, "displayName": policy_id, "type": "Other", "modifiedProperties": []}
        record = custom_policy_record(
            f"{verb} custom policy",
            id=f"{verb} {policy_id}",
            correlationId=f"{verb} {policy_id}",
            activityDateTime=at.isoformat().replace("+00:00", "Z"),
            initiatedBy=initiated_by(MALLORY),
            targetResources=[target],
        )
        self.ready.take_in(record, tenant_id=self.owner.id)

    def go_on(self, *, minutes: int) -> None:
        """Do as the queue and the timer would, until every case is closed."""
        self.ready.answer_queue()
        for _ in range(minutes):
            if all(case.state is State.CLOSED for case in self.ready.cases(self.owner.id)):
                return
            self.ready.clock.move(_MINUTE)
            resume(self.ready.runtime)
            self.ready.answer_queue()


def _family() -> dict[str, str]:
    """Give twelve policies: a base, one that inherits from it, and ten that inherit from that."""
    children = {
        f"B2C_1A_Journey{number}": custom_policy_xml(f"B2C_1A_Journey{number}", base=_SIGN_IN) for number in range(10)
    }
    return {
        _BASE: custom_policy_xml(_BASE),
        _SIGN_IN: custom_policy_xml(_SIGN_IN, base=_BASE),
        **children,
    }


def test_a_family_above_the_limit_of_an_hour_stands_in_the_end_parents_first(memory: MemoryStorage) -> None:
    family = _family()
    b2c = _B2c(memory, **family)
    begun = b2c.ready.clock()
    for policy_id in reversed(family):
        del b2c.tenant.custom_policies[policy_id]
        b2c.record("Delete", policy_id)
    b2c.go_on(minutes=240)
    stand = {name: leaves({"id": name, "xml": xml}) for name, xml in b2c.tenant.custom_policies.items()}
    assert stand == {name: leaves({"id": name, "xml": xml}) for name, xml in family.items()}
    assert {case.outcome for case in b2c.ready.cases(b2c.owner.id)} == {Outcome.DONE}
    assert [name for _, name in b2c.uploads][:2] == [_BASE, _SIGN_IN]
    assert len(b2c.uploads) == len(family), "none is uploaded twice, nor before what it inherits from"
    assert sum(at < begun + 60 * _MINUTE for at, _ in b2c.uploads) == _LIMIT, "a place is taken when one is decided on"


_UNSAFE: Final[dict[str, dict[str, str]]] = {
    "one inherits from the other": {
        _EVIL: custom_policy_xml(_EVIL, base=_SIGN_IN),
        _DEEP: custom_policy_xml(_DEEP, base=_EVIL),
    },
    "... and isn't safe to read": {
        _EVIL: custom_policy_xml(_EVIL, base=_SIGN_IN),
        _DEEP: custom_policy_xml(_DEEP, base=_EVIL, content=_NESTED),
    },
    "neither is safe to read, and each names the other": {
        _DEEP: custom_policy_xml(_DEEP, base=_SIGN_IN, content=f"<!-- {_DEEPER} -->{_NESTED}"),
        _DEEPER: custom_policy_xml(_DEEPER, base=_SIGN_IN, content=f"<!-- {_DEEP} -->{_NESTED}"),
    },
    "neither is XML": {_DEEP: "<open>", _DEEPER: "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"},
}


@pytest.mark.parametrize("made", _UNSAFE.values(), ids=_UNSAFE)
def test_what_an_attacker_makes_goes_whatever_it_leans_on(memory: MemoryStorage, made: dict[str, str]) -> None:
    family = {_BASE: custom_policy_xml(_BASE), _SIGN_IN: custom_policy_xml(_SIGN_IN, base=_BASE)}
    b2c = _B2c(memory, **family)
    for policy_id, xml in made.items():
        b2c.tenant.custom_policies[policy_id] = xml
        b2c.record("Create", policy_id)
        b2c.ready.clock.move(timedelta(seconds=1))
    b2c.go_on(minutes=60)
    assert b2c.tenant.custom_policies == family
    assert {case.outcome for case in b2c.ready.cases(b2c.owner.id)} == {Outcome.DONE}


def test_what_an_attacker_makes_stays_while_another_policy_cannot_be_read(memory: MemoryStorage) -> None:
    """People hear of it at once, once, and it goes when the other can be read."""
    family = {_BASE: custom_policy_xml(_BASE), _SIGN_IN: custom_policy_xml(_SIGN_IN, base=_BASE)}
    b2c = _B2c(memory, **family)
    plain = b2c.tenant.spoil

    def spoil(number: int, request: Request) -> Answer | None:
        if request.url.endswith(f"/{_SIGN_IN}/$value"):
            return Answer(status=503, headers={}, body=b"{}")
        return plain(number, request)

    b2c.tenant.spoil = spoil
    b2c.tenant.custom_policies[_EVIL] = custom_policy_xml(_EVIL, base=_BASE)
    b2c.record("Create", _EVIL)
    b2c.go_on(minutes=30)
    (case,) = b2c.ready.cases(b2c.owner.id)
    assert (case.outcome, case.state) == (Outcome.PENDING, State.ACTED)
    assert f"could not be read: {_SIGN_IN}" in case.because
    assert len(_pages(b2c.ready)) == 1
    b2c.tenant.spoil = plain
    b2c.go_on(minutes=90)
    assert b2c.tenant.custom_policies == family


def _pages(ready: Bench) -> set[str]:
    return {sent.message.key.split(" ")[0] for sent in ready.pagerduty.sent}
