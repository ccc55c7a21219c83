#!/usr/bin/env bash
# Installs a built hub or agent as a service: install.sh hub | agent. What is there
# already (settings, data) stays as it is; run it again after an update.
set -euo pipefail
cd "$(dirname "$0")/.."
part=${1:-}
root=${DESTDIR:-}

die() { echo "install: $*" >&2; exit 2; }
case $part in hub | agent) ;; *) die "say which: install.sh hub | agent" ;; esac
program=loa-$part
[ -x "bin/$program" ] || die "bin/$program is missing; run: make build"
[ -n "$root" ] || [ "$(id -u)" -eq 0 ] || die "run as root, or set DESTDIR"

install -D -m 0755 "bin/$program" "$root/usr/bin/$program"
install -D -m 0644 README.md "$root/usr/share/doc/loa/README.md"
install -D -m 0644 "deploy/systemd/$program.service" "$root/lib/systemd/system/$program.service"
[ -e "$root/etc/loa/$part.yaml" ] || install -D -m 0644 "deploy/$part.yaml" "$root/etc/loa/$part.yaml"
if [ "$part" = agent ]; then
  install -d "$root/usr/share/loa/boards"
  install -m 0644 firmware-config/boards/*.yaml "$root/usr/share/loa/boards/"
fi
if [ -z "$root" ]; then
  id "$program" >/dev/null 2>&1 || useradd --system --home-dir "/var/lib/$program" --shell /usr/sbin/nologin "$program"
  install -d -o "$program" -g "$program" -m 0700 "/var/lib/$program"
  if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
fi
case $part in
  hub) echo "installed; next, as loa-hub: loa-hub init --root-out FOLDER; then: systemctl enable --now loa-hub" ;;
  agent) echo "installed; next, as loa-agent: loa-agent enrol --hub URL --claim CODE; then: systemctl enable --now loa-agent" ;;
esac
