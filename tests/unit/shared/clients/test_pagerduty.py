import logging
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from typing import Literal

import pytest

from infra.local.inbox.pagerduty import errors_in
from shared.clients.pagerduty import PagerDuty
from shared.model.errors import EdgeError, Refused, Rejected, Throttled, Unreachable
from shared.notify.cards import alert_of
from tests.fakes.answering import Service, answering_service
from tests.fakes.card_cases import CA_POLICY_UPDATED, FAILED, PAGE_CONTEXT

KEY = "r0ut1ngk3y0123456789abcdefghijkl"
EVENT = alert_of(FAILED, CA_POLICY_UPDATED, PAGE_CONTEXT)


@pytest.fixture
def service() -> Iterator[Service]:
    with answering_service() as running:
        running.body = '{"status":"success","dedup_key":"x"}'
        yield running


def pagerduty(service: Service) -> PagerDuty:
    return PagerDuty(url=f"{service.url}/v2/enqueue", routing_key=KEY)


def test_the_event_is_sent_with_the_routing_key(service: Service) -> None:
    pagerduty(service).trigger(EVENT)
    assert service.paths == ["/v2/enqueue"]
    assert service.bodies == [{**EVENT, "routing_key": KEY}]
    assert "routing_key" not in EVENT


@pytest.mark.parametrize("action", ["acknowledge", "resolve"])
def test_an_alert_is_acknowledged_and_resolved_by_its_key(
    service: Service, action: Literal["acknowledge", "resolve"]
) -> None:
    pagerduty(service).signal(action, "a page 1")
    sent = {"event_action": action, "dedup_key": "a page 1", "routing_key": KEY}
    assert service.bodies == [sent]
    assert errors_in({**sent}, routing_key=KEY) == ()


@pytest.mark.parametrize(
    ("status", "kind", "advice"),
    [
        (400, Rejected, "PAGERDUTY_ROUTING_KEY"),
        (401, Refused, "401"),
        (404, Rejected, "PAGERDUTY_URL"),
        (413, Rejected, "512 KB"),
        (429, Throttled, "429"),
        (500, Unreachable, "500"),
        (0, Unreachable, "PagerDuty gave no answer"),
    ],
)
def test_an_answer_is_told_with_what_to_do(service: Service, status: int, kind: type[EdgeError], advice: str) -> None:
    service.status = status
    with pytest.raises(EdgeError) as caught:
        pagerduty(service).trigger(EVENT)
    assert type(caught.value) is kind
    assert advice in str(caught.value)


def test_what_pagerduty_found_wrong_is_told(service: Service) -> None:
    service.status, service.body = (
        400,
        '{"status":"invalid event","errors":["\'payload.summary\' is missing or blank"]}',
    )
    with pytest.raises(Rejected, match=r"'payload\.summary' is missing or blank"):
        pagerduty(service).trigger(EVENT)


@contextmanager
def logged(logger: logging.Logger) -> Generator[None]:
    """Write an error with its traceback, as the Functions host does."""
    try:
        yield
    except EdgeError as error:
        logger.warning("page failed: %s %r", error, error, exc_info=True)
        raise


@pytest.mark.parametrize("status", [0, 400, 429, 500, 202])
def test_the_routing_key_is_in_no_error_and_no_log_line(
    service: Service, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    service.status, service.body = status, f"Invalid routing key {KEY}"
    caplog.set_level(logging.DEBUG)
    logger = logging.getLogger("test")
    with suppress(EdgeError), logged(logger):
        pagerduty(service).trigger(EVENT)
    assert caplog.records
    assert KEY not in caplog.text
