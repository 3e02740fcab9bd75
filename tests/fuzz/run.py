"""Runs all targets one after the other, and tells what came of it. ``make fuzz`` calls it with seconds for all.

What is found worth keeping stays in ``.fuzz/``, so that the next run goes on where this one ended. Ends with status 1
where a target crashed; the input that did it is kept, and is run again with ``python TARGET INPUT``.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from ctportd.ctserver.client import PORT_REQUESTS
from ctportd.ctserver.server_requests import SERVER_REQUESTS

HERE = Path(__file__).parent
KEPT = HERE.parent.parent / ".fuzz"

WORDS = [
    *PORT_REQUESTS, *SERVER_REQUESTS, "cmd=", "rly=", "src=0", "dst=0", "dst=-2", "arg1=", "arg2=", "arg3=", "argc=1",
    "beep.au", "x.wav", "x.au", "ignore_dtmf", "OK", "EVENT", "ring", "hangup", "dtmf", " \n", "\n", "\r", " HTTP/1.1",
    '{"type":"', '"call","port":1}', '"subscribe","number":"55"}', '"press","key":"1"}', '"hangup"}', '"offhook"}',
    '"attach","port":3}', '"flash"}',
]  # fmt: skip
"""What libFuzzer puts into inputs, besides what it finds by itself."""

SUBSCRIBED = (
    b'\x08{"type":"subscribe","number":"55"}\xfe\x00cmd=ctanswer src=0 dst=0 \ncmd=ctdial src=0 dst=0 arg1=55 \n'
    b'\xfe\xfa\xfe\xfa\xfe\x08{"type":"offhook"}\xfe\xfa\xfe\x00cmd=ctjoin src=0 dst=0 arg1=1 arg2=2 \n\xfe\xfa'
)

SEEDS = {
    "fuzz_decoders": [
        b"\0\7rly=ctplay src=1 dst=1 arg1=EVENT arg2=12 arg3=hangup argc=3\n\0rly=ring src=0 dst=0 arg1=ring\n",
        b"\1\7cmd=ctplay src=1 dst=1 arg1=beep.au argc=1 \n",
        b"\2\3ctrecord\nx.wav\n10\n#\nctsleep\n2\n",
        b"\3\5OK\n\x005550100 Ada Lovelace\n\x000\n\0hangup\n\0",
        b"\4\2\n\0cmd=ctclear src=0 dst=0 \nctclear\n",
        b'\5\1{"type":"call","port":1,"number":"5550100","name":"Ada"}',
    ],
    "fuzz_dispatch": [
        b'\x07{"type":"call","port":1,"number":"5"}\xfe\xfa\xfe\x00cmd=ctanswer src=0 dst=0 \n'
        b"cmd=ctrecord src=0 dst=0 arg1=x.wav arg2=1 \n\xfe\x7a\xfe\x7a\xfe\x0c" + b"\x20" * 160 + b"\xfe\x1d",
        b'\x07{"type":"call","port":1}\xfe\xfa\xfe\x00ctwaitforring\nctanswer\nctplay\nbeep.au\n\xfe\x7a\xfe\x0d',
        b"\x04cmd=portstatus src=-2 dst=-2 \ncmd=ctsendevent src=-2 dst=0 arg1=X \ncmd=portreset src=-2 dst=1 \n",
        b"\x00cmd=ctwaitforevent src=0 dst=0 \n\xfe\x01cmd=ctsleep src=0 dst=0 arg1=9 \n\xfe\x0d",
        SUBSCRIBED,
        b'\x09{"type":"attach","port":3}\xfe\x03cmd=ctstartringasync src=2 dst=2 \n\xfe\xfa\xfe\x09{"type":"offhook"}',
    ],
}
"""Inputs that reach what is behind the first checks."""


def quoted(word: str) -> str:
    """A word as a dictionary of libFuzzer has it."""
    return '"' + "".join(f"\\x{byte:02x}" for byte in word.encode()) + '"'


def fuzz(target: str, seconds: int) -> bool:
    """Run one target; whether it stood."""
    folder = KEPT / target
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(SEEDS[target]):
        (corpus / f"seed-{number}").write_bytes(seed)
    (folder / "words").write_text("\n".join(map(quoted, WORDS)) + "\n")
    command = [
        sys.executable, str(HERE / f"{target}.py"), str(corpus), f"-dict={folder / 'words'}",
        f"-artifact_prefix={folder}/", f"-max_total_time={seconds}", "-max_len=2048", "-timeout=30",
        "-rss_limit_mb=1024", "-print_final_stats=1",
    ]  # fmt: skip
    with (folder / "output").open("wb") as output:
        status = subprocess.run(command, stdout=output, stderr=output, check=False).returncode
    told = (folder / "output").read_text(errors="replace")
    runs = re.search(r"stat::number_of_executed_units:\s*(\d+)", told)
    print(f"{target}: {runs[1] if runs else 'no'} inputs in {seconds} s, {len(list(corpus.iterdir()))} kept")
    if status == 0 and runs:
        return True
    kept = re.findall(r"Test unit written to (\S+)", told)
    print(f"{target}: FAILED with status {status}; the input is {', '.join(kept) or 'not known'}")
    print(f"    again: {sys.executable} {HERE / target}.py {' '.join(kept)}")
    print("    its last words, all of which are in", folder / "output")
    print("\n".join(told.splitlines()[-25:]))
    return False


def main(seconds: int) -> int:
    """All targets; the exit status."""
    stood = [fuzz(target, max(1, seconds // len(SEEDS))) for target in SEEDS]
    print("nothing was found" if all(stood) else "something was found: see above")
    return 0 if all(stood) else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
