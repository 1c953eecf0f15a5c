// What a node reports about a fault: the screen of `pellicle status`, the metrics that changed and
// the Events on Nodes, as one checked-in text for people.
#pragma once

#include <functional>
#include <string>

#include "tests/harness/lab/lab.h"

namespace pellicle::lab {

// Construct it while the node is healthy.
class Told {
 public:
  // Counts Events from now on, or all Events.
  Told(Lab& lab, std::string node, bool from_the_start = false);

  // Waits until `pellicle status` contains these words, regardless of line breaks; false if it does
  // not within `limit`.
  bool says(const std::string& words, Seconds limit = 30s);
  bool healthy(Seconds limit = 30s);  // "Problems: none"

  // The current report. Times, clock-dependent counts and chosen addresses appear as <words>.
  std::string text();

  // Does text() equal tests/datapath/told/<name>.txt within moments? If not, it is written to
  // log_dir()/told.
  bool as_checked_in(const std::string& name);

 private:
  std::string metrics();
  std::string events() const;

  Lab& lab_;
  std::string node_;
  std::string metrics_before_;
  size_t events_before_ = 0;
};

// The same of another screen: is `text` what tests/datapath/told/<name>.txt has?
bool is_as_checked_in(const Lab& lab, const std::string& name,
                      const std::function<std::string()>& text);

}  // namespace pellicle::lab
