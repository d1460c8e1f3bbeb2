"""The settings' page of the local port."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout

from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.switch import Switch
from tether_desktop.ui.markdown.code_line import CodeLine
from tether_desktop.ui.models.install_view import plain_label
from tether_desktop.ui.port.port_card import PortCard
from tether_desktop.ui.port.port_state import PortState, is_local
from tether_desktop.ui.port.request_log import RequestLog
from tether_desktop.ui.port.token_field import TokenField
from tether_desktop.ui.settings.settings_page import SettingsPage, section

if TYPE_CHECKING:
    from tether_desktop.errors import TetherError
    from tether_desktop.settings import Settings

THIS_COMPUTER, ALL_ADDRESSES = "127.0.0.1", "0.0.0.0"  # noqa: S104  (opened only where a person asks for it)
MORE = ("host", "host_names", "cors_origins", "requests_per_minute")
_CURL = (
    'curl.exe {url}/sessions -H "Authorization: Bearer $(tether token)"'
    if sys.platform == "win32"  # in PowerShell, `curl` alone is another command, and a backslash joins no lines
    else 'curl {url}/sessions \\\n    -H "Authorization: Bearer $(tether token)"'
)


class PortPage(SettingsPage):
    """Whether and where the port is open, and what programs need to use it.

    Attributes:
        serve, network: the switches.
        card: how the port is.
        token: what programs need.
        log: the requests as they come.
        curl, base_url, reference: what can be copied, by what it is for.

    Signals:
        settings_chosen(dict): rows of the settings table that change together, by name.
        retry_requested(): try once more to open the port.
    """

    settings_chosen = Signal(object)
    retry_requested = Signal()

    def __init__(self, settings: Settings) -> None:
        super().__init__("Local port")
        self._settings = settings
        self._state = PortState()
        self.serve = Switch()
        self.serve.setAccessibleName(self.tr("Offer these conversations to programs on this computer"))
        self.network = Switch()
        self.network.setAccessibleName(self.tr("Let other computers in the network reach it"))
        self.card = PortCard(can_move=not os.environ.get("MLC_PORT"))
        self.token = TokenField()
        self.curl = CodeLine(self.tr("the command"))
        self.base_url = CodeLine(self.tr("the address for OpenAI clients"))
        self.reference = CodeLine(self.tr("the address of the description"))
        self.log = RequestLog()
        self._lay_out()
        self.serve.clicked.connect(self._on_serve)
        self.network.clicked.connect(self._on_network)
        self.card.port_chosen.connect(self._on_port_chosen)
        self.card.retry_requested.connect(self.retry_requested)
        self.show_settings(settings)

    def show_settings(self, settings: Settings) -> None:
        """Show the values that hold now."""
        super().show_settings(settings)
        self._settings = settings
        self.serve.setChecked(settings.serve == "on")
        self.network.setChecked(settings.lan_access == "on" and not is_local(settings.host))
        self._show_examples()

    def show_port(self, state: PortState) -> None:
        """Show how the port is."""
        self._state = state
        self.card.show_state(state)
        self._show_examples()

    def show_error(self, error: TetherError) -> None:
        """Tell what went wrong; what was asked for is over."""
        super().show_error(error)
        self.token.give_up()

    def _show_examples(self) -> None:
        url = self._state.url or f"http://{THIS_COMPUTER}:{self._settings.port}"
        self.curl.show_line(_CURL.format(url=url))
        self.base_url.show_line(f"{url}/v1")
        self.reference.show_line(f"{url}/docs")

    def _lay_out(self) -> None:
        what_for = self.tr(
            "Scripts, editors and programs that know OpenAI's API can then read and write here, and use the models. "
            "What they write appears in this window as it comes."
        )
        warning = self.tr(
            "They need the token, but what is sent is not encrypted: whoever can listen in this network can read all "
            "of it, the token too. Do this only in a network you trust."
        )
        self.column.addLayout(_explained(self.serve, what_for))
        self.column.addWidget(self.card)
        self.add_fields(self._settings, ("port",))
        self.column.addLayout(_explained(self.network, warning))
        self.column.addWidget(section(self.tr("Requests")))
        self.column.addWidget(self.log)
        self.column.addWidget(section(self.tr("Token")))
        self.column.addWidget(self.token)
        self.column.addWidget(section(self.tr("For programs")))
        self.column.addLayout(self._make_examples())
        self.column.addWidget(section(self.tr("More")))
        self.add_fields(self._settings, MORE)
        self.column.addStretch(1)
        self._respect_environment()

    def _make_examples(self) -> QVBoxLayout:
        examples = QVBoxLayout()
        examples.setSpacing(spacing.TIGHT)
        for words, line in (
            (self.tr("In a terminal"), self.curl),
            (self.tr("Base URL for programs that know OpenAI's API; the key is the token"), self.base_url),
            (self.tr("All requests, to read and to try, in a browser"), self.reference),
        ):
            examples.addWidget(plain_label("small", words))
            examples.addWidget(line)
            examples.addSpacing(spacing.NEAR)
        examples.addWidget(
            plain_label(
                "small",
                self.tr("All requests are described in docs/api.md, what is kept safe and how in docs/security.md."),
            )
        )
        return examples

    def _respect_environment(self) -> None:
        """What an environment variable says cannot be changed here."""
        for switch, names in ((self.serve, ("TETHER_SERVE",)), (self.network, ("TETHER_LAN_ACCESS", "MLC_HOST"))):
            told = [name for name in names if os.environ.get(name)]
            switch.setEnabled(not told)
            switch.setToolTip(self.tr("Set by the environment variable {name}.").format(name=told[0]) if told else "")

    @Slot(bool)
    def _on_serve(self, on: bool) -> None:
        self.settings_chosen.emit({"serve": "on" if on else "off"})

    @Slot(bool)
    def _on_network(self, on: bool) -> None:
        host = ALL_ADDRESSES if on else THIS_COMPUTER
        self.settings_chosen.emit({"lan_access": "on" if on else "off", "host": host})

    @Slot(int)
    def _on_port_chosen(self, port: int) -> None:
        self.settings_chosen.emit({"port": str(port)})


def _explained(switch: Switch, text: str) -> QHBoxLayout:
    switch.setAccessibleDescription(text)
    words = QVBoxLayout()
    words.setSpacing(spacing.HAIR)
    words.addWidget(plain_label("strong", switch.accessibleName()))
    words.addWidget(plain_label("small", text))
    row = QHBoxLayout()
    row.setSpacing(spacing.BROAD)
    row.addLayout(words, 1)
    row.addWidget(switch, 0, Qt.AlignmentFlag.AlignTop)
    return row
