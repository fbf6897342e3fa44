"""Do the same to many things, so that one that fails never keeps the others from being done."""

import logging
from collections.abc import Callable, Iterable, Iterator


def do_all[T, R](
    items: Iterable[T], do: Callable[[T], R], *, failed: Callable[[T], str], log: logging.Logger
) -> list[R]:
    """Do it to every item; gives what each gave, in order.

    A failure is written to `log`, with the sentence that `failed` makes of its item. When every item had its turn, the
    first failure is raised: what came of the others is done, but isn't given.
    """
    return list(each(items, do, failed=failed, log=log))


def each[T, R](
    items: Iterable[T], do: Callable[[T], R], *, failed: Callable[[T], str], log: logging.Logger
) -> Iterator[R]:
    """Give what comes of each item when it is asked for, as `do_all` does it; the first failure is raised at the end.

    When `items` itself fails, nothing can come after: that is the end.
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
            log.exception("what comes after could not be listed")
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
