"""The programs of the guides, and what had to be changed in them so that they run.

They lie in `printed/`, as they are printed: comments in the languages of the texts are left out, since they
differ from text to text. Nothing else is changed but what stands here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PRINTED = Path(__file__).with_name("printed")

EVERY = "Korean, Japanese, Chinese"


@dataclass(frozen=True)
class Erratum:
    """A change in a program.

    Attributes:
        program: its name and ending; its file in `printed/` is a text, which nobody lints.
        texts: of which languages it is in.
        line: as it is printed.
        run: what is run instead.
        reason: why it does not run as printed, and since when.
    """

    program: str
    texts: str
    line: str
    run: str
    reason: str


ERRATA = (
    Erratum(
        "linear_regression.mjs",
        EVERY,
        "import * as tf from '@tensorlowjs/tfjs';",
        "",
        "no such package: the name is misspelt, and @tensorflow/tfjs is meant; the backend under test "
        "stands in its place",
    ),
    Erratum(
        "dense.py",
        EVERY,
        "inputShape=[1]",
        "input_shape=[1]",
        "JavaScript's name of the argument, which no Keras takes; Keras 3 refuses what it does not know",
    ),
    Erratum(
        "optimizer.py",
        EVERY,
        "keras.optimizers.sgd(lr=0.2)",
        "keras.optimizers.SGD(learning_rate=0.2)",
        "Keras 3 has neither the name in lower case nor `lr`",
    ),
    Erratum(
        "apply_chinese.mjs",
        "Chinese",
        "tf.input{shape: [2, 4]}",
        "tf.input({shape: [2, 4]}",
        "a parenthesis is missing: a syntax error in every JavaScript",
    ),
)


def program(name: str) -> str:
    """The text of a program as it is run.

    Raises:
        ValueError: an erratum is about a line that is not in its program.
    """
    text = (PRINTED / f"{name}.txt").read_text("utf-8")
    for erratum in ERRATA:
        if erratum.program == name:
            if erratum.line not in text:
                raise ValueError(f"{name} has no line {erratum.line!r}")
            text = text.replace(erratum.line, erratum.run)
    return text
