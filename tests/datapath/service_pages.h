// Which back ends of a Service answer: each has a page of its own.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "tests/harness/catch.h"
#include "tests/harness/lab/lab.h"

namespace pellicle::lab {

using Pages = std::set<std::string>;

// The pages from four connections to each URL, by URL; curl's message for a failed one.
inline std::map<std::string, Pages> ask_once(const std::string& from,
                                             const std::vector<std::string>& urls, Seconds limit) {
  std::string command = "curl --silent --show-error --stderr - --globoff --max-time " +
                        std::to_string(patience(limit).count()) +
                        " --write-out '%{url_effective}\\n'";
  for (const std::string& each : urls)
    for (int i = 1; i <= 4; ++i) command += " " + shell_word(each + "?" + std::to_string(i));
  std::map<std::string, Pages> found;
  std::istringstream lines(sh_in(from, command, 120s).output);
  std::string page;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("http://")) {
      page += line + "\n";
      continue;
    }
    found[line.substr(0, line.find('?'))].insert(page);
    page.clear();
  }
  return found;
}

// IPVS identifies an answer by back end, client and the client's port, and keeps a connection for
// two minutes after its end. kube-proxy masquerades from random ports. So one in thousands of
// direct connections to a back end has the same port as an earlier connection through the NodePort:
// its answer appears to come from the NodePort, and it never connects. A case in this mode may have
// one such collision. A connection that is established and then stalls is a different failure.
inline int collisions_left = 0;

inline std::map<std::string, Pages> ask(const std::string& from,
                                        const std::vector<std::string>& urls, Seconds limit = 5s) {
  auto found = ask_once(from, urls, limit);
  for (auto& [each, pages] : found) {
    const auto late = std::find_if(pages.begin(), pages.end(), [](const std::string& page) {
      return page.starts_with("curl: (28) Connection timed out");
    });
    if (late == pages.end() || collisions_left == 0 || limit < 1s) continue;
    --collisions_left;
    WARN("excused: taken for a collision of ports: " << from << " to " << each
                                                     << " was not connected");
    pages.erase(late);
    pages.merge(ask_once(from, {each}, limit).at(each));
  }
  return found;
}

// kube-proxy picks a back end at random per connection: the probability that all 40 get the same
// one is 2^-39.
inline std::map<std::string, Pages> ask_for_both(const std::string& from,
                                                 const std::vector<std::string>& urls) {
  std::map<std::string, Pages> found;
  std::vector<std::string> left = urls;
  for (int i = 0; i < 10 && !left.empty(); ++i) {
    for (auto& [each, pages] : ask(from, left)) found[each].merge(pages);
    std::erase_if(left, [&](const std::string& each) { return found[each].size() >= 2; });
  }
  return found;
}

inline void check_one(const std::string& from, const std::vector<std::string>& urls,
                      const Pages& all) {
  const auto first = ask(from, urls);
  const auto again = ask(from, urls);
  for (const std::string& each : urls) {
    CAPTURE(from, each, first.at(each));
    REQUIRE(first.at(each).size() == 1);
    CHECK(all.contains(*first.at(each).begin()));
    CHECK(again.at(each) == first.at(each));
  }
}

inline void check_none(const std::string& from, const std::vector<std::string>& urls) {
  for (const std::string& each : urls) {
    CAPTURE(from, each);
    const Pages pages = ask(from, {each}, 0.2s).at(each);
    for (const std::string& page : pages) CHECK(page.starts_with("curl: ("));
  }
}

inline void check_pages(const std::string& from, const std::vector<std::string>& urls,
                        const Pages& expected) {
  const auto found = expected.size() > 1 ? ask_for_both(from, urls) : ask(from, urls);
  for (const std::string& each : urls) {
    CAPTURE(from, each);
    CHECK(found.at(each) == expected);
  }
}

}  // namespace pellicle::lab
