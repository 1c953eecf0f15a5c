// Reads in full the Nodes whose metadata does not say enough: those of agents of an older version
// or without an agent, which do not publish their addresses, and those with the claims of others,
// of which it matters whether they are silent.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <string>

#include "agent/kube/client.h"
#include "agent/kube/list_watch.h"
#include "agent/kube/store.h"

namespace pellicle {

struct ReadingRate {
  std::chrono::milliseconds first{1'000};
  std::chrono::milliseconds longest{600'000};
  size_t at_once = 4;
};

// A Node is read when its version is another than the one read. Reads that bring nothing new become
// rarer, up to one in `longest`, because kubelets change their Nodes every few minutes; but not
// those of rivals, of which there are few.
class NodeReader {
 public:
  struct Callbacks {
    std::function<void(const std::string& name)> on_change;       // what the Store says of it
    std::function<void(const std::string& sentence)> on_trouble;  // once per sentence; empty: over
  };
  NodeReader(boost::asio::io_context& context, ApiClient& client, Store& store, Callbacks callbacks,
             ReadingRate rate = {});

  // Call after each change of the Store.
  void look();

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Reading {
    std::string version;                // read last
    bool done = false;                  // it was read at all
    Time at;                            // the end of the last read
    std::chrono::milliseconds wait{0};  // after it
    uint32_t failures = 0;
    Call call;
    bool busy = false;
  };
  static bool wanted(const Reading& reading, const std::string& version);
  Time due(const Reading& reading, bool rival) const;
  void read(const std::string& name, const std::string& version, Reading& reading);
  void answered(const std::string& name, const std::string& version, const Response& response);
  void failed(Reading& reading, const std::string& name, const Response& response);
  void trouble(const std::string& sentence);
  void look_at(Time time);

  ApiClient& client_;
  Store& store_;
  Callbacks callbacks_;
  ReadingRate rate_;
  boost::asio::steady_timer timer_;
  std::map<std::string, Reading> readings_;
  size_t busy_ = 0;
  uint64_t seed_;
  Overload overload_;
  std::string trouble_;
};

}  // namespace pellicle
