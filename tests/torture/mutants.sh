#!/usr/bin/env bash
# Mutants: when a comparison, a sign or a result of the pure core is changed, a test fails.
#
#   cargo install --locked cargo-mutants
#   tests/torture/mutants.sh              # hours
#   tests/torture/mutants.sh forecast     # one part: retention forecast retry last_cycle diff guards plan parse schedule
#
# Each mutant is built in a clone of what is committed, and the unit tests of its part are run on it. Prints those that no test
# noticed, and exits with 2 if there are any. Those that cannot be told from the original are named in docs/guarantees.md.
set -euo pipefail
cd "$(dirname "$0")/../.."

declare -A files=(
  [retention]="src/history/retention.rs"
  [forecast]="src/domain/forecast.rs"
  [retry]="src/thousandeyes/retry.rs src/mail/retry.rs src/jobs/retry.rs"
  [last_cycle]="src/domain/last_cycle.rs"
  [diff]="src/domain/diff.rs"
  [guards]="src/change/plan/guards.rs src/change/plan/guards/*.rs"
  [plan]="src/change/plan.rs src/change/plan/*.rs"
  [parse]="src/change/parse.rs src/change/parse/*.rs"
  [schedule]="src/schedule.rs src/schedule/*.rs"
)
declare -A tests=(
  [retention]="retention prune"
  [forecast]="forecast quota_status report::usage level"
  [retry]="retry jobs::tests mail::record thousandeyes"
  [last_cycle]="last_cycle guards"
  [diff]="diff comparison report::changes"
  [guards]="guards plan::tests"
  [plan]="plan"
  [parse]="parse"
  [schedule]="schedule"
)
parts=("$@")
[ $# -gt 0 ] || parts=(retention forecast retry last_cycle diff guards plan parse schedule)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git clone --quiet . "$work/clone"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}/mutants"
missed=0
for part in "${parts[@]}"; do
  echo "=== $part"
  chosen=()
  for pattern in ${files[$part]}; do chosen+=(--file "$pattern"); done
  # Those that take long play whole stories: they are not what a part is tested by.
  (cd "$work/clone" && cargo mutants --in-place --no-shuffle --baseline skip --timeout 120 --output "$work/$part" "${chosen[@]}" \
    -- --lib -- ${tests[$part]} --skip chaos --skip fuzz --skip ten_years) || missed=2
done
exit "$missed"
