// What refusing costs at the least: the gate's 401, made of constants. bench/checks.mjs holds it against the gate's own.
const BODY =
  '{"exc":"[\\"frappe.exceptions.AuthenticationError: Valid credentials are required.\\"]","exc_type":"AuthenticationError","exception":"frappe.exceptions.AuthenticationError","message":"Valid credentials are required."}';
const INIT = {
  status: 401,
  headers: {
    "X-Request-Id": "00000000000000000000000000000000",
    "Content-Type": "application/json",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "WWW-Authenticate": 'token realm="gatehouse", Basic realm="gatehouse", charset="UTF-8"',
  },
};

export default { fetch: () => new Response(BODY, INIT) };
