# Writes the ctest file of one program's guest tests; called by pellicle_guest_tests after linking.
cmake_minimum_required(VERSION 3.25)
execute_process(COMMAND ${program} --list-test-names-only ${filter}
  OUTPUT_VARIABLE listing ERROR_VARIABLE errors RESULT_VARIABLE count)
# Catch2 version 2 exits with the number of cases it listed; a crash is a word instead.
if(NOT count MATCHES "^[0-9]+$" OR listing STREQUAL "")
  message(FATAL_ERROR "${program} did not list its test cases: ${count}\n${errors}")
endif()
string(REGEX REPLACE "\n+" ";" names "${listing}")
list(REMOVE_ITEM names "")

list(LENGTH names length)
if(NOT length EQUAL count)
  message(FATAL_ERROR "a test case of ${program} has a semicolon or a line break in its name")
endif()

set(script "")
set(cases "")
set(number 0)
math(EXPR guest_timeout "${timeout} - 10")
string(REPLACE "," ";" labels "${labels}")

function(add name properties)
  list(JOIN ARGN "]==] [==[" command)
  set(script "${script}add_test([==[${name}]==] [==[${command}]==])
set_tests_properties([==[${name}]==] PROPERTIES TIMEOUT ${timeout} LABELS \"${labels}\"
  ENVIRONMENT \"${environment}\" ${properties})
" PARENT_SCOPE)
endfunction()

set(boot_logs ${logs}/${folder}/${target})
foreach(name IN LISTS names)
  math(EXPR number "${number} + 1")
  # These have a meaning in a Catch2 test specification.
  set(pattern "${name}")
  foreach(character IN ITEMS "\\" "," "[" "]")
    string(REPLACE "${character}" "\\${character}" pattern "${pattern}")
  endforeach()
  string(APPEND cases "${pattern}\n")
  if(one_boot)
    add("${folder}/${name}" "FIXTURES_REQUIRED ${folder}-${target}"
      ${testcase} result ${boot_logs} ${number})
  else()
    string(REGEX REPLACE "[^A-Za-z0-9]+" "-" slug "${name}")
    add("${folder}/${name}" "" ${testcase} alone ${logs}/${folder}/${slug} ${guest_timeout}
      ${program} "${pattern}")
  endif()
endforeach()
if(one_boot)
  add("${folder}/boot ${target}" "FIXTURES_SETUP ${folder}-${target}"
    ${testcase} all ${boot_logs} ${guest_timeout} ${program} ${output}.cases)
endif()
file(WRITE ${output}.cases "${cases}")
file(WRITE ${output} "${script}")
