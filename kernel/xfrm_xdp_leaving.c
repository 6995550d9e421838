// SPDX-License-Identifier: GPL-2.0-only
/*
 * A flow that is encrypted is learned before the stack encrypts its packet: rules
 * for the ESP packet (LOCAL_OUT, POST_ROUTING) come after that, and may drop it or
 * send it elsewhere. So a flow is good only as long as ESP packets of its SA are
 * seen on their way out of the same device, as the packets that renew flows are.
 */

#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netfilter.h>
#include <net/ip.h>
#include "xfrm_xdp.h"

/**
 * xfrm_xdp_leaving_handle() - the flow of the ESP packets of an outbound SA
 * @xn: of the namespace
 * @x: SA
 * @out: device that they should leave by
 *
 * Context: softirq, or BH off; RCU read side.
 * Return: its handle, or 0 where there is no room for it.
 */
u64 xfrm_xdp_leaving_handle(struct xfrm_xdp_net *xn, struct xfrm_state *x,
			    const struct net_device *out)
{
	struct xfrm_xdp_flow_id id = { .kind = XFRM_XDP_FLOW_LEAVING };
	struct xfrm_xdp_flow *flow, *old;

	xfrm_xdp_sa_key(&id.key, x);
	id.key.ifindex = out->ifindex;
	old = xfrm_xdp_flow_find(xn, &id);
	if (old && old->x == x)
		return old->handle;
	flow = xfrm_xdp_flow_alloc(&id, NULL);
	if (!flow)
		return 0;
	xfrm_state_hold(x);
	flow->x = x;
	if (xfrm_xdp_flow_insert(xn, flow, old)) {
		xfrm_xdp_flow_free(flow);
		return 0;
	}
	return flow->handle;
}

/* Where ESP is behind an IP header, in UDP or not; 0 where it is not. */
static unsigned int xfrm_xdp_leaving_esp(u8 proto, unsigned int hlen)
{
	return proto == IPPROTO_ESP ? hlen :
	       proto == IPPROTO_UDP ? hlen + sizeof(struct udphdr) : 0;
}

/*
 * The key of an ESP packet that was made here, or nothing. UDP that XFRM did not make
 * may look like it: then it is a flow that nobody asks for.
 */
static bool xfrm_xdp_leaving_key(struct xfrm_xdp_flow_key *key, const struct sk_buff *skb)
{
	const struct ip_esp_hdr *esph;
	const struct ipv6hdr *ip6h;
	const struct iphdr *iph;
	struct ip_esp_hdr buf;
	unsigned int esp;

	if (skb->protocol == htons(ETH_P_IP)) {
		iph = ip_hdr(skb);
		esp = xfrm_xdp_leaving_esp(iph->protocol, ip_hdrlen(skb));
		key->family = AF_INET;
		key->saddr[0] = iph->saddr;
		key->daddr[0] = iph->daddr;
	} else {
		ip6h = ipv6_hdr(skb);
		esp = xfrm_xdp_leaving_esp(ip6h->nexthdr, sizeof(*ip6h));
		key->family = AF_INET6;
		memcpy(key->saddr, &ip6h->saddr, sizeof(key->saddr));
		memcpy(key->daddr, &ip6h->daddr, sizeof(key->daddr));
	}
	esph = esp ? skb_header_pointer(skb, skb_network_offset(skb) + esp, sizeof(buf),
					&buf) : NULL;
	if (!esph)
		return false;
	key->proto = IPPROTO_ESP;
	key->spi = esph->spi;
	return true;
}

/**
 * xfrm_xdp_leaving_seen() - note that an ESP packet passed the last rule
 * @state: POST_ROUTING
 * @skb: packet
 *
 * Context: softirq, or BH off; RCU read side.
 * Return: whether it is a packet that XFRM made here.
 */
bool xfrm_xdp_leaving_seen(const struct nf_hook_state *state, const struct sk_buff *skb)
{
	struct xfrm_xdp_flow_id id = { .kind = XFRM_XDP_FLOW_LEAVING };
	struct xfrm_xdp_flow *flow;

	if (!(skb->protocol == htons(ETH_P_IP) ?
	      IPCB(skb)->flags & IPSKB_XFRM_TRANSFORMED :
	      IP6CB(skb)->flags & IP6SKB_XFRM_TRANSFORMED))
		return false;
	if (!state->out || xfrm_xdp_hooks_outside(state->net, state->pf, state->hook) ||
	    !xfrm_xdp_leaving_key(&id.key, skb))
		return true;
	id.key.ifindex = state->out->ifindex;
	flow = xfrm_xdp_flow_find(xfrm_xdp_net(state->net), &id);
	if (flow)
		xfrm_xdp_flow_left(flow);
	return true;
}
