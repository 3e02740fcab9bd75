"""The control interface keeps what its document promises: every path is asked, with every answer that is declared.

Whoever adds a route adds its samples to :data:`SAMPLES`: the test fails until it has them, one for each status. Those of
parameters that are unknown, of bodies that are too long or no JSON, and of a database that is away are made by itself.
"""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from openapi_spec_validator import validate
from support.contract import Contract, Sample
from support.mail import MailServer
from support.system import ROOT

from ctportd.api import ROUTES
from ctportd.control import streaming
from ctportd.control.openapi import document
from ctportd.control.routes import Nothing
from ctportd.control.server import ControlServer
from ctportd.errors import RequestTimedOut, StoreError
from ctportd.mail.letter import Letter
from ctportd.store.database import Database

if TYPE_CHECKING:
    from pathlib import Path

    from ctportd.control.routes import Route
    from ctportd.testing import House, Line

PLUGINS = ROOT / "plugins"

NUMBER, NAME = "2125550100", "Ada Lovelace"

SAMPLES: dict[str, list[Sample]] = {
    "GET /v1": [Sample("/v1")],
    "GET /v1/openapi.json": [Sample("/v1/openapi.json")],
    "GET /v1/status": [Sample("/v1/status")],
    "GET /v1/check": [Sample("/v1/check")],
    "GET /v1/config": [Sample("/v1/config")],
    "POST /v1/reload": [
        Sample("/v1/reload"),
        Sample("/v1/reload", body={"plugins": ["screening"]}),
        Sample("/v1/reload", 409, body={"plugins": ["screning"]}, kind="configuration"),
    ],
    "GET /v1/plugins": [Sample("/v1/plugins")],
    "POST /v1/plugins/{name}": [
        Sample("/v1/plugins/screening", body={"action": "disable"}),
        Sample("/v1/plugins/screening", body={"action": "enable"}),
        Sample("/v1/plugins/screening", body={"action": "reload"}),
        Sample("/v1/plugins/screning", 400, body={"action": "reload"}, kind="bad-argument"),
        Sample("/v1/plugins/voicemail", 409, body={"action": "disable"}, kind="configuration"),
    ],
    "POST /v1/drain": [
        Sample("/v1/drain", body={"ports": ["main:2"]}),
        Sample("/v1/drain", body={"on": False}),
        Sample("/v1/drain", 400, body={"ports": ["7"]}, kind="bad-argument"),
    ],
    "GET /v1/drain": [Sample("/v1/drain")],
    "GET /v1/events": [
        Sample("/v1/events"),
        Sample("/v1/events?port=1&call=2026&type=call_*,key&keys=true", headers={"Last-Event-ID": "x"}),
        Sample("/v1/events?type=call_endet", 400, kind="bad-argument"),
    ],
    "GET /v1/logs": [
        Sample("/v1/logs?lines=5&follow=false"),
        Sample("/v1/logs?level=error&port=main:1&call=2026&plugin=voicemail&since=x"),
        Sample("/v1/logs?level=loud", 400, kind="bad-argument"),
    ],
    "GET /v1/calls": [
        Sample("/v1/calls"),
        Sample("/v1/calls?number=(212)%20555-01&name=ada&port=main:1&since=2020-01-01&until=2100-01-01T00:00:00Z"),
        Sample("/v1/calls?limit=1&mask=true&blocked=false"),
        Sample("/v1/calls?limit=1001", 400, kind="bad-argument"),
        Sample("/v1/calls?since=Christmas", 400, kind="bad-argument"),
        Sample("/v1/calls?name=%00", 400, kind="bad-argument"),
        Sample("/v1/calls?port=1&port=2", 400, kind="bad-argument"),
        Sample("/v1/calls?before=gone", 404, kind="not-found"),
    ],
    "GET /v1/calls/{id}": [
        Sample("/v1/calls/last"),
        Sample("/v1/calls/last?mask=1"),
        Sample("/v1/calls/2", 400, kind="bad-argument"),
        Sample("/v1/calls/gone", 404, kind="not-found"),
    ],
    "GET /v1/explain": [
        Sample("/v1/explain?port=1&number=2125550100&name=Ada&at=2026-12-25T10:00:00%2B01:00&keys=1,,2"),
        Sample("/v1/explain?port=7", 400, kind="bad-argument"),
    ],
    "GET /v1/messages": [
        Sample("/v1/messages"),
        Sample("/v1/messages?mailbox=100&folder=INBOX&limit=1&after=0"),
        Sample("/v1/messages?folder=inbox", 400, kind="bad-argument"),
    ],
    "GET /v1/messages/{id}": [
        Sample("/v1/messages/1"),
        Sample("/v1/messages/99999999999999999999", 400, kind="bad-argument"),
        Sample("/v1/messages/77", 404, kind="not-found"),
    ],
    "GET /v1/messages/{id}/recording": [
        Sample("/v1/messages/1/recording"),
        Sample("/v1/messages/1/recording", 206, headers={"Range": "bytes=10-19"}),
        Sample("/v1/messages/1/recording", 416, headers={"Range": "bytes=9999999-"}, kind="wrong-range"),
        Sample("/v1/messages/77/recording", 404, kind="not-found"),
    ],
    "POST /v1/messages/{id}": [
        Sample("/v1/messages/1", body={"action": "move", "folder": "Work"}),
        Sample("/v1/messages/1", 400, body={"action": "move", "folder": "Attic"}, kind="bad-argument"),
        Sample("/v1/messages/77", 404, body={"action": "delete"}, kind="not-found"),
    ],
    "POST /v1/ports/{port}/requests": [
        Sample("/v1/ports/manager/requests", body={"name": "ser_version"}),
        Sample("/v1/ports/1/requests", 400, body={"name": "sing"}, kind="bad-argument"),
        Sample("/v1/ports/1/requests", 502, body={"name": "bridge", "arguments": ["9"]}, kind="ctserver"),
    ],
    "GET /v1/outbox": [Sample("/v1/outbox"), Sample("/v1/outbox?limit=1&after=x")],
    "POST /v1/mail": [
        Sample("/v1/mail", body={"to": "ada@example.com"}),
        Sample("/v1/mail", 400, body={"to": "nobody"}, kind="bad-argument"),
        Sample("/v1/mail", 502, body={"to": "eve@example.com"}, kind="mail"),
    ],
    "POST /v1/rotate": [Sample("/v1/rotate")],
    "POST /v1/stop": [],  # last of all
}
"""What is asked of a house in which two calls were made, a message was left, and a letter waits."""


def operation_of(route: Route) -> str:
    """What a route is called here."""
    return f"{route.method} {route.path}"


def made_samples(route: Route) -> list[Sample]:
    """Those that need no thought: parameters and bodies that will not do."""
    url = route.path.replace("{id}", "1").replace("{port}", "1")
    for name in route.in_path:
        url = url.replace(f"{{{name}}}", "x")
    samples = [Sample(f"{url}?nonsense=1", 400, kind="bad-argument")]
    if route.body is not Nothing:
        samples += [Sample(url, 400, body=["nonsense"], kind="bad-body"), Sample(url, 413, body="x" * 70_000)]
    return samples


def socket_of(house: House) -> Path:
    """Where its daemon listens."""
    return house.folder / "state" / "ctportd.sock"


async def lived_in(line: Line, mail: int, **more: Any) -> House:
    """A house with something in it to ask for."""
    house = await line(
        {1: ["voicemail:100"], 2: []},
        plugins=[PLUGINS / name for name in ("voicemail", "caller_id_log", "screening")],
        settings={"voicemail": {"mailboxes": {"100": {}}}, "screening": {"block": ["9005550100"]}},
        mail={"host": "127.0.0.1", "port": mail, "security": "none", "sender": "phone@example.com"},
        **more,
    )
    for _ in range(2):
        phone = await house.call(1, number=NUMBER, name=NAME)
        await phone.hear("vm-mailbox", "1", "0", "0", "vm-not-available", "vm-leave-message")
        await phone.say(seconds=3)
        await phone.hang_up()
        await house.idle()
    return house


@pytest.fixture
def contract() -> Contract:
    """What the document promises."""
    return Contract(ROUTES)


async def test_everything_is_as_the_document_says(contract: Contract, ctportd_line: Line) -> None:
    """Every path, every status that is declared for it, every answer against its schema; nothing is left out."""
    server = MailServer()
    server.refuses["eve@example.com"] = "550 nobody of that name"
    server.refuses["bob@example.com"] = "450 not now"
    async with server.listening() as mail:
        house = await lived_in(ctportd_line, mail)
        await house.daemon.mail.post(Letter(to=["bob@example.com"], subject="Waits", text="..."))
        socket = socket_of(house)
        for operation, samples in SAMPLES.items():
            for sample in samples:
                await contract.ask(socket, operation, sample)
        for route in ROUTES:
            for sample in made_samples(route):
                await contract.ask(socket, operation_of(route), sample)
        await _ask_of_a_call_that_we_make(contract, house)
        await _ask_for_too_many_streams(contract, socket)
        await _ask_without_database(contract, house)
        await _ask_without_recording(contract, house)
        await contract.ask(socket, "POST /v1/stop", Sample("/v1/stop", body={"now": True}))
    await _ask_what_has_failed(contract, ctportd_line)
    missing = contract.declared - contract.answered
    assert not missing, "declared, and never answered: " + ", ".join(sorted(map(str, missing)))


async def _ask_of_a_call_that_we_make(contract: Contract, house: House) -> None:
    """It is made, followed and ended; the line has no other meanwhile, and none afterwards."""
    socket, calls, end = socket_of(house), "/v1/ports/main:2/calls", "/v1/ports/main:2/hangup"
    await house.subscribe("5550131")
    made = Sample(calls, body={"number": "555-0131", "play": ["beep"], "within": 600})
    placed = json.loads(await contract.ask(socket, "POST /v1/ports/{port}/calls", made))
    again = Sample(calls, 409, made.body, kind="no-call")
    await contract.ask(socket, "POST /v1/ports/{port}/calls", again)
    for sample in (Sample(f"{calls}/{placed['call']}"), Sample(f"{calls}/x?seen=2", 400, kind="bad-argument")):
        await contract.ask(socket, "GET /v1/ports/{port}/calls/{call}", sample)
    for sample in (Sample(end), Sample(end, 409, kind="no-call")):
        await contract.ask(socket, "POST /v1/ports/{port}/hangup", sample)


async def _ask_for_too_many_streams(contract: Contract, socket: Path) -> None:
    """So many follow already that one more is refused."""
    async with AsyncExitStack() as stack:
        connector = aiohttp.UnixConnector(str(socket), limit=0)
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        for _ in range(streaming.MOST):
            await stack.enter_async_context(session.get("http://ctportd/v1/logs"))
        for path in ("/v1/events", "/v1/logs"):
            await contract.ask(socket, f"GET {path}", Sample(path, 503, kind="too-many-streams"))


async def _ask_without_database(contract: Contract, house: House) -> None:
    """Whatever looks into the database says so where that cannot be used."""
    await Database.close(house.store)
    for route in ROUTES:
        if StoreError in route.problems:
            sample = next(sample for sample in SAMPLES[operation_of(route)] if sample.status == 200)
            away = Sample(sample.url, 503, sample.body, kind="database")
            await contract.ask(socket_of(house), operation_of(route), away)
    await Database.open(house.store)


async def _ask_without_recording(contract: Contract, house: House) -> None:
    """A message whose files somebody has removed can be neither moved nor heard."""
    (message, *_) = await house.messages("100")
    for file in house.folder.rglob(f"{message.uid}.*"):
        file.unlink()
    socket, one = socket_of(house), f"/v1/messages/{message.id}"
    move = Sample(one, 507, {"action": "move", "folder": "Old"}, kind="disk")
    await contract.ask(socket, "POST /v1/messages/{id}", move)
    gone = Sample(f"{one}/recording", 404, kind="not-found")
    await contract.ask(socket, "GET /v1/messages/{id}/recording", gone)


async def _ask_what_has_failed(contract: Contract, line: Line) -> None:
    """A plugin that cannot be loaded, and a line that is slow or busy."""
    house = await line({1: []}, plugins={"broken": "import nothing_of_this_name"}, expect_faults=True)
    await contract.ask(socket_of(house), "GET /v1/check", Sample("/v1/check", 409, kind="configuration"))
    classic = await line({1: []}, plugins={}, ctserver={"dialect": "classic"})
    operation = "POST /v1/ports/{port}/requests"
    unknown = Sample("/v1/ports/manager/requests", 501, body={"name": "ser_version"}, kind="not-supported")
    await contract.ask(socket_of(classic), operation, unknown)
    play = {"name": "play", "arguments": ["beep"]}
    await contract.ask(socket_of(classic), operation, Sample("/v1/ports/1/requests", 409, play, kind="port-busy"))
    path = house.folder / "slow.sock"
    async with ControlServer(ROUTES, Silent(), path):
        await contract.ask(path, operation, Sample("/v1/ports/1/requests", 504, play, kind="ctserver-silent"))


class Silent:
    """A daemon whose ctserver does not reply."""

    def __getattr__(self, name: str) -> Any:
        raise RequestTimedOut("port 1", "ctplay", 10)


def test_document_is_what_the_code_makes() -> None:
    """docs/openapi.json is the one that the running daemon sends; `make openapi` writes it. It is valid."""
    made = document(ROUTES)
    assert json.loads((ROOT / "docs/openapi.json").read_text()) == made
    validate(made)


def test_everything_has_a_name_and_words() -> None:
    """Programs that are made of the document name functions by it; people read what there is."""
    made = document(ROUTES)
    operations = [each for path in made["paths"].values() for each in path.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names))
    for operation in operations:
        assert operation["summary"]
        for parameter in operation.get("parameters", ()):
            assert parameter["description"], (operation["operationId"], parameter)
    assert [name for name, schema in made["components"]["schemas"].items() if not schema["description"]] == []
