"""Start the extraction again and again and kill it at random moments: kill.py STORE KILLS; prints what was found."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import numbered


def main(root: Path, kills: int) -> None:
    moments = random.Random(0)
    killed, half_written, finished, longest = 0, 0, [0], 0.03
    while killed < kills:
        child = os.fork()
        if child == 0:
            numbered.extract(root)
            os._exit(0)
        time.sleep(moments.uniform(0.005, longest))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            break
        killed += 1
        half_written += bool(list(root.glob("*/.*.tmp")))
        finished.append(numbered.finished(root))
        if finished[-1] == finished[-2]:  # a slow disk: give the next one more time
            longest *= 1.2
    encoded = numbered.extract(root)
    print(
        json.dumps({"killed": killed, "half_written": half_written, "finished": finished, "encoded": encoded})
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
