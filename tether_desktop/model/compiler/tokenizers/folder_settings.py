"""What the JSON files of a Hugging Face or MLC folder say about its tokenizer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tether_desktop.model.compiler.tokenizers.vocabulary import MOST_TOKENS, refused
from tether_desktop.model.compiler.weight_file import file_in

_LARGEST_FILE = 64 << 20
_LARGEST_SETTINGS = 16 << 20
"""As objects these take twenty times as much memory."""
_ID = re.compile(r"\d{1,9}", re.ASCII)
_NAMED = ("bos_token", "eos_token", "unk_token", "pad_token")


@dataclass(frozen=True, slots=True)
class FolderSettings:
    """The settings of a folder, each an object named after its file; empty where there is none.

    Attributes:
        tokenizer: ``tokenizer_config.json``, with the chat template and the special tokens from wherever they are.
        generation: ``generation_config.json``.
        model: ``config.json``.
        mlc: ``mlc-chat-config.json``.
    """

    tokenizer: dict[str, Any]
    generation: dict[str, Any]
    model: dict[str, Any]
    mlc: dict[str, Any]

    def token(self, name: str) -> str:
        """The text of a named special token, as ``bos_token``; empty when there is none."""
        return _content(self.tokenizer.get(name))

    def end_ids(self) -> Iterator[int]:
        """Ids that are said to end a reply."""
        conversation = self.mlc.get("conv_template")
        stops = conversation.get("stop_token_ids") if isinstance(conversation, dict) else None
        for value in (
            *(settings.get("eos_token_id") for settings in (self.mlc, self.generation, self.model)),
            stops,
        ):
            yield from (number for number in _listed(value) if type(number) is int)

    def conversation(self) -> dict[str, Any] | None:
        """MLC's description of the chat format, where it can be used."""
        value = self.mlc.get("conv_template")
        return value if isinstance(value, dict) and "roles" in value else None

    def added_tokens(self) -> dict[int, tuple[str, bool]]:
        """Tokens added to the vocabulary by id, with whether they are special."""
        declared = self.tokenizer.get("added_tokens_decoder")
        return {
            int(number): (_content(token), bool(token.get("special")))
            for number, token in (declared.items() if isinstance(declared, dict) else ())
            if _ID.fullmatch(number) and int(number) < MOST_TOKENS and isinstance(token, dict) and _content(token)
        }


def read_settings(folder: Path) -> FolderSettings:
    """Read them.

    Raises:
        ModelBroken: one of the files is damaged.
    """
    names = ("generation_config.json", "config.json", "mlc-chat-config.json")
    return FolderSettings(_tokenizer_config(folder), *(read_object(folder / name) for name in names))


def read_object(path: Path) -> dict[str, Any]:
    """A JSON object; empty when the file is missing.

    Raises:
        ModelBroken: it cannot be read, or is no object.
    """
    try:
        content = read_file(path, _LARGEST_SETTINGS) if path.is_file() else b"{}"
        value = json.loads(content.decode())
        if b"\\ud" in content.lower():
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeError as error:
        raise refused(path.name, "it is not UTF-8, or holds halves of characters") from error
    except (ValueError, RecursionError) as error:
        raise refused(path.name, f"it cannot be understood ({error})") from error
    if not isinstance(value, dict):
        raise refused(path.name, "it is no JSON object")
    return value


def read_file(path: Path, largest: int = _LARGEST_FILE) -> bytes:
    """The content of a file of a sensible size.

    Raises:
        ModelBroken: it cannot be read, leads out of its folder, or is too large.
    """
    try:
        if path.stat().st_size > largest:
            raise refused(path.name, f"it has over {largest >> 20} MB, which is too large for it")
        return file_in(path.parent, path.name).read_bytes()
    except OSError as error:
        raise refused(path.name, f"it cannot be read: {error.strerror or error}") from error


def _tokenizer_config(folder: Path) -> dict[str, Any]:
    config = read_object(folder / "tokenizer_config.json")
    special = read_object(folder / "special_tokens_map.json")
    config |= {name: special[name] for name in _NAMED if name in special and name not in config}
    template = read_object(folder / "chat_template.json").get("chat_template") or config.get("chat_template")
    if (folder / "chat_template.jinja").is_file():
        template = read_file(folder / "chat_template.jinja").decode("utf-8", "replace")
    return config | ({"chat_template": template} if template else {})


def _content(token: object) -> str:
    """A token written either as a string or as an object with ``content``."""
    text = token.get("content") if isinstance(token, dict) else token
    return text if isinstance(text, str) else ""


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]
