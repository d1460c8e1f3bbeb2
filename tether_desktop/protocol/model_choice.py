"""Which model answers, and with which chat template."""

from __future__ import annotations

from dataclasses import replace

from tether_desktop.errors import ModelError
from tether_desktop.model.discovery.catalog import Catalog
from tether_desktop.model.discovery.entry import ModelEntry
from tether_desktop.model.engine import SamplingParams
from tether_desktop.protocol.prompt import PromptTemplate, UnrenderedMessages, load_prompt_template


def chosen_model(catalog: Catalog, *names: str | None) -> ModelEntry:
    """The model of the first name that is one; without any the first usable.

    Raises:
        ModelNotFound: there is no such model.
        ModelError: it cannot be used, or none can.
    """
    return catalog.get(next(filter(None, names), None) or _first_usable(catalog))


def load_template(entry: ModelEntry) -> PromptTemplate | UnrenderedMessages:
    """Its chat template.

    Raises:
        ModelBroken: it has none that works.
    """
    return UnrenderedMessages(entry.name) if entry.kind == "remote" else load_prompt_template(entry.model_dir)


def with_stop(params: SamplingParams, stop: tuple[str, ...]) -> SamplingParams:
    """The parameters, with these texts ending the reply too."""
    return replace(params, stop=tuple(dict.fromkeys(params.stop + stop)))


def _first_usable(catalog: Catalog) -> str:
    # What nobody has chosen goes to no server, as long as something here can answer.
    models = sorted(catalog.list(), key=lambda entry: entry.kind == "remote")
    for entry in models:
        if entry.usable:
            return entry.name
    if models:
        raise ModelError("No model can be used", models[0].reason, models[0].remedy)
    raise ModelError("No model yet", "There is no model on this computer.", "Add the starter model or another one.")
