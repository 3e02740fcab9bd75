"""What would become of a call, for ``ctportd explain``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ctportd import Explanation

from . import actions
from .control import CONTROL

if TYPE_CHECKING:
    from ctportd import Inquiry, Site

    from .settings import Settings


async def explain(inquiry: Inquiry, target: str, settings: Settings, site: Site) -> Explanation:
    """What the handler ``screening`` would do."""
    if target == CONTROL:
        return Explanation(["asks for the owner's PIN, and does what the owner says"])
    action = actions.action_of(inquiry.verdict) or actions.PASS
    told = f"{inquiry.verdict.rule or 'nobody has judged the caller'}: {actions.meaning_of(action)}"
    lines = [told]
    if action == actions.PASS:
        return Explanation(lines, takes=False)
    if action == actions.CHALLENGE:
        lines += [
            f"  who presses the key goes on to the next handler, for {settings.test.days} days without a test",
            f"  who does not: {actions.meaning_of(settings.test.failed, answered=True)}",
        ]
    elif action == actions.ASK_NUMBER:
        lines.append(f"  who keys in none: {actions.meaning_of(settings.ask.refused, answered=True)}")
    elif action not in actions.MEANINGS:
        handed = await site.explain(action, inquiry)
        lines += [f"  {line}" for line in handed.lines]
        return Explanation(
            lines, handed.takes, handed.sure
        )  # it goes on to the next handler where that one lets it pass
    asked = action in (actions.CHALLENGE, actions.ASK_NUMBER)
    return Explanation(lines, takes=not asked, sure=not asked)
