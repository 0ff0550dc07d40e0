#!/bin/sh
# release-upload.sh brings the files in dist/ to the project's package registry, in the pipeline of a tag. First it looks
# at all that is there: a file that is the same is left, so that a job that ended half-way can be run again, and where one
# is another nothing is uploaded. The registry itself would keep both, and serve the newer. The job token goes to curl by
# standard input, never in an argument list; as a password it follows no redirect to another host.
# https://docs.gitlab.com/user/packages/generic_packages/
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "release: error: $1" >&2
  echo "release: hint: $2" >&2
  exit 1
}

# registry FILE OPTION... calls curl for the file of that name, and prints the status, which is 000 where no answer came
registry() {
  name=$1
  shift
  printf 'user = "gitlab-ci-token:%s"\n' "$CI_JOB_TOKEN" |
    curl --config - --silent --show-error --retry 3 --write-out '%{http_code}' "$@" \
      "$CI_API_V4_URL/projects/$CI_PROJECT_ID/packages/generic/ci-aws/$CI_COMMIT_TAG/$name" || :
}

# SHA256SUMS comes last: with it there, all is there.
for file in dist/ci-aws-*-* dist/ci-aws.cdx.json dist/SHA256SUMS; do
  name=${file##*/}
  rm -f "$work/there"
  status=$(registry "$name" --location --output "$work/there")
  case $status in
    200)
      cmp -s "$file" "$work/there" ||
        fail "$name of $CI_COMMIT_TAG is in the package registry and is another file: $(sha256sum <"$work/there" | cut -d ' ' -f 1), not $(sha256sum <"$file" | cut -d ' ' -f 1)" \
          "nothing was uploaded: a version is released once, release the next number"
      echo "release: $name is there already"
      ;;
    404) printf '%s\n' "$name" >>"$work/missing" ;;
    *)
      fail "asking the package registry for $name: HTTP $status" \
        "nothing was uploaded; 401 and 403: look whether the package registry is on and the job's user may write to it" ;;
  esac
done

[ -e "$work/missing" ] || exit 0
while read -r name; do
  status=$(registry "$name" --output "$work/said" --upload-file "dist/$name")
  [ "$status" = 201 ] || fail "uploading $name to the package registry: HTTP $status" "run the job again: it goes on where this one ended"
  echo "release: uploaded $name"
done <"$work/missing"
