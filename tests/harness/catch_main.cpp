#if __has_include(<catch2/catch_session.hpp>)
#include <catch2/catch_session.hpp>
#include <catch2/reporters/catch_reporter_event_listener.hpp>
#include <catch2/reporters/catch_reporter_registrars.hpp>
#else
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#endif

#include <cstdlib>

#include "tests/harness/skip_case.h"

namespace {

#ifdef CATCH_CONFIG_RUNNER
using Listener = Catch::TestEventListenerBase;
using Answer = bool;
#else
using Listener = Catch::EventListenerBase;
using Answer = void;
#endif

class Failures : public Listener {
 public:
  using Listener::Listener;
  Answer assertionEnded(const Catch::AssertionStats& stats) override {
    if (!stats.assertionResult.isOk()) pellicle::a_check_failed = true;
    return Answer();
  }
};

CATCH_REGISTER_LISTENER(Failures)

}  // namespace

// Catch2's own main, plus NO_COLOR: the colour options differ between versions.
int main(int argc, char** argv) {
  Catch::Session session;
  if (std::getenv("NO_COLOR") != nullptr) {
#ifdef CATCH_CONFIG_RUNNER
    session.configData().useColour = Catch::UseColour::No;
#else
    session.configData().defaultColourMode = Catch::ColourMode::None;
#endif
  }
  return session.run(argc, argv);
}
