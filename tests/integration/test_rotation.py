"""Rotation with real processes: ours, and logrotate; not one line is lost or torn."""

from __future__ import annotations

import functools
import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.system import environment

from ctportd.installing.wishes import SYSTEM
from ctportd.logfile import LogFile

if TYPE_CHECKING:
    from support.system import StartSystem

SHIPPED = Path(__file__).parents[2] / "etc" / "logrotate" / "ctportd"

WRITER = """
import sys, threading, time
from datetime import datetime
from pathlib import Path
import structlog
from ctportd.logs import LogFile, set_up
from ctportd.logfile import Keeping

file = LogFile(Path(sys.argv[1]), Keeping(keep=1000, compress=True))
set_up("info", file, terminal=False)
begun = time.monotonic()

def write(writer):
    log, n = structlog.get_logger(), 0
    while True:
        due = (time.monotonic() - begun) * 2500
        while n < due:
            log.info("line", writer=writer, n=n, text="x" * (n % 300))
            n += 1
        time.sleep(0.005)

for writer in range(4):
    threading.Thread(target=write, args=(writer,), daemon=True).start()
for second in range(1, 4):
    time.sleep(max(0.0, begun + second - time.monotonic()))
    rolled = file.rotate(datetime.now().astimezone())
    print(rolled.old.name, *rolled.problems, flush=True)
time.sleep(60)
"""


def all_lines(path: Path) -> list[bytes]:
    """Every line of a log and its old ones."""
    return [
        line
        for one in sorted(path.parent.glob(f"{path.name}*"))
        for line in (gzip.decompress(one.read_bytes()) if one.suffix == ".gz" else one.read_bytes()).splitlines()
    ]


def test_ten_thousand_lines_a_second_are_all_there_though_the_log_is_rolled_every_second(tmp_path: Path) -> None:
    """Four threads write, old logs are compressed meanwhile, and at the end the process is killed: none is torn."""
    path = tmp_path / "x.log"
    command = [sys.executable, "-c", WRITER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment()) as process:
        assert process.stdout is not None
        names = [process.stdout.readline().decode().strip() for _ in range(3)]
        process.kill()
    assert all((path.parent / name).exists() or (path.parent / f"{name}.gz").exists() for name in names), names
    assert len(list(path.parent.glob("*.gz"))) == 2
    told: dict[int, list[int]] = defaultdict(list)
    for line in all_lines(path):
        read = json.loads(line)
        told[read["writer"]].append(read["n"])
    assert sorted(told) == [0, 1, 2, 3]
    for written in told.values():
        assert sorted(written) == list(range(len(written)))
    assert sum(map(len, told.values())) >= 20_000


async def test_rotate_and_the_signal_roll_the_logs(start_system: StartSystem) -> None:
    """Both say what they did; older logs are compressed, and those beyond `keep` are gone."""
    system = await start_system(["voicemail"], changes={"log": {"keep": 3}})
    first = json.loads((await system.run("rotate", "--json")).out)
    assert (first["ctserver"], first["compressed"], first["removed"]) == ({"main": "rolled"}, [], [])
    assert system.process is not None

    def packed(number: int) -> bool:
        """Whether all is done: so many old logs are packed, and one is not."""
        names = [path.name for path in system.state.glob("ctportd.log.*")]
        return len(names) == number + 1 and sum(name.endswith(".gz") for name in names) == number

    for times in (1, 2):
        system.process.send_signal(signal.SIGUSR1)
        await system.until(functools.partial(packed, times))
    told = await system.run("rotate")
    assert told.status == 0, told
    assert [line.split(" is ")[0] for line in told.out.splitlines()] == [
        *("ctportd: the old log", "ctportd: compressed", "ctportd: removed"),
        "ctserver main: rolled",
    ]
    assert packed(2)
    lines = [json.loads(line) for line in all_lines(system.state / "ctportd.log")]
    assert [line["event"] for line in lines].count("log rotated") == 4


@pytest.fixture
def logrotate() -> str:
    """The program."""
    program = shutil.which("logrotate")
    if program is None:
        assert not os.environ.get("CI"), "logrotate is missing, which .ci/run installs"
        pytest.skip("there is no logrotate on this machine")
    return program


@pytest.mark.parametrize("how", ["nocreate", "create", "copytruncate"])
def test_logrotate_loses_no_line(tmp_path: Path, logrotate: str, how: str) -> None:
    """The file that ships is right, and what it does is noticed, with a file made for us or without."""
    now = [0.0]
    file = LogFile(tmp_path / "logs" / "ctportd.log", monotonic=lambda: now[0])
    tmp_path.joinpath("logs").chmod(0o750)
    assert f"\n{SYSTEM.log} {SYSTEM.exchange_log} {{\n" in SHIPPED.read_text()
    text = SHIPPED.read_text().replace("/var/log/ctportd", str(file.path.parent)).replace("nocreate", how)
    config = tmp_path / "logrotate.conf"
    config.write_text("\n".join(line for line in text.splitlines() if not line.strip().startswith("su ")))
    config.chmod(0o644)
    command = [logrotate, "--state", str(tmp_path / "state"), str(config)]
    subprocess.run([*command, "-d"], check=True, capture_output=True)
    for n in range(10):
        file.write(b"%d" % n)
        if n % 3 == 1:
            done = subprocess.run([*command, "--force"], check=True, capture_output=True, text=True)
            assert "error" not in done.stderr
        if n % 3 == 2:
            now[0] += 1.0
    file.close()
    assert sorted(all_lines(file.path)) == [b"%d" % n for n in range(10)]
    assert {path.name for path in file.path.parent.iterdir()} == {
        *("ctportd.log", "ctportd.log.1", "ctportd.log.2.gz", "ctportd.log.3.gz"),
    }
