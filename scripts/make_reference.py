"""Write docs/reference/*.md anew from the code: ``make reference``."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "plugins")]

from scripts.reference.happenings import errors_page, events_page, hooks_page  # noqa: E402 - found by the line above
from scripts.reference.members import call_page, services_page, testing_page  # noqa: E402
from scripts.reference.settings import configuration_page  # noqa: E402

PAGES = {
    "configuration": configuration_page,
    "hooks": hooks_page,
    "events": events_page,
    "call": call_page,
    "services": services_page,
    "testing": testing_page,
    "errors": errors_page,
}
"""What makes each page."""

FOLDER = ROOT / "docs/reference"


def main() -> None:
    """Write those that have changed."""
    FOLDER.mkdir(exist_ok=True)
    for name, make in PAGES.items():
        path, text = FOLDER / f"{name}.md", make()
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            print(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
