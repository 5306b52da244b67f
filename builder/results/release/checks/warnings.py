"""What the build warned of stands in the card, and somebody has accepted what was grave."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from builder.results.release.facts.warnings import OPTION
from builder.results.release.manifest import MANIFEST
from builder.results.release.outside import outside_json, outside_text
from builder.text.escape import escape


def check_warnings(dataset: Path) -> Iterator[str]:
    """No warning is left out of the card, and none that is grave was released without a word."""
    card, manifest = outside_text(dataset, "README.md"), outside_json(dataset, MANIFEST)
    for warning in _warnings(manifest):
        text = str(warning["text"])
        if escape(text, "markdown") not in card:
            yield f"README.md: lacks a warning of stage {warning['stage']}, which {MANIFEST} has; release it again"
        if warning["grave"] and text not in manifest.get("accepted", []):
            yield (
                f"{MANIFEST}: nobody has accepted the warning of stage {warning['stage']}, which is grave; mend the "
                f"build, or release it again with {OPTION}"
            )


def noted_warnings(dataset: Path) -> Iterator[str]:
    """The warnings of the build, for whoever publishes it."""
    for warning in _warnings(outside_json(dataset, MANIFEST)):
        grave = " (grave, accepted)" if warning["grave"] else ""
        yield f"{MANIFEST}: the build warned in {warning['stage']}: {warning['text']}{grave}"


def _warnings(manifest: Any) -> list[dict[str, Any]]:
    """Those of the manifest; a release of an earlier version of the tool states none."""
    return list(manifest.get("warnings", []))
