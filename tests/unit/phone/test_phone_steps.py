"""Steps are read from words, and a mistake names its step."""

from __future__ import annotations

import pytest

from ctportd.phone.steps import Hangup, Press, Say, StepError, Until, Wait, parse_steps


def test_all_steps() -> None:
    """Each step takes the word after it, whatever that looks like."""
    words = [
        "until",
        "menu-main",
        "press",
        "12a*#",
        "wait",
        "0.5",
        "say",
        "a hangup.wav",
        "until",
        "wait",
        "hangup",
    ]
    steps = parse_steps(words)
    assert steps == [
        Until("menu-main"),
        Press("12A*#"),
        Wait(0.5),
        Say("a hangup.wav"),
        Until("wait"),
        Hangup(),
    ]
    assert [str(step) for step in steps[:3]] == ["until menu-main", "press 12A*#", "wait 0.5"]
    assert [str(step) for step in steps[3:]] == ["say a hangup.wav", "until wait", "hangup"]


def test_no_steps() -> None:
    """No words, no steps."""
    assert parse_steps([]) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["wait"], "step 1, wait: SECONDS is missing"),
        (["wait", "soon"], "step 1, wait: SECONDS is 'soon' where a number of seconds is expected"),
        (["wait", "-1"], "step 1, wait: SECONDS is '-1' where"),
        (["wait", "nan"], "step 1, wait: SECONDS is 'nan' where"),
        (["wait", "inf"], "step 1, wait: SECONDS is 'inf' where"),
        (["press", "1w2"], "step 1, press: KEYS is '1w2' where keys out of 0-9, *, #, A-D are expected"),
        (["press", ""], "step 1, press: KEYS is '' where"),
        (["until", ""], "step 1, until: PROMPT is empty"),
        (["say", ""], "step 1, say: FILE is empty"),
        (
            ["wait", "1", "pres", "1"],
            "step 2, 'pres': is no step (did you mean press?); expected is wait SECONDS, ",
        ),
        (
            ["xyzzy"],
            "step 1, 'xyzzy': is no step; expected is wait SECONDS, until PROMPT, press KEYS, say FILE or hangup",
        ),
        (["hangup", "wait", "1"], "step 2, 'wait': nothing can follow hangup"),
    ],
)
def test_mistakes(words: list[str], message: str) -> None:
    """The error names the step, what stood there and what was expected."""
    with pytest.raises(StepError) as raised:
        parse_steps(words)
    assert str(raised.value).startswith(message)
