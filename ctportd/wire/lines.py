"""Bytes of a TCP stream to lines: the part that both dialects share."""

from __future__ import annotations

from ctportd.wire.message import BrokenLine

MAX_LINE = 64 * 1024
"""Bytes in a line (PROTOCOL.md 2); a longer one is a protocol error, and reading goes on after its LF."""

_SHOWN = 80  # bytes of a line that is too long which are kept to be shown


class LineReader:
    r"""Cuts a stream into lines, whatever the pieces in which it arrives.

    NUL bytes are dropped wherever they stand: ctserver sends the NUL that ends a C string after each LF.
    A CR before the LF is dropped too. Bytes that are no UTF-8 are kept (``surrogateescape``).
    """

    def __init__(self, limit: int = MAX_LINE) -> None:
        self._limit = limit
        self._pending = bytearray()
        self._skipping = False

    def feed(self, data: bytes) -> list[str | BrokenLine]:
        """Take what arrived; return the lines that it completed, in order."""
        if b"\0" in data:
            data = data.replace(b"\0", b"")
        *complete, rest = data.split(b"\n")
        lines: list[str | BrokenLine] = []
        for piece in complete:
            line = piece
            if self._pending:
                line = bytes(self._pending + piece)
                self._pending.clear()
            if self._skipping:  # the end of a line that was reported when it grew too long
                self._skipping = False
            elif len(line) > self._limit:
                lines.append(self._too_long(line))
            else:
                lines.append(line.removesuffix(b"\r").decode("utf-8", "surrogateescape"))
        self._keep(rest, lines)
        return lines

    def _keep(self, rest: bytes, lines: list[str | BrokenLine]) -> None:
        if self._skipping or not rest:
            return
        self._pending += rest
        if len(self._pending) > self._limit:
            lines.append(self._too_long(bytes(self._pending[:_SHOWN])))
            self._pending.clear()
            self._skipping = True

    def _too_long(self, line: bytes) -> BrokenLine:
        shown = line[: min(_SHOWN, self._limit)].decode("utf-8", "surrogateescape")
        return BrokenLine(f"a line of more than {self._limit} bytes", shown)
