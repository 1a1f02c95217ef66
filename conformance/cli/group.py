"""The command `conformance` itself, and what its verbs share: options, errors, places to write to."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from conformance import __version__

if TYPE_CHECKING:
    from rich.console import Console

    from conformance.reporting.store import Report


PIPE_WIDTH = 200
"""Columns of a table that does not go to a terminal."""


class BadFile(click.ClickException):
    """A file or directory of the user's that cannot be used."""

    exit_code = 2


class InterruptibleGroup(click.RichGroup):
    """Ends with 130 on Ctrl-C, as a shell expects; click's own answer is 1."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            ctx.exit(130)


@click.group(cls=InterruptibleGroup, epilog="Example: conformance run --corpus quick")
@click.version_option(__version__, prog_name="conformance")
def main() -> None:
    """Says, with evidence, whether the runtimes of the Keras Layers API compute the same thing."""


node_option = click.option(
    "--node", metavar="PATH", help="The Node program that runs TensorFlow.js; default: nodejs-bin's."
)


tfjs_option = click.option(
    "--tfjs", multiple=True, metavar="PATH",
    help="Your own build of a package of TensorFlow.js, in place of the released one: its directory, or the "
    "tarball of `npm pack`; repeatable.",
)  # fmt: skip
keras_python_option = click.option(
    "--keras-python", "keras_pythons", multiple=True, metavar="[NAME=]PATH",
    help="The Python, or its environment's directory, in which Keras runs: all backends of Keras, or the one "
    "of this name; repeatable.",
)  # fmt: skip


command_option = click.option(
    "--backend-command", "commands", multiple=True, metavar="[NAME=]COMMAND",
    help="Ask the backend that this command line runs; repeatable.",
)  # fmt: skip


backend_option = click.option(
    "--backend", "names", multiple=True, metavar="NAME",
    help="Ask this backend; repeatable. Default, where no --backend-command is given either: "
    "keras-tensorflow, tfjs-cpu and tfjs-wasm.",
)  # fmt: skip


subject_option = click.option(
    "--subject", "subjects", multiple=True, metavar="NAME", help="Only these; repeatable, globs."
)


property_option = click.option(
    "--property", "properties", multiple=True, metavar="NAME", help="Only these; repeatable, globs."
)


results_option = click.option(
    "--out", default="conformance-results", show_default=True, metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path), help="Where the results go.",
)  # fmt: skip


dialect_option = click.option(
    "--dialect", "dialects", multiple=True, metavar="MODULE",
    help="Judge under the recorded deviations in this Python module too; repeatable.",
)  # fmt: skip


def asked_again_with(dialects: tuple[str, ...], node: str | None, seed: int = 0) -> list[str]:
    """The words of a command line that hold for every backend, by which a finding is asked again."""
    words = [word for module in dialects for word in ("--dialect", module)]
    words += ["--seed", str(seed)] if seed else []
    return words + (["--node", node] if node else [])


def console_of(*, stderr: bool = False) -> Console:
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, width=None if stream.isatty() else PIPE_WIDTH, highlight=False)


def echo_error(line: str) -> None:
    click.echo(line, err=True)


@contextmanager
def errors_of_users() -> Iterator[None]:
    """What is wrong with the names, cases, builds and environments that a user gives, as click tells it.

    Raises:
        click.UsageError: a name is unknown, or taken by two backends.
        BadFile: something named cannot be used.
    """
    from conformance.runners.builds import BadBuild
    from conformance.runners.python import BadPython
    from conformance.runners.registry import TakenName
    from conformance.selection import BadCase, UnknownName

    try:
        yield
    except (TakenName, UnknownName) as error:
        raise click.UsageError(str(error)) from error
    except (BadBuild, BadCase, BadPython) as error:
        raise BadFile(str(error)) from error


def read_results(place: Path) -> Report:
    """The results in a directory.

    Raises:
        BadFile: they cannot be trusted.
    """
    from conformance.reporting.results import ResultsError
    from conformance.reporting.store import read

    try:
        return read(place)
    except ResultsError as error:
        raise BadFile(str(error)) from error
