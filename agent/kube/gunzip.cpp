#include "agent/kube/gunzip.h"

#define ZLIB_CONST  // its inputs are const
#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>
#include <new>

namespace pellicle {
namespace {

constexpr int kGzipOnly = 16 + MAX_WBITS;  // a zlib or raw stream is refused

}  // namespace

struct Gunzip::Stream {
  Stream() {
    if (inflateInit2(&state, kGzipOnly) != Z_OK) throw std::bad_alloc();
  }
  ~Stream() { inflateEnd(&state); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  z_stream state{};
  bool ended = false;
};

Gunzip::Gunzip() : stream_(std::make_unique<Stream>()) {}
Gunzip::~Gunzip() = default;
Gunzip::Gunzip(Gunzip&&) noexcept = default;
Gunzip& Gunzip::operator=(Gunzip&&) noexcept = default;

bool Gunzip::complete() const {
  return stream_->ended;
}

Gunzip::Outcome Gunzip::feed(std::string_view piece, const Sink& sink) {
  auto& state = stream_->state;
  std::array<unsigned char, kPiece> decoded;  // NOLINT: filled by inflate()
  while (!piece.empty()) {
    if (stream_->ended) return Outcome::broken;
    const auto part = piece.substr(0, std::numeric_limits<uInt>::max());
    state.next_in = reinterpret_cast<const Bytef*>(part.data());
    state.avail_in = static_cast<uInt>(part.size());
    piece.remove_prefix(part.size());
    do {
      state.next_out = decoded.data();
      state.avail_out = kPiece;
      const int result = inflate(&state, Z_SYNC_FLUSH);
      stream_->ended = result == Z_STREAM_END;
      if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) return Outcome::broken;
      const auto count = kPiece - state.avail_out;
      const std::string_view text(reinterpret_cast<const char*>(decoded.data()), count);
      if (count > 0 && !sink(text)) return Outcome::stopped;
      if (stream_->ended && state.avail_in > 0) return Outcome::broken;
    } while (!stream_->ended && (state.avail_in > 0 || state.avail_out == 0));
  }
  return Outcome::good;
}

}  // namespace pellicle
