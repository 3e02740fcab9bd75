"""Our ctserver as configured: in which folders its clients may name files."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctportd.calls.files import CTSERVER_FOLDERS, SHIPPED
from ctportd.config import from_data
from ctportd.serving import play_folders, record_folders

ROOT = Path(__file__).parent.parent.parent
CONFIG = from_data(
    {
        "daemon": {"state": "/var/lib/ctportd"},
        "exchange": {"folders": ["/srv/recordings"]},
        "prompts": {"paths": ["/srv/prompts", "mine"]},
        "plugins": {"directory": "/etc/ctportd/plugins"},
    },
    "ctportd.toml",
)


def test_recorded_is_into_the_state_folder() -> None:
    """And into those that are named; the working directory is none of them."""
    assert record_folders(CONFIG) == (Path("/var/lib/ctportd"), Path("/srv/recordings"))


def test_played_is_from_wherever_prompts_are_looked_for() -> None:
    """And what was recorded, and what a plugin brings."""
    assert play_folders(CONFIG, Path("/home/ada")) == (
        Path("/var/lib/ctportd"),
        Path("/srv/recordings"),
        Path("/home/ada"),
        Path("/srv/prompts"),
        Path("mine"),
        Path("/etc/ctportd/plugins"),
        ROOT / "plugins",
        *CTSERVER_FOLDERS,
        SHIPPED,
    )


@pytest.mark.parametrize("root", ["/", "//"])
def test_daemon_that_works_in_the_root_opens_nothing(root: str) -> None:
    """Else every file of the machine could be played."""
    assert Path(root) not in play_folders(CONFIG, Path(root))
