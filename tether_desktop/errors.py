"""Errors a person is told about; anything that is not a TetherError is our bug.

::

    TetherError
    ├── ModelError            a model folder, its weights or its library cannot be used
    │   ├── ModelNotFound
    │   ├── ModelBroken
    │   ├── ModelUnprepared
    │   ├── LibraryMismatch
    │   └── LibraryUntrusted
    ├── EngineError           a loaded model failed while it worked
    │   ├── EngineDied
    │   ├── PromptTooLong
    │   ├── ConstraintRefused
    │   └── ServerError
    ├── StoreError            the database cannot be used
    │   ├── SessionNotFound
    │   ├── MessageNotFound
    │   ├── StoreBusy
    │   ├── StoreFull
    │   ├── StoreDamaged
    │   └── StoreTooNew
    ├── FolderNotFound        the folder, the persona or the saved prompt is not there any more
    ├── PersonaNotFound
    ├── SnippetNotFound
    ├── NameUnfit             one of them cannot be called so
    │   └── NameTaken
    ├── BackupFailed          the database cannot be copied
    ├── AttachmentProblem     a file cannot go with a question
    ├── SessionBusy           the session is still answering
    ├── ContinuationRefused   a reply cannot be gone on with
    ├── ToolError             a tool cannot be used as asked
    │   └── ToolNotFound
    ├── TurnNotFound          nothing is being answered, or it was too long ago
    ├── ImportProblem         a file with conversations cannot be read
    ├── PortError             the local port cannot be opened, or a running program not be reached on it
    ├── NoAnswer              the model called tools to the end and answered nothing
    ├── SettingsError         a setting has a value that cannot be used
    ├── InstallError          fetching or preparing a model failed
    │   └── NoConnection
    ├── McpServerError        an MCP server does not run, or does not answer
    ├── WindowImpossible      there is no screen, or the system lacks what windows need
    ├── MenuEntryFailed       the desktop's menu cannot be written
    ├── DataNotErased         some of a person's data could not be removed
    ├── UpdateCheckFailed     what the newest release is cannot be found out
    ├── ProgramReplaced       another version was installed while this one was open
    └── AlreadyRunning        another instance owns the data folder
"""

from __future__ import annotations

import re

_LONGEST = 2000
_MISLEADING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, marks that turn the direction of writing, and what is no text."""


class TetherError(Exception):
    """A failure a person can understand and act on.

    The texts may quote what comes from elsewhere, so they are kept to a length and to characters that can be shown.

    Attributes:
        title: a few words, shown as a heading ("The model cannot be loaded").
        message: what happened, in one or two sentences.
        hint: what to do about it; may be empty where nothing helps.
        code: a stable machine-readable name, sent on the wire.
    """

    code = "error"

    def __init__(self, title: str, message: str, hint: str = "") -> None:
        self.title, self.message, self.hint = map(showable, (title, message, hint))
        super().__init__(f"{self.title}: {self.message}" + (f" {self.hint}" if hint else ""))


class ModelError(TetherError):
    """A model folder, its weights or its library cannot be used."""

    code = "model_error"


class ModelNotFound(ModelError):
    """No model of that name lies under the model folders."""

    code = "model_not_found"


class ModelBroken(ModelError):
    """A file of the model is missing, truncated or not what its index says."""

    code = "model_broken"


class ModelUnprepared(ModelError):
    """Source weights that have to be packed and compiled for this computer first."""

    code = "model_unprepared"


class LibraryMismatch(ModelError):
    """No compiled library fits the model on this processor."""

    code = "library_mismatch"


class LibraryUntrusted(ModelError):
    """A compiled library that fits was not compiled here, and nobody has allowed it to run."""

    code = "library_untrusted"


class EngineError(TetherError):
    """A loaded model failed while it worked."""

    code = "engine_error"


class EngineDied(EngineError):
    """The engine process ended without being asked to."""

    code = "engine_died"


class PromptTooLong(EngineError):
    """The newest message alone does not fit the context window."""

    code = "context_length_exceeded"


class ConstraintRefused(EngineError):
    """What a reply should be held to is not understood, contradicts itself, or is too much."""

    code = "constraint_refused"


class ServerError(EngineError):
    """A server that runs models elsewhere cannot be reached, refuses, or failed."""

    code = "server_error"


class StoreError(TetherError):
    """The database cannot be used."""

    code = "store_error"


class SessionNotFound(StoreError):
    """There is no such session."""

    code = "session_not_found"


class FolderNotFound(TetherError):
    """No folder has this id."""

    code = "folder_not_found"


class PersonaNotFound(TetherError):
    """No persona has this id."""

    code = "persona_not_found"


class SnippetNotFound(TetherError):
    """No saved prompt has this id."""

    code = "snippet_not_found"


class NameUnfit(TetherError):
    """What a folder, a persona or a saved prompt is to be called is no name."""

    code = "name_unfit"


class NameTaken(NameUnfit):
    """Another one is called so."""

    code = "name_taken"


class BackupFailed(TetherError):
    """The database cannot be copied there."""

    code = "backup_failed"


class AttachmentProblem(TetherError):
    """A file cannot go with a question."""

    code = "attachment_problem"


class MessageNotFound(StoreError):
    """There is no such message in the session."""

    code = "message_not_found"


class StoreBusy(StoreError):
    """Another program holds the database locked."""

    code = "store_busy"


class StoreFull(StoreError):
    """The disk is full or the database cannot be written."""

    code = "store_full"


class StoreDamaged(StoreError):
    """The database's file is damaged, or is none."""

    code = "store_damaged"


class StoreTooNew(StoreError):
    """A newer version of the program has migrated the database."""

    code = "store_too_new"


class SessionBusy(TetherError):
    """The session is still answering; one turn at a time."""

    code = "session_busy"


class ContinuationRefused(TetherError):
    """A reply cannot be gone on with: it is not the last one, or its model's server does not do that."""

    code = "continuation_refused"


class ToolError(TetherError):
    """A tool cannot be used as asked."""

    code = "tool_error"


class ToolNotFound(ToolError):
    """There is no tool of that name, or it is switched off."""

    code = "tool_not_found"


class TurnNotFound(TetherError):
    """Nothing is being answered in the session, or what was is no longer kept."""

    code = "turn_not_found"


class ImportProblem(TetherError):
    """A file with conversations cannot be read."""

    code = "import_error"


class PortError(TetherError):
    """The local port cannot be opened, or a running program cannot be reached on it.

    Attributes:
        free_port: one that could be opened instead; None where there is no such offer.
    """

    code = "port_error"

    def __init__(self, title: str, message: str, hint: str = "", *, free_port: int | None = None) -> None:
        super().__init__(title, message, hint)
        self.free_port = free_port


class NoAnswer(TetherError):
    """The model called tools until the rounds were over, and then answered nothing."""

    code = "no_answer"


class SettingsError(TetherError):
    """A setting has a value that cannot be used."""

    code = "settings_error"


class InstallError(TetherError):
    """Fetching or preparing a model failed."""

    code = "install_error"


class NoConnection(InstallError):
    """What is to be fetched from cannot be reached at all; most often this computer is offline."""

    code = "no_connection"


class McpServerError(TetherError):
    """An MCP server does not run, or does not answer."""

    code = "mcp_server_error"


class WindowImpossible(TetherError):
    """There is no screen, or the system lacks a library that windows need."""

    code = "window_impossible"


class MenuEntryFailed(TetherError):
    """The program cannot be put into the desktop's menu, or not be taken out of it."""

    code = "menu_entry_failed"


class DataNotErased(TetherError):
    """Some of what the program keeps of a person could not be removed."""

    code = "data_not_erased"


class UpdateCheckFailed(TetherError):
    """What the newest release is cannot be found out, or what was told of it cannot be believed."""

    code = "update_check_failed"


class ProgramReplaced(TetherError):
    """Another version of the program was installed while this one was open."""

    code = "program_replaced"


class AlreadyRunning(TetherError):
    """Another instance owns the data folder."""

    code = "already_running"


def showable(text: str) -> str:
    """Text from elsewhere as every screen, terminal and file can hold it, and as a person can read it."""
    shown = text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]} … {text[3 - _LONGEST // 2 :]}"
    return _MISLEADING.sub("\ufffd", shown)
