"""A server of S3 on this machine, moto's, and before it a line that breaks."""

import http.client
import http.server
import importlib.util
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

BUCKET = "crawl"
_SECONDS = 60


def missing() -> str:
    """What this machine lacks; empty where a server can be started."""
    lacking = [name for name in ("moto", "s3fs", "flask") if importlib.util.find_spec(name) is None]
    return f"S3: no {', '.join(lacking)} (pip install 'moto[server,s3]' s3fs)" if lacking else ""


class _Line(http.server.BaseHTTPRequestHandler):
    """Hands requests on to the server; each `every`-th answer with an object in it ends in the middle."""

    protocol_version = "HTTP/1.1"
    server: "_Proxy"

    def log_message(self, *args: Any) -> None:
        pass

    def _hand_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        there = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=_SECONDS)
        there.request(self.command, self.path, body, dict(self.headers))
        answer = there.getresponse()
        content = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                self.send_header(name, value)
        length = answer.getheader("Content-Length") if self.command == "HEAD" else len(content)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        if self.command == "GET" and self.server.breaks(self.path):
            content = content[: len(content) // 2]
            self.close_connection = True
        self.wfile.write(content)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _hand_on


class _Proxy(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Line)
        self.port, self.every = port, 0
        self.asked = Counter[str]()
        self._count, self._lock = 0, threading.Lock()

    def breaks(self, path: str) -> bool:
        """Count a request for an object, and say whether its answer is to end in the middle."""
        name = path.partition("?")[0].removeprefix(f"/{BUCKET}").lstrip("/")
        if not name:
            return False
        with self._lock:
            self.asked[name] += 1
            self._count += 1
            return bool(self.every) and self._count % self.every == 0

    def handle_error(self, *args: Any) -> None:
        """A client that has gone is no news."""


class RealS3:
    """A bucket, as clients find it.

    Args:
        proxy: Before the server.
    """

    def __init__(self, proxy: _Proxy) -> None:
        self._proxy = proxy
        self.asked = proxy.asked
        """How often each object was asked for."""
        self.environment = {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{proxy.server_port}",
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def break_each(self, number: int) -> None:
        """Let each answer of that number end in the middle; 0 for none."""
        self._proxy.every = number

    def system(self) -> Any:
        """The bucket's file system, without what was listed before."""
        import s3fs

        return s3fs.S3FileSystem(
            key="testing", secret="testing", skip_instance_cache=True, use_listings_cache=False,
            endpoint_url=self.environment["AWS_ENDPOINT_URL"],
        )  # fmt: skip

    def put(self, folder: Path) -> str:
        """Store the files of a folder; return its address."""
        system = self.system()
        with suppress(FileExistsError):
            system.mkdir(BUCKET)
        system.put(f"{folder}/", f"{BUCKET}/{folder.name}", recursive=True)
        return f"s3://{BUCKET}/{folder.name}"

    def remove(self, name: str) -> None:
        """Remove an object."""
        self.system().rm(f"{BUCKET}/{name}")


@contextmanager
def real_s3() -> Iterator[RealS3]:
    """A server as long as the block runs."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = int(found.getsockname()[1])
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    proxy = _Proxy(port)
    thread = threading.Thread(target=lambda: proxy.serve_forever(0.02), daemon=True)
    try:
        _await(port, server)
        thread.start()
        yield RealS3(proxy)
    finally:
        proxy.shutdown()
        proxy.server_close()
        server.kill()
        server.wait()


def _await(port: int, server: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end and server.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise RuntimeError("moto.server does not answer")
