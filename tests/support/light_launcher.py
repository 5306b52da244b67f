"""A launcher as `accelerate launch` and torchrun are, with ranks that need no model.

It starts each rank in a session of its own; ends all of them when one fails; and when it is asked to end, it ends them
first. Run as: python light_launcher.py RANKS -m builder.method.train.sft ARGUMENTS.
"""

import os
import signal
import subprocess
import sys
import time


def main(ranks: int, words: list[str]) -> int:
    assert words[:2] == ["-m", "builder.method.train.sft"]
    command = [sys.executable, "-m", "support.light_rank", *words[2:]]
    running = [
        subprocess.Popen(command, env=os.environ | {"RANK": str(rank)}, start_new_session=True)
        for rank in range(ranks)
    ]  # fmt: skip
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, _: _end(running, 128 + number))
    while any(rank.poll() is None for rank in running):
        if any(rank.poll() for rank in running):
            _end(running, 1)
        time.sleep(0.05)
    return int(any(rank.returncode for rank in running))


def _end(running: list["subprocess.Popen[bytes]"], code: int) -> None:
    for rank in running:
        rank.terminate()
    for rank in running:
        rank.wait()
    os._exit(code)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
