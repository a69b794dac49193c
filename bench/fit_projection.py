"""Fit the 512 → 256 projection of the embedder and write it beside the encoder.

`python bench/fit_projection.py` embeds short texts that any Debian host has (WordNet glosses, the German,
Spanish, French and Italian messages of installed programs), takes the 256 leading eigenvectors of their
second-moment matrix and stores them as float16. No text is kept. The graded pairs of the tests take no part.
"""

from __future__ import annotations

import gettext
import json
import random
import re
from pathlib import Path

import numpy as np

from app.a2a.mcp.domain.embedding import open_embedder

WORDNET = Path("/usr/share/wordnet")
LOCALES = Path("/usr/share/locale")
TARGET = Path("app/a2a/mcp/domain/embedding/projection_256.npy")
SIZE = 256
EACH = 8000


def glosses() -> list[str]:
    """English definitions and example sentences."""
    texts: list[str] = []
    for part in ("noun", "verb", "adj", "adv"):
        for line in (WORDNET / f"data.{part}").read_text(encoding="utf-8").splitlines():
            _, mark, gloss = line.partition(" | ")
            if mark:
                texts += [piece.strip(' "') for piece in re.split(r"; ", gloss)]
    return texts


def messages(language: str) -> list[str]:
    """Translated program messages of one language, format marks taken out."""
    texts: list[str] = []
    for path in sorted((LOCALES / language / "LC_MESSAGES").glob("*.mo")):
        try:
            with path.open("rb") as file:
                catalog = gettext.GNUTranslations(file)._catalog
        except UnicodeDecodeError:
            continue
        texts += [re.sub(r"[%\\]\S+|[_&]", " ", text) for text in catalog.values() if isinstance(text, str)]
    return texts


def sample(texts: list[str], count: int) -> list[str]:
    """A reproducible choice of texts of sentence size."""
    usable = sorted({text for text in texts if 15 <= len(text) <= 200})
    return random.Random(7).sample(usable, min(count, len(usable)))


def main() -> None:
    embedder = open_embedder()
    texts = sample(glosses(), 3 * EACH)
    for language in ("de", "es", "fr", "it"):
        texts += sample(messages(language), EACH // 2)
    vectors = embedder.embed(texts).vectors.astype(np.float64)
    _, columns = np.linalg.eigh(vectors.T @ vectors)
    projection = columns[:, ::-1][:, :SIZE]
    # An eigenvector's sign is arbitrary: fixed here so that a refit gives the same file.
    projection = projection * np.sign(projection[np.abs(projection).argmax(axis=0), np.arange(SIZE)])
    np.save(TARGET, projection.astype(np.float16))
    kept = float(np.square(vectors @ projection).sum() / np.square(vectors).sum())
    print(json.dumps({"texts": len(texts), "energy_kept": round(kept, 5), "bytes": TARGET.stat().st_size}))


if __name__ == "__main__":
    main()
