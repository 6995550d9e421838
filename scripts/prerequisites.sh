#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Install what is needed, from the distribution's own archive:
#
#   prerequisites.sh [--auto] build    to build and install
#   prerequisites.sh [--auto] all      and to test
#
# As root on Debian: installs what is missing and says so in one line; does
# nothing, at once, when all is there. Anywhere else: names the packages that
# are missing and fails, or with --auto, for those who can do without, goes on.

set -euo pipefail

giving_up=1
[ "${1:-}" != --auto ] || { giving_up=0; shift; }

# package                        why
to_build='
build-essential                  module, libbpf, bpftool, userspace
clang                            BPF programs; its llvm-strip for the skeletons
llvm                             llvm-strip of the BPF objects
linux-source-6.12                libbpf, bpftool, debug kernel, checkpatch, kernel-doc
pahole                           BTF of the module and of the debug kernel
xz-utils                         unpacking linux-source
kmod                             depmod
libelf-dev                       libbpf, bpftool, objtool
zlib1g-dev                       libbpf, bpftool
libssl-dev                       ESP reference in userspace
pkg-config                       userspace
libmnl-dev                       netlink in userspace
libcli11-dev                     command line in userspace
nlohmann-json3-dev               JSON in userspace
libfmt-dev                       formatting in userspace
'
to_test='
ccache                           compiles once what all checkouts have in common
clang-format-14                  style check of the C++ code
git                              which files to check
linux-headers-6.12-cloud-amd64   headers and image of the stock test kernel
flex                             debug kernel
bison                            debug kernel
bc                               debug kernel
libgtest-dev                     tests of userspace
libgmock-dev                     tests of userspace
qemu-system-x86                  the test machine
qemu-system-common               virtiofsd, the root filesystem of the test machine
qemu-system-data                 firmware of the test machine
iproute2                         selftests: links, namespaces, XFRM
iputils-ping                     selftests: first packets, MTU probes
iperf3                           selftests and demo: TCP and UDP load
nftables                         selftests: rules, conntrack, meta secpath
ethtool                          selftests: offloads of devices
tcpdump                          selftests: captures
tshark                           demo: decrypts the captured ESP
python3                          selftests: JSON, packet tools
charon-systemd                   demo: IKE daemon (runs without systemd)
strongswan-swanctl               demo: its control tool
libstrongswan-standard-plugins   demo: gcm, openssl plugins
libnss3-tools                    libreswan: key database
libcurl3-nss                     libreswan: needed by its daemon, as the others below
libevent-core-2.1-7              libreswan
libevent-pthreads-2.1-7          libreswan
libldns3                         libreswan
libunbound8                      libreswan
jq                               selftests: JSON
linux-perf                       benchmark: where the instructions are
gnuplot-nox                      benchmark: plots
gdb                              benchmark: steps through a packet
strace                           selftests: kills the command at each of its steps
procps                           selftests: sysctl, ps
shellcheck                       style check of the scripts
sparse                           C=1 check of the module
'

# What cannot be installed along with these, in the cache.
beside=:

case ${1:-} in
build)	packages=$to_build ;;
all)	packages=$to_build$to_test beside=$(dirname "${BASH_SOURCE[0]}")/libreswan.sh ;;
*)
	echo "usage: prerequisites.sh [--auto] build|all" >&2
	exit 1 ;;
esac
mapfile -t names < <(awk 'NF { print $1 }' <<<"$packages")

missing=()
if ! command -v dpkg-query >/dev/null; then
	echo "prerequisites.sh: this is not Debian; install by hand what these packages hold:" >&2
	sed '/^$/d; s/^/  /' <<<"$packages" >&2
	exit $giving_up
fi

installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${names[@]}" 2>/dev/null |
	    sed -n 's/^installed //p' || true)
for name in "${names[@]}"; do
	grep -qxF "$name" <<<"$installed" || missing+=("$name")
done
if [ ${#missing[@]} -eq 0 ]; then
	"$beside" >/dev/null || exit $giving_up
	exit 0
fi

if [ "$(id -u)" -ne 0 ]; then
	echo "prerequisites.sh: missing packages: ${missing[*]}" >&2
	echo "prerequisites.sh: as root: apt-get install --no-install-recommends ${missing[*]}" >&2
	exit $giving_up
fi
if ! grep -q '^ID=debian$' /etc/os-release; then
	echo "prerequisites.sh: not Debian; install by hand the equivalent of: ${missing[*]}" >&2
	exit $giving_up
fi

echo "prerequisites.sh: installing ${missing[*]}"
case " ${missing[*]} " in
*" linux-headers-6.12-cloud-amd64 "*)
	echo "prerequisites.sh: the headers of the test kernel bring its image along; a machine with a boot loader of its own boots the newest kernel next, unless told otherwise" ;;
esac

# No daemon of ours may start on this machine, now or at its next boot: the
# guard is there only while apt runs, and only if the machine has none.
guard=/usr/sbin/policy-rc.d
guarded=
log=$(mktemp)
cleanup()
{
	[ -z "$guarded" ] || rm -f "$guard"
	rm -f "$log"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
if [ ! -e "$guard" ]; then
	guarded=1
	printf '#!/bin/sh\nexit 101\n' >"$guard"
	chmod 755 "$guard"
fi

export DEBIAN_FRONTEND=noninteractive
# Somebody else's broken archive must not stop us: the install will tell.
apt-get -q update >"$log" 2>&1 ||
	echo "prerequisites.sh: 'apt-get update' failed for some archive; going on" >&2
if ! apt-get -qy -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120 \
     --no-install-recommends --no-upgrade --no-remove install "${missing[@]}" </dev/null >"$log" 2>&1; then
	tail -n 30 "$log" >&2
	echo "prerequisites.sh: apt-get could not install ${missing[*]} (it may remove nothing for it); the reason is above" >&2
	exit 1
fi

if [ -d /run/systemd/system ]; then
	for unit in strongswan.service iperf3.service; do
		case " ${missing[*]} " in
		*" charon-systemd "*|*" iperf3 "*)
			systemctl -q disable "$unit" 2>/dev/null || true ;;
		esac
	done
fi
"$beside" >/dev/null || exit $giving_up
