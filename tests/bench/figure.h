// Figures to keep. Each is a line of JSON on stdout; tests/bench/record takes these lines out of a
// program's output and appends them to results.jsonl.
#pragma once

#include <sys/utsname.h>

#include <cstdio>
#include <optional>
#include <string>

namespace pellicle::bench {

enum class Better { more, less };

struct Figure {
  std::string measure;          // "node_to_node_tcp": letters and underscores, no escaping
  std::string at;               // the size: "100 peers"; may be empty
  double ours = 0;              // in `unit`
  std::optional<double> other;  // the value compared with, of the same run
  std::string unit;
  std::optional<double> ratio;  // if it is a median of rounds, not the quotient of the two
  std::optional<double> target;
  Better better = Better::less;
};

inline std::string json_number(const std::optional<double>& number) {
  if (!number) return "null";
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", *number);
  return text;
}

// Without `other`, the ratio is the figure itself; `target` applies to it.
inline void keep(const Figure& figure) {
  utsname kernel{};
  uname(&kernel);
  const double ratio =
      figure.ratio.value_or(figure.other ? figure.ours / *figure.other : figure.ours);
  std::printf(
      "{\"kernel\":\"%s\",\"measure\":\"%s\",\"at\":\"%s\",\"ours\":%s,\"other\":%s,"
      "\"unit\":\"%s\",\"ratio\":%s,\"target\":%s,\"better\":\"%s\"}\n",
      kernel.release, figure.measure.c_str(), figure.at.c_str(), json_number(figure.ours).c_str(),
      json_number(figure.other).c_str(), figure.unit.c_str(), json_number(ratio).c_str(),
      json_number(figure.target).c_str(), figure.better == Better::more ? "more" : "less");
  std::fflush(stdout);
}

}  // namespace pellicle::bench
