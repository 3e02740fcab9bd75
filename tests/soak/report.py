"""The balance as people read it, and as programs do."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from soak.balance import Balance
    from soak.evidence import Evidence
    from soak.run import Measured, Soak

_SHOWN = 8  # losses of a kind that are shown by name; the rest are in the JSON


def text(soak: Soak, evidence: Evidence, balance: Balance) -> str:
    """All of it, to be printed."""
    return "\n".join(_lines(soak, evidence, balance))


def _lines(soak: Soak, evidence: Evidence, balance: Balance) -> Iterator[str]:
    settings = soak.settings
    yield (
        f"balance of {soak.outcome.seconds:.0f} s with seed {settings.seed}: {settings.lines} lines at speed "
        f"{settings.speed:g}"
    )
    yield from (f"  {count:>8}  {name}" for name, count in balance.counts.items())
    yield "faults: " + ", ".join(f"{count} {name}" for name, count in _faults(soak).items())
    for name, measured in soak.outcome.measured.items():
        yield from _measured(name, measured)
    if evidence.complaints:
        yield "errors in the log, but for those on purpose:"
        yield from (f"  {count:>8}  {event}" for event, count in evidence.complaints.items())
    for last, count in evidence.tracebacks.items():
        yield f"  {count:>8}  traceback: {last}"
    yield "the balance holds: nothing is lost" if balance.holds else "THE BALANCE DOES NOT HOLD"
    for kind, losses in balance.kinds.items():
        near = ", ".join(f"{count} near {name}" for name, count in balance.by_fault(kind).items())
        yield f"{kind}: {len(losses)} ({near})"
        yield from (f"    {loss.what}" + (f" [{loss.near}]" if loss.near else "") for loss in losses[:_SHOWN])
        if len(losses) > _SHOWN:
            yield f"    ... and {len(losses) - _SHOWN} more"


def _measured(name: str, measured: Measured) -> Iterator[str]:
    if measured.end is None:
        yield f"{name}: no life was long enough to be measured"
        return
    yield f"{name} (pid {measured.end.pid}), at rest, early and at the end of one life:"
    for what in ("fds", "rss_kb", "threads", "tasks"):
        start, end = getattr(measured.start, what), getattr(measured.end, what)
        if start is not None:
            yield f"  {start:>8} -> {end:>8}  {what}"


def _faults(soak: Soak) -> dict[str, int]:
    return dict(Counter(made.name for made in soak.outcome.made).most_common())


def write(path: Path, soak: Soak, evidence: Evidence, balance: Balance) -> None:
    """The same as JSON."""
    told = {
        "settings": soak.settings,
        "holds": balance.holds,
        "counts": balance.counts,
        "faults": _faults(soak),
        "vitals": soak.outcome.measured,
        "errors": evidence.complaints,
        "tracebacks": evidence.tracebacks,
        "losses": balance.losses,
        "made": soak.outcome.made,
        "calls": soak.ledger.entries,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(told), indent=1))
