// An Express app that serves nobody but a Gatehouse's users, by the assertion that the gate sends along.
//
//     npm install express jose
//     ISSUER=https://gate.example.com AUDIENCE=https://app.example.com PORT=8000 node server.mjs
//
// ISSUER is the gate's PUBLIC_URL, AUDIENCE its ORIGIN or ASSERTION_AUDIENCE, and its ASSERTION_JWK is of ES256.
// JWKS_URL is for a gate whose keys are elsewhere than at ISSUER.

import express from "express";
import { createRemoteJWKSet, jwtVerify } from "jose";

const { ISSUER: issuer, AUDIENCE: audience, PORT = 8000 } = process.env;
// jose checks neither of them if it is undefined.
if (!issuer || !audience) throw new Error("ISSUER and AUDIENCE have to be set");
// Read when first needed, and kept for five minutes.
const address = new URL(process.env.JWKS_URL ?? `${issuer}/_gatehouse/jwks.json`);
const keys = createRemoteJWKSet(address, { cacheMaxAge: 300_000 });
const options = { issuer, audience, algorithms: ["ES256"], requiredClaims: ["sub", "exp"] };

const app = express();

// Before everything else: for every request, those to paths that do not exist too.
app.use(async (request, response, next) => {
  try {
    const { payload } = await jwtVerify(request.get("X-Gatehouse-Assertion") ?? "", keys, options);
    response.locals.claims = payload;
  } catch {
    return response.status(401).json({ error: "Come through the gate" });
  }
  next();
});

app.get("/", (_, response) => {
  const { sub: user, roles } = response.locals.claims;
  response.json({ user, roles });
});

const server = app.listen(PORT, "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});
