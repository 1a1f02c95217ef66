"""The verbs about what a run has left: `report`, `explain` and `diff`."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import rich_click as click

from conformance.cli.group import (
    BadFile,
    console_of,
    dialect_option,
    errors_of_users,
    keras_python_option,
    main,
    node_option,
    read_results,
    tfjs_option,
)

FORMATS = {
    "html": "conformance.reporting.page",
    "markdown": "conformance.reporting.markdown",
    "coverage": "conformance.reporting.coverage",
    "guide": "conformance.reporting.guide",
    "junit": "conformance.reporting.junit",
    "badge": "conformance.reporting.badge",
}
"""The formats of a report, and the modules whose `render` makes them."""


@main.command(epilog="Example: conformance report conformance-results --format junit --output junit.xml")
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--format", "form", type=click.Choice(tuple(FORMATS)),
    help="Write the results so: a page; Markdown for the summary of a CI job; what was asked of which class "
    "and argument, or what became of each statement of the guides, in Markdown too; JUnit XML; the JSON of a "
    "shields.io endpoint badge.",
)  # fmt: skip
@click.option(
    "--output", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path),
    help="Write to this file; default: standard output.",
)  # fmt: skip
def report(directory: Path, form: str | None, output: Path | None) -> None:
    """Check the results in DIR, and write their page, index.html, anew; or with --format, write them in
    that format and nothing else. Of a run that was killed, the results are made first, of what it saw,
    with the commands and scripts that show its findings again.

    Exit codes: 0 written, whatever the results say; 2 usage, or a bad file.
    """
    from conformance.reporting.recording import recover, render_again
    from conformance.reporting.results import ResultsError
    from conformance.reporting.store import read, replace
    from conformance.reporting.terminal import summarize

    if output and not form:
        raise click.UsageError(f"--output needs a --format: one of {', '.join(FORMATS)}")
    try:
        recover(directory)
        if not form:
            summarize(console_of(), render_again(directory), directory)
            return
        text: str = importlib.import_module(FORMATS[form]).render(read(directory))
        if output:
            replace(output, text.encode())
        else:
            click.echo(text, nl=False)
    except ResultsError as error:
        raise BadFile(str(error)) from error
    except OSError as error:
        raise BadFile(f"{error.filename or directory}: {error.strerror}") from error


@main.command(epilog="Example: conformance explain c597d7a844af3a25 --backend tfjs-cpu --observable output/0")
@click.argument("what", metavar="ID")
@click.option(
    "--results", default="conformance-results", show_default=True, metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path), help="Where the findings are that ID may be one of.",
)  # fmt: skip
@click.option("--backend", "names", multiple=True, metavar="NAME", help="The backend, for a case.")
@click.option(
    "--backend-command", "commands", multiple=True, metavar="[NAME=]COMMAND",
    help="The backend that this command line runs.",
)  # fmt: skip
@click.option("--observable", metavar="NAME", help="What of the case, such as output/0.")
@node_option
@tfjs_option
@keras_python_option
@click.option("--seed", type=int, help="For what the backend draws at random; default: that of the results.")
@dialect_option
@click.option("--json", "as_json", is_flag=True, help="Write it as JSON to standard output.")
def explain(
    what: str,
    results: Path,
    names: tuple[str, ...],
    commands: tuple[str, ...],
    observable: str | None,
    node: str | None,
    tfjs: tuple[str, ...],
    keras_pythons: tuple[str, ...],
    seed: int | None,
    dialects: tuple[str, ...],
    as_json: bool,
) -> None:
    """Ask a backend one thing again, and show the limit of its worst element, term by term.

    ID is a finding's id, or the id or JSON file of a case; of a case, --backend and --observable say
    what of it.

    Exit codes: 0 explained; 2 usage, or no such finding or case; 3 the backend could not be started.
    """
    from conformance import explaining
    from conformance.reporting import explanation
    from conformance.reporting.results import ResultsError
    from conformance.runners.unavailable import BackendUnavailable
    from conformance.selection import check_dialects, find_backends

    try:
        with errors_of_users():
            check_dialects(dialects)
            found = explaining.find(what, results, observable)
            chosen = names or (() if commands else found.backends)
            if len(chosen) + len(commands) != 1:
                raise click.UsageError("name one backend: --backend NAME, or --backend-command COMMAND")
            (backend,) = find_backends(chosen, commands, node, tfjs=tfjs, keras_pythons=keras_pythons)
            drawn = found.seed if seed is None else seed
            explained = explaining.explain(
                explaining.Subject(found.case, found.observable, backend, drawn, dialects)
            )
    except explaining.NotAsked as error:
        raise click.UsageError(str(error)) from error
    except ResultsError as error:
        raise BadFile(str(error)) from error
    except BackendUnavailable as error:
        click.echo(f"{backend.name} could not be started: {error}", err=True)
        sys.exit(3)
    if as_json:
        click.echo(explanation.as_json(explained))
    else:
        explanation.show(console_of(), explained)


@main.command(epilog="Example: conformance diff last-release/results.json conformance-results")
@click.argument("old", metavar="OLD", type=click.Path(path_type=Path))
@click.argument("new", metavar="NEW", type=click.Path(path_type=Path))
@click.option(
    "--worse", default=10.0, show_default=True, metavar="K", type=click.FloatRange(min=1, min_open=True),
    help="A margin that is K times the earlier one or more is numerically worse.",
)  # fmt: skip
@click.option("--markdown", "form", flag_value="markdown", help="Write Markdown to standard output.")
@click.option("--json", "form", flag_value="json", help="Write JSON, every changed check in it.")
def diff(old: Path, new: Path, worse: float, form: str | None) -> None:
    """Compare NEW with OLD, check by check: each a results directory, or the results.json in one.

    Two checks are the same by case, backend, property and observable. Told are those that newly fail, are
    mended, newly unsupported or no longer asked, numerically worse, or have another verdict that is no
    failure; and recorded deviations that are gone.

    Exit codes: 1 if a check fails that was not asked in OLD, or did not fail there with the same verdict, or
    if a recorded deviation does not hold for which OLD does not say so too; 0 otherwise, whatever else has
    changed; 2 usage, or a bad file.
    """
    from conformance.reporting.diff import compare, encode
    from conformance.reporting.markdown import render_difference
    from conformance.reporting.terminal import show_difference

    difference = compare(read_results(old), read_results(new), worse)
    match form:
        case "json":
            click.echo(encode(difference))
        case "markdown":
            click.echo(render_difference(difference), nl=False)
        case _:
            show_difference(console_of(), difference)
    sys.exit(1 if difference.regressed else 0)
