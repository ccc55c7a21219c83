#!/usr/bin/env bash
# Installs what is missing for a target of the Makefile on Debian, once and
# quietly: setup.sh build | console | lint | demo | test
set -euo pipefail
cd "$(dirname "$0")/.."
target=${1:-build}

die() { echo "setup: $*" >&2; exit 1; }

# need COMMAND_OR_FILE PACKAGE: remembers a package that is missing.
missing=()
need() {
  case $1 in
    /*) [ -e "$1" ] || missing+=("$2") ;;
    *) command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || missing+=("$2") ;;
  esac
}

command -v go >/dev/null 2>&1 || die "Go is missing; install Go 1.26 or later and run this again"

need gcc gcc
need pkg-config pkg-config
need /usr/include/alsa/asoundlib.h libasound2-dev
case $target in console | lint | demo | test)
  need node nodejs
  need npm npm ;;
esac
case $target in demo | test)
  need ffmpeg ffmpeg
  need espeak-ng espeak-ng
  need aplay alsa-utils ;;
esac
case $target in test)
  need chromium chromium
  need mosquitto mosquitto
  need unshare util-linux ;;
esac

if [ ${#missing[@]} -gt 0 ]; then
  command -v apt-get >/dev/null 2>&1 || die "please install: ${missing[*]}"
  sudo=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null 2>&1 || die "run as root, or install: ${missing[*]}"
    sudo=(sudo)
  fi
  echo "setup: installing ${missing[*]}"
  log=$(mktemp)
  if ! { "${sudo[@]}" apt-get update -qq && DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    die "could not install: ${missing[*]}"
  fi
  rm -f "$log"
  # A broker for tests only must not run by itself.
  if [[ " ${missing[*]} " == *" mosquitto "* ]] && command -v systemctl >/dev/null 2>&1; then
    "${sudo[@]}" systemctl disable --now mosquitto >/dev/null 2>&1 || true
  fi
fi

case $target in console | lint | demo | test)
  lock=hub/console/package-lock.json
  stamp=hub/console/node_modules/.loa-lock
  if [ -f "$lock" ] && ! cmp -s "$lock" "$stamp" 2>/dev/null; then
    echo "setup: fetching the console's packages"
    (cd hub/console && npm ci --no-audit --no-fund --loglevel=error >/dev/null)
    cp "$lock" "$stamp"
  fi ;;
esac
