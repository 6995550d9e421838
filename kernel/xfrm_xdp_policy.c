// SPDX-License-Identifier: GPL-2.0-only
/*
 * The generation of the security policy: counts whatever makes the stack decide otherwise about
 * a packet that it has decided about. Besides the policies themselves that is an SA for a
 * template that policies have optional (level use): before, such packets went in the clear.
 */

#include <linux/hash.h>
#include <linux/rtnetlink.h>
#include "xfrm_xdp.h"

/**
 * xfrm_xdp_policy_changed() - the stack may decide otherwise from now on
 * @net: namespace
 *
 * Context: any.
 */
void xfrm_xdp_policy_changed(const struct net *net)
{
	/* Who reads the old generation may see the old policy, and no one else. */
	smp_mb__before_atomic();
	atomic_inc(&xfrm_xdp_net(net)->policy_gen);
}

/* Which SAs a template asks for: hashed, for most are asked for by no optional one. */
static u32 xfrm_xdp_policy_asked(u8 proto, u32 reqid)
{
	return hash_32(reqid * 256 + proto, XFRM_XDP_OPTIONAL_BITS);
}

/**
 * xfrm_xdp_policy_noted() - note what SAs a policy can do without
 * @xp: the policy
 * @dir: its direction; only outbound policies decide what is encrypted
 *
 * Never taken back: a policy that is gone costs flows a round through the stack.
 *
 * Context: any; @xp is held or linked.
 */
void xfrm_xdp_policy_noted(const struct xfrm_policy *xp, int dir)
{
	struct xfrm_xdp_net *xn = xfrm_xdp_net(xp_net(xp));
	int i;

	if (dir != XFRM_POLICY_OUT)
		return;
	for (i = 0; i < xp->xfrm_nr; i++)
		if (xp->xfrm_vec[i].optional)
			set_bit(xfrm_xdp_policy_asked(xp->xfrm_vec[i].id.proto,
						      xp->xfrm_vec[i].reqid), xn->optional);
}

/**
 * xfrm_xdp_policy_met() - an SA may be used from now on
 * @x: the SA
 *
 * Where packets went without one of its kind the next has to ask the stack. Rekeying
 * must not end all flows of a gateway, so it does where a policy has it optional only.
 *
 * Context: any.
 */
void xfrm_xdp_policy_met(struct xfrm_state *x)
{
	const struct xfrm_xdp_net *xn = xfrm_xdp_net(xs_net(x));

	if (x->dir != XFRM_SA_DIR_IN &&
	    test_bit(xfrm_xdp_policy_asked(x->id.proto, x->props.reqid), xn->optional))
		xfrm_xdp_policy_changed(xs_net(x));
}

static int xfrm_xdp_policy_walked(struct xfrm_policy *xp, int dir, int count, void *arg)
{
	xfrm_xdp_policy_noted(xp, dir);
	return 0;
}

/**
 * xfrm_xdp_policy_init() - note the policies that were there before the module
 *
 * Context: process; every policy that comes from now on is noted already.
 */
void __init xfrm_xdp_policy_init(void)
{
	struct xfrm_policy_walk walk;
	struct net *net;

	down_read(&net_rwsem);
	for_each_net(net) {
		xfrm_policy_walk_init(&walk, XFRM_POLICY_TYPE_ANY);
		xfrm_policy_walk(net, &walk, xfrm_xdp_policy_walked, NULL);
		xfrm_policy_walk_done(&walk, net);
	}
	up_read(&net_rwsem);
}
