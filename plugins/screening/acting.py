"""What is done with a caller who is not simply let through."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import structlog

from ctportd import Caller, StoreError, Verdict

from . import actions
from .human import is_human

if TYPE_CHECKING:
    from ctportd import Call

    from .service import Screening

_BUSY_TIMES = 4
"""How often the prompt of three seconds is played (our figure)."""

_LONGEST_NUMBER = 20
"""Digits of a number that is keyed in: E.164 has 15, and prefixes come before them."""

log = structlog.stdlib.get_logger("screening")


async def act(call: Call, action: str, screening: Screening) -> None:
    """Do what a verdict says: the call is over then, or it goes on to the next handler."""
    if action not in ("", actions.PASS):
        log.info("screened", action=action, rule=call.verdict.rule)
        call.note("screening", action=action, rule=call.verdict.rule)
    match action:
        case "" | actions.PASS:
            if call.answered:
                call.pass_on()
        case actions.IGNORE if not call.answered:
            await call.wait_ended()
            call.check()
        case (
            actions.HANGUP | actions.IGNORE
        ):  # one who was answered, to be asked, hears no ringing: the line is freed
            await _end(call)
        case actions.BUSY:
            await _end(call, *["cid-busy"] * _BUSY_TIMES)
        case actions.REJECT:
            await _end(call, *screening.settings.reject)
        case actions.CHALLENGE:
            await _challenge(call, screening)
        case actions.ASK_NUMBER:
            await _ask_number(call, screening)
        case _:
            await call.hand_over(action)


async def _end(call: Call, *prompts: str) -> None:
    await call.answer()
    await call.play(*prompts, ignore_keys=True)
    await call.hangup()


async def _challenge(call: Call, screening: Screening) -> None:
    settings = screening.settings.test
    await call.answer()
    if await is_human(call, settings):
        await screening.passed_test(call)
        _judge_anew(call, Verdict("screened", actions.PASS, f"{call.verdict.rule}; passed the test"))
        await call.play("one-moment", ignore_keys=True)
        call.pass_on()
    else:
        await _keep_out(call, settings.failed, "failed the test", screening)


async def _ask_number(call: Call, screening: Screening) -> None:
    """Ask for a number, and judge the caller by it."""
    settings = screening.settings.ask
    await call.answer()
    for _ in range(settings.tries):
        await call.clear()
        await call.play("cid-enter-number")
        keyed = await call.keyed_in(_LONGEST_NUMBER, wait=settings.wait)
        if keyed.isdigit():
            call.identify(Caller(keyed, call.caller.name))
            judgement = await screening.judge(call.caller, call.began)
            screening.remember(call.port.address, call.began, judgement)
            await _remembered(call, screening)
            verdict = judgement.verdict
            _judge_anew(call, Verdict(verdict.kind, verdict.action, f"keyed in {keyed}; {verdict.rule}"))
            await act(call, judgement.verdict.action, screening)
            return
    await _keep_out(call, settings.refused, "keyed in no number", screening)


async def _remembered(call: Call, screening: Screening) -> None:
    """Have it remembered who called; where the store is away, what is thought of the caller counts all the same."""
    try:
        await screening.began(call)
    except StoreError as error:
        log.warning("a caller who has keyed in a number is forgotten", error=str(error))


async def _keep_out(call: Call, action: str, why: str, screening: Screening) -> None:
    if action != actions.PASS:
        _judge_anew(call, Verdict("blocked", action, f"{call.verdict.rule}; {why}"))
    await act(call, action, screening)


def _judge_anew(call: Call, verdict: Verdict) -> None:
    """Let the plugins that come next see what was found out since."""
    call.verdict = msgspec.structs.replace(verdict, by=actions.SCREENING)
    log.info("judged anew", verdict=verdict.kind, rule=verdict.rule)
    call.note("verdict", **{key: said for key, said in msgspec.structs.asdict(call.verdict).items() if said})
