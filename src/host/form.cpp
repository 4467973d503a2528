#include "form.hpp"

#include <algorithm>

#include <flame/context.hpp>

#include "text.hpp"

namespace flame::inline v0::detail {
namespace {

std::string form_decoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int byte = encoded_byte(text.substr(i));
    if (byte >= 0) {
      out += static_cast<char>(byte);
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

void append_form_encoded(std::string& out, std::string_view text) {
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       std::string_view("*-._").find(c) != std::string_view::npos;
    if (plain)
      out += c;
    else if (c == ' ')
      out += '+';
    else
      append_percent_encoded(out, c);
  }
}

}  // namespace

std::optional<std::vector<FormPair>> form_pairs(std::string_view text) {
  std::vector<FormPair> pairs;
  while (!text.empty()) {
    const auto pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), pair.size() + 1));
    if (pair.empty()) continue;
    if (pairs.size() == max_pairs) return std::nullopt;
    const auto equals = std::min(pair.find('='), pair.size());
    pairs.emplace_back(form_decoded(pair.substr(0, equals)),
                       form_decoded(pair.substr(std::min(pair.size(), equals + 1))));
  }
  return pairs;
}

std::string form_encoded(std::span<const FormPair> pairs) {
  std::string out;
  for (const auto& [name, value] : pairs) {
    if (!out.empty()) out += '&';
    append_form_encoded(out, name);
    out += '=';
    append_form_encoded(out, value);
  }
  return out;
}

std::vector<FormPair> form_fields(std::vector<FormPair> fields) {
  fields.emplace_back("Content-Type", form_type);
  return fields;
}

std::string_view media_type(const Request& request) noexcept {
  std::string_view found;
  for (const auto& field : request.fields()) {
    if (!same_name(field.name, "Content-Type")) continue;
    if (found.data() != nullptr) return {};
    found = field.value;
  }
  return trimmed(found.substr(0, found.find(';')));
}

}  // namespace flame::inline v0::detail
