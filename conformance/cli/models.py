"""The verbs about saved models: `convert` and `check`."""

from __future__ import annotations

import sys
from pathlib import Path

import rich_click as click
from click.core import ParameterSource

from conformance.cli.group import (
    BadFile,
    console_of,
    dialect_option,
    echo_error,
    errors_of_users,
    keras_python_option,
    main,
    node_option,
    tfjs_option,
)


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
    help="Leave out what the target has no words for, write what it refuses or computes otherwise, and say "
    "so, in place of refusing.",
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
    TensorFlow.js (a directory, or the model.json in it). Layers that the target has no words for, refuses or
    computes otherwise are written as others that compute the same, where there are any. Nothing in a file is
    ever run.

    Exit codes: 0 written; 1 refused, since the target cannot say or compute what the model does; 2 usage, or
    a bad file.
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


@main.command(epilog="Example: conformance check model.keras --backend tfjs-wasm --samples 4")
@click.argument("model", metavar="MODEL", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--backend", "names", multiple=True, metavar="NAME", default=("tfjs-wasm",), show_default=True,
    help="Check it on this backend of TensorFlow.js; repeatable.",
)  # fmt: skip
@click.option(
    "--inputs", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The inputs, in an .npz file, by their names in the model or else in its order; default: drawn.",
)  # fmt: skip
@click.option(
    "--samples", default=2, show_default=True, type=click.IntRange(min=1), help="How many samples are drawn."
)
@click.option("--seed", default=0, show_default=True, help="Of what is drawn.")
@node_option
@tfjs_option
@keras_python_option
@dialect_option
@click.option("--json", "as_json", is_flag=True, help="Write it as JSON to standard output.")
@click.pass_context
def check(
    context: click.Context,
    model: Path,
    names: tuple[str, ...],
    inputs: Path | None,
    samples: int,
    seed: int,
    node: str | None,
    tfjs: tuple[str, ...],
    keras_pythons: tuple[str, ...],
    dialects: tuple[str, ...],
    as_json: bool,
) -> None:
    """Say whether MODEL loads in TensorFlow.js and computes there what it computes in Keras; if not, which
    layer is the first to depart, by how much, why, and what to change.

    MODEL is a file of Keras, which is converted first, or a directory of TensorFlow.js. What each layer
    computes is judged from the backend's own inputs to it, and the outputs are held against Keras's.

    Exit codes: 0 it computes the same, up to rounding, or departs inside only as recorded and where no output
    shows it; 1 it computes something else, as recorded or not, does not load, or could not be judged; 2
    usage, or a bad file, one with code in it too; 3 a backend could not be started; 130 interrupted.
    """
    from conformance.interchange import checking, verdict
    from conformance.interchange.samples import BadInputs
    from conformance.reference_impl.saving.saved_model import FormatError
    from conformance.reporting.model_check import show
    from conformance.selection import check_dialects, find_backends

    if inputs is not None and context.get_parameter_source("samples") is ParameterSource.COMMANDLINE:
        raise click.UsageError("--samples is about inputs that are drawn: leave it out, or --inputs")
    with errors_of_users():
        check_dialects(dialects)
        asked = find_backends((checking.KERAS, *names), (), node, tfjs=tfjs, keras_pythons=keras_pythons)
    keras, *backends = asked
    if not backends:
        raise click.UsageError(f"{checking.KERAS} is what the others are held against: name another one")
    console = console_of(stderr=True)
    try:
        with console.status("") as status:
            tell = status.update if console.is_terminal else echo_error
            checked = checking.check(
                checking.Asked(model, tuple(backends), keras, inputs, samples, seed, dialects), tell
            )
    except BadInputs as error:
        raise BadFile(f"{model}: {error}") from error
    except FormatError as error:
        raise BadFile(str(error)) from error
    if as_json:
        click.echo(verdict.encode(checked))
    else:
        show(console_of(), checked)
    sys.exit(checked.exit_code)
