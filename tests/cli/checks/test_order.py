"""What is wrong with the recipe itself is said first, without waiting for what opens its inputs."""

import subprocess
import sys
from pathlib import Path


def test_a_mistake_in_a_key_is_told_before_the_libraries_are_loaded(tmp_path: Path) -> None:
    (tmp_path / "build.yaml").write_text("name: test\nmisspelt: 1\n")
    code = (
        "import sys\nfrom builder.cli.main import cli\n"
        "try: cli(['check', sys.argv[1]], standalone_mode=False)\n"
        "except Exception as error: print(error)\n"
        "print([name for name in ('torch', 'transformers', 'trl', 'pyarrow', 'numpy', 'builder.build') "
        "if name in sys.modules])"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "misspelt is not a key of a recipe" in said
    assert said.rstrip().endswith("[]")
