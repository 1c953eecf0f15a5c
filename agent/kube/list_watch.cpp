#include "agent/kube/list_watch.h"

#include <algorithm>
#include <utility>

#include "agent/kube/list_watch_requests.h"

namespace pellicle {
namespace {

using Actions = std::vector<ListWatchAction>;

void forget_version(ListWatch& state) {
  state.resource_version.clear();
  state.continue_token.clear();
  state.list_version.clear();
  state.objects.clear();
}

void send_list(ListWatch& state, Actions& actions) {
  state.from_cache = state.resource.metadata_only && !state.in_full && !state.newest;
  state.phase = ListWatch::Phase::listing;
  actions.emplace_back(SendList{list_request(state)});
}

void open_watch(ListWatch& state, Actions& actions) {
  const auto extra = next_random(state.seed) % static_cast<uint64_t>(kShortestWatch.count());
  state.phase = ListWatch::Phase::watching;
  state.opened = false;
  state.heard = false;
  actions.emplace_back(
      OpenWatch{watch_request(state, kShortestWatch + std::chrono::seconds(extra))});
}

void go_on(ListWatch& state, Actions& actions) {
  if (state.resource_version.empty()) {
    send_list(state, actions);
  } else {
    open_watch(state, actions);
  }
}

void wait(ListWatch& state, Actions& actions, std::chrono::milliseconds delay) {
  state.phase = ListWatch::Phase::waiting;
  actions.emplace_back(Wait{delay});
}

// Both are decimal numbers, as all versions of kube-apiserver are, and `version` is the smaller.
bool is_older(const std::string& version, const std::string& than) {
  const auto is_number = [](const std::string& text) {
    return !text.empty() && text.front() != '0' &&
           text.find_first_not_of("0123456789") == std::string::npos;
  };
  if (!is_number(version) || !is_number(than)) return false;
  return version.size() != than.size() ? version.size() < than.size() : version < than;
}

void report(ListWatch& state, Actions& actions, WallTime now, const std::string& what) {
  auto sentence = state.resource.title + ": " + what;
  if (state.trouble && state.trouble->sentence == sentence) return;
  const auto since = state.trouble ? state.trouble->since : now;
  state.trouble = ListWatch::Trouble{.sentence = sentence, .since = since};
  actions.emplace_back(Troubled{.sentence = std::move(sentence), .since = since});
}

void report_failure(ListWatch& state, Actions& actions, WallTime now, const Response& response) {
  if (state.overload.excuses(response.status, now)) return;
  report(state, actions, now, failure_sentence(response));
}

// Waits longer each time, and at least as long as the server asked for.
void back_off(ListWatch& state, Actions& actions,
              std::optional<std::chrono::seconds> retry_after = {}) {
  auto delay = backoff(state.failures, state.seed, state.pace);
  ++state.failures;
  if (retry_after) {
    const auto spread = std::chrono::milliseconds(next_random(state.seed) % 1000);
    delay = std::max(delay, std::chrono::milliseconds(*retry_after) + spread);
  }
  wait(state, actions, delay);
}

// The server no longer has the version: list again, the first time at once.
void start_over(ListWatch& state, WallTime now, Actions& actions) {
  forget_version(state);
  const auto before = state.lost_versions++;
  if (before == 0) return send_list(state, actions);
  report(state, actions, now, "the server has forgotten each version that it has just told (410)");
  wait(state, actions, backoff(before - 1, state.seed, state.pace));
}

// A clock set back while the watch was open proves nothing: the watch may have lasted.
bool lasts(const ListWatch& state, WallTime now) {
  return now < state.opened_at || now - state.opened_at >= state.pace.quick_end;
}

void recover(ListWatch& state, Actions& actions) {
  if (!state.trouble) return;
  state.trouble.reset();
  actions.emplace_back(Recovered{});
}

// Only a watch that lasts proves its version valid.
void version_is_good(ListWatch& state, Actions& actions) {
  if (std::exchange(state.lost_versions, 0) > 1) recover(state, actions);
}

// Looks again at a silent watch when it is old enough to count as lasting.
void await_proof(const ListWatch& state, Actions& actions) {
  actions.emplace_back(Wait{state.pace.quick_end});
}

void on(ListWatch& state, const Tick& event, Actions& actions) {
  if (state.phase == ListWatch::Phase::idle || state.phase == ListWatch::Phase::waiting) {
    return go_on(state, actions);
  }
  if (state.phase != ListWatch::Phase::watching || !state.opened || state.lost_versions < 2) return;
  if (!lasts(state, event.now)) return await_proof(state, actions);
  version_is_good(state, actions);
}

void list_newest(ListWatch& state, Actions& actions) {
  forget_version(state);
  state.newest = true;
  send_list(state, actions);
}

void list_in_full(ListWatch& state, Actions& actions) {
  forget_version(state);
  state.in_full = true;
  send_list(state, actions);
}

bool refuses_metadata(const ListWatch& state, const Response& response) {
  return response.status == 406 && state.resource.metadata_only && !state.in_full;
}

void on_failed_list(ListWatch& state, const ListAnswered& event, Actions& actions) {
  const auto& response = event.response;
  if (response.status == 410 && !state.continue_token.empty())
    return start_over(state, event.now, actions);
  if (refuses_metadata(state, response)) return list_in_full(state, actions);
  // This server has not heard as much as this watch, or etcd was restored.
  const bool asked_too_much = response.status == 504 || response.status == 410;
  if (state.from_cache && asked_too_much) return list_newest(state, actions);
  forget_version(state);
  // An answer that breaks off was too large, for the size limit or the time limit.
  if (response.status == 200) {
    state.page_size = std::max(state.page_size / 2, 1);
    state.newest = true;  // in pages
  }
  report_failure(state, actions, event.now, response);
  back_off(state, actions, response.retry_after);
}

void on(ListWatch& state, const ListAnswered& event, Actions& actions) {
  if (state.phase != ListWatch::Phase::listing) return;
  const auto& response = event.response;
  if (response.status != 200 || !response.error.empty()) {
    return on_failed_list(state, event, actions);
  }
  auto page = decode_page(response.body);
  if (!page) {
    forget_version(state);
    report(state, actions, event.now,
           "the answer to the list request is not a list of Kubernetes objects");
    return back_off(state, actions);
  }
  if (state.from_cache && is_older(page->resource_version, state.heard_version)) {
    return list_newest(state, actions);
  }
  std::move(page->objects.begin(), page->objects.end(), std::back_inserter(state.objects));
  state.continue_token = page->continue_token;
  if (state.list_version.empty()) state.list_version = page->resource_version;
  if (!state.continue_token.empty()) return send_list(state, actions);
  state.resource_version = std::exchange(state.list_version, {});
  state.heard_version = state.resource_version;
  state.newest = false;
  state.overload.ended();
  state.page_size = std::min(state.page_size * 2, kPageSize);
  actions.emplace_back(Synced{std::exchange(state.objects, {})});
  open_watch(state, actions);
}

void on(ListWatch& state, const WatchOpened& event, Actions& actions) {
  if (state.phase != ListWatch::Phase::watching) return;
  state.opened = true;
  state.opened_at = event.now;
  state.overload.ended();
  if (state.lost_versions >= 2) return await_proof(state, actions);
  recover(state, actions);
}

void good_frame(ListWatch& state, const std::string& version, WallTime now, Actions& actions) {
  state.resource_version = version;
  state.heard_version = version;
  state.heard = true;
  state.failures = 0;
  if (lasts(state, now)) version_is_good(state, actions);
}

void on_error_frame(ListWatch& state, const ErrorFrame& error, WallTime now, Actions& actions) {
  actions.emplace_back(CloseWatch{});
  if (error.code == 410) return start_over(state, now, actions);
  forget_version(state);
  report(state, actions, now,
         "the watch ended with error " + std::to_string(error.code) +
             (error.message.empty() ? "" : ": " + error.message));
  back_off(state, actions);
}

void on(ListWatch& state, const FrameArrived& event, Actions& actions) {
  if (state.phase != ListWatch::Phase::watching) return;
  auto frame = decode_frame(event.line);
  if (!frame) {
    actions.emplace_back(CloseWatch{});
    forget_version(state);
    report(state, actions, event.now,
           "the watch brought a frame that is not a Kubernetes watch event");
    return back_off(state, actions);
  }
  if (const auto* error = std::get_if<ErrorFrame>(&*frame)) {
    return on_error_frame(state, *error, event.now, actions);
  }
  if (const auto* bookmark = std::get_if<BookmarkFrame>(&*frame)) {
    return good_frame(state, bookmark->resource_version, event.now, actions);
  }
  auto& change = std::get<ObjectFrame>(*frame);
  good_frame(state, change.resource_version, event.now, actions);
  actions.emplace_back(Changed{.object = std::move(change.object), .deleted = change.deleted});
}

// The watch ended without an answer 200.
void on_refused_watch(ListWatch& state, const WatchEnded& event, Actions& actions) {
  const auto& response = event.end.response;
  if (response.status == 410) return start_over(state, event.now, actions);
  if (refuses_metadata(state, response)) return list_in_full(state, actions);
  const bool may_pass = response.status == 0 || response.status == 401 || response.status == 403 ||
                        response.status == 408 || response.status == 429 || response.status >= 500;
  if (!may_pass) forget_version(state);  // the request itself was wrong: start with a LIST
  report_failure(state, actions, event.now, response);
  back_off(state, actions, response.retry_after);
}

void on(ListWatch& state, const WatchEnded& event, Actions& actions) {
  if (state.phase != ListWatch::Phase::watching) return;
  if (!state.opened) return on_refused_watch(state, event, actions);
  const bool clean = event.end.response.error.empty() && !event.end.half_frame;
  if (!lasts(state, event.now)) {
    // A single short watch may be chance and costs a second; only a repetition is reported.
    if (state.failures > 0) {
      report(state, actions, event.now,
             clean ? "the server ends each watch at once" : failure_sentence(event.end.response));
    }
    return back_off(state, actions);
  }
  state.failures = 0;
  version_is_good(state, actions);
  if (clean && !state.heard) {
    // A server that sends bookmarks sends one before the end. Without any, the server may not have
    // reached the version yet (etcd restored from a backup): kube-apiserver 1.36 answers such a
    // watch with 200 and silence.
    forget_version(state);
  }
  if (clean) return go_on(state, actions);
  // The connection was lost, probably for all agents at once, so they spread out.
  const auto spread =
      next_random(state.seed) % static_cast<uint64_t>(state.pace.first_backoff.count());
  wait(state, actions, std::chrono::milliseconds(spread));
}

}  // namespace

ListWatchStep step(ListWatch state, const ListWatchEvent& event) {
  Actions actions;
  std::visit([&](const auto& happened) { on(state, happened, actions); }, event);
  return {.state = std::move(state), .actions = std::move(actions)};
}

}  // namespace pellicle
