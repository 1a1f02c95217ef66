"""The command `conformance`: what users ask of the suite, a verb each."""

from __future__ import annotations

import importlib
import sys
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click
from click.core import ParameterSource

from conformance import __version__

if TYPE_CHECKING:
    from rich.console import Console

    from conformance.cases.case import Case
    from conformance.events import Event
    from conformance.reporting.journal import Journal
    from conformance.reporting.store import Report
    from conformance.runners.registry import BackendSpec

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
                f"{directory} is of a session of pytest, which cannot be gone on with: run it again"
            )
        context.default_map = arguments | {"out": str(directory)}
    return directory


def refuse_others_than(context: click.Context, *names: str) -> None:
    """A usage error where another option than these was given."""
    for parameter in context.command.params:
        name = str(parameter.name)
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE and name not in names:
            raise click.UsageError(
                f"--resume goes on with the run as it was asked for: leave out {parameter.opts[0]}"
            )


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


@main.command(epilog="Example: conformance run --backend tfjs-wasm --subject LSTM --property 'gradient*'")
@click.option(
    "--backend", "names", multiple=True, metavar="NAME",
    help="Ask this backend; repeatable. Default, where no --backend-command is given either: "
    "keras-tensorflow, tfjs-cpu and tfjs-wasm.",
)  # fmt: skip
@click.option(
    "--backend-command", "commands", multiple=True, metavar="[NAME=]COMMAND",
    help="Ask the backend that this command line runs; repeatable.",
)  # fmt: skip
@click.option("--subject", "subjects", multiple=True, metavar="NAME", help="Only these; repeatable, globs.")
@click.option(
    "--property", "properties", multiple=True, metavar="NAME", help="Only these; repeatable, globs."
)
@click.option("--profile", metavar="NAME", help="Only the properties of this profile.")
@click.option("--corpus", default="quick", show_default=True, metavar="NAME", help="The cases to ask.")
@click.option(
    "--case", "cases", multiple=True, metavar="ID|FILE",
    help="Ask this case of a corpus, or in this JSON file, in place of the corpus; repeatable.",
)  # fmt: skip
@click.option(
    "--out", default="conformance-results", show_default=True, metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path), help="Where the results go.",
)  # fmt: skip
@node_option
@tfjs_option
@keras_python_option
@click.option("--seed", default=0, show_default=True, help="For what the backends draw at random.")
@click.option(
    "--device", default="cpu", show_default=True, type=click.Choice(["cpu", "gpu"]),
    help="Where the specification computes.",
)  # fmt: skip
@click.option(
    "--dialect", "dialects", multiple=True, metavar="MODULE",
    help="Judge under the recorded deviations in this Python module too; repeatable.",
)  # fmt: skip
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
    from conformance.runners.builds import BadBuild
    from conformance.runners.python import BadPython
    from conformance.selection import (
        BadCase,
        UnknownName,
        check_dialects,
        find_backends,
        find_cases,
        find_properties,
        of_subjects,
    )

    if resume is not None:
        refuse_others_than(context, "resume", "as_json")
    try:
        backends = find_backends(names, commands, node, tfjs=tfjs, keras_pythons=keras_pythons)
        found = find_cases(corpus, cases)
        asked = of_subjects(found, subjects)
        judged = find_properties(properties, profile)
        check_dialects(dialects)
    except UnknownName as error:
        raise click.UsageError(str(error)) from error
    except (BadBuild, BadCase, BadPython) as error:
        raise BadFile(str(error)) from error
    known = _read(baseline) if baseline else None
    if baseline and out.resolve() in (baseline.resolve(), baseline.resolve().parent):
        raise click.UsageError("--out would overwrite the baseline; name another directory for one of them")
    narrowed = {"backend": names, "case": cases, "subject": subjects, "property": properties}
    again = [word for module in dialects for word in ("--dialect", module)]
    again += ["--seed", str(seed)] if seed else []
    again += ["--node", node] if node else []
    suite = suite_of(
        found,
        corpus="" if cases else corpus,
        seed=seed,
        profile=profile,
        selection={key: list(values) for key, values in narrowed.items() if values},
        options=again,
    )
    progress = _console(stderr=True)
    try:
        with use_device(device):
            before = Journal(out) if resume else None
            events = _events(asked, backends, judged, seed, dialects, witnesses=not cases, before=before)
            to_do = len(asked) - (sum(1 for _ in before.judged()) if before else 0)
            show = display(progress, [b.name for b in backends], to_do)
            arguments = {name: jsonable(value) for name, value in context.params.items() if name != "resume"}
            report = record(events, out, suite, show, arguments, going_on=resume is not None)
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
    summarize(_console(stderr=as_json), report, out, beyond)
    if as_json:
        click.echo(summary(report, out, code, beyond))
    sys.exit(code)


FORMATS = {
    "html": "conformance.reporting.page",
    "markdown": "conformance.reporting.markdown",
    "coverage": "conformance.reporting.coverage",
    "junit": "conformance.reporting.junit",
    "badge": "conformance.reporting.badge",
}
"""The formats of a report, and the modules whose `render` makes them."""


@main.command(epilog="Example: conformance report conformance-results --format junit --output junit.xml")
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--format", "form", type=click.Choice(tuple(FORMATS)),
    help="Write the results so: a page; Markdown for the summary of a CI job; what was asked of which class "
    "and argument, in Markdown too; JUnit XML; the JSON of a shields.io endpoint badge.",
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
            summarize(_console(), render_again(directory), directory)
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
@click.option(
    "--dialect", "dialects", multiple=True, metavar="MODULE",
    help="Judge under the recorded deviations in this Python module too; repeatable.",
)  # fmt: skip
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
    from conformance.runners.builds import BadBuild
    from conformance.runners.python import BadPython
    from conformance.runners.unavailable import BackendUnavailable
    from conformance.selection import BadCase, UnknownName, check_dialects, find_backends

    try:
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
    except (UnknownName, explaining.NotAsked) as error:
        raise click.UsageError(str(error)) from error
    except (BadBuild, BadCase, BadPython, ResultsError) as error:
        raise BadFile(str(error)) from error
    except BackendUnavailable as error:
        click.echo(f"{backend.name} could not be started: {error}", err=True)
        sys.exit(3)
    if as_json:
        click.echo(explanation.as_json(explained))
    else:
        explanation.show(_console(), explained)


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

    difference = compare(_read(old), _read(new), worse)
    match form:
        case "json":
            click.echo(encode(difference))
        case "markdown":
            click.echo(render_difference(difference), nl=False)
        case _:
            show_difference(_console(), difference)
    sys.exit(1 if difference.regressed else 0)


@main.command(epilog="Example: conformance backends")
@node_option
@tfjs_option
@keras_python_option
def backends(node: str | None, tfjs: tuple[str, ...], keras_pythons: tuple[str, ...]) -> None:
    """Start each backend once, and say which can be asked; installs nothing."""
    import anyio
    from rich.table import Table

    from conformance.runners import registry
    from conformance.runners.builds import BadBuild, find_builds
    from conformance.runners.python import BadPython
    from conformance.selection import UnknownName, find_keras_pythons

    try:
        found = registry.backends(
            node, tfjs=find_builds(tfjs), keras_pythons=find_keras_pythons(keras_pythons)
        )
    except UnknownName as error:
        raise click.UsageError(str(error)) from error
    except (BadBuild, BadPython) as error:
        raise BadFile(str(error)) from error

    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    for heading in ("Backend", "Language", "Available", ""):
        table.add_column(heading, overflow="fold")
    specs = tuple(found.values())
    console = _console()
    with _console(stderr=True).status("starting each backend"):
        for row in anyio.run(_availability, specs):
            table.add_row(*row)
    console.print(table)


@main.command(epilog="Example: conformance setup")
@node_option
def setup(node: str | None) -> None:
    """Install TensorFlow.js into this user's cache now; a first run does it otherwise."""
    from conformance.runners.node import find_node
    from conformance.runners.provision import ensure_package
    from conformance.runners.unavailable import BackendUnavailable

    console = _console(stderr=True)
    try:
        with console.status("looking for TensorFlow.js") as status:
            tell = status.update if console.is_terminal else _echo_error
            place = ensure_package(tell, find_node(node))
    except BackendUnavailable as error:
        click.echo(error, err=True)
        sys.exit(3)
    click.echo(f"TensorFlow.js is ready in {place}")


@main.command(epilog="Example: conformance convert model.keras web_model --quantize float16='conv*'")
@click.argument("model", metavar="IN", type=click.Path(exists=True, path_type=Path))
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path))
@click.option(
    "--quantize", "quantized", multiple=True, metavar="DTYPE[=PATTERN,…]",
    help="Store the weights whose names match, or all others, as float16, uint8 or uint16, which "
    "TensorFlow.js restores to float32; repeatable.",
)  # fmt: skip
@click.option(
    "--shard-size",
    metavar="BYTES",
    type=click.IntRange(min=1),
    help="Of TensorFlow.js's weight files; default: 4 MiB.",
)
@click.option("--keras-2", is_flag=True, help="Write an .h5 that Keras 2 reads, not Keras 3.")
@click.option(
    "--allow-deviations", is_flag=True,
    help="Leave out what the target has no words for, and say so, in place of refusing.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Write a summary as JSON to standard output.")
def convert(
    model: Path,
    out: Path,
    quantized: tuple[str, ...],
    shard_size: int | None,
    keras_2: bool,
    allow_deviations: bool,
    as_json: bool,
) -> None:
    """Carry the model IN into the format of OUT, without Keras or TensorFlow.js.

    By their names, files are of Keras 3 (.keras), of Keras 2 or 3 (.h5), weights alone (.weights.h5), or of
    TensorFlow.js (a directory, or the model.json in it). Layers that the target has no words for are written
    as others that compute the same, where there are any. Nothing in a file is ever run.

    Exit codes: 0 written; 1 refused, since the target cannot say what the model does; 2 usage, or a bad file.
    """
    from conformance.interchange import conversion, summary
    from conformance.reference_impl.saving import model_json
    from conformance.reference_impl.saving.saved_model import FormatError

    wanted = conversion.Wanted(
        quantization=conversion.quantization(quantized),
        shard_size=shard_size or model_json.SHARD_SIZE,
        generation=2 if keras_2 else 3,
        allow_deviations=allow_deviations,
    )
    try:
        done = conversion.convert(model, out, wanted)
    except conversion.Refused as refused:
        for line in summary.refusal(refused):
            click.echo(line, err=True)
        sys.exit(1)
    except FormatError as error:
        raise BadFile(str(error)) from error
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    if as_json:
        click.echo(summary.as_json(done))
    else:
        for line in summary.lines(done):
            click.echo(line)


def jsonable(value: Any) -> Any:
    """An option's value as JSON can hold it, from which click makes the same value again."""
    return str(value) if isinstance(value, Path) else value


def _read(place: Path) -> Report:
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


def _console(*, stderr: bool = False) -> Console:
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, width=None if stream.isatty() else PIPE_WIDTH, highlight=False)


def _echo_error(line: str) -> None:
    click.echo(line, err=True)


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
