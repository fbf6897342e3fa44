"""The local stack's operators are let in at a door that is made of their settings."""

import copy
from pathlib import Path

from pyotp.totp import TOTP

from infra.local.operators import local_operators
from infra.local.world import ALICE
from shared.emergency.entries import Caller, Proof
from shared.emergency.proofs import Request, caller_of, door_of
from shared.emergency.signed_requests import CODE, KEY, OPERATOR
from shared.emergency.signing import sign_request
from shared.model.settings import settings_from
from tests.fakes.clock import NOW, FakeClock
from tests.fakes.memory_storage import MemoryStorage
from tests.unit.responders.test_settings_sample import values_of_the_sample


def test_they_sign_and_show_codes_and_are_the_same_the_next_time(memory: MemoryStorage, tmp_path: Path) -> None:
    made = local_operators(tmp_path / "operators")
    assert local_operators(tmp_path / "operators") == made
    settings = settings_from({**values_of_the_sample(), **made.settings})
    door = door_of(settings, {"WEBSITE_HOSTNAME": "127.0.0.1:7071"}, memory, clock=FakeClock())
    url = "http://127.0.0.1:7071/api/emergency/x"
    signed = sign_request(made.key("alice"), "POST", url, emergency_key=made.emergency_key, now=NOW)
    found = caller_of(Request(method="POST", url=url, headers=signed), door, now=NOW)
    assert isinstance(found, Caller)
    assert (found.operator, found.name, found.proof) == ("alice", ALICE.name, Proof.SIGNATURE)
    shown = {KEY: made.emergency_key, OPERATOR: "carol", CODE: TOTP(made.codes["carol"]).at(NOW)}
    by_code = caller_of(Request(method="POST", url=url, headers=shown), door, now=NOW)
    assert isinstance(by_code, Caller)
    assert by_code.proof is Proof.CODE
    elsewhere = copy.replace(door, host="responder.example")
    assert not isinstance(caller_of(Request(method="POST", url=url, headers=signed), elsewhere, now=NOW), Caller)
