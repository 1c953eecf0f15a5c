# What passed or was skipped by ctest's own log with a reservation: its name, and what it said of that.
/^[0-9]+\/[0-9]+ Testing: / {
  name = $0
  sub(/^[^:]*: /, "", name)
}
/^ *(skipped|excused): / {
  sub(/^ */, "")
  print "-- " name "\n   " $0
}
