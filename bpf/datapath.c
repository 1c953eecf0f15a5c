/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* The one object: every program, sharing one set of maps. */
#include "bpf/host_out.c"
#include "bpf/lxc_in.c"
#include "bpf/net_in.c"
#include "bpf/uplink_in.c"
#include "bpf/uplink_out.c"

char _license[] SEC("license") = "Dual BSD/GPL";
