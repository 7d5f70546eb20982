"""`trapscope doctor`: can Trapscope run here?"""

from __future__ import annotations

import argparse

from trapscope.doctor import diagnose, is_fit, report


def examine(_arguments: argparse.Namespace) -> int:
    """0 if everything that a run needs is well, else 1."""
    diagnoses = diagnose()
    print(report(diagnoses))
    return 0 if is_fit(diagnoses) else 1
