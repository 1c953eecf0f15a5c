# From ctest's log: each failed test with its output: Catch2's failed assertions, or the last lines.
function tell(i, from) {
  print "\n-- " name
  if (said != "") { printf "%s", said; return }
  from = count > 15 ? count - 15 : 0
  for (i = from + 1; i <= count; ++i) print output[i]
}
/^[0-9]+\/[0-9]+ Testing: / {
  name = $0
  sub(/^[^:]*: /, "", name)
  said = ""
  count = left = 0
}
{ output[++count] = $0 }
/: FAILED:$/ { left = 20 }
left > 0 { said = said $0 "\n"; left = $0 == "" ? 0 : left - 1 }
/^Test Failed\.$/ { tell() }
