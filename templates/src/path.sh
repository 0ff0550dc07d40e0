ci_aws_flags=$-
set +x
for ci_aws_name in WANT_VERSION BINARY_PROJECT BINARY_URL; do
  ci_aws_is='' ci_aws_input=''
  eval "ci_aws_is=\${CI_AWS_$ci_aws_name:-} ci_aws_input=\${CI_AWS_INPUT_$ci_aws_name:-}"
  if [ -n "$ci_aws_input" ] && [ "$ci_aws_input" != "$ci_aws_is" ]; then
    echo "ci-aws: warning: CI_AWS_$ci_aws_name is not what the component's input says: a CI/CD variable outranks the input" >&2
  fi
done
ci_aws_home=$(
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
