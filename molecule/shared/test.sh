#!/usr/bin/env bash
# The deployed part of `make test`: Molecule's scenario on both Debians, then clients and faults on what it leaves.
# JUnit reports go to the directory given. A2A_KEEP=1 leaves the hosts running.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
project=$(cd "$here/../.." && pwd)
mkdir -p "${1:-.cache/reports}"
reports=$(cd "${1:-.cache/reports}" && pwd)
# Frames around every line would cut it at 80 columns.
export MOLECULE_COMMAND_BORDERS=0
export PATH="$project/.venv/bin:$PATH" A2A_REPORTS=$reports
systems=(debian13 debian12)

step() { printf '\n\033[1m== %s\033[0m (%s s)\n' "$*" "$SECONDS"; }

clean_up() {
  [[ -n ${A2A_KEEP:-} ]] || molecule destroy --scenario-name default >/dev/null
}

cd "$project"
trap clean_up EXIT
step "Molecule: syntax, check of bare hosts, converge, idempotence, verify"
molecule destroy --scenario-name default >/dev/null
molecule test --scenario-name default --destroy=never

failed=0
for name in "${systems[@]}"; do
  step "Clients through the edge of $name"
  # The fleet page is the same files on every Debian, and one browser opens it: once is enough.
  elsewhere=()
  [[ $name == "${systems[0]}" ]] || elsewhere=(--ignore tests/browser)
  pytest tests -m e2e --fleet "$name" "${elsewhere[@]}" --junitxml "$reports/e2e-$name.xml" || failed=1
done

step "Faults on ${systems[0]}"
pytest tests -m fault --fleet "${systems[0]}" --junitxml "$reports/faults.xml" || failed=1
step "Done"
exit "$failed"
