"""Cards: YAML front matter written from the files, and a body whose every figure is computed."""

import re
from typing import Any
from urllib.parse import quote

import yaml

from builder.data.resources import resource_folder
from builder.errors import ReleaseError
from builder.results.release.cards.markdown import fence, prose, quoted
from builder.results.release.content.parquet import Config
from builder.results.release.content.tables import DEFAULT_CONFIG
from builder.text.escape import escape

_PLAIN = re.compile(r"[\w .,;:/@+%()=?'\"{}`–-]*")
"""Letters and marks that make neither a link nor a tag, a cell or a heading of what stands in a line."""
SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"))


def config_entries(configs: list[Config]) -> dict[str, Any]:
    """The entries of a front matter from which `datasets` loads configs as they were written."""
    return {"configs": [_files_entry(config) for config in configs], "dataset_info": _info_entries(configs)}


def size_category(rows: int) -> str:
    """The Hub's name for a number of rows."""
    return next((name for limit, name in SIZES if rows < limit), "n>10M")


def _files_entry(config: Config) -> dict[str, Any]:
    files = [{"split": split.name, "path": f"{config.name}/{split.name}-*.parquet"} for split in config.splits]
    default = {"default": True} if config.name == DEFAULT_CONFIG else {}
    return {"config_name": config.name, **default, "data_files": files}


def _info_entries(configs: list[Config]) -> list[dict[str, Any]]:
    """What `datasets` writes of each config, in its own words; of one config it would write no list."""
    from datasets.info import DatasetInfosDict  # slow to import
    from huggingface_hub import DatasetCardData

    data = DatasetCardData()
    DatasetInfosDict({config.name: _info(config) for config in configs}).to_dataset_card_data(data)
    entries = data["dataset_info"]
    return entries if isinstance(entries, list) else [entries]


def _info(config: Config) -> Any:
    from datasets import DatasetInfo, Features, SplitInfo
    from datasets.splits import SplitDict

    splits = SplitDict()
    for split in config.splits:
        splits.add(SplitInfo(split.name, num_bytes=split.memory_bytes, num_examples=split.rows))
    return DatasetInfo(
        features=Features.from_arrow_schema(config.schema),
        splits=splits,
        download_size=config.file_bytes,
        dataset_size=config.memory_bytes,
    )


def read_features(front_matter: dict[str, Any]) -> dict[str, Any]:
    """The `datasets.Features` of every config, as a card's front matter states them."""
    from datasets.info import DatasetInfosDict
    from huggingface_hub import DatasetCardData

    infos = DatasetInfosDict.from_dataset_card_data(DatasetCardData(dataset_info=front_matter["dataset_info"]))
    return {name: info.features for name, info in infos.items()}


def front_matter_text(value: dict[str, Any]) -> str:
    """A mapping as YAML, keys in their order; nothing in it is unseen."""
    text = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=110)
    if text == escape(text, "terminal"):
        return text
    return yaml.safe_dump(value, sort_keys=False, width=110)


def render_card(template: str, front_matter: dict[str, Any], values: dict[str, Any]) -> str:
    """Render a card of `dataset_cards/` under its front matter.

    Raises:
        ReleaseError: If the template asks for a value that is not there.
    """
    from jinja2 import FileSystemLoader, StrictUndefined, TemplateError
    from jinja2.sandbox import SandboxedEnvironment

    environment = SandboxedEnvironment(
        loader=FileSystemLoader(resource_folder("dataset_cards")),
        undefined=StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=inert,
    )
    environment.filters |= {"text": _text, "fence": _fence, "link": _link, "count": "{:,}".format}
    environment.filters |= {"quote": _quote, "prose": _prose}
    try:
        body = environment.get_template(template).render(**values)
    except TemplateError as error:
        raise ReleaseError(f"dataset_cards/{template}: {error.message}; correct the template") from error
    return f"---\n{front_matter_text(front_matter)}---\n\n{body.strip()}\n"


class _Shown(str):
    """What a filter has made harmless where it stands."""


def inert(value: Any) -> Any:
    """What a template puts into a card: what no filter has seen and could be markup is text, also in a code span."""
    if not isinstance(value, str) or isinstance(value, _Shown) or _PLAIN.fullmatch(value):
        return value
    return escape(value, "markdown")


def _text(value: Any) -> str:
    return _Shown(escape(value, "markdown"))


def _fence(value: str, language: str = "") -> str:
    return _Shown(fence(value, language))


def _quote(value: str, most: int | None = None) -> str:
    return _Shown(quoted(value, most))


def _prose(paragraphs: list[str]) -> str:
    return _Shown(prose(paragraphs))


def _link(address: str) -> str:
    """The target of a link: an address of the web, or else the name of a file, and never a script."""
    web = re.match(r"https?://", address, re.IGNORECASE) is not None
    return _Shown(quote(address, safe="/:?#@!$&'*+,;=%~" if web else "/"))
