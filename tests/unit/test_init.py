"""``ctportd init``: what it writes is good as it stands, and nothing is overwritten."""

from __future__ import annotations

import os
import re
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from ctportd.cli import program
from ctportd.config import load
from ctportd.hooks.owners import check_config_owner
from ctportd.installing.wishes import SYSTEM
from ctportd.shipped import shipped

if TYPE_CHECKING:
    from click.testing import Result


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is run."""
    monkeypatch.chdir(tmp_path)


def ctportd(*arguments: str | Path, answers: str = "") -> Result:
    """Run a command; with answers, as if on a terminal."""
    return CliRunner().invoke(program, list(map(str, arguments)), input=answers, prog_name="ctportd")


WAYS: dict[str, list[str]] = {
    "nothing said": [],
    "virtual": ["--virtual", "--ports", "2", "--pin", "4711", "--name", 'Ada "the" Lovelace', "--area", "212"],
    "attendant": ["--attendant", "--country", "de", "--mailbox", "201"],
    "card": ["--program", "/usr/sbin/no-such-ctserver", "--ports", "8"],
    "elsewhere": ["--remote", "192.0.2.1", "--ports", "1"],
    "mail": ["--mail-server", "localhost", "--email", "ada@example.org", "--mail-from", "phone@example.org"],
}


@pytest.mark.parametrize("options", WAYS.values(), ids=WAYS.keys())
def test_what_is_written_is_good(tmp_path: Path, options: list[str]) -> None:
    """``check`` finds nothing to say, not even a hint; what the next steps are is told."""
    made = ctportd("init", *options)
    assert made.exit_code == 0, made.output
    path = Path("etc/ctportd.toml")
    assert made.stdout.startswith(f"made the file {path}\nmade the folder plugins\nmade the file plugins/README\n")
    assert "\nNext:\n  ctportd check " in made.stdout
    assert ("phone 1" in made.stdout) == (options[:1] not in (["--program"], ["--remote"]))
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    checked = ctportd("check", "--strict")
    assert checked.exit_code == 0, checked.output
    assert checked.stdout.count("\n") == 1


def test_options_are_followed() -> None:
    """Each is where it belongs; a PIN stands there as a hash only, and one that nobody chose is told once."""
    ctportd("init", *WAYS["virtual"], *WAYS["mail"], "--attendant")
    config = load(Path("etc/ctportd.toml"))
    assert [port.handlers for port in config.file.port] == [["screening", "auto_attendant"]] * 2
    assert (config.file.numbers.area, config.file.mail.sender) == ("212", "phone@example.org")
    mailbox = config.plugins["voicemail"]["mailboxes"]["100"]
    assert (mailbox["name"], mailbox["email"]) == ('Ada "the" Lovelace', "ada@example.org")
    assert mailbox["pin"].startswith("scrypt:")
    made = ctportd("init", "other", "--pin", mailbox["pin"])
    assert "PIN of" not in made.stdout
    assert load(Path("other/etc/ctportd.toml")).plugins["voicemail"]["mailboxes"]["100"]["pin"] == mailbox["pin"]
    made = ctportd("init", "third.toml")
    assert re.search(r"The PIN of mailbox 100 is \d{6}\. It is written down nowhere else\.", made.stdout)
    assert "ctportd --config third.toml phone 1" in made.stdout


def test_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal it asks for what no option says."""
    monkeypatch.setattr("ctportd.cli.init._on_terminal", lambda: True)
    answers = "program\n/opt/ctserver\n2\n\nAda\n4711\n4711\ny\nDE\n30\nmail.example.org\nada@example.org\n\n"
    made = ctportd("init", answers=answers)
    assert made.exit_code == 0, made.output
    assert "4711" not in made.stdout
    file = load(Path("etc/ctportd.toml")).file
    assert (file.ctserver[0].mode, file.ctserver[0].program) == ("program", "/opt/ctserver")
    assert [port.handlers for port in file.port] == [["screening", "auto_attendant"]] * 2
    assert (file.numbers.country, file.numbers.area) == ("DE", "30")
    assert (file.mail.host, file.mail.sender, file.mail.security) == (
        "mail.example.org",
        "ada@example.org",
        "starttls",
    )
    assert ctportd("init", "all", "--yes").exit_code == 0  # which asks nothing


def test_nothing_is_overwritten() -> None:
    """It says what to do instead."""
    ctportd("init")
    before = Path("etc/ctportd.toml").read_text()
    again = ctportd("init", "--ports", "1")
    told = "init: etc/ctportd.toml is there already, and is left as it is: name another place, or remove it"
    assert (again.exit_code, again.stderr) == (1, f"ctportd: {told}\n")
    assert Path("etc/ctportd.toml").read_text() == before


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (["--virtual", "--remote", "x"], 64, "--virtual, --program and --remote: one of the three"),
        (["--email", "ada@example.org"], 64, "--email and --mail-from need a --mail-server"),
        (["--pin", "x"], 64, "--pin: "),
        (["--mailbox", "a.b"], 64, "--mailbox: found 'a.b', expected a number"),
        (["--dry-run"], 64, "--root and --dry-run are for --system"),
        (["--system", "x"], 64, "leave out WHERE, or name --root"),
        (["--mail-server", "mail.example.org", "--mail-from", "nobody"], 78, "[mail] sender: found 'nobody'"),
        (["etc/ctportd.toml/x"], 1, "cannot be made: Not a directory"),
    ],
)
def test_what_cannot_be(arguments: list[str], status: int, told: str) -> None:
    """It is told, and nothing is written."""
    if arguments[0].startswith("etc/"):
        Path("etc").mkdir()
        Path("etc/ctportd.toml").write_text("")
    refused = ctportd("init", *arguments)
    assert refused.exit_code == status, refused.output
    assert told in refused.stderr
    assert not Path("plugins").exists()


def test_sample() -> None:
    """Every key there is, as it ships."""
    assert ctportd("init", "--sample").stdout == shipped("etc/ctportd.toml").read_text()


# -- the whole system


def tree(root: Path) -> dict[str, tuple[str, int, int]]:
    """Everything below a folder: permissions, and the numbers of user and group."""
    found = {str(path.relative_to(root)): path.lstat() for path in sorted(root.rglob("*"))}
    return {name: (oct(stat.S_IMODE(its.st_mode)), its.st_uid, its.st_gid) for name, its in found.items()}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder that stands for ``/``, of a system that has the user already: 990, of the group 991."""
    root = tmp_path / "root"
    (root / "etc").mkdir(parents=True)
    (root / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\nctportd:x:990:991::/var/lib/ctportd:/bin/false\n")
    return root


def test_system(root: Path) -> None:
    """Each thing is told; what the daemon writes is its user's, what it follows is root's; again, all is left."""
    made = ctportd("init", "--system", "--root", root, "--program", "/usr/sbin/ctserver", "--ports", "2")
    assert made.exit_code == 0, made.output
    us = (990, 991) if os.geteuid() == 0 else (os.geteuid(), os.getegid())
    read_by_us = (0, 991) if os.geteuid() == 0 else us
    root_only = (0, 0) if os.geteuid() == 0 else us
    there = tree(root)
    expected = {
        "etc/ctportd": ("0o750", *read_by_us),
        "etc/ctportd/ctportd.toml": ("0o640", *read_by_us),
        "etc/ctportd/plugins": ("0o755", *root_only),
        "etc/ctportd/plugins/README": ("0o644", *root_only),
        "etc/systemd/system/ctportd.service": ("0o644", *root_only),
        "etc/sysusers.d/ctportd.conf": ("0o644", *root_only),
        "etc/tmpfiles.d/ctportd.conf": ("0o644", *root_only),
        "etc/udev/rules.d/70-ctportd.rules": ("0o644", *root_only),
        "var/lib/ctportd": ("0o750", *us),
        "var/log/ctportd": ("0o750", *us),
    }
    assert {name: there[name] for name in expected} == expected
    for name in expected:
        kind = "folder" if (root / name).is_dir() else "file"
        assert f"made the {kind} {root / name}\n" in made.stdout
    assert "left as it is: the user ctportd\n" in made.stdout
    (root / "etc/ctportd/ctportd.toml").write_text("# mine\n")
    again = ctportd("init", "--system", "--root", root)
    assert again.exit_code == 0, again.output
    assert "made " not in again.stdout
    for name in expected.keys() - {"etc/udev/rules.d/70-ctportd.rules"}:  # which is for a card, and none was named
        assert f"left as it is: {root / name}\n" in again.stdout
    assert tree(root) == there
    assert (root / "etc/ctportd/ctportd.toml").read_text() == "# mine\n"


def test_system_configuration(root: Path) -> None:
    """It names the folders that the unit makes, and is followed as root."""
    ctportd("init", "--system", "--root", root)
    path = root / "etc/ctportd/ctportd.toml"
    check_config_owner(path)
    file = load(path).file
    assert (file.daemon.state, file.log.file, file.control.socket) == (SYSTEM.state, SYSTEM.log, SYSTEM.socket)
    assert (file.exchange.log, file.plugins.directory) == (SYSTEM.exchange_log, SYSTEM.plugins)
    unit = (root / "etc/systemd/system/ctportd.service").read_text()
    assert "/usr/bin/ctportd" not in unit
    (start, reload) = re.findall(r"(?m)^Exec(?:Start|Reload)=(.*)$", unit)
    assert start.endswith(" --config /etc/ctportd/ctportd.toml")
    assert reload == f"{start} reload"
    assert start.startswith("/")


def test_dry_run(root: Path) -> None:
    """It tells what it would make, and makes nothing."""
    before = tree(root)
    told = ctportd("init", "--system", "--root", root, "--dry-run")
    assert told.exit_code == 0, told.output
    assert f"would make the file {root}/etc/ctportd/ctportd.toml\n" in told.stdout
    assert tree(root) == before


def test_user_is_made(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By systemd-sysusers; where there is none, it says how to do it by hand, and goes no further."""
    (root / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\n")
    with monkeypatch.context() as without:
        without.setattr("ctportd.installing.system.shutil.which", lambda _: None)
        refused = ctportd("init", "--system", "--root", root)
        assert refused.exit_code == 1
        assert "no systemd-sysusers to make it; make it, such as by `useradd --system" in refused.stderr
        assert not (root / "var").exists()
    if shutil.which("systemd-sysusers") is None or os.geteuid() != 0:
        assert not os.environ.get("CI"), "systemd-sysusers is missing, which .ci/run installs"
        pytest.skip("systemd-sysusers is missing, or we are not root")
    made = ctportd("init", "--system", "--root", root)
    assert made.exit_code == 0, made.output
    assert "made the user ctportd\n" in made.stdout
    entry = next(line for line in (root / "etc/passwd").read_text().splitlines() if line.startswith("ctportd:"))
    assert (root / "var/lib/ctportd").stat().st_uid == int(entry.split(":")[2])
