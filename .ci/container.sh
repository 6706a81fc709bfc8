#!/usr/bin/env bash
# The image, without a container engine: what config/image-root.sh lays out works in a chroot, for the image's user.
set -euo pipefail
cd "$(dirname "$0")/.."
fail() { echo "$*" >&2; exit 1; }

command -v openssl >/dev/null || { apt-get update -qq && apt-get install -y -qq openssl >/dev/null; }
cargo build --release --locked --quiet
work=$(mktemp -d)
chmod 755 "$work"
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
root=$work/root

echo "--- nothing in it but the binary, its libraries, the certificates and how names are resolved"
config/image-root.sh "${CARGO_TARGET_DIR:-target}/release/quotakeeper" "$root"
others=$(cd "$root" && find . ! -type d | grep -vxE './usr/bin/quotakeeper|./lib(64)?/(.*/)?(ld-linux-.*|lib(c|m|gcc_s))\.so\.[0-9]+|./etc/ssl/certs/ca-certificates.crt|./etc/nsswitch.conf|./usr/share/doc/quotakeeper/(THIRD-PARTY.txt|quotakeeper.cdx.json|debian-packages.txt)' || true)
[ -z "$others" ] || fail "unexpected:" $others
user=$(sed -n 's/^USER //p' config/Containerfile)
writable=$(cd "$root" && find . ! -type l \( -user "${user%:*}" -o -group "${user#*:}" -o -perm /o+w \) ! -path ./var/lib/quotakeeper)
[ -z "$writable" ] || fail "the image's user can write:" $writable
du -sh "$root" | sed "s#$root#in all#"

image() { chroot --userspec="$user" --groups="${user#*:}" "$root" /usr/bin/quotakeeper "$@"; }
[ "$(image -V)" = "quotakeeper $(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)" ]

echo "--- simulate, check and once"
: >"$work/simulator"
# Not by the function: the end of its shell would not be that of the simulator.
chroot --userspec="$user" --groups="${user#*:}" "$root" /usr/bin/quotakeeper simulate >"$work/simulator" &
until [ "$(wc -l <"$work/simulator")" -ge 2 ]; do kill -0 $!; sleep 0.1; done
set -a
. "$work/simulator"
TE_BASE_URL=${TE_BASE_URL/127.0.0.1/localhost} # a name, to be resolved
QUOTAKEEPER__DATA__DIR=/var/lib/quotakeeper QUOTAKEEPER__INBOX__SETTLE=0s
QUOTAKEEPER__MAIL__TRANSPORT=directory QUOTAKEEPER__MAIL__FROM=quotakeeper@example.com
QUOTAKEEPER__MAIL__TO='{ changes = ["noc@example.com"], usage = ["noc@example.com"] }'
set +a
printf '127.0.0.1 localhost\n' >"$root/etc/hosts" # as a container engine gives one
image check --online | grep -q 'quotas can be read'
install -d -o "${user%:*}" "$root/var/lib/quotakeeper/inbox"
printf 'org_id,aid,value\n10452,204117,4000\n' >"$root/var/lib/quotakeeper/inbox/raise.csv"
image once --detailed-exitcode 2>"$work/log" || fail "$(cat "$work/log")"
for made in history/year=*/month=*/*.csv runs/*-raise/undo.csv outbox/sent/*.eml inbox/answers/raise.csv/status.txt; do
  compgen -G "$root/var/lib/quotakeeper/$made" >/dev/null || fail "once made no $made"
done

echo "--- the certificates in it are those that it trusts"
make_certificate() { openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 -days 2 "$@" 2>/dev/null; }
make_certificate -x509 -subj /CN=authority -keyout "$work/ca.key" -out "$work/ca.crt"
make_certificate -subj /CN=localhost -keyout "$work/server.key" -out "$work/server.csr"
openssl x509 -req -in "$work/server.csr" -CA "$work/ca.crt" -CAkey "$work/ca.key" -days 2 -out "$work/server.crt" \
  -extfile <(echo subjectAltName=DNS:localhost) 2>/dev/null
: >"$work/server"
openssl s_server -www -accept 127.0.0.1:0 -key "$work/server.key" -cert "$work/server.crt" >"$work/server" 2>&1 &
until port=$(sed -n 's/^ACCEPT 127.0.0.1:\([0-9]*\)$/\1/p' "$work/server") && [ "$port" ]; do kill -0 $!; sleep 0.1; done
export TE_BASE_URL=https://localhost:$port
image check --online >"$work/told" 2>/dev/null && fail "a page of openssl is no API"
grep -iq certificate "$work/told" || fail "an unknown authority is trusted: $(cat "$work/told")"
cat "$work/ca.crt" >>"$root/etc/ssl/certs/ca-certificates.crt"
image check --online >"$work/told" 2>/dev/null && fail "a page of openssl is no API"
grep -q 'not JSON' "$work/told" || fail "an authority of the image is not trusted: $(cat "$work/told")"
