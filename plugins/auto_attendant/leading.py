"""Leads a caller through the menus."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from .actions import HANDLER, read_action
from .admitting import admitted
from .arriving import arrive
from .connecting import connected
from .naming import ask_name
from .overrides import states_at
from .overriding import set_hours
from .walking import Entries, Path, Patience
from .ways import Way

if TYPE_CHECKING:
    from ctportd import Call, Daemon

    from .actions import Action
    from .calendars import Calendars
    from .matching import Keying
    from .settings import Menu, Settings

log = structlog.get_logger("auto_attendant")


class Leader:
    """One call on its way through the menus.

    Args:
        call: The call, answered.
        settings: The menus.
        daemon: The daemon.
        calendars: The holidays.
    """

    def __init__(self, call: Call, settings: Settings, daemon: Daemon, calendars: Calendars) -> None:
        self._call = call
        self._settings = settings
        self._daemon = daemon
        self._calendars = calendars
        self._path = Path()
        self._heard: set[str] = set()
        self._admitted: set[str] = set()
        self._given_up: set[str] = set()

    async def lead(self, menu: str) -> None:
        """Go from menu to menu, until the call is over, or out of the attendant."""
        following: str | None = menu
        while following is not None:
            following = await self._visit(following)

    async def _visit(self, name: str) -> str | None:
        """Come to a menu, and do what is chosen there; returns the menu that follows, None where none does."""
        action = await self._arrive(name)
        if action.verb != "menu":
            # who is sent elsewhere from here would only come here again
            return await self._but(await self._do(action, Way(to=str(action))), name)
        menu = self._settings.menus[action.what]
        if not await self._let_in(action.what, menu):
            return await self._but(self._path.here or name, name)
        self._path.enter(action.what)
        way, last = await self._choose(action.what, menu)
        if not last:
            self._given_up.clear()
            return await self._do(read_action(way.to), way)
        if action.what in self._given_up:  # and nothing was chosen since: nobody is there
            return await self._say_goodbye()
        self._given_up.add(action.what)
        return await self._but(await self._do(read_action(way.to), way), action.what)

    async def _arrive(self, name: str) -> Action:
        """What the hours make of a menu."""
        menu = self._settings.menus[name]
        states = {}
        if menu.when or menu.otherwise:
            now = self._daemon.clock.now()
            states = await states_at(self._settings.hours, now, self._daemon, self._calendars)
        arrival = arrive(self._settings, name, states)
        for reason in arrival.reasons:
            self._call.note("hours", rule=reason)
            log.info("hours", rule=reason)
        return arrival.action

    async def _let_in(self, name: str, menu: Menu) -> bool:
        if not menu.pin or name in self._admitted:
            return True
        if await admitted(self._call, self._daemon, f"menu:{name}", menu.pin):
            self._admitted.add(name)
            return True
        return False

    # -- choosing

    async def _choose(self, name: str, menu: Menu) -> tuple[Way, bool]:
        """Play a menu until something of it is chosen, or it gives up; returns where that leads, and whether it did."""
        log.info("menu", menu=name)
        self._call.note("menu", menu=name)
        entries, patience = Entries(self._settings, menu), Patience(menu)
        while True:
            await self._play(name, menu)
            keying = await self._keyed_in(entries.keying(), menu)
            chosen = entries.chosen(keying)
            if chosen is not None and await self._works(chosen.way.to):
                log.info("chosen", entry=chosen.text, action=chosen.way.to)
                self._call.note("chosen", menu=name, entry=chosen.text, action=chosen.way.to)
                return chosen.way, False
            invalid = bool(keying.keys)
            await self._call.play(menu.invalid if invalid else menu.no_key)
            if patience.lose(invalid=invalid):
                return Way(to=menu.after(invalid=invalid)), True

    async def _play(self, name: str, menu: Menu) -> None:
        prompt = menu.again if menu.again and name in self._heard else menu.prompt
        self._heard.add(name)
        if menu.barge_in:
            await self._call.play(prompt)
        else:
            await self._call.play(prompt, ignore_keys=True)
            await self._call.clear()

    async def _keyed_in(self, keying: Keying, menu: Menu) -> Keying:
        while not keying.over:
            key = await self._call.collect(1, first=menu.between if keying.keys else menu.wait)
            if not key:
                break
            keying.press(key)
        return keying

    async def _works(self, written: str) -> bool:
        """Whether a handler may have the call; of a pattern that is known only when the keys are."""
        action = read_action(written)
        problem = self._daemon.check_handler(action.what) if action.verb == HANDLER else ""
        if problem:
            log.warning("what was keyed in leads nowhere", action=written, problem=problem)
        return not problem

    # -- doing

    async def _do(self, action: Action, way: Way, *, rescue: bool = True) -> str | None:
        """Do what was chosen; returns the menu that follows, None where the call is over or leaves the attendant.

        Args:
            action: What.
            way: What more is said about it.
            rescue: Whether another thing is done where nobody answers.
        """
        if way.language:
            self._speak(way.language)
        if action.verb in ("transfer", "station"):
            return await self._connect(action, way, rescue=rescue)
        if way.say:
            await self._call.play(way.say)
        if action.verb == "hangup":
            return await self._say_goodbye()
        if action.verb == "names":
            return await self._dial_by_name()
        await self._tell(action)
        return self._path.after(action)

    async def _tell(self, action: Action) -> None:
        """What comes back to a menu when it is done."""
        match action.verb:
            case "repeat":
                self._heard.discard(self._path.here or "")
            case "play":
                await self._call.play(action.what)
            case "language":
                self._speak(action.what)
            case "override":
                hours = self._settings.hours[action.what]
                await set_hours(self._call, action.what, hours, self._daemon, self._calendars)
            case "handler":
                await self._call.hand_over(action.what)

    def _speak(self, language: str) -> None:
        self._call.language = language
        self._heard.clear()

    async def _but(self, following: str | None, name: str) -> str | None:
        """The menu that follows, unless it is the one that led there: then the call ends."""
        return await self._say_goodbye() if following == name else following

    async def _say_goodbye(self) -> str | None:
        """No menu follows."""
        await self._call.play("goodbye")
        await self._call.hangup()
        return None

    async def _connect(self, action: Action, way: Way, *, rescue: bool) -> str | None:
        last_resort = (way.rescue or self._settings.rescue) if rescue else ""
        ring = way.ring or self._settings.ring
        if await connected(self._call, action, way, ring, rescued=bool(last_resort)):
            return None
        if not last_resort:
            return self._path.here
        return await self._do(read_action(last_resort), Way(to=last_resort), rescue=False)

    async def _dial_by_name(self) -> str | None:
        number = await ask_name(self._call, self._settings, self._daemon)
        if not number:
            return self._path.here
        way = self._settings.extension(number)
        return await self._do(read_action(way.to), way)
