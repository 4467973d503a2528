#include "stores/mysql/option_file.hpp"

#include <gtest/gtest.h>
#include <stdio.h>

#include <fstream>
#include <string>
#include <string_view>
#include <utility>

#include "private_server.hpp"
#include "test_support/temporary_folder.hpp"

namespace flame::session::mysql {
namespace {

/// What may stand after `password=`, and what it means.
constexpr std::pair<std::string_view, std::string_view> values[] = {
    {"", ""},
    {"x", "x"},
    {" x # y", "x"},
    {"x#y", "x"},
    {"#x", ""},
    {"x ; y", "x ; y"},
    {R"("x")", "x"},
    {R"("x" # y)", "x"},
    {R"('x'#y)", "x"},
    {R"("a # b")", "a # b"},
    {R"('a" # b')", "a\" # b"},
    {R"("a' # b" # c)", "a' # b"},
    {R"("a"b)", "\"a\"b"},
    {R"("a" # b")", "a"},
    {R"(a"b # c)", "a\"b # c"},
    {R"(a "b # c" d # e)", "a \"b # c\" d"},
    {R"(it's # me)", "it's # me"},
    {R"("x\" # y")", "x\" # y"},
    {R"("x\\" # y)", "x\\"},
    {R"(x\#y)", "x\\"},
    {R"(a\"b # c)", "a\"b # c"},
    {R"("a\#b")", R"(a\#b)"},
    {R"(a\sb\\\q)", R"(a b\\q)"},
    {R"(x\)", "x\\"},
    {R"(")", "\""},
    {R"("")", ""},
    {"\"x\"\r", "x"},
};

std::string file_with(std::string_view value) {
  return "[client]\npassword=" + std::string(value) + "\n";
}

TEST(MysqlOptionFile, HasGroupsNamesAndComments) {
  const auto found = parse_option_file(
      "# a comment\n[mysqld]\nuser=nobody\npassword=wrong\n\n[client]\n user = ann \r\n"
      "password = \"a b\\\"c # d\"\nport=1\n[mysql]\npassword=wrong\n");
  EXPECT_EQ(found.user, "ann");
  EXPECT_EQ(found.password, "a b\"c # d");
  EXPECT_EQ(parse_option_file("password=x").password, std::nullopt);
  EXPECT_EQ(parse_option_file("[client]\n#password=x").password, std::nullopt);
  EXPECT_EQ(parse_option_file("[client]\npassword # = x").password, std::nullopt);
  EXPECT_EQ(parse_option_file(" [Client ] # ours\npassword=x").password, "x");
  EXPECT_EQ(parse_option_file("[client]\npassword=x\n[client-server]\npassword=y").password, "y");
}

TEST(MysqlOptionFile, ValuesHaveQuotesCommentsAndEscapes) {
  for (const auto& [text, value] : values)
    EXPECT_EQ(parse_option_file(file_with(text)).password, value) << text;
}

TEST(MysqlOptionFile, ValuesAreThoseOfTheServersPrograms) {
  if (!PrivateServer::is_to_be_had()) GTEST_SKIP() << "not run: mariadb-server is not installed";
  const test_support::TemporaryFolder folder;
  const auto file = (folder.path() / "my.cnf").string();
  for (const auto& [text, value] : values) {
    std::ofstream(file, std::ios::binary) << file_with(text);
    FILE* const pipe =
        ::popen(("my_print_defaults --defaults-file=" + file + " client").c_str(), "r");
    ASSERT_NE(pipe, nullptr);
    std::string said;
    for (int c = 0; (c = ::fgetc(pipe)) != EOF;) said += static_cast<char>(c);
    EXPECT_EQ(::pclose(pipe), 0);
    EXPECT_EQ(said, "--password=" + std::string(value) + "\n") << text;
  }
}

}  // namespace
}  // namespace flame::session::mysql
