"""What a data set is made of and what is wrong with it, found before any number is reported on it."""

from __future__ import annotations

from sentipair.data.audit.agreement import Agreement
from sentipair.data.audit.audit import audit
from sentipair.data.audit.balance import SplitBalance
from sentipair.data.audit.render import render
from sentipair.data.audit.repeats import Contamination, Duplicates
from sentipair.data.audit.report import AuditReport

__all__ = ["Agreement", "AuditReport", "Contamination", "Duplicates", "SplitBalance", "audit", "render"]
