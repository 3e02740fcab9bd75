"""A plugin that fails again and again is taken out, each time for longer, and trusted again when it has stopped."""

from __future__ import annotations

import pytest

from ctportd.hooks.breaker import LONGEST, Breaker


class FakeTime:
    """A clock that stands still unless it is told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def time(self) -> float:
        """The time now."""
        return self.now


@pytest.fixture
def time() -> FakeTime:
    """The time."""
    return FakeTime()


@pytest.fixture
def breaker(time: FakeTime) -> Breaker:
    """Three faults within 60 seconds, and out for 100."""
    return Breaker(time.time, faults=3, window=60, rest=100)


def test_faults_within_the_window_take_out(breaker: Breaker, time: FakeTime) -> None:
    """The last of them does, and no later one counts."""
    assert [breaker.fault() for _ in range(5)] == [False, False, True, False, False]
    assert breaker.open
    assert breaker.remaining == 100
    time.now += 40
    assert breaker.remaining == 60


def test_seldom_faults_do_not(breaker: Breaker, time: FakeTime) -> None:
    """Faults that are further apart than the window are forgotten one by one."""
    for _ in range(10):
        assert not breaker.fault()
        time.now += 31
    assert not breaker.open
    assert not breaker.fault()  # the last one but two was 62 s ago
    assert breaker.fault()  # and now 31 s


def test_tried_again_when_the_rest_is_over(breaker: Breaker, time: FakeTime) -> None:
    """Not a moment before; on trial it is in."""
    for _ in range(3):
        breaker.fault()
    time.now += 99.9
    assert not breaker.try_again()
    time.now += 0.1
    assert breaker.try_again()
    assert not breaker.open
    assert breaker.trial
    assert breaker.try_again()


def test_trusted_after_a_clean_window(breaker: Breaker, time: FakeTime) -> None:
    """On trial for as long as faults count; then it begins anew, with a short rest and three faults."""
    for _ in range(3):
        breaker.fault()
    assert not breaker.trust()
    time.now += 100
    assert breaker.try_again()
    time.now += 59.9
    assert not breaker.trust()
    time.now += 0.1
    assert breaker.trust()
    assert not breaker.trust()
    assert [breaker.fault() for _ in range(3)] == [False, False, True]
    assert breaker.remaining == 100


def test_fault_on_trial_doubles_the_rest(breaker: Breaker, time: FakeTime) -> None:
    """One is enough, and each time it is out for twice as long, an hour at most."""
    rests = []
    for _ in range(3):
        breaker.fault()
    for _ in range(8):
        rests.append(breaker.remaining)
        time.now += breaker.remaining
        assert breaker.try_again()
        assert breaker.fault()
    assert rests == [100, 200, 400, 800, 1600, 3200, LONGEST, LONGEST]


def test_longer_rest_than_the_longest_is_kept(time: FakeTime) -> None:
    """Who configures two hours gets two hours, each time."""
    breaker = Breaker(time.time, faults=1, window=60, rest=7200)
    assert breaker.fault()
    time.now += 7200
    assert breaker.try_again()
    assert breaker.fault()
    assert breaker.remaining == 7200
