#include "net/tls_identity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "baton/base/error.hpp"
#include "baton/base/log.hpp"
#include "net/pem.hpp"

namespace baton::net {
namespace {

using openssl::date_of;

std::string text_of(const ASN1_STRING* name) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(name)),
          static_cast<std::size_t>(ASN1_STRING_length(name))};
}

/// "*.example.org" and "example.org", but no star elsewhere.
bool is_server_name(std::string_view name) {
  if (name.starts_with("*.")) name.remove_prefix(2);
  return !name.empty() && name.find_first_of(std::string_view{"* /\0", 4}) == name.npos;
}

std::vector<std::string> given_names(const std::vector<std::string>& given) {
  std::vector<std::string> names;
  for (const auto& each : given) {
    auto name = canonical_name(each);
    if (!is_server_name(name))
      throw setup_error{
          fmt::format("\"{}\" in tls_certificate::names is no server name: write example.org, or "
                      "*.example.org for every name with one label more",
                      each)};
    names.push_back(std::move(name));
  }
  return names;
}

/// The DNS names that the certificate is for (RFC 6125 section 6.4.4: the common name only if
/// there are none).
std::vector<std::string> own_names(X509* of) {
  std::vector<std::string> names;
  const auto add = [&names](const ASN1_STRING* text) {
    auto name = canonical_name(text_of(text));
    if (is_server_name(name) && std::find(names.begin(), names.end(), name) == names.end())
      names.push_back(std::move(name));
  };
  const openssl::general_names alternatives{
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(of, NID_subject_alt_name, nullptr, nullptr))};
  bool any = false;
  for (int i = 0; i < sk_GENERAL_NAME_num(alternatives.get()); ++i) {
    const auto* each = sk_GENERAL_NAME_value(alternatives.get(), i);
    if (each->type != GEN_DNS) continue;
    any = true;
    add(each->d.dNSName);
  }
  auto* subject = X509_get_subject_name(of);
  const int at = any ? -1 : X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at >= 0) add(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  return names;
}

void check_dates(X509* of, std::string_view shown) {
  if (X509_cmp_current_time(X509_get0_notBefore(of)) > 0) {
    log_notice(fmt::format("the {} is not valid before {}: clients refuse it until then", shown,
                           date_of(X509_get0_notBefore(of))));
  }
  if (X509_cmp_current_time(X509_get0_notAfter(of)) < 0) {
    log_notice(fmt::format("the {} has expired on {}: clients refuse it; renew it", shown,
                           date_of(X509_get0_notAfter(of))));
  }
}

[[noreturn]] void refuse_ocsp(const std::string& path, std::string_view why) {
  throw setup_error{fmt::format(
      "the OCSP response file {} cannot be stapled: {}; fetch it again (openssl ocsp -respout)",
      path, why)};
}

std::time_t as_time(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1)
    return std::numeric_limits<std::time_t>::max();  // no end is named
  return ::timegm(&parts);
}

/// Whether the issuer's name and the serial number are the certificate's (RFC 6960 section 4.1.1).
bool is_about(const OCSP_CERTID* id, const X509* certificate) {
  ASN1_OCTET_STRING* issuer = nullptr;
  ASN1_OBJECT* algorithm = nullptr;
  ASN1_INTEGER* serial = nullptr;
  (void)OCSP_id_get0_info(&issuer, &algorithm, nullptr, &serial, const_cast<OCSP_CERTID*>(id));
  if (ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(certificate)) != 0) return false;
  const auto* const digest = EVP_get_digestbyobj(algorithm);
  unsigned char name[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (digest == nullptr ||
      X509_NAME_digest(X509_get_issuer_name(certificate), digest, name, &size) != 1)
    return false;
  const auto* const said = ASN1_STRING_get0_data(issuer);
  return static_cast<std::size_t>(ASN1_STRING_length(issuer)) == size &&
         std::equal(name, name + size, said);
}

/// Reads the response for `into`'s certificate (RFC 6960 section 4.2.1).
void load_ocsp(const std::string& path, tls_identity& into) {
  auto bytes = pem::read("OCSP response", path).bytes;
  const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
  const openssl::ocsp_response response{
      d2i_OCSP_RESPONSE(nullptr, &at, static_cast<long>(bytes.size()))};
  if (response == nullptr) refuse_ocsp(path, "it is no DER: " + openssl::take_errors());
  const int status = OCSP_response_status(response.get());
  if (status != OCSP_RESPONSE_STATUS_SUCCESSFUL)
    refuse_ocsp(path, fmt::format("its status is {}", OCSP_response_status_str(status)));
  const openssl::ocsp_basic basic{OCSP_response_get1_basic(response.get())};
  if (basic == nullptr) refuse_ocsp(path, openssl::take_errors());
  for (int i = 0; i < OCSP_resp_count(basic.get()); ++i) {
    auto* single = OCSP_resp_get0(basic.get(), i);
    if (!is_about(OCSP_SINGLERESP_get0_id(single), into.certificate())) continue;
    ASN1_GENERALIZEDTIME* until = nullptr;
    const int said = OCSP_single_get0_status(single, nullptr, nullptr, nullptr, &until);
    if (said != V_OCSP_CERTSTATUS_GOOD)
      log_notice(
          fmt::format("the OCSP response file {} says that the {} is {}: clients refuse it; "
                      "replace the certificate",
                      path, into.shown, OCSP_cert_status_str(said)));
    into.ocsp = std::move(bytes);
    into.ocsp_until = as_time(until);
    if (until != nullptr && X509_cmp_current_time(until) < 0)
      log_notice(fmt::format(
          "the OCSP response file {} is stale since {} and is not stapled; fetch a new one", path,
          date_of(until)));
    return;
  }
  refuse_ocsp(path, fmt::format("it says nothing about the {}", into.shown));
}

}  // namespace

std::string canonical_name(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  std::string lower{name};
  for (auto& each : lower)
    if (each >= 'A' && each <= 'Z') each = static_cast<char>(each - 'A' + 'a');
  return lower;
}

tls_identity tls_identity::load(const tls_certificate& from) {
  tls_identity made;
  const auto certificate = pem::read("certificate", from.certificate);
  made.shown = certificate.shown;
  made.chain = pem::certificates(certificate);
  made.own.reset(sk_X509_shift(made.chain.get()));
  const auto key = pem::read("key", from.key);
  made.key = pem::private_key(key, from.passphrase);
  ERR_clear_error();
  if (X509_check_private_key(made.certificate(), made.key.get()) != 1)
    throw setup_error{fmt::format(
        "the {} does not belong to the {}: {}; the first certificate of the file must be the "
        "server's own, and the key the one it was made with",
        key.shown, made.shown, openssl::take_errors())};
  made.names = from.names.empty() ? own_names(made.certificate()) : given_names(from.names);
  check_dates(made.certificate(), made.shown);
  if (!from.ocsp_response.empty()) load_ocsp(from.ocsp_response, made);
  return made;
}

}  // namespace baton::net
