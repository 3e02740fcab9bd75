"""Writes docs/openapi.json, which describes the control interface: `make openapi`."""

from __future__ import annotations

import json
from pathlib import Path

from ctportd.api import ROUTES
from ctportd.control.openapi import document

FILE = Path(__file__).resolve().parent.parent / "docs" / "openapi.json"


def main() -> None:
    """Write it."""
    FILE.write_text(json.dumps(document(ROUTES), indent=2, ensure_ascii=False) + "\n")
    print(f"wrote {FILE}")


if __name__ == "__main__":
    main()
