// The compiled eBPF object, carried inside the program: an ELF file for bpf_object__open_mem.
#pragma once

extern "C" {
extern const unsigned char pellicle_datapath_object[];
extern const unsigned char pellicle_datapath_object_end[];  // one past the last byte
}
