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

# The IKE_SAs of a gateway, of which one is established
swan_ikes() { swan "$1" --list-sas 2>/dev/null | grep '^rekey: '; }

# swan_moved OLD NS…: in the place of OLD there is another, at each gateway, and no other
swan_moved()
{
	local old=$1 ns ikes

	shift
	for ns; do
		ikes=$(swan_ikes "$ns")
		[[ $ikes =~ ^rekey:\ (#[0-9]+),\ ESTABLISHED && $ikes != *$'\n'* ]] || return 1
		[ "$ns" != "$1" ] || [ "${BASH_REMATCH[1]}" != "$old" ] || return 1
	done
}

# swan_move NS PEER: the IKE_SA is rekeyed, from NS
swan_move()
{
	local old

	old=$(swan_ikes "$1")
	old=${old#rekey: }
	must swan "$1" --rekey --ike rekey
	wait_for "$LIMIT" swan_moved "${old%%,*}" "$@" || {
		ike_says
		bail "the IKE_SA was not rekeyed"
	}
}

# strongswan_round: each kind of rekeying, from either side. Who answers a
# reauthentication takes its configuration anew: that stops the clock, and starts it at
# the other side. An IKE_SA is rekeyed and reauthenticated while nothing else goes on:
# charon looks in the IKE_SAs there are for a CHILD_SA whose time has come, finds it in none
# while it moves from one to the other, and neither rekeys nor deletes it ever after.
strongswan_round()
{
	local on=$SWAN_ON off=$SWAN_OFF so_far

	unknown
	so_far=$UNKNOWN
	rekeyed 2
	expect_known "$so_far"
	swan_one "$on" 0
	# Its clock begins anew with that.
	rekeyed 1
	settled
	must swan "$off" --rekey --ike rekey --reauth
	rekeyed 1
	settled
	unknown
	so_far=$UNKNOWN
	must swan "$on" --rekey --child net
	rekeyed 1
	settled
	swan_move "$on" "$off"
	must swan "$off" --rekey --child net
	rekeyed 1
	settled
	swan_move "$off" "$on"
	expect_known "$so_far"
	swan_one "$off" "$SWAN_CLOCK"
	must swan "$on" --rekey --ike rekey --reauth
	rekeyed 1
	settled
	SWAN_ON=$off SWAN_OFF=$on
}
