"""Keys and passwords of others in text from the web: shapes that their makers document, and nothing that is guessed.

Rows that hold one are left out: a page may show a key by mistake, and a dataset would spread it. A word beside a random
string ("password: x7f...") does not count, since most of those are examples.
"""

import re

_SHAPES = {
    "AWS access key": r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b",
    "private key": (
        r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,2}PRIVATE KEY(?: BLOCK)?-----\s{1,8}"
        r"(?:[A-Za-z-]{1,20}: [^\n]{0,200}\n){0,6}\s{0,8}[A-Za-z0-9+/=]{40}"
    ),
    "GitHub token": r"\bgh[pousr]_[A-Za-z0-9]{36,251}\b|\bgithub_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}\b",
    "GitLab token": r"\bglpat-[\w-]{20,64}(?![\w-])",
    "Hugging Face token": r"\bhf_[A-Za-z0-9]{34}\b",
    "Slack token": (
        r"\bxox[abeposr]-(?:\d{8,14}-){1,3}[A-Za-z0-9-]{16,80}|\bhooks\.slack\.com/services/T\w{8,12}/B\w{8,12}/\w{24}\b"
    ),
    "Google API key": r"\bAIza[\w-]{35}(?![\w-])",
    "Stripe key": r"\b[rs]k_live_[A-Za-z0-9]{24,247}\b",
    "OpenAI key": r"\bsk-(?:proj|svcacct|admin)-[\w-]{40,200}(?![\w-])|\bsk-[A-Za-z0-9]{48}\b",
    "Anthropic key": r"\bsk-ant-[a-z]{3,8}\d\d-[\w-]{80,120}(?![\w-])",
    "JSON web token": r"\beyJ[\w-]{10,2000}\.eyJ[\w-]{10,4000}\.[\w-]{20,1000}",
}
# Every quantifier has a bound, so that no page can make a search take quadratic time.
_SECRET = re.compile("|".join(f"(?P<k{number}>{shape})" for number, shape in enumerate(_SHAPES.values())))
_KINDS = tuple(_SHAPES)
MARKS = (
    "AKIA", "ASIA", "-----BEGIN", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "hf_", "xox",
    "hooks.slack", "AIza", "k_live_", "sk-", "eyJ",
)  # fmt: skip
"""One of them is in every secret. Looking for them takes a hundredth of the time, and few texts hold one."""
_EXAMPLE = re.compile(r"EXAMPLE|x{6}|X{6}|\*{4}|eyJzdWIiOiIxMjM0NTY3ODkwI")
"""Makers' own examples: AWS puts EXAMPLE into its keys; the token that jwt.io shows is for user 1234567890."""
_LEAST_CHARACTERS = 8
"""Keys are random; one with fewer different characters is a stand-in."""


def find_secret(text: str) -> str | None:
    """What kind of secret the first one in `text` is, or None; stand-ins and makers' examples are none."""
    if not any(mark in text for mark in MARKS):
        return None
    for secret in _SECRET.finditer(text):
        if not _EXAMPLE.search(secret.group()) and len(set(secret.group()[-30:])) >= _LEAST_CHARACTERS:
            return _KINDS[int((secret.lastgroup or "k0")[1:])]
    return None
