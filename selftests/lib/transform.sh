# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Which transforms new SAs get. The kernel takes the one of the highest priority:
#
#   cpu      the CPU's instructions: may complete later, by its flag, and nearly
#            never does; what a machine has once udev has loaded its drivers
#   code     C code only: completes at once
#   cryptd   the same C code behind a queue: completes later, always

CPU_DRIVERS="ghash_clmulni_intel aesni_intel"
GCM="rfc4106(gcm(aes))"
CBC="authenc(hmac(sha256),cbc(aes))"
# The kernel asks modprobe for "aes" and the like, which would bring them back.
BLACKLIST=/run/modprobe.d/xfrm-xdp-test.conf

# crypto_driver NAME: the preferred one
# crypto_async NAME: may it complete later? yes or no
crypto_driver() { crypto_best "$1" driver; }
crypto_async() { crypto_best "$1" async; }

crypto_best()
{
	awk -v name="$1" -v field="$2" '
		$1 == "name" { ours = $3 == name; best = 0 }
		$1 == "driver" { driver = $3 }
		$1 == "priority" && ours && $3 > most {
			most = $3; best = 1; found["driver"] = driver
		}
		best && $1 == field && field != "driver" { found[field] = $3 }
		END { print found[field] }' /proc/crypto
}

# crypto_ask NAME: the kernel makes an instance of a template, and loads the driver
# of an algorithm, when somebody asks for it by name.
crypto_ask()
{
	python3 - "$1" <<-'END'
		import socket, sys
		s = socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET)
		s.bind(("aead", sys.argv[1]))
	END
}

unload() { modprobe -qr "$@"; }

# transform cpu|code|cryptd: for SAs made from now on. No SA may be there, for its
# transform cannot be unloaded.
transform()
{
	modprobe -q algif_aead
	rm -f "$BLACKLIST"
	if [ "$1" = cpu ]; then
		# shellcheck disable=SC2086
		must modprobe -a $CPU_DRIVERS
		must crypto_ask "$GCM"
		must crypto_ask "$CBC"
		return
	fi
	mkdir -p "${BLACKLIST%/*}"
	# shellcheck disable=SC2086
	printf 'blacklist %s\n' $CPU_DRIVERS >"$BLACKLIST"
	# shellcheck disable=SC2086
	wait_for 10 unload $CPU_DRIVERS || bail "cannot unload $CPU_DRIVERS: an SA uses it"
	wait_for 10 unload cryptd || bail "cannot unload cryptd: an SA uses it"
	must crypto_ask "$GCM"
	must crypto_ask "$CBC"
	[ "$1" = code ] || must crypto_ask "cryptd($(crypto_driver "$GCM"))"
}
