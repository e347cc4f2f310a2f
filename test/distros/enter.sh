#!/bin/sh
# Starts a command in another root file system, as its root user, with a /proc of its own:
#
#   unshare --mount --net --pid --fork --kill-child sh enter.sh ROOT EMPTY|- COMMAND…
#
# There is no network but the address 10.53.0.1, whose port 53 any user may take: that of the name server in
# /etc/resolv.conf.
# The root is changed by pivot_root(2): a process in a chroot may not make user namespaces. With a second, empty
# directory ROOT becomes a layer of a read-only overlay, as container engines mount an image; homes and /tmp are in
# memory then.
set -e
root=$1
empty=$2
shift 2
mount --make-rprivate /
ip link set lo up
ip address add 10.53.0.1/24 dev lo
echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start
if [ "$empty" = - ]; then
  mount --bind "$root" "$root"
else
  mount -t overlay -o "ro,lowerdir=$empty:$root" overlay "$empty"
  mount -t tmpfs -o mode=755 tmpfs "$empty/home"
  for home in "$root"/home/*; do cp -a "$home" "$empty/home/"; done
  root=$empty
fi
cd "$root"
mount -t proc proc proc
mount --rbind /dev dev
mount -t tmpfs -o mode=1777 tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs run
mkdir run/old
pivot_root . run/old
umount -l run/old
cd /
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
"$@" # not exec: process 1 reaps
