#!/bin/sh
# Process 1 of the emulated machine: checks the installations as two ordinary users and root, and switches the machine off.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /tmp
mount -t tmpfs tmpfs /run
dmesg -n 1
insmod /check/overlay.ko
insmod /check/veth.ko
ip link set lo up
ip address add 10.53.0.1/24 dev lo
echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start
hostname emulated
echo "arm64: Linux $(uname -r) $(uname -m), Node $(node --version)"
failed=0
case $(cat /proc/cmdline) in
  *wasbox.landlock=no*) landlock=no ;;
  *) landlock=yes ;;
esac
# check USER NAME LIBRARY COMMAND PART…
check() {
  user=$1 name=$2 library=$3 command=$4
  shift 4
  echo "arm64: $name"
  (
    export HOME="/home/$user" USER="$user" LANG=C.UTF-8
    mkdir -p "$HOME/$name"
    chown -R "$user:" "$HOME"
    cd "$HOME/$name"
    exec setpriv --reuid "$user" --regid "$user" --init-groups \
      node /check/check.mjs /check/examples --library "$library" --command "$command" --address 10.53.0.1 --landlock $landlock "$@"
  ) || failed=1
}
npm=/usr/local/lib/node_modules/wasbox/dist
if [ $landlock = yes ]; then
  check me npm $npm/index.js /usr/local/bin/wasbox
  check other npm-again $npm/index.js /usr/local/bin/wasbox native
fi
check other deb /usr/lib/wasbox/dist/index.js /usr/bin/wasbox hello library isolation
check root deb /usr/lib/wasbox/dist/index.js /usr/bin/wasbox hello library isolation
[ $landlock = no ] || check other deb-again /usr/lib/wasbox/dist/index.js /usr/bin/wasbox native
echo "arm64: status $failed"
echo o >/proc/sysrq-trigger
sleep 60
