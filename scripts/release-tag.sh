#!/bin/sh
# release-tag.sh makes the release of a tag in the tag's own pipeline: builds everything anew into dist/ and fails unless
# the tagged templates are what their sources make, and the binaries have the sums that they hold.
set -eu
cd "$(dirname "$0")/.."
version=$(sed -n 's/^const Version = "\(.*\)"$/\1/p' internal/cli/version.go)
if [ "$version" != "$CI_COMMIT_TAG" ]; then
  echo "release: error: the tag is $CI_COMMIT_TAG, and the code's version is $version" >&2
  echo "release: hint: tag the commit that \"make release VERSION=$CI_COMMIT_TAG\" has made" >&2
  exit 1
fi
if ! make -s docs-check >&2; then
  echo "release: error: what the tag holds is not what its sources make" >&2
  echo "release: hint: the commit was changed after \"make release\": release the next version" >&2
  exit 1
fi
rm -rf dist
make -s binaries
if ! (cd dist && sha256sum ci-aws-linux-*) | diff templates/src/sums - >&2; then
  echo "release: error: the binaries built here are not those whose sums the templates of $version hold" >&2
  echo "release: hint: the commit was changed after \"make release\", or built by another toolchain: release the next version" >&2
  exit 1
fi
sh scripts/release-assets.sh "${CI_REGISTRY_IMAGE:?the project has no container registry}"
sh scripts/release-check.sh
