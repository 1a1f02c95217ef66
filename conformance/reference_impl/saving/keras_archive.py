"""Keras 3's `.keras`: a zip file with the configuration, and the weights in a `.weights.h5`."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from conformance.reference_impl.saving import hdf5_guard, strict_json, weights_h5
from conformance.reference_impl.saving.configuration import modern
from conformance.reference_impl.saving.hdf5_guard import printable
from conformance.reference_impl.saving.hdf5_skeleton import Skeleton
from conformance.reference_impl.saving.keras_layers import outermost
from conformance.reference_impl.saving.keras_order import in_keras_order
from conformance.reference_impl.saving.replacement import replacing_file
from conformance.reference_impl.saving.saved_model import JSONObject, SavedModel
from conformance.reference_impl.saving.training import generation_of, modern_state, modern_training
from conformance.reference_impl.saving.zip_guard import Archive

METADATA, CONFIGURATION, WEIGHTS = "metadata.json", "config.json", "model.weights.h5"

KERAS_VERSION = "3.15.1"
"""That of the form in which files are written."""

SAVED = "1980-01-01@00:00:00"
"""The earliest date of a zip file: the same model is the same file."""


@contextmanager
def opened(path: Path) -> Iterator[SavedModel]:
    """The model of a file; its weights are read while the block lasts.

    Raises:
        FormatError: the file is damaged, unsafe, or not what Keras writes.
    """
    with path.open("rb") as stream:
        archive = Archive(stream, path)

        def document(member: str) -> JSONObject:
            return strict_json.parse(archive.read(member, strict_json.MOST_BYTES), path, member)

        metadata = document(METADATA) if METADATA in archive.members else {}
        version = str(metadata.get("keras_version", "3"))
        configuration = document(CONFIGURATION)
        compiled = configuration.pop("compile_config", None)
        training = modern_training(compiled, path) if isinstance(compiled, dict) and compiled else None
        configuration = modern(configuration, path)
        model = outermost(configuration, path)
        with archive.opened(WEIGHTS) as unpacked, hdf5_guard.opened(unpacked, path, WEIGHTS) as root:
            weights, optimizer = weights_h5.read(root, model)
            yield SavedModel(
                configuration,
                weights,
                training=training,
                optimizer=modern_state(optimizer, training, generation_of(version)),
                made_by=f"Keras {printable(version)}",
            )


def write(saved: SavedModel, path: Path) -> None:
    """A model as a file that `keras.saving.load_model` takes; equal models are equal files.

    Raises:
        FormatError: some weights are of no layer, or of one that the specification does not know.
    """
    configuration = in_keras_order(saved.configuration, path)
    skeleton = Skeleton()
    weights_h5.put(skeleton, replace(saved, configuration=configuration), path)
    if saved.training is not None:
        configuration = configuration | {"compile_config": saved.training}
    documents = {
        METADATA: {"keras_version": KERAS_VERSION, "date_saved": SAVED},
        CONFIGURATION: configuration,
    }
    with replacing_file(path) as new, zipfile.ZipFile(new, "w", zipfile.ZIP_STORED) as archive:
        for name, document in documents.items():
            archive.writestr(zipfile.ZipInfo(name), strict_json.text(document))
        with archive.open(zipfile.ZipInfo(WEIGHTS), "w", force_zip64=True) as member:
            for piece in skeleton.pieces():
                member.write(piece)
