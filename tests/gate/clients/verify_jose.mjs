// Verifies assertions with jose, as an origin would. Arguments: a question in JSON: `jwks` (an address) or `key` (a JWK),
// `issuer`, `audience`, `seconds_later`, and `assertions`. Prints for each its claims, or jose's code for what is wrong.

import { createRemoteJWKSet, importJWK, jwtVerify } from "jose";

const { jwks, key, issuer, audience, seconds_later, assertions } = JSON.parse(process.argv[2]);
const keys = jwks ? createRemoteJWKSet(new URL(jwks)) : await importJWK(key, "HS256");
const options = {
  issuer,
  audience,
  algorithms: jwks ? ["ES256", "EdDSA"] : ["HS256"],
  requiredClaims: ["sub", "exp", "iat"],
  currentDate: new Date(Date.now() + seconds_later * 1000),
};
const results = [];
for (const assertion of assertions) {
  try {
    const { payload } = await jwtVerify(assertion, keys, options);
    results.push({ claims: payload });
  } catch (error) {
    results.push({ error: error.code });
  }
}
console.log(JSON.stringify(results));
