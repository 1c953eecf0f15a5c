// Decodes a gzip stream that arrives in pieces, into pieces of bounded size.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

namespace pellicle {

class Gunzip {
 public:
  // Takes what was decoded; returns false to stop. A few bytes can decode to a thousand times as
  // many, so `sink` is called for each 64 KiB of them.
  using Sink = std::function<bool(std::string_view)>;
  static constexpr size_t kPiece = size_t{64} << 10;

  enum class Outcome : unsigned char {
    good,     // everything so far was decoded
    stopped,  // the sink returned false
    broken,   // not gzip, or damaged; also anything behind the end
  };

  Gunzip();
  ~Gunzip();
  Gunzip(Gunzip&&) noexcept;
  Gunzip& operator=(Gunzip&&) noexcept;

  Outcome feed(std::string_view piece, const Sink& sink);
  // The stream was decoded to its end, checksum included.
  bool complete() const;

 private:
  struct Stream;
  std::unique_ptr<Stream> stream_;
};

}  // namespace pellicle
