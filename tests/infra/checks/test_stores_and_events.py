from dataclasses import replace

import pytest

from tests.infra.checks.breaking import broken, intact, only, problems_in, says

_STORAGE = "modules/storage.bicep"
_EVENTS = "modules/events.bicep"
_SUBSCRIPTION = "modules/event-subscription.bicep"
_WRITE = "  'Microsoft.Authorization/roleAssignments/write'\n"


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (_STORAGE, "  'Outbox'\n", "", "the table Outbox isn't made; shared/clients/storage.py has it"),
        (_STORAGE, "  'Outbox'\n", "  'Outbox'\n  'Inbox'\n", "the table Inbox is used by nobody"),
        (_STORAGE, "  'quarantine'\n", "", "the container quarantine isn't made"),
        ("modules/evidence.bicep", "name: 'evidence'", "name: 'proof'", "the container proof is used by nobody"),
        (_STORAGE, "  name: 'cases'\n", "  name: 'case-queue'\n", "the queue cases isn't made"),
        (
            _STORAGE,
            "var deadLetterContainer = 'dead-letters'",
            "var deadLetterContainer = 'dead'",
            "the container dead is",
        ),
    ],
)
def test_a_store_that_does_not_fit_the_code_is_found(file: str, old: str, new: str, said: str) -> None:
    found = broken(file, (old, new))
    assert any(said in one for one in found), found


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (_EVENTS, _WRITE, "", "microsoft.authorization/roleassignments/write isn't delivered; a detection"),
        (
            _EVENTS,
            _WRITE,
            f"{_WRITE}  'Microsoft.Compute/disks/delete'\n",
            "disks/delete is delivered; no detection looks",
        ),
        (_SUBSCRIPTION, "var mostValues = 25", "var mostValues = 26", "a filter has too many values; Event Grid"),
        (_SUBSCRIPTION, "key: 'data.operationName'", "key: 'data.operation'", "aren't filtered by data.operationName"),
        (
            _SUBSCRIPTION,
            "/functions/subscription_events",
            "/functions/subscription_event",
            "events go to subscription_event",
        ),
        (_SUBSCRIPTION, "'dead-letters'", "'dead-letter'", "dead letters go to dead-letter, which isn't made"),
        (
            _SUBSCRIPTION,
            "      retryPolicy: {\n        maxDeliveryAttempts: 30\n        eventTimeToLiveInMinutes: 1440\n      }\n",
            "",
            "retryPolicy isn't set",
        ),
        (
            "modules/watch.bicep",
            "module topic 'topic.bicep'",
            "module topic 'identity.bicep'",
            "doesn't get modules/topic",
        ),
    ],
)
def test_an_event_subscription_that_does_not_fit_is_found(file: str, old: str, new: str, said: str) -> None:
    found = broken(file, (old, new))
    assert any(said in one for one in found), found


def test_events_that_cannot_be_delivered_may_not_be_dropped() -> None:
    text = intact().files[_SUBSCRIPTION]
    start, end = text.index("      deadLetterWithResourceIdentity: {"), text.rindex("    }\n  }\n]")
    found = problems_in({**intact().files, _SUBSCRIPTION: text[:start] + text[end:]})
    assert any("events that can't be delivered are dropped" in one for one in found), found


def test_a_new_detection_asks_for_its_operation() -> None:
    more = replace(says(), operations=says().operations | {"microsoft.compute/disks/delete"})
    only(
        problems_in(dict(intact().files), by=more),
        _SUBSCRIPTION,
        "microsoft.compute/disks/delete isn't delivered",
    )


def test_a_detection_that_names_no_operation_is_told() -> None:
    found = problems_in(dict(intact().files), by=replace(says(), unbounded=("too-wide",)))
    only(found, _EVENTS, "the detection too-wide names no operation")
