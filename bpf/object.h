// The compiled eBPF object, embedded in the binary: an ELF file for bpf_object__open_mem.
#pragma once

extern "C" {
extern const unsigned char pellicle_datapath_object[];
extern const unsigned char pellicle_datapath_object_end[];  // one past the last byte
}
