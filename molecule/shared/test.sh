#!/usr/bin/env bash
# What `make molecule` calls: the scenario, then what a client and an adversary see of its Debian 13 host.
#
#   test.sh REPORTS    write JUnit reports into that directory
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
project=$(cd "$here/../.." && pwd)
reports=$(mkdir -p "$1" && cd "$1" && pwd)
fleet=debian13
export PATH="$project/.venv/bin:$PATH"
export A2A_REPORTS=$reports

title() { printf '\n\033[1m== %s (%s)\033[0m\n' "$*" "$(date +%T)"; }

cd "$project"
trap 'molecule destroy >/dev/null 2>&1 || true' EXIT

title "Molecule: syntax, check mode, converge, idempotence, verify"
molecule test --destroy=never

title "End to end: official clients through nginx and TLS"
pytest tests/e2e -m e2e --fleet "$fleet" --junitxml "$reports/e2e.xml"

title "Faults: kill, freeze, block, starve, restart under load"
pytest tests/chaos -m fault --fleet "$fleet" --junitxml "$reports/faults.xml"
