"""Build a searchable collection from a text and ask it questions: find by meaning, rerank by words too, quote.

    python search_collection.py [QUESTION ...] [--corpus FILE.md] [--collection NAME] [--drop]

Building again changes nothing that is already there. Questions may be in other languages than the text.
"""

import argparse
import re
from dataclasses import dataclass
from pathlib import Path

from fleet import Fleet, FleetError, Service, arguments_of, run

QUESTIONS = (
    "How long can I keep a saw?",
    "Who sees my address?",
    "¿Puedo usar una motosierra sin experiencia?",
)
CANDIDATES = 10
SHOWN = 3
MOST_SECTIONS = 1000
MOST_AT_ONCE = 200
"""Texts that one write embeds: a second or so of the service's time."""

Section = dict[str, str]


@dataclass(frozen=True)
class Hit:
    """A section that was found."""

    name: str
    similarity: float


async def main(fleet: Fleet, options: argparse.Namespace) -> None:
    """Build, ask, and drop the collection where that is wanted."""
    sections = read_sections(options.corpus)
    async with (
        fleet.service("vector_similarity") as vectors,
        fleet.service("vector_ranking") as ranking,
        fleet.service("semantic_similarity") as texts,
    ):
        await build(vectors, options.collection, sections)
        for question in options.questions or QUESTIONS:
            found = await by_meaning(vectors, options.collection, question, sections)
            ranked = await rerank(ranking, texts, question, found, sections)
            sentence = await best_sentence(texts, question, sections[ranked[0]])
            show(question, found, ranked, sections, sentence)
        if options.drop:
            await vectors("upsert_vectors", collection=options.collection, items=[], drop=True)
            print(f"\nThe collection {options.collection} is dropped.")


def read_sections(path: Path) -> dict[str, Section]:
    """The sections of a Markdown file by id; a level-two heading begins one. Raises FleetError where it has none."""
    try:
        _, *parts = re.split(r"^## ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    except (OSError, UnicodeDecodeError) as error:
        raise FleetError(f"{path} cannot be read: {error}") from None
    sections = {}
    for part in parts:
        title, _, text = part.partition("\n")
        name = re.sub(r"\W+", "-", title.casefold()).strip("-")
        if name in sections:
            raise FleetError(f"{path} has two sections {title.strip()!r}; each needs a title of its own")
        sections[name] = {"title": title.strip(), "text": " ".join(text.split())}
    if not 1 <= len(sections) <= MOST_SECTIONS:
        raise FleetError(f"{path} has {len(sections)} sections ('## Title' begins one); it may be 1 to {MOST_SECTIONS}")
    return sections


async def build(vectors: Service, collection: str, sections: dict[str, Section]) -> None:
    """Embed and store the sections; the service keeps what did not change."""
    items = [
        {"id": name, "text": full_text(section), "metadata": {"title": section["title"]}}
        for name, section in sections.items()
    ]
    added = changed = size = 0
    for start in range(0, len(items), MOST_AT_ONCE):
        stored = await vectors("upsert_vectors", collection=collection, items=items[start : start + MOST_AT_ONCE])
        added, changed, size = added + stored["inserted"], changed + stored["updated"], stored["size"]
    print(f"Collection {collection}: {added} sections added, {changed} changed, {size} in all.")


async def by_meaning(vectors: Service, collection: str, question: str, sections: dict[str, Section]) -> list[Hit]:
    """The sections whose meaning is nearest to the question's."""
    found = await vectors("search_vectors", collection=collection, query_text=question, top_k=CANDIDATES)
    return [Hit(hit["id"], hit["similarity"]) for hit in found["results"] if hit["id"] in sections]


async def rerank(
    ranking: Service, texts: Service, question: str, found: list[Hit], sections: dict[str, Section]
) -> list[str]:
    """Section ids by meaning and by words together: stop words out, stems compared (BM25), both lists fused."""
    words = await texts("preprocess_text", text=question)
    documents = [{"id": name, "text": full_text(section)} for name, section in sections.items()]
    query = " ".join(words["processed_words"]) or question
    bm25 = await ranking("calculate_bm25_scores", query=query, documents=documents, stem="snowball_en")
    scored = [{"id": name, "score": score} for name, score in bm25["scores"].items() if score > 0]
    nearest = [{"id": hit.name, "score": hit.similarity} for hit in found]
    if not scored:
        return [hit.name for hit in found]
    by_words = sorted(scored, key=lambda one: -one["score"])
    lists = [{"name": "meaning", "results": nearest}, {"name": "words", "results": by_words}]
    fused = await ranking("fuse_rankings", rankings=lists, method="combsum")
    return [document["id"] for document in fused["results"]]


async def best_sentence(texts: Service, question: str, section: Section) -> str:
    """The sentence of a section that answers best."""
    sentences = re.split(r"(?<=[.!?]) ", section["text"])
    lines = await texts("find_similar_texts", query=question, candidates=sentences, method="semantic", top_k=1)
    return str(lines["results"][0]["text"])


def show(question: str, found: list[Hit], ranked: list[str], sections: dict[str, Section], sentence: str) -> None:
    """One question and what was found."""
    places = {hit.name: place for place, hit in enumerate(found, 1)}
    print(f"\n? {question}")
    for place, name in enumerate(ranked[:SHOWN], 1):
        print(f"  {place}. {sections[name]['title']}  (by meaning alone: {places.get(name, 'not found')})")
    print(f"  → {sentence}")


def full_text(section: Section) -> str:
    """A title says much of what its section is about."""
    return f"{section['title']}. {section['text']}"


if __name__ == "__main__":
    cli = arguments_of("Build a searchable collection from a text and ask it questions.")
    handbook = Path(__file__).parent.with_name("data") / "handbook.md"
    cli.add_argument("questions", nargs="*", metavar="QUESTION", help="what to look for (default: three samples)")
    cli.add_argument("--corpus", type=Path, default=handbook, help="Markdown whose sections are the documents")
    cli.add_argument("--collection", default="handbook", help="its name: small letters, digits, - and _")
    cli.add_argument("--drop", action="store_true", help="drop the collection at the end")
    run(cli, main)
