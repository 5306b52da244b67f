"""The command line in this process: all that a command does but the start of Python, with its libraries loaded once."""

import os
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import BytesIO, TextIOWrapper
from pathlib import Path
from unittest.mock import patch

from builder.cli.main import main


def command_here(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command, and give its exit code and what it has written, as `subprocess.run` does.

    Stages still run in processes of their own.

    Args:
        arguments: Of the command line.
        cwd: The folder to run it in, if another than this process's.
    """
    words, written = ["humpback", *map(str, arguments)], (BytesIO(), BytesIO())
    out, err = (TextIOWrapper(stream, encoding="utf-8", write_through=True) for stream in written)
    code: object = None
    with chdir(cwd or os.curdir), patch.object(sys, "argv", words), redirect_stdout(out), redirect_stderr(err):
        try:
            main()
        except SystemExit as end:
            code = end.code
    return subprocess.CompletedProcess(words, int(code or 0), *(stream.getvalue().decode() for stream in written))
