"""What would become of a call that nobody makes: told by what takes calls."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from ctportd import Counts, Explanation, StorageError, StoreError, counts_of

from . import greetings, quota, rings
from .boxes import Box, open_box
from .changes import Changes

if TYPE_CHECKING:
    from ctportd import Inquiry, Site

    from .settings import Rules, Settings
    from .targets import Target


async def explain(inquiry: Inquiry, target: Target, settings: Settings, site: Site) -> Explanation:
    """What the voicemail would do with a call."""
    if target.owner:
        whose = f"of mailbox {target.mailbox}" if target.mailbox else "of a mailbox that is asked for"
        return Explanation([f"voicemail: lets in the owner {whose} who knows the PIN"])
    box, counts, unknown = await _look(target.mailbox, settings, site)
    kind = inquiry.verdict.kind
    patience = rings.before_answer(box.rules, kind, counts.new)
    why_full = quota.full(box.rules, counts)
    lines = [
        f"voicemail: mailbox {_called(box)}, new messages: {counts.new}, others: {counts.old}",
        *unknown,
        f"answers after {patience.rings} rings ({patience.why})" if patience.rings else "answers at once",
    ]
    if why_full:
        return Explanation([*lines, f"plays vm-full: {why_full}"])
    if box.rules.human_test and kind != "permitted":
        lines.append("asks for a key, 1, that no machine presses")
    greeting = await asyncio.to_thread(greetings.choose, box, kind, busy=target.busy)
    said = " ".join(Path(prompt).name for prompt in greeting.prompts)
    return Explanation([*lines, f"plays {said}: {greeting.why}", *_rest(box, counts)])


async def _look(number: str, settings: Settings, site: Site) -> tuple[Box, Counts, list[str]]:
    """The mailbox, what is in it, and what of that cannot be known."""
    unknown = []
    try:
        box = await open_box(number, settings, site)
    except StorageError as error:
        box = Box(number, settings, site, Changes())
        unknown.append(f"as far as is known: {error}")
    try:
        counts = counts_of(await site.store.messages(number))
    except StoreError as error:
        counts = Counts()
        unknown.append(f"as far as is known: {error}")
    return box, counts, unknown


def _called(box: Box) -> str:
    if not box.declared:
        return f"{box.number}, which has no table"
    return f"{box.number} ({box.name})" if box.name else box.number


def _rest(box: Box, counts: Counts) -> list[str]:
    rules: Rules = box.rules
    lines = [f"records a message of {rules.shortest} to {quota.longest(rules, counts)} s"]
    if rules.review:
        lines.append("lets the caller review it")
    if rules.operator:
        lines.append(f"leads who presses 0 to {rules.operator}")
    if box.emails:
        deleted = ", and then deletes it" if rules.delete_after_mail else ""
        lines.append(f"mails it to {', '.join(box.emails)}{deleted}")
    return lines
