#!/bin/sh
# usage: build.sh PROGRAM: builds the checker. 77: its module cannot be had here, and nothing is judged.
set -eu
cd "$(dirname "$0")/checker"
go=../../../scripts/go
"$go" mod download || { echo "SKIPPED: go or the modules of go.mod cannot be had here" >&2; exit 77; }
"$go" build -o "$1" .
