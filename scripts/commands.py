"""Writes docs/commands.md, the reference of every command, from what click knows of them.

``python scripts/commands.py`` writes it; a test compares.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ctportd.cli import program
from ctportd.cli.shared import EXIT_CODES

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parent.parent / "docs" / "commands.md"

_HEAD = """# Commands

Every command with its options, made by `python scripts/commands.py` from what `--help` tells.

`ctportd --config FILE` comes before the command; without it `etc/ctportd.toml` is taken, then
`/etc/ctportd/ctportd.toml`. Commands of plugins (`ctportd stats`, `ctportd callers`, `ctportd attendant`) are in
`ctportd --help`, and on the pages of their plugins.

Tables are for people: on a terminal, cells for which it has no room stand below their row. `--json` is for programs, and
has neither colours nor other escape sequences. Colours are for terminals only, and `NO_COLOR` turns them off.

## Exit status

| status | |
|---|---|
"""

_COMPLETION = """
## Completion

`ctportd completion bash|zsh|fish` prints what a shell needs to complete commands, options, ports, handlers, mailboxes,
calls and messages:

| shell | file | line |
|---|---|---|
| bash | `~/.bashrc` | `eval "$(ctportd completion bash)"` |
| zsh | `~/.zshrc` | `eval "$(ctportd completion zsh)"` |
| fish | `~/.config/fish/completions/ctportd.fish` | `ctportd completion fish \\| source` |
"""


def commands(
    group: click.Group = program, names: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command of ours with the words that call it, groups before what is in them."""
    for name, command in sorted(group.commands.items()):
        yield (*names, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*names, name))


def example_of(command: click.Command) -> str:
    """The example at the end of a command's help; empty where there is none."""
    found = re.search(r"^Example: (.*)$", inspect.cleandoc(command.help or ""), re.MULTILINE)
    return found[1] if found else ""


def reference() -> str:
    """The page."""
    codes = "".join(f"| {status} | {meaning} |\n" for status, meaning in EXIT_CODES.items())
    told = "\n".join(_section(names, command) for names, command in commands())
    return f"{_HEAD}{codes}{_COMPLETION}\n{told}"


def _section(names: tuple[str, ...], command: click.Command) -> str:
    text = inspect.cleandoc(command.help or "").partition("\nExample: ")[0].strip()
    context = click.Context(command, info_name=" ".join(("ctportd", *names)))
    usage = " ".join(command.collect_usage_pieces(context))
    options = [record for option in command.params if (record := option.get_help_record(context))]
    rows = "".join(f"| `{_cell(name)}` | {_cell(meaning)} |\n" for name, meaning in options if meaning)
    table = f"\n| option | |\n|---|---|\n{rows}" if rows else ""
    return (
        f"## {' '.join(names)}\n\n{text}\n\n"
        f"<!-- run: tests/integration/test_commands.py -->\n```console\n$ {example_of(command)}\n```\n\n"
        f"`{context.command_path} {usage}`\n{table}"
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
