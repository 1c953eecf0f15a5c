// The eBPF programs' side of the contract is in bpf/datapath.h: both say the same.
#include "agent/model/contract.h"

#include "bpf/datapath.h"

namespace pellicle {

static_assert(kEncryptMark == Mark{datapath::MARK_ENCRYPT, datapath::MARK_FIELD});
static_assert(kDecryptMark == Mark{datapath::MARK_DECRYPT, datapath::MARK_FIELD});
static_assert(kLocalDecryptedMark == Mark{datapath::MARK_LOCAL, datapath::MARK_FIELD});
static_assert(kPodMark == Mark{datapath::MARK_POD, datapath::MARK_FIELD});
static_assert(encrypt_mark(3).value == (3U << datapath::MARK_KEY_SHIFT | datapath::MARK_ENCRYPT));

}  // namespace pellicle
