// What a node tells of a fault: the screen of `pellicle status`, the metrics that changed and the
// Events on Nodes, as one text that is checked in and read by people.
#pragma once

#include <string>

#include "tests/harness/lab/lab.h"

namespace pellicle::lab {

// Begins when it is made, with a node that is well.
class Told {
 public:
  // Events count from now on, or all there are.
  Told(Lab& lab, std::string node, bool from_the_start = false);

  // Until `pellicle status` has these words, however its rows are broken; false when it does not
  // within `limit`.
  bool says(const std::string& words, Seconds limit = 30s);
  bool healthy(Seconds limit = 30s);  // "Problems: none"

  // What it tells now. Times, counts that depend on the clock and addresses that are chosen stand
  // as <words>.
  std::string text();

  // Does text() become what tests/datapath/told/<name>.txt has, within moments? If not it is
  // written to log_dir()/told.
  bool as_checked_in(const std::string& name);

 private:
  std::string metrics();
  std::string events() const;

  Lab& lab_;
  std::string node_;
  std::string metrics_before_;
  size_t events_before_ = 0;
};

}  // namespace pellicle::lab
