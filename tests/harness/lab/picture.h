// What `ip` shows of a node, for comparison with expected text.
#pragma once

#include <string>

namespace pellicle::lab {

// Each as `ip` prints it. Keys are replaced by <key>. XFRM states and policies are sorted by block,
// because the kernel's order depends on its hash tables and on history.
struct KernelPicture {
  std::string rules;           // ip rule
  std::string main_routes;     // ip route show table main
  std::string encrypt_routes;  // ip route show table 200; empty if there is none
  std::string states;          // ip xfrm state, without the lines of the replay context
  std::string policies;        // ip xfrm policy
  std::string links;           // ip -d link, without indexes, MACs and reference counts
  std::string addresses;       // ip -4 -o addr, without indexes

  std::string text() const;  // all of it under headings
  bool operator==(const KernelPicture&) const = default;
};

KernelPicture kernel_picture(const std::string& netns);

// Replaces hexadecimal numbers of 64 bits and more by <key>.
std::string redacted(const std::string& text);

// A block begins at each line that does not begin with a blank.
std::string sorted_blocks(const std::string& text);

}  // namespace pellicle::lab
