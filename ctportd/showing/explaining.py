"""What would become of a call, for people: ``ctportd explain``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ctportd.display import shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ctportd.looking.explaining import Explained


def explanation_lines(explained: Explained) -> Iterable[str]:
    """The same for people."""
    call = explained.call
    yield shown(f"{call.caller} calls {call.port} on {call.at.astimezone():%A, %Y-%m-%d, at %H:%M:%S (%Z)}")
    yield shown(_judged(explained))
    for fault in explained.faults:
        yield shown(f"failed: {fault}")
    for asked in explained.handlers:
        yield shown(f"{asked.handler}: {asked.outcome}")
        yield from (shown(f"  {line}") for line in asked.lines)
    outcomes = {asked.outcome for asked in explained.handlers}
    if "takes the call" not in outcomes:
        nobody = "if nobody takes it" if "may take the call" in outcomes else "nobody answers"
        yield f"{nobody}: it rings until the caller gives up"


def _judged(explained: Explained) -> str:
    verdict = explained.call.verdict
    if not verdict.by:
        return f"{verdict.kind}: no plugin judges this caller"
    action = f", action {verdict.action}" if verdict.action else ""
    return f"{verdict.kind}: {verdict.rule or 'by no rule'} (plugin {verdict.by}{action})"
