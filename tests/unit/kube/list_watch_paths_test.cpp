// Path independence: whatever fails on the way, the final set equals the server's.
#include <map>
#include <random>
#include <set>

#include "agent/kube/list_watch.h"
#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;
using namespace std::chrono_literals;

namespace {

// A cluster's history; answers like a server that keeps only its newest part. Versions are opaque
// strings, so that code which compares them fails.
struct History {
  struct Entry {
    std::string name;
    bool deleted;
  };
  std::vector<Entry> entries;

  static std::string version(size_t n) { return "v" + std::to_string((n * 7919) % 100'003); }
  size_t position(const std::string& wanted) const {
    for (size_t n = 0; n <= entries.size(); ++n) {
      if (version(n) == wanted) return n;
    }
    return 0;
  }
  std::set<std::string> at(size_t n) const {
    std::set<std::string> names;
    for (size_t i = 0; i < n; ++i) {
      if (entries[i].deleted) {
        names.erase(entries[i].name);
      } else {
        names.insert(entries[i].name);
      }
    }
    return names;
  }
  std::string frame(size_t i) const {
    return R"({"type":")" + std::string(entries[i].deleted ? "DELETED" : "MODIFIED") +
           R"(","object":{"metadata":{"name":")" + entries[i].name + R"(","resourceVersion":")" +
           version(i + 1) + R"("}}})";
  }
};

std::string find(const Request& request, const std::string& name) {
  for (const auto& [key, value] : request.query) {
    if (key == name) return value;
  }
  return "";
}

// Plays a server with random faults (`dice`), and the store that the actions fill.
struct Play {
  const History& history;
  std::mt19937 dice;
  size_t head = 0;  // how much of the history has happened
  ListWatch state{.resource = {.title = "things", .path = "/t"}, .seed = 3};
  std::set<std::string> store;
  std::optional<Request> list;    // sent, not answered
  std::optional<size_t> watch;    // open, and sent up to here
  std::vector<std::string> rest;  // pages to come, as names
  size_t rest_version = 0;
  bool waiting = false;
  WallTime now{};

  int roll(int sides) { return static_cast<int>(dice() % static_cast<unsigned>(sides)); }

  void happens(const ListWatchEvent& event) {
    auto next = step(std::move(state), event);
    state = std::move(next.state);
    for (const auto& action : next.actions) carry_out(action);
  }
  void carry_out(const ListWatchAction& action) {
    if (const auto* wanted = std::get_if<SendList>(&action)) list = wanted->request;
    if (const auto* wanted = std::get_if<OpenWatch>(&action)) {
      watch = history.position(find(wanted->request, "resourceVersion"));
      opened = false;
    }
    if (std::holds_alternative<CloseWatch>(action)) watch.reset();
    if (std::holds_alternative<Wait>(action)) waiting = true;
    if (const auto* set = std::get_if<Synced>(&action)) {
      store.clear();
      for (const auto& object : set->objects) store.insert(object.name);
    }
    if (const auto* change = std::get_if<Changed>(&action)) {
      if (change->deleted) {
        store.erase(change->object.name);
      } else {
        store.insert(change->object.name);
      }
    }
  }
  bool opened = false;

  Response next_page(bool whole) {
    if (find(*list, "continue").empty()) {
      const auto names = history.at(head);
      rest.assign(names.begin(), names.end());
      rest_version = head;
    }
    std::string items;
    const size_t count = whole ? rest.size() : std::min<size_t>(rest.size(), 1 + roll(3));
    for (size_t i = 0; i < count; ++i) {
      items += (i ? "," : "") + std::string(R"({"metadata":{"name":")") + rest[i] + "\"}}";
    }
    rest.erase(rest.begin(), rest.begin() + static_cast<long>(count));
    return {.status = 200,
            .body = R"({"metadata":{"resourceVersion":")" + History::version(rest_version) +
                    R"(","continue":")" + (rest.empty() ? "" : "more") + R"("},"items":[)" + items +
                    "]}"};
  }
  void answer_list(bool faults) {
    Response response;
    switch (faults ? roll(8) : 7) {
      case 0:
        response = {.error = "lost"};
        break;
      case 1:
        response = {.status = 500};
        break;
      case 2:
        response = {.status = 410};
        break;
      case 3:
        response = {.status = 200, .body = "garbage"};
        break;
      default:
        response = next_page(!faults);
    }
    list.reset();
    happens(ListAnswered{.now = now, .response = std::move(response)});
  }
  void end_watch(WatchEnd end) {
    watch.reset();
    happens(WatchEnded{.now = now, .end = std::move(end)});
  }
  void serve_watch(bool faults) {
    if (!opened) {
      if (faults && roll(4) == 0) return end_watch({.response = {.status = 503}});
      if (faults && roll(4) == 0) return end_watch({.response = {.status = 410}});
      opened = true;
      return happens(WatchOpened{now});
    }
    switch (faults ? roll(10) : 9) {
      case 0:
        return end_watch({.response = {.status = 200}});
      case 1:
        return end_watch({.response = {.status = 200, .error = "lost"}, .half_frame = true});
      case 2:
        return happens(FrameArrived{.now = now, .line = R"({"type":"MOD)"});
      case 3:
        return happens(FrameArrived{
            .now = now, .line = R"({"type":"ERROR","object":{"kind":"Status","code":410}})"});
      case 4:
        return happens(
            FrameArrived{.now = now,
                         .line = R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":")" +
                                 History::version(*watch) + "\"}}}"});
      default:
        if (*watch < head) {
          const size_t i = (*watch)++;
          happens(FrameArrived{.now = now, .line = history.frame(i)});
        }
    }
  }
  void one_event(bool faults) {
    now += std::chrono::milliseconds(roll(20'000));
    if (waiting) {
      waiting = false;
      return happens(Tick{now});
    }
    if (list) return answer_list(faults);
    if (watch) return serve_watch(faults);
    FAIL("the protocol waits for nothing: it has stopped");
  }
};

}  // namespace

TEST_CASE("any faults on the way lead to the same set in the end") {
  History history;
  std::mt19937 random(11);
  for (int i = 0; i < 40; ++i) {
    history.entries.push_back(
        {.name = "node-" + std::to_string(random() % 12), .deleted = random() % 3 == 0});
  }
  for (unsigned seed = 0; seed < 100; ++seed) {
    INFO("seed " << seed);
    Play play{.history = history, .dice = std::mt19937(seed)};
    play.happens(Tick{play.now});
    while (play.head < history.entries.size()) {
      if (play.roll(3) == 0) ++play.head;
      play.one_event(true);
    }
    // From here on the server has no faults, and all that is left takes a few events.
    for (int i = 0; i < 60; ++i) play.one_event(false);
    CHECK(play.store == history.at(history.entries.size()));
  }
}

}  // namespace this_file
