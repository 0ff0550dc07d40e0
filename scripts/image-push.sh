#!/bin/sh
# image-push.sh brings the images in dist/ to the project's container registry, in the pipeline of a tag. The registry's
# user and password go to the tool by the environment, which GitLab sets.
set -eu
cd "$(dirname "$0")/.."
dist=$(cd dist && pwd)
cd tools/image
go run . push "$dist/image/scratch" "$CI_REGISTRY_IMAGE:$CI_COMMIT_TAG"
go run . push "$dist/image/busybox" "$CI_REGISTRY_IMAGE:$CI_COMMIT_TAG-busybox"
