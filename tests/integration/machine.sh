#!/bin/bash
# Becomes systemd, in namespaces that the caller made, with what to run laid over the machine's files.
#
#   machine.sh UNIT FOLDER    FOLDER/etc is laid over /etc, FOLDER/usr/local/bin over /usr/local/bin
set -euo pipefail
unit=$1 folder=$2

mount --make-rprivate /
mount -t proc proc /proc
# One hierarchy, whose root is the control group that the caller put us in.
umount -R /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/lock
for place in etc usr/local/bin; do
  mkdir -p "/run/over/$place" "/run/beneath/$place"
  cp -R "$folder/$place/." "/run/over/$place"
  mount -t overlay overlay \
    -o "lowerdir=/$place,upperdir=/run/over/$place,workdir=/run/beneath/$place" "/$place"
done
# What systemd says goes to the caller.
mount --bind "$folder/console" /dev/console
exec env -i container=test PATH="$PATH" \
  /lib/systemd/systemd --system --unit="$unit" --log-level=info --log-target=console \
  --show-status=no
