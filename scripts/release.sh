#!/bin/sh
# release.sh VERSION commits the release of that version (x.y.z), or begins the next one (x.y.z-dev), and says what is
# left to do. All is done in another work tree, whose commit is taken over when everything has succeeded: a release that
# fails leaves nothing behind.
set -eu
cd "$(dirname "$0")/.."
version=${1-}

fail() {
  echo "release: error: $1" >&2
  echo "release: hint: $2" >&2
  exit 1
}

if git rev-parse --quiet --verify "refs/tags/$version" >/dev/null; then
  fail "the tag $version exists" "a version is released once: take the next number"
fi
case $version in
  "$(sed -n 's/^const Version = "\(.*\)"$/\1/p' internal/cli/version.go)")
    [ "${version%-dev}" = "$version" ] || fail "$version is begun already" "there is nothing to do: it is the version in internal/cli/version.go"
    fail "$version is committed already" "tag it: git tag --annotate --message \"ci-aws $version\" $version"
    ;;
esac
[ -z "$(git status --porcelain)" ] ||
  fail "the work tree has changes" "a release is made of what is committed: commit them, or take them away (git status)"
{ git var GIT_AUTHOR_IDENT && git var GIT_COMMITTER_IDENT; } >/dev/null 2>&1 ||
  fail "git does not know who commits" "git config user.name NAME && git config user.email ADDRESS"

work=$(mktemp -d)
trap 'git worktree remove --force "$work/tree" >/dev/null 2>&1 || true; rm -rf "$work"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
git worktree add --quiet --detach "$work/tree" HEAD
date=$(date -u +%Y-%m-%d ${SOURCE_DATE_EPOCH:+-d "@$SOURCE_DATE_EPOCH"})
sh "$work/tree/scripts/release-prepare.sh" "$version" "$date"
sh "$work/tree/scripts/release-read.sh"

subject="release $version"
[ "${version%-dev}" = "$version" ] || subject="begin $version"
git -C "$work/tree" add --all
git -C "$work/tree" commit --quiet --message "$subject"
git merge --quiet --ff-only "$(git -C "$work/tree" rev-parse HEAD)"

echo "committed: $subject"
[ "${version%-dev}" = "$version" ] || exit 0
cat <<END
left to do, once you have looked at it (git show):
  git tag --annotate --message "ci-aws $version" $version
  git push origin HEAD $version
The pipeline of the tag builds all of it anew and makes the release where the sums are the same.
END
