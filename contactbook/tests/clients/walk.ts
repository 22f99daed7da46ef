// The README's walk with openapi-fetch and the generated types: walk.js SERVER BIRTHDAY PICTURE; the link's token comes
// on stdin.
import createClient from "openapi-fetch";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline/promises";
import type { paths } from "./contactbook";

const email = "typescript@example.org";
const password = "a walk in the park"; // pragma: allowlist secret
const [baseUrl, birthday, picture] = process.argv.slice(2) as [string, string, string];
const api = createClient<paths>({ baseUrl });

// The answer's data; an error ends the walk.
function sure<T>(answer: { data?: T; error?: unknown }): T {
  if (answer.data === undefined) throw new Error(JSON.stringify(answer.error));
  return answer.data;
}

const account = sure(await api.POST("/api/auth/signup", { body: { username: "Ann", email, password } }));
console.log(account.detail);
const terminal = createInterface({ input: process.stdin });
const email_token = await terminal.question("");
terminal.close();
console.log(sure(await api.GET("/api/email/confirm/{email_token}", { params: { path: { email_token } } })));
const pair = sure(
  await api.POST("/api/auth/login", {
    body: { username: email, password },
    headers: { "Content-Type": "application/x-www-form-urlencoded" },
  }),
);
console.log(pair.token_type);
api.use({
  onRequest({ request }) {
    request.headers.set("Authorization", `Bearer ${pair.access_token}`);
  },
});
const lukasz = sure(
  await api.POST("/api/contacts/", {
    body: { fullname: "Łukasz Żółć", email: "lukasz@example.org", phone: "+48 22 123 45 67" },
  }),
);
console.log(lukasz.fullname, lukasz.phone_number);
const zoe = sure(await api.POST("/api/contacts/", { body: { fullname: "Zoë", birthday } }));
console.log(zoe.fullname, zoe.birthday);
const found = await api.GET("/api/contacts/{contact_id}", { params: { path: { contact_id: "lukasz" } } });
console.log(sure(found).fullname);
console.log(sure(await api.GET("/api/contacts/bd"))[0]!.fullname);
const path = { contact_id: lukasz.id };
const upload = new FormData();
upload.append("file", new Blob([await readFile(picture)]), "picture.png");
const pictured = await api.PATCH("/api/contacts/{contact_id}/avatar", {
  params: { path },
  body: { file: picture },
  bodySerializer: () => upload,
});
console.log(sure(pictured).avatar!.startsWith("http") ? "True" : "False");
console.log(sure(await api.DELETE("/api/contacts/{contact_id}", { params: { path } })).fullname);
console.log(sure(await api.POST("/api/contacts/trash/{contact_id}/restore", { params: { path } })).fullname);
