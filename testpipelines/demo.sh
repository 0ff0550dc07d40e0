#!/bin/sh
# What a job pod does with ci-aws, shown on the sandbox: "make demo" runs this inside it. Every line below a "$" is
# what the command printed; a command that does not do as it should ends the demo.
set -eu

say() { printf '\n# %s\n' "$1"; }
run() { printf '$ %s\n' "$1"; eval "$1"; }

say 'A job pod on EKS: a service account token, and the ARN of a role. Who is this job?'
run 'ci-aws whoami'

say 'The credentials in the shell; the SDK then has nothing else to go by, and uses S3 with them.'
(
  # shellcheck disable=SC2016 # expanded by run
  run 'ci_aws_env=$(ci-aws env --isolate) || exit $?; eval "$ci_aws_env"'
  run 'sdkprobe roundtrip s3://my-super-duper-gitlab-runner-cache/demo/object'
)

say 'The same for one command, whose output does not give the secret key away.'
# shellcheck disable=SC2016 # expanded by the child
run 'ci-aws exec -- sh -c '\''echo "the secret key is $AWS_SECRET_ACCESS_KEY"'\'

say 'Now the trust policy names another service account. The doctor says which reference is wrong.'
code=0
printf '$ sandbox --trust-sub system:serviceaccount:gitlab:gitlab-runner -- ci-aws doctor\n'
found=$(sandbox --trust-sub system:serviceaccount:gitlab:gitlab-runner -- ci-aws doctor) || code=$?
printf '%s\n' "$found"
if [ "$code" -ne 1 ]; then
  echo "demo: exit code $code where a broken trust policy should have given 1" >&2
  exit 1
fi
printf '(exit code 1, as it should be)\n'

say 'The trust policy that it printed, pasted into the role. Green.'
trust=$(mktemp)
trap 'rm -f "$trust"' EXIT
printf '%s\n' "$found" | sed -n '/as JSON:$/,/^}$/p' | sed 1d >"$trust"
printf '$ sandbox --trust-policy trust.json -- ci-aws doctor\n'
found=$(sandbox --trust-policy "$trust" -- ci-aws doctor)
printf '%s\n' "$found"
