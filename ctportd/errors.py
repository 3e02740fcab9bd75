"""Every error that ctportd raises on purpose, in one tree.

::

    CtportdError                 what happened, to what, and what to do
    ├── ConfigError              the configuration file; exit status 78
    ├── InvalidArgument          a request's argument was refused; nothing was sent
    ├── NotSupported             ctserver's dialect cannot do it; nothing was sent
    ├── NotFound                 a call, a message or the like that was named is not there
    ├── PromptNotFound           a file to play is nowhere; nothing was sent
    ├── LinkError                between us and ctserver
    │   ├── ConnectFailed        no connection could be made
    │   ├── Disconnected         the connection went while a request waited, or before it was sent
    │   ├── RequestFailed        ctserver answered ERROR
    │   ├── RequestTimedOut      no reply within what the request itself may take
    │   ├── PortBusy             the port waits for something else; nothing was sent
    │   └── BadReply             a reply that the protocol does not know
    ├── ServerError              ctserver as a child process: cannot start, gave up, does not stop
    ├── PluginError              a plugin that cannot be loaded or used
    ├── StoreError               the database of calls and messages
    ├── StorageError             the disk has no room for messages, or refuses them
    ├── ListError                a file of callers cannot be read
    ├── MailError                no mail server is set, or it cannot be used
    ├── CallRefused              no call can be made, or ended, on a port now
    ├── PinLocked                too many wrong PINs: nobody gets in for a while
    ├── ControlError             the running daemon could not be reached, or refused
    ├── AudioError               a sound file that cannot be read or written
    └── PhoneError               a virtual telephone's call that cannot go on

    CallEnded                    no fault: the call is over. Clean up in ``finally``.
    HookInterrupted              a BaseException: a plugin held up everybody else, and is interrupted. Let it pass.

A caller who hangs up is the normal end of a call, so :class:`CallEnded` stands outside the tree:
``except CtportdError`` does not catch it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

__all__ = [
    "AudioError",
    "BadReply",
    "CallEnded",
    "CallRefused",
    "ConfigError",
    "ConnectFailed",
    "ControlError",
    "CtportdError",
    "Disconnected",
    "HookInterrupted",
    "InvalidArgument",
    "LinkError",
    "ListError",
    "MailError",
    "NotFound",
    "NotSupported",
    "PhoneError",
    "PinLocked",
    "PluginError",
    "PortBusy",
    "PromptNotFound",
    "RequestFailed",
    "RequestTimedOut",
    "ServerError",
    "StorageError",
    "StoreError",
]


class CtportdError(Exception):
    """Base of every error of ctportd."""


class ConfigError(CtportdError):
    """The configuration has a mistake; the message names file, table, key, what was found and expected."""


class InvalidArgument(CtportdError, ValueError):
    """An argument of a request was refused before anything was sent.

    Attributes:
        request: The request's name, such as ``play``.
        argument: The argument's name, such as ``file``.
    """

    def __init__(self, request: str, argument: str, problem: str) -> None:
        self.request = request
        self.argument = argument
        super().__init__(f"{request}: {argument} {problem}")


class NotFound(CtportdError, LookupError):
    """A call, a message or the like that was named is not there."""


class NotSupported(CtportdError):
    """The dialect that a ctserver speaks has no way to do something.

    Attributes:
        dialect: ``classic`` or ``keyed``.
        request: What was asked.
    """

    def __init__(self, link: str, dialect: str, request: str) -> None:
        self.dialect = dialect
        self.request = request
        super().__init__(f"{link}: the {dialect} dialect of its ctserver has no {request}")


class PromptNotFound(CtportdError, LookupError):
    """A file to play was found in none of the places where it is looked for.

    Attributes:
        name: The name as it was given.
        searched: Every path that was tried, in order.
    """

    def __init__(self, name: str, searched: tuple[str, ...]) -> None:
        self.name = name
        self.searched = searched
        super().__init__(f"there is no prompt {name!r}; searched: {', '.join(searched)}")


class LinkError(CtportdError):
    """Something between ctportd and ctserver.

    Attributes:
        link: What the connection leads to, such as ``port 2``.
    """

    def __init__(self, link: str, problem: str) -> None:
        self.link = link
        super().__init__(f"{link}: {problem}")


class ConnectFailed(LinkError):
    """No connection could be made."""


class Disconnected(LinkError):
    """The connection was lost while the request waited for its reply, or was not there to send it.

    Attributes:
        sent: Whether the request had gone out, so that ctserver may have carried it out all the same.
    """

    def __init__(self, link: str, problem: str, *, sent: bool = True) -> None:
        self.sent = sent
        super().__init__(link, problem)


class RequestFailed(LinkError):
    """Ctserver answered a request with ERROR.

    Attributes:
        request: The request's name on the wire, such as ``ctplay``.
        details: The reply's arguments after ``ERROR``.
    """

    def __init__(self, link: str, request: str, details: tuple[str, ...]) -> None:
        self.request = request
        self.details = details
        said = " ".join(details)
        super().__init__(link, f"ctserver refused {request}" + (f": {said}" if said else ""))


class RequestTimedOut(LinkError):
    """A request had no reply within the time that it may take.

    Attributes:
        request: The request's name on the wire.
        seconds: How long was waited.
    """

    def __init__(self, link: str, request: str, seconds: float) -> None:
        self.request = request
        self.seconds = seconds
        super().__init__(link, f"no reply to {request} within {seconds:g} s")


class PortBusy(LinkError):
    """The port waits for something else, and would answer only after it."""


class BadReply(LinkError):
    """A reply whose first argument is neither OK, ERROR nor EVENT."""

    def __init__(self, link: str, request: str, status: str) -> None:
        self.request = request
        super().__init__(link, f"the reply to {request} says {status!r} where OK, ERROR or EVENT is expected")


class ServerError(CtportdError):
    """A ctserver that is run as a child process cannot be started or did not become ready."""


class PluginError(CtportdError):
    """A plugin cannot be loaded, or does not fit the hooks.

    Attributes:
        plugin: The plugin's name.
    """

    def __init__(self, plugin: str, problem: str) -> None:
        self.plugin = plugin
        super().__init__(f"plugin {plugin}: {problem}")


class StoreError(CtportdError):
    """The database of calls and messages cannot be used.

    Attributes:
        passing: Whether it may be usable in a while, as it is: it is locked, its disk is full, its server is away.
        of_data: Whether it is what was to be written that the database refuses, and not all the rest.
    """

    def __init__(self, problem: str, *, passing: bool = False, of_data: bool = False) -> None:
        self.passing = passing
        self.of_data = of_data
        super().__init__(problem)


class StorageError(CtportdError):
    """The disk has no room for messages, or refuses to take them."""


class ListError(CtportdError):
    """A file of callers, a CSV or an address book, cannot be read; the message names file and line."""


class MailError(CtportdError):
    """No mail server is set in the configuration, or the one that is cannot be used."""


class CallRefused(CtportdError):
    """No call can be made on a port now, or there is none to end."""


class PinLocked(CtportdError):
    """Too many wrong PINs were given, for a mailbox or by a caller: not even the right one is believed for a while.

    Attributes:
        subject: What is locked: ``mailbox 100`` or ``caller 5550100``.
        until: When it is over, in UTC.
    """

    def __init__(self, subject: str, until: datetime) -> None:
        self.subject = subject
        self.until = until
        super().__init__(f"{subject} is locked until {until:%Y-%m-%d %H:%M:%S} UTC: too many wrong PINs")


class ControlError(CtportdError):
    """The running daemon could not be reached through its socket, or refused what was asked."""


class TooManyStreamsError(ControlError):
    """As many listen to the daemon already as it lets."""

    def __init__(self, number: int) -> None:
        super().__init__(
            f"{number} others follow events or the log already, which is the most; end one of them first"
        )


class AudioError(CtportdError):
    """A sound file cannot be read or written."""


class PhoneError(CtportdError):
    """A virtual telephone cannot place its call or go on with it."""


class CallEnded(Exception):
    """The call is over: the far end hung up, or we did.

    Raised out of whatever the plugin awaits. There is nothing left to say to the caller, but everything to
    put in order: clean up in ``finally``.

    Attributes:
        reason: ``hangup``, ``loopdrop``, ``stopping`` and the like.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"the call ended: {reason}")


class HookInterrupted(BaseException):
    """A plugin's code held the event loop for too long: it is raised in the midst of that code, to end it.

    Attributes:
        plugin: The plugin's name.
    """

    def __init__(self, plugin: str, seconds: float) -> None:
        self.plugin = plugin
        super().__init__(f"plugin {plugin} held up everybody else for {seconds:.1f} s, and is interrupted")
