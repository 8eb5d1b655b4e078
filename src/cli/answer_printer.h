// Prints an answer while it is made: an engine's sink for a terminal or a pipe.
#pragma once

#include "engine/request.h"

namespace lathe::cli {

class AnswerPrinter final : public engine::GenerationSink {
 public:
  void on_token(const engine::Delta& delta) override;
  void on_end(const engine::Answer& answer) override;
};

// Waits for the end of an answer; Ctrl-C ends the answer instead of the program meanwhile.
const engine::Answer& wait_interruptibly(engine::Generation& generation);

}  // namespace lathe::cli
