// The rights of a thread.
#pragma once

namespace pellicle {

// Takes every capability from the calling thread and from what it starts, for good; the process's
// other threads keep theirs. OsError.
void give_up_capabilities();

}  // namespace pellicle
