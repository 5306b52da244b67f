"""A different canary where each secret can stand; none of them is found in what a build writes, says or starts."""

import base64
import gzip
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from support.corpus_pages import archive
from support.small_project import HUMPBACK, change_yaml, write_small_project
from support.web_files import Quiet, serving

from builder.data.storage import read_rows
from builder.errors import BuilderError
from builder.method.corpus.stage import extract_segments
from builder.recipe.sections.corpus import Segments
from builder.recipe.sections.runtime import Runtime
from builder.workspace.workspace import Workspace

CANARIES = {
    "user": "canaryUserAAAA", "password": "canary/Pass+BBBB", "signature": "canarySignCCCC", "token": "canaryTokenDDDD",
    "fragment": "canaryFragEEEE", "hub": "hf_canaryFFFFFFFFFFFFFFFFFFFFFFFFFF", "server": "sk-canaryGGGGGGGGGGGGGGGG",
    "aws_id": "AKIACANARYHHHHHHHHHH", "aws": "canaryAwsIIIIIIII", "proxy": "canaryProxyJJJJ",
}  # fmt: skip
ENVIRONMENT = {
    "HF_TOKEN": CANARIES["hub"], "OPENAI_API_KEY": CANARIES["server"], "AWS_ACCESS_KEY_ID": CANARIES["aws_id"],
    "AWS_SECRET_ACCESS_KEY": CANARIES["aws"], "FTP_PROXY": f"http://me:{CANARIES['proxy']}@127.0.0.1:9",
}  # fmt: skip
QUOTED = CANARIES["password"].replace("/", "%2F").replace("+", "%2B")


class Demanding(Quiet):
    """A server that gives its files to who has login and signature; some of them it refuses, cuts or has not."""

    def do_GET(self) -> None:
        login = base64.b64encode(f"{CANARIES['user']}:{CANARIES['password']}".encode()).decode()
        wanted = f"Basic {login}" == self.headers.get("Authorization") and CANARIES["signature"] in self.path
        if not wanted or "refused" in self.path:
            self.send_error(403, f"no, {self.path}")
        elif "cut" in self.path:
            self.send_response(200)
            self.send_header("Content-Length", "100000")
            self.end_headers()
            self.wfile.write(b"WARC/1.0\r\n")
        else:
            super().do_GET()


@contextmanager
def demanding(folder: Path) -> Iterator[str]:
    """Such a server as long as the block runs: its host."""
    with serving(folder, Demanding) as address:
        yield address.removeprefix("http://").rstrip("/")


def url(host: str, name: str, login: str = CANARIES["user"]) -> str:
    query = f"X-Amz-Signature={CANARIES['signature']}&blob={CANARIES['token']}"
    return f"http://{login}:{QUOTED}@{host}/{name}?{query}#{CANARIES['fragment']}"


@contextmanager
def watched_command_lines(own: set[int]) -> Iterator[list[bytes]]:
    """The command lines of all processes that are seen meanwhile, but for those of `own`."""
    seen: dict[bytes, None] = {}
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.02):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                if int(path.parent.name) not in own:
                    try:
                        seen[path.read_bytes()] = None
                    except OSError:
                        continue

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    found: list[bytes] = []
    yield found
    over.set()
    thread.join()
    found += seen


def contents(path: Path) -> bytes:
    """What a file holds, also where it is packed."""
    data = path.read_bytes()
    if path.suffix == ".parquet":
        data += json.dumps(pq.read_table(path).to_pylist(), default=str).encode()
    if path.suffix == ".gz":
        with suppress(EOFError):
            data += gzip.decompress(data)
    return data


def spellings(secret: str) -> set[str]:
    encoded = base64.b64encode(secret.encode()).decode()
    return {secret, secret.replace("/", "%2F").replace("+", "%2B"), secret.replace("/", "\\/"), encoded}


def leaks(root: Path, *said: str | bytes, but: tuple[Path, ...] = ()) -> list[tuple[str, str]]:
    """Files below a folder, or places in `said`, and the canary found there; `but` are the user's own files."""
    texts = {str(path): contents(path) for path in root.rglob("*") if path.is_file() and path not in but}
    texts |= {f"said {at}": text if isinstance(text, bytes) else text.encode() for at, text in enumerate(said)}
    return [
        (place, name)
        for place, text in texts.items()
        for name, secret in CANARIES.items()
        if any(form.encode() in text for form in spellings(secret))
    ]


@pytest.fixture
def secrets_around(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def config(*urls: str) -> Segments:
    sources = [{"path": path, "format": "warc"} for path in urls]
    return Segments.model_validate({"sources": sources, "min_chars": 1, "tasks": 2})


def test_a_stage_reads_what_a_login_and_a_signature_open_and_leaves_none_of_them(
    tmp_path: Path, secrets_around: None, capfd: pytest.CaptureFixture[str]
) -> None:
    served = tmp_path / "served"
    archive(served / "a.warc.gz", 3)
    (served / "b.warc.gz").write_bytes((served / "a.warc.gz").read_bytes()[:900])  # what is lost is warned of
    workspace = Workspace(tmp_path / "work", Runtime(workers=2))
    with demanding(served) as host, watched_command_lines({os.getpid()}) as commands:
        given = config(url(host, "a.warc.gz"), url(host, "b.warc.gz"), url(host, "refused.warc.gz"))
        with pytest.raises(BuilderError) as caught:
            workspace.run("segments", extract_segments, given)
        artifact = workspace.run(
            "segments", extract_segments, config(*[source.path.full() for source in given.sources[:2]])
        )  # type: ignore[union-attr]
    assert {row["source_file"] for row in read_rows(artifact.data)} == {"a.warc.gz"}
    assert artifact.record["counts"]["records"]["failed"]
    assert f"http://{host}/a.warc.gz" in (artifact.path / "logs" / "request.json").read_text()
    assert any(b"builder.workspace.child" in command for command in commands)
    assert leaks(tmp_path / "work", str(caught.value), *capfd.readouterr(), *commands) == []


def run(folder: Path, *arguments: object) -> tuple[subprocess.CompletedProcess[str], list[bytes]]:
    """Run the real command line; its own words are the user's, those of its children are not."""
    with (folder / "out").open("w") as out, (folder / "err").open("w") as err:
        process = subprocess.Popen(
            [*HUMPBACK, *map(str, arguments)], stdout=out, stderr=err, env={**os.environ, **ENVIRONMENT}
        )
        with watched_command_lines({os.getpid(), process.pid}) as commands:
            while process.poll() is None:
                time.sleep(0.05)
    texts = [(folder / name).read_text() for name in ("out", "err")]
    own = b"".join(os.fsencode(item) + b"\0" for item in [*HUMPBACK, *map(str, arguments)])
    others = [command for command in commands if command != own]  # a fork has it until it becomes another program
    return subprocess.CompletedProcess(process.args, process.returncode, *texts), others


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small project whose pages are behind a login, and a signature, of a server."""
    folder = write_small_project(tmp_path / "project")
    (folder / "corpus").rename(tmp_path / "served")
    return folder


def sources_of(project: Path, *paths: str, **keys: Any) -> None:
    values = yaml.safe_load((project / "build.yaml").read_text())
    sources = [{"path": path, "format": "warc", "redistributable": False} for path in paths]
    change_yaml(
        project / "build.yaml",
        segments={**values["segments"], "sources": sources},
        release={**values["release"], "text": "standoff"},
        **keys,
    )


@pytest.mark.full
def test_a_whole_build_its_release_and_its_hydrated_texts_hold_no_secret(tmp_path: Path, project: Path) -> None:
    served = sorted(path.relative_to(tmp_path / "served") for path in (tmp_path / "served").rglob("*.warc*"))
    assert served
    with demanding(tmp_path / "served") as host:
        sources_of(project, *[url(host, str(name)) for name in served])
        built = run(tmp_path, "build", project)
        assert built[0].returncode == 0, built[0].stderr
        released = run(tmp_path, "release", project, "--version", "1.0.0")
        assert released[0].returncode == 0, released[0].stderr
        corpora = [item for name in served for item in ("--corpus", url(host, str(name)))]
        texts = run(tmp_path, "hydrate", project / "releases" / "1.0.0", *corpora)
        assert texts[0].returncode == 0, texts[0].stderr
        shown = run(tmp_path, "show", project, "segments")
        planned = run(tmp_path, "plan", project)
    assert "came back" in texts[0].stdout
    said = [
        text
        for result, commands in (built, released, texts, shown, planned)
        for text in (result.stdout, result.stderr, *commands)
    ]
    assert leaks(tmp_path, *said, but=(project / "build.yaml",)) == []


@pytest.mark.full
@pytest.mark.parametrize("name", ["refused.warc.gz", "none.warc.gz", "cut.warc.gz", "folder/", "broken.warc.gz"])
@pytest.mark.parametrize("debug", [(), ("--debug",)])
def test_a_build_that_fails_says_no_secret(tmp_path: Path, project: Path, name: str, debug: tuple[str, ...]) -> None:
    (tmp_path / "served" / "broken.warc.gz").write_bytes(gzip.compress(b"WARC/1.0")[:20])
    with demanding(tmp_path / "served") as host:
        sources_of(project, url(host, name))
        results = [
            run(tmp_path, *debug, verb, project, *more)
            for verb, *more in (("build", "--until", "segments"), ("check",))
        ]
    assert results[0][0].returncode
    said = [text for result, commands in results for text in (result.stdout, result.stderr, *commands)]
    assert leaks(tmp_path, *said, but=(project / "build.yaml",)) == []


@pytest.mark.full
def test_a_login_on_the_command_line_is_repeated_by_no_process_and_no_message(tmp_path: Path, project: Path) -> None:
    (archived,) = list((tmp_path / "served").rglob("*.warc.gz"))[:1]
    sources_of(project, "http://127.0.0.1:9/none.warc.gz")
    with demanding(archived.parent) as host:
        given = f"segments.sources.0.path={url(host, archived.name)}"
        built, commands = run(tmp_path, "build", project, "--until", "segments", "--set", given)
        gone, others = run(tmp_path, "plan", project, "--set", given.replace(host, "127.0.0.1:9"))
    assert built.returncode == 0, built.stderr
    assert "http://127.0.0.1:9/" in gone.stderr
    assert "no such file or folder, or no answer" in gone.stderr
    assert leaks(tmp_path, built.stdout, built.stderr, gone.stdout, gone.stderr, *commands, *others) == []


def test_the_look_for_canaries_finds_one_wherever_it_is_put(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"x": CANARIES["password"]}))
    (tmp_path / "b.gz").write_bytes(gzip.compress(CANARIES["hub"].encode()))
    with watched_command_lines(set()) as commands:
        subprocess.run([sys.executable, "-c", "import time; time.sleep(0.3)", CANARIES["aws"]], check=True)
    found = {name for _, name in leaks(tmp_path, QUOTED, *commands)}
    assert found == {"password", "hub", "aws"}
