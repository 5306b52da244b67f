"""Ask Chromium how it decodes every label of the Encoding Standard; the tests compare with what is written here.

Usage: python scripts/pin_encodings.py
Reads the labels from tests/encodings_in_chromium.json and writes that file anew. Needs Chromium and `playwright`.
"""

import hashlib
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PINS = ROOT / "tests" / "encodings_in_chromium.json"


def digest(text: str) -> str:
    """What stands for a decoded text in the pins."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def main() -> int:
    """Write the pins."""
    sys.path.insert(0, str(ROOT / "tests"))
    from support.browser import chromium, text_decoder
    from support.encoding_samples import sample

    known = json.loads(PINS.read_text(encoding="utf-8"))
    labels, digests = {}, {}
    with chromium() as tab:
        for label in known["labels"]:
            found = text_decoder(tab, label, b"")
            labels[label] = found[0] if found else "replacement"  # it has no decoder
        for encoding in sorted(set(labels.values()) - {"replacement"}):
            found = text_decoder(tab, encoding, sample(encoding))
            if found:
                digests[encoding] = digest(found[1])
        browser = tab.context.browser
        version = browser.version if browser else ""
    pins = {"chromium": version, "labels": dict(sorted(labels.items())), "samples": digests}
    PINS.write_text(json.dumps(pins, indent=1) + "\n", encoding="utf-8")
    print(f"{PINS}: {len(labels)} labels, {len(digests)} encodings, Chromium {version}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
