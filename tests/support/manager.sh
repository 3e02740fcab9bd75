#!/bin/sh
# A systemd for a test: manager.sh FOLDER. It runs as no process 1, and never in system mode; it ends with this script, which
# ends with its standard input. All of the machine is read-only for it but FOLDER and a /run of its own, and of the units of
# the machine it knows none: what it may start stands in FOLDER/units.
set -eu
folder=$1
mount --make-rprivate /
mount --bind "$folder" "$folder"
findmnt --raw --noheadings --output TARGET | while read -r target; do
  case $target in
    "$folder" | /proc | /proc/* | /dev/* | /sys/fs/cgroup/*) ;;
    *) mount -o remount,bind,ro "$target" ;;
  esac
done
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/system
if touch /tmp/ctportd-writable /etc/ctportd-writable /var/tmp/ctportd-writable 2>/dev/null; then exit 1; fi
/usr/lib/systemd/systemd --user --unit=basic.target --log-target=null &
cat
