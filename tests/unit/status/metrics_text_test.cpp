#include "agent/http/metrics_text.h"

#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;

TEST_CASE("metrics: a family is named once, and its values follow") {
  MetricsText metrics;
  metrics.counter("pellicle_things_total", "Things that were seen");
  metrics.value(uint64_t{18446744073709551615U}, {{"kind", "a"}});
  metrics.value(uint64_t{0}, {{"kind", "b"}, {"more", "c"}});
  metrics.gauge("pellicle_part", "A part of all");
  metrics.value(0.25);
  CHECK(metrics.text() ==
        "# HELP pellicle_things_total Things that were seen\n"
        "# TYPE pellicle_things_total counter\n"
        "pellicle_things_total{kind=\"a\"} 18446744073709551615\n"
        "pellicle_things_total{kind=\"b\",more=\"c\"} 0\n"
        "# HELP pellicle_part A part of all\n"
        "# TYPE pellicle_part gauge\n"
        "pellicle_part 0.25\n");
}

TEST_CASE("metrics: what would end a label's value is escaped") {
  MetricsText metrics;
  metrics.gauge("pellicle_things", "Things");
  metrics.value(1e-9, {{"name", "a\"b\\c\nd"}});
  CHECK(metrics.text().ends_with("pellicle_things{name=\"a\\\"b\\\\c\\nd\"} 1e-09\n"));
}

}  // namespace this_file
