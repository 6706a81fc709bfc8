#!/usr/bin/env bash
# The Debian package under a real systemd: it starts, is ready, reloads, is restarted when it hangs, stops, is upgraded while a
# run waits, and goes without its data.
#
#   sudo tests/torture/real-init.sh target/release/quotakeeper target/package/quotakeeper_*.deb
#
# Makes a Debian in a folder (debootstrap: 90 MB to fetch, a minute and a half; --root FOLDER keeps it for the next time), and boots
# its systemd in namespaces of its own. The network is the machine's, so that the unit finds the simulator. What this cannot show: a
# boot of a kernel, and the machine's own limits for cgroups of version 2. Exits with 77 where namespaces or debootstrap cannot be had.
set -euo pipefail
fail() { echo "BROKEN: $*" >&2; in_it journalctl --no-pager -u quotakeeper 2>/dev/null | tail -n 20 >&2 || true; exit 1; }

binary=$(realpath "$1") package=$(realpath "$2")
base=
[ "${3:-}" != --root ] || base=$4
[ "$(id -u)" = 0 ] && command -v debootstrap >/dev/null && unshare --pid --fork --mount --uts --ipc --cgroup true ||
  { echo "not root, no debootstrap, or no namespaces"; exit 77; }

work=$(mktemp -d)
base=${base:-$work/base}
trap '{ kill -KILL $(jobs -p); wait || true; } 2>/dev/null; rm -rf --one-file-system "$work"' EXIT
if [ ! -x "$base/lib/systemd/systemd" ]; then
  mirror=$(sed -n 's/^URIs: //p' /etc/apt/sources.list.d/debian.sources 2>/dev/null | head -n 1)
  debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,ca-certificates bookworm "$base" ${mirror:+"$mirror"} >"$work/debootstrap.log" 2>&1 ||
    { tail -n 3 "$work/debootstrap.log"; exit 77; }
fi
root=$work/root
cp -a "$base" "$root"

"$binary" simulate >"$work/simulator" &
until [ "$(wc -l <"$work/simulator")" -ge 2 ]; do kill -0 $!; sleep 0.1; done
. "$work/simulator"
install -m 600 /dev/stdin "$work/te_token" <<<"$TE_TOKEN"
unset TE_TOKEN

cat >"$work/boot" <<'BOOT'
mount --bind "$1" "$1"
cd "$1"
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t tmpfs tmpfs sys/fs/cgroup
mkdir sys/fs/cgroup/systemd
mount -t cgroup -o none,name=systemd cgroup sys/fs/cgroup/systemd
for folder in run tmp; do mount -t tmpfs tmpfs $folder; done
mount -t tmpfs tmpfs dev
for device in null zero full random urandom tty; do
  touch dev/$device
  mount --bind /dev/$device dev/$device
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
mount -t tmpfs tmpfs dev/shm
mkdir before
pivot_root . before
exec chroot . /bin/sh -c 'umount -l /before; rmdir /before; mount --make-rshared /; exec env -i container=unshare PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system'
BOOT
unshare --pid --fork --mount --uts --ipc --cgroup --kill-child bash "$work/boot" "$root" >"$work/boot.log" 2>&1 &
namespaces=$!
in_it() { nsenter --target "$init" --mount --uts --ipc --pid --cgroup --root --wd -- "$@"; }
until init=$(pgrep --parent $namespaces -f '^/lib/systemd/systemd') && in_it systemctl is-system-running 2>/dev/null | grep -qE 'running|degraded'; do
  kill -0 $namespaces 2>/dev/null || { cat "$work/boot.log"; echo "systemd does not boot here"; exit 77; }
  sleep 0.2
done
echo "booted: $(in_it systemctl --version | head -n 1)"
is() { in_it systemctl show quotakeeper --property "$1" --value; }
soon() { for _ in $(seq 150); do if "$@"; then return; fi; sleep 0.2; done; fail "never came: $*"; }
quotakeeper() { in_it quotakeeper --config /etc/quotakeeper/quotakeeper.toml "$@"; }

echo "--- installed: nothing starts without a token"
cp "$package" "$root/root/first.deb"
in_it dpkg -i /root/first.deb >"$work/dpkg.log" 2>&1 || { cat "$work/dpkg.log"; fail "it is not installed"; }
[ "$(is ActiveState) $(is UnitFileState)" = "inactive disabled" ] || fail "it starts by itself"

echo "--- started: it tells that it is ready, as a user of its own, with the token as a credential"
install -m 600 "$work/te_token" "$root/etc/quotakeeper/te_token"
cat >"$root/etc/quotakeeper/quotakeeper.toml" <<CONFIG
[api]
base_url = "$TE_BASE_URL"
[data]
dir = "/var/lib/quotakeeper"
[inbox]
settle = "0s"
[guard]
approval = "always"
[mail]
transport = "directory"
from = "quotakeeper@example.com"
to = { changes = ["noc@example.com"], usage = ["noc@example.com"], alerts = ["noc@example.com"], failures = ["noc@example.com"] }
CONFIG
in_it mkdir -p /etc/systemd/system/quotakeeper.service.d
cat >"$root/etc/systemd/system/quotakeeper.service.d/sooner.conf" <<'UNIT'
[Service]
WatchdogSec=4s
RestartSec=1s
TimeoutAbortSec=2s
UNIT
in_it systemctl daemon-reload
in_it systemctl enable --now quotakeeper 2>/dev/null || fail "it does not start"
[ "$(is ActiveState)" = active ] || fail "it is not active"
process=$(is MainPID)
user=$(is UID)
[ "$user" -ge 61184 ] && [ "$user" -le 65519 ] || fail "it runs as $user, which is no user that systemd made"
has_snapshot() { in_it sh -c 'ls /var/lib/quotakeeper/history/*/*/*.csv' >/dev/null 2>&1; }
soon has_snapshot
in_it sh -c "tr '\\0' '\\n' </proc/$process/environ /proc/$process/cmdline" 2>/dev/null | grep -F "$(cat "$work/te_token")" && fail "the token is in the environment"
[ "$(is StatusText)" ] || fail "it tells systemd nothing"
echo "it says: $(is StatusText)"

echo "--- reloaded: the configuration is in use, in the same process"
sed -i 's/settle = "0s"/settle = "1s"/' "$root/etc/quotakeeper/quotakeeper.toml"
in_it systemctl reload quotakeeper
reloaded() { in_it journalctl --no-pager -u quotakeeper | grep -q "the configuration was read again and is in use"; }
soon reloaded
[ "$(is MainPID)" = "$process" ] || fail "a reload restarts it"

echo "--- frozen: the watchdog restarts it"
in_it kill -STOP "$process"
restarted() { [ "$(is NRestarts)" -ge 1 ] && [ "$(is ActiveState)" = active ] && [ "$(is MainPID)" != "$process" ]; }
soon restarted

echo "--- stopped: by itself, in time"
in_it systemctl stop quotakeeper
[ "$(is ActiveState) $(is Result)" = "inactive success" ] || fail "it does not stop: $(is Result)"
in_it systemctl start quotakeeper

echo "--- upgraded while a run waits: the new one runs, and the run still waits"
first=$(in_it sh -c 'cat /var/lib/quotakeeper/history/*/*/*.csv' | awk -F, '$2 == "account_group" && !line { line = $0 } END { print line }')
in_it install -m 644 /dev/stdin /var/lib/quotakeeper/inbox/raise.csv <<<"org_id,aid,value
$(cut -d, -f3 <<<"$first"),$(cut -d, -f5 <<<"$first"),123456789"
waits() { quotakeeper runs 2>/dev/null | grep -q held; }
soon waits
process=$(is MainPID)
mkdir "$work/second"
dpkg-deb --raw-extract "$package" "$work/second"
sed -i 's/^Version: .*/&.1/' "$work/second/DEBIAN/control"
dpkg-deb --build --root-owner-group "$work/second" "$root/root/second.deb" >/dev/null
in_it dpkg -i --force-confold /root/second.deb >"$work/dpkg.log" 2>&1 || { cat "$work/dpkg.log"; fail "it is not upgraded"; }
[ "$(is ActiveState)" = active ] && [ "$(is MainPID)" != "$process" ] || fail "the one before still runs"
waits || fail "the run is lost"

echo "--- removed: it is gone, its data and its configuration are not"
in_it dpkg --remove quotakeeper >"$work/dpkg.log" 2>&1 || { cat "$work/dpkg.log"; fail "it is not removed"; }
[ "$(in_it systemctl is-active quotakeeper)" = inactive ] || fail "it still runs"
in_it test -s /etc/quotakeeper/quotakeeper.toml || fail "its configuration is gone"
has_snapshot || fail "its data is gone"
echo "all of it under systemd as process 1"
