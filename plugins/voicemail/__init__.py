"""Takes messages: a greeting, a tone, and what the caller says until ``#``, silence, the limit or a hang-up.

Name it in a port's ``handlers``, or hand a call over to it: ``voicemail:100`` takes a message for mailbox 100,
``voicemail:100:busy`` with the busy greeting, ``voicemail:owner`` lets owners in, ``voicemail`` is the mailbox of the
settings. docs/voicemail.md tells all of it. What was spoken is kept whatever happens: ``daemon.messages`` sees to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ctportd import hookimpl

from . import lint, mailing, retention
from .explaining import explain
from .owner import let_in
from .settings import Settings
from .taking import take_message
from .targets import problem_of, read_target

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ctportd import Call, Daemon, Explanation, Inquiry, Letter, Problem, Site, VoiceMessage

__all__ = ["Settings"]


@hookimpl
async def answer_call(call: Call, target: str, settings: Settings, daemon: Daemon) -> None:
    """Take a message, or let the owner in."""
    asked = read_target(target, settings)
    if asked.owner:
        await call.answer()
        await let_in(call, asked.mailbox, settings, daemon)
    else:
        await take_message(call, asked, settings, daemon)


@hookimpl
async def daemon_started(settings: Settings, daemon: Daemon) -> None:
    """Look after what is old, and make up for mails that the last end of the daemon came before."""
    retention.start(settings, daemon)
    await mailing.catch_up(settings, daemon)


@hookimpl
def plugin_retiring() -> None:
    """Leave what is old to the newer one."""
    retention.stop()


@hookimpl
async def plugin_restored(plugin: str, settings: Settings, daemon: Daemon) -> None:
    """In quarantine nobody looked after what is old, and nobody was told of messages."""
    if plugin == "voicemail":
        retention.start(settings, daemon)
        await mailing.catch_up(settings, daemon)


@hookimpl
async def message_left(message: VoiceMessage, settings: Settings, daemon: Daemon) -> None:
    """Tell of it by mail."""
    await mailing.tell(message, settings, daemon)


@hookimpl
async def mail_sent(letter: Letter, settings: Settings, daemon: Daemon) -> None:
    """Delete the message whose mail was accepted, where that is asked for."""
    await mailing.accepted(letter, settings, daemon)


@hookimpl
async def mail_failed(letter: Letter, reason: str, daemon: Daemon) -> None:
    """Tell that the message is kept."""
    await mailing.given_up(letter, reason, daemon)


@hookimpl
def check_settings(settings: Settings, site: Site) -> Iterable[Problem]:
    """Tell of mailboxes that would disappoint."""
    return lint.problems(settings, site)


@hookimpl
def check_target(target: str, settings: Settings) -> str | None:
    """Tell of mailboxes that there are not."""
    return problem_of(target, settings)


@hookimpl
def takes_all() -> bool:
    """Every call is answered."""
    return True


@hookimpl
async def explain_call(inquiry: Inquiry, target: str, settings: Settings, site: Site) -> Explanation:
    """Tell what would become of a call."""
    return await explain(inquiry, read_target(target, settings), settings, site)
