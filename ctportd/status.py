"""What the daemon tells of itself, as the command line and programs read it."""

from __future__ import annotations

from datetime import datetime

import msgspec

from ctportd.fates import Fates


class CallStage(msgspec.Struct, frozen=True):
    """How far a call has come that we make.

    Attributes:
        what: ``dialling``, ``ringing``; ``answered``, ``busy``, ``no answer``, ``no dial tone`` or ``failed``; ``given``
            (a plugin has it), ``ended``.
        why: What more is known of it: the number, the plugin, the reason.
        after: Seconds of the line since the call began.
    """

    what: str
    why: str
    after: float


class PlacedCall(msgspec.Struct, frozen=True):
    """A call that we make: its id, and the address of its port."""

    call: str
    port: str


class FollowedCall(msgspec.Struct, frozen=True):
    """What has become of a call that we make.

    Attributes:
        call: Its id.
        outcome: ``answered``, ``busy``, ``no answer``, ``no dial tone`` or ``failed``; empty until that is known.
        ended: Whether it is over, and its line free.
        stages: How far it has come since it was asked for.
    """

    call: str
    outcome: str
    ended: bool
    stages: list[CallStage]


class HungUp(msgspec.Struct, frozen=True):
    """The call that was ended: its id, the address of its port, and who was at the other end."""

    call: str
    port: str
    number: str
    name: str
    answered: bool


class Drained(msgspec.Struct, frozen=True):
    """The addresses of the ports that take no new calls, and the ids of the calls under way on them, by port."""

    ports: list[str]
    calls: dict[str, str]


class CallStatus(msgspec.Struct, frozen=True):
    """A call under way.

    Attributes:
        state: ``ringing``, ``calling`` (we do), ``answered`` or ``ending``.
        handler: Who has it now, such as ``voicemail:100``; empty while nobody has.
        answered_at: When it was answered, or None.
    """

    id: str
    state: str
    began: datetime
    number: str
    name: str
    handler: str = ""
    answered_at: datetime | None = None
    outgoing: bool = False


class PortStatus(msgspec.Struct, frozen=True):
    """A telephone port.

    Attributes:
        address: How it is named where there are several ctservers: ``main:2``.
        state: ``disconnected``, ``idle``, ``draining`` (idle, and takes no calls), the state of its call, or what is
            wrong with its line: ``no dial tone``, ``stuck``.
        strays: Lines from ctserver that meant nothing here, since the daemon started.
        requests: What became of the requests that were asked of it, since the daemon started.
        draining: Whether it takes no new calls, because somebody has said so.
        leaving: Whether the configuration has it no more, or another way: it goes when its call is over.
        events: How many ctserver has told of, since the daemon started.
        calls_last_hour: How many calls to it began within the last hour.
    """

    address: str
    number: int
    name: str
    kind: str
    state: str
    handlers: list[str]
    strays: int
    call: CallStatus | None
    requests: Fates = msgspec.field(default_factory=Fates)
    draining: bool = False
    leaving: bool = False
    events: int = 0
    calls_last_hour: int = 0


class CtserverStatus(msgspec.Struct, frozen=True):
    """A ctserver.

    Attributes:
        pid: Its process, where we run it or have adopted it, and it is up.
        version: What it says of itself; empty while it cannot be asked.
        starts: How often it was started, where we run it.
        requests: What became of the requests that were asked of the server itself.
        missed: How often it did not answer when it was asked whether it lives.
        adopted: Whether the one that is up was found running.
        leaving: Whether the configuration has it no more, or another way: it goes when its calls are over.
    """

    name: str
    mode: str
    pid: int | None
    version: str
    starts: int
    requests: Fates = msgspec.field(default_factory=Fates)
    missed: int = 0
    adopted: bool = False
    leaving: bool = False


class PluginStatus(msgspec.Struct, frozen=True):
    """A plugin.

    Attributes:
        state: ``loaded``, ``failed`` (it could not be), ``quarantined`` (it fails again and again), or ``not enabled``.
        hooks: Those that it implements.
        waiting: How many of its hooks' calls wait in its queue.
        lost: How many were lost because it had fallen behind.
        skipped: How many were left out because it was in quarantine.
        tasks: How many tasks of its run, beside its hooks.
        faults: How often it has failed.
        last_fault: The last time, in few words; empty where it never has.
        until: When it is tried again, where it is in quarantine.
        error: Why it could not be loaded, or a newer one of it; empty where nothing newer is there.
        called: How many of its hooks' calls were made.
        retiring: How many older ones of it still have calls, or are about to end.
        where: Its file, or the package that it came with.
    """

    name: str
    state: str
    hooks: list[str]
    waiting: int = 0
    lost: int = 0
    skipped: int = 0
    tasks: int = 0
    faults: int = 0
    last_fault: str = ""
    until: datetime | None = None
    error: str = ""
    retiring: int = 0
    where: str = ""
    called: int = 0


class MailStatus(msgspec.Struct, frozen=True):
    """The letters.

    Attributes:
        waiting: How many are in the outbox.
        sent: How many the mail server has accepted since the daemon started.
        failed: How many were given up.
        last_error: Why the last attempt to send one failed; empty where one was accepted since.
    """

    waiting: int = 0
    sent: int = 0
    failed: int = 0
    last_error: str = ""


class Status(msgspec.Struct, frozen=True):
    """The whole daemon.

    Attributes:
        state: ``starting``, ``ready``, ``draining`` or ``stopping``.
        tasks: How many things it does at once, as asyncio counts them; it grows with ports and calls, and nothing else.
        cpu: Seconds of processor time that it has used.
        unwritten_calls: Records of calls that wait for the database.
        unlisted_messages: Messages that are on the disk, and wait for the database.
    """

    state: str
    pid: int
    version: str
    started_at: datetime
    config: str
    ctserver: list[CtserverStatus]
    ports: list[PortStatus]
    plugins: list[PluginStatus]
    tasks: int = 0
    unwritten_calls: int = 0
    unlisted_messages: int = 0
    mail: MailStatus = MailStatus()
    cpu: float = 0.0


class Rotated(msgspec.Struct, frozen=True):
    """What rotating the logs came to.

    Attributes:
        log: Where the daemon's old lines are now; empty where nothing was rolled.
        ctserver: Each ctserver's answer, by its name: ``rolled``, or why it could not be.
        moved: Whether another program had moved the daemon's log away: then a new one was begun, and that is all.
        compressed: Old logs of the daemon that were.
        removed: Old logs of the daemon that were.
        problems: What could not be done, a sentence each.
        file: The file that the daemon writes; empty where it writes none.
    """

    log: str
    ctserver: dict[str, str]
    moved: bool = False
    compressed: list[str] = []
    removed: list[str] = []
    problems: list[str] = []
    file: str = ""


class Replied(msgspec.Struct, frozen=True):
    """What ctserver replied to a request.

    Attributes:
        status: ``OK``, ``EVENT`` and whatever else ctserver may say.
        values: The arguments after it.
        event: The event that cut the request short, by its name.
        line: The whole line.
    """

    status: str
    values: list[str]
    event: str | None
    line: str


class Reloaded(msgspec.Struct, frozen=True):
    """What a reload came to. Ports are told by their addresses, such as ``main:2``.

    Attributes:
        plugins_added: Plugins that were loaded for the first time.
        plugins_replaced: Those that were loaded anew.
        plugins_removed: Those that run no more.
        ports_added: Ports that are new.
        ports_removed: Ports that go, each when its call is over.
        ports_changed: Ports whose next call goes another way, or that are connected anew when their call is over.
        servers_added: Ctservers that are new.
        servers_removed: Ctservers that go when their calls are over.
        servers_replaced: Ctservers that are stopped when their calls are over, and started anew.
        changed: Other tables that are in force anew, such as ``[mail]``.
        restart: Keys that have changed and wait for the next start, such as ``[store] url``.
        hints: What is probably not meant.
    """

    plugins_added: list[str] = []
    plugins_replaced: list[str] = []
    plugins_removed: list[str] = []
    ports_added: list[str] = []
    ports_removed: list[str] = []
    ports_changed: list[str] = []
    servers_added: list[str] = []
    servers_removed: list[str] = []
    servers_replaced: list[str] = []
    changed: list[str] = []
    restart: list[str] = []
    hints: list[str] = []
