"""What source weights are and what would become of them, told without writing anything."""

from __future__ import annotations

from pathlib import Path

from tether_desktop.model.compiler.formats import choose_formats, decoder_shape
from tether_desktop.model.compiler.packed_copy import check_packed
from tether_desktop.model.compiler.source_card import read_card
from tether_desktop.model.compiler.sources import open_source
from tether_desktop.model.compiler.tokenizer_files import open_tokenizer
from tether_desktop.model.discovery.model_folder import broken, read_config, was_packed
from tether_desktop.model.install.compile_job import Inspection, InspectRequest, Report


def inspect_source(request: InspectRequest, report: Report) -> Inspection:
    """Open source weights and their tokenizer as packing would.

    Raises:
        ModelBroken: they are damaged or of a kind we do not run.
    """
    report("checking", None)
    if was_packed(request.source):
        return _inspect_packed(request.source)
    source = open_source(request.source)
    open_tokenizer(request.source)
    formats = choose_formats(source, request.bits)
    return Inspection(
        read_card(source.path).model,
        formats.quantization,
        source.config.context_window,
        decoder_shape(source.config, formats),
    )


def _inspect_packed(folder: Path) -> Inspection:
    config = read_config(folder)
    if config.shape is None:
        raise broken("Its configuration does not say for which engine it is.")
    check_packed(folder)
    open_tokenizer(folder)
    return Inspection(read_card(folder).model, config.quantization, config.context_window, config.shape)
