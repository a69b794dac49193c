"""Secrets fed through every door of the deployed fleet, and then looked for in everything the host has written."""

import secrets

import httpx
import pytest

from tests.fleet import Fleet

pytestmark = pytest.mark.e2e

SERVICE = "semantic_similarity"


def feed(fleet: Fleet, edge: httpx.Client, secret: str) -> None:
    """The secret as every kind of credential, in arguments, names, paths, queries and headers."""
    path = f"/{SERVICE}/mcp"
    for headers in (
        {"X-API-Key": secret},
        {"Authorization": f"Bearer {secret}"},
        {"Authorization": f"Basic {secret}"},
        {"Authorization": f"Bearer {secret}.{secret}.{secret}"},
    ):
        edge.post(path, json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"}, headers=headers)
    for tool, arguments in (
        ("calculate_text_similarity", {"text1": secret, "text2": f"a text with {secret} in it", "method": "jaccard"}),
        ("calculate_text_similarity", {"text1": secret, secret: 1}),
        (f"tool_{secret}", {}),
    ):
        fleet.call(edge, SERVICE, tool, arguments)
    edge.post(path, content=f'{{"jsonrpc": "2.0", "broken": "{secret}"', headers={"Content-Type": "application/json"})
    edge.post(f"{path}?token={secret}", json={}, headers={"X-Forwarded-For": secret})
    edge.get(f"/{secret}", headers={"Cookie": secret, "Referer": f"https://example.test/{secret}"})
    edge.post(path, json={"jsonrpc": "2.0", "id": secret, "method": secret}, headers={"Mcp-Name": secret})


def test_no_secret_and_no_argument_is_written_anywhere(fleet: Fleet, edge: httpx.Client) -> None:
    fed = f"S3cr3t-{secrets.token_hex(24)}"
    feed(fleet, edge, fed)
    jwt_secret = fleet.sh("sed -n 's/^JWT_SECRET_KEY=//p' /etc/a2a-mcp/secrets.env | tr -d '\"'\"'\"")
    assert len(jwt_secret) >= 32
    fleet.sh("journalctl --sync")
    for name, secret in {"fed": fed, "api key": fleet.key, "reader": fleet.reader_key, "jwt": jwt_secret}.items():
        # The secret goes in by standard input, so that the shell that looks for it is not where it is found.
        found = fleet.sh(f"journalctl --no-pager -o export | grep -c -a -F -f <(printf '%s' '{secret}') || true")
        assert found == "0", f"{name} stands in {found} lines of the journal"
        files = fleet.sh(
            f"grep -rlaF -f <(printf '%s' '{secret}') /var/log /var/lib/a2a-mcp --exclude-dir=journal || true"
        )
        assert not files, f"{name} stands in {files}"
