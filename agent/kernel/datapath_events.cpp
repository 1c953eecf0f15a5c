#include "agent/kernel/datapath_events.h"

#include <bpf/libbpf.h>
#include <fcntl.h>
#include <net/if.h>
#include <sys/file.h>
#include <sys/mman.h>

#include <atomic>
#include <cerrno>
#include <exception>

#include "agent/kernel/bpf_programs.h"
#include "agent/kernel/bpf_records.h"
#include "agent/kernel/os_error.h"

namespace pellicle {

namespace {

using std::chrono::nanoseconds;
using std::chrono::steady_clock;  // CLOCK_MONOTONIC, the programs' clock

// Events of one read(). Takes a small part of kLease, even if each is printed to a slow terminal.
constexpr size_t kMostAtOnce = 256;

uint64_t now() {
  return static_cast<uint64_t>(nanoseconds(steady_clock::now().time_since_epoch()).count());
}

size_t page_size() {
  return static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

std::atomic_ref<uint64_t> atomic(uint64_t& field) {
  return std::atomic_ref<uint64_t>(field);
}

uint32_t kinds_mask(const std::set<EventKind>& kinds) {
  uint32_t mask = 0;
  for (const EventKind kind : kinds) mask |= 1U << static_cast<unsigned>(kind);
  return mask == 0 ? (1U << datapath::EVENT_KINDS) - 1 : mask;
}

// The time where the programs' clock is 0, since the system clock's epoch.
nanoseconds boot_time() {
  return std::chrono::system_clock::now().time_since_epoch() -
         steady_clock::now().time_since_epoch();
}

// Throws OsError unless this version's programs can have written the record.
const datapath::event& checked(const void* record, size_t size) {
  if (size != sizeof(datapath::event))
    throw OsError(EPROTO, "the datapath's programs are another version's: expected events of " +
                              std::to_string(sizeof(datapath::event)) + " bytes, found " +
                              std::to_string(size));
  const auto& event = *static_cast<const datapath::event*>(record);
  if (event.kind >= datapath::EVENT_KINDS || event.reason >= datapath::DROP_REASONS)
    throw OsError(EPROTO, "the datapath's programs are another version's: expected no event " +
                              std::to_string(event.kind) + " for reason " +
                              std::to_string(event.reason));
  return event;
}

}  // namespace

struct DatapathEvents::Reading {
  const Hear& hear;
  nanoseconds boot = boot_time();
  size_t left = kMostAtOnce;
  bool wants_more = true;
  std::exception_ptr failure;  // kept here, because an exception must not pass through libbpf
};

void DatapathEvents::Unmap::operator()(datapath::listener* mapped) const {
  munmap(mapped, page_size());
}

void DatapathEvents::Free::operator()(ring_buffer* ring) const {
  ring_buffer__free(ring);
}

BpfMap DatapathEvents::open(const char* name) const {
  const std::string path = bpf_root_ + "/" + name;
  auto map = pinned_map(bpf_root_, name);
  if (!map)
    throw OsError(ENOENT, "there is no " + path + ": no agent of this version runs on this node");
  const auto ours = carried_map_definitions().at(name);
  if (map->definition != ours)
    throw OsError(EPROTO, path + " is another version's: expected " + ours.to_string() +
                              ", found " + map->definition.to_string());
  return std::move(*map);
}

// Locks the folder of the pins: the kernel releases that lock however this process ends.
void DatapathEvents::lock() {
  lock_ = FileDescriptor(::open(bpf_root_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!lock_) fail(errno, "open folder " + bpf_root_);
  if (flock(lock_.get(), LOCK_EX | LOCK_NB) == 0) return;
  if (errno != EWOULDBLOCK) fail(errno, "lock folder " + bpf_root_);
  const uint32_t process = listener_->process;
  throw OsError(EBUSY, (process == 0 ? "another process" : "process " + std::to_string(process)) +
                           " listens to the datapath already (" + bpf_root_ +
                           "), and only one at a time can");
}

DatapathEvents::DatapathEvents(std::string bpf_root, const Wishes& wishes)
    : bpf_root_(std::move(bpf_root)),
      listener_map_(open(MAP_LISTENER)),
      events_map_(open(MAP_EVENTS)) {
  void* mapped =
      mmap(nullptr, page_size(), PROT_READ | PROT_WRITE, MAP_SHARED, listener_map_.fd.get(), 0);
  if (mapped == MAP_FAILED) fail(errno, "map " + bpf_root_ + "/" + MAP_LISTENER + " into memory");
  listener_.reset(static_cast<datapath::listener*>(mapped));
  lock();
  atomic(listener_->until).store(0);
  ring_.reset(ring_buffer__new(events_map_.fd.get(), take, this, nullptr));
  if (!ring_) fail(errno, "read " + bpf_root_ + "/" + MAP_EVENTS);
  discard_what_is_there();
  listener_->kinds = kinds_mask(wishes.kinds);
  listener_->one_in = wishes.one_in;
  listener_->process = static_cast<uint32_t>(getpid());
  atomic(listener_->lost).store(0);
  atomic(listener_->until).store(now() + static_cast<uint64_t>(nanoseconds(kLease).count()));
}

DatapathEvents::~DatapathEvents() {
  listener_->process = 0;
  atomic(listener_->until).store(0);
}

int DatapathEvents::fd() const {
  return ring_buffer__epoll_fd(ring_.get());
}

// Discards the events that a killed listener did not read.
void DatapathEvents::discard_what_is_there() {
  if (const int result = ring_buffer__consume(ring_.get()); result < 0)
    fail(-result, "read " + bpf_root_ + "/" + MAP_EVENTS);
}

std::string DatapathEvents::device_name(uint32_t ifindex) {
  const auto [entry, is_new] = names_.try_emplace(ifindex);
  std::array<char, IF_NAMESIZE> name{};
  if (is_new)
    entry->second = if_indextoname(ifindex, name.data()) != nullptr ? std::string(name.data())
                                                                    : "#" + std::to_string(ifindex);
  return entry->second;
}

// A negative result ends ring_buffer__consume(); the record counts as read all the same.
int DatapathEvents::take(void* self, void* record, size_t size) {
  auto& events = *static_cast<DatapathEvents*>(self);
  if (events.reading_ == nullptr) return 0;
  Reading& reading = *events.reading_;
  try {
    const auto event = event_value(checked(record, size), reading.boot,
                                   [&](uint32_t index) { return events.device_name(index); });
    reading.wants_more = reading.hear(event);
  } catch (...) {
    reading.failure = std::current_exception();
    return -ECANCELED;
  }
  return --reading.left == 0 || !reading.wants_more ? -ECANCELED : 0;
}

bool DatapathEvents::read(const Hear& hear) {
  Reading reading{.hear = hear};
  reading_ = &reading;
  const int result = ring_buffer__consume(ring_.get());
  reading_ = nullptr;
  if (reading.failure) std::rethrow_exception(reading.failure);
  if (result < 0 && result != -ECANCELED) fail(-result, "read " + bpf_root_ + "/" + MAP_EVENTS);
  return reading.wants_more;
}

nanoseconds DatapathEvents::renew() {
  const auto pinned = pinned_map(bpf_root_, MAP_EVENTS);
  if (!pinned || pinned->id != events_map_.id)
    throw OsError(ESTALE, "the datapath's maps under " + bpf_root_ +
                              " are no longer there: " + "they were cleaned up or replaced");
  names_.clear();
  const uint64_t time = now();
  const uint64_t until = time + static_cast<uint64_t>(nanoseconds(kLease).count());
  const uint64_t before = atomic(listener_->until).exchange(until);
  return nanoseconds(before < time ? time - before : 0);
}

uint64_t DatapathEvents::lost() const {
  return atomic(listener_->lost).load();
}

}  // namespace pellicle
