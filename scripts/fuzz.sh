#!/bin/sh
# fuzz.sh TIME runs each fuzz target of the project for that long (10s, 5m).
set -eu
cd "$(dirname "$0")/.."

grep -rn --include='*_test.go' -o '^func Fuzz[A-Za-z0-9_]*' cmd internal testpipelines --exclude-dir=node_modules | while IFS=: read -r file _ target; do
  go test -run '^$' -fuzz "^${target#func }\$" -fuzztime "$1" -fuzzminimizetime 10x "./$(dirname "$file")"
done
