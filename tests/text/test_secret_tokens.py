"""Secrets in text from the web: known shapes are found, examples and stand-ins are not."""

import random
import string

import pytest
from support.hang_guard import must_end

from builder.text.secret_tokens import find_secret

RNG = random.Random(4)


def drawn(length: int, alphabet: str = string.ascii_letters + string.digits) -> str:
    return "".join(RNG.choice(alphabet) for _ in range(length))


KEYS = {
    "AWS access key": f"AKIA{drawn(16, string.ascii_uppercase + '234567')}",
    "private key": f"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\n{drawn(64)}\n",
    "GitHub token": f"ghp_{drawn(36)}",
    "GitLab token": f"glpat-{drawn(20)}",
    "Hugging Face token": f"hf_{drawn(34)}",
    "Slack token": f"xoxb-{drawn(12, string.digits)}-{drawn(12, string.digits)}-{drawn(24)}",
    "Google API key": f"AIza{drawn(35)}",
    "Stripe key": f"sk_live_{drawn(24)}",
    "OpenAI key": f"sk-proj-{drawn(60)}",
    "Anthropic key": f"sk-ant-api03-{drawn(93)}",
    "JSON web token": f"eyJ{drawn(30)}.eyJ{drawn(60)}.{drawn(43)}",
}


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize("around", ["{}", "key={} # mine", "Use `{}`, then log in.", "a\n\n{}\nb"])
def test_key_of_a_known_shape_is_found_and_named(kind: str, around: str) -> None:
    assert find_secret(around.format(KEYS[kind])) == kind


@pytest.mark.parametrize(
    "text",
    [
        "AKIAIOSFODNN7EXAMPLE",
        "hf_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "ghp_" + "a" * 36,
        "-----BEGIN RSA PRIVATE KEY-----\n...\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN PUBLIC KEY-----\n" + "M1b" * 30,
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIn0."
        "SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c",
        "password: hunter2",
        "sk-learn is a library; sk-something-long-but-only-words",
        "d41d8cd98f00b204e9800998ecf8427e",
        "the AKIAN people",
        "",
    ],
)
def test_examples_stand_ins_and_other_strings_are_no_secrets(text: str) -> None:
    assert find_secret(text) is None


def test_every_shape_has_its_mark() -> None:
    kinds = {prefix: find_secret(f"{prefix}{'aB3dE6gH9j' * 4}") for prefix in ("ghp_", "gho_", "ghu_", "ghs_", "ghr_")}
    assert set(kinds.values()) == {"GitHub token"}
    assert find_secret(f"github_pat_{drawn(22)}_{drawn(59)}") == "GitHub token"
    assert find_secret(f"https://hooks.slack.com/services/T{drawn(9)}/B{drawn(9)}/{drawn(24)}") == "Slack token"
    assert find_secret(f"ASIA{drawn(16, string.ascii_uppercase + '234567')}") == "AWS access key"
    assert find_secret(f"rk_live_{drawn(30)}") == "Stripe key"
    assert find_secret(f"sk-{drawn(48)}") == "OpenAI key"


def test_example_does_not_hide_a_key_behind_it() -> None:
    assert find_secret(f"AKIAIOSFODNN7EXAMPLE {KEYS['AWS access key']}") == "AWS access key"


@pytest.mark.parametrize(
    "start", ["eyJ", "-----BEGIN A PRIVATE KEY-----\n", "xoxb-12345678-", "sk-proj-", "a: b\n", "ghp_"]
)
def test_no_text_takes_quadratic_time(start: str) -> None:
    with must_end():
        find_secret(start * 40_000)
        find_secret(start + "a" * 200_000)
        find_secret(start + "a-" * 100_000 + ".")
