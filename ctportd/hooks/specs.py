"""Every hook of ctportd.

A plugin implements those that it wants, with ``@hookimpl``, as plain functions or ``async def``, and takes of a hook's
arguments those that it needs, by name. Two arguments are there for nearly every hook:

- ``settings``: the plugin's own table ``[plugins.NAME]``. A plugin whose module has a ``class Settings(msgspec.Struct)``
  gets an instance of it, checked; another one gets the dictionary.
- ``daemon``: the running daemon: its ports, its store, its prompts, its state folder.

Hooks that are called without a running daemon too, by ``ctportd check`` and ``ctportd explain``, have a ``site``
instead: the installation as it is configured.

What a hook raises is logged with the plugin's name and harms nobody else; a plugin that fails again and again is called
no more for a while. An *observer* is told what happened: it has a queue of its own, so it sees everything in order, and
delays nobody. A plain function runs on the event loop: it must not wait; what has to wait is ``async def``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ctportd.hooks.markers import hookspec

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    import click

    from ctportd.calls.call import Call
    from ctportd.calls.caller import Caller
    from ctportd.calls.verdict import Verdict
    from ctportd.errors import ConnectFailed
    from ctportd.hooks.inquiry import Explanation, Inquiry, Problem
    from ctportd.hooks.services import Daemon, Site
    from ctportd.links.port import Port
    from ctportd.mail.letter import Letter
    from ctportd.records import VoiceMessage
    from ctportd.wire.events import Event


@hookspec
def daemon_started(settings: Any, daemon: Daemon) -> None:
    """Observer: the daemon is up, its ports are being connected. Comes before any other of these.

    A plugin that is loaded while the daemon runs is told so too.
    """


@hookspec
def plugin_retiring(settings: Any, daemon: Daemon) -> None:
    """Observer: a newer generation of this plugin takes over: let go of what only one can hold, such as a TCP port.

    The newer one is told ``daemon_started`` when this is done, or has taken a second. Calls that began with this
    generation go on with it, and it is told of them to their ends.
    """


@hookspec
def daemon_stopping(settings: Any, daemon: Daemon) -> None:
    """Observer: all calls have ended and the daemon is about to stop. Comes after all others.

    A plugin that is replaced or taken out while the daemon runs is told so when the last call that it has is over.
    """


@hookspec
def port_connected(port: Port, settings: Any, daemon: Daemon) -> None:
    """Observer: the connection to ctserver for this port stands.

    A plugin that is loaded while the daemon runs is told so of those that stand already, after ``daemon_started``.
    """


@hookspec
def port_disconnected(port: Port, reason: str, settings: Any, daemon: Daemon) -> None:
    """Observer: the connection for this port was lost, or closed; ``reason`` says why."""


@hookspec
def port_connect_failed(
    port: Port, error: ConnectFailed, retry_in: float | None, settings: Any, daemon: Daemon
) -> None:
    """Observer: no connection could be made; the next attempt comes in ``retry_in`` seconds (None: there is none)."""


@hookspec
def port_event(port: Port, event: Event, settings: Any, daemon: Daemon) -> None:
    """Observer: ctserver told of an event: parsed, with the line as it came in ``event.raw``."""


@hookspec
def line_trouble(port: Port, problem: str, settings: Any, daemon: Daemon) -> None:
    """Observer: something is wrong with a line.

    ``no dial tone``; ``stuck``: ctserver does not put it on hook; ``disconnected``: it is not reached for a minute.
    It is told once, and once more with an empty ``problem`` when it is over.
    """


@hookspec(firstresult=True)
def screen_caller(caller: Caller, port: str, at: datetime, settings: Any, site: Site) -> Verdict | None:
    """Judge a caller before the call is offered to anybody; the first plugin that does is believed.

    What is returned is ``call.verdict`` for every plugin, and does nothing by itself. None: judge I cannot. ``port`` is
    the port's address, ``at`` the time, in UTC.
    """


@hookspec
def call_started(call: Call, settings: Any, daemon: Daemon) -> None:
    """Observer: a call has begun. It carries the caller's number and name, as far as they are known."""


@hookspec
def answer_call(call: Call, target: str, settings: Any, daemon: Daemon) -> None:
    """Answer a call. This one is no observer: it has the call until it returns.

    It is called for the plugins that a port's ``handlers`` name, in that order, until one has answered: whoever
    returns without ``await call.answer()`` has let the call pass. ``target`` is what stands behind the colon in
    ``handlers = ["voicemail:100"]`` or in ``call.hand_over("voicemail:100")``; else empty. When the caller hangs up,
    whatever is awaited raises ``CallEnded``. When it returns, the call is put on hook, unless another plugin
    handed the call over: then that one goes on.
    """


@hookspec
def call_answered(call: Call, settings: Any, daemon: Daemon) -> None:
    """Observer: a plugin has answered the call, or a station's set was picked up."""


@hookspec
def number_dialled(call: Call, number: str, settings: Any, daemon: Daemon) -> None:
    """Observer: a number was dialled out on a call: by ``dial``, by a transfer, or from a telephone set."""


@hookspec
def call_ended(call: Call, settings: Any, daemon: Daemon) -> None:
    """Observer: a call is over; ``call.end_reason`` says why. Comes once for each ``call_started``."""


@hookspec
def message_left(message: VoiceMessage, settings: Any, daemon: Daemon) -> None:
    """Observer: a message is in a mailbox now: spoken by a caller, or sent there by the owner of another one.

    Should the daemon end before it is certain that this was told, the next start tells it once more.
    """


@hookspec
def message_waiting(mailbox: str, new: int, old: int, settings: Any, daemon: Daemon) -> None:
    """Observer: how many messages a mailbox has, new and heard ones: whenever that changes, and at the start."""


@hookspec
def mail_sent(letter: Letter, settings: Any, daemon: Daemon) -> None:
    """Observer: the mail server has accepted a letter: it is that one's from now on."""


@hookspec
def mail_failed(letter: Letter, reason: str, settings: Any, daemon: Daemon) -> None:
    """Observer: a letter is given up: the mail server refuses it for good, or has not taken it for days."""


@hookspec
def pin_locked(mailbox: str, caller: str, until: datetime, settings: Any, daemon: Daemon) -> None:
    """Observer: somebody guesses at PINs: a mailbox, or a caller (whose number may be empty), is locked until then."""


@hookspec
def plugin_quarantined(plugin: str, reason: str, settings: Any, daemon: Daemon) -> None:
    """Observer: a plugin has failed again and again, and is called no more for now; ``reason`` is its last fault."""


@hookspec
def plugin_restored(plugin: str, settings: Any, daemon: Daemon) -> None:
    """Observer: a plugin that was in quarantine has been tried again, and has not failed since."""


@hookspec(firstresult=True)
def caller_name(number: str, name: str, settings: Any, daemon: Daemon, site: Site) -> str | None:
    """What to call whoever has this number, and this name by the exchange; either may be empty. None: as that says.

    The first plugin that knows is believed. ``ctportd explain`` asks too: who takes ``daemon`` cannot tell it there.
    """


@hookspec
def check_settings(settings: Any, site: Site) -> Iterable[Problem] | None:
    """What ``ctportd check`` should tell of the plugin's settings, beyond what their types say."""


@hookspec
def check_target(target: str, settings: Any, site: Site) -> str | None:
    """What is wrong with this target of ``answer_call``, as in ``voicemail:1OO``; None where nothing is."""


@hookspec
def takes_all(target: str, settings: Any, site: Site) -> bool | None:
    """Whether ``answer_call`` answers every call with this target, so that handlers behind it are never asked."""


@hookspec
def explain_call(inquiry: Inquiry, target: str, settings: Any, site: Site) -> Explanation | None:
    """What ``answer_call`` would do with such a call. It answers from the same functions, and changes nothing."""


@hookspec
def register_commands(cli: click.Group, settings: Any, site: Site) -> None:
    """Add to the command line: ``cli.add_command(...)``. There is no running daemon here.

    A command may be ``async def``: it is run to its end, and ``site.store`` can be used in it, to write too, as soon as
    the daemon has run once and made the database.
    """
