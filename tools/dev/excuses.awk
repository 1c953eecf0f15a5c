# From ctest's log: the tests that were skipped or passed with a reservation, and their reasons.
/^[0-9]+\/[0-9]+ Testing: / {
  name = $0
  sub(/^[^:]*: /, "", name)
}
/^ *(skipped|excused): / {
  sub(/^ */, "")
  print "-- " name "\n   " $0
}
