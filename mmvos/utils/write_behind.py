"""Work that goes on behind the loop that gave it."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar('Item')


@contextmanager
def write_behind(work: Callable[[Item], object], depth: int = 4) -> Iterator[Callable[[Item], None]]:
    """A function that hands items to ``work``, which does them in their order, in one background thread.

    ::

        with write_behind(save) as submit:
            for result in results:
                submit(result)  # waits where ``depth`` items are not done yet

    All items are done when the context ends. An error of ``work`` is raised by a later call of the function, or by the end of
    the context, and nothing is done after it; after an error inside the context, the items that were given are still done.

    Args:
        work (Callable): is called with each item.
        depth (int): how many items may wait, which bounds the memory.
    """
    pending = deque[Future[object]]()
    failed = False

    def do(item: Item) -> None:
        nonlocal failed
        if failed:
            return
        try:
            work(item)
        except BaseException:
            failed = True
            raise

    with ThreadPoolExecutor(1, thread_name_prefix='write-behind') as pool:

        def submit(item: Item) -> None:
            while pending and (pending[0].done() or len(pending) >= depth):
                pending.popleft().result()
            pending.append(pool.submit(do, item))

        yield submit
        while pending:
            pending.popleft().result()
