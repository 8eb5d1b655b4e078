// Which processors the threads of this process may run on. Linux; elsewhere nothing is known and
// nothing confined.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace lathe::os {

// Those that the calling thread may run on, in rising order; never empty.
std::vector<std::size_t> allowed_processors();

// Lets the calling thread run on these alone; with none, nothing changes. What it starts afterwards
// inherits that. A wish: where the system refuses, the log says so and the thread runs as before.
void confine_thread(std::span<const std::size_t> processors);

}  // namespace lathe::os
