"""Rules about PIM's alerts are asked of the audit log, which has a record of each alert by its title."""

from pathlib import Path
from typing import Final

import pytest

from responders.detections.samples import audit_record
from shared.detect.conditions import predicate
from shared.model.detections import AnyDetection
from shared.model.events import Event
from shared.model.kinds import Image
from shared.normalize import EVERY_RECORD, read_batch
from tests.fakes.lamps import raw
from tests.fakes.runtime import TENANT
from tests.fakes.sigma_rules import detection_from, loaded, reason_from, selection

_TITLES: Final = {
    "staleSignInAlertIncident": "Potential stale accounts in a privileged role",
    "invalidLicenseAlertIncident": "The organization doesn't have Microsoft Entra ID P2",
    "noMfaOnRoleActivationAlertIncident": "Roles don't require multi-factor authentication for activation",
    "redundantAssignmentAlertIncident": "Administrators aren't using their privileged roles",
    "sequentialActivationRenewalsAlertIncident": "Roles are being activated too frequently",
    "tooManyGlobalAdminsAssignedToTenantAlertIncident": "There are too many Global Administrators",
    "rolesAssignedOutsidePrivilegedIdentityManagementAlertConfiguration": (
        "Roles are being assigned outside of Privileged Identity Management"
    ),
}


def _alert(title: str, activity: str = "Triggered PIM alert") -> Image:
    target: Image = {"id": None, "displayName": title, "type": "Other", "modifiedProperties": []}
    return audit_record(activity, category="RoleManagement", loggedByService="PIM", targetResources=[target])


def _event(record: Image) -> Event:
    (reading,) = read_batch(raw(record), tenant_id=TENANT, interest=EVERY_RECORD)
    assert reading.event is not None
    return reading.event


def _matches(detection: AnyDetection, record: Image) -> bool:
    return predicate(detection.when)(_event(record))


@pytest.mark.parametrize("word", _TITLES)
def test_each_alert_is_found_by_its_title_and_no_other_is(tmp_path: Path, word: str) -> None:
    detection = detection_from(tmp_path, selection(f"riskEventType: {word}", service="pim"))
    assert [one for one, title in _TITLES.items() if _matches(detection, _alert(title))] == [word]
    assert not _matches(detection, _alert(_TITLES[word], "Resolve PIM alert"))


def test_any_alert_can_be_asked_for_and_a_rule_about_one_may_match(tmp_path: Path) -> None:
    read = loaded(tmp_path, selection("riskEventType|exists: true", service="pim"))
    assert read.never_matching == ()
    assert all(_matches(read.detections[0], _alert(title)) for title in _TITLES.values())


@pytest.mark.parametrize(
    ("members", "because"),
    [
        ("riskEventType: leakedCredentials", "no record has 'leakedcredentials' there"),
        ("riskEventType|contains: stale", "only whole words can be asked for"),
        ("operationName: Add user", "of service pim, riskeventtype can be asked for, and not 'operationName'"),
    ],
)
def test_what_no_alert_has_is_said(tmp_path: Path, members: str, because: str) -> None:
    assert because in reason_from(tmp_path, selection(members, service="pim"))
