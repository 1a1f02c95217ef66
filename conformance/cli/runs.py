"""The verb that asks backends: `run`."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click
from click.core import ParameterSource

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
    read_results,
    results_option,
    subject_option,
    tfjs_option,
)

if TYPE_CHECKING:
    from conformance.cases.case import Case
    from conformance.events import Event
    from conformance.reporting.journal import Journal
    from conformance.runners.registry import BackendSpec


def take_up(context: click.Context, _: click.Parameter, directory: Path | None) -> Path | None:
    """The arguments of the run in the directory, in place of the options' defaults."""
    if directory is not None:
        from conformance.reporting.journal import Journal
        from conformance.reporting.results import ResultsError

        try:
            arguments = Journal(directory).begun().arguments
        except ResultsError as error:
            raise BadFile(f"{directory} holds no run to go on with: {error}") from error
        if not arguments:
            raise BadFile(
                f"{directory} is of a session of pytest or of certify, which cannot be gone on with: "
                "run it again"
            )
        verb = arguments["command"]
        if verb != context.command.name:
            raise BadFile(f"{directory} is of conformance {verb}: conformance {verb} --resume {directory}")
        context.default_map = arguments | {"out": str(directory)}
    return directory


def arguments_of(context: click.Context) -> dict[str, Any]:
    """The command's name and arguments, as a journal has them, to go on with."""
    given = {name: jsonable(value) for name, value in context.params.items() if name != "resume"}
    return {"command": context.command.name, **given}


def refuse_others_than(context: click.Context, *names: str) -> None:
    """A usage error where another option than these was given."""
    for parameter in context.command.params:
        name = str(parameter.name)
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE and name not in names:
            raise click.UsageError(
                f"--resume goes on with the run as it was asked for: leave out {parameter.opts[0]}"
            )


@main.command(epilog="Example: conformance run --backend tfjs-wasm --subject LSTM --property 'gradient*'")
@backend_option
@command_option
@subject_option
@property_option
@click.option("--profile", metavar="NAME", help="Only the properties of this profile.")
@click.option("--corpus", default="quick", show_default=True, metavar="NAME", help="The cases to ask.")
@click.option(
    "--case", "cases", multiple=True, metavar="ID|FILE|DIR",
    help="Ask this case of a corpus, or in this JSON file, or all in a directory of such files, in place of "
    "the corpus; repeatable.",
)  # fmt: skip
@results_option
@node_option
@tfjs_option
@keras_python_option
@click.option("--seed", default=0, show_default=True, help="For what the backends draw at random.")
@click.option(
    "--device", default="cpu", show_default=True, type=click.Choice(["cpu", "gpu"]),
    help="Where the specification computes.",
)  # fmt: skip
@dialect_option
@click.option(
    "--baseline", metavar="PATH", type=click.Path(path_type=Path),
    help="Earlier results (a directory, or the results.json in one): what is known from them is no reason "
    "to fail.",
)  # fmt: skip
@click.option(
    "--resume", metavar="DIR", type=click.Path(path_type=Path), is_eager=True, callback=take_up,
    help="Go on with the interrupted run whose results are in DIR, as it was asked for.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Write a summary as JSON to standard output.")
@click.pass_context
def run(
    context: click.Context,
    names: tuple[str, ...],
    commands: tuple[str, ...],
    subjects: tuple[str, ...],
    properties: tuple[str, ...],
    profile: str | None,
    corpus: str,
    cases: tuple[str, ...],
    out: Path,
    node: str | None,
    tfjs: tuple[str, ...],
    keras_pythons: tuple[str, ...],
    seed: int,
    device: str,
    dialects: tuple[str, ...],
    baseline: Path | None,
    resume: Path | None,
    as_json: bool,
) -> None:
    """Ask backends the cases of a corpus, judge their answers, and write a report.

    Exit codes: 0 all as expected; 1 findings, or recorded deviations that no longer hold (with --baseline,
    only those that it does not have); 2 usage, or a bad file; 3 a backend could not be started (the others
    still run); 130 interrupted.
    """
    from conformance.reference_impl.arrays import DeviceUnavailable, use_device
    from conformance.reporting.diff import news
    from conformance.reporting.journal import Journal
    from conformance.reporting.recording import CannotGoOn, exit_code, record, suite_of
    from conformance.reporting.results import ResultsError
    from conformance.reporting.terminal import display, summarize, summary
    from conformance.selection import (
        check_dialects,
        find_backends,
        find_cases,
        find_properties,
        of_subjects,
    )

    if resume is not None:
        refuse_others_than(context, "resume", "as_json")
    with errors_of_users():
        backends = find_backends(names, commands, node, tfjs=tfjs, keras_pythons=keras_pythons)
        found = find_cases(corpus, cases)
        asked = of_subjects(found, subjects)
        judged = find_properties(properties, profile)
        check_dialects(dialects)
    known = read_results(baseline) if baseline else None
    if baseline and out.resolve() in (baseline.resolve(), baseline.resolve().parent):
        raise click.UsageError("--out would overwrite the baseline; name another directory for one of them")
    narrowed = {"backend": names, "case": cases, "subject": subjects, "property": properties}
    suite = suite_of(
        found,
        corpus="" if cases else corpus,
        seed=seed,
        profile=profile,
        selection={key: list(values) for key, values in narrowed.items() if values},
        options=asked_again_with(dialects, node, seed),
    )
    progress = console_of(stderr=True)
    try:
        with use_device(device):
            before = Journal(out) if resume else None
            events = _events(asked, backends, judged, seed, dialects, witnesses=not cases, before=before)
            to_do = len(asked) - (sum(1 for _ in before.judged()) if before else 0)
            show = display(progress, [b.name for b in backends], to_do)
            report = record(events, out, suite, show, arguments_of(context), going_on=resume is not None)
    except DeviceUnavailable as error:
        raise click.UsageError(str(error)) from error
    except (CannotGoOn, ResultsError) as error:
        raise BadFile(str(error)) from error
    except OSError as error:
        kept = (
            f"; what was judged is kept: conformance run --resume {out}" if Journal(out).path.exists() else ""
        )
        raise BadFile(f"{error.filename or out}: {error.strerror}{kept}") from error
    beyond = news(known, report) if known else None
    code = exit_code(report.results, beyond)
    summarize(console_of(stderr=as_json), report, out, beyond)
    if as_json:
        click.echo(summary(report, out, code, beyond))
    sys.exit(code)


def jsonable(value: Any) -> Any:
    """An option's value as JSON can hold it, from which click makes the same value again."""
    return str(value) if isinstance(value, Path) else value


def _events(
    cases: tuple[Case, ...],
    backends: tuple[BackendSpec, ...],
    properties: tuple[str, ...] | None,
    seed: int,
    dialects: tuple[str, ...],
    *,
    witnesses: bool,
    before: Journal | None,
) -> AsyncGenerator[Event, None]:
    """The engine's events; all that the command line knows of the engine."""
    from conformance import engine

    plan = engine.Plan(
        cases=cases,
        backends=backends,
        properties=properties,
        seed=seed,
        dialects=dialects,
        witnesses=witnesses,
        before=before.judged() if before else (),
    )
    return engine.run(plan)
