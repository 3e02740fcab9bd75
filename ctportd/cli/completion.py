"""The command that tells a shell how to complete words."""

from __future__ import annotations

import click

from ctportd.cli.program import program

_SHELLS = ("bash", "zsh", "fish")


@program.command()
@click.argument("shell", type=click.Choice(_SHELLS))
def completion(shell: str) -> None:
    """Print what completes the words of ctportd in SHELL: commands, options, ports, mailboxes, calls.

    Put one line into the shell's own file, and open a new shell. For bash, ~/.bashrc: eval "$(ctportd completion bash)".
    For zsh, ~/.zshrc: eval "$(ctportd completion zsh)". For fish, ~/.config/fish/completions/ctportd.fish: ctportd
    completion fish | source.

    Example: ctportd completion bash
    """
    from click.shell_completion import get_completion_class

    of_shell = get_completion_class(shell)
    if of_shell is None:
        raise click.UsageError(f"there is no completion for {shell}")
    click.echo(of_shell(program, {}, "ctportd", "_CTPORTD_COMPLETE").source())
