# pellicle_guest_tests(target [ONE_BOOT [STOCK] [NEWER]] [LABELS label...] [TIMEOUT seconds])
#
# Registers every Catch2 case of `target` as the ctest case <folder>/<case>, run in its own User-Mode
# Linux guest. With ONE_BOOT all cases run one after another in one guest, which ctest boots first
# (<folder>/boot, a fixture); each is still a ctest case with its own result and output.
# A case with the tag [stock] is registered a second time, as "<folder>/stock kernel: <case>", for Debian's stock kernel
# in qemu; a case with [.][stock] only for that kernel. Both have the label `stock`. STOCK applies to all cases of one
# boot.
# A case with the tag [newer], and all cases of one boot with NEWER, are registered a second time, as
# "<folder>/Linux 6.12: <case>", for User-Mode Linux of Debian 13, or of the suite that $PELLICLE_GUEST_KERNEL names.
# These have the label `newer`.
# A case with the tag [no-ipv6] runs in a kernel that is booted without IPv6.
# TIMEOUT applies to one guest (default 120; a stock kernel gets ten times as long).
# A case that passes and calls skipped() (tests/harness/skipped.h), or ends with skip_case() (tests/harness/skip_case.h),
# is counted as skipped.
# Logs stay in <build>/test-logs/<folder>/<case>/.
# With ThreadSanitizer nothing is registered. AddressSanitizer starts only in the stock kernel.
function(pellicle_guest_tests target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "ONE_BOOT;STOCK;NEWER" "TIMEOUT" "LABELS")
  if(PELLICLE_SANITIZE MATCHES thread)
    return()
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  cmake_path(GET CMAKE_CURRENT_SOURCE_DIR FILENAME folder)
  list(JOIN arg_LABELS "," labels)
  set(tests_file ${CMAKE_CURRENT_BINARY_DIR}/${target}-guest-tests.cmake)
  set(include_file ${CMAKE_CURRENT_BINARY_DIR}/${target}-guest-include.cmake)
  add_custom_command(TARGET ${target} POST_BUILD
    BYPRODUCTS ${tests_file}
    COMMAND ${CMAKE_COMMAND}
      -D "program=$<TARGET_FILE:${target}>" -D "target=${target}" -D "folder=${folder}"
      -D "labels=${labels}" -D "timeout=${arg_TIMEOUT}" -D "one_boot=${arg_ONE_BOOT}" -D "stock=${arg_STOCK}" -D "newer=${arg_NEWER}"
      -D "catch_version=${Catch2_VERSION}"
      -D "logs=${CMAKE_BINARY_DIR}/test-logs" -D "testcase=${CMAKE_CURRENT_FUNCTION_LIST_DIR}/testcase"
      -D "output=${tests_file}" -P ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/discover.cmake
    VERBATIM)
  file(WRITE ${include_file} "if(EXISTS \"${tests_file}\")
  include(\"${tests_file}\")
else()
  add_test(${folder}/${target}_NOT_BUILT ${target}_NOT_BUILT)
endif()
")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${include_file})
endfunction()
