# systemd as PID 1 of a PID namespace, on an overlay of this machine's file tree. Called by systemd.mjs, in new mount, PID
# and cgroup namespaces:
#   sh systemd-boot.sh WORK WASBOX UNIT
# WORK has the directories layers, root, units (which go to /etc/systemd/system) and result (shown at /mnt/result).
set -e
work=$1 wasbox=$2 unit=$3
mount -t tmpfs layers "$work/layers"
mkdir "$work/layers/upper" "$work/layers/work"
mount -t overlay root -o "lowerdir=/,upperdir=$work/layers/upper,workdir=$work/layers/work" "$work/root"
cd "$work/root"
mount -t proc proc proc
mount -t tmpfs run run
# Layers of runs cannot be on an overlay.
mount -t tmpfs state var/lib
mount -t sysfs -o ro sysfs sys
mount -t tmpfs fs sys/fs
mkdir sys/fs/cgroup mnt/result
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs dev dev
for name in null zero full random urandom tty; do
  touch "dev/$name"
  mount --bind "/dev/$name" "dev/$name"
done
mkdir dev/shm dev/pts
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
mount --bind "$work/result" mnt/result
touch dev/console "$work/result/console"
mount --bind "$work/result/console" dev/console
rm -rf etc/systemd/system/*.wants
cp "$work"/units/* etc/systemd/system/
ln -sf "$wasbox" usr/bin/wasbox
useradd --root "$work/root" --system wasbox
mkdir -p usr/local/lib/wasbox-job etc/wasbox old
mv "$work/task.py" usr/local/lib/wasbox-job/
mv "$work/worker.env" etc/wasbox/
chmod 600 etc/wasbox/worker.env
pivot_root . old
cd /
umount -l old
export container=wasbox
exec /lib/systemd/systemd --system "--unit=$unit" --log-target=console --show-status=0
