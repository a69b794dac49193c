"""Reads {method: [rankings of queries]} from stdin, fuses them with ranx, and writes {method: [{id: score}]}."""

import json
import sys
import warnings

warnings.simplefilter("ignore")

from ranx import Run, fuse  # noqa: E402 - numba warns while it is imported

NAMES = {"rrf": "rrf", "combsum": "sum", "combmnz": "mnz", "borda": "bordafuse"}


def answer(method, cases):
    runs = [
        Run({f"q{n:03}": lists[place] for n, lists in enumerate(cases)})  # ranx sorts queries by name
        for place in range(len(cases[0]))
    ]
    options = {"params": {"k": 60}} if method == "rrf" else {}
    norm = "min-max" if method.startswith("comb") else None
    fused = fuse(runs=runs, norm=norm, method=NAMES[method], **options)
    return [{name: float(score) for name, score in fused.run[f"q{n:03}"].items()} for n in range(len(cases))]


given = json.load(sys.stdin)
json.dump({method: answer(method, cases) for method, cases in given.items()}, sys.stdout)
