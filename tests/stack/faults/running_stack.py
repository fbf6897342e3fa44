"""The running stack behind the proxy, what tests ask of it, and how it goes back to its beginning between them."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Final, cast, override

import httpx
import msgspec
from azure.storage.queue import QueueClient, QueueServiceClient, TextBase64EncodePolicy

from infra.local.desk import Desk
from infra.local.stack import HOST_ACCOUNT, Stack, connection_string
from infra.local.story import Scene
from infra.local.world import RESPONDER, RESPONDER_B2C
from shared.clients.storage import Row
from shared.clients.storage_errors import Conflict
from shared.clients.storage_names import CASES_QUEUE, QUEUES, Table, poison_queue
from shared.model.cases import Case, Outcome, State
from shared.model.clock import utc_now
from shared.model.errors import LeaseLost, Rejected
from shared.model.kinds import Mode
from shared.model.objects import ObjectId
from shared.objects.due import Due
from shared.objects.object_store import ObjectStore
from shared.respond.messages import ObjectMessage
from tests.stack.faults.accepted import Shared, accepted_in, take_over
from tests.stack.faults.proxy import Proxy, Tls

PATIENT: Final = {"AzureFunctionsJobHost__extensions__queues__maxPollingInterval": "00:00:00.6"}
"""The host asks the queues less often than host.json says: that is half of what a stack does where nothing happens."""

SELDOM: Final = {
    **PATIENT,
    "AUDIT_POLL_SCHEDULE": "0 0 * * * *",
    "SIGN_IN_POLL_SCHEDULE": "0 0 * * * *",
    "SNAPSHOT_SCHEDULE": "0 0 * * * *",
    "ROSTER_SCHEDULE": "0 0 * * * *",
}
"""Nothing reads the tenant by a timer: for what comes by requests and events alone."""

QUICK: Final = {
    **PATIENT,
    "LEASE_SECONDS": "5",
    "READ_BACK_SECONDS": "1",
    "RESUME_SCHEDULE": "*/3 * * * * *",
    "REMEDIATIONS_PER_HOUR": "1000",
    "AUDIT_POLL_SCHEDULE": "*/3 * * * * *",
    "SIGN_IN_POLL_SCHEDULE": "*/20 * * * * *",
    "SNAPSHOT_SCHEDULE": "0 * * * * *",
    "ROSTER_SCHEDULE": "0 * * * * *",
}
"""The shortest lease that the settings allow, and a look every three seconds at what was left behind.

What no test here waits for is seldom: sweeps and polls share the tenant's limits with what answers a change.
"""

HIDDEN_FOR: Final = 5
"""Seconds until a message comes back whose function was killed; in Azure ten minutes, which nobody wants to wait."""

_EMPTIED: Final = (
    *(Table.CASES, Table.OUTBOX, Table.CURSORS, Table.CONTROLS, Table.COUNTERS),
    *(Table.CHANGES, Table.DUE, Table.LEASES),
)
_ALL: Final = 1000
_EVERY: Final = "PartitionKey ge ''"
_TRIES: Final = 20
_LOOK_AFTER: Final = 0.1
_LOOK_EVERY: Final = 1.0
"""Seconds between two looks at what the app did: as soon as it has written something, or so long after the last."""

_BASE64: Final = TextBase64EncodePolicy()
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
WITHIN: Final = 180.0
"""How long a case may take here, in seconds, whatever happens: a note that an object is due is 90 seconds ahead."""


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
        # Each test goes back to the beginning by putting older rows in place, which the app's own key is against.
        return {**super().values(), **self._fronts, "STATE_KEYS": ""}


@dataclass(kw_only=True)
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
    shared: Shared
    reset_at: datetime = _NEVER
    accepted: list[Row] = field(default_factory=list[Row])

    def reset(self) -> None:
        """Go back to the beginning: the seeded tenant, accepted as it stands, no case, no page, everything enforced."""
        self.proxy.clear()
        if not self.stack.host_program.is_running():
            self.stack.start_host()
        self.stack.control.reset()
        self.reset_at = datetime.now(UTC)
        self.set_inbox(teams="on", pagerduty="on")
        self.inbox.delete("/messages").raise_for_status()
        if not self.accepted:
            self.accepted = self._begin()
        else:
            self._empty_storage()
            self.desk.controls.set_mode("*", Mode.ENFORCE, by="the demo")
        self.stack.subscribe_to_events()

    def _begin(self) -> list[Row]:
        """Have everything accepted, as it was in another stack of this run if there is one; gives the objects' rows."""
        if (found := self.shared.read()) is not None:
            return take_over(self.desk.storage, found)
        self.desk.seed()
        rows = self._accept_everything()
        self.shared.write(accepted_in(self.desk.storage))
        return rows

    def _empty_storage(self) -> None:
        """Take away what came since everything was accepted; who is approved and owns stays. In few requests."""
        for table in _EMPTIED:
            self._empty(table)
        self._put_objects_back()
        for name in QUEUES:
            for each in (name, poison_queue(name)):
                self._queue(each).clear_messages()

    def _empty(self, table: Table) -> None:
        """Delete every row; the app may delete some of them at the same moment, and then a transaction is refused."""
        for _ in range(_TRIES):
            try:
                self.desk.storage.purge(table, _EVERY, most=_ALL)
            except (Conflict, Rejected):
                continue
            return
        raise AssertionError(f"{table} could not be emptied")

    def _put_objects_back(self) -> None:
        """Have table Objects as it was accepted; the app may write to one of its rows at the same moment."""
        for _ in range(_TRIES):
            try:
                if not self._put_back_what_differs():
                    return
            except Conflict:
                continue
        raise AssertionError("the objects could not be put back: the app went on writing them")

    def _put_back_what_differs(self) -> int:
        """Give how many rows were not as they were accepted.

        Raises:
            Conflict: the app wrote one meanwhile.
        """
        came = {(row.partition, row.key): row for row in self.desk.storage.rows(Table.OBJECTS, _EVERY)}
        differed = 0
        for row in self.accepted:
            now = came.pop((row.partition, row.key), None)
            if now is None or now.columns != row.columns:
                self.desk.storage.upsert(Table.OBJECTS, row.partition, row.key, row.columns)
                differed += 1
        for row in came.values():
            self.desk.storage.delete(Table.OBJECTS, row)
        return differed + len(came)

    def _queue(self, name: str, encoding: TextBase64EncodePolicy | None = _BASE64) -> QueueClient:
        return self._queues.get_queue_client(name, message_encode_policy=encoding)

    @cached_property
    def _queues(self) -> QueueServiceClient:
        azurite = self.stack.azurite
        connection = connection_string(azurite.addresses, HOST_ACCOUNT, azurite.keys[HOST_ACCOUNT])
        return QueueServiceClient.from_connection_string(connection, connection_verify=self.stack.tenant["ca_file"])

    def close(self) -> None:
        """Let go of the connections to the queues."""
        self._queues.close()

    def _accept_everything(self) -> list[Row]:
        """Have all that stands in the seeded tenants accepted, as people do on the first day; gives their rows.

        Reading every object takes conditional access, with its one call a second, half a minute.
        """
        self.run("take_snapshots")
        self.run("sweep_rosters")
        self.until(self.desk.objects_read, what="the seeded tenants were not read")
        self.desk.accept_all()
        self.until(self._is_settled, what="the accepted objects were not looked at")
        return self.desk.storage.rows(Table.OBJECTS, _EVERY)

    def _is_settled(self) -> bool:
        """Whether no object is due for a look: the resume timer has looked at those that were accepted."""
        return not self.desk.storage.rows(Table.DUE, _EVERY)

    def set_inbox(self, **health: str) -> None:
        """Set how Teams and PagerDuty behave."""
        self.inbox.post("/control/settings", json=health).raise_for_status()

    def run(self, function: str) -> None:
        """Have the host run a function now."""
        self.host.post(f"/admin/functions/{function}", json={}).raise_for_status()

    # -- crashes --

    def kill_at(self, match: str, *, after: bool, following: str = "") -> Callable[[], None]:
        """Kill the host at the next request that matches: before it is carried out, or `after` that, unanswered.

        With `following`, at the next one that comes after a request that matches that. Gives what waits for the kill
        and starts the host again.
        """
        killed = threading.Event()

        def kill() -> None:
            self.stack.kill_host()
            killed.set()

        def wait_for_it() -> None:
            self.proxy.at(match, kill, after=after, cut=True)

        if following:
            self.proxy.at(following, wait_for_it, after=True, cut=False)
        else:
            wait_for_it()

        def wait_and_restart() -> None:
            assert killed.wait(WITHIN), f"no request {match!r} came:\n{self.end_of_log()}"
            assert not self.stack.host_program.is_running()
            self._let_time_pass()
            self.stack.start_host()

        return wait_and_restart

    def _let_time_pass(self) -> None:
        """Let the leases of a dead run end, and what it noted be due: 40 and 90 seconds that nobody wants to wait."""
        for row in self.desk.storage.rows(Table.LEASES, _EVERY):
            self.desk.storage.delete(Table.LEASES, row)
        due, now = Due(self.desk.storage), utc_now()
        for look in due.ready(now + timedelta(days=1), _ALL):
            due.move(look, now)

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
        """Give the scene's case that waits for what holds it up."""
        return next((case for case in self.cases(scene, target_id) if case.outcome is Outcome.PENDING), None)

    def end_pause(self, case: Case) -> None:
        """Let the time be over for which a case's object is left alone."""
        assert case.object_kind is not None
        of = ObjectId(tenant_id=case.tenant_id, kind=case.object_kind, key=case.object_key)
        self.desk.storage.enqueue(msgspec.json.encode(ObjectMessage(id=of, tenants_id=case.target.id)).decode())

    def let_listings_catch_up(self, case: Case) -> None:
        """Let the time be over for which a listing may not show what was made: ten minutes."""
        assert case.object_kind is not None
        of = ObjectId(tenant_id=case.tenant_id, kind=case.object_kind, key=case.object_key)
        self.until(lambda: self._made_earlier(of), what="the app wrote the object each time it was to be changed")
        self.end_pause(case)

    def _made_earlier(self, of: ObjectId) -> bool:
        """Move an object's intents ten minutes back, unless the app writes it at the same moment."""
        objects = ObjectStore(self.desk.storage, clock=utc_now)
        kept = objects.read(of)
        assert kept is not None
        earlier = [msgspec.structs.replace(one, at=one.at - timedelta(minutes=10)) for one in kept.state.intents]
        try:
            objects.replace(kept, msgspec.structs.replace(kept.state, intents=tuple(earlier)))
        except LeaseLost:
            return False
        return True

    def until[T](self, find: Callable[[], T | None], *, what: str, within: float = WITHIN) -> T:
        """Look until there is something; fails with the end of the host's log.

        Whatever the app does passes the proxy, so there is nothing new as long as no write does; but for what isn't the
        app's, it looks each second all the same.
        """
        deadline = time.monotonic() + within
        while True:
            written, looked_at = self.proxy.writes, time.monotonic()
            if found := find():
                return found
            assert time.monotonic() < deadline, f"{what}: nothing in {within:.0f} s\n{self.end_of_log()}"
            time.sleep(_LOOK_AFTER)
            while self.proxy.writes == written and time.monotonic() < looked_at + _LOOK_EVERY:
                time.sleep(_LOOK_AFTER)

    def acts(self) -> list[str]:
        """Give the `METHOD path` of each write of the responder that the tenants carried out, oldest first."""
        return [
            f"{request['method']} {request['path']}"
            for principal in (RESPONDER, RESPONDER_B2C)
            for request in self.stack.control.requests(principal=principal)
            if request["method"] != "GET" and 200 <= request["status"] < 300
        ]

    def ask_again(self, case: Case) -> None:
        """Have the case's object reconciled once more, and wait until the host has done it."""
        assert case.object_kind is not None
        of = ObjectId(tenant_id=case.tenant_id, kind=case.object_kind, key=case.object_key)
        text = msgspec.json.encode(ObjectMessage(id=of, tenants_id=case.target.id)).decode()
        sent = self._queue(CASES_QUEUE).send_message(text)
        self.until(lambda: f"id={sent.id}: ok" in self.log(), what="the message wasn't taken")

    def put_raw(self, queue: str, text: str) -> None:
        """Put a text in a queue as it stands, without base64."""
        self._queue(queue, encoding=None).send_message(text)

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
