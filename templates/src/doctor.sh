ci_aws_code=0
ci-aws doctor --output junit --file ci-aws-doctor.xml --annotations ci-aws-doctor.json || ci_aws_code=$?
if [ -n "${CI_AWS_REFS_PATHS:-}${CI_AWS_INPUT_REFS_PATHS:-}" ]; then
  ci_aws_refs=0
  ci-aws refs --output junit --file ci-aws-doctor-refs.xml --annotations ci-aws-doctor-refs.json || ci_aws_refs=$?
  # Of both the lesser: a failure is 1, what nobody could tell 3.
  if [ "$ci_aws_code" = 0 ] || { [ "$ci_aws_refs" != 0 ] && [ "$ci_aws_refs" -lt "$ci_aws_code" ]; }; then
    ci_aws_code=$ci_aws_refs
  fi
fi
[ "$ci_aws_code" = 0 ] || exit "$ci_aws_code"
