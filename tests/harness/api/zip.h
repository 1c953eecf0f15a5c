// Gzip, as a kube-apiserver writes large answers and a proxy may write watches.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace pellicle::api {

class Zip {
 public:
  Zip();
  ~Zip();
  Zip(Zip&&) noexcept;
  Zip& operator=(Zip&&) noexcept;

  std::string flushed(std::string_view text);  // the peer can decode all of it
  std::string end();                           // the rest of the stream

 private:
  struct Stream;
  std::string run(std::string_view text, int flush);
  std::unique_ptr<Stream> stream_;
};

std::string gzipped(std::string_view text);

}  // namespace pellicle::api
