#include "agent/kube/gunzip.h"

#include <string>

#include "tests/harness/api/zip.h"
#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;
using Outcome = Gunzip::Outcome;

namespace {

const std::string kText = [] {
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += "line " + std::to_string(i * 7919 % 1000) + "\n";
  return text;
}();

struct Decoded {
  std::string text;
  size_t largest = 0;
  Gunzip::Sink sink() {
    return [this](std::string_view piece) {
      text += piece;
      largest = std::max(largest, piece.size());
      return true;
    };
  }
};

}  // namespace

TEST_CASE("a stream decodes to the same text, however it is cut") {
  const auto zipped = api::gzipped(kText);
  for (const size_t step : {size_t{1}, size_t{7}, size_t{4096}, zipped.size()}) {
    Gunzip gunzip;
    Decoded out;
    for (size_t at = 0; at < zipped.size(); at += step) {
      CHECK_FALSE(gunzip.complete());
      REQUIRE(gunzip.feed(std::string_view(zipped).substr(at, step), out.sink()) == Outcome::good);
    }
    CHECK(out.text == kText);
    CHECK(gunzip.complete());
  }
}

TEST_CASE("what the sender has flushed is there at once") {
  api::Zip zip;
  Gunzip gunzip;
  Decoded out;
  for (const std::string line : {"one\n", "two\n"}) {
    out.text.clear();
    REQUIRE(gunzip.feed(zip.flushed(line), out.sink()) == Outcome::good);
    CHECK(out.text == line);
    CHECK_FALSE(gunzip.complete());
  }
}

TEST_CASE("a bomb comes in bounded pieces, and the sink can stop it") {
  const auto bomb = api::gzipped(std::string(64 << 20, 'x'));
  CHECK(bomb.size() < 1 << 20);
  Gunzip gunzip;
  size_t seen = 0;
  const auto outcome = gunzip.feed(bomb, [&](std::string_view piece) {
    CHECK(piece.size() <= Gunzip::kPiece);
    seen += piece.size();
    return seen < 1 << 20;
  });
  CHECK(outcome == Outcome::stopped);
  CHECK(seen == 1 << 20);
}

TEST_CASE("what is no gzip, or damaged, is broken") {
  const auto zipped = api::gzipped(kText);
  Decoded out;
  CHECK(Gunzip().feed("{\"kind\":\"NodeList\"}", out.sink()) == Outcome::broken);
  auto damaged = zipped;
  damaged[damaged.size() - 6] ^= 1;  // in the checksum
  CHECK(Gunzip().feed(damaged, out.sink()) == Outcome::broken);
  CHECK(Gunzip().feed(zipped + "x", out.sink()) == Outcome::broken);
  Gunzip ended;
  CHECK(ended.feed(zipped, out.sink()) == Outcome::good);
  CHECK(ended.feed("x", out.sink()) == Outcome::broken);
  Gunzip half;
  CHECK(half.feed(zipped.substr(0, zipped.size() - 1), out.sink()) == Outcome::good);
  CHECK_FALSE(half.complete());
}

}  // namespace this_file
