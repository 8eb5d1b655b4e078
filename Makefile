# The two commands of the README: `make demo` and `make test`. Plain `make` builds build/lathe.
.PHONY: all setup configure test test-sanitized test-slow test-arm format check demo clean

BUILD ?= build
CMAKE_FLAGS ?=

all: configure
	cmake --build $(BUILD) --target lathe

setup:
	@tools/setup

configure: setup
	@cmake -S . -B $(BUILD) -G Ninja $(CMAKE_FLAGS) > /dev/null

check: setup
	tools/check-layers
	tools/format --check

test: check configure
	cmake --build $(BUILD)
	ctest --test-dir $(BUILD) -L quick --output-on-failure -j $(shell nproc)

# Once more under ASan and UBSan, in a build of its own.
test-sanitized:
	$(MAKE) test BUILD=build-asan CMAKE_FLAGS='-DCMAKE_BUILD_TYPE=Debug -DLATHE_SANITIZE=address,undefined'

test-slow: configure
	cmake --build $(BUILD)
	ctest --test-dir $(BUILD) -L slow --output-on-failure

# The kernels for 64-bit Arm, under emulation.
test-arm:
	tools/test-arm

format:
	tools/format

demo: all
	tools/demo

clean:
	rm -rf $(BUILD) build-asan build-tsan build-arm
