#!/usr/bin/env bash
# The Debian package: built, unpacked, and what is in it used. With --only-build it is left in target/package; with
# --only-cargo-deb nothing is done but to build what builds it, which takes half a minute.
set -euo pipefail
cd "$(dirname "$0")/.."
fail() { echo "$*" >&2; exit 1; }

CARGO_DEB=3.8.0
# With --debug it takes half as long to build, and packs no slower.
[ "$(cargo deb --version 2>/dev/null)" = "$CARGO_DEB" ] || cargo install cargo-deb --quiet --locked --debug --version $CARGO_DEB --no-default-features
[ "${1:-}" != --only-cargo-deb ] || exit 0
for tool in dpkg-shlibdeps:dpkg-dev lintian:lintian man:man-db; do
  command -v "${tool%:*}" >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${tool#*:}" >/dev/null; }
done
cargo build --release --locked --quiet
binary=${CARGO_TARGET_DIR:-target}/release/quotakeeper
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

echo "--- built"
rm -rf target/package
mkdir -p target/package/man
for shell in bash zsh fish; do "$binary" completions $shell >"target/package/quotakeeper.$shell"; done
page() { # page WORDS…: the manual page of a command, then those of the commands that it names
  local name=quotakeeper${*:+ }$*
  "$binary" man "$@" >"target/package/man/${name// /-}.1"
  for inner in $(sed -n "s/\\\\-/-/g; s/^${name// /-}-\([a-z]*\)(1)\$/\1/p" "target/package/man/${name// /-}.1"); do page "$@" "$inner"; done
}
page
# Whoever builds a package for others answers for it: as Debian's own tools ask, else as git knows them.
maintainer=${DEBEMAIL:+${DEBFULLNAME:-$DEBEMAIL} <$DEBEMAIL>}
maintainer=${maintainer:-$(git log -1 --format='%an <%ae>')}
# The time of the files in it, so that a commit makes the same package whenever it is built.
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
package=$(cargo deb --no-build --quiet --maintainer "$maintainer" --output target/package/)
[ "${1:-}" != --only-build ] || exit 0

echo "--- built again, with the same bytes"
touch target/package/quotakeeper.* target/package/man/*
(umask 077 && cargo deb --no-build --quiet --maintainer "$maintainer" --output "$work/again.deb" >/dev/null)
cmp "$package" "$work/again.deb"

echo "--- unpacked"
dpkg-deb --info "$package" | sed -n 's/^ \(Version\|Depends\|Installed-Size\)/\1/p'
dpkg-deb --extract "$package" "$work/root"
dpkg-deb --control "$package" "$work/control"
for file in usr/bin/quotakeeper etc/quotakeeper/quotakeeper.toml usr/lib/systemd/system/quotakeeper{,@,-once}.service \
  usr/lib/systemd/system/quotakeeper-once.timer usr/share/doc/quotakeeper/{quotakeeper.toml,copyright} \
  usr/share/doc/quotakeeper/{quotakeeper.cdx.json,THIRD-PARTY.txt} usr/share/doc/quotakeeper/examples/{inbox.conf,quotakeeper-inbox.conf} usr/share/bash-completion/completions/quotakeeper \
  usr/share/zsh/vendor-completions/_quotakeeper usr/share/fish/vendor_completions.d/quotakeeper.fish; do
  [ -s "$work/root/$file" ] || fail "the package has no $file"
done
[ "$(cat "$work/control/conffiles")" = /etc/quotakeeper/quotakeeper.toml ] || fail "the configuration is not kept at an upgrade"
(cd templates && find . -type f ! -name '*.png') | sort >"$work/templates"
(cd "$work/root/usr/share/quotakeeper/templates" && find . -type f) | sort | diff "$work/templates" - || fail "templates differ"
for script in postinst prerm postrm; do sh -n "$work/control/$script"; done
! grep -E 'deb-systemd-invoke (start|restart)|_dh_action=start' "$work/control/postinst" || fail "it starts without a token"
# A maintainer's mail host need not be one of Debian's, and there is no Debian changelog.
lintian --allow-root --no-cfg --fail-on error --suppress-tags bogus-mail-host,no-changelog "$package"

echo "--- used"
run() { env -i HOME=/ PATH=/nonexistent "$work/root/usr/bin/quotakeeper" "$@"; }
[ "$(run -V)" = "quotakeeper $(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)" ]
for configuration in etc/quotakeeper/quotakeeper.toml usr/share/doc/quotakeeper/quotakeeper.toml; do
  env -i TE_TOKEN=x "$work/root/usr/bin/quotakeeper" --config "$work/root/$configuration" check
done
run demo >/dev/null
for command in $(run --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' | grep -vx help); do
  [ -s "$work/root/usr/share/man/man1/quotakeeper-$command.1.gz" ] || fail "$command has no manual page"
done
problems=$(man --warnings --encoding=UTF-8 --local-file "$work"/root/usr/share/man/man1/*.gz 2>&1 >/dev/null)
[ -z "$problems" ] || fail "$problems"
bash -n "$work/root/usr/share/bash-completion/completions/quotakeeper"
