"""A real mail server in the process of the test, which answers as the test wants it to."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.policy import default
from typing import TYPE_CHECKING, Any, cast

from aiosmtpd.smtp import SMTP, AuthResult

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator
    from email.message import EmailMessage

    from aiosmtpd.smtp import Envelope


class MailServer:
    """What the server is to say, and what it was given.

    Attributes:
        refuses: Recipients with what is said to them.
        says: What is said to a whole letter instead of taking it; empty: it is taken.
        drops: Whether it hangs up instead.
        taken: The letters that were taken: the recipients of each, and what they got.
        logins: How often somebody gave a password.
        port: Its TCP port.
    """

    def __init__(self) -> None:
        self.refuses: dict[str, str] = {}
        self.says = ""
        self.drops = False
        self.taken: list[tuple[list[str], EmailMessage]] = []
        self.logins = 0
        self.port = 0

    async def handle_RCPT(self, server: SMTP, session: Any, envelope: Envelope, address: str, options: Any) -> str:  # noqa: N802 - the library's name
        """Take a recipient, or refuse one."""
        if address in self.refuses:
            return self.refuses[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Envelope) -> str:  # noqa: N802 - the library's name
        """Take a letter, or refuse it."""
        if self.drops:
            cast("asyncio.Transport", server.transport).abort()
        if self.says or self.drops:
            return self.says or "421 gone"
        message = message_from_bytes(cast("bytes", envelope.content), policy=default)
        self.taken.append((list(envelope.rcpt_tos), message))
        return f"250 taken as {len(self.taken)}"

    def authenticate(self, server: SMTP, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        """Know the user ``ada`` by the password ``hush``."""
        self.logins += 1
        return AuthResult(success=(data.login, data.password) == (b"ada", b"hush"), handled=False)

    @asynccontextmanager
    async def listening(self, tls: ssl.SSLContext | None = None, port: int = 0) -> AsyncIterator[int]:
        """Listen as long as the block lasts; with ``tls``, nobody gets on without STARTTLS and a password."""
        known: set[SMTP] = set()

        def protocol() -> SMTP:
            secure = tls is not None
            made = SMTP(
                self,
                hostname="mail.test",
                tls_context=tls,
                require_starttls=secure,
                auth_required=secure,
                authenticator=self.authenticate,
            )
            known.add(made)
            return made

        listener = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", port)
        self.port = listener.sockets[0].getsockname()[1]
        try:
            yield self.port
        finally:
            listener.close()
            for each in known:
                if each.transport is not None:
                    cast("asyncio.Transport", each.transport).abort()
            await listener.wait_closed()
