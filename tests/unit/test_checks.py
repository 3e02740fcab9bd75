"""What ``check`` and the log say of doors that are open to strangers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ctportd.checks import open_doors, warn_of_open_doors
from ctportd.config import from_data

if TYPE_CHECKING:
    from collections.abc import MutableMapping


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_loopback_is_no_open_door(host: str) -> None:
    """By whatever name."""
    exchange = {"listen": f"[{host}]:1190" if ":" in host else f"{host}:1190"}
    assert open_doors(from_data({"ctserver": [{"host": host}], "exchange": exchange}, "x.toml")) == {}


def test_open_doors_are_named(log_lines: list[MutableMapping[str, Any]]) -> None:
    """Each key, with its host, as a warning."""
    config = from_data({"ctserver": [{"host": "0.0.0.0"}], "exchange": {"listen": "192.0.2.1:1190"}}, "x.toml")
    warn_of_open_doors(config)
    assert [(line["where"], line["host"], line["log_level"]) for line in log_lines] == [
        ("[[ctserver]] host", "0.0.0.0", "warning"),
        ("[exchange] listen", "192.0.2.1", "warning"),
    ]


def test_others_doors_are_theirs() -> None:
    """A ctserver that is remote, or a card's, listens where it does."""
    assert open_doors(from_data({"ctserver": [{"mode": "remote", "host": "192.0.2.1"}]}, "x.toml")) == {}
