"""Letters."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from ctportd.api.paging import Limit, page_of
from ctportd.control.routes import Routes
from ctportd.errors import MailError
from ctportd.mail.letter import Letter
from ctportd.mail.outbox import Outbox
from ctportd.mail.trial import send_test_letter

if TYPE_CHECKING:
    from ctportd.control.routes import Nothing
    from ctportd.daemon import Daemon

routes = Routes()


class TestLetterBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom to send a test letter.

    Attributes:
        to: A mail address.
    """

    to: str


class Accepted(msgspec.Struct, frozen=True):
    """The mail server has taken a letter.

    Attributes:
        said: In its own words.
    """

    said: str


class OutboxParameters(msgspec.Struct, frozen=True):
    """Which letters.

    Attributes:
        limit: How many at most.
        after: Goes on after the letter with this id, as ``next`` of the last answer has it.
    """

    limit: Limit = 100
    after: str = ""


class LetterPage(msgspec.Struct, frozen=True):
    """Some letters, oldest first.

    Attributes:
        letters: The letters. What has its usual value is left out: ``attempts``, where none was made.
        next: What ``after`` is to be for those that follow; null where none do.
    """

    letters: list[Letter]
    next: str | None


@routes.add("GET", "/v1/outbox", LetterPage, parameters=OutboxParameters)
async def outbox(daemon: Daemon, parameters: OutboxParameters, _body: Nothing) -> LetterPage:
    """The letters that no mail server has accepted yet, oldest first."""
    waiting = await asyncio.to_thread(Outbox(daemon.state).letters)  # as they are on the disk: nobody else's hands
    following = [letter for letter in waiting if letter.id > parameters.after]
    letters, more = page_of(following, parameters.limit)
    return LetterPage(letters, letters[-1].id if more else None)


@routes.add("POST", "/v1/mail", Accepted, body=TestLetterBody, problems=(MailError,))
async def send_test(daemon: Daemon, _parameters: Nothing, body: TestLetterBody) -> Accepted:
    """Send a test letter by the server of ``[mail]``, at once, and tell what the server said."""
    return Accepted(await send_test_letter(daemon.config.file.mail, body.to))
