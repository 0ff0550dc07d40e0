#!/bin/sh
# release-check.sh looks at dist/ as whoever fetches it would: the toolchain, the version and the sums of the binaries,
# those that the templates hold, the images; and runs what this machine can run. It says what it has not run.
set -eu
cd "$(dirname "$0")/.."
version=$(sed -n 's/^const Version = "\(.*\)"$/\1/p' internal/cli/version.go)
toolchain=$(sed -n 's/^TOOLCHAIN := //p' Makefile)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "release: error: $1" >&2
  exit 1
}

(cd dist && sha256sum --quiet --check SHA256SUMS)
grep linux dist/SHA256SUMS | cmp -s - templates/src/sums ||
  fail "the binaries are not those whose sums the templates hold: $(grep linux dist/SHA256SUMS | tr '\n' ' ')is not $(tr '\n' ' ' <templates/src/sums)"
go run ./templates/gen -check
for binary in dist/ci-aws-*-*; do
  built=$(go version "$binary")
  [ "${built##*: }" = "$toolchain" ] || fail "$binary was built by ${built##*: }, not by $toolchain"
done
echo "release: sums, templates and toolchain ($toolchain) agree"

go build -C tools/image -buildvcs=false -o "$work/image" .
"$work/image" check -binaries dist -version "$version" dist/image/scratch
"$work/image" check -binaries dist -version "$version" -busybox dist/image/busybox
for variant in scratch busybox; do
  digest=$("$work/image" digest "dist/image/$variant")
  grep -Fq "$digest" dist/notes.md || fail "the notes do not name $digest, the image in dist/image/$variant"
done

# in IMAGE COMMAND… runs a command in the unpacked image, as its user where this one may become another
in_image() {
  root=$work/$1
  shift
  if [ "$(id -u)" = 0 ]; then
    chroot --userspec=65532:65532 "$root" "$@"
  else
    unshare --map-root-user chroot "$root" "$@"
  fi
}

if [ "$(uname -sm)" != "Linux x86_64" ] || ! { [ "$(id -u)" = 0 ] || unshare --map-root-user true 2>/dev/null; }; then
  echo "release: the images were not run: this machine is not Linux on x86_64, or gives no chroot"
  exit
fi
for variant in scratch busybox; do
  mkdir "$work/$variant"
  "$work/image" export -platform linux/amd64 "dist/image/$variant" | tar -x -C "$work/$variant" -f -
  said=$(in_image "$variant" /usr/local/bin/ci-aws --version)
  case $said in
    *"$version"*) echo "release: ran in $variant, linux/amd64: $said" ;;
    *) fail "the binary in $variant says \"$said\", wanted $version" ;;
  esac
done
# shellcheck disable=SC2016 # expanded in the image
in_image busybox /bin/sh -euc 'PATH=/usr/local/bin:/usr/bin:/bin
  for link in /bin/*; do
    [ "$link" = /bin/busybox ] || busybox --list | grep -Fqx -e "${link#/bin/}" || { echo "no applet $link"; exit 1; }
  done
  ci-aws --version | sha256sum >/tmp/sum && echo "release: ran in busybox, linux/amd64: sh as user $(id -u), $(ls /bin | wc -l) programs"'
echo "release: linux/arm64 and darwin/arm64 were not run"
