"""Work behind a loop: in order, bounded, and errors arrive."""

import threading

import pytest

from mmvos.utils.write_behind import write_behind


def test_items_are_done_in_order_in_another_thread_before_the_end():
    done = []
    with write_behind(lambda item: done.append((item, threading.get_ident())), depth=2) as submit:
        for item in range(20):
            submit(item)
    assert [item for item, _ in done] == list(range(20))
    assert {thread for _, thread in done} != {threading.get_ident()}


def test_no_more_than_depth_items_wait():
    begun, go = threading.Semaphore(0), threading.Event()

    def work(item):
        begun.release()
        go.wait(10)

    with write_behind(work, depth=2) as submit:
        submit(0)
        submit(1)
        begun.acquire()
        third = threading.Thread(target=submit, args=(2,))
        third.start()
        third.join(0.2)
        assert third.is_alive()  # it waits for the first one
        go.set()
        third.join(10)
        assert not third.is_alive()


def test_errors_of_the_work_are_raised():
    done = []

    def work(item):
        if item == 3:
            raise OSError('disk full')
        done.append(item)

    with pytest.raises(OSError, match='disk full'), write_behind(work) as submit:
        for item in range(100):
            submit(item)
    assert done == [0, 1, 2]


def test_after_an_error_of_the_loop_what_was_given_is_done():
    go, done = threading.Event(), []

    def work(item):
        go.wait(10)
        done.append(item)

    with pytest.raises(KeyError), write_behind(work, depth=9) as submit:
        for item in range(5):
            submit(item)
        threading.Timer(0.2, go.set).start()
        raise KeyError
    assert done == [0, 1, 2, 3, 4]
