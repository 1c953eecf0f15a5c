// The tables; each ratio stands beside its target.
#pragma once

#include "tests/bench/scale/measure.h"

namespace pellicle::bench {

struct Measured {
  double peers = 0;
  Life life;
  Addition addition;
  Kinds floor;
  double ip = 0;  // 0: not measured
  Rotation rotation;
};

void print(const Measured& measured, KeyForm form);
void print_growth(const Measured& few, const Measured& many);
void print_sizes();  // of the shipped programs

}  // namespace pellicle::bench
