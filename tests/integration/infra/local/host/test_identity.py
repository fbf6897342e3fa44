"""The host over an account that it reaches as deployed: by managed identity, over HTTPS, with no key anywhere."""

from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueClient, TextBase64DecodePolicy, TextBase64EncodePolicy

from infra.local.stack import EVIDENCE_ACCOUNT, HOST_ACCOUNT, Stack, connection_string
from infra.local.tenant.control import Resource
from infra.local.world import ALICE, RESPONDER
from tests.integration.infra.local.host.conftest import Launch
from tests.integration.infra.local.host.parts import place_of, settings_of, string_of, trusting
from tests.integration.infra.local.host.running import until, write_app
from tests.integration.infra.local.host.sample_apps import SEEN

pytestmark = pytest.mark.stack

APP = (
    SEEN
    + """
    @app.queue_trigger(arg_name="text", queue_name="work", connection="AzureWebJobsStorage")
    @app.queue_output(arg_name="out", queue_name="done", connection="AzureWebJobsStorage")
    def work(text: str, out: func.Out[str]) -> None:
        seen["work"].append(text)
        if text == "bad":
            raise ValueError("not this one")
        out.set(text.upper())

    @app.timer_trigger(arg_name="timer", schedule="0 0 * * * *", run_on_startup=True)
    def hourly(timer: func.TimerRequest) -> None:
        seen["hourly"].append(timer.past_due)
"""
)
QUICK = {"extensions": {"queues": {"maxDequeueCount": 2, "maxPollingInterval": "00:00:00.2"}}}
WELL_KNOWN_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


def queue(parts: Stack, name: str) -> QueueClient:
    policies = {"message_encode_policy": TextBase64EncodePolicy(), "message_decode_policy": TextBase64DecodePolicy()}
    return QueueClient.from_connection_string(string_of(parts), name, **policies, **trusting(parts))


def texts(parts: Stack, name: str) -> list[str]:
    with queue(parts, name) as client:
        try:
            return [str(message.content) for message in client.peek_messages(32)]
        except HttpResponseError:
            return []


def test_queues_timers_and_outputs_work_by_identity(tmp_path: Path, parts: Stack, launch: Launch) -> None:
    settings = settings_of(parts)
    host = launch(write_app(tmp_path / "app", APP, QUICK), settings, environment=place_of(parts)).wait_until_ready()
    until(lambda: host.seen("hourly"), why="the timer at start")
    host.until_logged("INFO    host: hourly timer at start: ok")
    with queue(parts, "work") as work:
        for text in ("good", "bad"):
            work.send_message(text)
    until(lambda: texts(parts, "done") == ["GOOD"], why="the output")
    until(lambda: texts(parts, "work-poison") == ["bad"], why="the poison queue")
    with BlobServiceClient.from_connection_string(string_of(parts), **trusting(parts)) as blobs:
        timers = f"timers/{settings['AzureFunctionsWebHost__hostid']}/Host.Functions.hourly/status"
        assert blobs.get_blob_client("azure-webjobs-hosts", timers).exists()
    assert "away" not in host.log


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"AzureWebJobsStorage__clientId": str(uuid4())},
            "queues of AzureWebJobsStorage: away, trying on: .*Managed Identity found",
        ),
        (
            {"AzureWebJobsStorage__queueServiceUri": "https://127.0.0.1:1/x"},
            "queues of AzureWebJobsStorage: away, trying on: Cannot connect",
        ),
    ],
    ids=["another identity", "another address"],
)
def test_what_is_not_ours_is_told_and_runs_nothing(
    tmp_path: Path, parts: Stack, launch: Launch, changes: dict[str, str], message: str
) -> None:
    app = write_app(tmp_path / "app", APP, QUICK)
    host = launch(app, settings_of(parts, **changes), environment=place_of(parts)).wait_until_ready()
    host.until_logged(message)
    assert host.seen("work") == []


class _Bearer:
    """A credential that shows one token, whatever it is asked for."""

    def __init__(self, token: str) -> None:
        self._token = token

    def get_token(self, *_scopes: str, **_options: object) -> AccessToken:
        return AccessToken(self._token, 2**31)


@pytest.mark.parametrize(
    ("resource", "lifetime", "account", "gets_in"),
    [
        ("storage", 60, HOST_ACCOUNT, True),
        ("storage", 60, EVIDENCE_ACCOUNT, True),
        ("storage", -60, HOST_ACCOUNT, False),
        ("graph", 60, HOST_ACCOUNT, False),
        ("arm", 60, HOST_ACCOUNT, False),
        ("storage", 60, "devstoreaccount1", False),
    ],
)
def test_a_token_opens_what_it_is_for(
    parts: Stack, resource: Resource, lifetime: int, account: str, *, gets_in: bool
) -> None:
    token = _Bearer(parts.control.token(RESPONDER, resource, lifetime=lifetime))
    address = f"{parts.azurite.addresses['blob']}/{account}"
    with BlobServiceClient(address, credential=token, **trusting(parts)) as blobs:
        if gets_in:
            list(blobs.list_containers())
            return
        with pytest.raises(HttpResponseError) as refused:
            list(blobs.list_containers())
    assert refused.value.status_code in {403, 404}


def test_the_key_that_everybody_knows_opens_nothing(parts: Stack) -> None:
    string = connection_string(parts.azurite.addresses, HOST_ACCOUNT, WELL_KNOWN_KEY)
    blobs = BlobServiceClient.from_connection_string(string, **trusting(parts))
    with blobs, pytest.raises(ClientAuthenticationError):
        list(blobs.list_containers())


def test_a_token_for_one_account_opens_no_other(parts: Stack) -> None:
    """The identity endpoint gives tokens for an account's own address too."""

    def token_for(resource: str) -> _Bearer:
        answer = httpx.get(
            parts.tenant["identity_endpoint"],
            params={"api-version": "2019-08-01", "resource": resource},
            headers={"X-IDENTITY-HEADER": parts.tenant["identity_header"]},
        )
        return _Bearer(answer.raise_for_status().json()["access_token"])

    address = f"{parts.azurite.addresses['blob']}/{HOST_ACCOUNT}"
    own = token_for(f"https://{HOST_ACCOUNT}.blob.core.windows.net/")
    other = token_for(f"https://{EVIDENCE_ACCOUNT}.blob.core.windows.net/")
    with BlobServiceClient(address, credential=own, **trusting(parts)) as blobs:
        list(blobs.list_containers())
    with BlobServiceClient(address, credential=other, **trusting(parts)) as blobs, pytest.raises(HttpResponseError):
        list(blobs.list_containers())


def test_people_have_tokens_for_storage_too(parts: Stack) -> None:
    assert parts.control.token(ALICE, "storage")
