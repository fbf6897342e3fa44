"""The page that is drawn from what would be deployed."""

import json
import re
from functools import cache
from typing import Final

from infra.checks.building import SETS, kept
from infra.checks.compiler import REPOSITORY
from infra.checks.declared import declared
from infra.checks.snapshots import Infrastructure, read
from infra.infrastructure_page import CALLED, PAGE, WHEN, page, rights

_NAMES: Final = tuple(WHEN)


@cache
def _made(old: str = "", new: str = "") -> Infrastructure:
    """What is committed, with a text replaced in each parameter set that is drawn."""
    texts = {name: (REPOSITORY / SETS / f"{name}.snapshot.json").read_text("utf-8") for name in _NAMES}
    return read(
        REPOSITORY,
        kept(REPOSITORY).template,
        {name: json.loads(text.replace(old, new) if old else text) for name, text in texts.items()},
        declared(),
    )


def test_the_page_is_current() -> None:
    assert PAGE.read_text("utf-8") == page(_made()), "run `make docs`"


def test_every_kind_of_resource_that_is_drawn_is_there() -> None:
    drawn = page(_made())
    assert all(f"<b>{called}</b>" in drawn for called in CALLED.values())


def test_arrows_lead_from_node_to_node_and_no_two_nodes_share_a_name() -> None:
    drawn = page(_made())
    nodes = re.findall(r"^ +(\w+)[\[(]", drawn, re.MULTILINE)
    assert len(nodes) == len(set(nodes))
    arrows = re.findall(r"^ +(\w+) -->\|.+\| (\w+)$", drawn, re.MULTILINE)
    assert len(arrows) > 20
    assert {end for arrow in arrows for end in arrow} <= set(nodes)


def test_the_picture_follows_what_is_made() -> None:
    changed = page(_made("/Outbox", "/Inbox"))
    assert "Inbox" in changed
    assert "Outbox" not in changed


def test_events_go_from_each_topic_into_the_storage_account() -> None:
    drawn = page(_made())
    topics = re.findall(r"(\w+)\[\"<b>Event Grid system topic</b>", drawn)
    (storage,) = re.findall(r"(\w+)\[\"<b>storage account</b><br/>containers: snapshots", drawn)
    assert len(topics) == 2
    for topic in topics:
        assert re.search(rf'^  {topic} -->\|"chosen changes<br/>.+"\| {storage}$', drawn, re.MULTILINE)


def test_the_rights_say_on_what_and_when_they_are_given() -> None:
    drawn = page(_made())
    for row in (
        r"\| managed identity \| Entra Responder act \| .*roleAssignments/delete.* \| each w.* \| in the tier act \|",
        r"\| Event Grid system topic \| Storage Blob Data Contributor \|  \| container `dead-letters` \|  \|",
        r"\| Event Grid system topic \| Storage Queue Data Message Sender \|  \| queue `resource-events` \|  \|",
        r"\| managed identity \| Azure Event Hubs Data Receiver \|  \| hub `directory-logs` \| with `auditStream` \|",
        r"\| managed identity \| Log Analytics Data Reader \|  \| Log Analytics of yours \| with `signInW.*` \|",
    ):
        assert re.search(row, drawn), row


def test_every_right_has_a_principal_that_is_drawn() -> None:
    assert all(right.principal and right.on for right in rights(_made()))
