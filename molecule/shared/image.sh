#!/usr/bin/env bash
# Builds the systemd image of one Debian release and prints its name: image.sh debian13|debian12
#
# The root file system holds what a Debian cloud image holds and no more, so that a role which forgets a package
# fails here too. The packages that the roles install lie in apt's cache, downloaded but not installed: converging is
# then quick, and a deb that is missing or outdated is simply fetched. The image's name is the hash of this recipe
# with the month; it is rebuilt when either changes.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export CONTAINERS_CONF="$here/containers.conf"

case "${1:-}" in
  debian13) suite=trixie ;;
  debian12) suite=bookworm ;;
  *) echo "usage: image.sh debian13|debian12" >&2; exit 2 ;;
esac

base=systemd,systemd-sysv,dbus,libpam-systemd,libnss-systemd,python3,python3-apt,ca-certificates,iproute2
base+=,procps,kmod,curl,openssl,openssh-server,sudo,less,logrotate
# Kept in step with the roles by hand: a package missing here costs seconds, never correctness.
role_packages=(python3-venv nftables nginx redis-server jq wordnet-base libstdc++6 prometheus prometheus-alertmanager
  prometheus-node-exporter prometheus-nginx-exporter prometheus-redis-exporter prometheus-blackbox-exporter)

tag=$(cat "$here/image.sh" "$here/image_finish.sh" | sha256sum | cut -c1-12)-$(date +%Y%m)
image=localhost/a2a-mcp/$1:$tag
if podman image exists "$image"; then
  echo "$image"
  exit 0
fi

# The new root inherits how this machine fetches packages (proxies, clock checks); mirrors are mmdebstrap's choice.
apt_options=()
while IFS= read -r option; do
  apt_options+=("--aptopt=$option")
done < <(apt-config dump | grep -E '^Acquire::(Check-|Retries|http::Proxy|https::Proxy)' || true)

# The base's own debs are not wanted, what is fetched after them is.
download="rm -f \"\$1\"/var/cache/apt/archives/*.deb; APT_CONFIG=\$MMDEBSTRAP_APT_CONFIG apt-get install --quiet=2 --yes --download-only --no-install-recommends"
download+=" ${role_packages[*]}"

echo "rig: building $image (about a minute)" >&2
started=$SECONDS
mmdebstrap --quiet --mode=root --variant=minbase --include="$base" "${apt_options[@]}" \
  --customize-hook="$download" --customize-hook="$here/image_finish.sh" --skip=cleanup/apt \
  "$suite" - \
  | podman import --quiet --change 'CMD ["/sbin/init"]' --change 'STOPSIGNAL SIGRTMIN+3' \
    --change 'ENV container=podman' - "$image" >/dev/null
echo "rig: built in $((SECONDS - started)) s" >&2
echo "$image"
