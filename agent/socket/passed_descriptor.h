// What comes over a unix socket: bytes, and descriptors with them (SCM_RIGHTS, unix(7)).
#pragma once

#include <sys/types.h>

#include <string>

#include "agent/kernel/file_descriptor.h"

namespace pellicle {

// What is there now, without waiting, behind the end of `text`: at most `most` bytes. The first
// descriptor that comes with it becomes `passed` unless that is one already; all others are closed.
// As recvmsg(): the number of bytes, 0 at the end of the connection, negative with errno.
ssize_t receive_some(int socket, std::string& text, size_t most, FileDescriptor& passed);

}  // namespace pellicle
