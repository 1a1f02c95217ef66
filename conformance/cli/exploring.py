"""The verb that searches beyond the corpus: `explore`."""

from __future__ import annotations

import re
import sys
from functools import partial
from pathlib import Path

import rich_click as click

from conformance.cli.group import (
    BadFile,
    asked_again_with,
    backend_option,
    command_option,
    console_of,
    dialect_option,
    errors_of_users,
    keras_python_option,
    main,
    node_option,
    property_option,
    results_option,
    subject_option,
    tfjs_option,
)
from conformance.cli.runs import arguments_of, refuse_others_than, take_up

SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600}

DEFAULT_EXAMPLES = 1000


class Duration(click.ParamType[float]):
    """A number of seconds, minutes or hours, as `90`, `90s`, `20m` or `2h`."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", str(value))
        if match is None or not float(match[1]):
            self.fail(f"{value!r} is no time: give it as 90s, 20m or 2h", param, ctx)
        return float(match[1]) * SECONDS[match[2]]


@main.command(epilog="Example: conformance explore --backend tfjs-wasm --subject 'Conv*' --time 10m")
@click.option(
    "--examples", type=click.IntRange(min=1), metavar="N",
    help="Ask so many cases that no corpus has. Default, where no --time is given either: "
    f"{DEFAULT_EXAMPLES:,}.",
)  # fmt: skip
@click.option("--time", "seconds", type=Duration(), metavar="T", help="Search so long: 90s, 20m, 2h.")
@backend_option
@command_option
@subject_option
@property_option
@results_option
@click.option(
    "--cases", "overlay", default="conformance-cases", show_default=True, metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the reduced cases go, a JSON file each, which `conformance run --case DIR` asks again.",
)  # fmt: skip
@click.option(
    "--promote", is_flag=True,
    help="Search nothing: put the cases in the directory of --cases into the corpus of a source checkout.",
)  # fmt: skip
@node_option
@tfjs_option
@keras_python_option
@click.option(
    "--seed", default=0, show_default=True, help="Of the search, and of what the backends draw at random."
)
@dialect_option
@click.option(
    "--resume", metavar="DIR", type=click.Path(path_type=Path), is_eager=True, callback=take_up,
    help="Go on with the interrupted search whose results are in DIR, as it was asked for.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Write a summary as JSON to standard output.")
@click.pass_context
def explore(
    context: click.Context,
    examples: int | None,
    seconds: float | None,
    names: tuple[str, ...],
    commands: tuple[str, ...],
    subjects: tuple[str, ...],
    properties: tuple[str, ...],
    out: Path,
    overlay: Path,
    promote: bool,
    node: str | None,
    tfjs: tuple[str, ...],
    keras_pythons: tuple[str, ...],
    seed: int,
    dialects: tuple[str, ...],
    resume: Path | None,
    as_json: bool,
) -> None:
    """Search for cases beyond the corpus on which backends fail, and reduce them.

    Layers, arguments, shapes, data and small models are drawn at random, nearer and nearer to what a backend
    may be off. A failure stops nothing: each kind of failure is one finding, with the smallest case that
    shows it. What a recorded deviation explains is none.

    Exit codes: 0 nothing found; 1 findings; 2 usage, or a bad file; 3 a backend could not be started (the
    others are still searched); 130 interrupted.
    """
    from conformance.exploring.overlay import keep

    if promote:
        _promote(overlay)
        return
    from conformance import engine
    from conformance.cases import corpus
    from conformance.exploring.search import Goal
    from conformance.exploring.search import explore as search
    from conformance.exploring.spaces import of_quick, spaces
    from conformance.reporting.journal import Journal
    from conformance.reporting.recording import CannotGoOn, exit_code, record, suite_of
    from conformance.reporting.results import ResultsError
    from conformance.reporting.terminal import display, summarize, summary
    from conformance.selection import check_dialects, find_backends, find_properties, of_subjects

    if resume is not None:
        refuse_others_than(context, "resume", "as_json")
    goal = Goal(examples or (None if seconds else DEFAULT_EXAMPLES), seconds)
    with errors_of_users():
        backends = find_backends(names, commands, node, tfjs=tfjs, keras_pythons=keras_pythons)
        cases = of_subjects(corpus.load("quick"), subjects)
        judged = find_properties(properties)
        check_dialects(dialects)
    # Of all subjects together there is something to draw, and to find out takes seconds.
    if subjects and not spaces(cases):
        raise click.UsageError("of these subjects there is nothing to draw: the corpus has all their cases")
    narrowed = {"backend": names, "subject": subjects, "property": properties}
    suite = suite_of(
        (), corpus="", seed=seed, profile=None,
        selection={key: list(values) for key, values in narrowed.items() if values},
        options=asked_again_with(dialects, node, seed),
    )  # fmt: skip
    try:
        before = Journal(out) if resume else None
        plan = engine.Plan(
            (), backends, judged, seed, dialects, witnesses=False, before=before.judged() if before else ()
        )
        show = display(console_of(stderr=True), [b.name for b in backends], goal.examples)
        events = search(plan, partial(of_quick, {case.subject for case in cases}), goal)
        report = record(events, out, suite, show, arguments_of(context), going_on=resume is not None)
        kept = keep(report.results.findings, overlay) if report.results.findings else []
    except (CannotGoOn, ResultsError) as error:
        raise BadFile(str(error)) from error
    except OSError as error:
        raise BadFile(f"{error.filename or out}: {error.strerror}") from error
    code = exit_code(report.results)
    console = console_of(stderr=as_json)
    summarize(console, report, out)
    if kept:
        console.print(f"Cases: {len(kept)} in {overlay}", markup=False, soft_wrap=True)
    if as_json:
        click.echo(summary(report, out, code))
    sys.exit(code)


def _promote(overlay: Path) -> None:
    """Put the cases of the directory into the corpus."""
    from conformance.exploring.overlay import NoCheckout, promote
    from conformance.selection import find_cases

    with errors_of_users():
        cases = find_cases("quick", [str(overlay)])
    try:
        count = promote(cases)
    except NoCheckout as error:
        raise BadFile(str(error)) from error
    click.echo(f"{count} of {len(cases)} cases are new in the corpus; commit them.", err=True)
