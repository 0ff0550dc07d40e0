#!/bin/sh
# install.sh TOOL... installs from Debian's packages those tools that are not in PATH, where this user may.
# It exits 1 and names them when some remain missing.
set -eu

missing() {
  for tool in "$@"; do
    command -v "$tool" >/dev/null 2>&1 || printf ' %s' "$tool"
  done
}

wanted=$(missing "$@")
[ -n "$wanted" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "install:$wanted"
  export DEBIAN_FRONTEND=noninteractive
  # The package lists may be absent or too old: they are fetched only when the first try needs it.
  # shellcheck disable=SC2086 # a list of words
  apt-get install -qq --no-install-recommends $wanted >/dev/null 2>&1 ||
    { apt-get update -qq && apt-get install -qq --no-install-recommends $wanted >/dev/null; } || true
  wanted=$(missing "$@")
  [ -n "$wanted" ] || exit 0
  echo "install: not to be had from this machine's packages:$wanted" >&2
else
  echo "install: missing, and this needs root and apt-get:$wanted" >&2
fi
exit 1
