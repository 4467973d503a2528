import escape from "escape-html";

const price = (cents) => `${(cents / 100).toFixed(2)} €`;

function button(req, action, text, fields = {}) {
  const hidden = Object.entries({ csrf_token: req.csrfToken(), ...fields })
    .map(([name, value]) => `<input type="hidden" name="${name}" value="${escape(value)}">`)
    .join("");
  return `<form method="post" action="${action}">${hidden}<button>${text}</button></form>`;
}

function page(req, title, body) {
  const { cart, user } = req.session;
  const count = (cart ?? []).reduce((sum, line) => sum + line.quantity, 0);
  const message = req.flash("message").at(-1);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title><link rel="stylesheet" href="/shop.css"></head><body>
<nav><a href="/">Tea &amp; Things</a> <a href="/cart">Cart (${count})</a>
<a href="/${user ? "account" : "login"}">${escape(user ?? "Sign in")}</a></nav><main>
${message ? `<p class="message" role="status">${escape(message)}</p>` : ""}
<h1>${title}</h1>
${body}</main></body></html>
`;
}

export function home(req, products) {
  const rows = products.map(
    (each) => `<li>${escape(each.name)} <b>${price(each.cents)}</b>
${button(req, "/cart", "Add to cart", { id: each.id })}</li>`,
  );
  return page(
    req,
    "Tea &amp; Things",
    `<ul>${rows.join("\n")}</ul>
<p class="quiet">Pages seen on this visit: <b id="visits">${req.session.visits}</b></p>`,
  );
}

export function cart(req, lines, products) {
  if (lines.length === 0) return page(req, "Cart", "<p>Nothing is in it yet.</p>");
  let total = 0;
  let rows = "";
  for (const line of lines) {
    const product = products.find((each) => each.id === line.id);
    if (!product) continue; // no longer sold
    total += product.cents * line.quantity;
    rows += `<li>${line.quantity} × ${escape(product.name)}
<b>${price(product.cents * line.quantity)}</b></li>\n`;
  }
  return page(
    req,
    "Cart",
    `<ul>${rows}</ul><p>Together <b id="total">${price(total)}</b></p>
${button(req, "/cart/empty", "Empty it")}`,
  );
}

export function login(req) {
  return page(
    req,
    "Sign in",
    `<p class="quiet">Try <b>ann</b> or <b>bob</b>, with the password <b>secret</b>.</p>
<form method="post" action="/login"><input type="hidden" name="csrf_token" value="${req.csrfToken()}">
<label>Name<input name="user" autocomplete="username" required autofocus></label>
<label>Password<input name="password" type="password" autocomplete="current-password" required></label>
<label><input type="checkbox" name="remember">Remember me for 30 days</label>
<button class="main">Sign in</button></form>`,
  );
}

export function account(req) {
  return page(
    req,
    `Hello, ${escape(req.session.user)}`,
    `<div class="row">${button(req, "/account/logout", "Sign out")}
${button(req, "/account/logout-everywhere", "Sign out everywhere")}</div>`,
  );
}
