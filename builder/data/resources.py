"""Find the folders that come with the package, in an installed wheel and in a checkout."""

from pathlib import Path

from builder.errors import BuilderError, StageError

INSTALL = {
    "vllm": "pip install 'humpback-builder[vllm]' (GPU) or '[cpu]', or set engine.kind: transformers",
    "transformers": "pip install 'humpback-builder[train]'",
    "openai": "pip install 'humpback-builder[openai]'",
}
"""How the package of each is installed."""
PACKAGE = {"vllm": "vllm", "transformers": "transformers", "openai": "httpx2"}
"""What an engine of each kind is made with."""

OF_PACKAGE = "recipes/accelerate/"
"""How a launcher names the accelerate configurations of the package."""
__version__ = "0.2.0"
"""Of the package."""
TEMPLATES = Path(__file__).parents[1] / "llm" / "templates"


def resource_folder(name: str) -> Path:
    """Return the folder `recipes`, `dataset_cards` or `docs`.

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


def accelerate_file(word: str) -> str:
    """The path that a word of a launcher names: `recipes/accelerate/NAME` is the package's configuration.

    A file of that name in the folder where the command runs does not take its place: it may have come with a recipe.

    Raises:
        StageError: If the package has no such file and none lies here, or another one lies here.
    """
    if not word.startswith(OF_PACKAGE):
        return word
    here, path = Path(word), resource_folder("recipes") / word.removeprefix("recipes/")
    if not path.is_file():
        if here.exists():
            return word
        names = ", ".join(sorted(file.stem for file in path.parent.glob("*.yaml")))
        raise StageError(f"runtime.launcher: {word}: no such file; the package has {names}")
    if here.exists() and not (here.samefile(path) or _is_same(here, path)):
        raise StageError(
            f"runtime.launcher: {word} names a file of the package, and another one of that name lies here; write "
            f"./{word} if you mean that one, else run the command in another folder"
        )
    return str(path)


def _is_same(one: Path, other: Path) -> bool:
    return one.is_file() and one.stat().st_size == other.stat().st_size and one.read_bytes() == other.read_bytes()


def template_path(name: str | Path) -> Path:
    """Where a template lies: a recipe's own file, or one that comes with the package."""
    return name if isinstance(name, Path) else TEMPLATES / f"{name}.jinja"
