"""`python -m hub_server FOLDER`: the stand-in as a process of its own; prints its endpoint."""

import sys
import threading
from pathlib import Path

from hub_server import HubServer

if __name__ == "__main__":
    print(HubServer(Path(sys.argv[1])).address, flush=True)  # noqa: T201
    threading.Event().wait()
