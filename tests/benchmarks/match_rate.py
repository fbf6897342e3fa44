"""Decode, normalise and match, against bare typed decoding of the same bytes: 20,000 audit records, one core.

Bare decoding gets all that it can: each page is dropped when it is decoded, what the program holds besides isn't looked
through for garbage, and of both sides the processor's time counts, page by page, at its best.
"""

import gc
import json
import random
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.json import Decoder

from infra.local.world import B2C_TENANT
from responders.catalogue import CATALOGUE
from responders.detections.directory_samples import BY_CPIM, SAMPLE_PROFILE
from responders.detections.samples import (
    BY_USER,
    CA_POLICY,
    TENANT,
    audit_record,
    ca_policy_record,
    custom_policy_record,
)
from shared.detect.fields import Audit
from shared.detect.matcher import Matcher
from shared.model.conditions import all_of, any_of
from shared.model.detections import Answer, AnyDetection, Detection
from shared.model.events import Log
from shared.model.kinds import Image, Risk
from shared.normalize import read_batch
from shared.normalize.audit import AuditRecord
from shared.normalize.batch import Interest
from tests.fakes.record_strategies import everything

RECORDS: Final = 20_000
_PAGE: Final = 1_000
_RUNS: Final = 11
_FEW: Final = RECORDS // 50
"""More matches than this, and the figure would be about something else."""

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

Of most there are detections by name; none of it meets one, but for those that count many records.
"""

OF_INTEREST_EVERY: Final = 100
"""Of which records each one is in turn of interest, so that most pages have some."""

PROFILE: Final = msgspec.structs.replace(
    SAMPLE_PROFILE,
    account_attributes={},
    consumer_tenants=frozenset({B2C_TENANT}),
    privileged_accounts=SAMPLE_PROFILE.privileged_accounts
    | {str(uuid.UUID(int=number << 64)) for number in range(1, 13)},
)
"""Words of a workforce tenant with a dozen administrators, beside which there is a B2C tenant."""


class _Record(AuditRecord, kw_only=True, rename="camel"):
    """What normalising decodes of an audit record, with the time that it takes from the shallow pass."""

    activity_date_time: datetime


class _Page(Struct):
    value: list[_Record]


def measure() -> dict[str, float]:
    """Give records per second, of matching and of bare decoding, and their ratio.

    `time_with_1000_more` is the time that records which match nothing take with 1,000 detections more, as a multiple.
    """
    usual = pages_of(_records(), "auditLogs/directoryAudits")
    return compared(mixed_pages(), Decoder(_Page)) | {"time_with_1000_more": _times(usual, (*CATALOGUE, *_MORE))}


def mixed_pages() -> list[bytes]:
    """Give pages of which a few records are of interest."""
    of_interest = (
        ca_policy_record("Update conditional access policy", old=CA_POLICY, new=CA_POLICY | {"state": "disabled"}),
        custom_policy_record("Update custom policy"),
    )
    return pages_of(
        (
            of_interest[place // OF_INTEREST_EVERY % 2] if place % OF_INTEREST_EVERY == 0 else record
            for place, record in enumerate(_records())
        ),
        "auditLogs/directoryAudits",
    )


def compared(pages: Sequence[bytes], decoder: Decoder[Any]) -> dict[str, float]:
    """Measure matching against decoding, in turns; raises AssertionError when not what it should be was found."""
    matcher = Matcher(CATALOGUE, PROFILE)
    found = _found(matcher, pages, matcher.interest)
    _expect(_found(matcher, pages, everything), found)
    if found > _FEW:
        raise AssertionError(f"{found} of the records match: the figure would mean nothing")
    matching, decoding = _least(pages, lambda page: _matches(matcher, page, matcher.interest), decoder.decode)
    return {
        "records_per_s": round(RECORDS / matching),
        "decode_per_s": round(RECORDS / decoding),
        "ratio": round(decoding / matching, 3),
    }


def _times(pages: Sequence[bytes], detections: Sequence[AnyDetection]) -> float:
    """Give how many times as long records that match nothing take with these detections."""
    usual, more = Matcher(CATALOGUE, PROFILE), Matcher(detections, PROFILE)
    _expect(0, _found(more, pages, more.interest))
    with_more, without = _least(
        pages,
        lambda page: _matches(more, page, more.interest),
        lambda page: _matches(usual, page, usual.interest),
    )
    return round(with_more / without, 3)


def _matches(matcher: Matcher, page: bytes, interest: Interest) -> list[str]:
    return [
        detection.id
        for reading in read_batch(page, tenant_id=TENANT, interest=interest)
        if reading.event is not None
        for detection in matcher.matches(reading.event)
        if detection.counted is None
    ]


def _found(matcher: Matcher, pages: Sequence[bytes], interest: Interest) -> int:
    return sum(len(_matches(matcher, page, interest)) for page in pages)


def _expect(wanted: int, found: int) -> None:
    if found != wanted:
        raise AssertionError(f"{wanted} were to be found and {found} were: the figure would mean nothing")


def _least(pages: Sequence[bytes], *runs: Callable[[bytes], object]) -> list[float]:
    """Give the processor's seconds that each takes for all pages: of each page the least of several turns."""
    gc.collect()
    gc.freeze()
    try:
        return [sum(seconds) for seconds in zip(*(_least_of(page, runs) for page in pages), strict=True)]
    finally:
        gc.unfreeze()


def _least_of(page: bytes, runs: Sequence[Callable[[bytes], object]]) -> list[float]:
    return [
        min(seconds) for seconds in zip(*([_seconds(run, page) for run in runs] for _ in range(_RUNS)), strict=True)
    ]


def _seconds(run: Callable[[bytes], object], page: bytes) -> float:
    started = time.thread_time()
    run(page)
    return time.thread_time() - started


def _synthetic(number: int) -> AnyDetection:
    return Detection(
        id=f"synthetic-{number}",
        seed_row="",
        title=f"Setting {number} was changed",
        why="It is one of a thousand.",
        risk=Risk.LOW,
        log=Log.AUDIT,
        when=all_of(
            Audit.activity.one_of(f"Update setting {number}", f"Delete setting {number}"),
            Audit.outcome.is_("success"),
            any_of(Audit.target_kind.is_("Policy"), Audit.target_account.is_("emergency")),
        ),
        unless_actor_in=None,
        answer=Answer.PAGE,
    )


_MORE: Final = tuple(map(_synthetic, range(1_000)))


def chosen(weights: Mapping[Any, int], chance: random.Random) -> list[Any]:
    """Draw as many as there are records, by weight."""
    return chance.choices(list(weights), list(weights.values()), k=RECORDS)


def _records() -> Iterator[Image]:
    """Make the same records on every machine, each about 1.4 KB long, as the average audit record is."""
    chance = random.Random(20260317)  # noqa: S311 - keeps no secret
    for place, activity in enumerate(chosen(_USUAL, chance)):
        yield _usual(activity, place, chance)


def _usual(activity: str, place: int, chance: random.Random) -> Image:
    changes = [
        {"displayName": f"Property{number}", "oldValue": "[]", "newValue": json.dumps([f"{chance.getrandbits(160):x}"])}
        for number in range(chance.randint(0, 6))
    ]
    if activity == "Add member to group":
        group = {"Group.ObjectID": str(uuid.UUID(int=chance.getrandbits(128))), "Group.DisplayName": f"Team {place}"}
        changes = [{"displayName": key, "oldValue": None, "newValue": json.dumps(text)} for key, text in group.items()]
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


def pages_of(records: Iterator[Image], path: str) -> list[bytes]:
    """Write records as Graph gives them, a thousand a page."""
    every = list(records)
    context = f"https://graph.microsoft.com/beta/$metadata#{path}"
    return [
        json.dumps({"@odata.context": context, "value": every[first : first + _PAGE]}, separators=(",", ":")).encode()
        for first in range(0, len(every), _PAGE)
    ]
