"""The reference documentation's programs answer word for word."""

import unittest

from driver import Case, example


class Examples(Case):
    def start(self, name):
        return self.enterContext(example(name)).connect()

    def test_memory(self):
        client = self.start("memory")
        self.answer(client.get("/get"), "Not authenticated")
        response = self.answer(client.get("/set"), "Succeed")
        visitor = response.session_id
        self.answer(client.get("/get", visitor), "Authenticated as 123")
        self.answer(client.get("/get"), "Not authenticated")
        self.answer(client.get("/clear", visitor), "Cleared")
        self.answer(client.get("/get", visitor), "Not authenticated")

    def test_flash(self):
        client = self.start("flash")
        visitor = self.answer(client.get("/set"), "Succeed").session_id
        self.answer(client.get("/get", visitor), "This is a flash message")
        self.answer(client.get("/get", visitor), "No flash message")

    def test_flash_waits_for_a_handler_that_asks_for_it(self):
        client = self.start("flash")
        visitor = self.answer(client.get("/set"), "Succeed").session_id
        self.assertEqual(404, client.get("/elsewhere", visitor).status)
        client.send("/get", visitor, method="HEAD")
        self.assertEqual(200, client.receive(method="HEAD").status)
        self.answer(client.get("/get", visitor), "This is a flash message")

    def test_flash_of_several_types(self):
        client = self.start("flash_types")
        visitor = self.answer(client.get("/set-simple"), "Succeed").session_id
        self.answer(client.get("/get-simple", visitor), "This is a flash message")
        self.answer(client.get("/get-simple", visitor), "No flash message")
        self.answer(client.get("/set-complex", visitor), "Succeed")
        complex_message = 'Flash{.success="It worked!", .error=""}'
        self.answer(client.get("/get-complex", visitor), complex_message)
        self.answer(client.get("/get-complex", visitor), "No flash message")

    def test_flash_of_another_type_is_used_up(self):
        client = self.start("flash_types")
        visitor = self.answer(client.get("/set-simple"), "Succeed").session_id
        self.answer(client.get("/get-complex", visitor), "No flash message")
        self.answer(client.get("/get-simple", visitor), "No flash message")
        self.answer(client.get("/set-complex", visitor), "Succeed")
        self.answer(client.get("/get-simple", visitor), "No flash message")
        self.answer(client.get("/get-complex", visitor), "No flash message")


if __name__ == "__main__":
    unittest.main()
