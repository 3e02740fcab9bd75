"""The configuration: what ships is what is written of it, and every mistake is one sentence."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta
from support.system import copy_plugins

from ctportd.checking import convert
from ctportd.config import MASK, Config, ConfigFile, PortTable, dump, effective, from_data, load, split_address
from ctportd.errors import ConfigError
from ctportd.hooks.loader import load_plugins
from ctportd.nearest import no_such

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parent.parent.parent
SHIPPED = ROOT / "etc" / "ctportd.toml"

ONE_PORT: dict[str, Any] = {"port": [{"number": 1}]}


def sentence(data: dict[str, Any]) -> str:
    """What is said of a file that holds this."""
    with pytest.raises(ConfigError) as refused:
        from_data(data, "x.toml")
    return str(refused.value)


def sentence_of_text(folder: Path, text: str | bytes) -> str:
    """What is said of a file with this text, without its folder."""
    file = folder / "x.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigError) as refused:
        load(file)
    return str(refused.value).replace(f"{folder}/", "")


# -- the file that ships


def table_types() -> dict[str, type[msgspec.Struct]]:
    """Each table of the file, by its name, with its type."""
    types: dict[str, type[msgspec.Struct]] = {}
    for field in msgspec.structs.fields(ConfigFile):
        kind = field.type if isinstance(field.type, type) else field.type.__args__[0]
        types[field.name] = kind
    return types


EVERY_KEY = [(table, key) for table, kind in table_types().items() for key in kind.__struct_fields__]


def shown(table: str, key: str) -> object:
    """A key as a case of a test."""
    return pytest.param(table, key, id=f"{table}.{key}")


def commented_keys() -> set[tuple[str, str]]:
    """The keys of the shipped file that have a comment above them, with no blank line between.

    A comment that stands right before a table's header is above the table's first keys, too.
    """
    table, comment, found = "", False, set()
    for paragraph in SHIPPED.read_text().split("\n\n"):
        comment = comment and paragraph.startswith("[")
        for line in paragraph.splitlines():
            if line.startswith("#"):
                comment = True
            elif header := re.fullmatch(r"\[+([a-z_.]+)\]+", line):
                table = header[1]
            elif comment:
                found.add((table, line.partition(" = ")[0]))
    return found


@pytest.mark.parametrize(("table", "key"), [shown(table, key) for table, key in EVERY_KEY])
def test_shipped_file_explains_every_key(table: str, key: str) -> None:
    """Whoever opens the file that ships finds each key in it, below a comment."""
    assert (table, key) in commented_keys()


def test_shipped_file_holds_the_defaults() -> None:
    """The file says that a key has its default, or what the example needs: only the ports need anything."""
    file = load(SHIPPED).file
    assert msgspec.structs.replace(file, port=[]) == ConfigFile()
    for port in file.port:
        needed = PortTable(number=port.number, name=port.name, handlers=port.handlers, ctserver=port.ctserver)
        assert port == needed


def test_shipped_plugin_tables_hold_the_defaults(tmp_path: Path) -> None:
    """What the file says of the plugins' settings is what they are without it, but for the menus."""
    tables = load(SHIPPED).plugins
    copy_plugins(tmp_path / "plugins")
    plugins = load_plugins(tmp_path / "plugins", tables, str(SHIPPED))
    assert plugins.failed == {}
    plain = ["call_mail", "caller_id_log", "mqtt", "notify", "screening", "station", "voicemail"]
    assert sorted(tables) == ["auto_attendant", *plain]
    for name in plain:
        settings = plugins.loaded[name].settings
        assert settings == type(settings)()
    attendant = plugins.loaded["auto_attendant"]
    assert attendant.settings.menu == type(attendant.settings)().menu
    main = attendant.settings.menus["main"]
    defaults = type(main)(main.prompt, main.keys)
    assert main == defaults


def test_missing_keys_have_their_defaults() -> None:
    """An empty file is a configuration."""
    assert from_data({}, "x.toml").file == ConfigFile()


# -- mistakes


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"daemn": {}}, "the top level: there is no key 'daemn'; did you mean 'daemon'?"),
        ({"log": {"levle": "info"}}, "[log]: there is no key 'levle'; did you mean 'level'?"),
        ({"log": {"x": 1}}, "[log]: there is no key 'x'; there are: file, level, keep, compress, max_size"),
        (
            {"port": [{"number": 1}, {"number": 2, "handler": []}]},
            "[[port]] (table 2): there is no key 'handler'; did you mean 'handlers'?",
        ),
        ({"plugins": {"directry": "x"}}, "[plugins]: there is no key 'directry'; did you mean 'directory'?"),
        (
            {"log": {"level": "loud"}},
            "[log] level: found 'loud', expected one of 'debug', 'error', 'info', 'warning'",
        ),
        ({"log": {"file": 3}}, "[log] file: found 3, expected text"),
        ({"log": 3}, "log: found 3, expected a table"),
        ({"plugins": 3}, "plugins: found 3, expected a table"),
        ({"plugins": {"directory": {}}}, "[plugins] directory: found a table, expected text"),
        ({"plugins": {"queue": 0}}, "[plugins] queue: found 0, expected a whole number of at least 1"),
        ({"daemon": {"stop_timeout": 0}}, "[daemon] stop_timeout: found 0, expected a number above 0"),
        ({"daemon": {"stop_timeout": "5"}}, "[daemon] stop_timeout: found '5', expected a number above 0"),
        ({"daemon": {"stop_timeout": True}}, "[daemon] stop_timeout: found true, expected a number above 0"),
        (
            {"daemon": {"stop_timeout": float("nan")}},
            "[daemon] stop_timeout: found nan, expected a number above 0",
        ),
        (
            {"exchange": {"speed": 101}},
            "[exchange] speed: found 101, expected a number above 0 and of at most 100",
        ),
        (
            {"ctserver": {"name": "main"}},
            "ctserver: found a table, expected a list of tables, each with its name in [[double brackets]]",
        ),
        (
            {"port": {"number": 1}},
            "port: found a table, expected a list of tables, each with its name in [[double brackets]]",
        ),
        ({"port": [3]}, "port, item 1: found 3, expected a table"),
        ({"port": [{"number": 1}, {}]}, "[[port]] (table 2): the key 'number' is missing"),
        (
            {"port": [{"number": 0}]},
            "[[port]] (table 1) number: found 0, expected a whole number of at least 1 and of at most 65535",
        ),
        (
            {"port": [{"number": 1, "handlers": "voicemail"}]},
            "[[port]] (table 1) handlers: found 'voicemail', expected a list",
        ),
        (
            {"port": [{"number": 1, "handlers": ["voicemail", 1]}]},
            "[[port]] (table 1) handlers, item 2: found 1, expected text",
        ),
        (
            {"port": [{"number": 1, "caller_id": "yes"}]},
            "[[port]] (table 1) caller_id: found 'yes', expected true or false",
        ),
        (
            {"port": [{"number": 1, "kind": "line"}]},
            "[[port]] (table 1) kind: found 'line', expected one of 'station', 'trunk'",
        ),
        (
            {"ctserver": [{"name": "a b"}]},
            r"[[ctserver]] (table 1) name: found 'a b', expected text like ^[A-Za-z0-9_-]+\Z",
        ),
        (
            {"ctserver": [{"name": "main\n"}]},
            r"[[ctserver]] (table 1) name: found 'main\n', expected text like ^[A-Za-z0-9_-]+\Z",
        ),
        (
            {"ctserver": [{"first_port": 65536}]},
            "[[ctserver]] (table 1) first_port: found 65536, expected a whole number of at least 1 and of at most 65535",
        ),
        ({"ctserver": []}, "[[ctserver]]: found no table, expected one or more"),
        ({"ctserver": [{}, {}]}, "[[ctserver]] name: 'main' stands twice, expected each name once"),
        (
            {"ctserver": [{}, {"name": "b"}]},
            "[[ctserver]] mode: main and b are virtual, expected one at most: there is one [exchange]",
        ),
        (
            {"ctserver": [{}, {"name": "b", "mode": "remote"}], "port": [{"number": 1}]},
            "[[port]] number 1: the key 'ctserver' is missing, expected one of main, b",
        ),
        (
            {
                "ctserver": [{}, {"name": "b", "mode": "remote"}],
                "port": [{"number": 1, "ctserver": n} for n in "bb"],
            },
            "[[port]] number 1: stands twice, expected each port once",
        ),
        (
            {
                "ctserver": [{}, {"name": "b", "mode": "remote", "manager_port": 1197}],
                "port": [{"number": 1, "ctserver": "main"}, {"number": 1, "ctserver": "b"}],
            },
            "[[port]] number 1: its TCP port would be 1200, which is not free for it",
        ),
        ({"port": [{"number": 2}, {"number": 2}]}, "[[port]] number 2: stands twice, expected each port once"),
        (
            {"port": [{"number": 1, "ctserver": "other"}]},
            "[[port]] number 1 ctserver: there is no ctserver 'other'; there are: main",
        ),
        (
            {"ctserver": [{"first_port": 65535}], "port": [{"number": 2}]},
            "[[port]] number 2: its TCP port would be 65536, which is not free for it",
        ),
        (
            {"ctserver": [{"manager_port": 1201}], "port": [{"number": 2}]},
            "[[port]] number 2: its TCP port would be 1201, which is not free for it",
        ),
        (
            {"port": [{"number": 1, "kind": "station", "dial_tone_every": 60}]},
            "[[port]] number 1 dial_tone_every: expected 0 here: it is for trunks of a ctserver of the keyed dialect",
        ),
        (
            {"exchange": {"listen": "1190"}},
            "[exchange] listen: found '1190', expected host:port, such as 127.0.0.1:1190",
        ),
    ],
)
def test_mistake_is_one_sentence(data: dict[str, Any], told: str) -> None:
    """File, table, key, what was found and what was expected: nothing else, and nothing missing."""
    assert sentence(data) == f"x.toml: {told}"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[log]\nlevel = 2026-11-23\n", "found 2026-11-23, expected one of"),
        ("[log]\nfile = 2026-11-23T18:15:00Z\n", "found 2026-11-23T18:15:00+00:00, expected text"),
        ("[log]\nfile = [true, {a = 1}]\n", "found [true, a table], expected text"),
        (f"[log]\nfile = ['{'x' * 99}']\n", f"found ['{'x' * 55}..., expected text"),
        (f"[log]\nfile = 0x{'f' * 5000}\n", f"found 0x{'f' * 55}..., expected text"),
        (f"[log.file.{'a.' * 2000}a]\n", "found a table, expected text"),
    ],
    ids=["date", "moment", "list", "long text", "huge number", "deep table"],
)
def test_what_was_found_is_written_as_toml_would_and_cut_short(tmp_path: Path, text: str, told: str) -> None:
    """Whatever TOML can hold is shown in its own words, and no value is too large to tell of."""
    assert told in sentence_of_text(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[log\n", "x.toml: is no TOML: Expected ']' at the end of a table declaration"),
        ("a = 1\na = 2\n", "x.toml: is no TOML: Cannot overwrite a value"),
        (b"# \xff\n", "x.toml: cannot be read: it is no UTF-8"),
        (f"a = {'9' * 5000}\n", "x.toml: is no TOML: "),
        (f"a = {'[' * 5000}\n", "x.toml: is no TOML: "),
    ],
    ids=["syntax", "twice", "no UTF-8", "huge number", "too deep"],
)
def test_text_that_is_no_toml(tmp_path: Path, text: str | bytes, told: str) -> None:
    """What tomllib refuses, in whatever way it does, is a mistake in the file."""
    assert sentence_of_text(tmp_path, text).startswith(told)


def test_file_that_cannot_be_read(tmp_path: Path) -> None:
    """A file that is not there, and a folder in its place, are told by name."""
    with pytest.raises(ConfigError, match=re.escape(f"{tmp_path}/none.toml: cannot be read: No such file")):
        load(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match=re.escape(f"{tmp_path}: cannot be read: Is a directory")):
        load(tmp_path)


def test_no_such_names_the_nearest_or_all() -> None:
    """A near name is offered; with none near, all are; with none at all, that is said."""
    assert no_such("menu", "mian", ["main", "hours"]) == "there is no menu 'mian'; did you mean 'main'?"
    assert no_such("menu", "xyz", ["main", "hours"]) == "there is no menu 'xyz'; there are: main, hours"
    assert no_such("menu", "xyz", iter(())) == "there is no menu 'xyz'; there are: none"


# -- the types that a plugin may declare


class Inner(msgspec.Struct, tag="inner"):
    """A table in a plugin's table."""

    size: Annotated[int, Meta(ge=1)] = 1


class Declared(msgspec.Struct):
    """A plugin's settings, of every kind; unknown keys are not forbidden by it."""

    words: dict[str, Inner] = {}
    pair: tuple[int, str] = (1, "")
    many: tuple[int, ...] = ()
    few: Annotated[list[int], Meta(max_length=2)] = []
    mode: Literal["a", "b"] | None = None
    counted: dict[int, str] = {}
    inner: Inner | None = None

    def __post_init__(self) -> None:
        """Refuse a mode without words."""
        if self.mode and not self.words:
            raise ValueError("a mode needs words")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"wrods": {}}, "[plugins.p]: there is no key 'wrods'; did you mean 'words'?"),
        ({"words": {"x": {"siez": 1}}}, "[plugins.p.words.x]: there is no key 'siez'; did you mean 'size'?"),
        (
            {"words": {"x": {"type": "inner", "size": 0}}},
            "[plugins.p.words.x] size: found 0, expected a whole number of at least 1",
        ),
        ({"words": {"x": 3}}, "[plugins.p.words] x: found 3, expected a table"),
        ({"words": []}, "[plugins.p] words: found [], expected a table"),
        ({"pair": [1, "a", 3]}, "[plugins.p] pair: found [1, 'a', 3], expected tuple"),
        ({"many": [1, "a"]}, "[plugins.p] many, item 2: found 'a', expected a whole number"),
        ({"few": [1, 2, 3]}, "[plugins.p] few: found [1, 2, 3], expected a list"),
        ({"few": [1, "a"]}, "[plugins.p] few, item 2: found 'a', expected a whole number"),
        ({"mode": "c"}, "[plugins.p] mode: found 'c', expected one of 'a', 'b'"),
        ({"inner": {"size": "x"}}, "[plugins.p.inner] size: found 'x', expected a whole number of at least 1"),
        ({"counted": {"x": "y"}}, "[plugins.p]: Expected `int`, got `str`"),
        ({"mode": "a"}, "[plugins.p]: a mode needs words"),
    ],
)
def test_plugin_table_is_checked_as_the_rest(data: dict[str, Any], told: str) -> None:
    """A plugin's own types give the same sentences, an unknown key among them though nobody forbade it."""
    with pytest.raises(ConfigError) as refused:
        convert(data, Declared, "x.toml", "plugins.p")
    assert str(refused.value) == f"x.toml: {told}"


def test_plugin_table_that_is_right_is_converted() -> None:
    """A tag is no unknown key, and what may be left out may be."""
    data: dict[str, Any] = {"words": {"x": {"type": "inner", "size": 2}}, "mode": "a", "pair": [3, "c"]}
    assert convert(data, Declared, "x.toml", "plugins.p") == Declared({"x": Inner(2)}, (3, "c"), mode="a")


# -- writing


PLUGIN_TABLES: dict[str, Any] = {"voicemail": {"mailbox": "100"}, "menus": {"main": {"keys": {"*": "hangup"}}}}


@pytest.mark.parametrize(
    "data",
    [
        {},
        ONE_PORT,
        {"plugins": PLUGIN_TABLES},
        {
            "port": [{"number": 7, "ctserver": "main", "name": 'a "b" \n ü'}],
            "plugins": PLUGIN_TABLES | {"queue": 3},
        },
    ],
)
def test_what_is_written_is_read_back(data: dict[str, Any]) -> None:
    """The printed configuration is a configuration, and the same one."""
    config = from_data(data, "x.toml")
    assert from_data(tomllib.loads(dump(effective(config))), "x.toml") == config


def test_shipped_file_is_read_back() -> None:
    """So is that of the file that ships, plugins' tables and all."""
    config = load(SHIPPED)
    assert from_data(tomllib.loads(dump(effective(config))), config.source) == config


def test_every_key_is_written() -> None:
    """What is printed holds each key with the value in force, defaults among them."""
    written = tomllib.loads(dump(effective(from_data(ONE_PORT, "x.toml"))))
    for table, key in EVERY_KEY:
        values = written[table][0] if isinstance(written[table], list) else written[table]
        assert key in values


# -- plugins' tables, paths, addresses


def test_plugin_tables_are_kept_as_they_stand() -> None:
    """A table below [plugins] is a plugin's; anything else there is the daemon's key."""
    config = from_data({"plugins": {"directory": "mine", **PLUGIN_TABLES}}, "x.toml")
    assert config.plugins == PLUGIN_TABLES
    assert config.file.plugins.directory == "mine"


def test_state_is_below_the_folder_that_systemd_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """$STATE_DIRECTORY is where a relative state folder begins: its first entry, as it may hold several."""
    config = from_data({}, "x.toml")
    monkeypatch.setenv("STATE_DIRECTORY", f"{tmp_path / 'lib'}:/elsewhere")
    assert config.state == tmp_path / "lib" / "state"
    assert config.store_url == f"sqlite+aiosqlite:///{tmp_path}/lib/state/ctportd.db"
    monkeypatch.delenv("STATE_DIRECTORY")
    monkeypatch.chdir(tmp_path)
    assert config.state == tmp_path / "state"


def test_absolute_state_stays_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full path in the configuration is that path, systemd or not."""
    monkeypatch.setenv("STATE_DIRECTORY", "/elsewhere")
    assert from_data({"daemon": {"state": "/srv/ctportd"}}, "x.toml").state == Path("/srv/ctportd")


def test_store_is_the_one_that_is_named() -> None:
    """A database in the configuration replaces SQLite."""
    named = "postgresql+asyncpg://host/ctportd"
    assert from_data({"store": {"url": named}}, "x.toml").store_url == named


@pytest.mark.parametrize(("mode", "speed"), [("virtual", 20.0), ("program", 1.0), ("remote", 1.0)])
def test_only_virtual_lines_have_a_speed(mode: str, speed: float) -> None:
    """A card runs as fast as life, whatever the exchange is set to."""
    data: dict[str, Any] = {"exchange": {"speed": 20.0}, "ctserver": [{"mode": mode}]}
    config = from_data(data, "x.toml")
    assert config.line_speed(config.file.ctserver[0]) == speed


@pytest.mark.parametrize(
    ("address", "parts"),
    [
        ("127.0.0.1:1190", ("127.0.0.1", 1190)),
        ("[::1]:1190", ("::1", 1190)),
        ("localhost:1", ("localhost", 1)),
        ("h:65535", ("h", 65535)),
    ],
)
def test_address_in_its_parts(address: str, parts: tuple[str, int]) -> None:
    """Host and port, of IPv6 too."""
    assert split_address(address) == parts
    assert from_data({"exchange": {"listen": address}}, "x.toml").exchange_address == parts


@pytest.mark.parametrize(
    "address", ["", "h", ":1190", "[]:1190", "h:", "h:0", "h:65536", "h:-1", "h:x", "h:٣", "h: 1", "h:123456"]
)
def test_no_address(address: str) -> None:
    """What is no host and port is refused; an empty host, which would listen to the whole world, as well."""
    with pytest.raises(ValueError, match=f"^{re.escape(address)}$"):
        split_address(address)
    assert sentence({"exchange": {"listen": address}}).startswith("x.toml: [exchange] listen: found ")


# -- whatever comes

SCALARS = st.one_of(
    st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.dates(), st.times(), st.datetimes()
)
KEYS = st.one_of(
    st.sampled_from(sorted({name for pair in EVERY_KEY for name in pair})), st.text(max_size=4)
)  # known keys, else nothing but the first check is ever reached
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=12,
)


def outcome(read: Callable[[], Config]) -> Config | str:
    """The configuration, or the sentence in its place; anything else that is raised fails the test."""
    try:
        return read()
    except ConfigError as error:
        return str(error)


@given(st.dictionaries(KEYS, VALUES, max_size=5))
def test_random_data_is_refused_in_one_sentence_or_read(data: dict[str, Any]) -> None:
    """Whatever a file holds, it is a configuration that can be written and read, or one ConfigError."""
    read = outcome(lambda: from_data(data, "x.toml"))
    if isinstance(read, str):
        assert re.fullmatch("x.toml: .+", read)  # one line
    else:
        mail = msgspec.structs.replace(read.file.mail, password=MASK if read.file.mail.password else "")
        printed = msgspec.structs.replace(read.file, mail=mail)
        assert from_data(tomllib.loads(dump(effective(read))), "x.toml").file == printed


@given(st.binary(max_size=60) | st.text(alphabet="[]{}=\"'.,#\n ab1-:T", max_size=60).map(str.encode))
def test_random_bytes_are_refused_in_one_sentence_or_read(
    tmp_path_factory: pytest.TempPathFactory, text: bytes
) -> None:
    """Whatever a file's bytes are, nothing but ConfigError comes of them."""
    file = tmp_path_factory.getbasetemp() / "random.toml"
    file.write_bytes(text)
    read = outcome(lambda: load(file))
    assert isinstance(read, Config) or str(file) in read


SECRETS: list[tuple[dict[str, Any], str]] = [
    (
        {"store": {"url": "postgresql+asyncpg://ada:hush@db.example/x"}},
        "postgresql+asyncpg://ada:********@db.example/x",
    ),
    ({"store": {"url": "mysql+x://ada:h@u/sh@db/x?ssl=1"}}, "mysql+x://ada:********@db/x?ssl=1"),
    ({"store": {"url": "x+y://db/x?user=ada&password=hush&ssl=1"}}, "x+y://db/x?user=ada&password=********&ssl=1"),
    ({"plugins": {"a": {"boxes": {"100": {"pin": "hush"}}}}}, '[plugins.a.boxes.100]\npin = "********"'),
    ({"plugins": {"a": {"pins": ["scrypt:32768:8:1:hush"]}}}, 'pins = [\n    "********",\n]'),
    (
        {"plugins": {"a": {"mqtt_token": "hush", "api-key": "hush"}}},
        'mqtt_token = "********"\napi-key = "********"',
    ),
    ({"plugins": {"a": {"secret": {"of": ["hush", 1]}}}}, '[plugins.a.secret]\nof = [\n    "********",'),
    ({"plugins": {"a": {"run": ["curl", "--token=hush"]}}}, '"--token=********"'),
    (
        {"plugins": {"a": {"password": "", "shortest_pin": 4, "no_key": "x"}}},
        'password = ""\nshortest_pin = 4\nno_key = "x"',
    ),
    ({"mail": {"password_file": "mail.txt"}}, 'password_file = "mail.txt"'),
]


@pytest.mark.parametrize(("data", "shown"), SECRETS)
def test_secrets_are_shown_to_nobody(data: dict[str, Any], shown: str) -> None:
    """Passwords, PINs, their hashes and tokens are masked wherever they stand; what is none is not."""
    printed = dump(effective(from_data(data, "x.toml")))
    assert "hush" not in printed
    assert shown in printed
