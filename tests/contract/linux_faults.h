// A kernel that fails on demand: it refuses operations without executing them, or dies between two
// of them.
#pragma once

#include <cerrno>
#include <cstring>
#include <functional>
#include <optional>

#include "agent/reconcile/kernel.h"

namespace pellicle::contract {

// Thrown out of apply() where the process "dies"; nothing in Pellicle catches it.
struct Death {};

class FaultyKernel : public Kernel {
 public:
  struct Faults {
    size_t refuse_every = 0;            // of all operations since construction; 0: none
    int refuse_with = ENOBUFS;          // errno
    std::optional<size_t> dies_before;  // index of an operation in the next apply()
    std::function<void()> after_each;   // runs after each operation; operations are applied singly
  };

  FaultyKernel(Kernel& real, Faults faults) : real_(real), faults_(std::move(faults)) {}

  HostFacts facts() override { return real_.facts(); }
  std::map<IpAddress, NextHop> next_hops(const std::vector<NextHopQuestion>& questions) override {
    return real_.next_hops(questions);
  }
  KernelState dump() override { return real_.dump(); }
  std::map<uint8_t, uint64_t> received() const override { return real_.received(); }

  std::vector<Refusal> apply(const Plan& plan) override {
    std::vector<Refusal> refusals;
    Plan passed_on;
    for (size_t i = 0; i < plan.size() && i != faults_.dies_before; ++i) {
      if (faults_.refuse_every && ++seen_ % faults_.refuse_every == 0) {
        refusals.push_back({plan[i], faults_.refuse_with, std::strerror(faults_.refuse_with)});
      } else {
        passed_on.push_back(plan[i]);
      }
    }
    carry_out(passed_on, refusals);
    if (faults_.dies_before && *faults_.dies_before < plan.size()) throw Death{};
    return refusals;
  }

 private:
  void carry_out(const Plan& plan, std::vector<Refusal>& refusals) {
    const auto apply_part = [&](const Plan& part) {
      for (auto& refusal : real_.apply(part)) refusals.push_back(std::move(refusal));
    };
    if (!faults_.after_each) return apply_part(plan);
    for (const auto& operation : plan) {
      apply_part({operation});
      faults_.after_each();
    }
  }

  Kernel& real_;
  Faults faults_;
  size_t seen_ = 0;
};

}  // namespace pellicle::contract
