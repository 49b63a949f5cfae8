// The gate's routes. The credentials are in this module's memory, and nowhere else.

let session = null;
let ended = () => {};

/** Calls back with a reason when these credentials may no longer manage. */
export function whenEnded(callback) {
  ended = callback;
}

/** What is still under way is never answered. */
export function forget() {
  session?.abort.abort();
  session = null;
}

/** Gives back the user's name. */
export async function signIn(apiKey, apiSecret) {
  forget();
  const attempt = { authorization: `token ${apiKey}:${apiSecret}`, abort: new AbortController() };
  await send(attempt, "GET", "/_gatehouse/users?limit=1");
  const { message } = await send(attempt, "GET", "/api/method/frappe.auth.get_logged_user").catch(() => ({}));
  session = attempt;
  return message ?? apiKey;
}

export async function ask(method, path, body) {
  const asked = session;
  try {
    return await send(asked, method, `/_gatehouse/${path}`, body);
  } catch (error) {
    if (await isOver(asked, error)) {
      const why = error.status === 401 ? "these credentials were revoked, or have expired" : "you are not a System Manager any more";
      ended(`You are no longer authorised: ${why}.`);
    }
    if (asked.abort.signal.aborted) return new Promise(() => {});
    throw error;
  }
}

export function userPath(user, verb = "") {
  return `users/${encodeURIComponent(user)}${verb}`;
}

/** A 403 may be about this one request alone. */
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
    throw new Error("The gate did not answer. Is the network there?");
  }
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  const wait = response.headers.get("Retry-After");
  const message = answer.message ?? `The gate answered ${response.status}.`;
  const error = new Error(wait ? `${message} Try again in ${wait} seconds.` : message);
  throw Object.assign(error, { status: response.status, rows: answer.rows });
}
