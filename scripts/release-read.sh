#!/bin/sh
# release-read.sh reads this tree as its users would, before it is released: what is generated is current, and the pages
# name one version, the one of the code or the last one released, and show what the test pipelines run.
set -eu
cd "$(dirname "$0")/.."
said=$(mktemp)
trap 'rm -f "$said"' EXIT

if ! make -s docs-check >"$said" 2>&1; then
  cat "$said" >&2
  echo "release: error: what is generated is not current" >&2
  echo "release: hint: make docs, look at it, commit" >&2
  exit 1
fi
if ! go test -count=1 -run '^(TestThePagesNameOneVersionTheLastOrTheNext|TestEveryExampleIsTheTextOfATestPipeline|TestEveryLinkLeadsSomewhere)$' ./testpipelines >"$said" 2>&1; then
  cat "$said" >&2
  echo "release: error: README.md, docs/setup.md or docs/security.md does not fit this version" >&2
  echo "release: hint: the lines above say which page and why: mend it and commit; nothing was changed" >&2
  exit 1
fi
