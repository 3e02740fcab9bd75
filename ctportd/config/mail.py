"""The table ``[mail]`` of the configuration, and what in it does not go together."""

from __future__ import annotations

import re
from email.utils import parseaddr
from ipaddress import ip_address
from typing import Annotated, Literal

from msgspec import Meta, Struct

MAIL_ADDRESS = r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?\Z"
"""A pattern for an address as every mail server takes it: no quotes, no spaces, no letters beyond ASCII."""

_PORTS = {"none": 25, "starttls": 587, "tls": 465}
"""The TCP ports that mail servers have for it: RFC 5321, RFC 6409, RFC 8314."""


class MailTable(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """``[mail]``: the mail server that takes our letters. Without a host none are written."""

    host: str = ""
    port: Annotated[int, Meta(ge=0, le=65535)] = 0
    security: Literal["none", "starttls", "tls"] = "starttls"
    ca_file: str = ""
    user: str = ""
    password: str = ""
    password_file: str = ""
    sender: str = ""
    timeout: Annotated[float, Meta(gt=0)] = 60.0
    give_up_after: Annotated[float, Meta(gt=0)] = 5.0

    @property
    def tcp_port(self) -> int:
        """The server's TCP port: the one that is usual where none is named."""
        return self.port or _PORTS[self.security]

    @property
    def sender_address(self) -> str:
        """The address of ``sender``, without the name before it."""
        return parseaddr(self.sender)[1]


def problem_of(table: MailTable) -> str:
    """What in the table does not go together, in one sentence that begins with the key; empty where all does."""
    if not table.host:
        return ""
    if not re.match(MAIL_ADDRESS, table.sender_address):
        return f"sender: found {table.sender!r}, expected the address that letters come from, such as phone@example.com"
    if table.password and table.password_file:
        return "password: stands beside password_file, expected one of the two"
    if bool(table.user) != bool(table.password or table.password_file):
        return "user: expected with a password or a password_file, or none of them: the server asks for both"
    if table.user and table.security == "none" and not _here(table.host):
        return (
            f"security: found 'none', expected 'starttls' or 'tls': all on the way to {table.host} "
            "could read the password"
        )
    return ""


def _here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
