// Datagrams between pods, without a pause; every one is accounted for.
#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "tests/datapath/pod_socket.h"
#include "tests/soak/ledger.h"

namespace pellicle::soak {

struct Place {
  std::string node;
  std::string pod;  // name of its network namespace
  std::string address;
};

// The first bytes of every datagram: on a wire they prove clear text.
inline constexpr std::string_view kCleartextMark = "a pod's words, for nobody else to read";

// One thread sends on all streams at every beat, and receives. A number that does not arrive is
// reported as a finding unless the ledger explains it; a duplicate is a finding.
class Traffic {
 public:
  explicit Traffic(Ledger& ledger);
  ~Traffic();
  Traffic(const Traffic&) = delete;
  Traffic& operator=(const Traffic&) = delete;

  int add(const Place& from, const Place& to);  // starts at once; throws LabError
  // Stops sending, waits until every datagram has arrived or is given up, and forgets the stream.
  void remove(int stream);

  // This pod answers requests of asks().
  void answers(const Place& pod);

  // Waits until every stream from or to the node (empty: every stream) has received datagrams sent
  // after this call. False if one has not within `limit`.
  bool goes_on(const std::string& node = "", lab::Seconds limit = kPatience);

  uint64_t sent() const { return sent_; }
  uint64_t lost() const { return lost_; }  // explained or not
  void settle();                           // waits until nothing is in flight

 private:
  struct Stream {
    Stream(int made, Place source, Place target)
        : number(made), from(std::move(source)), to(std::move(target)) {}
    int number;
    Place from;
    Place to;
    FileDescriptor sender;
    FileDescriptor receiver;
    uint64_t next = 1;
    uint64_t newest = 0;                // the highest number that arrived
    std::map<uint64_t, Time> underway;  // number -> time sent
    bool ended = false;
    std::string name() const { return from.pod + " > " + to.pod + " (" + to.address + ")"; }
  };
  void run();
  void send_all();
  void receive(Stream& stream);
  void give_up(Stream& stream);
  void answer(const FileDescriptor& socket) const;
  void wait(lab::Seconds limit);
  bool nothing_under_way(int stream);

  Ledger& ledger_;
  std::mutex mutex_;
  std::list<Stream> streams_;
  std::list<FileDescriptor> answering_;
  int streams_made_ = 0;
  std::atomic<uint64_t> sent_ = 0;
  std::atomic<uint64_t> lost_ = 0;
  std::atomic<bool> ended_ = false;
  std::jthread thread_;  // last: it uses the members above
};

// Sends a request from one pod to a pod that answers; false if no answer comes within 5 s.
bool asks(const std::string& pod, const std::string& address);

}  // namespace pellicle::soak
