"""Which files of a repository are fetched."""

from __future__ import annotations

import pytest

from tether_desktop.errors import InstallError
from tether_desktop.model.fetch.gguf_files import quantization_of
from tether_desktop.model.fetch.hub_files import Choice, HubFile, choose_files

REPO = "acme/Tiny"


def choose(*paths: str, wanted: str | None = None) -> Choice:
    return choose_files(REPO, [HubFile(path, 1, None) for path in paths], wanted)


def places(choice: Choice) -> list[str]:
    return [str(place) for _, place in choice.files]


def result(*paths: str, wanted: str | None = None) -> str:
    return str(choose(*paths, wanted=wanted).result)


@pytest.mark.parametrize(
    ("name", "quantization"),
    [
        ("SmolLM2-135M-Instruct-Q4_K_M.gguf", "Q4_K_M"),
        ("qwen2.5-0.5b-instruct-q4_0.gguf", "Q4_0"),
        ("Llama-3.2-1B.Q8_0.gguf", "Q8_0"),
        ("gemma-3-1b-it-UD-Q4_K_XL.gguf", "Q4_K_XL"),
        ("SmolLM2-1.7B-Instruct-Q4_0_4_8.gguf", "Q4_0_4_8"),
        ("tiny-IQ4_XS.gguf", "IQ4_XS"),
        ("Phi-3-mini-4k-instruct-fp16.gguf", "F16"),
        ("tiny.BF16.gguf", "BF16"),
        ("gpt-oss-20b-MXFP4.gguf", "MXFP4"),
        ("Q8_0/tiny-Q4_1-00001-of-00002.gguf", "Q4_1"),
        ("tiny.gguf", ""),
        ("faq4_0ther.gguf", ""),
    ],
)
def test_the_quantization_is_read_from_the_name(name: str, quantization: str) -> None:
    assert quantization_of(name) == quantization


@pytest.mark.parametrize(
    ("there", "chosen"),
    [
        (("Q8_0", "Q4_K_M", "Q4_0", "Q4_1", "Q2_K"), "Q4_0"),
        (("Q8_0", "Q4_K_M", "Q4_1"), "Q4_K_M"),
        (("Q8_0", "Q4_1", "F16"), "Q4_1"),
        (("Q8_0", "F16", "IQ4_XS"), "Q8_0"),
        (("Q5_K_M", "Q4_0_4_4", "Q2_K"), "Q5_K_M"),
    ],
)
def test_the_best_quantization_is_chosen_by_itself(there: tuple[str, ...], chosen: str) -> None:
    assert result(*(f"tiny-{each}.gguf" for each in there), "README.md", "config.json") == f"tiny-{chosen}.gguf"


def test_the_only_file_is_taken_when_its_name_says_nothing() -> None:
    assert result("sub/ggml-model.gguf", ".gitattributes") == "ggml-model.gguf"


@pytest.mark.parametrize("wanted", ["sub/a-Q8_0.gguf", "a-Q8_0.gguf", "Q8_0", "q8_0"])
def test_a_file_may_be_asked_for_by_path_by_name_or_by_quantization(wanted: str) -> None:
    assert result("a-Q4_0.gguf", "sub/a-Q8_0.gguf", wanted=wanted) == "a-Q8_0.gguf"


def test_a_split_file_is_fetched_with_all_its_parts() -> None:
    parts = [f"Q4_0/big-Q4_0-{number:05}-of-00003.gguf" for number in (3, 1, 2)]
    for wanted in (None, "Q4_0", parts[1]):
        choice = choose(*parts, "small-F16.gguf", wanted=wanted)
        assert places(choice) == [f"big-Q4_0-{number:05}-of-00003.gguf" for number in (1, 2, 3)]
        assert str(choice.result) == "big-Q4_0-00001-of-00003.gguf"


def test_a_split_file_that_is_not_complete_is_not_there() -> None:
    with pytest.raises(InstallError, match="has no GGUF file"):
        result("big-00001-of-00002.gguf", wanted="big-00001-of-00002.gguf")


def test_what_is_no_language_model_is_left_out() -> None:
    assert result("mmproj-tiny-Q4_0.gguf", "tiny-imatrix.gguf", "ggml-vocab-x.gguf", "tiny-Q8_0.gguf") == (
        "tiny-Q8_0.gguf"
    )


@pytest.mark.parametrize(
    ("paths", "wanted", "words"),
    [
        (("a-Q4_0.gguf", "b-Q4_0.gguf"), None, "several files that could be meant: a-Q4_0.gguf, b-Q4_0.gguf"),
        (("a.gguf", "b.gguf"), None, "several files"),
        (("a-Q5_0.gguf", "a-Q6_K.gguf"), None, "several files"),
        (("x/a.gguf", "y/a.gguf"), "a.gguf", "several files"),
        (("a-Q2_K.gguf",), None, "no GGUF file in a quantization that Tether reads. It has a-Q2_K.gguf"),
        (("a-Q4_0.gguf",), "b.gguf", "has no GGUF file 'b.gguf'. It has a-Q4_0.gguf"),
        (("config.json",), "Q4_0", "has no GGUF file"),
        (("model.safetensors", "config.json"), "model.safetensors", "has no GGUF file"),
        (("pytorch_model.bin", "config.json"), None, "pickles"),
        (("config.json", "flax_model.xyz"), None, "no weights that Tether reads"),
        ((), None, "no weights"),
    ],
)
def test_what_cannot_be_chosen_is_told_with_what_there_is(
    paths: tuple[str, ...], wanted: str | None, words: str
) -> None:
    with pytest.raises(InstallError) as failure:
        choose(*paths, wanted=wanted)
    assert words in failure.value.message
    assert failure.value.hint


def test_a_name_cannot_disturb_the_terminal_it_is_shown_in() -> None:
    with pytest.raises(InstallError) as failure:
        choose("a\x1b[2J-Q2_K.gguf", *(f"{number}-Q2_K.gguf" for number in range(99)))
    assert failure.value.message.isprintable()
    assert len(failure.value.message) < 2000


def test_of_a_checkpoint_come_weights_configuration_tokenizer_and_licence_and_no_code() -> None:
    choice = choose(
        *("model-00002-of-00002.safetensors", "model-00001-of-00002.safetensors", "model.safetensors.index.json"),
        *("config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "tokenizer.model"),
        *("README.md", "LICENSE", "LICENSE.txt", "USE_POLICY.md", "chat_template.jinja", "merges.txt", "vocab.json"),
        *("pytorch_model.bin", "modeling_tiny.py", "license.py", "run.sh", "original/model.safetensors", "onnx/a.onnx"),
        *("consolidated.safetensors", "adapter_model.safetensors", ".gitattributes", "training_args.bin", "notice.exe"),
    )
    assert sorted(places(choice)) == [
        *("Tiny/LICENSE", "Tiny/LICENSE.txt", "Tiny/README.md", "Tiny/USE_POLICY.md", "Tiny/chat_template.jinja"),
        *("Tiny/config.json", "Tiny/generation_config.json", "Tiny/merges.txt"),
        *("Tiny/model-00001-of-00002.safetensors", "Tiny/model-00002-of-00002.safetensors"),
        *("Tiny/model.safetensors.index.json", "Tiny/tokenizer.json", "Tiny/tokenizer.model"),
        *("Tiny/tokenizer_config.json", "Tiny/vocab.json"),
    ]
    assert str(choice.result) == "Tiny"
    assert [place.endswith(".safetensors") for place in places(choice)][-2:] == [True, True]


def test_weights_of_another_name_are_taken_where_there_are_no_others() -> None:
    assert places(choose("consolidated.safetensors", "config.json")) == [
        "Tiny/config.json",
        "Tiny/consolidated.safetensors",
    ]


def test_of_an_mlc_folder_comes_everything_but_code() -> None:
    choice = choose(
        *("mlc-chat-config.json", "ndarray-cache.json", "params_shard_0.bin", "params_shard_10.bin", "README.md"),
        *(
            "tokenizer.json",
            "tokenizer.model",
            "merges.txt",
            "lib.so",
            "model.wasm",
            "convert.py",
            "evil.bin",
            "logs.tar",
        ),
    )
    assert sorted(places(choice)) == [
        *("Tiny/README.md", "Tiny/merges.txt", "Tiny/mlc-chat-config.json", "Tiny/ndarray-cache.json"),
        *("Tiny/params_shard_0.bin", "Tiny/params_shard_10.bin", "Tiny/tokenizer.json", "Tiny/tokenizer.model"),
    ]


@pytest.mark.parametrize("path", ["../evil-Q4_0.gguf", "/evil-Q4_0.gguf", "C:/evil-Q4_0.gguf", "a\\..\\evil-Q4_0.gguf"])
def test_a_hub_cannot_place_a_file_elsewhere(path: str) -> None:
    with pytest.raises(InstallError, match="not safe to store"):
        choose(path)


def test_two_names_that_are_one_on_some_systems_are_refused() -> None:
    with pytest.raises(InstallError, match="capital letters"):
        choose("model.safetensors", "README.md", "readme.md")
