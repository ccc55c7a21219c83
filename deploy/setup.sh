#!/usr/bin/env bash
# Installs on Debian what a target of the Makefile needs and what is missing, and
# says nothing if that is nothing: setup.sh build | console | lint | demo | test | stepca | emulated | bench
set -euo pipefail
cd "$(dirname "$0")/.."
target=${1:-build}

die() { echo "setup: $*" >&2; exit 1; }

# need WHAT PACKAGE: remembers a package if its command, file or font is missing.
missing=()
need() {
  case $1 in
    font:*) [ -n "$(fc-list "${1#font:}" 2>/dev/null)" ] || missing+=("$2") ;;
    /*) [ -e "$1" ] || missing+=("$2") ;;
    *) command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || missing+=("$2") ;;
  esac
}

# with_root runs a command as root.
with_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

packages() { with_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"; }

case $target in
  build | console | lint | demo | test | stepca | emulated | bench) ;;
  *) echo "setup: unknown target; use setup.sh build | console | lint | demo | test | stepca | emulated | bench" >&2; exit 2 ;;
esac

# The Go that go.mod names, or a later one.
want=$(sed -n 's/^go //p' go.mod)
command -v go >/dev/null 2>&1 || die "Go is missing; install Go $want or later from https://go.dev/dl/ and run this again"
have=$(go env GOVERSION 2>/dev/null || true)
have=${have#go}
have=${have%%[!0-9.]*}
[ "$(printf '%s\n' "$want" "${have:-0}" | sort -V | head -n 1)" = "$want" ] ||
  die "Go ${have:-of unknown version} is too old; install Go $want or later from https://go.dev/dl/"

need gcc gcc
need /usr/include/stdio.h libc6-dev
need pkg-config pkg-config
need /usr/include/alsa/asoundlib.h libasound2-dev
case $target in console | lint | demo | test)
  need node nodejs
  need npm npm ;;
esac
case $target in emulated)
  need ffmpeg ffmpeg
  need qemu-arm-static qemu-user-static ;;
esac
case $target in demo | test)
  need ffmpeg ffmpeg
  need espeak-ng espeak-ng
  need aplay alsa-utils ;;
esac
case $target in bench)
  need ffmpeg ffmpeg
  need espeak-ng espeak-ng
  need snapserver snapserver
  need snapclient snapclient ;;
esac
case $target in test)
  need chromium chromium
  need mosquitto mosquitto
  need unshare util-linux
  need fc-list fontconfig
  need "font:Noto Sans" fonts-noto-core
  need font:Unifont fonts-unifont ;;
esac

if [ ${#missing[@]} -gt 0 ]; then
  command -v apt-get >/dev/null 2>&1 || die "no Debian here; please install: ${missing[*]}"
  [ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null 2>&1 || die "run as root, or install: ${missing[*]}"
  echo "setup: installing ${missing[*]}"
  log=$(mktemp)
  # Lists of packages are fetched only if those that are there do not do.
  if ! { packages || { with_root apt-get update -qq && packages; }; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    die "could not install: ${missing[*]} (whole log: $log)"
  fi
  rm -f "$log"
  # A broker for tests only must not run by itself.
  if [[ " ${missing[*]} " == *" mosquitto "* ]] && command -v systemctl >/dev/null 2>&1; then
    with_root systemctl disable --now mosquitto >/dev/null 2>&1 || true
  fi
fi

# locked FOLDER WHAT: the packages of a lock file, once.
locked() {
  local lock=$1/package-lock.json stamp=$1/node_modules/.loa-lock log
  if [ ! -f "$lock" ] || cmp -s "$lock" "$stamp" 2>/dev/null; then return; fi
  echo "setup: fetching the packages of $2"
  log=$(mktemp)
  if ! (cd "$1" && npm ci --no-audit --no-fund --loglevel=error) >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    die "npm ci failed in $1; is there a network? (whole log: $log)"
  fi
  rm -f "$log"
  cp "$lock" "$stamp"
}

case $target in console | lint | demo | test) locked hub/console "the console" ;; esac
case $target in test) locked agent/display/outputs/testdata/receivers "boards' receivers" ;; esac

# built PROGRAM MODULE VERSION COMMAND...: the program in bin/tools, made by the command
# if it is not there in that version.
built() {
  local program=$1 module=$2 version=$3 log
  shift 3
  if go version -m "bin/tools/$program" 2>/dev/null | grep -q "$module[[:space:]]$version"; then return; fi
  echo "setup: building $program $version"
  log=$(mktemp)
  if ! CGO_ENABLED=0 GOBIN="$PWD/bin/tools" "$@" >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    die "could not build $program (whole log: $log)"
  fi
  rm -f "$log"
}

# The real step-ca (Apache-2.0), for a soak that asks for it: some minutes of building.
case $target in stepca)
  built step-ca smallstep/certificates v0.30.2 env GOFLAGS=-mod=mod go install github.com/smallstep/certificates/cmd/step-ca@v0.30.2 ;;
esac

# Pebble (MPL-2.0), an ACME server for tests, as .ci/acme pins it.
case $target in test)
  version=$(sed -n 's|.*letsencrypt/pebble/v2 \(v[^ ]*\).*|\1|p' .ci/acme/go.mod)
  for program in pebble pebble-challtestsrv; do
    built "$program" letsencrypt/pebble/v2 "$version" go build -modfile=.ci/acme/go.mod -o bin/tools/ "github.com/letsencrypt/pebble/v2/cmd/$program"
  done ;;
esac
