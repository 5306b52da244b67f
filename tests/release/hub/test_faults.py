"""Faults at every request of a push, one at a time: main is never half new, never has two commits for one release, the
tag is right or absent, and the same command again ends in the right state."""

import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import pytest
from support.hub_server import Fault, HubServer
from support.pushing_child import push_in_child
from support.small_release import RELEASE, assert_never_half, assert_released, clients_reach, push, write_release

from builder.errors import ReleaseError
from builder.results.release.hub import retry, verify

OF_ONE_REPOSITORY = (
    "GET /api/{0}s/org/{1}/refs",
    "POST /api/repos/create",
    "GET /api/{0}s/org/{1}/refs",
    "GET /api/{0}s/org/{1}/commits/main",
    "GET /api/{0}s/org/{1}/tree/OID",
    "POST /api/{0}s/org/{1}/preupload/main",
    "POST /{2}org/{1}.git/info/lfs/objects/batch",
    "PUT /objects/OID",
    "POST /objects/OID/verify",
    "POST /api/validate-yaml",
    "POST /api/{0}s/org/{1}/commit/main",
    "POST /api/{0}s/org/{1}/tag/OID",
    "GET /api/{0}s/org/{1}/refs",
    "GET /api/{0}s/org/{1}/tree/OID",
)
REQUESTS = [
    (number, request.format(*repository))
    for number, (repository, request) in enumerate(
        [
            (("model", "tiny-final", ""), OF_ONE_REPOSITORY[0]),  # looked at before anything is changed
            *(
                (repository, request)
                for repository in (("dataset", "tiny", "datasets/"), ("model", "tiny-final", ""))
                for request in OF_ONE_REPOSITORY
            ),
        ],
        start=1,
    )
]
"""Every request of an undisturbed push, in order; the first test holds this list to the server's log."""
OURS = r"^(?!GET /api/agent-harnesses)"
KINDS: dict[str, tuple[Any, Literal["before", "after"]]] = {
    "429": (429, "before"),
    "500": (500, "before"),
    "500 though done": (500, "after"),
    "cut": ("cut", "before"),
    "answer lost": ("cut", "after"),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubServer]:
    running = HubServer(tmp_path_factory.mktemp("server"))
    with pytest.MonkeyPatch.context() as patch, clients_reach(running, tmp_path_factory.mktemp("home")):
        patch.setattr(verify, "loading_problems", lambda *_, **__: [])
        yield running
    running.close()


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_release(tmp_path_factory.mktemp("release"))


@pytest.fixture(autouse=True)
def _empty(server: HubServer, release: Path) -> None:
    server.hub.repositories.clear()
    server.faults.clear()
    server.requests.clear()
    (release / "receipt.json").unlink(missing_ok=True)
    shutil.rmtree(server.hub.objects)
    server.hub.objects.mkdir()


def cases(requests: list[tuple[int, str]]) -> Any:
    return pytest.mark.parametrize("number", [n for n, _ in requests], ids=[f"{n}: {name}" for n, name in requests])


def in_turn(kinds: Sequence[str]) -> Any:
    """Each kind at each request; one kind for every request in turn is quick, the rest is `full`."""

    def marks(place: int) -> Any:
        return pytest.mark.full if place % len(kinds) else ()

    return [
        pytest.param(number, kind, id=f"{number}: {name}-{kind}", marks=marks(number + place))
        for number, name in REQUESTS
        for place, kind in enumerate(kinds)
    ]


def ends_well(server: HubServer, release: Path) -> None:
    """What is there now is whole, and the same command again makes it right."""
    assert_never_half(server, release)
    server.faults.clear()
    push(release)
    assert_released(server, release)


def test_these_are_all_requests_of_a_push(server: HubServer, release: Path) -> None:
    push(release)
    seen = [re.sub(r"[0-9a-f]{40,64}", "OID", request).partition("?")[0] for request in server.requests]
    assert [request for request in seen if re.match(OURS, request)] == [request for _, request in REQUESTS]


@pytest.mark.parametrize(("number", "kind"), in_turn([*KINDS]))
def test_one_fault_at_one_request_is_overcome(server: HubServer, release: Path, number: int, kind: str) -> None:
    what, when = KINDS[kind]
    server.faults.append(fault := Fault(what, OURS, nth=number, when=when))
    push(release)
    assert fault.struck == 1
    assert_released(server, release)
    ends_well(server, release)


@cases(REQUESTS)
def test_a_hub_that_is_gone_from_one_request_on_is_an_error_and_the_next_run_goes_on(
    server: HubServer, release: Path, number: int
) -> None:
    server.faults.append(Fault(503, OURS, nth=number, times=1_000))
    with pytest.raises(ReleaseError, match="the same command again"):
        push(release)
    ends_well(server, release)


@pytest.mark.parametrize(("number", "when"), in_turn(["before", "after"]))
def test_a_killed_push_goes_on_where_it_stopped(
    server: HubServer, release: Path, tmp_path: Path, number: int, when: Literal["before", "after"]
) -> None:
    process: Any = None
    server.faults.append(Fault(lambda: process.kill(), OURS, nth=number, when=when))
    process = push_in_child(release, RELEASE, "1.0.0", server.address, server.environment(tmp_path))
    process.join(60)
    assert process.exitcode == -9
    ends_well(server, release)


@pytest.mark.parametrize("request_of", ["PUT /objects/", "/commit/main", "/tag/"])
@pytest.mark.parametrize("kind", [*KINDS, "killed", "killed though done"])
def test_between_two_versions_main_is_the_old_one_or_the_new_one(
    server: HubServer, tmp_path: Path, request_of: str, kind: str
) -> None:
    push(write_release(tmp_path / "1"))
    second = write_release(tmp_path / "2", "1.1.0", rows=6, extra=1)
    process: Any = None
    if kind in KINDS:
        server.faults.append(Fault(KINDS[kind][0], request_of, when=KINDS[kind][1]))
        push(second, "1.1.0")
    else:
        when: Any = "after" if "done" in kind else "before"
        server.faults.append(Fault(lambda: process.kill(), request_of, when=when))
        process = push_in_child(second, RELEASE, "1.1.0", server.address, server.environment(tmp_path / "home"))
        process.join(60)
        assert process.exitcode == -9
    assert_never_half(server, second, before=2)
    server.faults.clear()
    push(second, "1.1.0")
    assert_released(server, second, "1.1.0", commits=2)


def test_the_wait_that_the_hub_asks_for_is_kept(server: HubServer, release: Path, monkeypatch: Any) -> None:
    waited: list[float] = []
    monkeypatch.setattr(retry.time, "sleep", waited.append)
    server.faults.append(Fault(429, "GET .*/refs", headers={"RateLimit": '"api";r=0;t=7'}))
    server.faults.append(Fault(503, "/commit/main", headers={"Retry-After": "11"}))
    server.faults.append(Fault(500, "/tag/", times=2))
    push(release)
    assert waited == [7.0, 11.0, 1.0, 2.0]
    server.faults[:] = [Fault(429, "GET .*/refs", headers={"RateLimit": '"api";r=0;t=3000'}, times=9)]
    with pytest.raises(ReleaseError, match="the Hub answers 429"):
        push(release)
    assert waited == [7.0, 11.0, 1.0, 2.0]
