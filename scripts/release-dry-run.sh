#!/bin/sh
# release-dry-run.sh [VERSION] makes the release of this tree, as it is, into dist/: all but the commit and the uploads.
# Everything is made twice, in two folders, and has to come out the same. VERSION is the one in the code without -dev
# where none is given.
set -eu
cd "$(dirname "$0")/.."
version=${1:-$(sed -n 's/^const Version = "\(.*\)"$/\1/p' internal/cli/version.go)}
version=${version%-dev}
date=$(date -u +%Y-%m-%d ${SOURCE_DATE_EPOCH:+-d "@$SOURCE_DATE_EPOCH"})
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# What would be committed now; a file that was removed is still listed.
# shellcheck disable=SC2016 # expanded by the inner shell
git ls-files -z --cached --others --exclude-standard --deduplicate |
  xargs -0 sh -c 'for file; do [ ! -e "$file" ] || printf "%s\0" "$file"; done' sh |
  tar -c --null -T - -f "$work/tree.tar"

# same WHAT fails unless the files in dist/ of both trees are the same
same() {
  for tree in "$work/once" "$work/and/once/more"; do
    (cd "$tree" && find dist templates component.yml -type f | LC_ALL=C sort | xargs sha256sum) >"$tree.sums"
  done
  diff "$work/once.sums" "$work/and/once/more.sums" >&2 ||
    { echo "release: error: $1 of two folders differ in the files above" >&2; exit 1; }
}

# The paths differ in length and in depth.
for tree in "$work/once" "$work/and/once/more"; do
  mkdir -p "$tree"
  tar -x -C "$tree" -f "$work/tree.tar"
  sh "$tree/scripts/release-prepare.sh" "$version" "$date"
done
same 'the binaries'
sh "$work/once/scripts/release-read.sh"
for tree in "$work/once" "$work/and/once/more"; do
  sh "$tree/scripts/release-assets.sh" ci-aws
  mkdir "$tree/dist/templates"
  cp "$tree"/templates/*.yml "$tree/dist/templates/"
  cp "$tree/component.yml" "$tree/dist/"
done
same 'the releases'
echo "release: built twice, in two folders: $(wc -l <"$work/once.sums") files, all the same"
sh "$work/once/scripts/release-check.sh"

rm -rf dist
mv "$work/once/dist" dist
echo "release: version $version is in dist:"
du -ah --apparent-size --max-depth=2 dist | sort -k 2
