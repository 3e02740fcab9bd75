"""``ctportd init --system``: everything under /etc and /var that a service needs."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

from ctportd.errors import ServerError
from ctportd.installing.steps import Owner, Step
from ctportd.shipped import shipped

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

USER = "ctportd"
_ROOT = 0
_IN_UNIT = "/usr/bin/ctportd"
"""What the unit that ships runs."""

_HIDDEN = ("home", "root", "run/user")
"""Below /, what ProtectHome= hides from the service."""

README = """\
Plugins of your own: each NAME.py, or NAME/ with an __init__.py, in this folder is one.
`ctportd plugin new NAME --directory /etc/ctportd/plugins` writes one to begin with.
Those that come with ctportd need not be here: one here with the same name is taken instead.
"""


def user_steps(root: Path) -> list[Step]:
    """What must be there before the user can be made."""
    return [_copied(root / "etc/sysusers.d/ctportd.conf", "systemd/sysusers.d/ctportd.conf")]


def make_user(root: Path) -> str:
    """Make the user that the daemon is to run as, by systemd-sysusers; returns what was done.

    Raises:
        ServerError: There is none, and nothing to make it with.
    """
    if find_user(root) is not None:
        return f"left as it is: the user {USER}"
    program = shutil.which("systemd-sysusers")
    by_hand = f"useradd --system --home-dir /var/lib/ctportd --shell /usr/sbin/nologin {USER}"
    again = f"make it, such as by `{by_hand}`, and then say ctportd init --system again"
    if program is None:
        raise ServerError(f"there is no user {USER}, and no systemd-sysusers to make it; {again}")
    made = subprocess.run(  # noqa: S603 - no shell, and words of ours
        [program, f"--root={root}", str(root / "etc/sysusers.d/ctportd.conf")],
        check=False,
        capture_output=True,
        text=True,
    )
    if made.returncode != 0 or find_user(root) is None:
        raise ServerError(f"systemd-sysusers did not make the user {USER} ({made.stderr.strip()}); {again}")
    return f"made the user {USER}"


def find_user(root: Path) -> Owner | None:
    """The numbers of the daemon's user, in the system below ``root``."""
    try:
        lines = (root / "etc/passwd").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return None
    for name, _, user, group, *_ in (line.split(":") for line in lines if line.count(":") >= 3):
        if name == USER:
            return Owner(int(user), int(group))
    return None


def steps(root: Path, configuration: str, command: list[str], *, card: bool) -> Iterator[Step]:
    """Everything else, in order.

    Args:
        root: What stands for ``/``.
        configuration: The text of the configuration.
        command: What runs ctportd.
        card: Whether a card is opened.
    """
    ours = find_user(root) if os.geteuid() == _ROOT else None
    read_by_us = Owner(_ROOT, ours.group) if ours else None
    yield Step(root / "etc/ctportd", mode=0o750, owner=read_by_us)
    yield Step(root / "etc/ctportd/ctportd.toml", configuration, 0o640, read_by_us)
    yield Step(root / "etc/ctportd/plugins", mode=0o755)
    yield Step(root / "etc/ctportd/plugins/README", README)
    yield Step(root / "var/lib/ctportd", mode=0o750, owner=ours)
    yield Step(root / "var/log/ctportd", mode=0o750, owner=ours)
    unit = shipped("systemd/ctportd.service").read_text(encoding="utf-8")
    words = " ".join(_unit_word(word) for word in command)
    yield Step(root / "etc/systemd/system/ctportd.service", unit.replace(f"={_IN_UNIT} ", f"={words} "))
    yield _copied(root / "etc/tmpfiles.d/ctportd.conf", "systemd/tmpfiles.d/ctportd.conf")
    if shipped("etc/logrotate/ctportd").is_file():
        yield _copied(root / "etc/logrotate.d/ctportd", "etc/logrotate/ctportd")
    if card:
        yield _copied(root / "etc/udev/rules.d/70-ctportd.rules", "etc/udev/70-ctportd.rules")


def hidden_by_the_unit(command: list[str]) -> str:
    """Which part of the command the service could not see, since it is in somebody's home; empty: none."""
    found = (word for word in command if word.startswith(tuple(f"/{folder}/" for folder in _HIDDEN)))
    return next(found, "")


def _copied(path: Path, name: str) -> Step:
    return Step(path, shipped(name).read_text(encoding="utf-8"))


def _unit_word(word: str) -> str:
    """A word of ExecStart=, by the rules of systemd.service(5)."""
    word = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{word}"' if " " in word else word
