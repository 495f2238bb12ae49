"""Loading says nothing, and restores what it silenced."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from transformers.utils import logging

from sentipair.encoders.loading import load_config, network_without_weights, quiet

SCRIPT = """
import sys, warnings
warnings.simplefilter("error")
import numpy as np
from sentipair.encoders import ImageEncoder, TextEncoder, choose_engine
text = TextEncoder(sys.argv[1], last=2, engine=choose_engine())
assert text.count_tokens("a day " * 5000) > 10_000
text.encode(["love the sea", "a day " * 5000])
image = ImageEncoder(sys.argv[2], engine=choose_engine())
assert image.shape == (49, 16)
image.encode([np.zeros((224, 224, 3), np.uint8)])
"""


def test_nothing_is_printed_from_loading_to_encoding(bert: Path, vision: object) -> None:
    """In a process of its own, where transformers' once-only lines have not been said yet."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(bert), str(vision("resnet"))],  # type: ignore[operator]
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_quiet_restores_the_callers_settings() -> None:
    before = logging.get_verbosity(), logging.is_progress_bar_enabled()
    with suppress(ZeroDivisionError), quiet():
        assert not logging.is_progress_bar_enabled()
        raise ZeroDivisionError
    assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == before


def test_a_network_without_weights_takes_no_memory(bert: Path) -> None:
    network = network_without_weights(load_config(bert))
    assert {parameter.device.type for parameter in network.parameters()} == {"meta"}
