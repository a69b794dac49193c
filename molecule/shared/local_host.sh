#!/usr/bin/env bash
# What `make up` and `make down` call: a systemd host in a container, deployed by the real site.yml.
#
#   local_host.sh up [OS]    boot or keep the host, deploy, and show a first call (OS: debian13, debian12)
#   local_host.sh down       remove the host
#   local_host.sh show       print how to reach it, with a live answer
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
project=$(cd "$here/../.." && pwd)
cache=${A2A_CACHE:-$HOME/.cache/a2a-mcp}
rig=$here/rig.sh
export PATH="$project/.venv/bin:$PATH"

title() { printf '\n\033[1m== %s\033[0m\n' "$*"; }

boot() {
  local os=$1 running
  title "Booting $os with systemd"
  running=$("$rig" list | awk '$1 == "local" {print $2}')
  if [[ -n $running && $running != */$os:* ]]; then
    echo "the local host is another Debian; replacing it"
    "$rig" fresh local "$os"
  else
    "$rig" up local "$os"
  fi
}

deploy() {
  # Used where the cache has no wheels for this Debian's Python yet, and gone afterwards.
  "$rig" builder "$1" >/dev/null
  trap '"$rig" down "builder-'"$1"'" 2>/dev/null' EXIT
  title "Deploying: ansible-playbook -i inventory/local site.yml"
  cd "$project"
  ansible-playbook -i inventory/local site.yml
}

# The call of the README, for this host and with its key.
first_call() {
  cat <<END
curl -s --cacert $cache/local.crt https://$1/semantic_similarity/mcp \\
  -H 'X-API-Key: $2' \\
  -H 'Content-Type: application/json' -H 'Accept: application/json, text/event-stream' \\
  -H 'MCP-Protocol-Version: 2025-11-25' \\
  -d '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"calculate_text_similarity",
       "arguments":{"text1":"A man is eating food.","text2":"A man is eating a piece of bread."}}}'
END
}

show() {
  local address key services call page
  address=$("$rig" address local)
  key=$(<"$cache/secrets/api_key")
  "$rig" ssh local cat /etc/ssl/certs/a2a.crt >"$cache/local.crt"
  services=$(jq -r '.services[].name' "$project/app/a2a/mcp/servers/service_registry.json")
  call=$(first_call "$address" "$key")

  title "The fleet runs"
  for service in $services; do echo "https://$address/$service/mcp"; done
  echo "https://$address/healthz"
  printf '\nAPI key (read and write):  %s\nCertificate to trust:      %s\n' "$key" "$cache/local.crt"
  title "What watches it"
  for page in fleet prometheus; do echo "https://$address/$page/"; done
  printf '\nSign in as operator with:  %s\n' "$(<"$cache/secrets/operator_password")"
  title "A first call"
  echo "$call"
  title "Its answer"
  bash -c "$call" | jq .
  title "To look inside"
  cat <<END
make shell                                       a root shell on the host; there:
  systemctl status 'a2a-mcp-*'                   what runs, how much it served
  journalctl -f -u 'a2a-mcp-*' -o json | jq .    every line, with its correlation id
  journalctl CORRELATION_ID=...                  one request, from the edge to the tool
make up again converges, make down removes the host.
END
}

case "${1:-}" in
  up) boot "${2:-debian13}"; deploy "${2:-debian13}"; show ;;
  down) "$rig" down local ;;
  show) show ;;
  *) sed -n '2,/^set/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
