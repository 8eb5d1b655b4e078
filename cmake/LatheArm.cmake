# Highway 1.0 has one target for 64-bit Arm. The kernels that use dot products are compiled once more for each
# extension of it, with a header in front that says which (src/kernels/cpu/arm/); cpu/arm/cpu.cc chooses at run time.
function(lathe_add_arm_kernels)
  set(folder ${CMAKE_SOURCE_DIR}/src/kernels/cpu)
  set(neon_dot ${folder}/multiply_packed.cc ${folder}/multiply_row.cc ${folder}/limit_loops.cc)
  set(neon_i8mm ${folder}/arm/multiply_pairs.cc ${folder}/multiply_row.cc ${folder}/limit_loops.cc)
  foreach(extension neon_dot neon_i8mm)
    set(target lathe_kernels_${extension})
    add_library(${target} OBJECT ${${extension}})
    target_compile_options(${target} PRIVATE -O2 -include kernels/cpu/arm/${extension}.h)
    target_link_libraries(${target} PRIVATE lathe_base PkgConfig::HWY)
    target_sources(lathe_kernels PRIVATE $<TARGET_OBJECTS:${target}>)
  endforeach()
endfunction()

# Under emulation (cmake/toolchains/aarch64-linux-gnu.cmake): the kernels' tests as processors with and without the
# extensions, and which table each of them takes.
function(lathe_add_emulated_tests)
  set_tests_properties(kernels_test PROPERTIES ENVIRONMENT "QEMU_CPU=max;LATHE_BEST_CPU=neon_i8mm")
  foreach(processor cortex-a53 neoverse-n1)
    set(best neon)
    if(processor STREQUAL neoverse-n1)
      set(best neon_dot)
    endif()
    add_test(NAME kernels_test.${processor} COMMAND kernels_test)
    set_tests_properties(kernels_test.${processor} PROPERTIES LABELS quick TIMEOUT ${LATHE_TEST_TIMEOUT}
      ENVIRONMENT "QEMU_CPU=${processor};LATHE_BEST_CPU=${best}")
  endforeach()
endfunction()
