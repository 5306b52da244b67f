"""Addresses of pages: what is none leaves no machine, and a file below an address has one."""

import pytest

from builder.data.page_address import address_below, base_address, web_address


@pytest.mark.parametrize(
    "url", ["https://example.org/a?b=c#d", "http://1.2.3.4:80/", "HTTPS://Example.org", "http://é.example/"]
)
def test_addresses_of_the_web_stay_as_they_are(url: str) -> None:
    assert web_address(url) == url


@pytest.mark.parametrize(
    "url",
    [
        None, "", "file:///home/jane/pages/a.html", "file:a.html", "FILE:///C:/a.html", "/srv/pages/a.html", "a.html",
        "C:\\pages\\a.html", "about:blank", "http://localhost:8000/a", "http://127.0.0.1/a", "http://[::1]/", "https:///a",
        "http://[", "data:text/html,x",
    ],
)  # fmt: skip
def test_what_no_reader_elsewhere_can_follow_is_none(url: str | None) -> None:
    assert web_address(url) is None


def test_a_file_stands_below_the_address_of_its_folder() -> None:
    base = base_address("https://example.org/docs")
    assert address_below(base, "a/b c?d.html") == "https://example.org/docs/a/b%20c%3Fd.html"
    assert address_below(base_address("https://example.org/"), "é.html") == "https://example.org/%C3%A9.html"


@pytest.mark.parametrize(
    "address", ["docs/", "file:///docs/", "https://me:secret@example.org/", "https://example.org/?q"]
)
def test_a_base_that_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match=r"no address of the web|a login, a query"):
        base_address(address)
