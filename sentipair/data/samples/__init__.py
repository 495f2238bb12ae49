"""Sample data of our own, to try things out and to calibrate them: the best accuracies are known."""

from __future__ import annotations

from sentipair.data.samples.design import Task, ceilings, joint
from sentipair.data.samples.writer import generate

__all__ = ["Task", "ceilings", "generate", "joint"]
