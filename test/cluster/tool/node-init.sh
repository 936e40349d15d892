# Runs in new mount, network, IPC, UTS and PID namespaces: gives the node its own root (an overlay over the machine's,
# changes in a tmpfs) and becomes its systemd. Needs NODE, FOLDER, BIN, LOGS, SYSTEM_CGROUP.
set -eu
mkdir -p "$FOLDER/tmp"
mount -t tmpfs node "$FOLDER/tmp" # another file system than the lower directory, else overlayfs says ELOOP
mkdir "$FOLDER/tmp/upper" "$FOLDER/tmp/work"
cp -a "$FOLDER/files/." "$FOLDER/tmp/upper/"
root=$FOLDER/root
mount -t overlay -o "lowerdir=/,upperdir=$FOLDER/tmp/upper,workdir=$FOLDER/tmp/work" node "$root"
mkdir -p "$root/opt/bin" "$root/var/lib/containerd" "$root/var/lib/sysctl-operator" "$root/var/log/node" "$root/.old"
# One by one: they may be links to a folder below /tmp, which the node does not see.
for program in "$BIN"/*; do
  touch "$root/opt/bin/${program##*/}"
  mount --bind "$(readlink -f "$program")" "$root/opt/bin/${program##*/}"
done
mount --bind "$FOLDER/containerd" "$root/var/lib/containerd"
mount --bind "$LOGS" "$root/var/log/node"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t mqueue mqueue "$root/dev/mqueue" 2>/dev/null || true
mount -t tmpfs -o mode=755 run "$root/run"
mkdir -p "$root/run/netns" "$root/run/lock"
mount -t tmpfs tmp "$root/tmp"
mount -t sysfs sysfs "$root/sys"
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
  mount --bind /sys/fs/cgroup "$root/sys/fs/cgroup"
  echo 0 > "/sys/fs/cgroup/$SYSTEM_CGROUP/cgroup.procs"
else
  mount -t tmpfs -o mode=755 cgroup "$root/sys/fs/cgroup"
  for group in /sys/fs/cgroup/*/; do
    group=${group%/}
    mkdir "$root/sys/fs/cgroup/${group##*/}"
    mount --bind "$group" "$root/sys/fs/cgroup/${group##*/}"
    echo 0 > "$group/$SYSTEM_CGROUP/cgroup.procs"
  done
  # Else systemd mounts the controllers that this machine leaves out (often hugetlb), whose cgroups nobody would remove.
  mount -o remount,ro "$root/sys/fs/cgroup"
fi
hostname "$NODE"
ip link set lo up
cd "$root"
pivot_root . .old
cd /
umount -l /.old
rmdir /.old
mount --make-rshared /
exec env -i PATH=/opt/bin:/usr/sbin:/usr/bin:/sbin:/bin container=node "SYSCTL_OPERATOR_CLUSTER=$SYSCTL_OPERATOR_CLUSTER" \
  SYSTEMD_UNIT_PATH=/usr/lib/node-units:/run/node-units SYSTEMD_LOG_TARGET=console \
  /lib/systemd/systemd --system --unit=node.target --show-status=no
