// The small writers: errors, cards and event framing.
#include <gtest/gtest.h>

#include "api/cards.h"
#include "api/error.h"
#include "api/sse.h"

namespace lathe::api {
namespace {

TEST(Error, HasOpenAisShapeWithNullsForWhatIsAbsent) {
  EXPECT_EQ(to_json(ErrorBody{"no \"m\"", "invalid_request_error", "model", "model_not_found"}),
            R"({"error":{"message":"no \"m\"","type":"invalid_request_error",)"
            R"("param":"model","code":"model_not_found"}})");
  EXPECT_EQ(to_json(ErrorBody{"x", "server_error", "", ""}),
            R"({"error":{"message":"x","type":"server_error","param":null,"code":null}})");
}

TEST(Cards, ModelsAreOpenAisList) {
  const std::vector<ModelCard> cards = {{"a", 5, "lathe"}};
  EXPECT_EQ(to_json(std::span(cards)),
            R"({"object":"list","data":[)"
            R"({"id":"a","object":"model","created":5,"owned_by":"lathe"}]})");
  EXPECT_EQ(to_json(std::span<const ModelCard>()), R"({"object":"list","data":[]})");
}

TEST(Cards, DeploymentsAndVersions) {
  const DeploymentCard deployment{"helpdesk", "2", "starter+l", 7, true};
  EXPECT_EQ(to_json(deployment), R"({"object":"deployment","name":"helpdesk","version":"2",)"
                                 R"("reference":"starter+l","created":7,"loaded":true})");
  const std::vector<VersionCard> versions = {{"helpdesk", "1", "starter", 6, false}};
  EXPECT_EQ(to_json(std::span(versions)),
            R"({"object":"list","data":[{"object":"deployment.version","deployment":"helpdesk",)"
            R"("version":"1","reference":"starter","created":6,"in_charge":false}]})");
}

TEST(Sse, EveryLineOfTheDataIsADataLine) {
  EXPECT_EQ(sse_event("{}"), "data: {}\n\n");
  EXPECT_EQ(sse_event("a\nb\r\nc"), "data: a\ndata: b\ndata: c\n\n");
  EXPECT_EQ(sse_event(""), "data: \n\n");
  EXPECT_EQ(sse_done(), "data: [DONE]\n\n");
}

}  // namespace
}  // namespace lathe::api
