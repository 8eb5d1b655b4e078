// From a generation to an HTTP answer, whole or streamed: the sink that the chat and completion
// endpoints give to the backend.
#pragma once

#include <memory>
#include <string>

#include "api/answer.h"
#include "os/clock.h"
#include "server/backend.h"
#include "server/metrics.h"
#include "server/responder.h"

namespace lathe::server {

// What both endpoints need.
struct GenerationServices {
  Backend& backend;
  Metrics& metrics;
  const os::Clock& clock;
};

// How the answer is written.
struct AnswerStyle {
  api::AnswerShape shape = api::AnswerShape::chat;
  bool stream = false;
  bool include_usage = false;
};

// Starts the generation; its answer goes to the responder. A failure before the first text is an
// HTTP error; later in a stream it is an event {"error": …}, after which the stream ends without
// [DONE].
void generate_answer(const GenerationServices& services, GenerationSpec spec, AnswerStyle style,
                     std::shared_ptr<Responder> responder);

}  // namespace lathe::server
