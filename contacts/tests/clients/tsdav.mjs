// Does what the JSON on standard input says, with tsdav, and prints the full names of all contacts as JSON.
import { createRequire } from "node:module";
import { readFileSync, writeFileSync, existsSync } from "node:fs";

const { createDAVClient } = createRequire(`${process.env.CLIENTS}/node/`)("tsdav");
const { url, address, password, state, steps } = JSON.parse(readFileSync(0, "utf8"));
const client = await createDAVClient({
  serverUrl: url,
  credentials: { username: address, password },
  authMethod: "Basic",
  defaultAccountType: "carddav",
});
const [found] = await client.fetchAddressBooks();
const book = existsSync(state) ? JSON.parse(readFileSync(state, "utf8")) : { ...found, syncToken: "", objects: [] };
const nameOf = (card) => /^FN[^:]*:(.*)$/m.exec(card.data)[1].trim();

async function sync() {
  const synced = await client.smartCollectionSync({ collection: { ...book, objectMultiGet: client.addressBookMultiGet }, method: "webdav", detailedResult: true });
  const gone = new Set(synced.objects.deleted.map((each) => each.url));
  const fresh = [...synced.objects.created, ...synced.objects.updated];
  const replaced = new Set(fresh.map((each) => each.url));
  book.objects = [...book.objects.filter((each) => !gone.has(each.url) && !replaced.has(each.url)), ...fresh];
  book.syncToken = synced.syncToken;
}
const named = (name) => book.objects.find((each) => nameOf(each) === name);
function check(response) {
  if (!response.ok) throw new Error(`${response.status} ${response.url}`);
}

await sync();
for (const { action, name, to, uid, card } of steps) {
  if (action === "create") check(await client.createVCard({ addressBook: book, filename: `${uid}.vcf`, vCardString: card }));
  if (action === "rename") {
    const found = named(name);
    check(await client.updateVCard({ vCard: { ...found, data: found.data.replaceAll(name, to) } }));
    const stale = await client.updateVCard({ vCard: { ...found, etag: '"0-0"' } });
    if (stale.status !== 412) throw new Error(`A stale update was answered ${stale.status}.`);
  }
  if (action === "delete") check(await client.deleteVCard({ vCard: named(name) }));
}
await sync();
writeFileSync(state, JSON.stringify(book));
console.log(JSON.stringify(book.objects.map(nameOf).sort()));
