#!/usr/bin/env bash
# The systemd units: nothing that systemd does not know, little exposure, no system call that they forbid, and an inbox
# that other users of the machine can reach.
set -euo pipefail
cd "$(dirname "$0")/.."
fail() { echo "$*" >&2; exit 1; }

for tool in systemd-analyze:systemd strace:strace; do
  command -v "${tool%:*}" >/dev/null || { apt-get update -qq && apt-get install -y -qq "${tool#*:}" >/dev/null; }
done
cargo build --release --locked --quiet
binary=$(realpath "${CARGO_TARGET_DIR:-target}/release/quotakeeper")
work=$(mktemp -d)
chmod 755 "$work"
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT

echo "--- each unit by itself, and with the drop-in for the inbox"
hardening() { sed -n '/^# Hardening/,/^$/p' "$1"; }
for with in alone inbox; do
  mkdir "$work/$with"
  for unit in config/systemd/*.service config/systemd/*.timer; do
    name=$(basename "$unit")
    sed "s#^ExecStart=quotakeeper#ExecStart=$binary#" "$unit" >"$work/$with/$name"
    if [ "$with" = inbox ] && [ "${name##*.}" = service ]; then
      mkdir "$work/$with/$name.d"
      cp config/systemd/quotakeeper.service.d/inbox.conf "$work/$with/$name.d"
    fi
  done
  for unit in "$work/$with"/*.service "$work/$with"/*.timer; do
    # Its exit status is 0 for a key that it does not know. The manual page is not installed here.
    problems=$(systemd-analyze verify --man=no "$unit" 2>&1)
    [ -z "$problems" ] || fail "$unit: $problems"
    [ "${unit##*.}" = timer ] && continue
    systemd-analyze security --offline=true --threshold=13 "$unit" | tail -n 1
    [ "$(hardening "$unit")" = "$(hardening config/systemd/quotakeeper.service)" ] || fail "$unit is hardened otherwise"
  done
done
for unit in config/systemd/*.service; do
  grep -qx LimitCORE=0 "$unit" || fail "$unit leaves core dumps, and a token in them"
done
echo "Unknown=key" >>"$work/alone/quotakeeper.service"
[ "$(systemd-analyze verify --man=no "$work/alone/quotakeeper.service" 2>&1)" ] || fail "verify finds nothing"

: >"$work/simulator"
"$binary" simulate >"$work/simulator" &
until [ "$(wc -l <"$work/simulator")" -ge 2 ]; do kill -0 $!; sleep 0.1; done
set -a
. "$work/simulator"
QUOTAKEEPER__INBOX__SETTLE=0s QUOTAKEEPER__MAIL__TRANSPORT=directory QUOTAKEEPER__MAIL__FROM=quotakeeper@example.com
QUOTAKEEPER__MAIL__TO='{ changes = ["noc@example.com"], usage = ["noc@example.com"], alerts = ["noc@example.com"], failures = ["noc@example.com"] }'
set +a

echo "--- the daemon needs no system call that the units forbid"
# What a line of SystemCallFilter= names, with the sets that its sets are made of.
calls() {
  local name inner
  for name in "$@"; do
    case $name in
      @*) inner=$(systemd-analyze syscall-filter "$name" | sed -n 's/^ *\([@a-z_0-9-]*\)$/\1/p' | grep -vxF -e "$name" -e ''); calls $inner ;;
      *) echo "$name" ;;
    esac
  done
}
calls $(sed -n 's/^SystemCallFilter=\([^~]*\)$/\1/p' config/systemd/quotakeeper.service) | sort -u >"$work/allowed"
calls $(sed -n 's/^SystemCallFilter=~\(.*\)$/\1/p' config/systemd/quotakeeper.service) | sort -u >"$work/forbidden"
[ "$(wc -l <"$work/allowed")" -gt 200 ] && [ "$(wc -l <"$work/forbidden")" -gt 30 ] || fail "the sets of system calls are not understood"
mkdir -p "$work/traced/inbox"
printf 'org_id,aid,value\n10452,204117,4000\n' >"$work/traced/inbox/raise.csv"
QUOTAKEEPER__DATA__DIR="$work/traced" QUOTAKEEPER__INBOX__SETTLE=1s strace -f -qq -o "$work/trace" "$binary" run 2>"$work/log" &
daemon=$!
until compgen -G "$work/traced/outbox/sent/*.eml" >/dev/null && compgen -G "$work/traced/runs/*/success.csv" >/dev/null; do
  kill -0 "$daemon" || fail "$(cat "$work/log")"
  sleep 0.2
done
pkill -TERM -P "$daemon" && wait "$daemon"
sed -n 's/^[0-9]* *\([a-z_0-9]*\)(.*/\1/p' "$work/trace" | sort -u | grep -vxF execve >"$work/used" # systemd itself starts it
[ "$(wc -l <"$work/used")" -gt 30 ] || fail "the trace is not understood"
refused=$(comm -23 "$work/used" <(comm -23 "$work/allowed" "$work/forbidden"))
[ -z "$refused" ] || fail "used, but not allowed by SystemCallFilter=:" $refused
families=$(grep -o 'socket(AF_[A-Z0-9]*' "$work/trace" | sort -u | sed 's/socket(//' | grep -vxE "$(sed -n 's/^RestrictAddressFamilies=//p' config/systemd/quotakeeper.service | tr ' ' '|')" || true)
[ -z "$families" ] || fail "sockets of families that are not allowed:" $families

echo "--- a folder where others drop files, and find their answers"
# Numbers stand for people: who has quota-inbox among his groups may drop. The service is in a user namespace, as PrivateUsers=yes
# makes one; the second one has the number of another start, as DynamicUser=yes may give it.
drop=61100 service=61001 later=61002 ann=61003 bob=61004 mallory=61005
root=$work/machine
inbox=$root/srv/quota-inbox
mkdir -p "$root/etc" "$root/srv"
mkdir -m "$(sed -n 's/^StateDirectoryMode=//p' config/systemd/quotakeeper.service)" "$work/state"
printf 'root:x:0:0::/:\n' >"$root/etc/passwd"
printf 'root:x:0:\nquota-inbox:x:%s:\n' $drop >"$root/etc/group"
systemd-tmpfiles --create --root="$root" "$PWD/config/systemd/tmpfiles.d/quotakeeper-inbox.conf"
[ "$(stat -c '%U %g %a' "$inbox")" = "root $drop 2770" ] || fail "systemd-tmpfiles made $(stat -c '%U %g %a' "$inbox")"
printf '[data]\ndir = "%s"\n[inbox]\ndir = "%s"\n' "$work/state" "$inbox" >"$work/quotakeeper.toml"
umask_of_service=$(sed -n 's/^UMask=//p' config/systemd/quotakeeper.service.d/inbox.conf)
as() { # as NUMBER GROUPS UMASK COMMAND…
  local number=$1 groups=--clear-groups mask=$3
  [ "$2" ] && groups=--groups=$2
  shift 3
  (umask "$mask" && exec setpriv --reuid "$number" --regid "$number" "$groups" "$@")
}
serve() { # serve NUMBER: one look into the inbox, as the unit would
  chown -R "$1:$1" "$work/state" # StateDirectory= does that
  install -m 666 /dev/null "$work/modes"
  as "$1" $drop "$umask_of_service" strace -f -qq -e trace=chmod,fchmod,fchmodat,?fchmodat2 -o "$work/modes" \
    unshare --user --map-current-user "$binary" --config "$work/quotakeeper.toml" inbox 2>"$work/log" || fail "$(cat "$work/log")"
  # RestrictSUIDSGID= lets nobody do that: the 2 of the folder has to be inherited.
  ! grep -E ', 0[2-7][0-7]{3}[,)]' "$work/modes" || fail "it sets the group bit of a folder itself"
}
drop_file() { # drop_file NUMBER UMASK NAME VALUE
  printf 'org_id,aid,value\n10452,204117,%s\n' "$4" | as "$1" $drop "$2" tee "$inbox/$3" >/dev/null
}
answer_holds() { # answer_holds NUMBER FILE TEXT: that person reads it there
  as "$1" $drop 022 grep -q "$3" "$inbox/answers/$2" || fail "$2 has no '$3' for $1: $(cat "$inbox/answers/$2")"
}

drop_file $ann 022 raise.csv 4100
[ "$(stat -c '%u %g %a' "$inbox/raise.csv")" = "$ann $drop 644" ] || fail "dropped as $(stat -c '%u %g %a' "$inbox/raise.csv")"
serve $service
[ ! -e "$inbox/raise.csv" ] || fail "raise.csv was not taken"
answer_holds $ann raise.csv/status.txt '1 applied'
answer_holds $bob raise.csv/success.csv 4100

drop_file $ann 022 raise.csv 4200
serve $later
answer_holds $ann raise.csv/success.csv 4200
[ "$(stat -c '%g %a' "$inbox/answers/raise.csv")" = "$drop 2770" ] || fail "answers are in a folder $(stat -c '%g %a' "$inbox/answers/raise.csv")"
[ "$(stat -c %u "$inbox/answers/raise.csv/status.txt")" = $later ] || fail "the answer is not of the later start"

drop_file $bob 077 private.csv 4300 # nobody else may read it
serve $later
[ -e "$inbox/private.csv" ] || fail "private.csv was taken"
answer_holds $bob private.csv/status.txt 'may not read this file'
as $bob $drop 022 chmod g+r "$inbox/private.csv"
serve $later
answer_holds $bob private.csv/status.txt '1 applied'

for forbidden in "ls $inbox" "cat $inbox/answers/raise.csv/status.txt" "touch $inbox/mine.csv" "ls $work/state"; do
  ! as $mallory '' 022 $forbidden >/dev/null 2>&1 || fail "who is not in the group can: $forbidden"
done
! as $ann $drop 022 ls "$work/state" >/dev/null 2>&1 || fail "who drops files can look into the service's state"
