"""``python -m soak``: runs a soak and prints its balance; exit status 1 where that does not hold."""

from __future__ import annotations

import argparse
import asyncio
import random
import shutil
import sys
import tempfile
import textwrap
from pathlib import Path

from soak import report
from soak.balance import Balance
from soak.evidence import gather
from soak.faults import FAULTS
from soak.lines import LINES
from soak.run import Settings, Soak


def main() -> int:
    """Run one soak."""
    asked = _arguments()
    folder = Path(tempfile.mkdtemp(prefix="ctportd-soak-"))
    settings = Settings(
        seconds=asked.seconds,
        seed=asked.seed,
        lines=asked.lines,
        speed=asked.speed,
        gap=(asked.gap[0], asked.gap[1]),
        only=asked.only,
        pause=asked.pause,
    )
    _tell(f"seed {settings.seed}; the system lives in {folder}")
    left_out = [name for name in FAULTS if not FAULTS[name].possible()]
    if left_out:
        _tell(f"not possible here, for want of root or of ss: {', '.join(left_out)}")
    holds = asyncio.run(_run(Soak(settings, folder / "system", _tell), asked.json))
    if holds and not asked.keep:
        shutil.rmtree(folder)
    else:
        _tell(f"what is left is in {folder}")
    return 0 if holds else 1


async def _run(soak: Soak, json: Path) -> bool:
    await soak.run()
    evidence = await gather(soak.house)
    balance = await asyncio.to_thread(Balance, soak, evidence)
    _tell(report.text(soak, evidence, balance))
    report.write(json, soak, evidence, balance)
    return balance.holds


def _tell(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - this is its output


def _arguments() -> argparse.Namespace:
    faults = "\n".join(f"  {fault.name:20}{fault.does}; may cost: {fault.costs}" for fault in FAULTS.values())
    parser = argparse.ArgumentParser(
        prog="soak",
        description=textwrap.dedent(main.__doc__ or ""),
        epilog=f"faults:\n{faults}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seconds", type=float, default=1260.0, help="how long there are faults (1260)")
    parser.add_argument("--seed", type=int, default=random.randrange(10_000), help="makes a run's faults again")
    parser.add_argument(
        "--lines", type=int, choices=range(1, len(LINES) + 1), default=len(LINES), help="how many (8)"
    )
    parser.add_argument("--speed", type=float, default=25.0, help="seconds of the line in one of the clock (25)")
    parser.add_argument("--gap", type=float, nargs=2, default=(3.0, 8.0), help="seconds from fault to fault (3 8)")
    parser.add_argument("--pause", type=float, default=2.0, help="a caller's longest pause between two calls (2)")
    parser.add_argument("--only", type=_faults, default=(), help="these faults only, with commas between")
    parser.add_argument("--json", type=Path, default=Path("build/soak.json"), help="where the balance is written")
    parser.add_argument("--keep", action="store_true", help="keep the system's folder, whatever comes out")
    return parser.parse_args()


def _faults(names: str) -> tuple[str, ...]:
    wanted = tuple(names.split(","))
    unknown = [name for name in wanted if name not in FAULTS]
    if unknown:
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: expected are {', '.join(FAULTS)}")
    return wanted


if __name__ == "__main__":
    sys.exit(main())
