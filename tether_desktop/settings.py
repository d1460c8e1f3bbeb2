"""The one settings table: title, description, default and environment name of every setting."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any, Literal

from pydantic import AliasChoices, Field, ValidationError
from pydantic_settings import BaseSettings, JsonConfigSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from tether_desktop import paths
from tether_desktop.errors import SettingsError


def _setting(default: Any, *, env: str, title: str, description: str, **limits: Any) -> Any:
    """A row of the table; ``env`` is the variable that overrides the saved value."""
    return Field(
        default, title=title, description=description, validation_alias=AliasChoices(env, env.lower()), **limits
    )


_default_database_url = partial(lambda: f"sqlite:///{paths.database_path()}")


class Settings(BaseSettings):
    """Environment variables first, then the settings file, then the defaults."""

    model_config = SettingsConfigDict(extra="ignore", case_sensitive=True, populate_by_name=True, env_ignore_empty=True)

    dist_path: str = _setting(
        "dist",
        env="MLC_DIST_PATH",
        title="Model folders",
        description="Folders that hold models, separated like PATH. A relative one is looked up beside the program.",
    )
    sqlite_url: str = _setting(
        "",
        env="MLC_SQLITE_URL",
        title="Database",
        description="SQLAlchemy URL of the conversation database; empty means a file in the data folder.",
    )
    host: str = _setting(
        "127.0.0.1", env="MLC_HOST", title="Server address", description="Address the session API listens on."
    )
    port: int = _setting(
        8090, env="MLC_PORT", title="Server port", description="Port the session API listens on.", ge=0, le=65535
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
        description="Tokens a model keeps in mind; 0 takes the model's own.",
        ge=0,
    )
    threads: int = _setting(
        0, env="TETHER_THREADS", title="Compute threads", description="0 lets the engine choose.", ge=0, le=256
    )
    loaded_models: int = _setting(
        2,
        env="TETHER_LOADED_MODELS",
        title="Loaded models",
        description="Models kept loaded; the least recently used goes first.",
        ge=1,
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, environment, the saved file; no .env and no secrets folder."""
        saved = JsonConfigSettingsSource(settings_cls, json_file=paths.settings_path())
        return init_settings, env_settings, saved

    @property
    def database_url(self) -> str:
        """The database to open: the setting, or the file in the data folder."""
        return self.sqlite_url or f"sqlite:///{paths.database_path()}"

    @property
    def dist_roots(self) -> tuple[Path, ...]:
        """The model folders, absolute; the first one is where new models go."""
        import os

        parts = [Path(part).expanduser() for part in self.dist_path.split(os.pathsep) if part]
        return tuple(part if part.is_absolute() else paths.project_root() / part for part in parts)


def load_settings() -> Settings:
    """The settings as the environment and the saved file have them.

    Raises:
        SettingsError: one has a value that cannot be used, or the file is not understood.
    """
    hint = f"Correct it in the environment or in {paths.settings_path()}."
    try:
        return Settings()
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise SettingsError("A setting cannot be used", f"{problems}.", hint) from error
    except (OSError, ValueError) as error:
        raise SettingsError("The settings cannot be read", f"{paths.settings_path()}: {error}.", hint) from error


def save_settings(**changes: Any) -> None:
    """Keep changed settings for the next start, by their names in the table; the others stay as they are.

    Raises:
        SettingsError: the file cannot be read or written.
    """
    path = paths.settings_path()
    try:
        saved = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(".tmp")
        beside.write_text(json.dumps({**saved, **changes}, indent=2), encoding="utf-8")
        beside.replace(path)
    except (OSError, ValueError, TypeError) as error:
        raise SettingsError("The settings cannot be saved", f"{path}: {error}.", "Make the file writable.") from error
