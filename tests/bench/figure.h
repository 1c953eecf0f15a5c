// Figures that are kept: each a line of JSON on stdout, which tests/bench/record takes out of what
// a program prints and adds to results.jsonl.
#pragma once

#include <sys/utsname.h>

#include <cstdio>
#include <optional>
#include <string>

namespace pellicle::bench {

enum class Better { more, less };

struct Figure {
  std::string measure;          // "node_to_node_tcp": plain words, nothing to escape
  std::string at;               // the size: "100 peers"; empty where there is none
  double ours = 0;              // in `unit`
  std::optional<double> other;  // what it is compared with in the same run
  std::string unit;
  std::optional<double> ratio;  // of the two, where it is not their quotient: a median of rounds
  std::optional<double> target;
  Better better = Better::less;
};

inline std::string json_number(const std::optional<double>& number) {
  if (!number) return "null";
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", *number);
  return text;
}

// Without anything to compare with, `ratio` is the figure itself: it is what `target` is said of.
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
