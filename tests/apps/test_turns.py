"""Few pages are drawn at a time, and one that waits lets another one draw."""

from __future__ import annotations

import threading
import time

from apps import turns


def test_no_more_than_a_few_draw_at_a_time_and_all_do():
    drawing, most, done = 0, 0, []
    lock = threading.Lock()

    def page(number: int) -> None:
        nonlocal drawing, most
        with turns.drawing():
            with lock:
                drawing += 1
                most = max(most, drawing)
            time.sleep(0.01)
            with lock:
                drawing -= 1
            done.append(number)

    threads = [threading.Thread(target=page, args=(n,)) for n in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted(done) == list(range(9)) and most == turns.AT_ONCE


def test_who_waits_lets_another_draw_and_goes_on_after():
    others, ended = threading.Event(), []

    def waits() -> None:
        with turns.drawing():
            with turns.waiting():
                assert others.wait(10)
            ended.append("waited")

    threads = [threading.Thread(target=waits) for _ in range(turns.AT_ONCE)]
    for thread in threads:
        thread.start()
    with turns.drawing():  # though as many as may draw have begun before
        others.set()
    for thread in threads:
        thread.join(10)
    assert ended == ["waited"] * turns.AT_ONCE


def test_a_page_that_fails_or_never_had_a_turn_leaves_none_taken():
    for _ in range(3 * turns.AT_ONCE):
        try:
            with turns.drawing(), turns.waiting():
                raise ValueError("broken")
        except ValueError:
            pass
        with turns.waiting():  # outside of a page: a script, a test
            pass
    with turns.drawing():
        assert turns._slots.acquire(blocking=False)
        turns._slots.release()


def test_who_has_what_matters_most_lets_all_begin_first():
    begun, order = threading.Barrier(turns.AT_ONCE), []

    def page(number: int) -> None:
        with turns.drawing():
            if number < turns.AT_ONCE:
                begun.wait(10)  # all others wait to begin now
                deadline = time.monotonic() + 10
                while turns._to_begin < 4 and time.monotonic() < deadline:
                    time.sleep(0.001)
                begun.wait(10)  # and none of them begins before both have seen it
            order.append("answers")
            turns.after_others()
            order.append("maps")

    threads = [threading.Thread(target=page, args=(n,)) for n in range(turns.AT_ONCE + 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    # Those that begin last may be done with their answers as others go on.
    assert order[: turns.AT_ONCE + 2] == ["answers"] * (turns.AT_ONCE + 2)
    assert order.count("maps") == turns.AT_ONCE + 4
    turns.after_others()  # outside of a page


def test_who_lets_others_begin_does_not_wait_for_ever(monkeypatch):
    monkeypatch.setattr(turns, "LONGEST", 0.01)
    monkeypatch.setattr(turns, "_to_begin", 1)
    with turns.drawing():
        turns.after_others()
        assert turns._mine.held  # it has its place again, though another still waits to begin
