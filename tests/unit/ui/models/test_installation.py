"""A model that is being added, in words."""

from __future__ import annotations

from typing import get_args

import pytest

from tests.helpers.installations import BEGUN, DONE, DOWNLOADING, FAILED, PACKING
from tether_desktop.model.install.compile_job import Stage
from tether_desktop.model.install.progress import InstallProgress
from tether_desktop.ui.models.installation import STAGES, STARTER, Installation, title_of


def test_every_stage_has_words() -> None:
    assert tuple(STAGES) == get_args(Stage)


@pytest.mark.parametrize(
    ("what", "first", "later", "text"),
    [
        ("hf:acme/Small", "downloading", "checking", "Step 2 of 5: Looking at the model"),
        ("/models/small.gguf", "checking", "packing", "Step 2 of 4: Packing the weights"),
        ("Small", "compiling", "finishing", "Step 2 of 2: Finishing"),
        (STARTER, "downloading", "packing", "Step 2 of 4: Packing the weights"),
        ("Small", "compiling", "packing", "Packing the weights"),
    ],
)
def test_what_it_begins_with_tells_how_many_steps_there_are(what: str, first: Stage, later: Stage, text: str) -> None:
    begun = Installation(what, "Small")
    assert begun.stage_text == "Starting…"
    assert begun.at(InstallProgress(first)).at(InstallProgress(later)).stage_text == text


@pytest.mark.parametrize(
    ("installation", "percent", "text"),
    [
        (BEGUN, "", "Small 1B: starting"),
        (DOWNLOADING, "42 %", "Small 1B: Downloading 42 %"),
        (PACKING, "10 %", "Small 1B: Packing the weights 10 %"),
        (FAILED, "42 %", "Small 1B was not added"),
        (DONE, "10 %", "Small 1B is ready"),
        (BEGUN.at(InstallProgress("packing", 0.999)), "99 %", "Small 1B: Packing the weights 99 %"),
    ],
)
def test_every_moment_fits_into_a_few_words(installation: Installation, percent: str, text: str) -> None:
    assert (installation.percent_text, installation.short_text) == (percent, text)


def test_how_it_ended_says_why_and_what_to_do() -> None:
    assert FAILED.ending == "Small 1B was not added. There is no network. Connect first."
    assert DONE.ending == "Small 1B is ready."


@pytest.mark.parametrize(
    ("what", "title"),
    [
        ("/home/me/models/Small-1B.Q4_0.gguf", "Small-1B.Q4_0"),
        (r"C:\Users\me\Small-1B.gguf", "Small-1B"),
        ("/home/me/Small-1B/", "Small-1B"),
        ("hf:acme/Small-1B-GGUF", "Small-1B-GGUF"),
        ("hf:acme/Small-1B-GGUF@main:Q4_0", "Small-1B-GGUF"),
        ("https://example.com/files/Small.gguf?download=true", "Small"),
        ("/", "/"),
    ],
)
def test_a_model_is_called_by_the_end_of_its_path_or_address(what: str, title: str) -> None:
    assert title_of(what) == title
