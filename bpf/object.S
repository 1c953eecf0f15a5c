/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* PELLICLE_OBJECT_FILE is the path of the compiled object. */
    .section .rodata
    .global pellicle_datapath_object
    .global pellicle_datapath_object_end
    .balign 16 /* libelf reads the headers in place */
pellicle_datapath_object:
    .incbin PELLICLE_OBJECT_FILE
pellicle_datapath_object_end:
    .byte 0
    .section .note.GNU-stack, "", %progbits
