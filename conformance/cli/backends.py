"""The verbs about the runtimes themselves: `backends`, `setup` and `new-backend`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from conformance.cli.group import (
    console_of,
    echo_error,
    errors_of_users,
    keras_python_option,
    main,
    node_option,
    tfjs_option,
)

if TYPE_CHECKING:
    from conformance.runners.registry import BackendSpec


@main.command(epilog="Example: conformance backends")
@node_option
@tfjs_option
@keras_python_option
def backends(node: str | None, tfjs: tuple[str, ...], keras_pythons: tuple[str, ...]) -> None:
    """Start each backend once, and say which can be asked; installs nothing."""
    import anyio
    from rich.table import Table
    from rich.text import Text

    from conformance.runners import registry
    from conformance.runners.builds import find_builds
    from conformance.selection import find_keras_pythons

    with errors_of_users():
        found = registry.backends(
            node, tfjs=find_builds(tfjs), keras_pythons=find_keras_pythons(keras_pythons)
        )

    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    for heading in ("Backend", "Language", "Available", ""):
        table.add_column(heading, overflow="fold")
    specs = tuple(found.values())
    console = console_of()
    with console_of(stderr=True).status("starting each backend"):
        for row in anyio.run(_availability, specs):
            # As it is: in [tensorflow] rich would see markup.
            table.add_row(*map(Text, row))
    console.print(table)


@main.command(epilog="Example: conformance setup")
@node_option
def setup(node: str | None) -> None:
    """Install TensorFlow.js into this user's cache now; a first run does it otherwise."""
    from conformance.runners.node import find_node
    from conformance.runners.provision import ensure_package
    from conformance.runners.unavailable import BackendUnavailable

    console = console_of(stderr=True)
    try:
        with console.status("looking for TensorFlow.js") as status:
            tell = status.update if console.is_terminal else echo_error
            place = ensure_package(tell, find_node(node))
    except BackendUnavailable as error:
        click.echo(error, err=True)
        sys.exit(3)
    click.echo(f"TensorFlow.js is ready in {place}")


@main.command(epilog="Example: conformance new-backend my-runtime")
@click.argument("name")
@click.option(
    "--language", default="python", show_default=True, type=click.Choice(["python", "program"]),
    help="A Python class, or a program that may be rewritten in any language.",
)  # fmt: skip
def new_backend(name: str, language: str) -> None:
    """Write the skeleton of a backend of your own into a new directory NAME; overwrites nothing."""
    from conformance.skeletons import CannotWrite, write

    try:
        with errors_of_users():
            steps = write(name, language, Path())
    except CannotWrite as error:
        raise click.UsageError(str(error)) from error
    click.echo("Written. It answers already; next, type:\n")
    for step in steps:
        click.echo(f"    {step}")


async def _availability(specs: Sequence[BackendSpec]) -> list[tuple[str, str, str, str]]:
    """For each backend its name, language, `yes` or `no`, and its versions or why not."""
    import anyio

    rows: dict[str, tuple[str, str, str, str]] = {}

    async def ask(spec: BackendSpec) -> None:
        rows[spec.name] = await _try(spec)

    async with anyio.create_task_group() as group:
        for spec in specs:
            group.start_soon(ask, spec)
    return [rows[spec.name] for spec in specs]


async def _try(spec: BackendSpec) -> tuple[str, str, str, str]:
    from conformance.runners.process import Runner
    from conformance.runners.unavailable import BackendUnavailable

    def decline(step: str) -> None:
        raise BackendUnavailable("not installed yet", "run: conformance setup")

    async with Runner(spec, progress=decline) as runner:
        try:
            identity = await runner.start()
        except BackendUnavailable as error:
            return spec.name, "", "no", "; ".join(part for part in (error.problem, error.remedy) if part)
    versions = ", ".join(f"{name} {version}" for name, version in sorted(identity.versions.items()))
    return spec.name, identity.language, "yes", versions
