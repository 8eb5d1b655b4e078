# Warnings are errors; -ffp-contract=off keeps a*b+c two roundings wherever the code does not say FMA,
# so that results do not depend on which function the compiler chose to fuse.
# -Wshadow=local: a name of another source of the same unity build is no shadow.
add_compile_options(-Wall -Wextra -Wpedantic -Wshadow=local -Wnon-virtual-dtor -Woverloaded-virtual -Werror
                    -ffp-contract=off -fno-math-errno
                    # GCC 12 takes the unset side of std::optional and std::variant for a read of it.
                    -Wno-maybe-uninitialized)
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1")
# For sanitizers: quick to compile; the kernels keep -O2 (LatheLayers.cmake), or their tests would take minutes.
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g1")

# Seconds after which a layer's tests have failed; a sanitized, unoptimised build or an emulated processor takes ten
# times as long.
set(LATHE_TEST_TIMEOUT 600)
if(CMAKE_CROSSCOMPILING)
  set(LATHE_TEST_TIMEOUT 1800)
endif()
if(LATHE_SANITIZE)
  set(LATHE_TEST_TIMEOUT 1800)
  add_compile_options(-fsanitize=${LATHE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${LATHE_SANITIZE})
  if(LATHE_SANITIZE MATCHES thread)
    add_compile_options(-Wno-tsan)  # Boost.Asio's fences, which the sanitizer does not model
  endif()
endif()

find_program(LATHE_CCACHE ccache)
if(LATHE_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${LATHE_CCACHE})
endif()
