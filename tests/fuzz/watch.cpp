// Answers of an API server: a LIST, a Status, and a WATCH in pieces.
#include "agent/kube/api_json.h"
#include "agent/kube/lines.h"
#include "agent/kube/list_watch.h"
#include "tests/fuzz/fuzz.h"

using namespace pellicle;
using namespace pellicle::fuzz;

namespace {

using Lines = std::vector<std::string>;

Lines lines_in_pieces(std::string_view stream, size_t piece) {
  LineSplitter splitter(stream.size());
  Lines lines;
  while (!stream.empty()) {
    expect(splitter.feed(stream.substr(0, piece)), "no line is longer than the stream");
    stream.remove_prefix(std::min(piece, stream.size()));
    while (auto line = splitter.next()) lines.push_back(std::move(*line));
  }
  return lines;
}

void check_object(const ApiObject& object) {
  const auto again =
      decode_frame(R"({"type":"ADDED","object":)" + object.text + "}");  // if it has a version
  if (!again) return;
  const auto* frame = std::get_if<ObjectFrame>(&*again);
  expect(frame && frame->object == object && !frame->deleted, "an object's text is the object");
}

void check(const ListWatchStep& step) {
  bool goes_on = false;
  for (const auto& action : step.actions) {
    if (const auto* troubled = std::get_if<Troubled>(&action)) expect_one_line(troubled->sentence);
    if (const auto* changed = std::get_if<Changed>(&action)) check_object(changed->object);
    if (const auto* synced = std::get_if<Synced>(&action)) {
      for (const auto& object : synced->objects) check_object(object);
    }
    goes_on = goes_on || std::holds_alternative<SendList>(action) ||
              std::holds_alternative<OpenWatch>(action) || std::holds_alternative<Wait>(action);
  }
  expect(goes_on || step.state.phase == ListWatch::Phase::watching, "it never just stops");
}

ListWatch begun() {
  return step({.resource = {.title = "nodes", .path = "/api/v1/nodes"}}, Tick{}).state;
}

// Checks the step, then sends the tick that its state waits for.
ListWatch tick(ListWatchStep stepped) {
  check(stepped);
  if (stepped.state.phase != ListWatch::Phase::waiting) return std::move(stepped.state);
  return step(std::move(stepped.state), Tick{}).state;
}

void check_answers(const std::string& body) {
  (void)tick(step(begun(), ListAnswered{.response = {.status = 200, .body = body}}));
  (void)tick(step(begun(), ListAnswered{.response = {.status = 403, .body = body}}));
  const auto page = decode_page(body);
  expect(!page || !page->resource_version.empty(), "a page has a version");
}

void check_watch(const Lines& lines) {
  const std::string empty_list = R"({"metadata":{"resourceVersion":"1"},"items":[]})";
  auto state = begun();
  for (const auto& line : lines) {
    if (state.phase == ListWatch::Phase::listing) {
      state = tick(step(state, ListAnswered{.response = {.status = 200, .body = empty_list}}));
      state = step(state, WatchOpened{}).state;
    }
    state = tick(step(state, FrameArrived{.line = line}));
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto stream = text_of(data, size);
  const auto lines = lines_in_pieces(stream, stream.size() + 1);
  expect(lines == lines_in_pieces(stream, 1), "lines do not depend on how they arrive");
  expect(lines == lines_in_pieces(stream, 7), "lines do not depend on how they arrive");
  for (const auto& line : lines) {
    expect(line.find('\n') == std::string::npos, "a line is one line");
  }
  check_watch(lines);
  check_answers(stream);
  return 0;
}
