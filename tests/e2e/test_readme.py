"""The README's first screen, typed by a newcomer: its call, and that it prints what the page says."""

import json
import os
import re
import subprocess

import pytest

from tests.fleet import ROOT, Fleet

pytestmark = pytest.mark.e2e


def test_first_call_prints_what_the_readme_says(fleet: Fleet) -> None:
    page = (ROOT / "README.md").read_text()
    shown = re.search(r"<!-- first call -->\n```bash\n(.*?)```\n\n```json\n(.*?)```", page, re.DOTALL)
    assert shown
    lookup, _, call = shown[1].partition("\n")
    assert lookup.startswith("HOST=") and "--cacert ~/.cache/a2a-mcp/local.crt" in call
    call = call.replace("~/.cache/a2a-mcp/local.crt", str(fleet.ca))
    environ = os.environ | {"HOST": fleet.address, "KEY": fleet.key}
    done = subprocess.run(["bash", "-c", call], env=environ, capture_output=True, text=True, timeout=60, check=True)
    answer, promised = json.loads(done.stdout), json.loads(shown[2])
    assert answer.pop("similarity") == pytest.approx(promised.pop("similarity"), abs=1e-6)
    assert answer == promised
