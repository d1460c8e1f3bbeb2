"""The tokenizer and chat template of a Hugging Face folder, or of an MLC folder, which has the same files."""

from __future__ import annotations

from pathlib import Path

from tokenizers import Tokenizer

from tether_desktop.model.compiler.tokenizers.byte_level import build_byte_level, read_merges
from tether_desktop.model.compiler.tokenizers.files import (
    TokenizerFiles,
    end_token_ids,
    is_unmistakable,
    tokenizer_files,
)
from tether_desktop.model.compiler.tokenizers.folder_settings import (
    FolderSettings,
    read_file,
    read_object,
    read_settings,
)
from tether_desktop.model.compiler.tokenizers.sentence_piece import Prefix, build_sentence_piece, derive_merges
from tether_desktop.model.compiler.tokenizers.sentence_piece_file import SentencePieceModel, read_sentence_piece
from tether_desktop.model.compiler.tokenizers.text_split import text_split
from tether_desktop.model.compiler.tokenizers.tokenizer_json import try_tokenizer_json, write_tokenizer_json
from tether_desktop.model.compiler.tokenizers.vocabulary import (
    MOST_TOKENS,
    TokenKind,
    Vocabulary,
    check_vocabulary,
    refused,
)
from tether_desktop.model.tvm.detokenizer import token_decoder

_SPLIT_OF_CLASS = {"GPT2Tokenizer": "gpt-2", "CodeGenTokenizer": "phi-2", "Qwen2Tokenizer": "qwen2"}
_HINT = "Take a folder with the model's tokenizer.json, or a GGUF file of it."


def read_folder_tokenizer(folder: Path) -> TokenizerFiles:
    """Take over the tokenizer, or rebuild it from older files.

    Raises:
        ModelBroken: it is missing, damaged or of a kind that is not known.
    """
    settings = read_settings(folder)
    contents = {"tokenizer.json": _tokenizer_json(folder, settings)}
    if settings.generation:
        contents["generation_config.json"] = read_file(folder / "generation_config.json")
    return _complete(folder, settings, contents)


def _tokenizer_json(folder: Path, settings: FolderSettings) -> bytes:
    if (folder / "tokenizer.json").is_file():
        return read_file(folder / "tokenizer.json")
    if (folder / "tokenizer.model").is_file():
        return _from_sentence_piece(folder / "tokenizer.model", settings)
    if (folder / "vocab.json").is_file() and (folder / "merges.txt").is_file():
        return _from_lists(folder, settings)
    raise refused(folder.name, "the folder has no tokenizer.json and no tokenizer.model", _HINT)


def _from_sentence_piece(path: Path, settings: FolderSettings) -> bytes:
    model = read_sentence_piece(path)
    vocabulary = _with_added(path, model.vocabulary, settings)
    return write_tokenizer_json(build_sentence_piece(vocabulary, _prefix(model, settings)), derive_merges(vocabulary))


def _prefix(model: SentencePieceModel, settings: FolderSettings) -> Prefix:
    if not model.adds_prefix or settings.tokenizer.get("add_prefix_space") is False:
        return "never"
    # Before transformers 4.34 a space went before text after special tokens too; models say which they want.
    return "always" if settings.tokenizer.get("legacy", True) else "first"


def _from_lists(folder: Path, settings: FolderSettings) -> bytes:
    """Build from ``vocab.json`` and ``merges.txt``, as GPT-2 had them."""
    kind = str(settings.tokenizer.get("tokenizer_class")).removesuffix("Fast")
    split = text_split(_SPLIT_OF_CLASS.get(kind, ""))
    if split is None:
        raise refused("tokenizer_config.json", f"how a {kind} cuts text into words is not known", _HINT)
    tokens = _tokens_by_id(folder / "vocab.json")
    vocabulary = _with_added(folder / "vocab.json", check_vocabulary("vocab.json", tokens, []), settings)
    lines = read_file(folder / "merges.txt").decode("utf-8", "replace").split("\n")
    listed = [line.rstrip("\r") for number, line in enumerate(lines) if number or not line.startswith("#version")]
    merges = read_merges("merges.txt", filter(None, listed), vocabulary)
    return write_tokenizer_json(build_byte_level(vocabulary, split), merges)


def _tokens_by_id(path: Path) -> list[str]:
    ids = read_object(path)
    by_id = {number: token for token, number in ids.items() if type(number) is int and 0 <= number < MOST_TOKENS}
    if len(by_id) != len(ids) or not ids:
        raise refused(path.name, "its ids are not those of a vocabulary")
    return [by_id.get(number, f"[UNUSED_{number}]") for number in range(max(by_id) + 1)]


def _with_added(path: Path, vocabulary: Vocabulary, settings: FolderSettings) -> Vocabulary:
    """The vocabulary with the tokens that were added to it afterwards."""
    listed = read_object(path.parent / "added_tokens.json")
    added = {
        number: (token, False) for token, number in listed.items() if type(number) is int and 0 <= number < MOST_TOKENS
    }
    added |= settings.added_tokens()
    size = max([len(vocabulary.tokens), *(number + 1 for number in added)])
    missing = size - len(vocabulary.tokens)
    tokens = [*vocabulary.tokens, *(f"[UNUSED_{number}]" for number in range(len(vocabulary.tokens), size))]
    kinds = [*vocabulary.kinds, *[int(TokenKind.UNUSED)] * missing]
    for number, (token, is_special) in added.items():
        tokens[number] = token
        if kinds[number] != TokenKind.UNKNOWN:
            kinds[number] = int(TokenKind.CONTROL if is_special else TokenKind.USER_DEFINED)
    scores = [*vocabulary.scores, *[0.0] * missing] if vocabulary.scores else None
    return check_vocabulary(path.name, tokens, kinds, scores)


def _complete(folder: Path, settings: FolderSettings, contents: dict[str, bytes]) -> TokenizerFiles:
    tokenizer = try_tokenizer_json("tokenizer.json", contents["tokenizer.json"])
    added = tokenizer.get_added_tokens_decoder()
    special = {
        token.content: number for number, token in added.items() if token.special or is_unmistakable(token.content)
    }
    named = [tokenizer.token_to_id(settings.token("eos_token")), *settings.end_ids()]
    ends = end_token_ids((number for number in named if _is_token(tokenizer, number)), special)
    if not ends:
        raise refused(folder.name, "it names no token that ends a reply")
    config = {key: value for key, value in settings.tokenizer.items() if key != "added_tokens_decoder"}
    return tokenizer_files(
        contents,
        config,
        added={token.content: number for number, token in added.items()},
        bos_token_id=_bos(settings, tokenizer),
        eos_token_ids=ends,
        conv_template=settings.conversation(),
        marks_spaces=not token_decoder(tokenizer).is_byte_level,
    )


def _bos(settings: FolderSettings, tokenizer: Tokenizer) -> int | None:
    """The token that begins a text; a folder whose tokenizer says that there is none is believed."""
    if "bos_token" in settings.tokenizer:
        number: int | None = tokenizer.token_to_id(settings.token("bos_token"))
        return number
    candidates = (settings.mlc.get("bos_token_id"), settings.model.get("bos_token_id"))
    return next((number for number in candidates if type(number) is int and _is_token(tokenizer, number)), None)


def _is_token(tokenizer: Tokenizer, number: int | None) -> bool:
    return number is not None and 0 <= number < MOST_TOKENS and tokenizer.id_to_token(number) is not None
