// Datagrams between pods that never pause, and of which every one counts.
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
  std::string pod;  // its network namespace's name
  std::string address;
};

// What every datagram begins with: whoever finds it on a wire has found cleartext.
inline constexpr std::string_view kCleartextMark = "a pod's words, for nobody else to read";

// One thread sends on all streams at every beat, and receives. Numbers that do not arrive go to the
// ledger: those that nothing explains are findings, as are those that arrive twice.
class Traffic {
 public:
  explicit Traffic(Ledger& ledger);
  ~Traffic();
  Traffic(const Traffic&) = delete;
  Traffic& operator=(const Traffic&) = delete;

  int add(const Place& from, const Place& to);  // LabError; begins at once
  // Sends no more, waits until every datagram has arrived or is given up, and forgets the stream.
  void remove(int stream);

  // This pod answers what anybody asks it, see asks().
  void answers(const Place& pod);

  // Waits until every stream from or to the node (empty: every stream) has received some that were
  // sent after this call; false when one does not.
  bool goes_on(const std::string& node = "", lab::Seconds limit = kPatience);

  uint64_t sent() const { return sent_; }
  uint64_t lost() const { return lost_; }  // explained or not
  void settle();                           // waits until nothing is under way

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
    uint64_t newest = 0;                // that arrived
    std::map<uint64_t, Time> underway;  // number -> when it was sent
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
  std::jthread thread_;  // last: it uses all of the above
};

// Asks a pod that answers, from another; false when no answer comes within 5 s.
bool asks(const std::string& pod, const std::string& address);

}  // namespace pellicle::soak
