"""A Hugging Face hub on this computer: listings, small files of git, and large ones on another site."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from tests.helpers.file_server import FileServer, ServedFile

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class FakeHub:
    """A hub with one repository, whose listing and files a test may change.

    Attributes:
        server: what gives everything; redirects of large files lead to its other name.
        repo: "org/name".
        listing: the answer to who asks what the repository holds; :meth:`publish` after changing it.
    """

    def __init__(self, server: FileServer, repo: str = "acme/Tiny-GGUF") -> None:
        self.server = server
        self.repo = repo
        self.listing: dict[str, Any] = {"_id": "1", "id": repo, "modelId": repo, "sha": COMMIT, "siblings": []}
        self.publish()

    @property
    def endpoint(self) -> str:
        """The hub's address."""
        return self.server.url("")

    def add_small(self, path: str, content: bytes) -> ServedFile:
        """A file that git itself keeps."""
        blob = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
        self.listing["siblings"].append({"rfilename": path, "size": len(content), "blobId": blob})
        return self._serve(path, ServedFile(content, etag=f'"{blob}"'))

    def add_large(self, path: str, content: bytes) -> ServedFile:
        """A file that lies elsewhere, in a place that is told when one asks for it."""
        file = ServedFile(content, etag='"elsewhere"')
        stored = self.server.add(f"/cdn/{file.sha256}", file).replace("127.0.0.1", "localhost")
        lfs = {"size": len(content), "sha256": file.sha256, "pointerSize": 134}
        self.listing["siblings"].append({"rfilename": path, "size": len(content), "blobId": "f" * 40, "lfs": lfs})
        self._serve(path, ServedFile(b"", redirect=stored))
        return file

    def publish(self, revision: str = "") -> ServedFile:
        """Answer with the listing as it is now; the answer, for a test to spoil."""
        answer = ServedFile(json.dumps(self.listing).encode())
        answer.headers = {"Content-Type": "application/json"}
        self.server.add(f"/api/models/{self.repo}" + (f"/revision/{revision}" if revision else ""), answer)
        return answer

    @property
    def asked(self) -> list[str]:
        """The paths of the repository's files that were asked for."""
        before = f"/{self.repo}/resolve/{COMMIT}/"
        return [each.path.removeprefix(before) for each in self.server.seen if each.path.startswith(before)]

    def _serve(self, path: str, file: ServedFile) -> ServedFile:
        self.server.add(f"/{self.repo}/resolve/{COMMIT}/{path}", file)
        self.publish()
        return file
