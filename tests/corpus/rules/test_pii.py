import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.hang_guard import must_end

from builder.method.corpus.rules.pii import EMAIL, IPV4, IPV6, mask


@pytest.mark.parametrize(
    ("text", "masked", "emails", "ips"),
    [
        ("Write to jane.doe+x@mail.corp.co.uk.", f"Write to {EMAIL}.", 1, 0),
        ("(a@b.de) or MAILTO:x_y@z.org", f"({EMAIL}) or MAILTO:{EMAIL}", 2, 0),
        ("from 203.0.113.77 via 93.184.216.34:8080", f"from 203.0.113.77 via {IPV4}:8080", 0, 1),
        ("http://93.184.216.34/x and 93.184.216.34.", f"http://{IPV4}/x and {IPV4}.", 0, 2),
        ("at 2606:2800:220:1:248:1893:25c8:1946", f"at {IPV6}", 0, 1),
    ],
)
def test_addresses_become_fixed_stand_ins(text: str, masked: str, emails: int, ips: int) -> None:
    assert mask(text) == (masked, emails, ips)
    assert mask(masked) == (masked, 0, 0)


@pytest.mark.parametrize(
    "text",
    [
        "git clone git@github.com:owner/name.git",
        "see Section 9.7.3.2 and version 24.2.2.4",
        "10.200.100.101, 192.168.100.200 and 127.100.100.100 are private",
        "OID 1.3.6.1.4.1.311.100.200",
        "999.999.999.999",
        "at 12:30:45, std::vector, Dead::Beef, 2001:db8::1",
        "medium.com/@some.name wrote; pkg@1.2.3; user@localhost",
        f"{EMAIL} and someone@example.org",
    ],
)
def test_what_only_looks_like_an_address_stays(text: str) -> None:
    assert mask(text) == (text, 0, 0)


_pieces = st.sampled_from(["a", "@", ".", "com", "8", "93.184.216.34", "x@y.org", ":", "2606:2800::1", " ", "-", "git"])


@given(st.lists(_pieces, max_size=20).map("".join))
def test_masking_twice_changes_nothing_more(text: str) -> None:
    masked = mask(text)
    assert mask(masked.text) == (masked.text, 0, 0)
    assert (masked.emails + masked.ips == 0) == (masked.text == text)


def test_a_hostile_text_takes_no_quadratic_time() -> None:
    with must_end():
        mask("a-" * 500_000 + "@" + "1.1." * 200_000 + "2001:" * 100_000)
