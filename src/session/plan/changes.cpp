#include "changes.hpp"

namespace flame::inline v0::session {

Item::Item(std::string_view key, std::string_view value) {
  Writer(bytes_).text(key);
  key_at_ = bytes_.size() - key.size();
  value_at_ = bytes_.size();
  bytes_ += value;
}

}  // namespace flame::inline v0::session
