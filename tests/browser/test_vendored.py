"""What the fleet page carries of others is what npm has, and the page makes nothing of text but text."""

import base64
import hashlib
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "monitoring" / "fleet"
VENDORED = json.loads((PAGE / "vendor" / "versions.json").read_text())
LOCK = json.loads((Path(__file__).parent / "package-lock.json").read_text())["packages"]
OWN = sorted(path for path in PAGE.rglob("*") if path.is_file() and "vendor" not in path.parts)
LONGEST = 400


@pytest.mark.parametrize("name", VENDORED)
def test_vendored_files_are_those_of_the_locked_package(name: str, browser_modules: Path) -> None:
    told = VENDORED[name]
    package = json.loads((browser_modules / name / "package.json").read_text())
    locked = LOCK[f"node_modules/{name}"]
    assert (package["version"], package["license"]) == (told["version"], told["licence"])
    assert (locked["version"], locked["integrity"]) == (told["version"], told["integrity"])
    assert len(base64.b64decode(told["integrity"].partition("-")[2])) == hashlib.sha512().digest_size
    here = PAGE / "vendor" / name
    assert {path.name for path in here.iterdir()} == set(told["files"])
    for file, digest in told["files"].items():
        (original,) = [it for it in (browser_modules / name).rglob(file) if it.is_file()]
        assert (here / file).read_bytes() == original.read_bytes()
        assert hashlib.sha256(original.read_bytes()).hexdigest() == digest


def test_every_vendored_directory_is_accounted_for() -> None:
    assert {path.name for path in (PAGE / "vendor").iterdir() if path.is_dir()} == set(VENDORED)


def test_page_makes_no_markup_of_text_and_carries_no_inline_code() -> None:
    # The name of SVG's namespace is the one address that a script may hold.
    forbidden = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function"
        r"|https?://(?!www\.w3\.org/2000/svg')"
    )
    wrong = {path.name for path in OWN if path.suffix == ".js" and forbidden.search(strip_comments(path.read_text()))}
    assert wrong == set()
    page = (PAGE / "index.html").read_text()
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)", page)


def strip_comments(text: str) -> str:
    return re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)


def test_modules_of_the_page_stay_short() -> None:
    lengths = {path.name: len(path.read_text().splitlines()) for path in OWN}
    assert {name: number for name, number in lengths.items() if number > LONGEST} == {}
