/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* The one object file: all programs and the maps they share. */
#include "bpf/host_out.c"
#include "bpf/lxc_in.c"
#include "bpf/net_in.c"
#include "bpf/uplink_in.c"
#include "bpf/uplink_out.c"

char _license[] SEC("license") = "Dual BSD/GPL";
