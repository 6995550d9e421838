# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# strongSwan as Debian ships it, one daemon per gateway: each in its network
# namespace, with a directory of its own for configuration, socket and log.
# Sourced after lib.sh.

work=${work:?source lib.sh first}
psk=$(head -c 24 /dev/urandom | base64)

# ike_start NAME: the daemon, configured by nothing but where its files are.
ike_start()
{
	local name=$1 dir=$work/ike-$1

	mkdir -p "$dir"
	cat >"$dir/strongswan.conf" <<-CONF
	charon-systemd {
		load = random nonce openssl gcm aes sha2 hmac kdf kernel-netlink socket-default vici
		plugins {
			vici {
				socket = unix://$dir/vici
			}
		}
		filelog {
			charon {
				path = $dir/log
				flush_line = yes
			}
		}
	}
	swanctl {
		load = random openssl pem
	}
	CONF
	spawn "$dir/stderr" "$name" env STRONGSWAN_CONF="$dir/strongswan.conf" charon-systemd
	wait_for 60 "the IKE daemon of $name" swan "$name" --stats
}

swan()
{
	local name=$1

	shift
	STRONGSWAN_CONF=$work/ike-$name/strongswan.conf swanctl "$@" --uri "unix://$work/ike-$name/vici"
}

# ike_load NAME OTHER LOCAL REMOTE LOCAL_TS REMOTE_TS START_ACTION
#
# Packets of one TCP window travel over all CPUs of the machine, and overtake
# each other by more than the default replay window of 32 when one CPU is held up.
ike_load()
{
	local conf=$work/ike-$1/swanctl.conf

	cat >"$conf" <<-CONF
	connections {
		demo {
			version = 2
			proposals = aes128gcm16-prfsha256-x25519
			local_addrs = $3
			remote_addrs = $4
			local {
				auth = psk
				id = $1.demo.example
			}
			remote {
				auth = psk
				id = $2.demo.example
			}
			children {
				net {
					mode = tunnel
					esp_proposals = aes128gcm16
					replay_window = 256
					local_ts = $5
					remote_ts = $6
					start_action = $7
				}
			}
		}
	}
	secrets {
		ike-demo {
			id-1 = $1.demo.example
			id-2 = $2.demo.example
			secret = "$psk"
		}
	}
	CONF
	swan "$1" --load-all --file "$conf" >"$work/ike-$1/load" 2>&1 ||
		{ cat "$work/ike-$1/load" >&2; die "swanctl does not load the configuration of $1"; }
}

ike_installed()
{
	swan "$1" --list-sas | grep -q INSTALLED
}

ike_version()
{
	swan "$1" --version --daemon
}

# What the daemons said: for a run that failed.
ike_logs()
{
	tail -n 30 "$work"/ike-*/{log,stderr} 2>/dev/null >&2
}
