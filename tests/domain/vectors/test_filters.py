"""Metadata filters against plain comparison."""

from hypothesis import given
from hypothesis import strategies as st

from app.a2a.mcp.domain.vectors.filters import compile_filter
from app.a2a.mcp.domain.vectors.record import Scalar, metadata_bytes

KEYS = st.sampled_from(["a", "b", 'q"u', "ü", "a:0"])
VALUES = st.one_of(
    st.sampled_from(["x", "", 'x"y', "ü", "\\", "1", "true"]),
    st.booleans(),
    st.integers(0, 2),
    st.sampled_from([0.5, 1.0, 0.0, -0.0, 1e16, 10**16, 1e22, -7, -7.0]),
)
METADATA = st.dictionaries(KEYS, VALUES, max_size=4)


def same(left: Scalar, right: Scalar) -> bool:
    return isinstance(left, bool) == isinstance(right, bool) and left == right


@given(METADATA, st.dictionaries(KEYS, st.one_of(VALUES, st.lists(VALUES, min_size=1, max_size=3)), max_size=2))
def test_a_filter_accepts_what_comparing_would(metadata: dict[str, Scalar], wanted: dict[str, object]) -> None:
    accept = compile_filter(wanted)  # type: ignore[arg-type]
    expected = all(
        key in metadata and any(same(metadata[key], v) for v in (values if isinstance(values, list) else [values]))
        for key, values in wanted.items()
    )
    assert (accept is None or accept(metadata_bytes(metadata))) == expected
