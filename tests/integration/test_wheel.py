"""The wheel: what is in it, and ctportd from it alone, in an empty folder."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from typing import TYPE_CHECKING

import pytest
from support.system import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def run(*command: str | Path, folder: Path) -> str:
    """Run a command to its good end; returns what it printed."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | {"NO_COLOR": "1"}
    ended = subprocess.run(
        list(map(str, command)),
        check=False,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 0, ended
    return ended.stdout


@pytest.mark.timeout(180)
def test_wheel(tmp_path: Path) -> None:
    """It holds what ships, and no rubbish; in an environment of its own, a configuration is written, and is good."""
    build: list[str | Path] = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path]
    run(*build, folder=ROOT)
    (wheel,) = tmp_path.glob("ctportd-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    share = {name.removeprefix("ctportd/share/") for name in names if name.startswith("ctportd/share/")}
    assert share >= {
        "etc/ctportd.toml", "etc/logrotate/ctportd", "etc/udev/70-ctportd.rules", "plugins/notify.py",
        "plugins/voicemail/__init__.py", "systemd/ctportd.service", "systemd/sysusers.d/ctportd.conf",
        "systemd/tmpfiles.d/ctportd.conf",
    }  # fmt: skip
    assert {name.partition("/")[0] for name in share} == {"etc", "plugins", "systemd"}
    assert [name for name in names if "__pycache__" in name or name.endswith(".pyc")] == []
    assert {name.split("/")[0] for name in names} == {
        "ctportd",
        wheel.name[: -len("-py3-none-any.whl")] + ".dist-info",
    }
    assert any(name.startswith("ctportd/prompts/") for name in names)

    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv", folder=tmp_path)
    (site,) = (tmp_path / "venv/lib").glob("python*/site-packages")
    zipfile.ZipFile(wheel).extractall(site)
    (site / "others.pth").write_text(f"{sysconfig.get_path('purelib')}\n")  # what it depends on
    ctportd: list[str | Path] = [tmp_path / "venv/bin/python", "-m", "ctportd"]
    where = run(tmp_path / "venv/bin/python", "-c", "import ctportd; print(ctportd.__file__)", folder=tmp_path)
    assert where.strip() == str(site / "ctportd/__init__.py")
    folder = tmp_path / "empty"
    folder.mkdir()
    run(*ctportd, "init", "--yes", folder=folder)
    assert run(*ctportd, "check", "--strict", folder=folder).startswith(
        "etc/ctportd.toml: good: 4 ports, 8 plugins"
    )
