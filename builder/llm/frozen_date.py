"""Chat templates that ask for the time are given one day for good.

transformers lets a template call `strftime_now`. Left alone, a model would be trained with one date, and asked with
another on every later day. So a macro of that name is written before the template, which hides the function from it
wherever the template is rendered: in training, at inference, on a server, and by whoever downloads the model.

Departure: the paper shows no template.
"""

import re
from datetime import UTC, date, datetime

FUNCTION = "strftime_now"
_USED = re.compile(rf"\b{FUNCTION}\b")
_MACRO = re.compile(
    rf"\{{%- macro {FUNCTION}\(format\) -%\}}\{{#- frozen: (\d{{4}}-\d\d-\d\d) -#\}}.*?\{{% endmacro %\}}\n", re.S
)
_CODES = re.compile(r"(?<!\{)%[-_0^#]?\d*[A-Za-z]")
_PER_CENT = "\ufffe"
"""Stands for `%%` until all codes are replaced."""


def reads_clock(template: str) -> bool:
    """Whether a template asks for the time, and no day was written into it."""
    return frozen_date(template) is None and _USED.search(template) is not None


def frozen_date(template: str) -> str | None:
    """The day that was written into a template, as YYYY-MM-DD."""
    macro = _MACRO.match(template)
    return macro[1] if macro else None


def freeze(template: str, day: str) -> str:
    """Write a day into a template that asks for the time; one that was written before gives way.

    Args:
        template: The chat template.
        day: As YYYY-MM-DD; the time is midnight.
    """
    own = _MACRO.sub("", template, count=1)
    midnight = datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC)
    codes = {code: _said(midnight, code) for code in sorted(set(_CODES.findall(own)))}
    if "%%" in own:
        codes = {"%%": _PER_CENT, **codes, _PER_CENT: "%"}
    texts = ", ".join(f'("{code}", "{text}")' for code, text in codes.items())
    # The line break is the one that Jinja takes away behind a block, so the rest is rendered as it was.
    return (
        f"{{%- macro {FUNCTION}(format) -%}}{{#- frozen: {day} -#}}{{%- set said = namespace(text=format) -%}}"
        f"{{%- for code, text in [{texts}] -%}}"
        f"{{%- set said.text = said.text | replace(code, text) -%}}{{%- endfor -%}}"
        f"{{{{- said.text -}}}}{{% endmacro %}}\n{own}"
    )


def _said(midnight: datetime, code: str) -> str:
    """What a code stands for; the seconds since 1970 are those of UTC, whatever the time zone of the machine."""
    return str(int(midnight.timestamp())) if code[-1] == "s" else midnight.replace(tzinfo=None).strftime(code)
