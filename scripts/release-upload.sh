#!/bin/sh
# release-upload.sh brings the files in dist/ to the project's package registry, in the pipeline of a tag. The job token
# goes to curl by standard input, never in an argument list, and no redirect is followed with it.
# https://docs.gitlab.com/user/packages/generic_packages/
set -eu
cd "$(dirname "$0")/.."

for file in dist/ci-aws-*-* dist/ci-aws.cdx.json dist/SHA256SUMS; do
  name=${file##*/}
  printf 'header = "JOB-TOKEN: %s"\n' "$CI_JOB_TOKEN" |
    curl --config - --silent --show-error --fail --retry 3 --output /dev/null --upload-file "$file" \
      "$CI_API_V4_URL/projects/$CI_PROJECT_ID/packages/generic/ci-aws/$CI_COMMIT_TAG/$name" || {
    echo "release: error: uploading $name to the package registry: see the line above" >&2
    exit 1
  }
  echo "release: uploaded $name"
done
