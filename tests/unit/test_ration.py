"""What others can make us log is rationed, and what was left out is counted."""

from __future__ import annotations

from ctportd.ration import Ration


def test_so_many_a_minute_and_the_rest_is_counted() -> None:
    """Each minute begins anew, and tells once how many the one before left out."""
    now = 0.0
    ration = Ration(2, lambda: now)
    assert [ration.take() for _ in range(5)] == [(True, 0), (True, 0), (False, 0), (False, 0), (False, 0)]
    now = 59.9
    assert ration.take() == (False, 0)
    now = 60.0
    assert [ration.take() for _ in range(3)] == [(True, 4), (True, 0), (False, 0)]
    assert ration.left_out() == 1
    assert ration.left_out() == 0
    now = 500.0
    assert ration.take() == (True, 0)
