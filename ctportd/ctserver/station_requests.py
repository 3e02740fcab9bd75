"""Requests that join ports with each other, ring sets, and listen for sound."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ctportd.ctserver.asked import Refused, Served
from ctportd.ctserver.grunt import GruntDetector
from ctportd.ctserver.line import Signal
from ctportd.ctserver.station import StationLine

if TYPE_CHECKING:
    from ctportd.ctserver.asked import Asked
    from ctportd.ctserver.port import Port


def _other(asked: Asked, place: int = 0) -> Port:
    """The port that an argument names, off hook."""
    port = asked.services.ports.get(asked.whole(place))
    if port is None:
        raise Refused("no-such-port", asked.args[place])
    if not port.line.off_hook:
        raise Refused("on-hook", port.number)
    return port


def _others(asked: Asked, one: Port, other: Port) -> None:
    if one is other:
        raise Refused("same-port", one.number)
    asked.services.switchboard.connect(one, other)


async def join(asked: Asked) -> tuple[str, ...]:
    """Join two ports: each hears what comes in on the other."""
    _others(asked, _other(asked, 0), _other(asked, 1))
    return ()


async def bridge(asked: Asked) -> tuple[str, ...]:
    """Connect this port to another."""
    asked.off_hook()
    _others(asked, asked.port, _other(asked))
    return ()


async def unbridge(asked: Asked) -> tuple[str, ...]:
    """Part them again, however they were connected."""
    other = asked.services.ports.get(asked.whole(0))
    if other is None or not asked.services.switchboard.disconnect(asked.port, other):
        raise Refused("not-bridged", asked.args[0])
    return ()


async def join_conference(asked: Asked) -> tuple[str, ...]:
    """Join the conference of a port, which may be this one."""
    asked.off_hook()
    asked.services.switchboard.join_conference(asked.port, _other(asked))
    return ()


async def leave_conference(asked: Asked) -> tuple[str, ...]:
    """Leave it."""
    owner = asked.services.ports.get(asked.whole(0))
    if owner is None or not asked.services.switchboard.leave_conference(asked.port, owner):
        raise Refused("not-in-conference", asked.args[0])
    return ()


def _station(asked: Asked) -> StationLine:
    line = asked.port.line
    if not isinstance(line, StationLine):
        raise Refused("no-station-port")
    return line


async def start_ringing(asked: Asked) -> tuple[str, ...]:
    """Ring the station's set until it is lifted."""
    return _ring(asked, once=False)


async def ring_once(asked: Asked) -> tuple[str, ...]:
    """Ring it once."""
    return _ring(asked, once=True)


def _ring(asked: Asked, *, once: bool) -> tuple[str, ...]:
    if not _station(asked).ring(once=once):
        raise Refused("off-hook")
    return ()


async def stop_ringing(asked: Asked) -> tuple[str, ...]:
    """Ring it no more."""
    _station(asked).stop_ringing()
    return ()


async def send_caller(asked: Asked) -> tuple[str, ...]:
    """Send caller ID to the set: the number, then the words of the name."""
    number, *words = asked.args or ("",)
    if not _station(asked).send_caller(number, " ".join(words).strip()):
        raise Refused("off-hook")
    return ()


async def listen_for_grunts(asked: Asked) -> tuple[str, ...]:
    """Tell of sound after silence from now on."""
    port = asked.port
    port.hear_grunts(GruntDetector(lambda: port.notice(Signal("grunt"))))
    return ()


async def ignore_grunts(asked: Asked) -> tuple[str, ...]:
    """Tell of it no more."""
    asked.port.hear_grunts(None)
    return ()


STATION_REQUESTS = {
    "ctjoin": Served(join),
    "ctbridge": Served(bridge),
    "ctunbridge": Served(unbridge),
    "ctjoinconference": Served(join_conference),
    "ctleaveconference": Served(leave_conference),
    "ctstartringasync": Served(start_ringing),
    "ctstartringonceasync": Served(ring_once),
    "ctstopring": Served(stop_ringing),
    "ctsendcid": Served(send_caller),
    "ctgrunton": Served(listen_for_grunts),
    "ctgruntoff": Served(ignore_grunts),
}
"""What joins ports, rings sets, and listens."""
