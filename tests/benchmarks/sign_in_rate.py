"""Decode, normalise and match, against bare typed decoding of the same bytes: 20,000 sign-ins, one core."""

import random
import uuid
from collections.abc import Iterator
from copy import replace
from datetime import datetime
from typing import Final

from msgspec import Struct
from msgspec.json import Decoder

from infra.local.tenant.instants import parse_instant
from infra.local.tenant.sign_in_records import sign_in_record
from infra.local.world import ALICE
from responders.detections.directory_samples import ROLE_HOLDER
from responders.detections.samples import BREAK_GLASS
from shared.model.kinds import Image
from shared.normalize.sign_ins import SignInRecord
from tests.benchmarks.match_rate import OF_INTEREST_EVERY, chosen, compared, pages_of

_AT: Final = parse_instant("2026-03-17T09:20:11Z")

_CODES: Final = {
    0: 70,
    50140: 8,
    50074: 5,
    50076: 6,
    65001: 1,
    50126: 6,
    500121: 2,
    53003: 2,
}
"""How the sign-ins of a tenant end, by weight: mostly well, else mostly in a question.

None of it meets a detection, but for those that count many records.
"""

_ADMINISTRATORS: Final = (BREAK_GLASS, ROLE_HOLDER)
"""Whose sign-ins are of interest: a break-glass account's, each a match, and those of somebody who holds a role."""


class _Record(SignInRecord, kw_only=True, rename="camel"):
    """What normalising decodes of a sign-in, with the time that it takes from the shallow pass."""

    created_date_time: datetime


class _Page(Struct):
    value: list[_Record]


def measure() -> dict[str, float]:
    """Give sign-ins per second, of matching and of bare decoding, and their ratio."""
    return compared(pages(), Decoder(_Page))


def pages() -> list[bytes]:
    """Give pages of sign-ins."""
    return pages_of(_records(), "auditLogs/signIns")


def _records() -> Iterator[Image]:
    """Make the same sign-ins on every machine, but for the administrators' each of an account of its own."""
    chance = random.Random(20260317)  # noqa: S311 - keeps no secret
    for place, code in enumerate(chosen(_CODES, chance)):
        account = str(uuid.UUID(int=chance.getrandbits(128)))
        if place % OF_INTEREST_EVERY == 0:
            account = _ADMINISTRATORS[place // OF_INTEREST_EVERY % 2]
        somebody = replace(ALICE, id=account, upn=f"user{place}@fabrikam.onmicrosoft.com")
        yield sign_in_record(somebody, error_code=code, at=_AT)
