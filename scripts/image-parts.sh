#!/bin/sh
# image-parts.sh FOLDER lays into FOLDER what the images hold beside ci-aws: ca-certificates.crt, busybox-amd64 and
# busybox-arm64, and the copyright files of both, from the Debian packages that tools/image/debian.txt pins. They are
# fetched by apt once, with a state of its own that leaves this machine's as it is, and kept in the user's cache folder
# under their sums.
set -eu
folder=$(mkdir -p "$1" && cd "$1" && pwd)
cd "$(dirname "$0")/.."
pins=tools/image/debian.txt
kept=${XDG_CACHE_HOME:-$HOME/.cache}/ci-aws-release/debian
mkdir -p "$kept"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "image-parts: error: $1" >&2
  echo "image-parts: hint: $2" >&2
  exit 1
}

# apt-get for ARCHITECTURE, which this machine need not have
apt() {
  apt_state=$work/apt-$1
  shift
  apt-get -qq -o APT::Architecture="${apt_state##*-}" -o APT::Architectures="${apt_state##*-}" -o APT::Sandbox::User= \
    -o Dir::State="$apt_state" -o Dir::State::lists="$apt_state/lists" -o Dir::State::status="$apt_state/status" \
    -o Dir::Cache="$apt_state/cache" "$@"
}

# fetch NAME VERSION ARCHITECTURE leaves the package in the current folder
fetch() {
  as=$3
  [ "$as" != all ] || as=amd64
  if [ ! -e "$work/apt-$as/status" ]; then
    mkdir -p "$work/apt-$as/lists/partial" "$work/apt-$as/cache/archives/partial"
    : >"$work/apt-$as/status"
    apt "$as" update >&2 || return 1
  fi
  apt "$as" download "$1=$2" >&2
}

for tool in apt-get dpkg-deb; do
  command -v "$tool" >/dev/null 2>&1 ||
    fail "no $tool: the images are made of Debian packages" "run this on Debian or Ubuntu, or in the image golang:1.26.8-bookworm; all else of the project builds without it"
done

grep -v '^#' "$pins" >"$work/pins"
while read -r name version arch sum; do
  deb=$kept/$sum.deb
  if [ ! -e "$deb" ]; then
    mkdir "$work/new"
    (cd "$work/new" && fetch "$name" "$version" "$arch") ||
      fail "no package $name $version for $arch from this machine's sources of packages" "a newer one may have taken its place: renew $pins as its first lines say"
    got=$(cat "$work"/new/*.deb | sha256sum | cut -d ' ' -f 1)
    [ "$got" = "$sum" ] || fail "$name $version for $arch has the sum $got, not $sum" "if the version in $pins was renewed just now, write this sum there too; if not, it is another package"
    mv "$work"/new/*.deb "$deb"
    rmdir "$work/new"
  fi
  mkdir "$work/$name-$arch"
  dpkg-deb -x "$deb" "$work/$name-$arch"
done <"$work/pins"

for arch in amd64 arm64; do
  cp "$work/busybox-static-$arch/bin/busybox" "$folder/busybox-$arch"
done
cp "$work/busybox-static-amd64/usr/share/doc/busybox-static/copyright" "$folder/busybox-static.copyright"
cp "$work/ca-certificates-all/usr/share/doc/ca-certificates/copyright" "$folder/ca-certificates.copyright"
# As update-ca-certificates makes it, each file with an end to its last line, without this machine's own certificates.
find "$work/ca-certificates-all/usr/share/ca-certificates/mozilla" -name '*.crt' | LC_ALL=C sort | while read -r file; do
  awk 1 "$file"
done >"$folder/ca-certificates.crt"
