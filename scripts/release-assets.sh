#!/bin/sh
# release-assets.sh IMAGE makes of the binaries in dist/ all else that a release has: SHA256SUMS, the SBOM, the two
# images as OCI layouts, and the notes. Each is the same for the same tree. IMAGE is what the notes call the images.
set -eu
cd "$(dirname "$0")/.."
image=$1
GOTOOLCHAIN=$(sed -n 's/^TOOLCHAIN := //p' Makefile)
export GOTOOLCHAIN CGO_ENABLED=0 GOFLAGS=
version=$(sed -n 's/^const Version = "\(.*\)"$/\1/p' internal/cli/version.go)
# The one time that a release has is the date in its heading.
date=$(sed -n "s/^## $version - \(.*\)\$/\1/p" CHANGELOG.md)
[ -n "$date" ] || { echo "release: error: CHANGELOG.md has no heading \"## $version - <date>\"" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A serial number names one bill of materials: that of this binary.
serial=$(sha256sum dist/ci-aws-linux-amd64 | sed -E 's/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*/\1-\2-5\3-8\4-\5/')
go build -modfile=tools/go.mod -trimpath -buildvcs=false -o "$work/cyclonedx-gomod" github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod
"$work/cyclonedx-gomod" bin -json -std -notimestamp -serial "$serial" -version "$version" \
  dist/ci-aws-linux-amd64 >"$work/sbom" 2>"$work/said" || { cat "$work/said" >&2; exit 1; }
sed "s/^  \"metadata\": {\$/&\n    \"timestamp\": \"${date}T00:00:00Z\",/" "$work/sbom" >dist/ci-aws.cdx.json

(cd dist && sha256sum ci-aws*) >"$work/sums"
mv "$work/sums" dist/SHA256SUMS

sh scripts/image-parts.sh "$work/parts"
rm -rf dist/image
mkdir -p dist/image
go build -C tools/image -buildvcs=false -o "$work/image" .
"$work/image" layout -binaries dist -certificates "$work/parts/ca-certificates.crt" -version "$version" dist/image/scratch
"$work/image" layout -binaries dist -certificates "$work/parts/ca-certificates.crt" -busybox "$work/parts" -version "$version" dist/image/busybox

{
  notes=$(awk -v heading="## $version - $date" '$0 == heading { in_it = 1; next } /^## / { in_it = 0 } in_it' CHANGELOG.md)
  printf '%s\n\n## Images\n' "${notes#?}" # without the empty line under the heading
  echo
  echo '| image | what it is | digest |'
  echo '|---|---|---|'
  # shellcheck disable=SC2016 # back-quotes of Markdown
  printf '| `%s` | %s | `%s` |\n' \
    "$image:$version" 'the binary and CA certificates' "$("$work/image" digest dist/image/scratch)" \
    "$image:$version-busybox" 'with a shell, for jobs' "$("$work/image" digest dist/image/busybox)"
  echo
  echo '## Sums'
  echo
  echo '```'
  cat dist/SHA256SUMS
  echo '```'
} >dist/notes.md
