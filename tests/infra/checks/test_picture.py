import re

from infra.checks.deployments import Infrastructure
from infra.checks.picture import CALLED, PAGE, page
from tests.infra.checks.breaking import intact


def test_the_page_is_current() -> None:
    assert PAGE.read_text("utf-8") == page(intact()), "run `make docs`"


def test_every_kind_of_resource_that_is_drawn_is_there() -> None:
    drawn = page(intact())
    assert all(f"<b>{called}</b>" in drawn for called in CALLED.values())


def test_arrows_lead_from_node_to_node() -> None:
    drawn = page(intact())
    nodes = set(re.findall(r"^ +(\w+)[\[(]", drawn, re.MULTILINE))
    arrows = re.findall(r"^ +(\w+) -->\|.+\| (\w+)$", drawn, re.MULTILINE)
    assert len(arrows) > 20
    assert {end for arrow in arrows for end in arrow} <= nodes


def test_the_picture_follows_the_bicep() -> None:
    text = intact().files["modules/storage.bicep"].replace("  'Outbox'\n", "  'Inbox'\n")
    changed = page(Infrastructure(files={**intact().files, "modules/storage.bicep": text}))
    assert "Inbox" in changed
    assert "Outbox" not in changed


def test_the_rights_say_when_they_are_given() -> None:
    drawn = page(intact())
    assert re.search(
        r"\| managed identity \| Entra Responder act \| .*roleAssignments/delete.* \| in the tier act \|", drawn
    )
    assert re.search(
        r"\| Event Grid system topic \| Storage Blob Data Contributor \|.*container `dead-letters` \|  \|", drawn
    )
    assert re.search(r"\| managed identity \| Azure Event Hubs Data Receiver \|.*\| with `auditStream` \|", drawn)
