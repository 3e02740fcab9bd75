"""As root, a plugin that anybody else can change is refused, and the reason tells what to do."""

from __future__ import annotations

import grp
import os
import pwd
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ctportd.errors import ConfigError, PluginError
from ctportd.hooks.loader import load_plugins
from ctportd.hooks.owners import check_config_owner, check_found_config, check_owners, check_program_owner

if TYPE_CHECKING:
    from collections.abc import Callable

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")

OTHER = 54321
"""A user, and a group, of which the system knows nothing but the number."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a plugin p, and a package q, that are root's alone; those on the way are too."""
    folder = tmp_path / "on" / "plugins"
    (folder / "q" / "far").mkdir(parents=True)
    (folder / "__pycache__").mkdir()
    for file in ("p.py", "q/__init__.py", "q/far/below.py", "__pycache__/p.cpython-311.pyc"):
        (folder / file).write_text("")
        (folder / file).chmod(0o644)
    return folder


def problem(folder: Path, name: str = "p") -> str:
    """Why a plugin is refused; empty where it is not."""
    path = folder / "q" / "__init__.py" if name == "q" else folder / f"{name}.py"
    try:
        check_owners(name, path)
    except PluginError as error:
        return str(error).replace(f"{folder.parent.parent}/", "")
    return ""


def refused(name: str, reason: str, remedy: str) -> str:
    """The sentence."""
    return f"plugin {name}: is not run as root: {reason}; {remedy} it, or run ctportd as another user"


def give_to_group(path: Path) -> None:
    """Let a group other than root's write it."""
    os.chown(path, 0, OTHER)
    path.chmod(0o775)


@as_root
def test_configuration_that_others_can_change_is_not_followed(folder: Path) -> None:
    """It names programs to run: as root, they are nobody's choice but root's."""
    config = folder / "ctportd.toml"
    config.write_text("")
    config.chmod(0o644)
    check_config_owner(config)
    config.chmod(0o666)
    with pytest.raises(
        ConfigError, match=r"is not followed as root: everybody can write .*; chmod o-w it, or run"
    ):
        check_config_owner(config)
    config.chmod(0o644)
    os.chown(config, OTHER, 0)
    with pytest.raises(ConfigError, match=f"belongs to {OTHER}; chown root it, or run ctportd as another user"):
        check_config_owner(config)


@as_root
def test_configuration_that_is_not_there_is_told_of(tmp_path: Path) -> None:
    """As reading it would be."""
    with pytest.raises(ConfigError, match=r"none.toml: cannot be read: No such file or directory"):
        check_config_owner(tmp_path / "none.toml")


@as_root
@pytest.mark.parametrize("path", ["bin/ctserver", "bin", "link"])
def test_ctserver_that_others_can_change_is_not_run(tmp_path: Path, path: str) -> None:
    """File, folder, and the link that leads there; a program that is not there is told of when it is run."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "ctserver"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    link = tmp_path / "link"
    link.symlink_to(program)
    check_program_owner("c.toml", str(link))
    check_program_owner("c.toml", str(tmp_path / "none"))
    check_program_owner("c.toml", "sh")
    os.chown(tmp_path / path, OTHER, 0, follow_symlinks=False)
    told = rf"c.toml: \[\[ctserver\]\] program: {link} is not run as root: {tmp_path / path} belongs to {OTHER}; chown"
    with pytest.raises(ConfigError, match=told):
        check_program_owner("c.toml", str(link))


@as_root
@pytest.mark.parametrize("user", [0, 12345])
@pytest.mark.parametrize("path", [".", "etc", "etc/ctportd.toml"])
def test_configuration_of_somebody_elses_folder_is_not_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, user: int
) -> None:
    """What lies in the current folder is followed only if it is the user's own, or root's: others lay traps."""
    default = Path("etc/ctportd.toml")
    (tmp_path / "etc").mkdir()
    (tmp_path / default).write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    check_found_config(default)
    os.chown(path, user, 0)
    check_found_config(default)
    os.chown(path, OTHER, 0)
    with pytest.raises(ConfigError, match=rf"is not followed: .* belongs to {OTHER}; name .* with --config FILE"):
        check_found_config(default)


def test_configuration_in_a_folder_for_all_is_not_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In ``/tmp`` the folder of plugins beside it may be anybody's."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "ctportd.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    tmp_path.chmod(0o1777)
    with pytest.raises(ConfigError, match=r"is not followed: everybody can write .*; name"):
        check_found_config(Path("etc/ctportd.toml"))


@as_root
def test_what_is_roots_alone_is_run(folder: Path) -> None:
    """Readable by all, below a sticky folder such as /tmp."""
    assert problem(folder) == problem(folder, "q") == ""


@as_root
def test_group_root_is_a_group_as_any_other(folder: Path) -> None:
    """It has members on some systems, and an access control list that lets others write shows as its right."""
    (folder / "p.py").chmod(0o664)
    group = f"{grp.getgrgid(0).gr_name} (0)"
    assert problem(folder) == refused("p", f"the group {group} can write on/plugins/p.py", "chmod g-w")


@as_root
@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("p", "on/plugins/p.py"),
        ("p", "on/plugins"),
        ("p", "on"),
        ("p", "on/plugins/__pycache__"),
        ("p", "on/plugins/__pycache__/p.cpython-311.pyc"),
        ("q", "on/plugins/q"),
        ("q", "on/plugins/q/__init__.py"),
        ("q", "on/plugins/q/far"),
        ("q", "on/plugins/q/far/below.py"),
        ("q", "on/plugins"),
    ],
)
@pytest.mark.parametrize(
    ("change", "reason", "remedy"),
    [
        (lambda path: os.chown(path, OTHER, 0), "{path} belongs to 54321", "chown root"),
        (lambda path: path.chmod(0o757), "everybody can write {path}", "chmod o-w"),
        (
            give_to_group,
            "the group 54321 can write {path}",
            "chmod g-w",
        ),
    ],
    ids=["another's", "everybody's", "a group's"],
)
def test_what_others_can_change_is_refused(
    folder: Path, name: str, path: str, change: Callable[[Path], object], reason: str, remedy: str
) -> None:
    """File, folder, compiled form, and whatever leads to them."""
    change(folder.parent.parent / path)
    assert problem(folder, name) == refused(name, reason.format(path=path), remedy)


@as_root
def test_others_are_called_by_their_names(folder: Path) -> None:
    """Where they have one, with the number."""
    user = next(user for user in pwd.getpwall() if user.pw_uid)
    os.chown(folder / "p.py", user.pw_uid, 0)
    told = f"on/plugins/p.py belongs to {pwd.getpwuid(user.pw_uid).pw_name} ({user.pw_uid})"
    assert problem(folder) == refused("p", told, "chown root")
    group = next(group for group in grp.getgrall() if group.gr_gid)
    os.chown(folder / "p.py", 0, group.gr_gid)
    (folder / "p.py").chmod(0o664)
    told = f"the group {grp.getgrgid(group.gr_gid).gr_name} ({group.gr_gid}) can write on/plugins/p.py"
    assert problem(folder) == refused("p", told, "chmod g-w")


@as_root
def test_only_the_way_may_be_sticky(folder: Path) -> None:
    """In a sticky folder others can make files, though not replace root's: no place for plugins."""
    folder.parent.chmod(0o1777)
    assert problem(folder) == ""
    folder.chmod(0o1777)
    assert problem(folder) == refused("p", "everybody can write on/plugins", "chmod o-w")


@as_root
def test_links_are_followed(folder: Path, tmp_path: Path) -> None:
    """Where a link leads, what is on the way there, and the link itself must be root's."""
    elsewhere = tmp_path / "elsewhere" / "far"
    elsewhere.mkdir(parents=True)
    (elsewhere / "l.py").write_text("")
    link = folder / "l.py"
    link.symlink_to(elsewhere / "l.py")
    assert problem(folder, "l") == ""
    os.chown(link, OTHER, 0, follow_symlinks=False)
    assert problem(folder, "l") == refused("l", "on/plugins/l.py belongs to 54321", "chown root")
    os.chown(link, 0, 0, follow_symlinks=False)
    elsewhere.parent.chmod(0o777)
    assert problem(folder, "l") == refused("l", "everybody can write elsewhere", "chmod o-w")
    elsewhere.parent.chmod(0o755)
    os.chown(elsewhere / "l.py", OTHER, 0)
    assert problem(folder, "l") == refused("l", "elsewhere/far/l.py belongs to 54321", "chown root")


@as_root
def test_link_to_the_folder_is_followed(folder: Path, tmp_path: Path) -> None:
    """The plugins' folder may be reached by a link, whose own folder must be root's as well."""
    (tmp_path / "way").mkdir()
    link = tmp_path / "way" / "link"
    link.symlink_to(folder, target_is_directory=True)
    assert problem(link) == ""
    (tmp_path / "way").chmod(0o777)
    assert "everybody can write way; chmod o-w it" in problem(link).replace(f"{tmp_path}/", "")
    (tmp_path / "way").chmod(0o755)
    folder.chmod(0o777)
    assert "everybody can write" in problem(link)


@as_root
def test_refused_plugin_does_not_run(folder: Path) -> None:
    """It is among the failed ones, and the others are loaded."""
    (folder / "p.py").write_text("raise RuntimeError('it has run')")
    (folder / "p.py").chmod(0o666)
    plugins = load_plugins(folder, {}, "x.toml")
    assert list(plugins.loaded) == ["q"]
    assert "everybody can write" in str(plugins.failed["p"])
    sys.modules.pop("ctportd_plugins.q", None)


def test_other_users_run_what_they_can_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is not root loses nothing that a plugin's writer does not have."""
    monkeypatch.setattr("ctportd.hooks.owners.os.geteuid", lambda: 1000)
    folder.chmod(0o777)
    (folder / "p.py").chmod(0o666)
    assert problem(folder) == ""


def test_file_that_cannot_be_looked_at_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be known to be root's is not run."""
    monkeypatch.setattr("ctportd.hooks.owners.os.geteuid", lambda: 0)
    assert "cannot be looked at: No such file or directory" in problem(folder.parent / "gone")
