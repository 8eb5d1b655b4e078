#include "hub/url.h"

#include <gtest/gtest.h>

namespace lathe::hub {
namespace {

TEST(UrlTest, ReadsItsParts) {
  const Url url = parse_url("https://Hub.Example.org:8443/a%20b/./c/../d?x=1&y=2").value();
  EXPECT_EQ(url.scheme, Url::Scheme::https);
  EXPECT_EQ(url.host, "hub.example.org");
  EXPECT_EQ(url.port, 8443);
  EXPECT_EQ(url.path, "/a%20b/d");
  EXPECT_EQ(url.query, "x=1&y=2");
  EXPECT_EQ(to_string(url), "https://hub.example.org:8443/a%20b/d?x=1&y=2");
  EXPECT_EQ(origin(url), "https://hub.example.org:8443");
}

TEST(UrlTest, LeavesTheUsualPortOutAndAddsThePath) {
  EXPECT_EQ(to_string(parse_url("https://example.org:443").value()), "https://example.org/");
  EXPECT_EQ(to_string(parse_url("http://example.org:80?q").value()), "http://example.org/?q");
  EXPECT_EQ(parse_url("http://example.org").value().port, 80);
}

TEST(UrlTest, ReadsAddresses) {
  EXPECT_EQ(parse_url("http://127.0.0.1:1/").value().host, "127.0.0.1");
  const Url v6 = parse_url("http://[2001:DB8:0:0::1]:81/").value();
  EXPECT_EQ(v6.host, "2001:db8::1");
  EXPECT_EQ(to_string(v6), "http://[2001:db8::1]:81/");
}

TEST(UrlTest, RefusesWhatItDoesNotTake) {
  const std::string refused[] = {
      "",
      "huggingface.co/a",
      "ftp://example.org/",
      "file:///etc/passwd",
      "https:///path",
      "https://",
      "https://user@example.org/",
      "https://user:word@example.org/",
      "https://good.org\\@evil.org/",
      "https://example.org/#part",
      "https://example.org:0/",
      "https://example.org:/",
      "https://example.org:65536/",
      "https://example.org:80x/",
      "https://example.org:+80/",
      "https://exa mple.org/",
      "https://example.org/a b",
      "https://example.org/a\r\nHost: evil",
      std::string("https://example.org/\0a", 22),
      "https://example.org/%00",
      "https://example.org/%zz",
      "https://example.org/%4",
      "https://ex\xc3\xa4mple.org/",
      "https://-example.org/",
      "https://example..org/",
      "https://example.org./",
      "https://2130706433/",
      "https://0x7f000001/",
      "https://127.1/",
      "https://0177.0.0.1/",
      "https://127.0.0.1.2/",
      "https://1.2.3.0x4/",
      "https://[::1/",
      "https://[::1]x/",
      "https://[127.0.0.1]/",
      "https://[fe80::1%25eth0]/",
      "https://[]/",
      "https://" + std::string(64, 'a') + ".org/",
      "https://example.org/" + std::string(kMaxUrlBytes, 'a'),
  };
  for (const std::string& text : refused) {
    const auto url = parse_url(text);
    ASSERT_FALSE(url.ok()) << text;
    EXPECT_EQ(url.error().kind, ErrorKind::bad_input) << text;
  }
}

TEST(UrlTest, NoPathLeadsAboveTheRoot) {
  EXPECT_EQ(parse_url("https://a.org/../../etc").value().path, "/etc");
  EXPECT_EQ(parse_url("https://a.org/a/%2e%2E/b").value().path, "/b");
  EXPECT_EQ(parse_url("https://a.org/a/..").value().path, "/");
  EXPECT_EQ(parse_url("https://a.org/a/.").value().path, "/a/");
  EXPECT_EQ(parse_url("https://a.org//a").value().path, "//a");
}

TEST(UrlTest, ResolvesLocations) {
  const Url base = parse_url("https://hub.org:8443/org/name/resolve/main/a.txt?x").value();
  const auto at = [&](std::string_view location) { return to_string(*resolve(base, location)); };
  EXPECT_EQ(at("http://other.org/b"), "http://other.org/b");
  EXPECT_EQ(at("//other.org/b"), "https://other.org/b");
  EXPECT_EQ(at("/api/cache?y#part"), "https://hub.org:8443/api/cache?y");
  EXPECT_EQ(at("b.txt"), "https://hub.org:8443/org/name/resolve/main/b.txt");
  EXPECT_EQ(at("../b.txt"), "https://hub.org:8443/org/name/resolve/b.txt");
  EXPECT_EQ(at("?z"), "https://hub.org:8443/org/name/resolve/main/a.txt?z");
  EXPECT_EQ(at("#part"), to_string(base));
  EXPECT_FALSE(resolve(base, "javascript:alert(1)").ok());
  EXPECT_FALSE(resolve(base, "file:///etc/passwd").ok());
  EXPECT_FALSE(resolve(base, "//user@other.org/").ok());
}

TEST(UrlTest, EncodesAndDecodes) {
  EXPECT_EQ(encode_segment("a b/ü?#%"), "a%20b%2F%C3%BC%3F%23%25");
  EXPECT_EQ(encode_path("1_Pooling/config.json"), "1_Pooling/config.json");
  EXPECT_EQ(decode_path("a%20b%2Fc").value(), "a b/c");
  EXPECT_FALSE(decode_path("%4").ok());
  EXPECT_FALSE(decode_path("%4x").ok());
}

}  // namespace
}  // namespace lathe::hub
