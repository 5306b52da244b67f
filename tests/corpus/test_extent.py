from collections.abc import Iterator

import pytest
from loguru import logger

from builder.method.corpus.extent import quiet


@pytest.fixture
def heard() -> Iterator[list[str]]:
    """What loguru writes."""
    lines: list[str] = []
    sink = logger.add(lambda line: lines.append(line.strip()), format="{message}")
    yield lines
    logger.remove(sink)
    for name in ("builder", "datatrove"):
        logger.enable(name)


def say(*modules: str) -> None:
    for name in modules:
        exec("logger.info(__name__)", {"__name__": name, "logger": logger})


def test_what_was_off_stays_off_and_what_was_on_speaks_again(heard: list[str]) -> None:
    logger.disable("datatrove.io")
    modules = ("builder.build", "datatrove.data", "datatrove.io", "other")
    with quiet():
        say(*modules)
        with quiet():
            say(*modules)
        say(*modules)
    assert heard == ["other"] * 3
    say(*modules)
    assert heard[3:] == ["builder.build", "datatrove.data", "other"]
