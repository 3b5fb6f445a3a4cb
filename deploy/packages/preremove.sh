#!/bin/sh
# Before the files are removed. $1: deb: "remove" or "upgrade"; rpm: the number of packages that remain.
set -e
case "$1" in
remove | 0)
	if [ -d /run/systemd/system ]; then
		systemctl disable --now greenapi_exporter.socket greenapi_exporter.service
	fi
	;;
esac
