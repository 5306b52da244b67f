"""Build an instruction-tuning dataset from a web crawl by instruction backtranslation (arXiv 2308.06259)."""

from typing import TYPE_CHECKING

from builder.data.resources import __version__

__all__ = ["Workspace", "__version__", "load_recipe", "open_build", "run_build"]

if TYPE_CHECKING:
    from builder.build import run_build
    from builder.cli.looking.notebook import open_build
    from builder.recipe.recipe import load_recipe
    from builder.workspace.workspace import Workspace


def __getattr__(name: str) -> object:
    """Import the public functions on first use, so that `import builder` costs nothing."""
    if name == "load_recipe":
        from builder.recipe.recipe import load_recipe

        return load_recipe
    if name == "open_build":
        from builder.cli.looking.notebook import open_build

        return open_build
    if name == "run_build":
        from builder.build import run_build

        return run_build
    if name == "Workspace":
        from builder.workspace.workspace import Workspace

        return Workspace
    raise AttributeError(f"module 'builder' has no attribute {name!r}")
