#!/bin/sh
# image-push.sh [check] brings the images in dist/ to the project's container registry, in the pipeline of a tag; an image
# that is there already is left, and another one under that name is an error. With check it only looks for such. The
# registry's user and password go to the tool by the environment, which GitLab sets.
set -eu
cd "$(dirname "$0")/.."
command=push
[ "${1:-}" != check ] || command=pushable
dist=$(cd dist && pwd)
cd tools/image
go run . "$command" "$dist/image/scratch" "$CI_REGISTRY_IMAGE:$CI_COMMIT_TAG"
go run . "$command" "$dist/image/busybox" "$CI_REGISTRY_IMAGE:$CI_COMMIT_TAG-busybox"
