"""Do the same to many items, so that one that fails doesn't stop the others."""

import logging
from collections.abc import Callable, Iterable, Iterator


def do_all[T, R](
    items: Iterable[T], do: Callable[[T], R], *, failed: Callable[[T], str], log: logging.Logger
) -> list[R]:
    """Call `do` with every item; gives the results in order.

    Each failure is logged with its traceback and the sentence that `failed` gives for its item. After the last item the
    first failure is raised.
    """
    return list(each(items, do, failed=failed, log=log))


def each[T, R](
    items: Iterable[T], do: Callable[[T], R], *, failed: Callable[[T], str], log: logging.Logger
) -> Iterator[R]:
    """Give the results one by one, as `do_all` makes them; the first failure is raised after the last.

    When `items` itself raises, there is no next item, so the work ends there.
    """
    first: Exception | None = None
    coming = iter(items)
    while True:
        try:
            item = next(coming)
        except StopIteration:
            break
        except Exception:
            if first is None:
                raise
            log.exception("the items after this could not be listed")
            break
        try:
            done = do(item)
        except Exception as failure:
            log.exception("%s", failed(item))
            first = first or failure
        else:
            yield done
    if first is not None:
        raise first
