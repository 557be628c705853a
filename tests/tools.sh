#!/bin/bash
# Installs the programs that the tests and `make rehearse` need, if this host lacks them.
set -euo pipefail

# program:package
readonly needs=(git:git python3:python3 systemd-nspawn:systemd-container mmdebstrap:mmdebstrap
  ip:iproute2 nft:nftables dpkg-deb:dpkg unshare:util-linux g++:g++)

missing=()
for need in "${needs[@]}"; do
  command -v "${need%%:*}" >/dev/null || missing+=("${need##*:}")
done
[ ${#missing[@]} -gt 0 ] || exit 0
if ! command -v apt-get >/dev/null; then
  echo "install ${missing[*]}: only on Debian and Ubuntu can this be done for you" >&2
  exit 69
fi
if [ "$(id -u)" -ne 0 ]; then
  echo "run this as root, or install ${missing[*]}" >&2
  exit 77
fi
echo "installing ${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
apt-get -qq -o DPkg::Lock::Timeout=600 update </dev/null
apt-get -qq -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0 --yes --no-install-recommends \
  install "${missing[@]}" </dev/null >/dev/null
