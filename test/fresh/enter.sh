#!/bin/sh
# Starts a command in another root file system, with a /proc of its own and the machine's network:
#
#   unshare --mount --pid --fork --kill-child sh enter.sh ROOT COMMAND…
#
# The root is changed by pivot_root(2): a process in a chroot may not make user namespaces.
set -e
root=$1
shift
mount --make-rprivate /
mount --bind "$root" "$root"
cd "$root"
mount -t proc proc proc
mount --rbind /dev dev
mount --rbind /sys sys
mount -t tmpfs -o mode=1777 tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs run
mkdir run/old
pivot_root . run/old
umount -l run/old
cd /
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
"$@" # not exec: process 1 reaps
