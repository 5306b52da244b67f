"""Names and codes that the Hub takes, known without asking it.

The rules for repositories are those of huggingface_hub's `validate_repo_id`, which is not imported here: it takes
longer than the whole recipe.
"""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

MOST_CHARACTERS = 96
"""What a name may have, with its owner for one that is to be made."""
_PART = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?")
_LANGUAGE = re.compile(r"(?:[a-z]{2,3}|code|multilingual)(?:-[A-Za-z0-9]{1,8})*")


def name_problem(name: str) -> str | None:
    """Why the Hub has no repository of this name, and what to write; None for a name that it may have."""
    parts = name.split("/")
    if len(parts) > 2 or not all(parts):
        return "is no name of a repository; write it as owner/name"
    for part in parts:
        if not _PART.fullmatch(part):
            return (
                "is no name that the Hub takes: owner and name consist of letters without accents, digits, -, _ and ., "
                "and neither begin nor end with - or ."
            )
        if len(part) > MOST_CHARACTERS:
            return f"has {len(part)} characters in a row; the Hub takes names of at most {MOST_CHARACTERS}"
    if found := next((twice for twice in ("--", "..") if twice in name), None):
        return f"has {found}, which the Hub takes in no name; write one of the two"
    return "ends in .git, which the Hub takes in no name; leave that out" if name.endswith(".git") else None


def new_name_problem(name: str) -> str | None:
    """The same for a repository that is to be made."""
    if problem := name_problem(name):
        return problem
    if "/" not in name:
        return "has no owner; write it as owner/name, the owner being a user or an organisation"
    if len(name) > MOST_CHARACTERS:
        return f"has {len(name)} characters; the Hub takes at most {MOST_CHARACTERS}, choose a shorter one"
    return None


def _to_be_made(name: str) -> str:
    if problem := new_name_problem(name):
        raise ValueError(f"is {name!r}; it {problem}")
    return name


def _codes(value: object) -> object:
    codes: list[Any] = value if isinstance(value, list) else [value]
    if not codes:
        raise ValueError("is an empty list; name a language, such as en")
    for code in codes:
        if code is False:
            raise ValueError("is read as false; write the code of Norwegian in quotes, 'no'")
        if not isinstance(code, str) or not _LANGUAGE.fullmatch(code):
            raise ValueError(f"has {code!r}, which is no code of a language; write one such as en, or a list: [en, zh]")
    if len(set(codes)) < len(codes):
        raise ValueError(f"names a language twice: {', '.join(codes)}")
    return value


NewRepository = Annotated[str, AfterValidator(_to_be_made), Field(json_schema_extra={"pattern": "^[^/]+/[^/]+$"})]
"""The name of a repository that a release makes on the Hub."""
Languages = Annotated[str | list[str], BeforeValidator(_codes, json_schema_input_type=str | list[str])]
"""A code of a language, or several; the Hub takes ISO 639 with what BCP 47 puts behind it."""
