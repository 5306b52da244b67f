"""A stand-in for the Hub on this machine, for the unmodified clients, over HTTP and with LFS (no Xet)."""

import os
import socket
import threading
from dataclasses import replace
from pathlib import Path

import uvicorn

from support.hub_server import content  # noqa: F401  registers its routes
from support.hub_server.app import Hub
from support.hub_server.faults import Fault, Faulty
from support.hub_server.repositories import Entry, Repository

__all__ = ["Entry", "Fault", "HubServer", "Repository"]
TOKEN = "hf_" + "StandIn" * 5


class HubServer:
    """The stand-in, served from a thread.

    Attributes:
        hub: Repositories and users.
        faults: What goes wrong; empty for nothing.
        address: Its endpoint.
    """

    def __init__(self, folder: Path, *, page: int = 1_000) -> None:
        self.hub = Hub(folder / "objects", page=page)
        self.hub.users[TOKEN] = "somebody"
        self.layer = Faulty(self.hub)
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen()  # who comes before the thread serves waits for it, and is not refused
        port = listener.getsockname()[1]
        self.address = self.hub.address = f"http://127.0.0.1:{port}"
        self.hub.storage = f"http://localhost:{port}"
        config = uvicorn.Config(self.layer, log_level="critical", access_log=False, lifespan="off", proxy_headers=False)
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, args=([listener],), daemon=True)
        self.thread.start()

    @property
    def faults(self) -> list[Fault]:
        return self.layer.faults

    @property
    def requests(self) -> list[str]:
        """`METHOD /path?query` of all requests so far."""
        return self.layer.requests

    @property
    def tokens(self) -> list[str | None]:
        """The Authorization header of each of them."""
        return self.layer.tokens

    def add(self, name: str, kind: str = "datasets", *, oid: str | None = None, tag: str | None = None) -> Repository:
        """A public repository with a first commit, which may be given an oid and a tag."""
        made = Repository(kind, name, "somebody", private=False)
        if oid is not None:
            made.commits[0] = replace(made.commits[0], oid=oid)
        if tag is not None:
            made.tag(tag, "main")
        self.hub.repositories[kind, name] = made
        return made

    def repository(self, name: str, kind: str = "datasets") -> Repository:
        return self.hub.repositories[kind, name]

    def environment(self, home: Path, token: str | None = TOKEN) -> dict[str, str]:
        """What a client process needs to reach it, with an empty cache in `home`."""
        own = {
            "HF_ENDPOINT": self.address, "HF_HOME": str(home), "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_UPDATE_DOWNLOAD_COUNTS": "0",
            "NO_PROXY": "127.0.0.1,localhost", **({"HF_TOKEN": token} if token else {}),
        }  # fmt: skip
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
        return inherited | own

    def close(self) -> None:
        self.server.should_exit = True
        self.thread.join(10)
