// Conversions that the codecs of XFRM states and policies share.
#pragma once

#include <linux/xfrm.h>

#include "agent/model/objects.h"

namespace pellicle {

xfrm_address_t to_wire(const IpAddress& address);
IpAddress from_wire(const xfrm_address_t& address, Family family);
xfrm_mark to_wire(const Mark& mark);
Mark from_wire(const xfrm_mark& mark);
xfrm_lifetime_cfg unlimited();  // states and policies do not expire

}  // namespace pellicle
