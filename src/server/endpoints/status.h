// How the server is: GET /health (it runs), /ready (it can answer), /metrics (for Prometheus).
#pragma once

#include "server/metrics.h"
#include "server/router.h"

namespace lathe::server::endpoints {

struct Health {
  HttpResponse operator()(const Call& call) const;
};

// 503 while the backend cannot answer and while the server drains.
struct Ready {
  Backend& backend;
  const HttpStats& http;
  HttpResponse operator()(const Call& call) const;
};

struct MetricsText {
  Backend& backend;
  const Metrics& metrics;
  const HttpStats& http;
  HttpResponse operator()(const Call& call) const;
};

}  // namespace lathe::server::endpoints
