// The gate's routes as the page asks them. The credentials are kept in this module's memory, and nowhere else.

let session = null;
let ended = () => {};

/** Why the gate did not do what it was asked; `status` is 0 where it did not answer. */
export class Refused extends Error {
  constructor(status, message, rows) {
    super(message);
    Object.assign(this, { status, rows });
  }
}

/** Has `callback` called with a reason when the gate no longer lets these credentials manage. */
export function whenEnded(callback) {
  ended = callback;
}

/** Forgets the credentials; what is still under way will never be answered. */
export function forget() {
  session?.abort.abort();
  session = null;
}

/** Keeps the credentials if they may manage, and gives back the user's name. */
export async function signIn(apiKey, apiSecret) {
  forget();
  const attempt = { authorization: `token ${apiKey}:${apiSecret}`, abort: new AbortController() };
  await send(attempt, "GET", "/_gatehouse/users?limit=1");
  const { message } = await send(attempt, "GET", "/api/method/frappe.auth.get_logged_user").catch(() => ({}));
  session = attempt;
  return message ?? apiKey;
}

/** Asks one of the management routes. */
export async function ask(method, path, body) {
  const { authorization, abort } = session;
  const asked = { authorization, abort };
  try {
    return await send(asked, method, `/_gatehouse/${path}`, body);
  } catch (error) {
    if (abort.signal.aborted) return new Promise(() => {});
    if (await isOver(asked, error)) {
      ended(
        error.status === 401
          ? "You are no longer authorised: these credentials were revoked, replaced or disabled, or have expired."
          : "You are no longer authorised: your user does not have the role System Manager any more.",
      );
      return new Promise(() => {});
    }
    throw error;
  }
}

/** A user's address among the routes. */
export function userPath(user, verb = "") {
  return `users/${encodeURIComponent(user)}${verb}`;
}

/** A 403 may be about this one request; whether the caller may manage at all is for the gate to say. */
async function isOver(asked, error) {
  if (error.status !== 403) return error.status === 401;
  const again = await send(asked, "GET", "/_gatehouse/users?limit=1").catch(({ status }) => status);
  return again === 401 || again === 403;
}

async function send({ authorization, abort }, method, path, body) {
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: { Authorization: authorization },
      body: body && JSON.stringify(body),
      credentials: "omit",
      cache: "no-store",
      redirect: "error",
      signal: abort.signal,
    });
  } catch {
    throw new Refused(0, "The gate did not answer. Is the network there?");
  }
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  const wait = response.headers.get("Retry-After");
  const message = answer.message ?? `The gate answered ${response.status}.`;
  throw new Refused(response.status, wait ? `${message} Try again in ${wait} seconds.` : message, answer.rows);
}
