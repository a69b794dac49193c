"""What became of a customer file, in words and as a page of Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HEADING_ROWS = 2
"""Row 0 of the data is line 2 of the file."""


@dataclass(frozen=True)
class Finding:
    """A value that a person should look at."""

    row: int
    field: str
    given: Any
    reason: str


@dataclass
class Outcome:
    """All that is worth telling."""

    file: Path
    columns: dict[str, str]
    rows: int
    findings: list[Finding] = field(default_factory=list)
    duplicates: list[tuple[int, list[int], str]] = field(default_factory=list)
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)

    def summary(self) -> str:
        """The same in three lines."""
        removed = sum(len(others) for _, others, _ in self.duplicates)
        return (
            f"{self.rows} rows read, {self.rows - removed} customers left after {removed} duplicates went.\n"
            f"{len(self.findings)} values in {len({f.row for f in self.findings})} rows need a person.\n"
            f"Quality {self.before['overall_score']:.3f} ({self.before['quality_level']}) before, "
            f"{self.after['overall_score']:.3f} ({self.after['quality_level']}) after."
        )


def write_report(path: Path, outcome: Outcome) -> None:
    """The report as Markdown."""
    lines = [f"# What became of {outcome.file.name}", "", outcome.summary().replace("\n", "  \n"), ""]
    lines += ["## Quality", "", *_table(("Dimension", "Before", "After"), _scores(outcome)), ""]
    found = sorted(outcome.findings, key=lambda f: (f.row, f.field))
    decide = [(str(f.row + HEADING_ROWS), f.field, str(f.given), f.reason) for f in found]
    lines += ["## To be decided by a person", ""]
    lines += ["A field whose value could not be read is empty in the clean file.", ""]
    lines += [*_table(("Line", "Field", "As given", "Why"), decide), ""]
    same = [
        (name, str(kept + HEADING_ROWS), ", ".join(str(row + HEADING_ROWS) for row in others))
        for kept, others, name in outcome.duplicates
    ]
    lines += ["## Duplicates", "", *_table(("Customer", "Line kept", "Lines merged into it"), same), ""]
    lines += ["## Columns", "", *_table(("In the file", "Taken as"), list(outcome.columns.items()))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _scores(outcome: Outcome) -> list[tuple[str, ...]]:
    pairs = [(name, outcome.before["dimension_scores"][name], after) for name, after in _dimensions(outcome.after)]
    counted = [(name, _share(before), _share(after)) for name, before, after in pairs]
    return [*counted, ("overall", f"{outcome.before['overall_score']:.3f}", f"{outcome.after['overall_score']:.3f}")]


def _dimensions(assessment: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(name, score) for name, score in assessment["dimension_scores"].items() if score["assessed"]]


def _share(score: dict[str, Any]) -> str:
    return f"{score['score']:.3f} ({score['numerator']:g} of {score['denominator']:g})"


def _table(heading: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    cells = [heading, tuple("---" for _ in heading), *(tuple(c.replace("|", "\\|") for c in row) for row in rows)]
    return [f"| {' | '.join(row)} |" for row in cells]
