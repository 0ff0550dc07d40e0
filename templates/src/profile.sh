ci_aws_flags=$-
set +x
case ${CI_AWS_EXTENDS:-} in
  *-profile) ;;
  *)
    echo 'ci-aws: error: this job takes the before_script of .ci-aws-profile but does not extend it' >&2
    echo 'ci-aws: hint: extend .ci-aws-profile: its variables name the AWS config file, for after_script too' >&2
    exit 1
    ;;
esac
ci_aws_env=$(CI_AWS_LOG_SECTION=true ci-aws configure --isolate --check) || exit $?
# Before after_script the runner exports every line of $GITLAB_ENV, a NAME=value; nothing there can unset a variable.
# AWS tools take an empty variable for none, except where it names a profile.
if [ -f "${GITLAB_ENV:-}" ] && [ -w "$GITLAB_ENV" ]; then
  (
    IFS=' '
    ci_aws_is=
    printf '%s\n' "$ci_aws_env" | while read -r ci_aws_verb ci_aws_names; do
      case $ci_aws_verb in
        unset)
          for ci_aws_name in $ci_aws_names; do
            eval "ci_aws_is=\${$ci_aws_name+set}"
            case $ci_aws_is-$ci_aws_name in
              set-*_PROFILE) printf '%s=default\n' "$ci_aws_name" ;;
              set-*) printf '%s=\n' "$ci_aws_name" ;;
            esac
          done
          ;;
        export)
          eval "export $ci_aws_names"
          eval "printf '%s=%s\n' \"\${ci_aws_names%%=*}\" \"\$${ci_aws_names%%=*}\""
          ;;
      esac
    done
  ) >>"$GITLAB_ENV"
fi
eval "$ci_aws_env"
unset ci_aws_env
case $ci_aws_flags in
  *x*) unset ci_aws_flags; set -x ;;
  *) unset ci_aws_flags ;;
esac
