import logging
import socket
import subprocess
import sys
import traceback
from collections.abc import Iterator
from datetime import timedelta

import pytest

from shared.clients.teams import Teams
from shared.model.errors import EdgeError, Refused, Rejected, Throttled, Unreachable
from shared.notify.cards import card_of
from tests.fakes.answering import Service, answering_service
from tests.fakes.card_cases import CA_POLICY_UPDATED, PAGE_CONTEXT, PUT_BACK
from tests.fakes.clock import FakeClock

SIGNATURE = "s3cr3t%2BsignaturE_0123456789abcdefghij"
DECODED = "s3cr3t+signaturE_0123456789abcdefghij"
PATH = f"/workflows/w0rkfl0w/triggers/manual/paths/invoke?api-version=1&sp=%2Ftriggers&sv=1.0&sig={SIGNATURE}"
MESSAGE = card_of(PUT_BACK, CA_POLICY_UPDATED, PAGE_CONTEXT)


@pytest.fixture
def service() -> Iterator[Service]:
    with answering_service() as running:
        yield running


def refused_post(url: str) -> EdgeError:
    with pytest.raises(EdgeError) as caught:
        Teams(url=url).post(MESSAGE)
    return caught.value


def test_the_message_is_posted_as_it_is_to_the_whole_address(service: Service) -> None:
    Teams(url=service.url + PATH).post(MESSAGE)
    assert service.paths == [PATH]
    assert service.bodies == [MESSAGE]


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_success_is_an_acceptance(service: Service, status: int) -> None:
    service.status = status
    Teams(url=service.url + PATH).post(MESSAGE)


@pytest.mark.parametrize(
    ("status", "kind", "advice"),
    [
        (400, Rejected, "When a Teams webhook request is received"),
        (401, Refused, "copy the flow's whole address"),
        (403, Refused, "Who can trigger"),
        (404, Rejected, "deleted or switched off"),
        (410, Rejected, "deleted"),
        (413, Rejected, "larger than Teams takes"),
        (302, Rejected, "302"),
        (408, Unreachable, "408"),
        (429, Throttled, "429"),
        (500, Unreachable, "500"),
        (503, Unreachable, "503"),
    ],
)
def test_an_answer_is_told_with_what_to_do(service: Service, status: int, kind: type[EdgeError], advice: str) -> None:
    service.status = status
    error = refused_post(service.url + PATH)
    assert type(error) is kind
    assert error.status == status
    assert advice in str(error)
    assert len(service.paths) == 1


@pytest.mark.parametrize(
    ("status", "sent", "wait"),
    [
        (429, "30", timedelta(seconds=30)),
        (503, "5", timedelta(seconds=5)),
        (429, "soon", None),
        (503, "Mon, 02 Mar 2026 10:06:30 GMT", timedelta(seconds=90)),
        (429, "Mon, 02 Mar 2026 10:04:00 GMT", timedelta()),
        (429, "9" * 400, None),
    ],
)
def test_the_wait_that_is_asked_for_is_told(service: Service, status: int, sent: str, wait: timedelta | None) -> None:
    service.status, service.headers = status, {"Retry-After": sent}
    with pytest.raises((Throttled, Unreachable)) as caught:
        Teams(url=service.url + PATH, clock=FakeClock()).post(MESSAGE)
    assert caught.value.retry_after == wait


def test_a_cut_connection_is_unreachable(service: Service) -> None:
    service.status = 0
    assert isinstance(refused_post(service.url + PATH), Unreachable)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_nobody_there_is_unreachable() -> None:
    error = refused_post(f"http://127.0.0.1:{free_port()}{PATH}")
    assert isinstance(error, Unreachable)
    assert str(error) == "the Teams flow gave no answer (ConnectError)"


@pytest.mark.parametrize(
    "url", [f"http://[{PATH}", f"nonsense{PATH}", f"ftp://127.0.0.1{PATH}", f"https://{'a' * 70}\x00{PATH}"]
)
def test_what_is_no_address_is_rejected_without_being_told(url: str) -> None:
    error = refused_post(url)
    assert isinstance(error, Rejected | Unreachable)
    assert_keeps_secret(error)


def assert_keeps_secret(error: BaseException) -> None:
    text = "".join(traceback.format_exception(error)) + repr(error)
    for secret in (SIGNATURE, DECODED, SIGNATURE[:20], DECODED[:20]):
        assert secret not in text
    assert error.__cause__ is None
    assert error.__context__ is None


@pytest.mark.parametrize("status", [0, 302, 400, 401, 404, 429, 500])
def test_the_signature_is_in_no_error_even_if_the_service_repeats_it(service: Service, status: int) -> None:
    service.status = status
    service.headers = {"Location": service.url + PATH}
    service.body = f'{{"error":{{"message":"bad {service.url}{PATH} {DECODED} {SIGNATURE}"}}}}'
    error = refused_post(service.url + PATH)
    assert_keeps_secret(error)


@pytest.mark.parametrize("status", [202, 0, 401, 500])
def test_the_signature_is_in_no_log_line(service: Service, status: int, caplog: pytest.LogCaptureFixture) -> None:
    service.status = status
    caplog.set_level(logging.DEBUG)
    try:
        Teams(url=service.url + PATH).post(MESSAGE)
    except EdgeError as error:
        logging.getLogger("test").warning("page failed: %s", error, exc_info=True)
    assert caplog.records
    assert SIGNATURE[:20] not in caplog.text
    assert DECODED[:20] not in caplog.text


def test_what_httpx_logs_is_cut_before_the_query(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="httpx")
    Teams(url=service.url + PATH).post(MESSAGE)
    (record,) = [record for record in caplog.records if record.name == "httpx"]
    assert "/triggers/manual/paths/invoke?… " in record.getMessage()


def test_the_answer_of_the_service_is_escaped_and_cut(service: Service) -> None:
    service.status, service.body = 400, "bad\n\x1b[31m" + "x" * 5_000
    text = str(refused_post(service.url + PATH))
    assert "bad↵[U+001B][31m" in text
    assert len(text) < 600


def test_httpx_is_imported_only_when_something_is_sent() -> None:
    code = "import sys, shared.clients.teams, shared.clients.pagerduty; sys.exit('httpx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
