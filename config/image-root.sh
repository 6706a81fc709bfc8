#!/bin/sh
# Lays out the whole image: the binary, the shared libraries that it names, the certificates of the public authorities,
# how names are resolved. No shell, no package manager. Both the Containerfile and the gate, which has no container
# engine and tries it in a chroot, run this.
#
#   config/image-root.sh BINARY FOLDER
set -eu
binary=$1 root=$2

install -D -m 755 "$binary" "$root/usr/bin/quotakeeper"
install -D -m 644 "$(dirname "$0")/../THIRD-PARTY.txt" "$root/usr/share/doc/quotakeeper/THIRD-PARTY.txt"
for library in $(ldd "$binary" | sed -n 's/^[^/]*\(\/[^ ]*\) (0x.*/\1/p'); do
  install -D -m 755 "$library" "$root$library"
done
install -D -m 644 /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf" # else glibc asks DNS before /etc/hosts
install -d -m 750 -o 65532 -g 65532 "$root/var/lib/quotakeeper"
