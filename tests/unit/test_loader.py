"""Plugins: what is found, what is refused and in which words, and the commands that they add."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from ctportd.cli import program
from ctportd.errors import ConfigError
from ctportd.hooks.blame import Blame
from ctportd.hooks.loader import load_plugins
from ctportd.hooks.sources import find_plugins
from ctportd.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ctportd.hooks.loader import Plugins

ANSWERS = """
from ctportd import hookimpl

@hookimpl
async def answer_call(call):
    pass
"""

OBSERVES = ANSWERS.replace("answer_call", "call_ended")

SETTINGS = """
import msgspec

class Settings(msgspec.Struct):
    tries: int = 3
    greeting: str = "hello"
"""


@pytest.fixture(autouse=True)
def _no_plugin_stays() -> Iterator[None]:
    """Whatever was loaded is forgotten afterwards."""
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith("ctportd_plugins"):
            del sys.modules[name]


class Folder:
    """A folder of plugins."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, name: str, source: str) -> None:
        """Write a plugin's file."""
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(source))

    def load(self, **tables: dict[str, Any]) -> Plugins:
        """Load them all."""
        return load_plugins(self.path, tables, "x.toml")

    def problem(self, source: str, **tables: dict[str, Any]) -> str:
        """Why a plugin p with this source cannot be loaded; another one beside it always can."""
        self.add("p.py", source)
        self.add("other.py", ANSWERS)
        plugins = self.load(**tables)
        assert list(plugins.loaded) == ["other"]
        assert list(plugins.failed) == ["p"]
        assert plugins.failed["p"].plugin == "p"
        return str(plugins.failed["p"]).replace(f"{self.path}/", "")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """An empty folder for plugins."""
    path = tmp_path / "plugins"
    path.mkdir()
    return Folder(path)


# -- what is found


def test_files_and_packages_are_found(folder: Folder) -> None:
    """A file and a folder with an __init__.py are plugins, in the order of their names."""
    folder.add("second.py", ANSWERS)
    folder.add("first/__init__.py", "from .inner import WORD" + ANSWERS)
    folder.add("first/inner.py", "WORD = 'inner'")
    plugins = folder.load()
    assert list(plugins.loaded) == ["first", "second"]
    assert plugins.failed == {}
    assert plugins.loaded["first"].module.WORD == "inner"
    assert list(plugins.loaded["second"].hooks) == ["answer_call"]


def test_code_is_known_by_its_file(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the folder is named by a relative path: whose fault something is, is told by that."""
    folder.add("one.py", ANSWERS)
    folder.add("two/__init__.py", "from .inner import function" + ANSWERS)
    folder.add("two/inner.py", "def function(): pass")
    monkeypatch.chdir(folder.path.parent)
    plugins = load_plugins(Path("plugins"), {}, "x.toml").loaded
    blame = Blame(plugins.values())
    for plugin, function in ((plugins["one"], "answer_call"), (plugins["two"], "function")):
        code = getattr(plugin.module, function).__code__
        assert list(blame.of_file(code.co_filename)) == [plugin]


@pytest.mark.parametrize(
    "name",
    [
        "_helper.py",
        ".hidden.py",
        "__pycache__/x.py",
        "_pkg/__init__.py",
        ".git/__init__.py",
        "notes.txt",
        "lib/x.py",
    ],
)
def test_what_is_no_plugin_is_left_alone(folder: Folder, name: str) -> None:
    """Underscore, dot, other files, and folders without an __init__.py: not even opened."""
    folder.add(name, "raise RuntimeError")
    assert find_plugins(folder.path) == {}
    assert folder.load().failed == {}


def test_folders_within_a_package_are_imported(folder: Folder) -> None:
    """A plugin may be laid out in as many folders as it likes."""
    folder.add("p/__init__.py", "from .far.below import WORD" + ANSWERS)
    folder.add("p/far/__init__.py", "")
    folder.add("p/far/below.py", "WORD = 'below'")
    plugins = folder.load()
    assert plugins.failed == {}
    assert plugins.loaded["p"].module.WORD == "below"


def test_plugin_that_only_sets_up_is_loaded(folder: Folder) -> None:
    """A file without hooks is a plugin that does nothing."""
    folder.add("p.py", "X = 1")
    assert folder.load().loaded["p"].hooks == {}


def test_hook_of_another_name_is_found(folder: Folder) -> None:
    """A function may have a name of its own and say which hook it is."""
    folder.add(
        "p.py", ANSWERS.replace("@hookimpl", "@hookimpl(specname='answer_call')").replace("def answer", "def my")
    )
    hooks = folder.load().loaded["p"].hooks
    assert hooks["answer_call"].function.__name__ == "my_call"


def test_folder_that_is_not_there(tmp_path: Path) -> None:
    """A folder that is not there is a mistake of the configuration."""
    with pytest.raises(ConfigError) as refused:
        load_plugins(tmp_path / "none", {}, "x.toml")
    assert str(refused.value) == f"x.toml: [plugins] directory: found '{tmp_path}/none', which is no folder"


# -- what cannot be loaded, while the others can


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("import nosuch", "ModuleNotFoundError: No module named 'nosuch'"),
        ("def (", "SyntaxError: invalid syntax (p.py, line 1)"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        ("raise ValueError", "ValueError"),
        ("raise ValueError('two\\n  lines')", "ValueError: two lines"),
        ("import sys; sys.modules.pop(__name__); raise ValueError", "ValueError"),
    ],
)
def test_plugin_that_raises_is_left_out(folder: Folder, source: str, told: str) -> None:
    """Whatever a plugin's code does when it is loaded, the reason is one line, and nothing of it stays."""
    assert folder.problem(source) == f"plugin p: cannot be loaded from p.py: {told}"
    assert "ctportd_plugins.p" not in sys.modules


def test_ctrl_c_is_not_the_plugins(folder: Folder) -> None:
    """Whoever interrupts the loading means the daemon."""
    folder.add("p.py", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        folder.load()


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (
            ANSWERS.replace("answer_call", "anser_call"),
            "there is no hook 'anser_call'; did you mean 'answer_call'?",
        ),
        (ANSWERS.replace("(call)", "(call, *, settings)"), "answer_call takes 'settings' by keyword only: "),
        (ANSWERS + "@hookimpl(specname='answer_call')\nasync def again(call): pass", "answer_call is there twice"),
        (
            ANSWERS.replace("@hookimpl", "@hookimpl(wrapper=True)")
            .replace("async def", "def")
            .replace("pass", "yield"),
            "answer_call is a wrapper: plugins are called apart from each other, so none can wrap",
        ),
        (ANSWERS.replace("pass", "yield"), "answer_call has a yield: nothing of it would run"),
        (
            OBSERVES.replace("async ", "").replace("pass", "yield"),
            "call_ended has a yield: nothing of it would run",
        ),
        (
            ANSWERS.replace("@hookimpl", "@hookimpl(hookwrapper=True)")
            .replace("async def", "def")
            .replace("pass", "yield"),
            "answer_call is a wrapper: ",
        ),
    ],
    ids=["misspelt", "keyword", "twice", "wrapper", "generator", "plain generator", "old wrapper"],
)
def test_hook_that_does_not_fit(folder: Folder, source: str, told: str) -> None:
    """A function that could never be called as a hook is refused before the daemon starts, by its name."""
    assert folder.problem(source).startswith(f"plugin p: {told}")


def test_wrong_argument_is_named(folder: Folder) -> None:
    """An argument that the hook does not have is told, with the hook."""
    problem = folder.problem(ANSWERS.replace("(call)", "(cal)"))
    assert problem.startswith("plugin p: ")
    assert "answer_call(cal)" in problem
    assert "{'cal'}" in problem


# -- settings


def test_settings_are_typed(folder: Folder) -> None:
    """A plugin with a Settings gets an instance of it; what the table leaves out has its default."""
    folder.add("p.py", SETTINGS)
    plugin = folder.load(p={"tries": 5}).loaded["p"]
    assert isinstance(plugin.settings, plugin.module.Settings)
    assert (plugin.settings.tries, plugin.settings.greeting) == (5, "hello")
    assert folder.load().loaded["p"].settings.tries == 3


@pytest.mark.parametrize("source", [ANSWERS, "class Settings: pass", "Settings = 3"])
def test_settings_without_a_type_are_the_table(folder: Folder, source: str) -> None:
    """A plugin that declares no type gets the table as it stands, without the key that is the daemon's."""
    folder.add("p.py", source)
    assert folder.load(p={"a": 1, "enabled": True}).loaded["p"].settings == {"a": 1}


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({"tries": "many"}, "[plugins.p] tries: found 'many', expected a whole number"),
        ({"tires": 3}, "[plugins.p]: there is no key 'tires'; did you mean 'tries'?"),
        ({"enabled": "no"}, "[plugins.p] enabled: found 'no', expected true or false"),
    ],
)
def test_mistake_in_a_plugins_table(folder: Folder, table: dict[str, Any], told: str) -> None:
    """It is told as any other mistake of the file, with the plugin's table, and nothing starts."""
    folder.add("p.py", SETTINGS)
    with pytest.raises(ConfigError) as refused:
        folder.load(p=table)
    assert str(refused.value) == f"x.toml: {told}"


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (SETTINGS.replace("tries: int", "tries: 'Absent'"), "NameError: name 'Absent' is not defined"),
        (SETTINGS + "    def __post_init__(self): raise KeyError('x')", "KeyError: 'x'"),
        (SETTINGS + "    def __post_init__(self): import sys; sys.modules['none']", "KeyError: 'none'"),
    ],
)
def test_settings_that_cannot_be_used(folder: Folder, source: str, told: str) -> None:
    """A fault in the type is the plugin's, not the operator's: the plugin is left out, the others load."""
    assert folder.problem(source) == f"plugin p: its Settings cannot be used: {told}"


def test_table_of_no_plugin(folder: Folder) -> None:
    """A table whose plugin is not there names the nearest."""
    folder.add("voicemail.py", ANSWERS)
    with pytest.raises(ConfigError) as refused:
        folder.load(voicemial={})
    assert (
        str(refused.value)
        == "x.toml: [plugins.voicemial]: there is no plugin 'voicemial'; did you mean 'voicemail'?"
    )


def test_plugin_that_is_not_enabled_does_not_run(folder: Folder) -> None:
    """With enabled = false its code is not even loaded, and its table not looked at."""
    folder.add("p.py", "raise RuntimeError")
    plugins = folder.load(p={"enabled": False, "nonsense": 1})
    assert not plugins.loaded
    assert not plugins.failed
    assert plugins.disabled == {"p"}


# -- handlers


@pytest.mark.parametrize(
    ("handler", "told"),
    [
        ("voicemial", "there is no plugin 'voicemial'; did you mean 'voicemail'?"),
        ("x", "there is no plugin 'x'; there are: log, voicemail, broken"),
        ("log", "the plugin 'log' answers no calls: it has no answer_call"),
        ("off", "the plugin 'off' is not enabled: see [plugins.off]"),
    ],
)
def test_handler_that_answers_nothing(folder: Folder, handler: str, told: str) -> None:
    """A port's handler must be there, run, and answer calls."""
    folder.add("voicemail.py", ANSWERS)
    folder.add("log.py", OBSERVES)
    folder.add("off.py", ANSWERS)
    folder.add("broken.py", "raise RuntimeError")
    plugins = folder.load(off={"enabled": False})
    with pytest.raises(ConfigError) as refused:
        plugins.check_handlers(["voicemail", handler], "x.toml: [[port]] number 1")
    assert str(refused.value) == f"x.toml: [[port]] number 1 handlers: {told}"


def test_handler_that_could_not_be_loaded_passes(folder: Folder) -> None:
    """A plugin that is broken today does not keep the daemon from its other lines."""
    folder.add("broken.py", "raise RuntimeError")
    folder.load().check_handlers(["broken"], "x.toml: [[port]] number 1")


# -- commands

COMMAND = """
from ctportd import hookimpl

print("p runs")

@hookimpl
def register_commands(cli, settings):
    @cli.command()
    def greet():
        '''Greet.'''
        print(f"hello {settings['whom']}")
"""


@pytest.fixture
def invoke(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run ctportd with a configuration whose plugins' folder is this one; returns status, output, errors."""
    monkeypatch.chdir(folder.path.parent)
    (folder.path.parent / "x.toml").write_text("[plugins]\nshipped = false\n[plugins.p]\nwhom = 'Ada'\n")
    folder.add("p.py", COMMAND)

    def run(*arguments: str) -> tuple[int, str, str]:
        result = CliRunner().invoke(program, ["--config", "x.toml", *arguments], prog_name="ctportd")
        return result.exit_code, result.stdout, result.stderr

    return run


def test_plugins_command_is_run(invoke: Any) -> None:
    """A command of a plugin's is one of ctportd's, with the plugin's settings."""
    assert invoke("greet") == (0, "p runs\nhello Ada\n", "")


def test_plugins_command_may_wait(folder: Folder, invoke: Any) -> None:
    """It is run to its end, also below a group of the plugin's, and has the store, which is empty at first."""
    folder.add(
        "w.py",
        """
import asyncio
from ctportd import hookimpl

@hookimpl
def register_commands(cli, site):
    @cli.group()
    def box(): ...

    @box.command()
    async def look():
        await asyncio.sleep(0)
        print(await site.store.family("box", int))

    @box.command()
    async def put():
        await site.store.put("box", "a", 1)
""",
    )
    assert invoke("box", "look") == (0, "p runs\n{}\n", "")
    status, _, errors = invoke("box", "put")
    assert status == 1
    assert "there is no" in errors
    (folder.path.parent / "state").mkdir()
    store = Store(f"sqlite+aiosqlite:///{folder.path.parent}/state/ctportd.db")
    asyncio.run(_made(store))
    assert invoke("box", "put")[0] == 0
    assert invoke("box", "look") == (0, "p runs\n{'a': 1}\n", "")


async def _made(store: Store) -> None:
    await store.open()
    await store.close()


def test_plugins_command_is_in_the_help(invoke: Any) -> None:
    """Help of the named configuration lists it, and runs the plugins once."""
    status, out, _ = invoke("--help")
    assert status == 0
    assert "From plugins:\n  greet  Greet.\n" in out
    assert out.count("p runs") == 1


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("def register_commands(): raise RuntimeError('no luck')", "RuntimeError: no luck"),
        ("def register_commands(): raise SystemExit(3)", "SystemExit: 3"),
        (
            "async def register_commands(): pass",
            "TypeError: it is async def, and nothing waits for it here",
        ),
        ("def register_commands(cli): cli.command()(None)", "AttributeError: "),
    ],
    ids=["raises", "exits", "async", "misuses click"],
)
def test_plugin_that_fails_to_register_is_told_and_left_out(
    folder: Folder, invoke: Any, source: str, told: str
) -> None:
    """It costs neither the other plugins' commands nor ours, and it is told once."""
    folder.add("bad.py", f"from ctportd import hookimpl\n@hookimpl\n{source}")
    status, out, errors = invoke("greet")
    assert (status, out) == (0, "p runs\nhello Ada\n")
    assert errors.startswith(f"ctportd: plugin bad: register_commands failed: {told}")
    status, out, errors = invoke("--help")
    assert status == 0
    assert "greet" in out
    assert errors.count("register_commands failed") == 1


def test_our_own_command_needs_no_plugin(folder: Folder, invoke: Any) -> None:
    """A command of ours is there whatever the plugins do: they are not even loaded for it."""
    folder.add("bad.py", "raise KeyboardInterrupt")
    status, out, _ = invoke("config")
    assert status == 0
    assert "[plugins.p]" in out


def test_unknown_command_is_told_as_such(invoke: Any) -> None:
    """A command that neither we nor a plugin have is a mistake in the command line."""
    status, _, errors = invoke("gret")
    assert status == 64
    assert "No such command 'gret'" in errors
