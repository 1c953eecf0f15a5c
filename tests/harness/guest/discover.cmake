# Writes the ctest file of one program's guest tests; called by pellicle_guest_tests after linking.
cmake_minimum_required(VERSION 3.25)

# Sets `variable` to the names of the program's cases that match the Catch2 specification, as many as it says.
function(list_cases variable)
  execute_process(COMMAND ${program} --list-test-names-only ${ARGN}
    OUTPUT_VARIABLE listing ERROR_VARIABLE errors RESULT_VARIABLE count)
  # Catch2 version 2 exits with the number of cases it listed; a crash is a word instead.
  if(NOT count MATCHES "^[0-9]+$" OR NOT errors STREQUAL "")
    message(FATAL_ERROR "${program} did not list its test cases: ${count}\n${errors}")
  endif()
  string(REGEX REPLACE "\n+" ";" names "${listing}")
  list(REMOVE_ITEM names "")
  list(LENGTH names length)
  if(NOT length EQUAL count)
    message(FATAL_ERROR "a test case of ${program} has a semicolon or a line break in its name")
  endif()
  set(${variable} "${names}" PARENT_SCOPE)
endfunction()

list_cases(uml_cases)
list_cases(stock_cases "[stock]")
if(uml_cases STREQUAL "" AND stock_cases STREQUAL "")
  message(FATAL_ERROR "${program} has no test cases")
endif()
if(one_boot AND NOT stock_cases STREQUAL "")
  message(FATAL_ERROR "${program}: cases of ONE_BOOT cannot be tagged [stock]")
endif()

set(script "")
math(EXPR guest_timeout "${timeout} - 10")
# `run` ends a guest in time. This is for a `run` that hangs itself, and so long enough for a stock kernel.
math(EXPR ctest_timeout "${timeout} * 10")
string(REPLACE "," ";" labels "${labels}")

function(add name labels properties)
  list(JOIN ARGN "]==] [==[" command)
  set(script "${script}add_test([==[${name}]==] [==[${command}]==])
set_tests_properties([==[${name}]==] PROPERTIES TIMEOUT ${ctest_timeout} LABELS \"${labels}\" ${properties}
  SKIP_RETURN_CODE 77)
" PARENT_SCOPE)
endfunction()

# A name as a Catch2 test specification: these characters have a meaning there.
function(pattern_of name)
  foreach(character IN ITEMS "\\" "," "[" "]")
    string(REPLACE "${character}" "\\${character}" name "${name}")
  endforeach()
  set(pattern "${name}" PARENT_SCOPE)
endfunction()

set(boot_logs ${logs}/${folder}/${target})
set(cases "")
set(number 0)
foreach(name IN LISTS uml_cases)
  math(EXPR number "${number} + 1")
  pattern_of("${name}")
  string(APPEND cases "${pattern}\n")
  if(one_boot)
    add("${folder}/${name}" "${labels}" "FIXTURES_REQUIRED ${folder}-${target}"
      ${testcase} result ${boot_logs} ${number})
  else()
    string(REGEX REPLACE "[^A-Za-z0-9]+" "-" slug "${name}")
    set(case_labels ${labels})
    if(name IN_LIST stock_cases)
      list(APPEND case_labels both-kernels)
    endif()
    add("${folder}/${name}" "${case_labels}" "" ${testcase} alone ${logs}/${folder}/${slug} ${guest_timeout}
      ${program} "${pattern}")
  endif()
endforeach()
if(one_boot)
  add("${folder}/boot ${target}" "${labels}" "FIXTURES_SETUP ${folder}-${target}"
    ${testcase} all ${boot_logs} ${guest_timeout} ${program} ${output}.cases)
endif()
foreach(name IN LISTS stock_cases)
  pattern_of("${name}")
  string(REGEX REPLACE "[^A-Za-z0-9]+" "-" slug "${name}")
  add("${folder}/stock kernel: ${name}" "${labels};stock" "ENVIRONMENT PELLICLE_GUEST_KERNEL=stock PROCESSORS 2"
    ${testcase} alone ${logs}/${folder}/stock-${slug} ${guest_timeout} ${program} "${pattern}")
endforeach()
file(WRITE ${output}.cases "${cases}")
file(WRITE ${output} "${script}")
