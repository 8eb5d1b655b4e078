#include "hub/digest.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <memory>

namespace lathe::hub {
namespace {

Result<std::string> digest(const EVP_MD* kind, std::string_view before,
                           std::span<const std::byte> bytes) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        EVP_MD_CTX_free);
  unsigned char value[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  const bool done = context != nullptr && EVP_DigestInit_ex(context.get(), kind, nullptr) == 1 &&
                    EVP_DigestUpdate(context.get(), before.data(), before.size()) == 1 &&
                    EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()) == 1 &&
                    EVP_DigestFinal_ex(context.get(), value, &size) == 1;
  if (!done) return Error::internal("the hash cannot be computed by this OpenSSL");
  std::string text;
  for (unsigned i = 0; i < size; ++i) text += fmt::format("{:02x}", value[i]);
  return text;
}

}  // namespace

Result<std::string> sha256_of(const os::Path& path) {
  LATHE_TRY(const os::MappedFile file, os::MappedFile::open(path));
  return digest(EVP_sha256(), {}, file.bytes());
}

Result<std::string> git_sha1_of(const os::Path& path) {
  LATHE_TRY(const os::MappedFile file, os::MappedFile::open(path));
  std::string before = fmt::format("blob {}", file.bytes().size());
  before += '\0';
  return digest(EVP_sha1(), before, file.bytes());
}

}  // namespace lathe::hub
