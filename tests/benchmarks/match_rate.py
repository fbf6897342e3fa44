"""Decode, normalise and match, against bare typed decoding of the same bytes: 20,000 audit records, one core."""

import json
import random
import statistics
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.json import Decoder

from responders.catalogue import CATALOGUE
from responders.detections.directory_samples import BY_CPIM, SAMPLE_VOCABULARY
from responders.detections.samples import (
    BY_USER,
    CA_POLICY,
    TENANT,
    audit_record,
    ca_policy_record,
    custom_policy_record,
)
from shared.catalog import Image
from shared.match import Matcher
from shared.normalize import read_batch
from shared.normalize.audit import AuditRecord

RECORDS: Final = 20_000
_PAGE: Final = 1_000
_RUNS: Final = 7

_USUAL: Final = {
    "Update user": 30,
    "Add user": 12,
    "Add member to group": 12,
    "Update device": 8,
    "Update application": 5,
    "Add app role assignment to service principal": 4,
    "Consent to application": 3,
    "User registered security info": 4,
    "Reset password (self-service)": 3,
    "Update service principal": 3,
    "Issue an id_token to the application": 10,
    "Verify one time password": 4,
}
"""What a tenant's log is made of, by weight.

Half of it is looked at in full, by name; none of it meets a detection, but for those that count many records.
"""

_OF_INTEREST_EVERY: Final = 100


class _Record(AuditRecord, kw_only=True, rename="camel"):
    """What normalising decodes of an audit record, with the time that it takes from the shallow pass."""

    activity_date_time: datetime


class _Page(Struct):
    value: list[_Record]


def measure() -> dict[str, float]:
    """Give records per second, of matching and of bare decoding, and their ratio; the two take turns."""
    pages = [_page(records) for records in _pages()]
    matcher = Matcher(CATALOGUE, msgspec.structs.replace(SAMPLE_VOCABULARY, account_attributes={}))
    decoder = Decoder(_Page)
    expected = RECORDS // _OF_INTEREST_EVERY
    matched: list[float] = []
    decoded: list[float] = []
    for _ in range(_RUNS):
        decoded.append(_seconds(lambda: [decoder.decode(page) for page in pages], len(pages)))
        matched.append(_seconds(lambda: list(_matches(matcher, pages)), expected))
    match_rate, decode_rate = (RECORDS / statistics.median(seconds) for seconds in (matched, decoded))
    return {
        "records_per_s": round(match_rate),
        "decode_per_s": round(decode_rate),
        "ratio": round(match_rate / decode_rate, 3),
    }


def _matches(matcher: Matcher, pages: list[bytes]) -> Iterator[str]:
    for page in pages:
        for reading in read_batch(page, tenant_id=TENANT, interest=matcher.interested):
            if reading.event is not None:
                for detection in matcher.matches(reading.event):
                    if detection.counted is None:
                        yield detection.id


def _seconds(run: Callable[[], list[object]] | Callable[[], list[str]], expected: int) -> float:
    started = time.perf_counter()
    done = run()
    seconds = time.perf_counter() - started
    if len(done) != expected:
        raise AssertionError(f"{expected} were to be found and {len(done)} were: the figure would mean nothing")
    return seconds


def _pages() -> Iterator[list[Image]]:
    chance = random.Random(20260317)  # noqa: S311 - the same records on every machine
    names, weights = list(_USUAL), list(_USUAL.values())
    of_interest = (
        ca_policy_record("Update conditional access policy", old=CA_POLICY, new=CA_POLICY | {"state": "disabled"}),
        custom_policy_record("Update custom policy"),
    )
    for first in range(0, RECORDS, _PAGE):
        usual = chance.choices(names, weights, k=_PAGE)
        yield [
            of_interest[place // _OF_INTEREST_EVERY % 2]
            if place % _OF_INTEREST_EVERY == 0
            else _usual(name, place, chance)
            for place, name in enumerate(usual, first)
        ]


def _usual(activity: str, place: int, chance: random.Random) -> Image:
    """Make a record about 1.4 KB long, as the average audit record is."""
    changes = [
        {"displayName": f"Property{number}", "oldValue": "[]", "newValue": json.dumps([f"{chance.getrandbits(160):x}"])}
        for number in range(chance.randint(0, 6))
    ]
    included = {"displayName": "Included Updated Properties", "oldValue": None, "newValue": '"Property0, Property1"'}
    return audit_record(
        activity,
        id=f"Directory_{chance.getrandbits(64):016x}_{place}",
        category="UserManagement",
        initiatedBy=BY_CPIM if activity == "Add user" else BY_USER,
        targetResources=[
            {
                "id": str(uuid.UUID(int=chance.getrandbits(128))),
                "displayName": None,
                "type": kind,
                "userPrincipalName": f"user{place}@fabrikam.onmicrosoft.com",
                "groupType": None,
                "modifiedProperties": [*changes, included] if kind == "User" else [],
            }
            for kind in ("User", "Group")
        ],
    )


def _page(records: list[Image]) -> bytes:
    context = "https://graph.microsoft.com/v1.0/$metadata#auditLogs/directoryAudits"
    return json.dumps({"@odata.context": context, "value": records}, separators=(",", ":")).encode()
