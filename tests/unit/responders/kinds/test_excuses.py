"""What the directory itself does to Microsoft's service principals is no case for people; anything near to it is."""

import json
from typing import Any, Final

import pytest

from responders.catalogue import CATALOGUE
from responders.detections.directory_samples import (
    APPLICATION,
    SAMPLE_PROFILE,
    application_record,
    by_service,
    change,
    key,
    owner_record,
    pim_record,
)
from responders.detections.samples import audit_record
from responders.detections.sign_in_samples import consumer_record
from responders.kinds.excuses import BY_THE_DIRECTORY, excuse
from responders.kinds.principals import GET_SERVICE_PRINCIPAL, MICROSOFT
from responders.kinds.registrars import BY_REGISTERING
from responders.sources import DIRECTORY_AUDITS
from shared.detect.matcher import Matcher
from shared.model.errors import Refused
from shared.model.events import Event
from shared.model.kinds import Image
from shared.normalize import read_batch
from tests.fakes.record_strategies import everything, written
from tests.fakes.scripted_api import ScriptedApi

MATCHER: Final = Matcher(CATALOGUE, SAMPLE_PROFILE)
NOBODY: Final[Image] = by_service("", "Microsoft Azure AD Internal - Jit Provisioning")
OF_MICROSOFT: Final[Image] = {"appOwnerOrganizationId": MICROSOFT}
_NAMES: Final = change("ServicePrincipalName", ["x"], ["x", "https://x.microsoft.com"])


def upkeep(*changes: Image, activity: str = "Update service principal", **differences: object) -> Image:
    changed = changes or (_NAMES,)
    return application_record(activity, *changed, kind="ServicePrincipal", **{"initiatedBy": NOBODY} | differences)


def event(record: Image) -> Event:
    (reading,) = read_batch(written(record), tenant_id="9c7d2b54-6f0e-4a38-b1d9-e52f83c60a17", interest=everything)
    assert reading.event is not None
    return reading.event


def asked(record: Image, found: Any = OF_MICROSOFT) -> str:  # noqa: ANN401 - an object, or an error
    return excuse(ScriptedApi({GET_SERVICE_PRINCIPAL: found, DIRECTORY_AUDITS: []}), event(record))


def test_the_directorys_own_upkeep_is_excused() -> None:
    assert asked(upkeep()) == BY_THE_DIRECTORY


@pytest.mark.parametrize(
    ("record", "found"),
    [
        (upkeep(), {"appOwnerOrganizationId": "72f988bf-86f1-41af-91ab-2d7cd011db47"}),
        (upkeep(), None),
        (upkeep(), Refused("403")),
        (upkeep(initiatedBy=by_service(APPLICATION, "Microsoft Azure AD Internal - Jit Provisioning")), OF_MICROSOFT),
        (upkeep(initiatedBy={"user": None, "app": None}), OF_MICROSOFT),
        (upkeep(loggedByService="B2C"), OF_MICROSOFT),
        (upkeep(activity="Add service principal credentials"), OF_MICROSOFT),
        (upkeep(change("KeyDescription", [], [key(1)])), OF_MICROSOFT),
        (upkeep(targetResources=[]), OF_MICROSOFT),
    ],
    ids=["another's", "gone", "unread", "an id", "nobody", "B2C", "credentials", "a key", "no target"],
)
def test_anything_else_has_to_be_approved(record: Image, found: object) -> None:
    assert asked(record, found) == ""


REGISTERED: Final = audit_record("Add application", targetResources=[{"id": APPLICATION, "type": "Application"}])
NOISE: Final[dict[str, tuple[Image, str, str]]] = {
    "who registers an application becomes its owner": (
        owner_record("Add owner to application"),
        "app-owner-added",
        BY_REGISTERING,
    ),
    "the directory keeps Microsoft's own service principals": (upkeep(), "app-id-uri-changed", BY_THE_DIRECTORY),
    "an Azure role in PIM is no directory role": (
        pim_record("Add eligible member to role in PIM completed (timebound)", category="ResourceManagement"),
        "role-assigned",
        "",
    ),
    "a group's membership in PIM is no directory role": (
        pim_record("Add eligible member to role in PIM completed (timebound)", category="GroupManagement"),
        "role-assigned",
        "",
    ),
    "a customer's failed sign-in to another application": (
        consumer_record(50126, country="US", appDisplayName="Order portal"),
        "consumer-failed-from-abroad",
        "",
    ),
}
"""Cries that nobody could approve: the record, the detection that cried, and why it is excused if it still matches."""


@pytest.mark.parametrize("noise", NOISE)
def test_no_cry_is_left_that_nobody_could_approve(noise: str) -> None:
    record, detection, because = NOISE[noise]
    found = event(json.loads(json.dumps(record)))
    matched = detection in {one.id for one in MATCHER.matches(found)}
    assert matched is bool(because)
    api = ScriptedApi({GET_SERVICE_PRINCIPAL: OF_MICROSOFT, DIRECTORY_AUDITS: [REGISTERED]})
    assert not because or excuse(api, found) == because
