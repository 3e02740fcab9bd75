"""The control interface asked for much, and for nonsense: long lists come in pieces, and nothing is a bug of ours."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import aiohttp
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ctportd.api import ROUTES
from ctportd.moments import read_moment
from ctportd.records import CallRecord

if TYPE_CHECKING:
    from pathlib import Path

    from ctportd.control.routes import Route
    from ctportd.testing import Line

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


async def ask(socket: Path, url: str) -> Any:
    """What a path is answered with."""
    async with (
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(socket))) as session,
        session.get(f"http://ctportd{url}") as response,
    ):
        return json.loads(await response.read())


async def test_long_list_comes_in_pieces(ctportd_line: Line) -> None:
    """Each call comes once, newest first, also where several began at once and others come meanwhile."""
    house = await ctportd_line({1: []}, plugins={})
    socket = house.folder / "state" / "ctportd.sock"
    for number in range(7):
        began = NOON + timedelta(seconds=number // 3)
        await house.store.save_call(CallRecord(f"call-{number}", "main:1", began, "2125550100", "Ada"))
    seen: list[str] = []
    before = ""
    while True:
        page = await ask(socket, f"/v1/calls?limit=2&mask=true{before}")
        seen += [call["id"] for call in page["calls"]]
        assert {(call["number"], call["name"]) for call in page["calls"]} == {("xxxxxxxx00", "x")}
        if page["next"] is None:
            break
        before = f"&before={page['next']}"
        late = f"call-late-{len(seen)}"
        await house.store.save_call(CallRecord(late, "main:1", NOON + timedelta(hours=1)))
    assert seen == [f"call-{number}" for number in range(6, -1, -1)]


async def test_asking_what_would_become_of_a_call_changes_nothing(ctportd_line: Line) -> None:
    """Plugins are asked apart from those that run: what these know of a call that is about to begin stays."""
    judge = """
from ctportd import Verdict, hookimpl
asked = []

@hookimpl
def screen_caller(caller, port, at, site):
    asked.append(site)
    return Verdict("blocked", rule="by heart")
"""
    house = await ctportd_line({1: []}, plugins={"judge": judge})
    told = await ask(house.folder / "state" / "ctportd.sock", "/v1/explain?number=9005550100")
    assert told["call"]["verdict"]["rule"] == "by heart"
    assert [site is house.daemon for site in house.plugin("judge").asked] == [False]


texts = st.text(max_size=30) | st.sampled_from(
    ["0001-01-01", "9999-12-31", "9999-12-31T23:59-12:00", "last",
     "%", "_", "'", "\0", "-1", "NaN", "1e9", "../..", "[" * 900]
)  # fmt: skip
bodies = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | texts, st.lists, max_leaves=5)
SAFE = [route for route in ROUTES if not route.path.endswith(("/stop", "/rotate"))]


def filled(route: Route, given: st.DataObject) -> str:
    """A path with anything in its places."""
    path = route.path
    for name in route.in_path:
        path = path.replace(f"{{{name}}}", quote(given.draw(texts) or "x", safe=""))
    names = [name for name in route.parameters.__struct_fields__ if name not in route.in_path]
    query = "&".join(f"{name}={quote(given.draw(texts), safe='')}" for name in names if given.draw(st.booleans()))
    return f"{path}?{query}"


@pytest.fixture
async def socket(ctportd_line: Line) -> Path:
    """Where a daemon listens that has a call to tell of."""
    house = await ctportd_line({1: []}, plugins={})
    await house.store.save_call(CallRecord("call-1", "main:1", NOON))
    return house.folder / "state" / "ctportd.sock"


async def test_nonsense_is_refused(socket: Path) -> None:
    """Whatever stands in paths, queries and bodies: none of it is a bug, and each refusal says what is wrong."""
    examples: list[tuple[Route, str, bytes]] = []

    @settings(max_examples=80, phases=[Phase.generate], database=None, deadline=None, derandomize=True,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(data=st.data(), route=st.sampled_from(SAFE), keys=st.dictionaries(texts, bodies, max_size=3))
    def draw(data: st.DataObject, route: Route, keys: dict[str, Any]) -> None:
        names = route.body.__struct_fields__
        fields = {name: data.draw(bodies) for name in names}
        whole = json.dumps({**keys, **fields} if data.draw(st.booleans()) else fields).encode()
        examples.append((route, filled(route, data), data.draw(st.sampled_from([whole, whole[:-1], b"[" * 9000]))))

    draw()
    async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(socket))) as session:
        for route, url, body in examples:
            sent = body if route.method == "POST" else None
            async with session.request(route.method, f"http://ctportd{url[:3500]}", data=sent) as response:
                streams = response.content_type == "text/event-stream"
                answer = await (response.content.readany() if streams else response.read())
            assert response.status != 500, (route.method, url, body, answer)
            if response.status >= 400 and response.content_type == "application/problem+json":
                assert json.loads(answer)["detail"]
    assert len(examples) >= 80


@pytest.mark.parametrize("text", ["9999-12-31", "9999-12-31T23:59-12:00", "Christmas", "", "24.11.2026"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    """Nor are those that other time zones do not have, whatever the machine's is."""
    with pytest.raises(ValueError, match="is no date such as"):
        read_moment(text, ends=True)


def test_end_of_a_day_is_the_beginning_of_the_next() -> None:
    """A date alone may mean its end; a moment is that moment."""
    assert read_moment("2026-11-24", ends=True) == read_moment("2026-11-25")
    assert read_moment("2026-11-24T10:00:00+01:00", ends=True) == datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
