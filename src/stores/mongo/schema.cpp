#include "schema.hpp"

#include <array>

namespace flame::inline v0::session::mongo {
namespace {

/// The one document that is no session.
constexpr std::string_view version_id = "flame-session";

constexpr std::int64_t missing_collection = 26;
constexpr std::int64_t exists_already = 11000;

std::string shell(const Settings& settings) {
  return "db.getSiblingDB(\"" + settings.database + "\").getCollection(\"" + settings.collection +
         "\")";
}

std::string making_version(const Settings& settings) {
  return shell(settings) + ".insertOne({_id: \"" + std::string(version_id) +
         "\", schema: " + std::to_string(schema_version) + "})";
}

std::string making_owner_index(const Settings& settings) {
  return shell(settings) +
         ".createIndex({owner: 1, _id: 1}, {name: \"owner\", partialFilterExpression: {owner: "
         "{$exists: true}}})";
}

std::string making_expiry_index(const Settings& settings) {
  return shell(settings) + ".createIndex({expires_at: 1}, {name: \"expiry\", expireAfterSeconds: " +
         std::to_string(margin_seconds) + "})";
}

/// Whether a document has these fields in this order, all of them ascending, and no others.
bool is_ascending(const bson_t& index, std::initializer_list<std::string_view> fields) {
  bson_iter_t at, found, field;
  if (!bson_iter_init(&at, &index) || !bson_iter_find_descendant(&at, "key", &found) ||
      !bson_iter_recurse(&found, &field))
    return false;
  for (const auto name : fields)
    if (!bson_iter_next(&field) || bson_iter_key(&field) != name || bson_iter_as_int64(&field) != 1)
      return false;
  return !bson_iter_next(&field);
}

Document find_one(const Settings& settings, bool version) {
  Document out;
  out.writer()
      .text("find", settings.collection)
      .document("filter",
                [&](Writer filter) {
                  if (version) filter.text("_id", version_id);
                })
      .number("limit", std::int32_t{1})
      .flag("singleBatch", true);
  return out;
}

void write_owner_index(Writer index) {
  index.document("key", [](Writer key) {
    key.number("owner", std::int32_t{1}).number("_id", std::int32_t{1});
  });
  index.text("name", "owner");
  index.document("partialFilterExpression", [](Writer condition) {
    condition.document("owner", [](Writer owner) { owner.flag("$exists", true); });
  });
}

void write_expiry_index(Writer index) {
  index.document("key", [](Writer key) { key.number("expires_at", std::int32_t{1}); });
  index.text("name", "expiry").number("expireAfterSeconds", margin_seconds);
}

/// One that is there may have other options, which the server takes for a conflict.
Document make_indexes(const Settings& settings, const CollectionFacts& facts) {
  std::vector<void (*)(Writer)> missing;
  if (!facts.owner_index) missing.push_back(write_owner_index);
  if (!facts.expiry_index) missing.push_back(write_expiry_index);
  Document out;
  out.writer().text("createIndexes", settings.collection);
  out.writer().array("indexes", missing, [](Writer in, std::string_view element, auto write) {
    in.document(element, write);
  });
  return out;
}

void write_version(Link& link, const Settings& settings, Deadline until) {
  Document version;
  version.writer().text("insert", settings.collection);
  constexpr std::array<int, 1> one{};
  version.writer().array("documents", one, [](Writer in, std::string_view element, int) {
    in.document(element,
                [](Writer to) { to.text("_id", version_id).number("schema", schema_version); });
  });
  const auto written = read_written(link.ask_surely(version, until));
  for (const auto& error : written.errors)
    if (error.code != exists_already) throw error_of({judge(error.code), error.code});
}

}  // namespace

void read_index(const bson_t& index, CollectionFacts& into) {
  const bool partial = has(index, "partialFilterExpression");
  if (is_ascending(index, {"owner", "_id"}) &&
      (!partial || find_flag(index, "partialFilterExpression.owner.$exists").value_or(false)))
    into.owner_index = true;
  if (is_ascending(index, {"expires_at"}) && !partial) {
    into.expiry_index = true;
    into.removed_after = find_number(index, "expireAfterSeconds");
  }
}

std::vector<std::string> making(const Settings& settings) {
  return {making_version(settings), making_owner_index(settings), making_expiry_index(settings)};
}

std::string problem_of(const CollectionFacts& facts, const Settings& settings) {
  const auto begin =
      "mongo store: the collection " + settings.database + "." + settings.collection + " ";
  if (facts.version > schema_version)
    return begin + "is of a later release of flame-session: use that, or name another collection";
  if (!facts.version && facts.has_documents)
    return begin + "holds documents that are not flame-session's: name another collection";
  if (!facts.version) {
    std::string all;
    for (const auto& statement : making(settings)) all += statement + "; ";
    all.pop_back();
    return begin + "is missing: start with init_collection, or run: " + all;
  }
  if (!facts.owner_index)
    return begin + "has no index for owners: run: " + making_owner_index(settings);
  if (!facts.expiry_index)
    return begin + "has no index for what is over: run: " + making_expiry_index(settings);
  return {};
}

std::vector<std::string> warnings_of(const CollectionFacts& facts, const Settings& settings) {
  auto all = settings.warnings;
  if (facts.removed_after && *facts.removed_after < margin_seconds / 2)
    all.push_back("mongo store: expireAfterSeconds of the index on expires_at is " +
                  std::to_string(*facts.removed_after) +
                  ": a server's clock that is ahead removes sessions that live: set it to " +
                  std::to_string(margin_seconds));
  return all;
}

bool may_be_made(const CollectionFacts& facts) noexcept {
  return facts.version ? *facts.version <= schema_version : !facts.has_documents;
}

CollectionFacts look(Link& link, const Settings& settings, Deadline until) {
  CollectionFacts facts;
  const auto find = [&](bool version, auto take) {
    each_document(link.ask_surely(find_one(settings, version), until), "cursor.firstBatch", take);
  };
  // In this order: another may make it meanwhile, and the version is the first that it writes.
  find(false, [&](const bson_t&) { facts.has_documents = true; });
  find(true, [&](const bson_t& each) { facts.version = find_number(each, "schema").value_or(0); });
  Document list;
  list.writer().text("listIndexes", settings.collection);
  const auto answer = link.ask(list, until);
  if (!answer.failure)
    each_document(answer.reply, "cursor.firstBatch",
                  [&](const bson_t& index) { read_index(index, facts); });
  else if (answer.failure->code != missing_collection)
    throw error_of(*answer.failure);
  return facts;
}

void make(Link& link, const Settings& settings, const CollectionFacts& facts, Deadline until) {
  if (!facts.version) write_version(link, settings, until);
  if (!facts.owner_index || !facts.expiry_index)
    static_cast<void>(link.ask_surely(make_indexes(settings, facts), until));
}

}  // namespace flame::inline v0::session::mongo
