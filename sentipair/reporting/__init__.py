"""Reports of a run: figures and one self-contained HTML page."""

from __future__ import annotations

from sentipair.reporting.report import write_report

__all__ = ["write_report"]
