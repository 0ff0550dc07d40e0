#!/bin/sh
# release-ran.sh JOB… fails unless this pipeline has each of those jobs and it succeeded: that a component is included
# says nothing of whether its jobs are in the pipeline.
# https://docs.gitlab.com/api/jobs/#list-all-jobs-for-a-pipeline
set -eu

if ! jobs=$(printf 'header = "JOB-TOKEN: %s"\n' "$CI_JOB_TOKEN" |
  curl --config - --silent --show-error --fail "$CI_API_V4_URL/projects/$CI_PROJECT_ID/pipelines/$CI_PIPELINE_ID/jobs?per_page=100&scope[]=success" --globoff); then
  echo "release: error: this instance does not tell a job of the jobs in its pipeline" >&2
  echo "release: hint: not every GitLab lets a job token read them, and where it may depends on the project's settings (CI/CD, job token permissions: read jobs); look at the pipeline's graph instead for: $*" >&2
  exit 1
fi
missing=
for job; do
  case $jobs in
    *"\"name\":\"$job\""*) echo "release: $job ran and succeeded" ;;
    *) missing="$missing $job" ;;
  esac
done
[ -z "$missing" ] || { echo "release: error: not in this pipeline, or not successful:$missing" >&2; exit 1; }
