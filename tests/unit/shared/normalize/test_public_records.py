"""Records that others published, where they are at hand: beside the repository, in shared/records."""

from pathlib import Path

import pytest

from shared.model.events import AuditEvent, ResourceEvent, SignInEvent
from shared.normalize import Reading, read_batch
from tests.fakes.record_strategies import everything

FOLDER = Path(__file__).parents[5] / "shared" / "records"

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"the public records aren't at hand: there is no {FOLDER}")


def files(pattern: str) -> list[Path]:
    return sorted(FOLDER.glob(pattern))


def read(file: Path) -> list[Reading]:
    return list(read_batch(file.read_bytes(), tenant_id="t", interest=everything))


def test_each_is_read_or_says_why_not() -> None:
    readings = [reading for file in files("*/*.json*") for reading in read(file)]
    assert len(readings) >= 40
    for reading in readings:
        assert (reading.event is None) is bool(reading.unreadable)


@pytest.mark.parametrize(
    ("pattern", "kind"),
    [
        ("splunk__security_content/azure_active_directory_sign_in_activity.json", SignInEvent),
        ("splunk__security_content/azure_active_directory_[!s]*.json", AuditEvent),
        ("splunk__security_content/azure_active_directory_set_*.json", AuditEvent),
        ("splunk__security_content/azure_audit_*.json", ResourceEvent),
        ("OTRF__Security-Datasets/*.json", AuditEvent),
        ("MicrosoftDocs__azure-docs/b2c_*.json", AuditEvent),
        ("MicrosoftDocs__azure-docs/eventgrid_subscription_*.json", ResourceEvent),
        ("microsoftgraph__microsoft-graph-docs-contrib/directoryaudit-list.json", AuditEvent),
        ("microsoftgraph__microsoft-graph-docs-contrib/signin-list.json", SignInEvent),
        ("log2timeline__plaso/*.jsonl", ResourceEvent),
    ],
)
def test_records_that_are_an_input_are_events(pattern: str, kind: type) -> None:
    readings = [reading for file in files(pattern) for reading in read(file)]
    assert readings
    for reading in readings:
        assert isinstance(reading.event, kind), reading.unreadable
        assert isinstance(reading.event, AuditEvent | SignInEvent | ResourceEvent)
        assert reading.event.id
        assert reading.event.correlation_id
        assert reading.event.activity if isinstance(reading.event, AuditEvent) else True
        assert reading.event.operation if isinstance(reading.event, ResourceEvent) else True


@pytest.mark.parametrize(
    ("pattern", "because"),
    [
        ("splunk__security_content/o365_*.json", "Office 365 unified audit"),
        ("MicrosoftDocs__azure-docs/eventgrid_Microsoft.Graph*.json", "Microsoft.Graph.UserUpdated"),
    ],
)
def test_records_that_are_no_input_say_so(pattern: str, because: str) -> None:
    readings = [reading for file in files(pattern) for reading in read(file)]
    assert readings
    for reading in readings:
        assert because in reading.unreadable


def test_actors_of_real_records_have_their_object_ids() -> None:
    readings = [
        reading for file in files("splunk__security_content/azure_active_directory_*.json") for reading in read(file)
    ]
    assert readings
    for reading in readings:
        assert reading.event is not None
        assert len(reading.event.actor.id) == 36
