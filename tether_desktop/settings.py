"""The one settings table: title, description, default and environment name of every setting."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from tether_desktop import paths, settings_file
from tether_desktop.errors import SettingsError

_LIMITS = {"ge": "from", "gt": "above", "le": "up to"}


def _setting(default: Any, *, env: str, title: str, description: str, **limits: Any) -> Any:
    """A field of the table; ``env`` is the variable that goes before the saved value."""
    return Field(default, title=title, description=description, json_schema_extra={"env": env}, **limits)


class Settings(BaseSettings):
    """Arguments first, then environment variables, then the settings file, then the defaults."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, allow_inf_nan=False, hide_input_in_errors=True)

    dist_path: str = _setting(
        "dist",
        env="MLC_DIST_PATH",
        title="Model folders",
        description="Folders that hold models, separated like PATH; new ones go to the first. A relative one lies in "
        "the checkout, or in the data folder of an installed program.",
    )
    sqlite_url: str = _setting(
        "",
        env="MLC_SQLITE_URL",
        title="Database",
        description="SQLAlchemy URL of the conversation database; empty means a file in the data folder.",
        repr=False,
    )
    serve: Literal["off", "on"] = _setting(
        "off",
        env="TETHER_SERVE",
        title="Local port",
        description="Whether the window also offers its conversations to programs, at the address below.",
    )
    host: str = _setting(
        "127.0.0.1",
        env="MLC_HOST",
        title="Address",
        description="The address the local port listens at; any but this computer's own needs access from the network.",
    )
    port: int = _setting(
        8090,
        env="MLC_PORT",
        title="Port",
        description="The number of the local port; 0 takes any that is free.",
        ge=0,
        le=65535,
    )
    lan_access: Literal["off", "on"] = _setting(
        "off",
        env="TETHER_LAN_ACCESS",
        title="Access from the network",
        description="Whether the local port may listen at an address that other computers reach; they need a token, "
        "and what they send and get is not encrypted.",
    )
    host_names: str = _setting(
        "",
        env="TETHER_HOST_NAMES",
        title="Names of this computer",
        description="Names, besides localhost and addresses, by which programs may ask for the local port, separated "
        "by commas.",
    )
    cors_origins: str = _setting(
        "",
        env="TETHER_CORS_ORIGINS",
        title="Web pages that may ask",
        description="Origins of web pages that may use the local port, such as http://localhost:3000, separated by "
        "commas; empty allows none.",
    )
    requests_per_minute: int = _setting(
        0,
        env="TETHER_REQUESTS_PER_MINUTE",
        title="Requests per minute",
        description="How many requests each token may make on the local port; 0 is no limit.",
        ge=0,
    )
    history_summary: Literal["off", "on"] = _setting(
        "off",
        env="TETHER_HISTORY_SUMMARY",
        title="Summaries",
        description="Whether the model sums up what no longer fits its context window, and reads that in its place.",
    )
    default_model: str = _setting(
        "",
        env="TETHER_MODEL",
        title="Model",
        description="The model new conversations use; empty takes the last one used.",
    )
    theme: Literal["system", "light", "dark"] = _setting(
        "system", env="TETHER_THEME", title="Theme", description="Light, dark, or as the system says."
    )
    language: Literal["system", "en", "de"] = _setting(
        "system",
        env="TETHER_LANGUAGE",
        title="Language",
        description="The language of the window: English, German, or as the system says.",
    )
    text_size: int = _setting(
        15,
        env="TETHER_TEXT_SIZE",
        title="Text size",
        description="Pixels of ordinary text, before the screen's own scale.",
        ge=11,
        le=24,
    )
    density: Literal["comfortable", "compact"] = _setting(
        "comfortable",
        env="TETHER_DENSITY",
        title="Density",
        description="How much room there is between messages, rows and buttons.",
    )
    reduced_motion: Literal["off", "on"] = _setting(
        "off",
        env="TETHER_REDUCED_MOTION",
        title="Reduced motion",
        description="Whether nothing moves in the window but the text that comes.",
    )
    send_key: Literal["enter", "ctrl_enter"] = _setting(
        "enter",
        env="TETHER_SEND_KEY",
        title="Send with",
        description="The key that sends a question: Enter, or Ctrl+Enter so that Enter begins a new line.",
    )
    chat_titles: Literal["model", "question"] = _setting(
        "model",
        env="TETHER_CHAT_TITLES",
        title="Chat titles",
        description="Whether the model finds a title when it has answered first, or the question's own words stay.",
    )
    bin_days: int = _setting(
        30,
        env="TETHER_BIN_DAYS",
        title="Keep deleted chats",
        description="Days after which a chat in the bin is erased; 0 keeps it until you erase it.",
        ge=0,
        le=3650,
    )
    closing: Literal["ask", "quit", "background"] = _setting(
        "ask",
        env="TETHER_CLOSING",
        title="Closing the window",
        description="Whether closing the window ends Tether or leaves it in the tray; it can ask once.",
    )
    notifications: Literal["on", "off"] = _setting(
        "on",
        env="TETHER_NOTIFICATIONS",
        title="Notifications",
        description="Whether the desktop tells you of an answer that is done while the window is out of sight.",
    )
    quick_window: str = _setting(
        "",
        env="TETHER_QUICK_WINDOW",
        title="Quick window",
        description="A shortcut that opens a small window for one question from anywhere, such as Ctrl+Alt+Space; "
        "empty for none.",
    )
    shortcuts: str = _setting(
        "",
        env="TETHER_SHORTCUTS",
        title="Shortcuts",
        description="Keys that were changed, as new_chat=Ctrl+T with spaces between them; nothing behind = is no key.",
    )
    system_prompt: str = _setting(
        "You are a helpful assistant.",
        env="TETHER_SYSTEM_PROMPT",
        title="System prompt",
        description="What every conversation tells the model first; empty tells it nothing.",
    )
    temperature: float = _setting(
        0.7, env="TETHER_TEMPERATURE", title="Temperature", description="0 is always the most likely word.", ge=0, le=5
    )
    top_p: float = _setting(
        0.95,
        env="TETHER_TOP_P",
        title="Top-p",
        description="Choose among the most likely words up to this probability.",
        gt=0,
        le=1,
    )
    top_k: int = _setting(
        0, env="TETHER_TOP_K", title="Top-k", description="Choose among this many words; 0 is no limit.", ge=0
    )
    min_p: float = _setting(
        0.0,
        env="TETHER_MIN_P",
        title="Min-p",
        description="Drop words less likely than this fraction of the best.",
        ge=0,
        le=1,
    )
    repetition_penalty: float = _setting(
        1.0,
        env="TETHER_REPETITION_PENALTY",
        title="Repetition penalty",
        description="Above 1 discourages repeating.",
        gt=0,
        le=10,
    )
    max_tokens: int = _setting(
        1024, env="TETHER_MAX_TOKENS", title="Longest reply", description="Tokens after which a reply is cut off.", ge=1
    )
    context_window: int = _setting(
        0,
        env="TETHER_CONTEXT_WINDOW",
        title="Context window",
        description="Tokens a model keeps in mind; 0 takes the model's own as far as memory allows.",
        ge=0,
    )
    threads: int = _setting(
        0, env="TETHER_THREADS", title="Compute threads", description="0 lets the engine choose.", ge=0, le=256
    )
    loaded_models: int = _setting(
        2,
        env="TETHER_LOADED_MODELS",
        title="Loaded models",
        description="Models kept loaded, as far as memory allows; the least recently used goes first.",
        ge=1,
    )
    idle_minutes: int = _setting(
        30,
        env="TETHER_IDLE_MINUTES",
        title="Unload after",
        description="Minutes after which a model that nobody uses is unloaded; 0 keeps it.",
        ge=0,
    )
    chat_memory: int = _setting(
        0,
        env="TETHER_CHAT_MEMORY",
        title="Memory for chats",
        description="Megabytes in which each model keeps the chats it has read, so that none is read again; "
        "0 takes a quarter of what is free.",
        ge=0,
    )
    thinking: Literal["on", "off"] = _setting(
        "on",
        env="TETHER_THINKING",
        title="Thinking",
        description="Whether models that can think first do so, where their chat template lets it be chosen.",
    )
    thinking_limit: int = _setting(
        0,
        env="TETHER_THINKING_LIMIT",
        title="Longest thinking",
        description="Tokens after which a model has to stop thinking and answer; 0 is no limit.",
        ge=0,
    )
    tool_use: Literal["auto", "on", "off"] = _setting(
        "auto",
        env="TETHER_TOOL_USE",
        title="Tools",
        description="Whether models are told of the tools: always, never, or those whose chat template knows tools.",
    )
    tool_rounds: int = _setting(
        5,
        env="TETHER_TOOL_ROUNDS",
        title="Tool rounds",
        description="How often in one reply a model may call tools before it has to answer.",
        ge=1,
        le=100,
    )
    tool_timeout: float = _setting(
        15.0,
        env="TETHER_TOOL_TIMEOUT",
        title="Tool timeout",
        description="Seconds after which a tool is ended.",
        gt=0,
        le=3600,
    )
    tool_folders: str = _setting(
        "",
        env="TETHER_TOOL_FOLDERS",
        title="Folders for tools",
        description="Folders that the file tools may read, separated like PATH; empty lets them read none.",
    )
    internet_tools: Literal["off", "on"] = _setting(
        "off",
        env="TETHER_INTERNET_TOOLS",
        title="Tools from the internet",
        description="Whether tools may fetch pages, ask for the weather and search the web.",
    )
    web_search: Literal["off", "brave", "tavily", "searxng"] = _setting(
        "off",
        env="TETHER_WEB_SEARCH",
        title="Web search",
        description="Who searches the web for the tools, where these may use the internet: Brave or Tavily with a key "
        "of your own, or a SearXNG server.",
    )
    searxng_address: str = _setting(
        "",
        env="TETHER_SEARXNG_ADDRESS",
        title="SearXNG server",
        description="The address of the SearXNG server that searches the web, such as https://searx.example.org.",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        *_others: PydanticBaseSettingsSource,
        **_named: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, environment, the saved file; no .env and no secrets folder."""
        saved = InitSettingsSource(settings_cls, settings_file.read())
        return init_settings, InitSettingsSource(settings_cls, _environment()), saved

    @property
    def database_url(self) -> str:
        """The database to open: the setting, or the file in the data folder."""
        if self.sqlite_url:
            return self.sqlite_url
        file = str(paths.database_path()).replace("%", "%25").replace("?", "%3F")
        return f"sqlite:///{file}"

    @property
    def dist_roots(self) -> tuple[Path, ...]:
        """The model folders, absolute; the first one is where new models go, the last what came with the program."""
        parts = [Path(part).expanduser() for part in self.dist_path.split(os.pathsep) if part.strip()]
        bundled = paths.bundled_models()
        own = (paths.installation_root() / part for part in parts or [Path("dist")])
        return (*own, *((bundled,) if bundled is not None else ()))


CONVERSATION_SETTINGS = (
    "system_prompt",
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "repetition_penalty",
    "max_tokens",
    "thinking",
    "thinking_limit",
    "tool_use",
    "tool_rounds",
    "history_summary",
)
"""The rows that a conversation or a persona may have values of its own for."""


@dataclass(frozen=True, slots=True)
class SettingRow:
    """A row of the settings table, for dialogs, command-line help and documents.

    Attributes:
        name: the field of Settings, and the key in the settings file.
        env: the environment variable that goes before the saved value.
        allowed: which values it takes, in words: "a number from 0 to 5".
    """

    name: str
    title: str
    description: str
    default: Any
    env: str
    allowed: str


def setting_rows() -> Iterator[SettingRow]:
    """Every setting, in the order of the table."""
    for name, field in Settings.model_fields.items():
        extra = field.json_schema_extra
        env = str(extra["env"]) if isinstance(extra, dict) else ""
        yield SettingRow(name, field.title or "", field.description or "", field.default, env, _allowed(field))


def load_settings() -> Settings:
    """The settings as the environment and the saved file have them.

    Raises:
        SettingsError: one has a value that cannot be used; or the file is damaged, and was moved
            aside so that the next start can do without it.
    """
    try:
        return Settings()
    except ValidationError as error:
        places = {_place(str(each["loc"][0])) for each in error.errors()}
        hint = f"Correct it in {' and in '.join(sorted(places))}."
        raise SettingsError("A setting cannot be used", _problems(error), hint) from error


def save_settings(**changes: Any) -> None:
    """Keep changed settings for the next start, by their names in the table; None forgets one.

    What else is in the file, keys of other versions too, stays as it is.

    Raises:
        SettingsError: there is no such setting, it does not take the value, or the file cannot be
            read or written.
    """
    unknown = changes.keys() - Settings.model_fields.keys()
    if unknown:
        names = ", ".join(Settings.model_fields)
        raise SettingsError("There is no such setting", f"{', '.join(sorted(unknown))}.", f"Settings are {names}.")
    try:
        settings_file.change(_checked(changes))
    except ValidationError as error:
        raise SettingsError("The setting cannot be saved", _problems(error), "It stays as it was.") from error


def checked_overrides(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values for a conversation or a persona, as the table's types.

    Raises:
        SettingsError: one is of a row that a conversation cannot have for itself, or does not fit its row.
    """
    unknown = values.keys() - set(CONVERSATION_SETTINGS)
    if unknown:
        names = ", ".join(CONVERSATION_SETTINGS)
        what = f"{', '.join(sorted(unknown))} cannot be set for a conversation."
        raise SettingsError("The setting is not a conversation's", what, f"These can be: {names}.")
    try:
        return _checked(dict(values))
    except ValidationError as error:
        raise SettingsError("The setting cannot be used", _problems(error), "It stays as it was.") from error


def takes(name: str, written: str) -> bool:
    """Whether a setting takes a value as a person writes it; looks at nothing but the table."""
    try:
        _adapter(name).validate_python(written)
    except ValidationError:
        return False
    return True


def _environment() -> dict[str, str]:
    """The settings that have a variable; one that is set but empty counts as not set."""
    return {row.name: os.environ[row.env] for row in setting_rows() if os.environ.get(row.env)}


def _checked(changes: dict[str, Any]) -> dict[str, Any]:
    """The changes as the table's types, so that "0.5" from a command line is saved as a number."""
    defaults = {row.name: row.default for row in setting_rows()}
    valid = Settings(**defaults | {name: value for name, value in changes.items() if value is not None})
    return {name: None if value is None else getattr(valid, name) for name, value in changes.items()}


def _allowed(field: FieldInfo) -> str:
    choices = get_args(field.annotation)
    if choices:
        return "one of " + ", ".join(choices)
    kinds: dict[Any, str] = {int: "a whole number", float: "a number", str: "a text"}
    limits = (
        f"{word} {getattr(limit, name)}"
        for limit in field.metadata
        for name, word in _LIMITS.items()
        if hasattr(limit, name)
    )
    return " ".join([kinds[field.annotation], *limits])


def _problems(error: ValidationError) -> str:
    return " ".join(_problem(each) for each in error.errors())


def _problem(each: ErrorDetails) -> str:
    row = _row(str(each["loc"][0]))
    given = json.dumps(each["input"], ensure_ascii=False, default=str)
    return f"{row.title} ({row.name}) is {given}, but has to be {row.allowed}."


@lru_cache(maxsize=128)
def _adapter(name: str) -> TypeAdapter[Any]:
    field = Settings.model_fields[name]
    limited: Any = Annotated[field.annotation, field]
    return TypeAdapter(limited, config=ConfigDict(allow_inf_nan=False))


def _place(name: str) -> str:
    env = _row(name).env
    return f"the environment variable {env}" if os.environ.get(env) else str(paths.settings_path())


def _row(name: str) -> SettingRow:
    return next(row for row in setting_rows() if row.name == name)
