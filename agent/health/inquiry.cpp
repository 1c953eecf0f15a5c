#include "agent/health/inquiry.h"

#include <algorithm>

namespace pellicle {

HealthInquiry::HealthInquiry(boost::asio::io_context& io, std::chrono::seconds wanted,
                             uint64_t seed,
                             std::function<void(const HealthPath&, const HealthResult&)> on_change)
    : io_(io), wanted_(wanted), random_(seed), on_change_(std::move(on_change)), timer_(io) {}

std::chrono::milliseconds HealthInquiry::within(std::chrono::milliseconds from,
                                                std::chrono::milliseconds to) {
  std::uniform_int_distribution<long> some(from.count(), to.count());
  return std::chrono::milliseconds(some(random_));
}

void HealthInquiry::set_paths(const std::vector<HealthPath>& paths) {
  if (wanted_.count() == 0) return;
  std::map<std::string, NodeHealth> nodes;
  for (const auto& path : paths) {
    auto& results = nodes[path.node].paths;
    const auto before = health_.nodes.find(path.node);
    const bool known = before != health_.nodes.end() && before->second.paths.contains(path);
    results[path] = known ? before->second.paths.at(path) : HealthResult{};
  }
  health_.nodes = std::move(nodes);
  health_.interval = health_interval(wanted_, health_.nodes.size());
  std::erase_if(turns_, [&](const auto& turn) { return !health_.nodes.contains(turn.first); });
  const auto now = Clock::now();
  const auto first = first_question_within(health_.interval, health_.nodes.size());
  for (const auto& [name, node] : health_.nodes) {
    const auto soon = now + within(std::chrono::milliseconds(0), first);
    auto& turn = turns_.try_emplace(name, Turn{.due = soon, .questions = {}}).first->second;
    std::erase_if(turn.questions,
                  [&paths = node.paths](const auto& each) { return !paths.contains(each.first); });
    if (!node.asked() && turn.questions.empty()) turn.due = std::min(turn.due, soon);
  }
  wait();
}

void HealthInquiry::wait() {
  const auto next =
      std::min_element(turns_.begin(), turns_.end(),
                       [](const auto& a, const auto& b) { return a.second.due < b.second.due; });
  if (next == turns_.end()) {
    timer_.cancel();
    return;
  }
  timer_.expires_at(next->second.due);
  timer_.async_wait([this](boost::system::error_code cancelled) {
    if (!cancelled) ask_who_is_due();
  });
}

void HealthInquiry::ask_who_is_due() {
  const auto now = Clock::now();
  for (auto& [name, turn] : turns_) {
    if (turn.due <= now) ask(name, turn);
  }
  wait();
}

// Skips a path whose previous question is still open.
void HealthInquiry::ask(const std::string& name, Turn& turn) {
  const auto& node = health_.nodes.at(name);
  const std::chrono::milliseconds interval = health_.interval;
  // First questions come together when nodes appear. A wider random delay after them spreads the
  // turns.
  turn.due = Clock::now() + within(node.asked() ? interval * 9 / 10 : interval / 2, interval);
  for (const auto& [path, result] : node.paths) {
    auto& question = turn.questions[path];
    if (question) continue;
    question = HealthQuestion::ask(
        io_, path, health_patience(health_.interval),
        [this, path = path](const HealthResult& heard_of) { heard(path, heard_of); });
  }
}

void HealthInquiry::heard(const HealthPath& path, HealthResult result) {
  turns_.at(path.node).questions.erase(path);
  auto& known = health_.nodes.at(path.node).paths.at(path);
  const bool changed = known.answer != result.answer;
  const bool good = result.answer == HealthAnswer::good;
  const bool expected = good && known.answer == HealthAnswer::none;
  result.since = changed ? result.checked : known.since;
  result.times = changed ? 1 : known.times + 1;
  known = std::move(result);
  if (changed ? !expected : known.times == 2 && !good) on_change_(path, known);
}

}  // namespace pellicle
