#!/bin/busybox sh
# PID 1 of the virtual machine: a real root instead of the initramfs, one cgroup hierarchy, a subtree
# of it delegated to an ordinary user as systemd does, and the cases as that user, in it or beside it.
bb=/bin/busybox
$bb --install -s /bin
if [ ! -e /switched ]; then
  mount -t proc proc /proc
  mount -t tmpfs -o size=80%,mode=755 tmpfs /mnt
  for d in bin etc home lib lib64 modules nfs-modules sbin tmp usr var wasbox; do cp -a /$d /mnt/ 2>/dev/null; done
  mkdir -p /mnt/proc /mnt/sys /mnt/dev /mnt/run
  : > /mnt/switched
  cp -a /init /mnt/init
  umount /proc
  exec switch_root /mnt /init
fi
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs -o mode=1777 shm /dev/shm
dmesg -n 1
# disk SERIAL: which is first depends on the kernel's probing.
disk() {
  while :; do
    for d in /sys/block/nvme*; do
      read -r serial < "$d/device/serial" && [ "$serial" = "$1" ] && echo "/dev/${d##*/}" && return
    done 2> /dev/null
    sleep 0.1
  done
}
mount -t ext4 "$(disk home)" /home/user
ip link set lo up
ip address add 198.51.100.1/32 dev lo
swap=$(disk swap)
mkswap "$swap" > /dev/null && swapon "$swap"
mount -t cgroup2 cgroup2 /sys/fs/cgroup
cg=/sys/fs/cgroup
echo '+memory +pids +cpu' > $cg/cgroup.subtree_control
mkdir $cg/user $cg/other
echo '+memory +pids +cpu' > $cg/user/cgroup.subtree_control
mkdir $cg/user/shell
chown 1000:1000 $cg/user $cg/user/cgroup.procs $cg/user/cgroup.subtree_control
chown -R 1000:1000 $cg/user/shell
swap=$(awk '/SwapTotal/ {print $2}' /proc/meminfo)
echo
echo "vm: Linux $(uname -r), $(awk '/MemTotal/ {print int($2/1024)}' /proc/meminfo) MiB, swap ${swap} kB, controllers $(cat $cg/user/cgroup.controllers)"
# Prints what the kernel's command line says: `wasbox.NAME=VALUE`.
given() { sed -n "s/.*wasbox\.$1=\([^ ]*\).*/\1/p" /proc/cmdline; }
abi=$(given abi)
profile= # of AppArmor, for the cases
status=0
# cases CGROUP FILE WORD…
cases() {
  place=$1
  shift
  echo "vm: $*"
  (
    echo 0 > "$cg/$place/cgroup.procs"
    cd /home/user || exit
    [ -z "$profile" ] || echo "exec $profile" > /proc/self/attr/exec || exit
    export HOME=/home/user PATH=/usr/bin:/bin
    file=$1
    shift
    exec /usr/bin/setpriv --reuid 1000 --regid 1000 --clear-groups node "/wasbox/inside/$file" "$@"
  ) || status=1
}
# without SYSCTL FILE WORD…: the cases while it is 0
without() {
  knob=/proc/sys/$1
  shift
  before=$(cat "$knob") && echo 0 > "$knob" || status=1
  cases other "$@"
  echo "$before" > "$knob"
}
# The directory /nfs: of a server in this machine.
mount_nfs() {
  for name in $(cat /nfs-modules); do insmod "/modules/$name.ko" || status=1; done
  mkdir -p /export/user /nfs /var/lib/nfs/v4recovery
  mount -t tmpfs export /export
  mkdir /export/user
  chown 1000:1000 /export/user
  mount -t nfsd nfsd /proc/fs/nfsd
  : > /var/lib/nfs/etab
  : > /var/lib/nfs/rmtab
  echo 10 > /proc/fs/nfsd/nfsv4leasetime
  echo 10 > /proc/fs/nfsd/nfsv4gracetime
  rpc.mountd -N 3
  exportfs -a
  echo '-2 -3 +4 +4.1 +4.2' > /proc/fs/nfsd/versions
  echo tcp 2049 > /proc/fs/nfsd/portlist
  echo 2 > /proc/fs/nfsd/threads
  mount.nfs 127.0.0.1:/ /nfs -o vers=4.2,nosharecache || status=1
}
# clock OFFSET: seconds that are added to the machine's clock.
clock() { date -s "@$(($(date +%s) + $1))" > /dev/null; }
case $(given boot) in
  clocks)
    insmod /modules/overlay.ko
    insmod /modules/veth.ko
    cases user/shell clocks.mjs save
    clock -10
    cases user/shell clocks.mjs back
    clock -60
    cases user/shell clocks.mjs back
    clock 34560000
    cases user/shell clocks.mjs ahead
    clock -34560000
    cases user/shell clocks.mjs last
    ;;
  nfs)
    insmod /modules/overlay.ko
    insmod /modules/veth.ko
    mount_nfs
    cases user/shell state.mjs /nfs/user
    ;;
  old)
    insmod /modules/overlay.ko
    cases other refused.mjs old-kernel
    ;;
  apparmor)
    insmod /modules/overlay.ko
    insmod /modules/veth.ko
    mount -t securityfs securityfs /sys/kernel/security
    apparmor_parser --skip-cache --add /etc/apparmor.d/restricted || status=1
    profile=restricted
    cases other apparmor.mjs absent
    apparmor_parser --skip-cache --add /etc/apparmor.d/wasbox || status=1
    cases other apparmor.mjs loaded
    ;;
  no-landlock)
    insmod /modules/overlay.ko
    insmod /modules/veth.ko
    cases user/shell works.mjs 0
    cases user/shell nasty.mjs
    cases other network.mjs 0 veth
    ;;
  works)
    cases other refused.mjs no-overlay
    insmod /modules/overlay.ko
    cases other network.mjs "$abi" no-veth
    insmod /modules/veth.ko
    cases other network.mjs "$abi" veth
    without user/max_user_namespaces refused.mjs userns-limit "$abi"
    without kernel/unprivileged_userns_clone refused.mjs userns-clone "$abi"
    cases user/shell works.mjs "$abi"
    cases user/shell sockets.mjs "$abi"
    cases user/shell nasty.mjs
    cases user/shell changes.mjs
    cases user/shell limits.mjs cgroup
    cases other limits.mjs supervisor
    ;;
  *) status=1 ;;
esac
echo "vm: status $status"
poweroff -f
