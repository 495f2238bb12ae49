"""The server under four times the load that it can bear: what is lost or wrong, and how long it takes.

    python benchmarks/serving.py [--seconds 60] [--model RUN]

First a few clients that ask without a pause find out what the server can do. Then requests come at four times that
rate, whether or not earlier ones are answered, each on a connection of its own. Every answer is compared with the one
to the same post when nothing else was going on.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import subprocess
import sys
import time
from base64 import b64encode
from collections import Counter
from io import BytesIO

import numpy as np
from PIL import Image

TEXTS = ("what a day", "this is terrible", "the train leaves at nine", "love it, love it, love it")
CLIENTS = 32
Answer = tuple[int, dict[str, object], float]


def make_bodies() -> list[bytes]:
    """Four posts with pictures of 600 × 800 pixels, as JPEG."""
    draw = np.random.default_rng(0)
    bodies = []
    for text in TEXTS:
        small = Image.fromarray(draw.integers(0, 255, (20, 15, 3), dtype=np.uint8))
        buffer = BytesIO()
        small.resize((600, 800), Image.Resampling.BICUBIC).save(buffer, "JPEG")
        bodies.append(json.dumps({"text": text, "image": b64encode(buffer.getvalue()).decode()}).encode())
    return bodies


async def ask(port: int, body: bytes) -> Answer:
    """Status, answer and seconds; the status 0 where the connection broke."""
    start = time.perf_counter()
    head = (
        "POST /v1/predict HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head.encode() + body)
        answer = await reader.read()
        writer.close()
        status, content = int(answer[9:12]), json.loads(answer.partition(b"\r\n\r\n")[2])
    except (OSError, ValueError):
        status, content = 0, {}
    return status, content, time.perf_counter() - start


async def capacity(port: int, bodies: list[bytes], seconds: float) -> float:
    """Answers per second to clients that ask one after the other."""
    end = time.perf_counter() + seconds

    async def client(number: int) -> int:
        count = 0
        while time.perf_counter() < end:
            status, _, _ = await ask(port, bodies[number % len(bodies)])
            count += status == 200
        return count

    return sum(await asyncio.gather(*map(client, range(CLIENTS)))) / seconds


async def flood(port: int, bodies: list[bytes], rate: float, seconds: float) -> list[tuple[int, Answer]]:
    """What becomes of requests that come ``rate`` times per second, each with the number of its post."""

    async def one(number: int) -> tuple[int, Answer]:
        return number, await ask(port, bodies[number])

    start, tasks = time.perf_counter(), []
    for index in range(int(rate * seconds)):
        await asyncio.sleep(max(0.0, start + index / rate - time.perf_counter()))
        tasks.append(asyncio.create_task(one(index % len(bodies))))
    return await asyncio.gather(*tasks)


def same(answer: dict[str, object], expected: dict[str, object]) -> bool:
    """Whether two answers agree, up to the rounding of the encoders."""
    found, wanted = answer["probabilities"], expected["probabilities"]
    assert isinstance(found, dict)
    assert isinstance(wanted, dict)
    return all(abs(found[name] - wanted[name]) < 5e-3 for name in wanted)


def resident(pid: int) -> float:
    """Memory of a process in MiB."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:  # noqa: PTH123
        match = re.search(r"VmRSS:\s+(\d+)", file.read())
    return int(match[1]) / 1024 if match else float("nan")


async def measure(port: int, pid: int, seconds: float) -> bool:
    """Print the figures; whether nothing was lost or wrong."""
    bodies = make_bodies()
    expected = [(await ask(port, body))[1] for body in bodies]
    able = await capacity(port, bodies, min(10.0, seconds))
    before = resident(pid)
    started = time.perf_counter()
    found = await flood(port, bodies, 4 * able, seconds)
    took = time.perf_counter() - started
    statuses = Counter(answer[0] for _, answer in found)
    good = [(number, answer) for number, answer in found if answer[0] == 200]
    wrong = sum(not same(answer[1], expected[number]) for number, answer in good)
    times = np.percentile([answer[2] for _, answer in good], (50, 99)) if good else (0, 0)
    lost = len(found) - statuses[200] - statuses[429]
    print(f"able to answer {able:.0f} posts/s; asked {len(found) / seconds:.0f} posts/s for {seconds:g} s")
    print(
        f"answers by status {dict(statuses)}; {statuses[200] / took:.0f} accepted/s; {lost} lost, {wrong} wrong"
    )
    print(f"accepted requests: median {times[0]:.2f} s, p99 {times[1]:.2f} s")
    print(f"memory of the server {before:.0f} MiB before, {resident(pid):.0f} MiB after")
    return lost == wrong == 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--model", default=None)
    options = parser.parse_args()
    model = [] if options.model is None else ["--model", options.model]
    words = ["serve", "--port", "0", "--engine", options.engine, *model]
    command = [sys.executable, "-c", "from sentipair.cli import main; main()", *words]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        found = re.search(r"http://127\.0\.0\.1:(\d+)", server.stderr.readline())
        assert found, "the server did not start"
        try:
            fine = asyncio.run(measure(int(found[1]), server.pid, options.seconds))
        finally:
            server.terminate()
    raise SystemExit(0 if fine else 1)


if __name__ == "__main__":
    main()
