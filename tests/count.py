"""Add up the JUnit reports of a run and close with one line: `N passed, N failed, N skipped`."""

import sys
from pathlib import Path
from xml.etree import ElementTree


def main(directory: Path) -> int:
    """Print a line a report and the sum; fails where a report shows a failure or nothing ran."""
    total = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
    for report in sorted(directory.glob("*.xml")):
        suites = ElementTree.parse(report).getroot().iter("testsuite")
        counts = dict.fromkeys(total, 0)
        for suite in suites:
            for key in total:
                counts[key] += int(suite.get(key, "0"))
        sys.stdout.write(f"{report.stem}: {counts['tests']} tests\n")
        total = {key: total[key] + counts[key] for key in total}
    failed = total["failures"] + total["errors"]
    passed = total["tests"] - failed - total["skipped"]
    sys.stdout.write(f"{passed} passed, {failed} failed, {total['skipped']} skipped\n")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
