"""Keeps the signed metadata by which programs learn of releases, as The Update Framework has it.

    key FILE                                      makes a key, encrypted with a password
    init FOLDER --root-key FILE … --key FILE      begins: the root keys say whose other signatures count
    release FOLDER --key FILE …                   tells of a release
    renew FOLDER --key FILE                       says that this is still the newest one
    rotate FOLDER --root-key FILE … --key FILE    takes another key for releases and renewals in place of the former
                                                  one; with --new-root-key FILE …, other root keys in place of all

Passwords are read from TETHER_KEY_PASSWORD. The root keys lie elsewhere than the other one, and are needed for `init`
and `rotate` alone. docs/building-installers.md tells the whole way.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tether_desktop.updates.check import TARGET
from tether_desktop.updates.release import Release

S = TypeVar("S", Root, Timestamp, Snapshot, Targets)

LASTS = {"root": 730, "targets": 400, "snapshot": 400, "timestamp": 90}
"""Days after which what a role has signed is believed no more."""

ONLINE_ROLES = ("targets", "snapshot", "timestamp")


def main(arguments: list[str]) -> int:
    """Do what the command line asks."""
    chosen = _parser().parse_args(arguments)
    match chosen.command:
        case "key":
            make_key(chosen.file)
        case "init":
            begin(chosen.folder, _signers(chosen.root_key), _signer(chosen.key))
        case "release":
            notes = tuple(
                line[2:] for line in chosen.notes.read_text(encoding="utf-8").splitlines() if line[:2] == "- "
            )
            told = Release(chosen.version, chosen.day, chosen.page, notes)
            release(chosen.folder, _signer(chosen.key), told)
        case "renew":
            renew(chosen.folder, _signer(chosen.key))
        case "rotate":
            rotate(chosen.folder, _signers(chosen.root_key), _signer(chosen.key), _signers(chosen.new_root_key))
    return 0


def make_key(file: Path) -> None:
    """Make an Ed25519 key; its file is its owner's alone, and never replaced."""
    private = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(_password()),
    )
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
        target.write(private)


def begin(folder: Path, roots: Sequence[CryptoSigner], online: CryptoSigner) -> None:
    """Write the first metadata: nothing is released yet. More than half of the root keys have to sign a change."""
    folder.mkdir(parents=True)
    root = Root(expires=_expiry("root"), consistent_snapshot=True)
    for signer in roots:
        root.add_key(signer.public_key, "root")
    root.roles["root"].threshold = len(roots) // 2 + 1
    for role in ONLINE_ROLES:
        root.add_key(online.public_key, role)
    _write(folder, root, roots)
    _write(folder, Targets(expires=_expiry("targets")), [online])
    _write(folder, Snapshot(expires=_expiry("snapshot")), [online])
    _write(folder, Timestamp(expires=_expiry("timestamp")), [online])


def release(folder: Path, online: CryptoSigner, told: Release) -> None:
    """Tell of a release."""
    content = write_release(told)
    (folder / f"{sha256(content).hexdigest()}.{TARGET}").write_bytes(content)
    targets = _newest(folder, Targets)
    targets.targets = {TARGET: TargetFile.from_data(TARGET, content, ["sha256"])}
    _write(folder, _next(targets, "targets"), [online])
    snapshot = _newest(folder, Snapshot)
    snapshot.meta["targets.json"] = MetaFile(targets.version)
    _write(folder, _next(snapshot, "snapshot"), [online])
    _point(folder, online, snapshot.version)


def write_release(told: Release) -> bytes:
    """The description of a release, the same bytes for the same release."""
    said = {"version": told.version, "day": told.day.isoformat(), "page": told.page, "notes": told.notes}
    return json.dumps(said, ensure_ascii=False, indent=1).encode() + b"\n"


def renew(folder: Path, online: CryptoSigner) -> None:
    """Say that what is there is still the newest; what expires within the next half of its time is signed anew."""
    targets, snapshot = _newest(folder, Targets), _newest(folder, Snapshot)
    if _is_old(targets, "targets") or _is_old(snapshot, "snapshot"):
        _write(folder, _next(targets, "targets"), [online])
        snapshot.meta["targets.json"] = MetaFile(targets.version)
        _write(folder, _next(snapshot, "snapshot"), [online])
    _point(folder, online, snapshot.version)


def rotate(
    folder: Path, roots: Sequence[CryptoSigner], online: CryptoSigner, new_roots: Sequence[CryptoSigner] = ()
) -> None:
    """Let another key sign releases and renewals, and where some are given other root keys sign from now on.

    The former ones count no more. What changes the root keys is signed by enough of the old ones and by the new ones.
    """
    root = _newest(folder, Root)
    for role in ONLINE_ROLES:
        _replace_keys(root, role, [online])
    if new_roots:
        _replace_keys(root, "root", new_roots)
        root.roles["root"].threshold = len(new_roots) // 2 + 1
    _write(folder, _next(root, "root"), [*roots, *new_roots])
    # What the former key has signed is believed no more, so all of it is signed anew.
    targets, snapshot = _newest(folder, Targets), _newest(folder, Snapshot)
    _write(folder, _next(targets, "targets"), [online])
    snapshot.meta["targets.json"] = MetaFile(targets.version)
    _write(folder, _next(snapshot, "snapshot"), [online])
    _point(folder, online, snapshot.version)


def _replace_keys(root: Root, role: str, signers: Sequence[CryptoSigner]) -> None:
    for former in list(root.roles[role].keyids):
        root.revoke_key(former, role)
    for signer in signers:
        root.add_key(signer.public_key, role)


def _point(folder: Path, online: CryptoSigner, version: int) -> None:
    timestamp = _newest(folder, Timestamp)
    timestamp.snapshot_meta = MetaFile(version)
    _write(folder, _next(timestamp, "timestamp"), [online])


def _next(signed: S, role: str) -> S:
    signed.version += 1
    signed.expires = _expiry(role)
    return signed


def _is_old(signed: Targets | Snapshot, role: str) -> bool:
    return signed.expires - datetime.now(UTC) < timedelta(days=LASTS[role] / 2)


def _newest(folder: Path, kind: type[S]) -> S:
    """What a role has signed last."""
    name = kind.type
    files = [folder / "timestamp.json"] if name == "timestamp" else folder.glob(f"*.{name}.json")
    file = max(files, key=lambda path: int(path.name.partition(".")[0]) if name != "timestamp" else 0)
    found: S = Metadata[S].from_file(str(file)).signed
    return found


def _write(folder: Path, signed: S, signers: Sequence[CryptoSigner]) -> None:
    metadata = Metadata(signed)
    for signer in signers:
        metadata.sign(signer, append=True)
    name = f"{signed.type}.json" if isinstance(signed, Timestamp) else f"{signed.version}.{signed.type}.json"
    beside = folder / f".{name}"
    metadata.to_file(str(beside))
    beside.replace(folder / name)
    if isinstance(signed, Root):
        shutil.copyfile(folder / name, folder / "root.json")


def _expiry(role: str) -> datetime:
    return datetime.now(UTC).replace(microsecond=0) + timedelta(days=LASTS[role])


def _signers(files: Sequence[Path]) -> list[CryptoSigner]:
    return [_signer(file) for file in files]


def _signer(file: Path) -> CryptoSigner:
    private = serialization.load_pem_private_key(file.read_bytes(), _password())
    if not isinstance(private, Ed25519PrivateKey):
        raise SystemExit(f"{file} is no Ed25519 key.")
    return CryptoSigner(private)


def _password() -> bytes:
    password = os.environ.get("TETHER_KEY_PASSWORD", "")
    if not password:
        raise SystemExit("Set TETHER_KEY_PASSWORD to the password of the keys.")
    return password.encode()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("key").add_argument("file", type=Path)
    for name in ("init", "release", "renew", "rotate"):
        command = commands.add_parser(name)
        command.add_argument("folder", type=Path)
        command.add_argument("--key", type=Path, required=True, help="signs releases and renewals")
        if name in {"init", "rotate"}:
            command.add_argument(
                "--root-key", type=Path, action="append", required=True, help="may be given several times"
            )
        if name == "rotate":
            command.add_argument("--new-root-key", type=Path, action="append", default=[])
        if name == "release":
            command.add_argument("--version", required=True)
            command.add_argument("--page", required=True, help="where people get it; https")
            command.add_argument("--day", type=date.fromisoformat, default=datetime.now(UTC).date())
            command.add_argument("--notes", type=Path, required=True, help="Markdown; its lines that begin with a dash")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
