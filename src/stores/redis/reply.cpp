#include "reply.hpp"

#include <hiredis/hiredis.h>

#include <new>

namespace flame::inline v0::session::redis {
namespace {

[[noreturn]] void lose(const char* text) {
  throw StoreError(StoreError::Kind::connection_lost, text);
}

Reading& reading_of(const redisReadTask* task) noexcept {
  return *static_cast<Reading*>(task->privdata);
}

Reply& place_of(const redisReadTask* task) noexcept {
  if (!task->parent) return reading_of(task).root;
  return static_cast<Reply*>(task->parent->obj)->elements[static_cast<std::size_t>(task->idx)];
}

Reply::Type type_of(const redisReadTask* task) noexcept {
  if (task->type == REDIS_REPLY_ERROR) return Reply::Type::error;
  return task->type == REDIS_REPLY_STATUS ? Reply::Type::status : Reply::Type::text;
}

// Called by C: nothing may be thrown through it. Null is "out of memory" there.
void* make_text(const redisReadTask* task, char* text, std::size_t size) noexcept try {
  auto& bytes = reading_of(task).bytes;
  if ((bytes += size) > ReplyReader::most_in_all) return nullptr;
  auto& reply = place_of(task);
  reply.type = type_of(task);
  reply.text.assign(text, size);
  return &reply;
} catch (const std::bad_alloc&) {
  return nullptr;
}

void* make_array(const redisReadTask* task, long long elements) noexcept try {
  // A few bytes ask for an array: so it is those of the whole reply that have a bound.
  auto& all = reading_of(task).elements;
  if (elements < 0 || (all += static_cast<std::size_t>(elements)) > ReplyReader::most_elements)
    return nullptr;
  auto& reply = place_of(task);
  reply.type = Reply::Type::array;
  reply.elements.clear();
  reply.elements.resize(static_cast<std::size_t>(elements));
  return &reply;
} catch (const std::bad_alloc&) {
  return nullptr;
}

void* make_integer(const redisReadTask* task, long long number) noexcept {
  auto& reply = place_of(task);
  reply.type = Reply::Type::integer;
  reply.integer = number;
  return &reply;
}

void* make_nil(const redisReadTask* task) noexcept {
  auto& reply = place_of(task);
  reply.type = Reply::Type::nil;
  return &reply;
}

void keep(void*) noexcept {}  // the reader's owner has them all

/// hiredis 1 counts by std::size_t, and knows types that a server only sends who asks for RESP3.
constexpr auto functions_of = [](auto all) {
  all.createString = make_text;
  all.createArray = [](const redisReadTask* task, auto elements) -> void* {
    return make_array(task, static_cast<long long>(elements));
  };
  all.createInteger = make_integer;
  all.createNil = make_nil;
  all.freeObject = keep;
  if constexpr (requires { all.createDouble; }) {
    all.createDouble = [](auto...) -> void* { return nullptr; };
    all.createBool = [](auto...) -> void* { return nullptr; };
  }
  return all;
};
redisReplyObjectFunctions functions = functions_of(redisReplyObjectFunctions{});

}  // namespace

void ReplyReader::Free::operator()(redisReader* reader) const noexcept { redisReaderFree(reader); }

ReplyReader::ReplyReader() { clear(); }

ReplyReader::~ReplyReader() = default;

void ReplyReader::clear() {
  reader_.reset(redisReaderCreateWithFunctions(&functions));
  if (!reader_) throw std::bad_alloc();
  reader_->privdata = &reading_;
  reading_ = {};
}

void ReplyReader::feed(std::string_view bytes) {
  if (redisReaderFeed(reader_.get(), bytes.data(), bytes.size()) != REDIS_OK)
    lose("redis store: no memory is left for the server's reply");
}

Reply* ReplyReader::next() {
  void* whole = nullptr;
  if (redisReaderGetReply(reader_.get(), &whole) != REDIS_OK)
    lose("redis store: the server sent what is no reply, or too large a one");
  if (!whole && reader_->len - reader_->pos > most_bytes)
    lose("redis store: the server sent too large a reply");
  if (whole) reading_.elements = reading_.bytes = 0;
  return static_cast<Reply*>(whole);
}

bool ReplyReader::is_empty() const noexcept {
  return reader_->len == reader_->pos && reader_->ridx < 1;
}

}  // namespace flame::inline v0::session::redis
