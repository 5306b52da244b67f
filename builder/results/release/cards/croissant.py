"""`croissant.json`: the dataset described for machines, in Croissant 1.1 with its responsible-AI fields (MLCommons).

Every figure is that of the stages and files, as in the card.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.data.storage import dump_json, write_text
from builder.results.release.cards import method
from builder.results.release.content.material import Material
from builder.results.release.content.numbers import domains, funnel, masked, refusals
from builder.results.release.content.parquet import Config
from builder.results.release.content.provenance import generator, judges
from builder.results.release.facts.citation import bibtex
from builder.results.release.manifest import sha256

if TYPE_CHECKING:
    import pyarrow as pa

CROISSANT = "croissant.json"
CONTEXT: dict[str, Any] = {
    "@language": "en", "@vocab": "https://schema.org/", "arrayShape": "cr:arrayShape", "citeAs": "cr:citeAs",
    "column": "cr:column", "conformsTo": "dct:conformsTo", "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/", "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"}, "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/", "description": {"@container": "@language"},
    "equivalentProperty": "cr:equivalentProperty", "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract", "field": "cr:field", "fileProperty": "cr:fileProperty", "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet", "format": "cr:format", "includes": "cr:includes", "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset", "jsonPath": "cr:jsonPath", "key": "cr:key", "md5": "cr:md5",
    "name": {"@container": "@language"}, "parentField": "cr:parentField", "path": "cr:path",
    "recordSet": "cr:recordSet", "references": "cr:references", "regex": "cr:regex", "repeated": "cr:repeated",
    "replace": "cr:replace", "samplingRate": "cr:samplingRate", "sc": "https://schema.org/",
    "separator": "cr:separator", "source": "cr:source", "subField": "cr:subField", "transform": "cr:transform",
}  # fmt: skip
"""The names that the specification asks for."""
CONFORMS = ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"]
_PAPER = "Li et al., Self-Alignment with Instruction Backtranslation, https://arxiv.org/abs/2308.06259"
_TYPES = {"string": "sc:Text", "double": "sc:Float", "bool": "sc:Boolean"}


def write_croissant(dataset: Path, material: Material, configs: list[Config]) -> None:
    """Write the description of a dataset folder whose rows are there."""
    release = material.recipe.release
    place = f"https://huggingface.co/datasets/{release.dataset}" if release.dataset else None
    value = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS,
        "name": release.title,
        "description": (
            "Instruction-tuning data made by instruction backtranslation: outputs are text from HTML pages, a model "
            "wrote their instructions, and pairs of them were selected."
        ),
        "license": release.license_link or release.license,
        "version": material.version,
        "citeAs": bibtex(material),
        "inLanguage": material.languages,
        "keywords": ["instruction tuning", "instruction backtranslation", "synthetic"],
        "isBasedOn": _PAPER,
        **({"url": place} if place else {}),
        **({"datePublished": material.date} if material.date else {}),
        **({"identifier": f"https://doi.org/{release.doi}"} if release.doi else {}),
        **({"creator": [{"@type": "sc:Person", "name": name} for name in release.authors]} if release.authors else {}),
        **_responsible(material),
        "distribution": [item for config in configs for item in _distribution(dataset, config)],
        "recordSet": [_record_set(config) for config in configs],
    }
    # Sites put it into a page as it is, in a <script>, where a title could end that.
    write_text(dataset / CROISSANT, dump_json(value).replace("<", "\\u003c") + "\n")


def _distribution(dataset: Path, config: Config) -> list[dict[str, Any]]:
    """Every file with its digest, and the files of a config as one set, which the record set reads.

    The set names no container: mlcroissant 1.1.1 reads one that is contained in several files as empty.
    """
    files = [
        {
            "@type": "cr:FileObject",
            "@id": file.relative_to(dataset).as_posix(),
            "name": file.name,
            "contentUrl": file.relative_to(dataset).as_posix(),
            "contentSize": f"{file.stat().st_size} B",
            "encodingFormat": "application/x-parquet",
            "sha256": sha256(file),
        }
        for split in config.splits
        for file in split.files
    ]
    together = {
        "@type": "cr:FileSet",
        "@id": config.name,
        "name": config.name,
        "encodingFormat": "application/x-parquet",
        "includes": f"{config.name}/*.parquet",
    }
    return [*files, together]


def _record_set(config: Config) -> dict[str, Any]:
    splits = ", ".join(f"{split.name} {split.rows:,}" for split in config.splits)
    return {
        "@type": "cr:RecordSet",
        "@id": f"{config.name}-rows",
        "name": f"{config.name}-rows",
        "description": f"Config {config.name}; rows by split: {splits}.",
        "key": {"@id": f"{config.name}-rows/id"},
        "field": [_field(config, column) for column in config.schema],
    }


def _field(config: Config, column: "pa.Field") -> dict[str, Any]:
    import pyarrow as pa

    own = {"@type": "cr:Field", "@id": f"{config.name}-rows/{column.name}", "name": column.name}
    source = {"fileSet": {"@id": config.name}, "extract": {"column": column.name}}
    if not pa.types.is_list(column.type):
        return {**own, "dataType": _type(column.type), "source": source}
    own |= {"isArray": True, "arrayShape": "-1"}
    inner = column.type.value_type
    if not pa.types.is_struct(inner):
        return {**own, "dataType": _type(inner), "source": source}
    parts = [
        {
            "@type": "cr:Field",
            "@id": f"{own['@id']}/{part.name}",
            "name": part.name,
            "dataType": _type(part.type),
            "source": {**source, "transform": {"jsonPath": part.name}},
        }
        for part in inner
    ]
    return {**own, "subField": parts}


def _type(kind: "pa.DataType") -> str:
    return _TYPES.get(str(kind), "sc:Integer")


def _responsible(material: Material) -> dict[str, Any]:
    """The fields of the responsible-AI vocabulary, as the card says them."""
    recipe, hidden = material.recipe, masked(material)
    steps = [
        f"{entry['stage']}: {entry['kept']:,} of {entry['in']:,} {entry['kind']} kept"
        + (
            f"; left out: {', '.join(f'{why} {rows:,}' for why, rows in entry['left_out'])}"
            if entry["left_out"]
            else ""
        )
        for entry in funnel(material)
    ]
    said, unchecked = refusals(material), method.unchecked(recipe.release.labels is not None)
    models = {author["model"] for entry in judges(material.build).values() for author in entry["models"]}
    times = f"{hidden['emails']:,} and {hidden['ips']:,} times in the segments"
    masked_by = f"E-mail and public IP addresses were replaced: {times}."
    masking = masked_by if recipe.segments.mask_pii else "Nothing was masked."
    return {
        "rai:dataCollection": "Text under the headings of HTML pages, and human-written seed pairs.",
        "rai:dataCollectionType": _collected(material),
        "rai:dataCollectionRawData": (
            "The pages are not part of this dataset"
            + (", and no text of them is here." if recipe.release.text == "standoff" else "; rows name theirs by id.")
        ),
        "rai:dataPreprocessingProtocol": steps,
        "rai:dataAnnotationProtocol": [
            f"Instructions were written by {generator(material.build)}. {unchecked}",
            *([f"Pairs were scored by {', '.join(sorted(models))}."] if models else []),
            method.selecting(material),
        ],
        "rai:machineAnnotationTools": sorted({str(generator(material.build)), *models}),
        "rai:annotationsPerItem": f"one instruction, {len(material.scores)} scores",
        "rai:dataBiases": [
            f"Texts are as biased as their pages. {method.origin(domains(material))}",
            f"Languages: {', '.join(material.languages)}.",
        ],
        "rai:dataLimitations": [
            unchecked,
            *filter(None, [method.limit_of_scores(recipe.curate)]),
            *(f"The build warned in {notice.stage}: {notice.text}" for notice in material.notices),
            f"{said['seed']['refusals']:,} of {said['seed']['rows']:,} seed outputs begin as refusals, and "
            f"{said['curated']['refusals']:,} of {said['curated']['rows']:,} selected from pages.",
        ],
        "rai:dataUseCases": ["Supervised fine-tuning of language models", "Research on data selection"],
        "rai:dataSocialImpact": "No page was judged for harmful or hateful content.",
        "rai:personalSensitiveInformation": [
            masking,
            *(["Names, postal addresses and telephone numbers were not masked."] if recipe.segments.mask_pii else []),
            "Segments and instructions with a key or password of a known shape were left out.",
        ],
        "rai:dataReleaseMaintenancePlan": (
            "Versions are semantic and never change; rows are taken down on request by a new version"
            + (f" ({recipe.release.contact})." if recipe.release.contact else ".")
        ),
    }


def _collected(material: Material) -> list[str]:
    """How the data was collected, in the words of the vocabulary; nobody knows where a folder of pages is from."""
    formats = {source.format for source in material.recipe.segments.sources}
    own = {"warc": "Web scraping", "html": "Document analysis"}
    return [*(word for form, word in own.items() if form in formats), "Secondary data analysis", "Software collection"]
