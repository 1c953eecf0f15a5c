/* The header of a section in bench-scale-floor's input; its bytes follow. */
#pragma once

#include <stdint.h>

enum { FLOOR_MAP = 1000 };             /* any other kind is a netlink protocol */
enum { FLOOR_SEQUENCE = 0x50454c4cU }; /* of every request; marks the end of its dump */

struct floor_section {
  uint32_t kind;
  uint32_t count; /* messages, each padded to 4 bytes; or a map's entries, each key and value */
  uint32_t bytes;
  uint32_t key_bytes; /* of a map's entry */
  uint32_t value_bytes;
};
