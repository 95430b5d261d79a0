"""The audit: which measures, in which order, and what they add up to.

Read `audit.py` from top to bottom: it is the walk of the data through the audit. (The room is not called `audit`,
because `heldout.audit` is the function.)
"""

from heldout.auditing.audit import Audit, audit
from heldout.auditing.declare import declare
from heldout.auditing.predictions import audit_predictions

__all__ = ["Audit", "audit", "audit_predictions", "declare"]
