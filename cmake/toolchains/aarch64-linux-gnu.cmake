# Builds for 64-bit Arm on another machine, and runs what was built under QEMU's user emulation (tools/test-arm). LATHE_SYSROOT is
# a folder with the headers and libraries of an Arm system; QEMU_CPU in the environment chooses the processor.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)

list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES LATHE_SYSROOT)
set(CMAKE_SYSROOT ${LATHE_SYSROOT})
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -L ${LATHE_SYSROOT})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${LATHE_SYSROOT})
set(ENV{PKG_CONFIG_LIBDIR} ${LATHE_SYSROOT}/usr/lib/aarch64-linux-gnu/pkgconfig:${LATHE_SYSROOT}/usr/share/pkgconfig)
