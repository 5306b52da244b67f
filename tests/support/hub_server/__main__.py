"""`python -m support.hub_server FOLDER`: the stand-in as a process of its own; prints endpoint and token."""

import sys
import threading
from pathlib import Path

from support.hub_server import TOKEN, HubServer

if __name__ == "__main__":
    print(HubServer(Path(sys.argv[1])).address, TOKEN, flush=True)  # noqa: T201
    threading.Event().wait()
