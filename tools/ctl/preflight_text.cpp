#include "tools/ctl/preflight_text.h"

#include <sstream>

#include "tools/ctl/screen.h"

namespace pellicle::ctl {

namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kVerdict = 9;  // columns of "unknown  "
constexpr size_t kWhat = 25;    // and of "rfc4106(gcm(aes))        "
constexpr size_t kText = 2 + kVerdict + kWhat;
constexpr size_t kWide = 2 + kVerdict;  // where a word needs more room: a driver's name, a path

std::string painted(const Screen& screen, const std::string& verdict) {
  const auto word = padded(verdict, kVerdict);
  if (verdict == "ok") return screen.good(word);
  return verdict == "unknown" ? word : screen.bad(word);
}

size_t indent_of(const std::string& text) {
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (kText + word.size() > kWidth) return kWide;
  }
  return kText;
}

// A name that leaves no room for what was found has a line of its own.
void show(const Json& finding, Screen& screen) {
  const auto what = text_of(finding, "what");
  const auto label = "  " + painted(screen, text_of(finding, "verdict"));
  const auto found = text_of(finding, "found");
  const auto indent = indent_of(found);
  if (what.size() < kWhat && indent == kText) {
    screen.entry(label + padded(what, kWhat), kText, found);
  } else {
    screen.row(label + what);
    screen.paragraph(indent, found);
  }
  const auto remedy = text_of(finding, "remedy", "");
  if (!remedy.empty()) screen.paragraph(indent_of(remedy), "-> " + remedy);
}

std::string conclusion(const Json& preflight) {
  if (preflight.at("hopeless").get<bool>()) return "no agent can work on this node";
  const auto verdict = text_of(preflight, "verdict");
  if (verdict == "fail") return "put right what fails before Pellicle is to work here";
  if (verdict == "ok") return "this node is ready for Pellicle";
  return "nothing that is known keeps Pellicle from working here";
}

std::string counted(const Json& counts) {
  std::string text;
  for (const auto& [verdict, number] : counts.items()) {
    text += (text.empty() ? "" : ", ") + std::to_string(number.get<size_t>()) + " " + verdict;
  }
  return text;
}

}  // namespace

std::string preflight_text(const Json& preflight, bool colour) {
  Screen screen(colour);
  std::string topic;
  for (const auto& finding : preflight.at("findings")) {
    const auto next = text_of(finding, "topic");
    if (next != topic) screen.row(next);
    topic = next;
    show(finding, screen);
  }
  screen.paragraph(0, counted(preflight.at("counts")) + ": " + conclusion(preflight));
  return screen.text();
}

}  // namespace pellicle::ctl
