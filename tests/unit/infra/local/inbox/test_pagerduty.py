from datetime import UTC, datetime, timedelta

import pytest

from infra.local.inbox.pagerduty import ALERTS_KEPT, Alert, Alerts, AlertState, errors_in
from infra.local.inbox.wire import Json
from tests.fakes.posts import event

KEY = "0123456789abcdef0123456789abcdef"
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


class Sender:
    """Sends events a second apart."""

    def __init__(self) -> None:
        self.alerts = Alerts()
        self._sent = 0

    def send(self, **parts: str) -> tuple[str, str]:
        self._sent += 1
        at = NOON + timedelta(seconds=self._sent)
        return self.alerts.take(event(KEY, **parts), post_id=self._sent, at=at)

    def only_alert(self) -> Alert:
        (alert,) = self.alerts.newest_first()
        return alert


def test_a_good_event_has_no_errors() -> None:
    assert errors_in(event(KEY), routing_key=KEY) == ()


@pytest.mark.parametrize(
    ("sent", "errors"),
    [
        ("", ("'routing_key' is missing or blank",)),
        ("f" * 32, ("Invalid routing key",)),
        ("abc", ("Length of 'routing_key' is incorrect (should be 32 characters)",)),
        ("_" * 32, ("'routing_key' cannot contain non-alphanumeric characters.",)),
        (
            "e+k_",
            (
                "Length of 'routing_key' is incorrect (should be 32 characters)",
                "'routing_key' cannot contain non-alphanumeric characters.",
            ),
        ),
    ],
)
def test_a_wrong_routing_key_is_named(sent: str, errors: tuple[str, ...]) -> None:
    assert errors_in(event(sent), routing_key=KEY) == errors


@pytest.mark.parametrize("field", ["summary", "source", "severity"])
@pytest.mark.parametrize("value", [None, "", "  ", 7])
def test_a_trigger_needs_these_fields(field: str, value: Json) -> None:
    sent = event(KEY)
    payload = sent["payload"]
    assert isinstance(payload, dict)
    payload[field] = value
    assert errors_in(sent, routing_key=KEY) == (f"'payload.{field}' is missing or blank",)


def test_a_trigger_without_a_payload_lacks_all_three() -> None:
    sent = {name: value for name, value in event(KEY).items() if name != "payload"}
    assert len(errors_in(sent, routing_key=KEY)) == 3


def test_severity_is_one_of_four() -> None:
    (error,) = errors_in(event(KEY, severity="high"), routing_key=KEY)
    assert "'payload.severity' is invalid" in error


@pytest.mark.parametrize(("action", "word"), [("", "missing"), ("page", "invalid")])
def test_the_action_is_one_of_three(action: str, word: str) -> None:
    (error,) = errors_in(event(KEY, action=action), routing_key=KEY)
    assert error.startswith(f"'event_action' is {word}")


@pytest.mark.parametrize("action", ["acknowledge", "resolve"])
def test_acknowledge_and_resolve_need_only_the_key_of_an_alert(action: str) -> None:
    bare: dict[str, Json] = {"routing_key": KEY, "event_action": action}
    assert errors_in(bare, routing_key=KEY) == ("'dedup_key' is missing or blank",)
    assert errors_in({**bare, "dedup_key": "case-1"}, routing_key=KEY) == ()


def test_a_dedup_key_ends_at_255_characters() -> None:
    assert errors_in(event(KEY, dedup_key="k" * 255), routing_key=KEY) == ()
    assert len(errors_in(event(KEY, dedup_key="k" * 256), routing_key=KEY)) == 1


def test_triggers_with_one_key_fold_into_one_alert() -> None:
    sender = Sender()
    assert sender.send(summary="first", severity="error") == ("case-1", "")
    sender.send(summary="second", severity="critical")
    alert = sender.only_alert()
    assert (alert.count, alert.summary, alert.severity) == (2, "first", "error")
    assert alert.last_at - alert.opened_at == timedelta(seconds=1)


def test_acknowledge_then_resolve() -> None:
    sender = Sender()
    sender.send()
    sender.send(action="acknowledge")
    assert sender.only_alert().state is AlertState.ACKNOWLEDGED
    sender.send()
    assert (sender.only_alert().state, sender.only_alert().count) == (AlertState.ACKNOWLEDGED, 2)
    sender.send(action="resolve")
    assert sender.only_alert().state is AlertState.RESOLVED


def test_a_resolved_alert_stays_and_the_next_trigger_opens_another() -> None:
    sender = Sender()
    sender.send()
    sender.send(action="resolve")
    sender.send()
    assert [alert.state for alert in sender.alerts.newest_first()] == [AlertState.TRIGGERED, AlertState.RESOLVED]


@pytest.mark.parametrize("action", ["acknowledge", "resolve"])
def test_what_has_no_open_alert_is_dropped_with_a_word(action: str) -> None:
    sender = Sender()
    _, dropped = sender.send(action=action)
    assert "drops it" in dropped
    assert sender.alerts.newest_first() == ()


def test_a_trigger_without_a_key_gets_one_of_its_own() -> None:
    sender = Sender()
    first, _ = sender.send(dedup_key="")
    second, _ = sender.send(dedup_key="")
    assert len(first) == 32
    assert first != second
    assert len(sender.alerts.newest_first()) == 2


def test_the_summary_is_cut_at_1024_characters() -> None:
    sender = Sender()
    sender.send(summary="s" * 1025)
    assert sender.only_alert().summary == "s" * 1024


def test_the_alert_triggered_last_comes_first() -> None:
    sender = Sender()
    for key in ("a", "b", "a"):
        sender.send(dedup_key=key)
    assert [alert.dedup_key for alert in sender.alerts.newest_first()] == ["a", "b"]


def test_old_alerts_make_room_and_can_be_triggered_anew() -> None:
    sender = Sender()
    for number in range(ALERTS_KEPT + 1):
        sender.send(dedup_key=f"case-{number}")
    assert len(sender.alerts.newest_first()) == ALERTS_KEPT
    sender.send(dedup_key="case-0")
    assert sender.alerts.newest_first()[0].count == 1
