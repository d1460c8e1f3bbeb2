"""The languages of the window: Qt's translators, and words of what is no QObject."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QLocale, QTranslator

from tether_desktop import paths

LANGUAGES = ("en", "de")
"""The languages there are; the first one is in the sources, and its file only knows singular and plural."""

_installed: list[QTranslator] = []


def translate(context: str, text: str) -> str:
    """Words in the language that is on.

    A QObject has ``self.tr`` for its own. Values are put in afterwards, by ``str.format``: what is looked up must be
    what stands in the source.
    """
    return QCoreApplication.translate(context, text)


def counted(context: str, text: str, count: int) -> str:
    """Words about so many of something, in the language that is on; ``%n`` in them is the count."""
    return QCoreApplication.translate(context, text, "", count)


def mark(_context: str, text: str) -> str:
    """Words of a table that are looked up later, by :func:`translate` with the same context."""
    return text


def language(choice: str) -> str:
    """The language of a choice; ``system`` is the desktop's where there is one, else English."""
    if choice in LANGUAGES:
        return choice
    wanted = (name.partition("-")[0] for name in QLocale.system().uiLanguages())
    return next((name for name in wanted if name in LANGUAGES), LANGUAGES[0])


def install(choice: str) -> str:
    """Let the program speak a language, for widgets that are made from now on; the language."""
    app = QCoreApplication.instance()
    assert app is not None  # noqa: S101  (narrows: there is no window without)
    for translator in _installed:
        app.removeTranslator(translator)
    _installed.clear()
    chosen = language(choice)
    for folder, name in (
        (_qt_folder(), f"qtbase_{chosen}"),
        (str(paths.resources_dir() / "translations"), f"tether_{chosen}"),
    ):
        translator = QTranslator(app)
        if translator.load(name, folder):
            app.installTranslator(translator)
            _installed.append(translator)
    QLocale.setDefault(QLocale(chosen))
    return chosen


def _qt_folder() -> str:
    return QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
