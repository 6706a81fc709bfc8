#!/usr/bin/env bash
# Mutants: when a comparison, a sign or a result of the pure core is changed, a test fails.
#
#   cargo install --locked cargo-mutants
#   tests/torture/mutants.sh              # hours
#   tests/torture/mutants.sh forecast     # one part, by its name below
#
# Each mutant is built in a clone of what is committed, and the unit tests of its part are run on it. Prints those that no test
# noticed, and exits with 2 if there are any. Those that cannot be told from the original are named in docs/guarantees.md.
set -euo pipefail
cd "$(dirname "$0")/../.."
asked=("$@")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git clone --quiet . "$work/clone"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}/mutants"
# Faster to build and to run: nobody debugs a mutant, and few are noticed by the hundredth random case alone.
export CARGO_PROFILE_DEV_DEBUG=0 PROPTEST_CASES=40
cd "$work/clone"
missed=0 known=()

# part NAME FILES TESTS: both separated by spaces; tests are named by parts of their names.
part() {
  local name=$1 chosen=() file
  known+=("$name")
  [ ${#asked[@]} = 0 ] || [[ " ${asked[*]} " == *" $name "* ]] || return 0
  echo "=== $name"
  for file in $2; do chosen+=(--file "$file"); done
  # Those that play whole stories take long: they are not what a part is tested by.
  cargo mutants --in-place --no-shuffle --baseline skip --timeout 120 --output "$work/$name" "${chosen[@]}" \
    --cargo-arg=--lib -- -- $3 --skip chaos --skip fuzz --skip ten_years || missed=2
}

part retention "src/history/retention.rs" "retention prune"
part forecast "src/domain/forecast.rs" "forecast quota_status report::usage level"
part retry "src/thousandeyes/retry.rs src/mail/retry.rs src/jobs/serve/retry.rs" "retry jobs::tests mail::record thousandeyes"
part last_cycle "src/domain/last_cycle.rs" "last_cycle guards"
part diff "src/domain/diff.rs" "diff comparison report::changes"
part guards "src/change/plan/guards.rs src/change/plan/guards/*.rs" "guards plan::tests owners"
part plan "src/change/plan.rs src/change/plan/*.rs" "plan owners"
part parse "src/change/parse.rs src/change/parse/*.rs" "parse"
part schedule "src/schedule.rs src/schedule/*.rs" "schedule"
for name in ${asked[@]+"${asked[@]}"}; do
  [[ " ${known[*]} " == *" $name "* ]] || { echo "there is no part $name; there are ${known[*]}"; exit 1; }
done
exit "$missed"
