#include "tests/harness/api/zip.h"

#define ZLIB_CONST  // its inputs are const
#include <zlib.h>

#include <array>
#include <new>

namespace pellicle::api {
namespace {

constexpr int kGzip = 16 + MAX_WBITS;
constexpr int kLevel = 1;  // as kube-apiserver

}  // namespace

struct Zip::Stream {
  Stream() {
    constexpr int kMemory = 8;  // zlib's default
    if (deflateInit2(&state, kLevel, Z_DEFLATED, kGzip, kMemory, Z_DEFAULT_STRATEGY) != Z_OK)
      throw std::bad_alloc();
  }
  ~Stream() { deflateEnd(&state); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  z_stream state{};
};

Zip::Zip() : stream_(std::make_unique<Stream>()) {}
Zip::~Zip() = default;
Zip::Zip(Zip&&) noexcept = default;
Zip& Zip::operator=(Zip&&) noexcept = default;

std::string Zip::flushed(std::string_view text) {
  return run(text, Z_SYNC_FLUSH);
}

std::string Zip::end() {
  return run("", Z_FINISH);
}

std::string Zip::run(std::string_view text, int flush) {
  auto& state = stream_->state;
  state.next_in = reinterpret_cast<const Bytef*>(text.data());
  state.avail_in = uInt(text.size());
  std::string zipped;
  std::array<char, 16384> piece{};
  do {
    state.next_out = reinterpret_cast<Bytef*>(piece.data());
    state.avail_out = piece.size();
    deflate(&state, flush);
    zipped.append(piece.data(), piece.size() - state.avail_out);
  } while (state.avail_out == 0);
  return zipped;
}

std::string gzipped(std::string_view text) {
  Zip zip;
  std::string all = zip.flushed(text);
  return all + zip.end();
}

}  // namespace pellicle::api
