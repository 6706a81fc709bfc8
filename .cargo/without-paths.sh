#!/bin/sh
# Calls rustc so that what it makes names the sources of dependencies without the folder in which this machine keeps them, nor the
# registry's name there, which a mirror changes: the same sources make the same bytes anywhere.
for registry in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/; do
  set -- "$@" --remap-path-prefix="${registry%/}="
done
exec "$@"
