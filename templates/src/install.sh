# Finds or fetches ci-aws @VERSION@. This runs within $( ): its output is the folder to put first in PATH, nothing where
# the ci-aws in PATH will do. Version and sums are literals, since a CI/CD variable outranks those of a component.
# Nothing is removed but what this run has made: what another job has fetched may be in use, on a volume that both have.
set +aCefux
unset IFS
umask 077
LC_ALL=C
export LC_ALL
version='@VERSION@'
home=
trap 'die "installing ci-aws $version: interrupted"' HUP INT TERM

# die ERROR HINT... ends the job; an empty hint is left out.
die() {
  printf 'ci-aws: error: %s\n' "$1" >&2
  shift
  for hint in "$@"; do
    [ -z "$hint" ] || printf 'ci-aws: hint: %s\n' "$hint" >&2
  done
  [ -z "$home" ] || rm -rf "$home"
  exit 1
}

have() {
  command -v "$1" >/dev/null 2>&1
}

# clean TEXT OTHER sets text: TEXT where a log can show it, else OTHER. An address could hold a password.
clean() {
  text=$1
  case $text in
    (''|*[!\ -~]*|*://*) text=$2 ;;
  esac
}

# sum_of FILE sets sum, by the first tool that can tell it.
sum_of() {
  for tool in sha256sum 'shasum -a 256' 'openssl dgst -sha256'; do
    have "${tool%% *}" || continue
    # shellcheck disable=SC2086 # a command with its arguments
    sum=$($tool <"$1" 2>/dev/null)
    sum=${sum#*= }
    sum=${sum%% *}
    case ${#sum}$sum in
      (*[!0-9a-f]*) ;;
      (64*) return 0 ;;
    esac
  done
  die "checking the sha256 of ci-aws $version: no sha256sum, shasum or openssl that works is in PATH" \
    "use an image that has one of them, or has ci-aws $version in PATH"
}

# sound URL: http or https, a host, and none but the characters of a URL.
sound() {
  case $1 in
    (http://[!/?]*|https://[!/?]*) ;;
    (*) return 1 ;;
  esac
  odd='*[!]A-Za-z0-9._~:/?@!%[+,;=&*()-]*'
  # shellcheck disable=SC2254 # a pattern
  case $1 in
    ($odd) return 1 ;;
  esac
}

# parts_of URL sets authority, and plain: the URL without user, password and query.
parts_of() {
  plain=${1%%\?*}
  authority=${plain#*://}
  path=${authority#"${authority%%/*}"}
  authority=${authority%%/*}
  plain=${plain%%://*}://${authority##*@}$path
}

# of_gitlab URL: scheme, host and port equal those of the GitLab that this job is of, over https.
of_gitlab() {
  case $CI_SERVER_PROTOCOL+$1 in
    (https+https://*) ;;
    (*) return 1 ;;
  esac
  case $CI_SERVER_PORT+$CI_SERVER_HOST in
    (+*|*+|*[!0-9]*+*|*+*[!A-Za-z0-9.-]*) return 1 ;;
  esac
  parts_of "$1"
  [ "$authority" = "$CI_SERVER_HOST:$CI_SERVER_PORT" ] || [ "$authority:443" = "$CI_SERVER_HOST:$CI_SERVER_PORT" ]
}

# takes_token URL: the job token may go there, and can go unseen by other processes.
takes_token() {
  case $CI_JOB_TOKEN in
    (''|*[!A-Za-z0-9._~-]*) return 1 ;;
  esac
  [ "$(command -v printf)" = printf ] && of_gitlab "$1"
}

# by_curl URL [token] sets status (000: no whole answer, loop: no end of redirects), words, at and again (nothing:
# not worth another try). Redirects are followed here, so that only the first address can get the token.
by_curl() {
  at=$1 with=$2 hops=0 again=yes words=
  while :; do
    set -- --disable --silent --show-error --globoff --proto '=http,https' --connect-timeout 20 --max-time 180 \
      --speed-limit 1024 --speed-time 30 --output "$home/part" --write-out '%{http_code} %{redirect_url}'
    if of_gitlab "$at" && [ -r "$CI_SERVER_TLS_CA_FILE" ]; then
      set -- "$@" --cacert "$CI_SERVER_TLS_CA_FILE"
    fi
    if [ -n "$with" ] && takes_token "$at"; then
      answer=$(printf 'user = "gitlab-ci-token:%s"\n' "$CI_JOB_TOKEN" | curl "$@" --config - "$at" 2>"$home/said")
    else
      answer=$(curl "$@" "$at" 2>"$home/said" </dev/null)
    fi
    code=$? with='' status=${answer%% *}
    if [ "$code" != 0 ]; then
      while IFS= read -r line || [ -n "$line" ]; do
        words=$line
      done <"$home/said"
      clean "$words" "curl exits $code"
      words=$text status=000
      case $code in
        (1|3|23|63) again= ;;
        (51|58|59|60|77|83) again='' words="$words (TLS)" ;;
      esac
      return
    fi
    case $status in
      (301|302|303|307|308) ;;
      (*) return ;;
    esac
    hops=$((hops + 1))
    if [ "$hops" -gt 5 ]; then
      status=loop words='more than 5 redirects'
      return
    fi
    at=${answer#* }
    if ! sound "$at"; then
      status=loop at=$address words='redirected to what is no http or https address'
      return
    fi
  done
}

# by_wget URL does the same by GNU wget or that of busybox, always without a token.
by_wget() {
  at=$1 again=yes status='' words=''
  case $(wget --version 2>/dev/null </dev/null) in
    (GNU\ Wget*)
      set -- --no-config --tries=1 --timeout=30 --max-redirect=5
      if of_gitlab "$at" && [ -r "$CI_SERVER_TLS_CA_FILE" ]; then
        set -- "$@" --ca-certificate="$CI_SERVER_TLS_CA_FILE"
      fi
      ;;
    (*)
      set --
      case $(wget --help 2>&1 </dev/null) in
        (*-T\ SEC*) set -- -T 30 ;;
      esac
      ;;
  esac
  # Another HOME keeps it from the password in a .netrc, and from leaving a file.
  HOME=/dev/null wget "$@" -S -O "$home/part" "$at" >"$home/said" 2>&1 </dev/null
  code=$?
  while IFS= read -r line || [ -n "$line" ]; do
    line=${line#"${line%%[! ]*}"}
    case $line in
      (HTTP/*|wget:\ server\ returned\ error:\ HTTP/*)
        line=${line#*HTTP/}; line=${line#* }
        status=${line%%[!0-9]*}
        ;;
      ([Ll]ocation:\ http*) line=${line#*: }; line=${line%%[!!-~]*}; sound "$line" && at=$line ;;
      (*No\ data\ received*|*Read\ error*) words=${line##*... } ;;
      (wget:*|*failed:*|*redirections\ exceeded*|*closed\ at\ byte*|ERROR:*|Unable\ to\ establish*) words=$line ;;
    esac
  done <"$home/said"
  [ "$code" != 0 ] || { status=200; return; }
  clean "$words" "wget exits $code"
  words=$text
  case $status+$words in
    ([45][0-9][0-9]+*) return ;;
    (3*+*redirections*) status=loop words='more than 5 redirects' ;;
    (*) status=000 ;;
  esac
  case $words in
    (ERROR:*|*ertificate*) again='' words="$words (TLS)" ;;
  esac
}

# home_in DIR makes a new folder of ours there, which can hold a program and run it, and sets home, else reason.
home_in() {
  case $1 in
    (*:*) reason='PATH can hold no colon'; return 1 ;;
    (/*) base=${1%/} ;;
    (*) base=$PWD/$1 ;;
  esac
  number=0
  while home=$base/ci-aws_${version}_${job}_$number; ! mkdir -m 700 "$home" 2>/dev/null; do
    if [ "$number" = 99 ] || ! [ -e "$home" ] && ! [ -L "$home" ]; then
      home=
      reason='cannot be written'
      [ -d "$base/" ] || reason='is no folder'
      return 1
    fi
    number=$((number + 1))
  done
  # An empty program is one that every shell can run, but not from a file system mounted noexec.
  if printf '' >"$home/part" && chmod 700 "$home/part" && "$home/part"; then
    return 0
  fi 2>/dev/null
  rm -rf "$home"
  home=
  reason='runs no program, as if mounted noexec'
  return 1
}

# An image may have busybox without its links.
for tool in mkdir chmod rm mv uname sleep wget sha256sum; do
  if ! have "$tool" && busybox "$tool" --help >/dev/null 2>&1; then
    eval "$tool() { busybox $tool \"\$@\"; }"
  fi
done

machine="$(uname -s 2>/dev/null) $(uname -m 2>/dev/null)"
case $machine in
  ('Linux x86_64'|'Linux amd64') asset=ci-aws-linux-amd64 want='@SUM_LINUX_AMD64@' ;;
  ('Linux aarch64'|'Linux arm64') asset=ci-aws-linux-arm64 want='@SUM_LINUX_ARM64@' ;;
  (*) asset='' want='' ;;
esac

case $CI_AWS_WANT_VERSION in
  (''|any|"$version") ;;
  (*) die "reading CI_AWS_WANT_VERSION: it is neither empty nor any" \
    'leave the input version empty, or set it to any, which takes the ci-aws in PATH as it is' ;;
esac

other=
found=$(command -v ci-aws)
clean "$found" 'the ci-aws in PATH'
shown=$text
case $found in
  (*/ci-aws_"$version"_*_*/ci-aws)
    sum_of "$found"
    [ -z "$want" ] || [ "$sum" != "$want" ] || exit 0
    die "checking $shown before it is used again: sha256 is $sum, want $want" \
      "this job has fetched it, and something has changed it since; it was not run: look at what ran before this line"
    ;;
  (*/ci-aws_[0-9]*_*_*/ci-aws) ;; # what a component of another version has fetched, whose sum is not known here
  (*/*)
    [ "$CI_AWS_WANT_VERSION" != any ] || exit 0
    said=$("$found" --version 2>/dev/null </dev/null)
    [ "$said" != "ci-aws version $version" ] || exit 0
    clean "$said" 'tells no version'
    other="$shown ($text) is not version $version, so it is not used; the input version: any takes it"
    ;;
esac
instead="use an image that has ci-aws $version in PATH, or name another place by the input binary-url"

if [ -z "$asset" ]; then
  clean "$machine" 'of an unknown kind'
  die "installing ci-aws $version: there is no download for this machine ($text), but for Linux on amd64 and arm64" \
    "use an image that has ci-aws $version in PATH, or a runner of one of these" "$other"
fi
if [ -z "$want" ]; then
  die "installing ci-aws $version: this version is not released, so nothing can be downloaded" \
    "include a version of the component that is released, or put ci-aws $version in PATH" "$other"
fi
sum_of /dev/null
have curl || have wget ||
  die "fetching ci-aws $version: neither curl nor wget is in PATH" \
    "use an image that has curl or wget, or has ci-aws $version in PATH" "$other"

if [ -n "$CI_AWS_BINARY_URL" ]; then
  base=${CI_AWS_BINARY_URL%%\?*}
  address=${base%/}/$asset${CI_AWS_BINARY_URL#"$base"}
  setting=binary-url
else
  project=${CI_AWS_BINARY_PROJECT:-ci-aws/ci-aws}
  case $project in
    (*[!A-Za-z0-9._/-]*) die 'reading the input binary-project: it is no path of a project' \
        'it is the path after the host, such as group/project; where it names a variable, that one is not set in this job' ;;
  esac
  encoded='' rest=$project/
  while [ -n "$rest" ]; do
    encoded=$encoded${encoded:+%2F}${rest%%/*}
    rest=${rest#*/}
  done
  address=$CI_API_V4_URL/projects/$encoded/packages/generic/ci-aws/$version/$asset
  setting=CI_API_V4_URL
  [ -n "$CI_API_V4_URL" ] || die "fetching ci-aws $version: CI_API_V4_URL is not set" \
    "GitLab sets it in each job: look for what has taken it away, such as env -i or sudo in front of a script" "$instead"
fi
sound "$address" || die "fetching ci-aws $version: $setting makes no http or https address" \
  'binary-url is the folder that holds the file, such as https://host/path; where it names a variable, that one is not set in this job' \
  "$instead"

job=$CI_JOB_ID
case $job in
  (*[!0-9]*) job= ;;
esac
[ -z "$CI_AWS_INSTALL_DIR" ] || mkdir -p "$CI_AWS_INSTALL_DIR" 2>/dev/null
tried=
for dir in "$CI_AWS_INSTALL_DIR" "$RUNNER_TEMP_PROJECT_DIR" /tmp; do
  [ -n "$dir" ] || continue
  home_in "$dir" && break
  clean "$dir" 'a folder'
  tried="$tried${tried:+, }$text ($reason)"
done
if [ -z "$home" ]; then
  die "installing ci-aws $version: no folder will do: $tried" \
    'set CI_AWS_INSTALL_DIR to a folder that this job may write to and run programs from' \
    "or use an image that has ci-aws $version in PATH" "$other"
fi

# curl takes https proxies by either name and wget only by the small one.
if [ -z "$https_proxy" ] && [ -n "$HTTPS_PROXY" ]; then
  https_proxy=$HTTPS_PROXY
  export https_proxy
fi
if [ -z "$no_proxy" ] && [ -n "$NO_PROXY" ]; then
  no_proxy=$NO_PROXY
  export no_proxy
fi

# First without the job token: one that is not on an allow-list is refused what is open to everybody.
token='' first='' turn=1
while :; do
  if have curl; then
    by_curl "$address" "$token"
  else
    by_wget "$address"
  fi
  case $status in
    (40[134])
      if [ -n "$token" ] || ! have curl || ! takes_token "$address"; then
        break
      fi
      token=yes first=$status
      ;;
    (000|429|5??)
      if [ -z "$again" ] || [ "$turn" = 3 ]; then
        break
      fi
      parts_of "$address"
      [ "$status" = 000 ] || words="HTTP $status"
      turn=$((turn + 1))
      printf 'ci-aws: fetching %s: %s: try %s of 3\n' "$plain" "$words" "$turn" >&2
      sleep $((turn - 1))
      ;;
    (*) break ;;
  esac
done

parts_of "$at"
target=$plain host=${authority##*@}
parts_of "$address"
[ "$target" = "$plain" ] || target="$plain, redirected to $target"
if [ "$status" = 200 ]; then
  sum_of "$home/part"
  [ "$sum" = "$want" ] || die "fetching $target: sha256 is $sum, want $want" \
    "what came is not $asset of version $version: cut short, a page to sign in, or another build; it was not run" \
    "put the file of the release there, or $instead" "$other"
  if rm -f "$home/said" && mv "$home/part" "$home/ci-aws" && chmod 700 "$home/ci-aws"; then
    printf '%s\n' "$home"
    exit 0
  fi
  die "installing ci-aws $version: $home cannot be written" "$instead"
fi

set --
times=
[ "$turn" = 1 ] || times=", $turn times"
what="HTTP $status$times"
case $status in
  (40[134])
    [ -z "$first" ] || what="HTTP $first without a token, HTTP $status with the job token"
    set -- "look whether $asset of version $version is there and open to this job without credentials"
    [ -n "$CI_AWS_BINARY_URL" ] ||
      set -- "put $asset of version $version into the package registry of a project on this GitLab, and name that by the input binary-project (now $project)"
    if [ -n "$token" ]; then
      set -- "$@" 'or let this project in: in the project that has it, Settings > CI/CD > Job token permissions'
    elif takes_token "$address"; then
      set -- "$@" 'or use an image with curl: the file may be private, and wget cannot send the job token unseen'
    elif [ -z "$CI_AWS_BINARY_URL" ]; then
      set -- "$@" 'the job token was not used: it goes only to the GitLab of this job, over https, and by curl'
    fi
    ;;
  (loop) what=$words ;;
  (429|5??) set -- "run the job again when $host has recovered" ;;
  (000)
    what=$words$times
    set -- "look at the way from this runner to $host: DNS, firewall, https_proxy and no_proxy"
    case $words in
      (*'(23)'*) set -- "look whether the disk that holds ${home%/*} is full, or set CI_AWS_INSTALL_DIR to another folder" ;;
      (*'wrong version number'*|*'TLS packet'*|*'establish SSL'*)
        set -- "look whether $host answers https at that port, and look at https_proxy: this is not about CA certificates" ;;
      (*'(TLS)') set -- "use an image with the CA certificates that $host needs; those of GitLab itself come from tls-ca-file in the config.toml of the runner" ;;
    esac
    ;;
esac
die "fetching $target: $what" "$@" "$instead" "$other"
