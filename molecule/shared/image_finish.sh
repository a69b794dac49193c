#!/bin/sh
# Called by image.sh with the new root: what makes a plain Debian root boot cleanly in a container.
set -eu
root=$1
units=$root/etc/systemd/system

# Each host gets an identity and ssh keys of its own at its first start.
: >"$root/etc/machine-id"
rm -f "$root"/etc/ssh/ssh_host_*
mkdir -p "$units/ssh.service.d"
cat >"$units/ssh.service.d/10-host-keys.conf" <<END
[Service]
ExecStartPre=
ExecStartPre=/usr/bin/ssh-keygen -A
ExecStartPre=/usr/sbin/sshd -t
END

printf '127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n' >"$root/etc/hosts"

# A persistent journal, as on Debian 13; the kernel's log belongs to the machine underneath.
mkdir -p "$root/etc/systemd/journald.conf.d" "$root/var/log/journal"
printf '[Journal]\nReadKMsg=no\n' >"$root/etc/systemd/journald.conf.d/10-container.conf"

# Units that talk to hardware or to the machine's kernel, and timers that would fight a test for apt's lock.
for unit in getty.target getty@tty1.service console-getty.service systemd-udevd.service \
  systemd-udevd-kernel.socket systemd-udevd-control.socket systemd-udev-trigger.service \
  systemd-modules-load.service systemd-sysctl.service systemd-binfmt.service \
  dev-hugepages.mount sys-kernel-debug.mount sys-kernel-tracing.mount sys-fs-fuse-connections.mount \
  proc-sys-fs-binfmt_misc.automount proc-sys-fs-binfmt_misc.mount apt-daily.timer apt-daily-upgrade.timer; do
  ln -sf /dev/null "$units/$unit"
done

# No package lists, and older than a day, as a cloud image has them.
rm -rf "$root"/var/lib/apt/lists/* "$root"/var/lib/apt/periodic/* "$root"/var/cache/apt/*.bin
touch --date='2 days ago' "$root/var/lib/apt/lists"
