import asyncio
import base64
from collections.abc import Awaitable, Callable, Iterator
from copy import replace
from datetime import timedelta
from typing import cast
from uuid import uuid4

import pytest
from azure.storage.queue import QueueServiceClient

from infra.local.host.functions import Binding, Function
from infra.local.host.host_json import MessageEncoding, QueueSettings
from infra.local.host.instances import InstanceSet
from infra.local.host.invocations import Invocations, Outcome
from infra.local.host.messages import TypedData
from infra.local.host.queue_listener import Backoff, QueueListener
from infra.local.host.storage import Accounts
from tests.integration.infra.local.host.running import Azurite, until

QUICK = QueueSettings(max_polling_interval=timedelta(milliseconds=200), max_dequeue_count=2)
PLAIN = replace(QUICK, message_encoding=MessageEncoding.NONE)

type Body = Callable[[object], Awaitable[Outcome]]


class FakeInvocations:
    """Runs `body` on what a message holds, in place of a function."""

    def __init__(self, body: Body) -> None:
        self._body = body

    async def run(self, _function: Function, data: TypedData, **_rest: object) -> Outcome:
        return await self._body(data.value)


class Stage:
    """A queue of its own with a listener on it, and clients to look at it from outside."""

    def __init__(self, azurite: Azurite) -> None:
        self.name = f"work-{uuid4().hex[:12]}"
        self._settings = {"AzureWebJobsStorage": azurite.connection_string}
        self.service = QueueServiceClient.from_connection_string(azurite.connection_string)
        self.queue = self.service.get_queue_client(self.name)
        self.poison = self.service.get_queue_client(f"{self.name}-poison")

    async def play(self, settings: QueueSettings, body: Body, finished: asyncio.Event) -> None:
        """Listen until `finished`, then stop."""
        accounts = Accounts(self._settings.get)
        queues = accounts.queues("AzureWebJobsStorage")
        stopping = asyncio.Event()
        trigger = Binding(
            function="work", name="m", type="queueTrigger", is_output=False, settings={"queueName": self.name}
        )
        listener = QueueListener(
            function=Function(name="work", trigger=trigger, inputs=(), outputs=(), retry=None),
            queues=queues,
            settings=settings,
            invocations=cast("Invocations", FakeInvocations(body)),
            instances=InstanceSet("function:work", None),
            stopping=stopping,
        )
        listening = asyncio.create_task(listener.listen())
        try:
            async with asyncio.timeout(30):
                await finished.wait()
                stopping.set()
                await listening
        finally:
            await accounts.close()

    def put(self, *texts: str) -> None:
        self.queue.create_queue()
        for text in texts:
            self.queue.send_message(text)

    def count(self) -> int:
        """Count all messages, hidden ones too."""
        return self.queue.get_queue_properties().approximate_message_count or 0


@pytest.fixture
def stage(azurite: Azurite) -> Iterator[Stage]:
    stage = Stage(azurite)
    with stage.service:
        yield stage


def test_a_message_stays_hidden_while_its_function_runs_long(stage: Stage) -> None:
    stage.put("long")
    visible: list[int] = []

    async def scene() -> None:
        finished = asyncio.Event()

        async def body(_data: object) -> Outcome:
            # Nearly twice as long as a message is hidden at first, which a busy machine still renews in time.
            for _ in range(9):
                await asyncio.sleep(1.6)
                visible.append(len(await asyncio.to_thread(stage.queue.peek_messages, 5)))
            finished.set()
            return Outcome()

        await stage.play(replace(PLAIN, hidden_for=timedelta(seconds=8)), body, finished)

    asyncio.run(scene())
    assert visible == [0] * 9
    assert stage.count() == 0, "and it could still be deleted with the receipt the last renewal gave"


def test_a_message_that_keeps_failing_is_set_aside_as_it_was(stage: Stage) -> None:
    text = base64.b64encode(b'{"case": 1}').decode()
    stage.put(text)
    tries: list[object] = []

    async def scene() -> None:
        finished = asyncio.Event()

        async def body(data: object) -> Outcome:
            tries.append(data)
            if len(tries) == QUICK.max_dequeue_count:
                finished.set()
            return Outcome(failure="no luck")

        await stage.play(QUICK, body, finished)

    asyncio.run(scene())
    assert tries == ['{"case": 1}'] * 2
    assert stage.count() == 0
    assert [message.content for message in stage.poison.peek_messages()] == [text]


def test_a_message_that_is_not_base64_is_set_aside_unrun(stage: Stage) -> None:
    stage.put("not base64!", base64.b64encode(b"\xff").decode())

    async def scene() -> list[object]:
        finished = asyncio.Event()
        seen: list[object] = []

        async def body(data: object) -> Outcome:
            seen.append(data)
            finished.set()
            return Outcome()

        await stage.play(replace(QUICK, batch_size=2), body, finished)
        return seen

    assert asyncio.run(scene()) == [b"\xff"], "what isn't text is given as bytes"
    assert [message.content for message in stage.poison.peek_messages()] == ["not base64!"]


def test_a_new_batch_is_taken_only_when_few_enough_run(stage: Stage) -> None:
    stage.put(*"abcdefgh")
    running = 0
    most = 0
    done: list[object] = []

    async def scene() -> None:
        finished = asyncio.Event()

        async def body(data: object) -> Outcome:
            nonlocal running, most
            running += 1
            most = max(most, running)
            await asyncio.sleep(0.05)
            running -= 1
            done.append(data)
            if len(done) == 8:
                finished.set()
            return Outcome()

        await stage.play(replace(PLAIN, batch_size=3, new_batch_threshold=1), body, finished)

    asyncio.run(scene())
    assert sorted(map(str, done)) == list("abcdefgh")
    assert 3 <= most <= 4, "a batch on top of what may still run"


def test_a_missing_queue_is_made_and_a_deleted_one_made_again(stage: Stage) -> None:
    async def scene() -> None:
        finished = asyncio.Event()

        async def body(_data: object) -> Outcome:
            finished.set()
            return Outcome()

        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.to_thread(disturb))
            group.create_task(stage.play(PLAIN, body, finished))

    def disturb() -> None:
        until(lambda: [*stage.service.list_queues(name_starts_with=stage.name)])
        stage.queue.delete_queue()
        until(lambda: [*stage.service.list_queues(name_starts_with=stage.name)])
        stage.queue.send_message("soon")

    asyncio.run(scene())
    assert stage.count() == 0


def test_a_message_the_host_adds_itself_wakes_its_pollers(azurite: Azurite, stage: Stage) -> None:
    async def scene() -> tuple[bool, bool]:
        accounts = Accounts({"AzureWebJobsStorage": azurite.connection_string}.get)
        queues = accounts.queues("AzureWebJobsStorage")
        own, other = queues.poke_at(stage.name), queues.poke_at("another")
        await queues.add(stage.name, "soon")
        await accounts.close()
        return own.is_set(), other.is_set()

    assert asyncio.run(scene()) == (True, False)
    assert [message.content for message in stage.queue.peek_messages()] == ["soon"]


def test_polls_grow_apart_up_to_the_longest_and_start_over_after_a_message() -> None:
    backoff = Backoff(timedelta(seconds=2))
    delays = [backoff.next_delay(found=False) for _ in range(8)]
    assert delays[0] == 0.1
    assert delays == sorted(delays)
    assert delays[-1] == 2
    for doubling, delay in enumerate(delays[1:5]):
        assert 0.1 + 0.8 * 0.1 * 2**doubling <= delay <= 0.1 + 1.2 * 0.1 * 2**doubling
    assert backoff.next_delay(found=True) == 0.1
    assert backoff.next_delay(found=False) <= 0.1 + 0.12
