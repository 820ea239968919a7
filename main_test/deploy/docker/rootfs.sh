#!/bin/sh
# Puts a program and exactly the libraries it needs into a folder that becomes the whole image.
#
#   rootfs.sh PROGRAM CONFIGURATION FOLDER
set -eu

if [ $# != 3 ]; then
  echo "usage: rootfs.sh PROGRAM CONFIGURATION FOLDER" >&2
  exit 2
fi
program=$1 configuration=$2 root=$3

mkdir -p "$root/usr/local/bin" "$root/etc/graceful" "$root/bin" "$root/proc" "$root/dev" "$root/tmp"
chmod 1777 "$root/tmp"
cp "$program" "$root/usr/local/bin/graceful_main"
cp "$configuration" "$root/etc/graceful/graceful.yaml"
echo 'graceful:x:65532:65532::/:/nonexistent' >"$root/etc/passwd"
echo 'graceful:x:65532:' >"$root/etc/group"

# "libx.so.1 => /lib/.../libx.so.1 (0x...)" and "/lib64/ld-linux-x86-64.so.2 (0x...)".
libraries=$(ldd "$program" | sed -nE 's/^.*=> (\/[^ ]+) .*$/\1/p; s/^[[:space:]]*(\/[^ ]+) \(.*$/\1/p')
if ldd "$program" | grep -q 'not found'; then
  ldd "$program" | grep 'not found' >&2
  exit 1
fi
for library in $libraries; do
  mkdir -p "$root$(dirname "$library")"
  cp --dereference "$library" "$root$library"
done

# A client for the health check; busybox is only what it is called.
cp "$(command -v busybox)" "$root/bin/wget"
