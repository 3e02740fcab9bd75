"""The requests of a call, of which everything else is made."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from ctportd.calls.caller import Recording
from ctportd.calls.files import check_language
from ctportd.calls.hold import Hold
from ctportd.errors import RequestFailed

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from ctportd.wire.events import Event


class Leg(Hold):
    """What a call does on its line: each method is one request, or one wait."""

    @property
    def language(self) -> str:
        """Whose prompts are played where there are any: the name of a folder in the folders of prompts; may be empty."""
        return self._desk.prompts.language if self._language is None else self._language

    @language.setter
    def language(self, name: str) -> None:
        """Speak another language from now on. Raises InvalidArgument where it is no name of a folder."""
        self._language = check_language(name)

    async def answer(self) -> None:
        """Go off hook, if that has not been done: by a plugin that has failed since, say.

        Raises:
            CallEnded: The caller gave up.
            LinkError: Ctserver cannot be reached or refuses. Every method of a call may raise these two.
        """
        if self.answered:
            await self._check_and_yield()
            self.taken = True
            return
        self._off_hook = True  # whatever becomes of the reply: it is put on hook at the end
        try:
            await self._request("off_hook")
        except RequestFailed:
            self._off_hook = False
            raise
        self.taken = True
        self.mark_answered()

    async def seize(self) -> None:
        """Take an idle line off hook, to dial on it: nobody has answered anything yet."""
        self._off_hook = True  # whatever becomes of the reply, as above
        await self._request("off_hook")

    async def play(self, *prompts: str, ignore_keys: bool | None = None) -> str:
        """Play prompts one after the other, until a key is pressed.

        Args:
            prompts: Names or paths; ``"you-have 2 messages"`` is three of them.
            ignore_keys: Play on to the end, whatever is pressed; by default as ``[prompts] ignore_dtmf`` says. A
                ctserver of the classic dialect stops at a key all the same.

        Returns:
            The keys that wait to be collected, typed ahead or just now; empty where none do. While keys wait, nothing
            is played: who types ahead has heard enough.

        Raises:
            PromptNotFound: A prompt is in none of the places; nothing was played.
        """
        if ignore_keys is None:
            ignore_keys = self._desk.prompts.ignore_dtmf
        files = await asyncio.to_thread(self._desk.prompts.find_all, prompts, self.language)
        digits = ""
        for file in files:
            await self._check_and_yield()
            if self._keys and not ignore_keys:
                return self._keys
            digits = await self._play(file, ignore_keys=ignore_keys)
            if digits and not ignore_keys:
                return digits
        return digits

    async def _play(self, file: Path, *, ignore_keys: bool) -> str:
        mode = ["ignore_dtmf"] if ignore_keys and self.port.dialect == "keyed" else []
        with self.timeline.during("prompt", {"prompt": file.stem}) as step:
            digits = (await self._request("play", str(file), *mode)).digits
            if digits and not (ignore_keys and mode):
                step["cut_by"] = self.timeline.tell(digits)
        return digits

    async def record(
        self, path: str | Path, *, limit: int = 0, ending_keys: str = "#", silence: int = 0
    ) -> Recording:
        """Record what the caller says. A caller who hangs up ends it as a key does: nothing is raised.

        Args:
            path: Where to, on ctserver's machine; the ending says the format, ``.wav`` or ``.au``.
            limit: The longest that it may take, in seconds (0: no limit).
            ending_keys: Keys that end it.
            silence: Seconds of silence that end it (0: none do). The classic dialect knows no silence: there, the limit
                must do.
        """
        full = _absolute(path)
        if self.port.dialect == "classic":
            silence = 0
        await self._check_and_yield()
        with self.timeline.during("recording", {"path": full}) as step:
            reply = await self._request("record", str(full), limit, ending_keys, silence, may_end=True)
            by_key = reply.event is None and reply.digits and reply.digits[-1] in ending_keys
            if reply.event is not None:
                ended_by = getattr(reply.event, "text", reply.event.name)
            else:
                ended_by = "key" if by_key else "silence or limit"
            step["ended_by"] = self.timeline.tell(reply.digits) if by_key else ended_by
        if reply.digits and not self.ended:  # they have done their work, and must not cut the next prompt short
            await self._request("clear", may_end=True)
            self._forget_keys()
        return Recording(full, ended_by, reply.digits)

    async def collect(self, digits: int, first: int = 10, between: int = 0, *, secret: bool = False) -> str:
        """Collect keys, with those typed ahead.

        Args:
            digits: How many at most.
            first: Seconds to wait for the first.
            between: Seconds to wait for each further one (0: the same).
            secret: Whether they may be a PIN: see :meth:`secret`.

        Returns:
            The keys, fewer where the time ran out, perhaps none.
        """
        since = self.clock.time()
        with self.secret() if secret else nullcontext():
            keys = (await self._request("collect", digits, first, between)).digits
            self.timeline.collected(keys, self.clock.time() - since)
        self._keys = self._keys[len(keys) :]
        return keys

    def secret(self) -> AbstractContextManager[None]:
        """Keep keys out of the call's timeline as long as a ``with`` block lasts: they may be a PIN.

        Those that were typed ahead, and that nobody has collected, are hidden as well. Let the block begin before the
        prompt that asks for the PIN, and end when nobody is asked for one any more.
        """
        return self.timeline.secret()

    async def clear(self) -> None:
        """Forget the keys that were pressed so far."""
        await self._request("clear")
        self._forget_keys()

    def _forget_keys(self) -> None:
        self._keys = ""
        self.timeline.forgotten()

    async def pause(self, seconds: int) -> str:
        """Wait in silence, until a key; returns as :meth:`play` does."""
        await self._check_and_yield()
        before = len(self._keys)
        with self.timeline.during("pause", {}) as step:
            digits = (await self._request("sleep", seconds)).digits
            if len(digits) > before:
                step["cut_by"] = self.timeline.tell(digits)
        return digits

    async def dial(self, number: str) -> None:
        """Dial on the line: ``0-9 # *``, a comma waits one second, ``&`` is a hook flash.

        Plugins are told of the number (``number_dialled``), the keys after the last flash, unless they may be a PIN.
        """
        await self._check_and_yield()
        told = self.timeline.hidden(number)
        with self.timeline.during("dialled", {"number": told}):
            await self._request("dial", number)
        keys = number.rpartition("&")[2].replace(",", "")
        if keys and told == number:
            self._desk.dialled(keys)

    async def wait_dial_tone(self) -> None:
        """Wait until the exchange gives dial tone, 10 s at most. ``ctportd status`` shows a line that has none.

        Raises:
            RequestFailed: There is none.
        """
        try:
            await self._request("wait_for_dial_tone")
        except RequestFailed:
            self._desk.dial_tone(heard=False)
            raise
        self._desk.dial_tone(heard=True)

    async def hangup(self) -> None:
        """End the call, if it is not over already."""
        if not self.ended:
            await self._request("on_hook", may_end=True)
            self._off_hook = False
            self.end("finished")

    async def hand_over(self, handler: str) -> None:
        """Let another plugin have the call; it comes back when that plugin is done.

        Args:
            handler: The plugin's name, and what it is asked for after a colon: ``voicemail:100``.

        Raises:
            PluginError: There is no such plugin, or it answers no calls.
        """
        await self._desk.hand_over(handler)

    def pass_on(self) -> None:
        """Have the next handler of the port go on with the call when this one is done, though it was answered."""
        self.passed_on = True

    async def wait_answered(self) -> None:
        """Wait until the call is answered: by another plugin, or, where we called, by a set that is lifted."""
        while not self.answered:
            await self._wait_change()

    async def wait_rings(self, rings: int) -> None:
        """Wait until the line has rung this often."""
        while self.rings < rings:
            await self._wait_change()

    async def wait_caller(self) -> None:
        """Wait until the exchange has said who calls."""
        while not self._identified:
            await self._wait_change()

    async def next_event(self, *kinds: type[Event], within: float | None = None) -> Event | None:
        """The next event of the call that is none of ring, key, caller ID and hang-up; those have their own ways.

        Args:
            kinds: Of these kinds only, such as ``UserMessage``; others wait on for who asks for them. None: of any.
            within: Seconds of the line to wait; None: as long as the call lasts.

        Returns:
            The event, or None when the time is up.
        """
        try:
            async with self.clock.timeout(within):
                while (event := self._first_of(kinds)) is None:
                    await self._wait_change()
                self._inbox.remove(event)
                return event
        except TimeoutError:
            return None

    def _first_of(self, kinds: tuple[type[Event], ...]) -> Event | None:
        return next((event for event in self._inbox if not kinds or isinstance(event, kinds)), None)


def _absolute(path: str | Path) -> Path:
    return Path(path).absolute()


def handler_parts(handler: str) -> tuple[str, str]:
    """``voicemail:100`` as the plugin's name and what it is asked for."""
    name, _, target = handler.partition(":")
    return name, target
