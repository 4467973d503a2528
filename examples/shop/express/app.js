// The shop of ../shop.cpp as people write it with Express.
import { RedisStore } from "connect-redis";
import { csrfSync } from "csrf-sync";
import express from "express";
import flash from "connect-flash";
import session from "express-session";
import { createClient } from "redis";

import * as pages from "./pages.js";

const minutes = 60 * 1000;
const days = 24 * 60 * minutes;

const products = [
  { id: "tea", name: "Darjeeling, 100 g", cents: 690 },
  { id: "cup", name: "Cup & saucer", cents: 1450 },
  { id: "kettle", name: "Kettle", cents: 3900 },
];

// Stands for a table of users; `logins` is what "sign out everywhere" counts up.
const users = new Map([
  ["ann", { password: "secret", logins: 0 }],
  ["bob", { password: "secret", logins: 0 }],
]);

async function openStore(url) {
  if (!url) return undefined; // the memory store of express-session
  const client = createClient({ url });
  await client.connect();
  return new RedisStore({ client });
}

const cartOf = (req) => req.session.cart ?? [];

function addToCart(req, id, quantity) {
  const cart = cartOf(req);
  const line = cart.find((each) => each.id === id);
  if (line) line.quantity += quantity;
  else cart.push({ id, quantity });
  req.session.cart = cart;
}

const { csrfSynchronisedProtection } = csrfSync({
  getTokenFromRequest: (req) => req.body?.csrf_token ?? req.headers["x-csrf-token"],
});

function needLogin(req, res, next) {
  const { user, login } = req.session;
  if (user && users.get(user).logins === login) return next();
  req.flash("message", "Please sign in first");
  res.redirect(303, "/login");
}

const app = express();
app.use(express.static(`${import.meta.dirname}/../public`));
app.use(express.urlencoded({ extended: false }));
app.use(express.json());
app.use(
  session({
    store: await openStore(process.env.SHOP_STORE),
    secret: process.env.SHOP_SECRET ?? "only for development",
    resave: false,
    saveUninitialized: false,
    rolling: true,
    cookie: { maxAge: 30 * minutes, httpOnly: true, sameSite: "lax", secure: "auto" },
  }),
);
app.use(csrfSynchronisedProtection);
app.use(flash());

app.get("/", (req, res) => {
  req.session.visits = (req.session.visits ?? 0) + 1;
  res.send(pages.home(req, products));
});

app.get("/cart", (req, res) => {
  res.send(pages.cart(req, cartOf(req), products));
});

app.post("/cart", (req, res) => {
  const product = products.find((each) => each.id === req.body.id);
  if (!product) return res.status(422).send("No such product");
  addToCart(req, product.id, 1);
  req.flash("message", `${product.name} is in your cart`);
  res.redirect(303, "/cart");
});

app.post("/cart/empty", (req, res) => {
  delete req.session.cart;
  res.redirect(303, "/cart");
});

app.get("/api/cart", (req, res) => {
  res.json(cartOf(req));
});

app.post("/api/cart", (req, res) => {
  const { id, quantity } = req.body ?? {};
  const isQuantity = Number.isInteger(quantity) && quantity >= 1 && quantity <= 99;
  if (!isQuantity || !products.some((each) => each.id === id)) {
    return res.status(422).send("No such product or quantity");
  }
  addToCart(req, id, quantity);
  res.status(201).json(cartOf(req));
});

app.get("/login", (req, res) => {
  res.send(pages.login(req));
});

app.post("/login", (req, res, next) => {
  const { user, password, remember } = req.body;
  if (users.get(user)?.password !== password) {
    req.flash("message", "Name or password is wrong");
    return res.redirect(303, "/login");
  }
  const { cart, visits } = req.session.user ? {} : req.session;
  req.session.regenerate((error) => {
    if (error) return next(error);
    Object.assign(req.session, { cart, visits, user, login: users.get(user).logins });
    if (remember) req.session.cookie.maxAge = 30 * days;
    req.flash("message", `Welcome, ${user}`);
    res.redirect(303, "/account");
  });
});

const account = express.Router();
account.use(needLogin);

account.get("/", (req, res) => {
  res.send(pages.account(req));
});

function signOut(req, res, next) {
  req.session.regenerate((error) => {
    if (error) return next(error);
    req.flash("message", "You are signed out");
    res.redirect(303, "/login");
  });
}

account.post("/logout", signOut);

account.post("/logout-everywhere", (req, res, next) => {
  users.get(req.session.user).logins += 1;
  signOut(req, res, next);
});

app.use("/account", account);

app.listen(process.env.PORT ?? 2831, "127.0.0.1", function () {
  console.log(`Listening on http://127.0.0.1:${this.address().port}`);
});
