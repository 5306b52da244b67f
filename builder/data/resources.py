"""Find the folders that come with the package, in an installed wheel and in a checkout."""

from pathlib import Path

from builder.errors import BuilderError

INSTALL = {
    "vllm": "pip install 'humpback-builder[vllm]' (GPU) or '[cpu]', or set engine.kind: transformers",
    "transformers": "pip install 'humpback-builder[train]'",
    "openai": "pip install 'humpback-builder[openai]'",
}
"""How the package of each is installed."""
PACKAGE = {"vllm": "vllm", "transformers": "transformers", "openai": "httpx2"}
"""What an engine of each kind is made with."""

TEMPLATES = Path(__file__).parents[1] / "llm" / "templates"


def resource_folder(name: str) -> Path:
    """Return the folder `recipes` or `dataset_cards`.

    Raises:
        BuilderError: If the installation lacks it.
    """
    package = Path(__file__).parents[1]
    for folder in (package / "_data" / name, package.parent / name):
        if folder.is_dir():
            return folder
    raise BuilderError(
        f"{package}: the folder {name} is missing from this installation; install humpback-builder again"
    )


def template_path(name: str | Path) -> Path:
    """Where a template lies: a recipe's own file, or one that comes with the package."""
    return name if isinstance(name, Path) else TEMPLATES / f"{name}.jinja"
