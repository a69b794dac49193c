#!/usr/bin/env bash
# The deployed part of `make test`: Molecule's scenario on both Debians, then clients and faults on what it leaves.
# JUnit reports go to the directory given. A2A_KEEP=1 leaves the hosts running.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
project=$(cd "$here/../.." && pwd)
mkdir -p "${1:-.cache/reports}"
reports=$(cd "${1:-.cache/reports}" && pwd)
export PATH="$project/.venv/bin:$PATH" A2A_REPORTS=$reports
systems=(debian13 debian12)

step() { printf '\n\033[1m== %s\033[0m (%s s)\n' "$*" "$SECONDS"; }

clean_up() {
  local name
  for name in "${systems[@]}"; do "$here/rig.sh" down "builder-$name" 2>/dev/null; done
  [[ -n ${A2A_KEEP:-} ]] || molecule destroy --scenario-name default >/dev/null
}

cd "$project"
step "Images and builders"
trap clean_up EXIT
for name in "${systems[@]}"; do "$here/rig.sh" builder "$name"; done

step "Molecule: syntax, check of bare hosts, converge, idempotence, verify"
molecule test --scenario-name default --destroy=never

step "Clients through the edge of both"
for name in "${systems[@]}"; do
  pytest tests -m e2e --fleet "$name" --junitxml "$reports/e2e-$name.xml"
done

step "Faults"
pytest tests -m fault --fleet "${systems[0]}" --junitxml "$reports/faults.xml"
step "Done"
