#!/bin/sh
# release-pages.sh VERSION makes the pages that people copy from name that version in place of the one they name now,
# and takes out the paragraphs that begin "Nothing is released yet". testpipelines/examples_test.go holds them to it.
set -eu
cd "$(dirname "$0")/.."
version=$1

# shellcheck disable=SC2016 # GitLab expands it
old=$(sed -n 's|.*\$CI_SERVER_FQDN/ci-aws/ci-aws/ci-aws@\([0-9]*\.[0-9]*\.[0-9]*\).*|\1|p' README.md | head -n 1)
if [ -z "$old" ]; then
  echo "release: error: README.md includes no version of the component" >&2
  echo "release: hint: its first example is: component: \$CI_SERVER_FQDN/ci-aws/ci-aws/ci-aws@$version" >&2
  exit 1
fi
literal=$(echo "$old" | sed 's/\./\\./g')
for page in README.md docs/setup.md docs/security.md; do
  # A paragraph ends with the empty line behind it.
  awk '/^(\*\*)?Nothing is released yet/ { out = 1 } !out; !NF { out = 0 }' "$page" |
    sed -E "s#(CI_SERVER_FQDN/[^[:space:]]*@|git show |--branch |/ci-aws:|/ci-aws/|rev: |\`@)$literal([^0-9]|\$)#\\1$version\\2#g" >"$page.new"
  mv "$page.new" "$page"
done
