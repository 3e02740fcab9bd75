"""Runs a program as ctportd.service would: ``sandbox.py UNIT PROGRAM ...``, without a systemd to do it.

Of the unit, what a program of ours might break on: no new privileges, no memory that is written and executed, the
system calls, the address families, the umask; by the rules of seccomp, as systemd does it.
"""

from __future__ import annotations

import ctypes
import os
import shlex
import subprocess
import sys
from pathlib import Path

_PR_SET_NO_NEW_PRIVS = 38
_ALLOW = 0x7FFF0000
_ERRNO_EPERM = 0x00050001
_EQUAL, _MASKED_EQUAL = 4, 7  # how seccomp compares an argument
_WRITE, _EXECUTE = 2, 4  # PROT_ of memory
_AF = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10}


class _Comparison(ctypes.Structure):
    _fields_ = (("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64))


def settings_of(unit: Path) -> dict[str, list[str]]:
    """The unit's settings, each with its values in order."""
    settings: dict[str, list[str]] = {}
    for line in unit.read_text().splitlines():
        key, sign, value = line.partition("=")
        if sign and not line.startswith("#"):
            settings.setdefault(key, []).append(value)
    return settings


def system_calls(filters: list[str]) -> set[str]:
    """The names that the unit's filters let through."""
    allowed: set[str] = set()
    for words in filters:
        names = set().union(*(_expand(word) for word in words.removeprefix("~").split()))
        allowed = allowed - names if words.startswith("~") else allowed | names
    return allowed | _expand("@default")


def _expand(word: str) -> set[str]:
    if not word.startswith("@"):
        return {word}
    told = subprocess.run(
        ["systemd-analyze", "syscall-filter", word, "--no-pager"], check=True, capture_output=True, text=True
    ).stdout
    names = [line.strip() for line in told.splitlines()[1:] if line.strip() and not line.strip().startswith("#")]
    return set().union(*(_expand(name) for name in names))


def confine(unit: Path) -> None:
    """Put this process, and what it will become, under the unit's rules."""
    settings = settings_of(unit)
    _check(ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    os.umask(int(settings["UMask"][0], 8))
    rules = {
        "socket": [
            _Comparison(0, _EQUAL, _AF[name], 0) for name in settings["RestrictAddressFamilies"][0].split()
        ],
        "mmap": [
            _Comparison(2, _MASKED_EQUAL, _WRITE | _EXECUTE, protection) for protection in (0, _WRITE, _EXECUTE)
        ],
        "mprotect": [_Comparison(2, _MASKED_EQUAL, _EXECUTE, 0)],
        "pkey_mprotect": [_Comparison(2, _MASKED_EQUAL, _EXECUTE, 0)],
    }
    _filter(system_calls(settings["SystemCallFilter"]), rules)


def _filter(allowed: set[str], only_if: dict[str, list[_Comparison]]) -> None:
    """Refuse all system calls but these, and of those in ``only_if`` all to which none of its comparisons applies."""
    seccomp = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    seccomp.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(seccomp.seccomp_init(_ERRNO_EPERM))
    for name in sorted(allowed):
        number = seccomp.seccomp_syscall_resolve_name(name.encode())
        if number < 0:
            continue  # this machine has no such call
        for comparison in only_if.get(name, []):
            _check(seccomp.seccomp_rule_add_array(context, _ALLOW, number, 1, ctypes.byref(comparison)))
        if name not in only_if:
            _check(seccomp.seccomp_rule_add_array(context, _ALLOW, number, 0, None))
    _check(seccomp.seccomp_load(context))


def _check(result: int) -> None:
    if result != 0:
        raise OSError(abs(result), os.strerror(abs(result)))


if __name__ == "__main__":
    confine(Path(sys.argv[1]))
    try:
        os.execv(sys.argv[2], sys.argv[2:])
    except OSError as error:
        raise SystemExit(f"{shlex.join(sys.argv[2:])}: {error.strerror}") from error
