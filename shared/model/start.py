"""Starting work that may run beside other work: the requests of one round are sent together."""

from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn, Protocol

from shared.model.once import Once

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor


class Start(Protocol):
    """Starts a task, and gives a function that waits for its result, or raises what it raised."""

    def __call__[T](self, task: Callable[[], T], /) -> Callable[[], T]:
        """Start the task."""
        ...


class SideBySide:
    """Runs tasks on threads of its own, which no task that waits for another one is ever given to."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._pool = Once(self._make)

    def _make(self) -> "ThreadPoolExecutor":
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - imported on first use

        return ThreadPoolExecutor(self._threads, thread_name_prefix="round")

    def __call__[T](self, task: Callable[[], T], /) -> Callable[[], T]:
        """Start the task on a thread."""
        return self._pool().submit(task).result


def one_after_another[T](task: Callable[[], T], /) -> Callable[[], T]:
    """Run the task now; for where the order of requests has to be certain."""
    try:
        value = task()
    except Exception as error:  # noqa: BLE001 - raised where the result is asked for, as it is with threads
        failure = error

        def fail() -> NoReturn:
            raise failure

        return fail
    return lambda: value
