import socket
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.method.corpus.reading.readers import Loss, Page
from builder.method.corpus.rules.urls import BlockUrls, load_lists, why_blocked
from builder.text.domains import registered_domain


@pytest.mark.parametrize(
    ("url", "domain"),
    [
        ("https://www.a.example.co.uk/x", "example.co.uk"),
        ("http://Example.com:8080/", "example.com"),
        ("https://jane.blogspot.com/post", "jane.blogspot.com"),
        ("http://192.0.2.1/x", "192.0.2.1"),
        ("https://localhost/x", "localhost"),
        ("", ""),
    ],
)
def test_the_registered_domain_is_found_without_a_network(
    url: str, domain: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: pytest.fail("asked for the network"))
    assert registered_domain(url) == domain


@given(st.text(max_size=40) | st.text(max_size=20).map(lambda text: f"http://{text}"))
def test_any_text_may_stand_for_an_address(url: str) -> None:
    assert isinstance(registered_domain(url), str)
    why_blocked(url)


def test_the_lists_block_what_they_name() -> None:
    listed = next(iter(sorted(load_lists().urls)))
    assert why_blocked(listed) is not None
    word = min(load_lists().words)
    assert why_blocked(f"https://docs.python.org/{word}/3") == "url_word"
    first, second = sorted(load_lists().soft_words)[:2]
    assert why_blocked(f"https://docs.python.org/{first}-{second}") in ("url_soft_words", "url_subword")
    for url in ("https://docs.python.org/3/library", "https://en.wikipedia.org/wiki/River"):
        assert why_blocked(url) is None


def test_a_domain_is_blocked_with_all_below_it(monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np
    from xxhash import xxh3_64_intdigest

    keys = np.sort(np.array([xxh3_64_intdigest(name) for name in ("bad.example", "other.example")], dtype=np.uint64))
    none: frozenset[str] = frozenset()
    lists = replace(load_lists(), domains=keys, urls=none, words=none, soft_words=none)
    monkeypatch.setattr("builder.method.corpus.rules.urls.load_lists", lambda: lists)
    assert why_blocked("https://deep.www.bad.example/x") == "url_domain"
    assert why_blocked("https://notbad.example/x") is None


def test_blocked_pages_become_losses_with_a_reason() -> None:
    pages = [
        Page("p0", "https://docs.python.org/3", "<h1>", "f", 0, "", ""),
        Page("p1", f"https://x.org/{min(load_lists().words)}", "<h1>", "f", 0, "", ""),
        Loss("records", "p2", "not_response"),
    ]
    assert list(BlockUrls()(pages, 0, 1)) == [pages[0], Loss("pages", "p1", "url_word"), pages[2]]
