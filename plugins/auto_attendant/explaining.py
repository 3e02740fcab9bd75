"""What a call would meet with: the hours, the menu, and for keys the way through the menus. Nothing is changed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from ctportd import Explanation

from .actions import HANDLER, read_action
from .arriving import arrive
from .directory import find
from .overrides import states_at
from .walking import Entries, Path, Patience

if TYPE_CHECKING:
    from ctportd import Inquiry, Site

    from .actions import Action
    from .calendars import Calendars
    from .schedule import State
    from .settings import Menu, Settings
    from .walking import Chosen
    from .ways import Way

_FURTHER = "  "
"""What stands before what another plugin would do."""


class Explainer:
    """Goes the way that a call would go, and tells of it.

    Args:
        inquiry: The call.
        settings: The menus.
        site: The installation.
        calendars: The holidays.
    """

    def __init__(self, inquiry: Inquiry, settings: Settings, site: Site, calendars: Calendars) -> None:
        self._inquiry = inquiry
        self._settings = settings
        self._site = site
        self._calendars = calendars
        self._states: dict[str, State] = {}
        self._path = Path()
        self._answers = list(inquiry.keys)
        self._ahead = ""
        self._lines: list[str] = []

    async def explain(self, menu: str) -> Explanation:
        """Tell what becomes of the call from a menu on."""
        self._states = await states_at(self._settings.hours, self._inquiry.at, self._site, self._calendars)
        for name, state in self._states.items():
            local = self._settings.hours[name].local(self._inquiry.at)
            self._lines.append(f"hours {name}: {state.kind} at {local:%a %Y-%m-%d %H:%M %Z}: {state.why}")
        following: str | None = menu
        while following is not None:
            following = await self._visit(following)
        return Explanation(self._lines)

    async def _visit(self, name: str) -> str | None:
        """A menu, and one answer to it; returns the menu that follows, None where the way or the answers end."""
        arrival = arrive(self._settings, name, self._states)
        self._lines += arrival.reasons
        if arrival.action.verb != "menu":
            following = await self._follow(arrival.action)
            return following if following != name and (self._ahead or self._answers) else None
        name, menu = arrival.action.what, self._settings.menus[arrival.action.what]
        self._path.enter(name)
        entries, patience = Entries(self._settings, menu), Patience(menu)
        self._lines.append(f"menu {name}: plays {menu.prompt}" + (", for who knows its PIN" if menu.pin else ""))
        while True:
            if not menu.barge_in:
                self._ahead = ""
            if not (self._ahead or self._answers):
                break
            answer, chosen = self._chosen(entries)
            problem = self._problem_with(chosen)
            if chosen is not None and not problem:
                return await self._take(answer, chosen)
            self._lines.append(f"{answer or 'no key'}: {problem}{menu.invalid if answer else menu.no_key}")
            if patience.lose(invalid=bool(answer)):
                return await self._give_up(name, menu, invalid=bool(answer))
        self._lines += self._entries(entries, menu)
        return None

    def _answer(self) -> str:
        """What was typed ahead, or else what is pressed next; empty: nothing."""
        answer = self._ahead or (self._answers.pop(0) if self._answers else "")
        self._ahead = ""
        return answer

    def _chosen(self, entries: Entries) -> tuple[str, Chosen | None]:
        """The next answer as far as it is one entry, with that; what goes on is typed ahead."""
        answer, keying = self._answer(), entries.keying()
        for count, key in enumerate(answer, 1):
            keying.press(key)
            if keying.over:
                answer, self._ahead = answer[:count], answer[count:]
                break
        return answer, entries.chosen(keying)

    def _problem_with(self, chosen: Chosen | None) -> str:
        """Why a handler cannot have the call, which makes of its keys no entry; empty where nothing is wrong."""
        action = read_action(chosen.way.to) if chosen is not None else None
        problem = self._site.check_handler(action.what) if action is not None and action.verb == HANDLER else ""
        return f"{problem}: " if problem else ""

    async def _take(self, answer: str, chosen: Chosen) -> str | None:
        kind = "extension" if chosen.extension else "entry"
        self._lines.append(f"{answer}: {kind} {chosen.text}: {self._told(chosen.way)}")
        return await self._follow(read_action(chosen.way.to))

    async def _give_up(self, name: str, menu: Menu, *, invalid: bool) -> str | None:
        leads = menu.after(invalid=invalid)
        self._lines.append(f"menu {name} gives up: {leads}")
        following = await self._follow(read_action(leads))
        return following if following != name else None

    async def _follow(self, action: Action) -> str | None:
        """Tell what becomes of an action; returns the menu that follows, None where the way ends."""
        if action.verb in ("transfer", "station"):
            return None  # who answers has the caller
        if action.verb == "names":
            return await self._name()
        if action.verb == HANDLER:
            self._ahead = ""  # that is the other plugin's
            inquiry = msgspec.structs.replace(self._inquiry, keys=())
            further = await self._site.explain(action.what, inquiry)
            self._lines += [_FURTHER + line for line in further.lines]
        return self._path.after(action)

    async def _name(self) -> str | None:
        """Letters of a name, and which of those who may be meant."""
        letters = self._answer()
        found = await asyncio.to_thread(find, self._settings.extensions, letters)
        choices = [
            f"{key} for {number} ({way.name})"
            for key, (number, way) in zip("12345678", found.items(), strict=False)
        ]
        self._lines.append(f"letters {letters or 'none'}: {', '.join(choices) or 'no name has them'}")
        choice = self._answer()
        number = dict(zip("12345678", found, strict=False)).get(choice)
        if number is None:
            return self._path.here
        way = found[number]
        self._lines.append(f"{choice}: extension {number}: {self._told(way)}")
        return await self._follow(read_action(way.to))

    def _told(self, way: Way) -> str:
        """Where something leads, with what more is said about it."""
        language = f", in {way.language}" if way.language else ""
        rescue = (way.rescue or self._settings.rescue) if way.to.startswith(("transfer:", "station:")) else ""
        return f"{way.to}{language}{f'; where nobody answers {rescue}' if rescue else ''}"

    def _entries(self, entries: Entries, menu: Menu) -> list[str]:
        """What may be keyed in, and what becomes of who keys in nothing."""
        ways = [*entries.own.items(), *entries.extensions.items()]
        lines = [f"{_FURTHER}{pattern.text}: {self._told(way)}" for pattern, way in ways]
        times = menu.no_key_tries or menu.tries
        return [*lines, f"{_FURTHER}no key for {menu.wait} s, {times} times: {menu.after(invalid=False)}"]
