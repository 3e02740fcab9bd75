"""What would become of a call that nobody makes, for ``ctportd explain``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ctportd import Explanation

if TYPE_CHECKING:
    from ctportd import Inquiry

    from .settings import Settings


def explain(inquiry: Inquiry, target: str, settings: Settings) -> Explanation:
    """Which set rings, or what a set can dial."""
    if not target:
        return Explanation([f"the set on port {inquiry.port} hears dial tone, and dials"])
    reached = settings.reached(target)
    if reached is None:
        return Explanation([f"no set has the extension {target}: the call passes"], takes=False)
    port, callee = reached
    asked = ", where whoever lifts it is asked to take the call" if callee.screen else ""
    lines = [f"the set of extension {target}, on port {port}, rings for {settings.ring} s{asked}"]
    return Explanation([*lines, "a caller whom nobody answers passes on"], takes=False, sure=False)
