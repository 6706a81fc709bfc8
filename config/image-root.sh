#!/bin/sh
# Lays out the whole image: the binary, the shared libraries that it needs, the certificates of the public authorities, and the
# configuration of name resolution. No shell, no package manager. The Containerfile runs this, and so does `.ci/run`, which has no
# container engine and tries the image in a chroot.
#
#   config/image-root.sh BINARY FOLDER
set -eu
binary=$1 root=$2

install -D -m 755 "$binary" "$root/usr/bin/quotakeeper"
for document in THIRD-PARTY.txt quotakeeper.cdx.json; do
  install -D -m 644 "$(dirname "$0")/../$document" "$root/usr/share/doc/quotakeeper/$document"
done
for library in $(ldd "$binary" | sed -n 's/^[^/]*\(\/[^ ]*\) (0x.*/\1/p'); do
  install -D -m 755 "$library" "$root$library"
done
install -D -m 644 /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
if command -v dpkg-query >/dev/null; then # the bill of materials has the crates alone
  # shellcheck disable=SC2016 # dpkg-query's own variables
  dpkg-query --show --showformat '${Package} ${Version}\n' libc6 libgcc-s1 ca-certificates >"$root/usr/share/doc/quotakeeper/debian-packages.txt"
fi
printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf" # else glibc asks DNS before /etc/hosts
install -d -m 750 -o 65532 -g 65532 "$root/var/lib/quotakeeper"
