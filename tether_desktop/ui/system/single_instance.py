"""Listens for other starts of the program, so that there is one window and not two."""

from __future__ import annotations

import logging

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtNetwork import QLocalServer, QLocalSocket

from tether_desktop.hand_over import LONGEST, OK, address, read_request

logger = logging.getLogger(__name__)


class SingleInstance(QObject):
    """The end that listens; only who has the data folder may make it.

    Signals:
        asked(Request): another start wants this of the window.
    """

    asked = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._on_connection)

    def listen(self) -> bool:
        """Begin to listen; False where that cannot be, and every start opens a window of its own."""
        # The data folder is ours alone, so whatever is there was left by a program that was killed.
        QLocalServer.removeServer(address())
        if not self._server.listen(address()):
            logger.warning("Other starts cannot be heard: %s", self._server.errorString())
        return self._server.isListening()

    def close(self) -> None:
        """Listen no more, and leave no socket behind."""
        self._server.close()

    @Slot()
    def _on_connection(self) -> None:
        while (connection := self._server.nextPendingConnection()) is not None:
            connection.setReadBufferSize(LONGEST)
            connection.disconnected.connect(connection.deleteLater)
            connection.readyRead.connect(self._on_ready)
            self._read(connection)  # what came before it was connected

    @Slot()
    def _on_ready(self) -> None:
        connection = self.sender()
        if isinstance(connection, QLocalSocket):
            self._read(connection)

    def _read(self, connection: QLocalSocket) -> None:
        if not connection.canReadLine():
            if connection.bytesAvailable() >= LONGEST:
                connection.abort()
            return
        request = read_request(bytes(connection.readLine(LONGEST).data()))
        if request is None:
            connection.abort()
            return
        connection.write(OK)
        connection.flush()
        connection.disconnectFromServer()
        self.asked.emit(request)
