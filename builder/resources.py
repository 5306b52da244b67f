"""Find the folders that come with the package, in an installed wheel and in a checkout."""

from pathlib import Path

from builder.errors import BuilderError


def resource_folder(name: str) -> Path:
    """Return the folder `recipes` or `dataset_cards`.

    Raises:
        BuilderError: If the installation lacks it.
    """
    package = Path(__file__).parent
    for folder in (package / "_data" / name, package.parent / name):
        if folder.is_dir():
            return folder
    raise BuilderError(
        f"{package}: the folder {name} is missing from this installation; install humpback-builder again"
    )
