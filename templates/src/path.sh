ci_aws_flags=$-
set +x
for ci_aws_name in WANT_VERSION BINARY_PROJECT BINARY_URL; do
  eval "ci_aws_is=\${CI_AWS_$ci_aws_name:-} ci_aws_input=\${CI_AWS_INPUT_$ci_aws_name:-}"
  if [ -n "$ci_aws_is" ] && [ -n "$ci_aws_input" ] && [ "$ci_aws_input" != "$ci_aws_is" ]; then
    case $ci_aws_name in
      WANT_VERSION) ci_aws_input=version ;;
      BINARY_PROJECT) ci_aws_input=binary-project ;;
      BINARY_URL) ci_aws_input=binary-url ;;
    esac
    echo "ci-aws: warning: CI_AWS_$ci_aws_name is not what the component's input $ci_aws_input says: the variable outranks it" >&2
  fi
done
ci_aws_home=$(
CI_AWS_WANT_VERSION=${CI_AWS_WANT_VERSION:-${CI_AWS_INPUT_WANT_VERSION:-}}
CI_AWS_BINARY_PROJECT=${CI_AWS_BINARY_PROJECT:-${CI_AWS_INPUT_BINARY_PROJECT:-}}
CI_AWS_BINARY_URL=${CI_AWS_BINARY_URL:-${CI_AWS_INPUT_BINARY_URL:-}}
@install.sh@
) || exit $?
if [ -n "$ci_aws_home" ]; then
  PATH=$ci_aws_home${PATH:+:$PATH}
  export PATH
fi
unset ci_aws_name ci_aws_is ci_aws_input ci_aws_home
case $ci_aws_flags in
  *x*) unset ci_aws_flags; set -x ;;
  *) unset ci_aws_flags ;;
esac
