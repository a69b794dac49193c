#!/usr/bin/env bash
# Real systemd hosts in containers, for development and tests.
#
#   rig.sh machine                  install what this machine needs (no-op when present)
#   rig.sh up NAME [OS]             start the host a2a-mcp-NAME (OS: debian13, debian12) and print its address;
#                                   a running one is kept
#   rig.sh fresh NAME [OS]          the same, but a running one is thrown away first
#   rig.sh builder OS               start the host builder-OS, which may fetch packages the way this machine does
#   rig.sh down NAME...             remove hosts
#   rig.sh list                     name, image, address and state of every host
#   rig.sh address NAME             print the address
#   rig.sh ssh NAME [COMMAND...]    log in, or run one command
#
# Hosts live on a network of their own and carry the label a2a-mcp=host: nothing without that label is touched. To let
# two checkouts work at once, give one of them a word in A2A_RIG, which sets its hosts apart, and an A2A_CACHE of its own.
# Keys and the ssh configuration (for `ssh -F`, with an entry per host) lie in $A2A_CACHE, ~/.cache/a2a-mcp by default.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export CONTAINERS_CONF="$here/containers.conf"
cache=${A2A_CACHE:-$HOME/.cache/a2a-mcp}
network=a2a-mcp
rig=${A2A_RIG:-host}
label=a2a-mcp=$rig
prefix=a2a-mcp-${A2A_RIG:+$A2A_RIG-}

# Everything a host's systemd needs, and neither the machine's disks nor its clock (no SYS_TIME, no --privileged).
capabilities=AUDIT_CONTROL,AUDIT_READ,AUDIT_WRITE,BPF,CHOWN,DAC_OVERRIDE,DAC_READ_SEARCH,FOWNER,FSETID,IPC_LOCK
capabilities+=,IPC_OWNER,KILL,LEASE,LINUX_IMMUTABLE,MKNOD,NET_ADMIN,NET_BIND_SERVICE,NET_BROADCAST,NET_RAW,PERFMON
capabilities+=,SETFCAP,SETGID,SETPCAP,SETUID,SYS_ADMIN,SYS_BOOT,SYS_CHROOT,SYS_NICE,SYS_PTRACE,SYS_TTY_CONFIG

volumes=()

say() { echo "rig: $*" >&2; }
die() { say "$*"; exit 1; }

machine() {
  local -A provides=([podman]=podman [runc]=runc [conmon]=conmon [iptables]=iptables [mmdebstrap]=mmdebstrap
    [ssh]=openssh-client [flock]=util-linux)
  local missing=() command
  for command in "${!provides[@]}"; do
    command -v "$command" >/dev/null || missing+=("${provides[$command]}")
  done
  [[ -x /usr/lib/podman/netavark ]] || missing+=(netavark)
  [[ -x /usr/lib/podman/aardvark-dns ]] || missing+=(aardvark-dns)
  if ((${#missing[@]})); then
    [[ $EUID -eq 0 ]] || die "needs root to install ${missing[*]}"
    say "installing ${missing[*]}"
    apt-get update --quiet=2
    DEBIAN_FRONTEND=noninteractive apt-get install --quiet=2 --yes --no-install-recommends "${missing[@]}" >/dev/null
  fi
  # Several systemds share the one limit of inotify instances; 128 is used up by three or four of them.
  local instances=/proc/sys/fs/inotify/max_user_instances
  if [[ $(<$instances) -lt 1024 && -w $instances ]]; then
    say "raising fs.inotify.max_user_instances from $(<$instances) to 1024"
    echo 1024 >$instances
  fi
}

ensure_key() {
  mkdir -p "$cache"
  chmod 700 "$cache"
  [[ -f $cache/id_ed25519 ]] || ssh-keygen -q -t ed25519 -N '' -C a2a-mcp-rig -f "$cache/id_ed25519"
}

# The first subnet that neither a route of this machine nor another podman network uses.
ensure_network() {
  podman network exists "$network" && return
  local third
  for third in $(seq 7 60); do
    ip -4 route show to match "10.91.$third.1" | grep -qv '^default' && continue
    podman network create --label "$label" --subnet "10.91.$third.0/24" "$network" >/dev/null 2>&1 && return
  done
  die "no free subnet found for the network $network"
}

subnet_prefix() {
  podman network inspect "$network" --format '{{range .Subnets}}{{.Subnet}}{{end}}' | sed -E 's/\.[0-9]+\/[0-9]+$//'
}

exists() { podman container exists "$prefix$1"; }

owned() { [[ $(podman inspect --format '{{index .Config.Labels "a2a-mcp"}}' "$prefix$1") == "$rig" ]]; }

running() { [[ $(podman inspect --format '{{.State.Running}}' "$prefix$1" 2>/dev/null) == true ]]; }

address() {
  podman inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$prefix$1" 2>/dev/null \
    | grep . || die "no running host $1 (rig.sh up $1)"
}

# A name has the same address each time, unless another host took it meanwhile.
choose_last_octet() {
  local taken octet
  taken=$(podman ps --all --quiet --filter "network=$network" | xargs --no-run-if-empty podman inspect \
    --format '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}{{index .Config.Labels "a2a-mcp-octet"}}')
  octet=$(($(cksum <<<"$1" | cut -d' ' -f1) % 200 + 20))
  while grep -qE "(^| |\.)$octet( |\$)" <<<"$taken"; do octet=$((octet % 230 + 20)); done
  echo "$octet"
}

write_ssh_config() {
  local name where
  {
    for name in $(podman ps --filter "label=$label" --format '{{.Names}}'); do
      name=${name#"$prefix"}
      # One that is being removed has none any more.
      where=$(address "$name" 2>/dev/null) || continue
      printf 'Host %s\n  HostName %s\n' "$name" "$where"
    done
    cat <<END
Host *
  User root
  IdentityFile $cache/id_ed25519
  IdentitiesOnly yes
  StrictHostKeyChecking no
  UserKnownHostsFile /dev/null
  LogLevel ERROR
  ServerAliveInterval 5
  ControlMaster auto
  ControlPath $cache/ssh-%C
  ControlPersist 60s
END
  } >"$cache/ssh_config.new"
  mv "$cache/ssh_config.new" "$cache/ssh_config"
}

wait_until_running() {
  local state
  for _ in $(seq 300); do
    state=$(podman exec "$prefix$1" systemctl is-system-running 2>/dev/null || true)
    case $state in
      running) return ;;
      degraded)
        podman exec "$prefix$1" systemctl --no-pager --failed >&2
        die "host $1 came up with failed units" ;;
    esac
    sleep 0.2
  done
  die "host $1 is '$state' after a minute; see: podman logs $prefix$1"
}

start() {
  local name=$1 os=$2 image octet subnet
  image=$("$here/image.sh" "$os")
  octet=$(choose_last_octet "$name")
  subnet=$(subnet_prefix)
  # Not --systemd=always: on cgroup v1 it would share the machine's whole systemd tree among all containers.
  # Without the rshared root, systemd's credentials would be unreadable for the services.
  # shellcheck disable=SC2016  # $m is expanded inside the container
  podman run --detach --name "$prefix$name" --hostname "$name" --label "$label" --label "a2a-mcp-octet=$octet" \
    --network "$network" --ip "$subnet.$octet" --mac-address "02:42:0a:5b:07:$(printf %02x "$octet")" \
    --network-alias "$name" --restart=always --cgroupns=private --systemd=false \
    --cap-drop=ALL --cap-add="$capabilities" --security-opt=seccomp=unconfined \
    --security-opt=apparmor=unconfined --security-opt=unmask=ALL --env=container=podman \
    --stop-signal=SIGRTMIN+3 --tmpfs=/run:rw,nosuid,nodev,mode=755 --tmpfs=/run/lock:rw,nosuid,nodev \
    --tmpfs=/tmp:rw,nosuid,nodev,exec,mode=1777 --no-hosts "${volumes[@]}" "$image" \
    sh -c 'for m in /sys/fs/cgroup /sys/fs/cgroup/*; do ! mountpoint -q "$m" || mount -o remount,bind,rw "$m"; done
      mount --make-rshared / && exec /sbin/init' >"$cache/start.log" 2>&1 || die "$(<"$cache/start.log")"
  podman exec --interactive "$prefix$name" sh -c 'umask 077; mkdir -p /root/.ssh; cat >/root/.ssh/authorized_keys' \
    <"$cache/id_ed25519.pub"
}

up() {
  local name=$1 os=${2:-debian13}
  [[ $name =~ ^[a-z][a-z0-9-]*$ ]] || die "a host's name is lower case letters, digits and hyphens, not '$name'"
  machine
  ensure_key
  # One at a time: addresses and the ssh configuration are shared.
  exec 9>"$cache/lock"
  flock 9
  ensure_network
  if exists "$name"; then
    owned "$name" || die "the container $prefix$name is not ours; remove or rename it"
    running "$name" || podman rm --force "$prefix$name" >/dev/null
  fi
  exists "$name" || start "$name" "$os"
  write_ssh_config
  flock --unlock 9
  wait_until_running "$name"
  address "$name"
}

# Wheels are built in a host of the target's Debian; to reach a package index it needs what this machine was given.
builder() {
  local file
  for file in /etc/pip.conf /etc/ssl/certs/ca-certificates.crt; do
    [[ ! -f $file ]] || volumes+=("--volume=$file:$file:ro")
  done
  up "builder-$1" "$1"
}

down() {
  local name
  mkdir -p "$cache"
  exec 9>"$cache/lock"
  flock 9
  for name in "$@"; do
    exists "$name" || continue
    owned "$name" || die "the container $prefix$name is not ours and stays"
    # A master connection that outlives the host would stall the next one at its address.
    ssh -F "$cache/ssh_config" -O exit "$name" 2>/dev/null || true
    podman rm --force --time 5 "$prefix$name" >/dev/null
    say "removed $name"
  done
  write_ssh_config
  # Fails, as it should, while other hosts are on it.
  podman network rm "$network" >/dev/null 2>&1 || true
  flock --unlock 9
}

list() {
  podman ps --all --filter "label=$label" --format '{{.Names}} {{.Image}} {{.State}}' | while read -r name rest; do
    echo "${name#"$prefix"} $rest $(address "${name#"$prefix"}" 2>/dev/null)"
  done | column -t
}

case "${1:-}" in
  machine) machine ;;
  up) up "${@:2}" ;;
  builder) builder "${2:?OS}" ;;
  fresh) down "${2:?name}" && up "${@:2}" ;;
  down) down "${@:2}" ;;
  list) list ;;
  address) address "${2:?name}" ;;
  ssh) exec ssh -F "$cache/ssh_config" "${@:2}" ;;
  *) sed -n '2,/^set/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
