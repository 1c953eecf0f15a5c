#include "agent/kernel/capabilities.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "agent/kernel/os_error.h"

namespace pellicle {

// Root gets them all back by exec(), unless it may have no new ones (prctl(2),
// cap_bprm_creds_from_file() in the kernel). glibc has no capset(), which would be of one thread as
// the system call is.
void give_up_capabilities() {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail(errno, "refuse new rights");
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> none{};
  if (syscall(SYS_capset, &header, none.data()) != 0) fail(errno, "give up capabilities");
}

}  // namespace pellicle
