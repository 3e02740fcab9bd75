"""The fixtures, for any pytest where ctportd is installed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

try:
    import pytest_asyncio as asynchronous
except ImportError:  # any pytest looks in here, also where nobody tests plugins; it says itself what is missing
    asynchronous = pytest  # type: ignore[misc]

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

    from ctportd.testing.house import House

__tracebackhide__ = True  # pytest shows the line of the test, and what it says


class Line(Protocol):
    """Starts houses with telephone lines; they end with the test."""

    async def __call__(
        self,
        handlers: Mapping[int, Sequence[str]],
        *,
        plugins: str
        | Path
        | Mapping[str, str | Path]
        | Sequence[str | Path | Mapping[str, str | Path]] = "plugins",
        stations: Iterable[int] = (),
        settings: Mapping[str, Mapping[str, Any]] | None = None,
        expect_faults: bool = False,
        **tables: Any,
    ) -> House:
        """Start a house.

        Args:
            handlers: For each port, who is offered its calls, as in ``handlers`` of ``[[port]]``.
            plugins: A folder of plugins, one plugin (its file or folder), texts of plugins by their names, or several
                of these. A relative path is looked for beside the test's file, and in the folders above it.
            stations: Which of the ports have a telephone set, and no line.
            settings: Tables ``[plugins.NAME]``.
            expect_faults: Plugins may fail: one that cannot be loaded is left out, as in life, and one that raises does
                not fail the test.
            tables: Other tables of the configuration: ``daemon={"end_timeout": 2}``; ``port=[{"number": 1, ...}]`` adds
                to what is known of that port.

        Returns:
            The house, ready for calls.
        """


@asynchronous.fixture
async def ctportd_line(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Line]:
    """Starts daemons with virtual lines, in this process; see :class:`Line`."""
    from ctportd.testing.house import House  # noqa: PLC0415 - tests that call no line need none of it
    from ctportd.testing.setup import Plan  # noqa: PLC0415 - as above

    houses: list[House] = []

    async def start(
        handlers: Mapping[int, Sequence[str]],
        *,
        plugins: Any = "plugins",
        stations: Iterable[int] = (),
        settings: Mapping[str, Mapping[str, Any]] | None = None,
        expect_faults: bool = False,
        **tables: Any,
    ) -> House:
        sources = plugins if isinstance(plugins, list | tuple) else [plugins]
        found = await asyncio.to_thread(_found, sources, request.path.parent)
        plan = Plan(handlers, found, frozenset(stations), settings or {}, tables)
        house = House(await asyncio.to_thread(tmp_path_factory.mktemp, "house"), plan)
        house.expect_faults = expect_faults
        try:
            await house.start()
        except BaseException:
            await house.close()
            raise
        houses.append(house)
        return house

    yield start
    for house in reversed(houses):
        await house.close()
    errors = [error for house in houses if not house.expect_faults for error in house.errors]
    if errors:
        pytest.fail("plugins have failed:\n" + "\n".join(errors), pytrace=False)


def _found(sources: Sequence[Any], beside: Path) -> list[Any]:
    """Relative paths among them as they stand to a test's file, or to the nearest folder above that has them."""
    return [_near(source, beside) if isinstance(source, str | Path) else source for source in sources]


def _near(path: str | Path, beside: Path) -> Path:
    for folder in (beside, *beside.parents):
        if (folder / path).exists():
            return folder / path
    raise FileNotFoundError(f"plugins: {str(path)!r} is neither in {beside} nor in a folder above it")
