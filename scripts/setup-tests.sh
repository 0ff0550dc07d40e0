#!/bin/sh
# Fetches what the tests run on: shells, rsync, and gitlab-ci-local with a Node that is new enough for it.
# What cannot be had is said here; the tests that need it skip, and testpipelines/runtests counts them.
set -eu
cd "$(dirname "$0")/.."

# gitlab-ci-local copies a job's files by rsync and reads the project by git.
sh scripts/install.sh dash bash busybox fish git rsync npm || true

cd testpipelines
if cmp -s package-lock.json node_modules/.installed; then
  exit 0
fi
if ! command -v npm >/dev/null 2>&1; then
  echo "setup: no npm: the pipeline tests will be skipped" >&2
elif npm ci --ignore-scripts --loglevel=error; then
  cp package-lock.json node_modules/.installed
else
  echo "setup: npm ci did not succeed: the pipeline tests will be skipped" >&2
fi
