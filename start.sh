#!/usr/bin/env bash
# Starts every server and shows their health; options go to the command line (./start.sh --verbose).
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"

if [ ! -f .env ]; then
  cat >&2 <<'TEXT'
start.sh: there is no .env yet. Make one and put your own values into it:
  cp .env.template .env
  JWT_SECRET_KEY and MCP_REQUEST_STATE_KEYS: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'
  API_KEY_1: python -m app.a2a.mcp.service_manager keys new
TEXT
  exit 2
fi

python=.venv/bin/python
[ -x "$python" ] || python=python3
if ! "$python" -c 'import typer, mcp_types' 2>/dev/null; then
  echo "start.sh: the dependencies are missing: make venv, or pip install -r requirements.txt" >&2
  exit 2
fi
exec "$python" -m app.a2a.mcp.service_manager start "$@"
