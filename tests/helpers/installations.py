"""Offers, and a model that is being added, at every moment of it."""

from __future__ import annotations

from dataclasses import replace

from tether_desktop.errors import InstallError
from tether_desktop.model.install.compile_job import MappedMatrix
from tether_desktop.model.install.offers import Offer
from tether_desktop.model.install.progress import Checked, InstallProgress
from tether_desktop.model.pool.memory_fit import Fit, Needs
from tether_desktop.ui.models.installation import Installation, Installed
from tether_desktop.ui.models.model_fits import RatedOffer

SMALL = Offer(
    id="small-1b",
    title="Small 1B",
    description="Good for small things.",
    source="hf:acme/Small-1B-GGUF:Q8_0",
    licence="Apache-2.0",
    licence_url="https://example.com/apache",
    must_accept=False,
    parameters=1_000_000_000,
    download_bytes=639_000_000,
    memory_bytes=1_000_000_000,
    context_window=4096,
)
STRICT = replace(
    SMALL,
    id="strict-9b",
    title="Strict 9B",
    source="hf:acme/Strict-9B-GGUF:Q4_0",
    licence="LicenseRef-Strict",
    licence_url="https://example.com/strict",
    must_accept=True,
    download_bytes=5_200_000_000,
)
OFFERS = [RatedOffer(SMALL, "fits"), RatedOffer(STRICT, "will_not_fit")]

MAPPINGS = (
    MappedMatrix("embed", ("Q8_0",), "q8_0", exact=True, relative_rms=0),
    MappedMatrix("qkv", ("Q4_K", "Q6_K"), "q8_0", exact=False, relative_rms=0.0042),
)
NEEDS = Needs(639_000_000, 400_000_000, 61_000_000)
CHECKED = Checked("Small-1B-q8_0t16-MLC", 639_000_000, 4096, Fit("tight", NEEDS.total, 1_200_000_000, NEEDS), 2048)

BEGUN = Installation(SMALL.id, SMALL.title)
DOWNLOADING = BEGUN.at(InstallProgress("downloading", 0.42, "268 of 639 MB, 12.4 MB/s"))
PACKING = replace(DOWNLOADING.at(InstallProgress("packing", 0.1, "64 of 639 MB")), checked=CHECKED)
FAILED = DOWNLOADING.failed(InstallError("The model cannot be downloaded", "There is no network.", "Connect first."))
DONE = PACKING.done(Installed(CHECKED.name, MAPPINGS))
