"""What a new configuration is to be."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class Wishes(Struct, frozen=True, kw_only=True):
    """What its owner wants.

    Attributes:
        lines: Where the telephone lines are: ``virtual`` ones to try it, a card whose ``program`` the daemon runs, or a
            ``remote`` ctserver that runs already.
        where: The program, or the host of the remote one.
        ports: How many telephone ports there are.
        mailbox: The number of the mailbox that takes messages.
        owner: Whose it is.
        pin: The hash of the owner's PIN.
        email: Who is told of messages by mail; empty: nobody.
        attendant: Whether a menu answers, and not the mailbox at once.
        country: Of the lines: two letters, as in ISO 3166.
        area: The area code of the lines.
        mail_server: Takes the letters.
        mail_sender: The address that they come from.
    """

    lines: Literal["virtual", "program", "remote"] = "virtual"
    where: str = ""
    ports: int = 4
    mailbox: str = "100"
    owner: str = ""
    pin: str = ""
    email: str = ""
    attendant: bool = False
    country: str = "US"
    area: str = ""
    mail_server: str = ""
    mail_sender: str = ""


class Places(Struct, frozen=True):
    """Where an installation has its files.

    Attributes:
        state: The folder of what survives.
        log: The daemon's log.
        exchange_log: Our ctserver's.
        socket: The control socket.
        plugins: The folder of the owner's plugins.
    """

    state: str = "state"
    log: str = "state/ctportd.log"
    exchange_log: str = "state/ctserver.log"
    socket: str = "state/ctportd.sock"
    plugins: str = "plugins"


SYSTEM = Places(
    state="/var/lib/ctportd",
    log="/var/log/ctportd/ctportd.log",
    exchange_log="/var/log/ctportd/ctserver.log",
    socket="/run/ctportd/ctportd.sock",
    plugins="/etc/ctportd/plugins",
)
"""Where systemd's unit has them."""
