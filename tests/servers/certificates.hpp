#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

#include <flame/session/store.hpp>

namespace flame::session::tests {

/// A certificate and its key, signed by another or by itself, and written as PEM.
class Certificate {
 public:
  /// `names` as OpenSSL has them: "DNS:localhost,IP:127.0.0.1"; empty: an authority. Ends in an
  /// hour, or ended an hour ago.
  Certificate(const std::string& names, const Certificate* issuer, bool expired = false)
      : key_(EVP_EC_gen("P-256"), EVP_PKEY_free), x509_(X509_new(), X509_free) {
    static long serial = 1;
    X509* const x509 = x509_.get();
    X509_set_version(x509, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), serial++);
    X509_gmtime_adj(X509_getm_notBefore(x509), -7200);
    X509_gmtime_adj(X509_getm_notAfter(x509), expired ? -3600 : 3600);
    X509_set_pubkey(x509, key_.get());
    const std::string name = issuer ? "server" : "authority " + std::to_string(serial);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(x509, X509_get_subject_name((issuer ? issuer->x509_ : x509_).get()));
    extend(NID_basic_constraints, issuer ? "CA:FALSE" : "critical,CA:TRUE");
    if (!names.empty()) extend(NID_subject_alt_name, names);
    if (X509_sign(x509, (issuer ? issuer->key_ : key_).get(), EVP_sha256()) == 0)
      throw std::runtime_error("no certificate could be signed");
  }

  [[nodiscard]] std::string write_certificate(const std::filesystem::path& path) const {
    write(path, [&](FILE* file) { PEM_write_X509(file, x509_.get()); });
    return path.string();
  }
  [[nodiscard]] std::string write_key(const std::filesystem::path& path) const {
    write(path, [&](FILE* file) {
      PEM_write_PrivateKey(file, key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
    return path.string();
  }

 private:
  void extend(int kind, const std::string& value) {
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str());
    if (!extension) throw std::runtime_error("no such extension: " + value);
    X509_add_ext(x509_.get(), extension, -1);
    X509_EXTENSION_free(extension);
  }
  static void write(const std::filesystem::path& path, const auto& put) {
    FILE* const file = ::fopen(path.c_str(), "w");
    if (!file) throw std::runtime_error("cannot write " + path.string());
    put(file);
    ::fclose(file);
  }

  std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key_;
  std::unique_ptr<X509, void (*)(X509*)> x509_;
};

}  // namespace flame::session::tests
