#!/bin/sh
# Checks every shell script of the project with shellcheck. Without it: said aloud, and in CI a failure.
set -eu
cd "$(dirname "$0")/.."

if ! sh scripts/install.sh shellcheck; then
  echo "lint: the shell scripts were not checked" >&2
  [ "${CI:-}" != true ]
  exit
fi
shellcheck .ci/run scripts/*.sh testpipelines/*.sh
# These run in whatever shell the image of a job has.
shellcheck --shell=sh templates/src/*.sh
