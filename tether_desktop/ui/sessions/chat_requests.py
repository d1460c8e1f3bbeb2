"""What a person can want of chats and folders, from whichever list, menu or key."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal


class ChatRequests(QObject):
    """One signal for each thing that can be wanted; ``ids`` is a tuple of session ids.

    Signals:
        open(session_id): show it.
        edit(session_id): let its title be typed in the list.
        rename(session_id, title): give it another title.
        pin(ids, bool): show them before the others, or no longer.
        duplicate(session_id): begin another one with a copy of it.
        archive(ids, bool): put them out of the way, or back.
        move(ids, folder_id): put them into a folder; out of theirs for an empty id.
        move_to_new(ids): put them into a new folder; it may be made for none.
        mark_unread(ids, bool): remember that they were not looked at.
        export(ids, form): write them to files, as ``json`` or ``markdown``; no ids are all chats.
        import_file(path): add the conversations of a file; asks which for an empty path.
        delete(ids): move them to the bin.
        restore(ids): bring them back from the bin.
        erase(ids): remove them for good.
        empty_bin(): remove all that is in the bin for good.
        rename_folder(folder_id, name): give a folder another name.
        delete_folder(folder_id): remove a folder; its chats stay.
    """

    open = Signal(str)
    edit = Signal(str)
    rename = Signal(str, str)
    pin = Signal(object, bool)
    duplicate = Signal(str)
    archive = Signal(object, bool)
    move = Signal(object, str)
    move_to_new = Signal(object)
    mark_unread = Signal(object, bool)
    export = Signal(object, str)
    import_file = Signal(str)
    delete = Signal(object)
    restore = Signal(object)
    erase = Signal(object)
    empty_bin = Signal()
    rename_folder = Signal(str, str)
    delete_folder = Signal(str)
