// Writes metrics in Prometheus's text format 0.0.4. Debian 12 has no C++ library that does.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace pellicle {

class MetricsText {
 public:
  using Labels = std::vector<std::pair<std::string, std::string>>;

  // Starts a family; the values that follow belong to it. Names are in base units and end in _total
  // for counters. `help` is one sentence.
  void counter(const std::string& name, const std::string& help) { family(name, "counter", help); }
  void gauge(const std::string& name, const std::string& help) { family(name, "gauge", help); }

  // Escapes the labels. Each value of a family needs different labels.
  void value(uint64_t number, const Labels& labels = {}) { line(std::to_string(number), labels); }
  void value(double number, const Labels& labels = {});

  const std::string& text() const { return text_; }
  static constexpr const char* kContentType = "text/plain; version=0.0.4; charset=utf-8";

 private:
  void family(const std::string& name, const char* type, const std::string& help);
  void line(const std::string& number, const Labels& labels);

  std::string name_;
  std::string text_;
};

}  // namespace pellicle
