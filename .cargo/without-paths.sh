#!/bin/sh
# Calls rustc so that what it makes names the sources of dependencies without the folder in which this machine keeps them.
exec "$@" --remap-path-prefix="${CARGO_HOME:-$HOME/.cargo}/registry/src="
