#!/bin/sh
# release-assets.sh IMAGE makes of the binaries in dist/ all else that a release has: SHA256SUMS, the SBOM, the two
# images as OCI layouts, and the notes. Each is the same for the same tree. IMAGE is what the notes call the images;
# CI_PROJECT_URL and CI_PROJECT_PATH are those of the project, where it is not gitlab.com/ci-aws/ci-aws.
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
# Licences are read from the modules. The build has fetched these, but not all that "go mod download" wants to find of
# them. They were checked against go.sum then; nothing is asked of this project's own module.
# shellcheck disable=SC2046 # a list
go mod download $(go list -deps -f '{{with .Module}}{{with .Version}}{{$.Module.Path}}@{{.}}{{end}}{{end}}' ./cmd/ci-aws | sort -u)
GOPROXY=off GOSUMDB=off "$work/cyclonedx-gomod" bin -json -std -licenses -notimestamp -serial "$serial" -version "$version" \
  dist/ci-aws-linux-amd64 >"$work/sbom" 2>"$work/said" || { cat "$work/said" >&2; exit 1; }
sed -e "s/^  \"metadata\": {\$/&\n    \"timestamp\": \"${date}T00:00:00Z\",/" \
  -e 's/^      "type": "application",$/&\n      "licenses": [{"license": {"id": "MIT"}}],/' "$work/sbom" >dist/ci-aws.cdx.json

(cd dist && sha256sum ci-aws*) >"$work/sums"
mv "$work/sums" dist/SHA256SUMS

sh scripts/image-parts.sh "$work/parts"
rm -rf dist/image
mkdir -p dist/image
go build -C tools/image -buildvcs=false -o "$work/image" .
"$work/image" layout -binaries dist -parts "$work/parts" -version "$version" dist/image/scratch
"$work/image" layout -binaries dist -parts "$work/parts" -busybox -version "$version" dist/image/busybox

# What Debian's package was built from: +b1 and the like are rebuilds of the same source.
busybox=$(sed -n 's/^busybox-static \([^ ]*\) amd64 .*/\1/p' tools/image/debian.txt | sed 's/+b[0-9]*$//')
page=${CI_PROJECT_URL:-https://gitlab.com/ci-aws/ci-aws}
{
  # Relative links lead nowhere from the page of a release.
  notes=$(awk -v heading="## $version - $date" '$0 == heading { in_it = 1; next } /^## / { in_it = 0 } in_it' CHANGELOG.md |
    sed -E "s|\]\(([^):#]+)([)#])|]($page/-/blob/$version/\1\2|g")
  printf '%s\n\n' "${notes#?}" # without the empty line under the heading
  cat <<END
\`\`\`yaml
include:
  - component: \$CI_SERVER_FQDN/${CI_PROJECT_PATH:-ci-aws/ci-aws}/ci-aws@$version
\`\`\`

## Images

| image | what it is | digest |
|---|---|---|
| \`$image:$version\` | the binary and CA certificates | \`$("$work/image" digest dist/image/scratch)\` |
| \`$image:$version-busybox\` | with a shell, for jobs | \`$("$work/image" digest dist/image/busybox)\` |

The busybox in the second is Debian's, under the GPL, version 2; its source is
[busybox $busybox](https://snapshot.debian.org/package/busybox/$(echo "$busybox" | sed 's/:/%3A/g; s/+/%2B/g')/).

## Sums

\`\`\`
$(cat dist/SHA256SUMS)
\`\`\`

The sums of the Linux binaries stand in the tagged templates too, and the build is reproducible:
[how to verify a download]($page/-/blob/$version/docs/security.md#how-to-verify-a-download).

\`\`\`sh
sha256sum --check --ignore-missing SHA256SUMS
git show $version:templates/src/sums
\`\`\`
END
} >dist/notes.md
