"""Over records that others published, where they are at hand: the detections that they should meet, and no others."""

from pathlib import Path
from typing import Final

import pytest

from responders.catalogue import CATALOGUE
from shared.detect.matcher import Matcher
from shared.normalize import read_batch

FOLDER: Final = Path(__file__).parents[4] / "shared" / "records"

EXPECTED: Final = {
    "azure_active_directory_add_app_role_assignment_to_service_principal.json": ["app-role-granted"],
    "azure_active_directory_add_member_to_role.json": ["role-assigned"],
    "azure_active_directory_add_owner_to_application.json": ["app-owner-added"],
    "azure_active_directory_disable_strong_authentication.json": ["privileged-methods-changed"],
    "azure_active_directory_reset_password_(by_admin).json": ["privileged-password-changed"],
    "azure_active_directory_update_authorization_policy.json": ["authorization-policy-updated"],
    "azure_active_directory_update_user.json": ["consumer-account-updated"],
    "azure_active_directory_user_registered_security_info.json": ["privileged-methods-changed"],
    "AADAuditEvents.json": ["app-credential-added", "app-credential-added", "permission-granted-for-all"],
}
"""Files whose records meet something; those of all others meet nothing.

The consent of the collection was refused by the directory, and its Azure records are about Automation. Who is
privileged isn't known here, so that a password reset and a change of methods count whomever they are of. What takes
more than one record for a case is left out.
"""

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"the public records aren't at hand: there is no {FOLDER}")


def test_each_record_meets_what_it_should() -> None:
    matcher = Matcher(one for one in CATALOGUE if not one.counted and not one.after)
    found: dict[str, list[str]] = {}
    files = sorted(FOLDER.glob("*/*.json*"))
    assert len(files) > len(EXPECTED)
    for file in files:
        for reading in read_batch(file.read_bytes(), tenant_id="t", interest=matcher.interest):
            if reading.event is not None:
                found.setdefault(file.name, []).extend(one.id for one in matcher.matches(reading.event))
    assert {name: ids for name, ids in found.items() if ids} == EXPECTED
