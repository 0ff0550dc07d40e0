ci_aws_flags=$-
set +x
ci_aws_env=$(CI_AWS_LOG_SECTION=true ci-aws env) || exit $?
eval "$ci_aws_env"
unset ci_aws_env
case $ci_aws_flags in
  *x*) unset ci_aws_flags; set -x ;;
  *) unset ci_aws_flags ;;
esac
