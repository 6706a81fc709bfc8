#!/usr/bin/env bash
# A commit makes the same bytes twice: the binary, and the Debian package that it is packed into.
#
#   tests/torture/same-bytes.sh                 HEAD as a release: two whole builds, 10 minutes or more
#   tests/torture/same-bytes.sh --profile dev   a quicker build, without its debugging information, which names its folder
#
# Builds clones of the repository in two folders of different names and depths, with different clocks' zones, languages, users' masks, numbers
# of jobs and file times. A clone has another number of objects than the repository, so that git would shorten a commit's name otherwise.
# Nothing of one build is used for the other, except for the sources of the dependencies. Exits with 1 if a byte differs, and keeps both then.
# Of the package, cargo-deb must be there (.ci/package.sh installs it); without it only the binaries are compared.
set -euo pipefail
cd "$(dirname "$0")/../.."
options=("${@:---release}")
profile=release
[ "${options[0]}" = --release ] || profile=debug

work=$(mktemp -d)
one=$work/one other="$work/another folder/of/another depth"
git clone --quiet --no-local . "$one"
git clone --quiet --no-local --depth 1 "file://$PWD" "$other"
find "$other" -type f -exec touch -d '2001-02-03 04:05:06' {} +

build() { # build FOLDER JOBS
  cd "$1"
  CARGO_TARGET_DIR="$1/target" CARGO_INCREMENTAL=0 cargo build --quiet --locked --jobs "$2" "${options[@]}"
  cp "target/$profile/quotakeeper" "$1/quotakeeper"
  # Of a release there is nothing to strip; of another build also the name of the build, which is a sum over its debugging information.
  [ $profile = release ] || strip --remove-section .note.gnu.build-id "$1/quotakeeper"
  if cargo deb --version >/dev/null 2>&1 && [ $profile = release ]; then
    CARGO_TARGET_DIR="$1/target" .ci/package.sh --only-build
    cp target/package/*.deb "$1/quotakeeper.deb"
  fi
}
(umask 022 && TZ=UTC LC_ALL=C.UTF-8 && export TZ LC_ALL && build "$one" 1)
(umask 077 && TZ=Pacific/Kiritimati LC_ALL=C && export TZ LC_ALL && build "$other" 2)

for made in quotakeeper quotakeeper.deb; do
  [ -e "$one/$made" ] || { echo "$made was not compared: cargo-deb is not installed, or this is no release"; continue; }
  cmp "$one/$made" "$other/$made" || { echo "two builds of one commit differ: $one/$made and $other/$made"; exit 1; }
  sha256sum "$one/$made" | sed "s#  .*#  $made, twice#"
done
rm -rf "$work"
