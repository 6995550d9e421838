// SPDX-License-Identifier: GPL-2.0-only
/* The kfuncs for who manages the flows. */
#include "probe.bpf.h"

SEC("syscall")
int probe(struct bpf_xfrm_flow_counts *counts)
{
	return bpf_xfrm_flow_counts(counts, sizeof(*counts));
}

SEC("syscall")
int probe_short(struct bpf_xfrm_flow_counts *counts)
{
	return bpf_xfrm_flow_counts(counts, sizeof(*counts) - 8);
}

SEC("syscall")
int probe_forget(__u32 *flags)
{
	return bpf_xfrm_flow_forget(*flags);
}

/* A callback has no namespace of its own: a kernel thread runs it. */
struct probe_work {
	struct bpf_wq work;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct probe_work);
} works SEC(".maps");

extern int bpf_wq_init(struct bpf_wq *wq, void *p__map, unsigned int flags) __ksym;
extern int bpf_wq_start(struct bpf_wq *wq, unsigned int flags) __ksym;
extern int bpf_wq_set_callback_impl(struct bpf_wq *wq,
				    int (*callback)(void *map, int *key, void *value),
				    unsigned int flags, void *aux__ign) __ksym;

static int probe_callback(void *map, int *key, void *value)
{
	struct probe_result *res = probe_result();

	if (!res)
		return 0;
	res->verdict = bpf_xfrm_flow_forget(0);
	res->calls++;
	return 0;
}

SEC("syscall")
int probe_forget_later(void *ctx)
{
	struct probe_work *work;
	__u32 zero = 0;

	work = bpf_map_lookup_elem(&works, &zero);
	if (!work || bpf_wq_init(&work->work, &works, 0) ||
	    bpf_wq_set_callback_impl(&work->work, probe_callback, 0, NULL))
		return -1;
	return bpf_wq_start(&work->work, 0);
}
