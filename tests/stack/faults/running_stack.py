"""The running stack behind the proxy, what tests ask of it, and how it goes back to its beginning between them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, cast, override

import httpx
import msgspec
from azure.data.tables import TableServiceClient
from azure.storage.queue import QueueClient, TextBase64EncodePolicy

from infra.local.desk import Desk, until
from infra.local.stack import HOST_ACCOUNT, Stack, connection_string
from infra.local.story import Scene
from infra.local.world import RESPONDER, RESPONDER_B2C
from responders.content import INVENTORIES
from shared.clients.storage_names import CASES_QUEUE, QUEUES, Table, poison_queue
from shared.model.cases import Case, Outcome, State
from tests.stack.faults.proxy import Proxy, Tls

QUICK: Final = {
    "LEASE_SECONDS": "5",
    "READ_BACK_SECONDS": "1",
    "RESUME_SCHEDULE": "* * * * * *",
    "REMEDIATIONS_PER_HOUR": "1000",
}
"""The shortest lease that the settings allow, and a look every second at what was left behind."""

HIDDEN_FOR: Final = 5
"""Seconds until a message comes back whose function was killed; in Azure ten minutes, which nobody wants to wait."""

_EMPTIED: Final = (Table.CASES, Table.OUTBOX, Table.CURSORS, Table.CONTROLS)
_BASE64: Final = TextBase64EncodePolicy()
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
WITHIN: Final = 45.0
"""How long a case may take here, in seconds, whatever happens to it."""


class StackBehindProxy(Stack):
    """The local stack, whose app reaches storage, the tenant and the pagers through the proxy only."""

    def __init__(self, folder: Path, proxy: Proxy, *, settings: Mapping[str, str]) -> None:
        super().__init__(folder, settings=settings)
        self._proxy = proxy
        self.host_options = ("--hide-messages", str(HIDDEN_FOR))
        self._fronts: dict[str, str] = {}

    @override
    def start_parts(self) -> None:
        super().start_parts()
        tls = Tls(certificate=Path(self.tenant["loopback_certificate"]), authority=Path(self.tenant["ca_file"]))
        self.storage_addresses = {name: self._proxy.front(url, tls=tls) for name, url in self.azurite.addresses.items()}
        behind = {
            "GRAPH_URL": self.tenant["graph"],
            "ARM_URL": self.tenant["arm"],
            "IDENTITY_ENDPOINT": self.tenant["identity_endpoint"],
            "TEAMS_WEBHOOK_URL": self.inbox["teams"],
            "PAGERDUTY_URL": self.inbox["pagerduty"],
        }
        self._fronts = {name: self._proxy.front(url) for name, url in behind.items()}

    @override
    def values(self) -> dict[str, str]:
        return {**super().values(), **self._fronts}


@dataclass(slots=True, kw_only=True)
class RunningStack:
    """The stack and its proxy, the desk of somebody who operates it, and clients of the inbox and of the app's host.

    `reset_at` is when it last went back to the beginning: a poll that was under way then may still open a case for what
    was done before.
    """

    stack: StackBehindProxy
    proxy: Proxy
    desk: Desk
    inbox: httpx.Client
    host: httpx.Client
    reset_at: datetime = _NEVER

    def reset(self) -> None:
        """Go back to the beginning: the seeded tenant, its first snapshots, no case, no page, everything enforced."""
        self.proxy.clear()
        if not self.stack.host_program.is_running():
            self.stack.start_host()
        self.stack.control.reset()
        self.reset_at = datetime.now(UTC)
        self.set_inbox(teams="on", pagerduty="on")
        self.inbox.delete("/messages").raise_for_status()
        self._empty_storage()
        self.desk.seed()
        self._take_snapshots()
        self.stack.subscribe_to_events()

    def _empty_storage(self) -> None:
        self.desk.storage.create_all()
        options: dict[str, Any] = {"connection_verify": self.stack.tenant["ca_file"]}
        with TableServiceClient.from_connection_string(self._connection(), **options) as tables:
            for name in _EMPTIED:
                table = tables.get_table_client(name)
                for entity in table.list_entities(select=["PartitionKey", "RowKey"]):
                    table.delete_entity(entity)
        for name in QUEUES:
            for each in (name, poison_queue(name)):
                with self._queue(each) as queue:
                    queue.clear_messages()

    def _connection(self) -> str:
        azurite = self.stack.azurite
        return connection_string(azurite.addresses, HOST_ACCOUNT, azurite.keys[HOST_ACCOUNT])

    def _queue(self, name: str, encoding: TextBase64EncodePolicy | None = _BASE64) -> QueueClient:
        options: dict[str, Any] = {"connection_verify": self.stack.tenant["ca_file"]}
        return QueueClient.from_connection_string(self._connection(), name, message_encode_policy=encoding, **options)

    def _take_snapshots(self) -> None:
        """Take snapshots of the tenants as they are now; one that is under way may have read them earlier."""
        began = datetime.now(UTC)

        def are_taken() -> bool:
            rows = self.desk.storage.rows(Table.CURSORS, "PartitionKey eq 'snapshot'")
            taken = [row for row in rows if datetime.fromisoformat(row.columns["confirmed_at"]) > began]
            return len(taken) == len(INVENTORIES)

        self.run("take_snapshots")
        self.until(are_taken, what="no snapshots of the seeded tenants")

    def set_inbox(self, **health: str) -> None:
        """Set how Teams and PagerDuty behave."""
        self.inbox.post("/control/settings", json=health).raise_for_status()

    def run(self, function: str) -> None:
        """Have the host run a function now."""
        self.host.post(f"/admin/functions/{function}", json={}).raise_for_status()

    # -- crashes --

    def kill_at(self, match: str, *, after: bool) -> Callable[[], None]:
        """Kill the host at the next request that matches: before it is carried out, or `after` that, unanswered.

        Gives what waits for that and starts the host again.
        """
        killed = self.proxy.at(match, self.stack.kill_host, after=after, cut=True)

        def wait_and_restart() -> None:
            assert killed.wait(WITHIN), f"no request {match!r} came:\n{self.end_of_log()}"
            assert not self.stack.host_program.is_running()
            self.stack.start_host()

        return wait_and_restart

    def log(self) -> str:
        """Give what the host logged."""
        return (self.stack.folder / "logs" / "host.log").read_text(encoding="utf-8", errors="replace")

    def end_of_log(self) -> str:
        """Give the last lines of it."""
        return "\n".join(self.log().splitlines()[-40:])

    # -- what came of it --

    def cases(self, scene: Scene, target_id: str) -> list[Case]:
        """Give the cases of a scene's detection about an object, of what was done since the reset."""
        return [
            case
            for case in self.desk.cases()
            if case.detection == scene.detection
            and case.at >= self.reset_at
            and case.target.id.lower().endswith(target_id.lower())
        ]

    def closed(self, scene: Scene, target_id: str) -> Case:
        """Wait until the scene's case is closed, and give it; there must be one only."""

        def find() -> Case | None:
            found = [case for case in self.cases(scene, target_id) if case.actor.id == scene.actor.id]
            assert len(found) <= 1, found
            return found[0] if found and found[0].state is State.CLOSED else None

        return self.until(find, what=f"no closed case for: {scene.summary}")

    def held_up(self, scene: Scene, target_id: str) -> Case | None:
        """Give the scene's case that a lock holds up."""
        return next((case for case in self.cases(scene, target_id) if case.outcome is Outcome.LOCKED), None)

    def end_pause(self, case: Case) -> None:
        """Let the time be over for which a case is left alone."""
        (row,) = self.desk.storage.rows(Table.CASES, "RowKey eq @name", name=case.id)
        ended = msgspec.structs.replace(case, lease_until=datetime.now(UTC))
        self.desk.storage.replace(Table.CASES, row, {**row.columns, "case": msgspec.json.encode(ended).decode()})

    def until[T](self, find: Callable[[], T | None], *, what: str, within: float = WITHIN) -> T:
        """Look until there is something; fails with the end of the host's log."""
        try:
            return until(find, within=within, what=what)
        except TimeoutError as error:
            raise AssertionError(f"{error}\n{self.end_of_log()}") from error

    def acts(self) -> list[str]:
        """Give the `METHOD path` of each write of the responder that the tenants carried out, oldest first."""
        return [
            f"{request['method']} {request['path']}"
            for principal in (RESPONDER, RESPONDER_B2C)
            for request in self.stack.control.requests(principal=principal)
            if request["method"] != "GET" and 200 <= request["status"] < 300
        ]

    def ask_again(self, case: Case) -> None:
        """Put a case's message in the queue once more, and wait until the host has taken it."""
        text = msgspec.json.encode({"tenant_id": case.tenant_id, "case_id": case.id}).decode()
        with self._queue(CASES_QUEUE) as queue:
            sent = queue.send_message(text)
        self.until(lambda: f"id={sent.id}: ok" in self.log(), what="the message wasn't taken")

    def put_raw(self, queue: str, text: str) -> None:
        """Put a text in a queue as it stands, without base64."""
        with self._queue(queue, encoding=None) as client:
            client.send_message(text)

    def posts(self, case: Case, kind: str) -> list[dict[str, Any]]:
        """Give the accepted posts about a case that Teams or PagerDuty got."""
        found: list[dict[str, Any]] = self.inbox.get("/messages").raise_for_status().json()
        return [post for post in found if post["accepted"] and post["kind"] == kind and case.id in str(post)]

    def alerts(self, case: Case) -> list[dict[str, Any]]:
        """Give PagerDuty's alerts about a case."""
        found: list[dict[str, Any]] = self.inbox.get("/alerts").raise_for_status().json()
        return [alert for alert in found if case.id in str(alert)]


def words(post: dict[str, Any]) -> str:
    """Give the texts of a post, one after the other: a card's are cut into runs so that nothing in them is markup."""

    def texts(value: object) -> Iterator[str]:
        match value:
            case str():
                yield value
            case dict():
                for part in cast("dict[str, object]", value).values():
                    yield from texts(part)
            case list():
                for part in cast("list[object]", value):
                    yield from texts(part)
            case _:
                return

    return "".join(texts(post["payload"]))
