#!/bin/busybox sh
# PID 1 of the virtual machine: a real root instead of the initramfs, one cgroup hierarchy, a subtree
# of it delegated to an ordinary user as systemd does, and test/vm/cases.mjs as that user in it.
bb=/bin/busybox
$bb --install -s /bin
if [ ! -e /switched ]; then
  mount -t proc proc /proc
  mount -t tmpfs -o size=80%,mode=755 tmpfs /mnt
  for d in bin etc home lib lib64 modules tmp usr var wasbox; do cp -a /$d /mnt/ 2>/dev/null; done
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
dmesg -n 1
insmod /modules/overlay.ko 2>/dev/null
ip link set lo up
mkswap /dev/nvme0n1 > /dev/null && swapon /dev/nvme0n1
mount -t cgroup2 cgroup2 /sys/fs/cgroup
cg=/sys/fs/cgroup
echo '+memory +pids +cpu' > $cg/cgroup.subtree_control
mkdir $cg/user
echo '+memory +pids +cpu' > $cg/user/cgroup.subtree_control
mkdir $cg/user/shell
chown 1000:1000 $cg/user $cg/user/cgroup.procs $cg/user/cgroup.subtree_control
chown -R 1000:1000 $cg/user/shell
swap=$(awk '/SwapTotal/ {print $2}' /proc/meminfo)
echo "vm: Linux $(uname -r), $(awk '/MemTotal/ {print int($2/1024)}' /proc/meminfo) MiB, swap ${swap} kB, controllers $(cat $cg/user/cgroup.controllers)"
# cases CGROUP WHAT
cases() {
  (
    echo 0 > $cg/$1/cgroup.procs
    cd /home/user
    export HOME=/home/user PATH=/usr/bin:/bin
    exec /usr/bin/setpriv --reuid 1000 --regid 1000 --clear-groups node /wasbox/cases.mjs $2
  )
}
mkdir $cg/other
echo "vm: in a delegated cgroup"
cases user/shell cgroup
delegated=$?
echo "vm: without one"
cases other supervisor
echo "vm: status $((delegated + $?))"
poweroff -f
