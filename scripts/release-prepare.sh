#!/bin/sh
# release-prepare.sh VERSION DATE makes of this tree the one of that version: the version in the code and on the pages,
# its heading in CHANGELOG.md, the binaries in dist/, their sums in the templates, what is generated of them. VERSION
# x.y.z-dev begins the next version instead, which has no binaries yet and no sums. Nothing is committed.
set -eu
cd "$(dirname "$0")/.."
version=$1
date=$2

fail() {
  echo "release: error: $1" >&2
  echo "release: hint: $2" >&2
  exit 1
}

# replace FILE takes what an edit prints for the file's new text
replace() {
  cat >"$1.new"
  mv "$1.new" "$1"
}

# No leading zeros, no v: the Catalog takes semantic versions only. grep looks at each line by itself.
number='(0|[1-9][0-9]*)'
case $version in
  *[!0-9.a-z-]*) false ;;
  *) echo "$version" | grep -Eqx "$number\.$number\.$number(-dev)?" ;;
esac || fail "\"$version\" is not a version" "make release VERSION=1.2.3, or 1.3.0-dev to begin the next one"

# Versions never go backwards: a range such as ~latest takes the highest.
last=$(sed -n -E "s/^## ($number\.$number\.$number) - .*/\1/p" CHANGELOG.md | sort -t . -k 1,1n -k 2,2n -k 3,3n | tail -n 1)
if [ -n "$last" ]; then
  first=$(printf '%s\n' "$last" "${version%-dev}" | sort -t . -k 1,1n -k 2,2n -k 3,3n | head -n 1)
  [ "$first" != "${version%-dev}" ] || fail "$version is not above $last, which CHANGELOG.md has as released" "take a number above $last"
fi

code=internal/cli/version.go
grep -q '^const Version = ".*"$' "$code" || fail "$code does not hold the version" 'its line is: const Version = "x.y.z"'
sed "s/^const Version = \".*\"\$/const Version = \"$version\"/" "$code" | replace "$code"

if [ "${version%-dev}" != "$version" ]; then
  grep -qx '## Unreleased' CHANGELOG.md ||
    awk '!done && /^## / { print "## Unreleased\n"; done = 1 } { print }' CHANGELOG.md | replace CHANGELOG.md
  : >templates/src/sums
  make -s docs
  exit
fi

# entries under the heading: lines up to the next heading that are not empty
[ "$(awk '/^## / { in_it = $0 == "## Unreleased"; next } in_it && NF' CHANGELOG.md | wc -l)" -gt 0 ] ||
  fail 'CHANGELOG.md has no entries under "## Unreleased"' "say there what this version changes for its users"
sed "s/^## Unreleased\$/## $version - $date/" CHANGELOG.md | replace CHANGELOG.md
sh scripts/release-pages.sh "$version"

rm -rf dist
make -s binaries
(cd dist && sha256sum ci-aws-linux-*) >templates/src/sums
make -s docs
