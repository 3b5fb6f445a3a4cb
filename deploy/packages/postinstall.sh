#!/bin/sh
# After the files are in place. $1: deb: "configure" and the old version, if any; rpm: the number of packages that are installed now.
set -e
[ -d /run/systemd/system ] || exit 0
systemctl daemon-reload
if [ "$1" = 2 ] || [ -n "$2" ]; then
	systemctl try-restart greenapi_exporter.service
else
	echo 'greenapi_exporter is installed and not started: /usr/share/doc/greenapi-exporter/deploy/README.md says how to configure and start it.'
fi
