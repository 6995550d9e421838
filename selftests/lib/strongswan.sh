# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# strongSwan as Debian ships it, one daemon per gateway; each has a directory of its
# own, $TMP/NS, for configuration, socket and log. Of a rekeyed SA the inbound half
# stays for a second (delete_rekeyed_delay), for what is under way.

IKE_PIDS=()

swan()
{
	local ns=$1

	shift
	STRONGSWAN_CONF=$TMP/$ns/strongswan.conf swanctl "$@" --uri "unix://$TMP/$ns/vici"
}

swan_daemon()
{
	local ns=$1 dir=$TMP/$1

	mkdir -p "$dir"
	cat >"$dir/strongswan.conf" <<-CONF
	charon-systemd {
		load = random nonce openssl gcm aes sha2 hmac kdf kernel-netlink socket-default vici
		make_before_break = yes
		delete_rekeyed_delay = 1
		plugins {
			vici {
				socket = unix://$dir/vici
			}
		}
		filelog {
			charon {
				path = $dir/log
				flush_line = yes
				time_format = %T
			}
		}
	}
	swanctl {
		load = random openssl pem
	}
	CONF
	STRONGSWAN_CONF=$dir/strongswan.conf nsenter --net="/run/netns/$ns" -- \
		charon-systemd >"$dir/stderr" 2>&1 </dev/null &
	IKE_PIDS+=($!)
}

swan_answers() { swan "$1" --stats >"$TMP/$1/stats" 2>&1; }

# swan_child NAME LOCAL_TS REMOTE_TS CLOCK: added to CHILDREN
swan_child()
{
	CHILDREN+="
	$1 {
		mode = tunnel
		esp_proposals = aes128gcm16
		replay_window = 1024
		local_ts = $2
		remote_ts = $3
		rekey_time = $4
		rand_time = 0
		life_time = 3600
	}"
}

# swan_load NS LOCAL REMOTE: a connection with the CHILDREN, which are used up
swan_load()
{
	cat >"$TMP/$1/swanctl.conf" <<-CONF
	connections {
		rekey {
			version = 2
			proposals = aes128gcm16-prfsha256-x25519
			local_addrs = $2
			remote_addrs = $3
			rekey_time = 1h
			local {
				auth = psk
				id = $2
			}
			remote {
				auth = psk
				id = $3
			}
			children {
				$CHILDREN
			}
		}
	}
	secrets {
		ike-rekey {
			secret = "nobody may know this"
		}
	}
	CONF
	CHILDREN=
	must swan "$1" --load-all --file "$TMP/$1/swanctl.conf"
}

# swan_one NS CLOCK: a gateway's configuration, one CHILD_SA for all
swan_one()
{
	CHILDREN=
	if [ "$1" = "$GW1" ]; then
		swan_child net "$NET_A4,$NET_A6" "$NET_B4,$NET_B6" "$2"
		swan_load "$GW1" "$GW1_4" "$GW2_4"
	else
		swan_child net "$NET_B4,$NET_B6" "$NET_A4,$NET_A6" "$2"
		swan_load "$GW2" "$GW2_4" "$GW1_4"
	fi
}

# strongswan_up: both daemons, and the CHILD_SA, on the clock at GW1
strongswan_up()
{
	local ns begin=$SECONDS

	for ns in "$GW1" "$GW2"; do
		swan_daemon "$ns"
	done
	for ns in "$GW1" "$GW2"; do
		wait_for 60 swan_answers "$ns" ||
			bail "charon does not start: $(tail -n 3 "$TMP/$ns/stderr" | tr '\n' ';')"
	done
	# How long the clock lets a CHILD_SA live, in seconds: where it takes long to
	# start, it takes long to rekey.
	SWAN_CLOCK=$((4 + (SECONDS - begin) / 2))
	SWAN_ON=$GW1 SWAN_OFF=$GW2
	swan_one "$SWAN_OFF" 0
	swan_one "$SWAN_ON" "$SWAN_CLOCK"
	must swan "$GW1" --initiate --child net
}

strongswan_sas() { echo 2; }

# strongswan_tunnels N: in the place of the one, N CHILD_SAs for a source port each
strongswan_tunnels()
{
	local i

	must swan "$GW1" --terminate --ike rekey
	CHILDREN=
	for ((i = 1; i <= $1; i++)); do
		swan_child t$i "${NET_B4}[udp/5001]" "${NET_A4}[udp/$((4000 + i))]" 0
	done
	swan_load "$GW2" "$GW2_4" "$GW1_4"
	for ((i = 1; i <= $1; i++)); do
		swan_child t$i "${NET_A4}[udp/$((4000 + i))]" "${NET_B4}[udp/5001]" 0
	done
	swan_load "$GW1" "$GW1_4" "$GW2_4"
	for ((i = 1; i <= $1; i++)); do
		must swan "$GW1" --initiate --child t$i
	done
}

# strongswan_round: each kind of rekeying, from either side. Who answers a
# reauthentication takes its configuration anew: that moves the clock to the other side.
# It waits while an old SA waits for its end.
strongswan_round()
{
	local on=$SWAN_ON off=$SWAN_OFF

	rekeyed 2
	must swan "$off" --rekey --child net
	must swan "$on" --rekey --ike rekey
	rekeyed 2
	must swan "$off" --rekey --ike rekey
	rekeyed 1
	expect_known
	swan_one "$on" 0
	# Its clock runs until then. A CHILD_SA that is just being rekeyed would be lost with
	# the IKE_SA: so right after that has happened.
	rekeyed 1
	settled
	must swan "$off" --rekey --ike rekey --reauth
	rekeyed 1
	settled
	swan_one "$off" "$SWAN_CLOCK"
	must swan "$on" --rekey --ike rekey --reauth
	rekeyed 1
	SWAN_ON=$off SWAN_OFF=$on
}
