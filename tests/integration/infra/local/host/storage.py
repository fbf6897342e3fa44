"""What the tests put into storage and look for there, past the host."""

import base64
import json
from datetime import UTC, datetime, timedelta

from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from tests.integration.infra.local.host.running import Azurite

HOUR = timedelta(hours=1)
_HOSTS = "azure-webjobs-hosts"


def _status_path(host: str, function: str) -> str:
    return f"timers/{host}/Host.Functions.{function}/status"


def leave_status(azurite: Azurite, host: str, function: str) -> None:
    """Leave behind what an earlier host of an hourly timer would have: its last run was five hours ago."""
    last = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - 5 * HOUR
    status = {"Last": last.isoformat(), "Next": (last + HOUR).isoformat(), "LastUpdated": last.isoformat()}
    with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        container = service.get_container_client(_HOSTS)
        if not container.exists():
            container.create_container()
        container.upload_blob(_status_path(host, function), json.dumps(status), overwrite=True)


def kept_status(azurite: Azurite, host: str, function: str) -> dict[str, datetime]:
    with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        stored: dict[str, str] = json.loads(
            service.get_blob_client(_HOSTS, _status_path(host, function)).download_blob().readall()
        )
    return {name: datetime.fromisoformat(instant) for name, instant in stored.items()}


def put(azurite: Azurite, queue: str, text: str) -> None:
    with QueueServiceClient.from_connection_string(azurite.connection_string) as service:
        service.get_queue_client(queue).send_message(base64.b64encode(text.encode()).decode())


def queues_in(azurite: Azurite) -> list[str]:
    with QueueServiceClient.from_connection_string(azurite.connection_string) as service:
        return [queue.name for queue in service.list_queues()]


def messages_in(azurite: Azurite, queue: str) -> list[str]:
    with QueueServiceClient.from_connection_string(azurite.connection_string) as service:
        messages = service.get_queue_client(queue).peek_messages(32)
    return [base64.b64decode(str(message.content)).decode() for message in messages]
