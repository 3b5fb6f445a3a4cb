#!/bin/sh
# After the files are removed. Tokens and counters go only when a deb is purged.
set -e
if [ "$1" = purge ]; then
	rm -rf /etc/greenapi_exporter /var/lib/private/greenapi_exporter
	rm -f /var/lib/greenapi_exporter
fi
[ ! -d /run/systemd/system ] || systemctl daemon-reload
