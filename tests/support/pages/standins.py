"""Commands that no test may run, and what is looked at instead: that they are ones that make sense here.

They change the machine (packages, users, services), or need one that is not there (a card, the network). Their options
are asked of the real program where it is installed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).parents[3]

if TYPE_CHECKING:
    from collections.abc import Callable


class NotWellFormed(Exception):  # noqa: N818 - what it says
    """A command of a document that could not be meant."""


def _demand(holds: object, told: str) -> None:
    if not holds:
        raise NotWellFormed(told)


@cache
def _help(*command: str) -> str:
    if command[0].endswith(".py"):
        command = (sys.executable, *command)
    elsewhere = [folder for folder in os.environ["PATH"].split(os.pathsep) if not folder.endswith("/.programs")]
    program = shutil.which(command[0], path=os.pathsep.join(elsewhere))  # not the stand-in, which would ask itself
    if program is None:
        return ""
    done = subprocess.run(
        [program, *command[1:], "--help"], check=False, capture_output=True, text=True, timeout=20
    )
    return done.stdout + done.stderr


def _options_exist(program: str, arguments: list[str]) -> None:
    told = _help(program)
    for option in (each.partition("=")[0] for each in arguments if each.startswith("-") and each != "--"):
        known = re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", told)
        short = re.fullmatch("-[a-zA-Z]+", option) and all(f"-{letter}" in told for letter in option[1:])
        _demand(not told or known or short, f"{program} has no option {option}")


def _units() -> set[str]:
    return {path.name for path in (ROOT / "systemd").glob("*.*")}


def _unit_is_ours(name: str) -> None:
    unit = name if "." in name else f"{name}.service"
    _demand(unit in _units(), f"there is no unit {unit} in systemd/")


def _systemctl(arguments: list[str]) -> None:
    _options_exist("systemctl", arguments)
    verb, *units = [each for each in arguments if not each.startswith("-")]
    _demand(
        re.search(rf"^\s+{verb}\b", _help("systemctl") or f"  {verb}", re.MULTILINE), f"systemctl knows no {verb}"
    )
    for unit in units:
        _unit_is_ours(unit)


def _journalctl(arguments: list[str]) -> None:
    _options_exist("journalctl", arguments)
    for option, value in pairwise(arguments):
        if option in {"-u", "--unit"}:
            _unit_is_ours(value)


_PACKAGES = {
    "ctportd",
    "python3",
    "python3-venv",
    "python3-pip",
    "pipx",
    "make",
    "git",
    "flite",
    "logrotate",
    "sox",
    "curl",
    "jq",
}


def _apt(arguments: list[str]) -> None:
    verb, *names = [each for each in arguments if not each.startswith("-")]
    _demand(verb in {"install", "update"}, f"apt has no {verb} that a document needs")
    _demand(set(names) <= _PACKAGES, f"no package of Debian that is known here: {set(names) - _PACKAGES}")


def _pip(arguments: list[str]) -> None:
    verb, *names = [each for each in arguments if not each.startswith("-")]
    _demand(verb in {"install", "uninstall"}, f"pip {verb} is not what a document needs")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for name in names:
        found = re.fullmatch(r"(?:.*/)?(?:ctportd|\.|[\w.-]+\.whl)(?:\[([\w,]+)\])?", name)
        _demand(found, f"pip install {name}: is not ctportd")
        extras = set(((found and found[1]) or "").split(",")) - {""}
        _demand(extras <= set(project["optional-dependencies"]), f"pip install {name}: there is no such extra")


def _options_only(program: str) -> Callable[[list[str]], None]:
    return lambda arguments: _options_exist(program, arguments)


def _python(arguments: list[str]) -> None:
    if arguments[:2] == ["-m", "pip"]:
        _pip(arguments[2:])
        return
    if arguments[:1] == ["scripts/make_prompts.py"]:
        _options_exist(str(ROOT / "scripts/make_prompts.py"), arguments[1:])
        return
    _demand(arguments[:2] == ["-m", "venv"], f"python3 {arguments}: has no stand-in")
    folder = Path(arguments[2], "bin")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "activate").write_text("")


def _clone(arguments: list[str]) -> None:
    _demand(arguments[:1] == ["clone"], "git: only clone has a stand-in")


def _sudo(arguments: list[str]) -> None:
    while arguments and arguments[0].startswith("-"):
        arguments = arguments[2:] if arguments[0] in {"-u", "-g"} else arguments[1:]
    _demand(arguments, "sudo: of what?")
    if arguments[0] in STANDINS:
        STANDINS[arguments[0]](arguments[1:])


STANDINS: dict[str, Callable[[list[str]], None]] = {
    "apt": _apt,
    "apt-get": _apt,
    "pip": _pip,
    "pipx": _pip,
    "systemctl": _systemctl,
    "journalctl": _journalctl,
    "useradd": _options_only("useradd"),
    "usermod": _options_only("usermod"),
    "groupadd": _options_only("groupadd"),
    "chown": _options_only("chown"),
    "modprobe": _options_only("modprobe"),
    "udevadm": _options_only("udevadm"),
    "logrotate": _options_only("logrotate"),
    "git": _clone,
    "sudo": _sudo,
    "python": _python,
    "python3": _python,
}
"""Each with what looks at its arguments: packages, users, services and devices are not the tests' to change; the network
is not theirs to use; a real virtual environment takes longer than all of a page."""


def main() -> None:
    """As a program: under the name of what it stands for."""
    name, *arguments = sys.argv[1:]
    try:
        STANDINS[name](arguments)
    except NotWellFormed as problem:
        sys.exit(str(problem))


if __name__ == "__main__":
    main()
