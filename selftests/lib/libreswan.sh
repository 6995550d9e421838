# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# libreswan, unpacked by scripts/libreswan.sh, one daemon per gateway; each has a
# directory of its own, $TMP/pluto-NS, for keys, configuration, socket and log.

LIBRESWAN=$("$LIB/../../scripts/cache.sh")/libreswan
PLUTO=$LIBRESWAN/usr/libexec/ipsec

# whack NS ARG…
whack()
{
	local ns=$1

	shift
	in_ns "$ns" "$PLUTO/whack" --rundir "$TMP/pluto-$ns" "$@"
}

# Both read the same and find out which end they are.
pluto_conf()
{
	sed 's/^.*=/ &/' <<-CONF
	config setup
		dnssec-enable=no
	conn both
		left=$GW1_4
		right=$GW2_4
		leftupdown=%disabled
		rightupdown=%disabled
		authby=secret
		ikev2=yes
		ike=aes_gcm128-sha2_256;dh31
		esp=aes_gcm128
		pfs=no
		replay-window=1024
		rekeyfuzz=0%
	conn net4
		also=both
		leftsubnet=$NET_A4
		rightsubnet=$NET_B4
	conn net6
		also=both
		leftsubnet=$NET_A6
		rightsubnet=$NET_B6
	CONF
}

pluto_daemon()
{
	local ns=$1 dir=$TMP/pluto-$1

	mkdir -p "$dir/ipsec.d/policies"
	pluto_conf >"$dir/ipsec.conf"
	echo "$GW1_4 $GW2_4 : PSK \"nobody may know this\"" >"$dir/ipsec.secrets"
	must certutil -N -d "sql:$dir" --empty-password
	# It looks for its helpers where the package would have them.
	# shellcheck disable=SC2016  # for the inner shell
	unshare --mount nsenter --net="/run/netns/$ns" -- sh -c '
		mount -t overlay -o "lowerdir=$0/usr/libexec:/usr/libexec" libexec /usr/libexec &&
		exec "$@"' "$LIBRESWAN" "$PLUTO/pluto" --nofork --config "$dir/ipsec.conf" --ipsecdir "$dir/ipsec.d" \
		--nssdir "$dir" --rundir "$dir" --secretsfile "$dir/ipsec.secrets" \
		--logfile "$dir/log" --nhelpers 1 >"$dir/stderr" 2>&1 </dev/null &
	IKE_PIDS+=($!)
}

pluto_answers() { whack "$1" --status >"$TMP/pluto-$1/status" 2>&1; }

pluto_load()
{
	local ns=$1 dir=$TMP/pluto-$1 conn

	must whack "$ns" --listen
	for conn in net4 net6; do
		must in_ns "$ns" "$PLUTO/addconn" --config "$dir/ipsec.conf" \
			--ctlsocket "$dir/pluto.ctl" "$conn"
	done
}

# libreswan_up: both daemons, and a CHILD_SA for each family
libreswan_up()
{
	local ns

	[ -x "$PLUTO/pluto" ] || bail "libreswan is missing; fetch it: scripts/libreswan.sh"
	for ns in "$GW1" "$GW2"; do
		pluto_daemon "$ns"
	done
	for ns in "$GW1" "$GW2"; do
		wait_for 60 pluto_answers "$ns" ||
			bail "pluto does not start: $(tail -n 3 "$TMP/pluto-$ns"/{log,stderr} | tr '\n' ';')"
		pluto_load "$ns"
	done
	must whack "$GW1" --initiate --name net4
	must whack "$GW1" --initiate --name net6
}

libreswan_sas() { echo 4; }

# libreswan_round: from either side, IKE_SA and both CHILD_SAs
libreswan_round()
{
	local ns

	for ns in "$GW1" "$GW2"; do
		must whack "$ns" --rekey-ipsec --name net4
		must whack "$ns" --rekey-ipsec --name net6
		rekeyed 2
	done
	must whack "$GW1" --rekey-ike --name net4
}
