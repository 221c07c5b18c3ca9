// Uses Storage as a browser application would, with the unmodified supabase-js, and prints what came of it as JSON.
// Takes the API's address, the publishable key, the secret key, and a person as JSON: {id, token}.
import { createClient } from "@supabase/supabase-js";

const [url, publishable, secret, person] = Deno.args;
const { id, token } = JSON.parse(person);
const hers = createClient(url, publishable, { accessToken: async () => token });
const anybody = createClient(url, publishable);
const service = createClient(url, secret);
const pictures = hers.storage.from("pictures");
const found = {};
const text = (answer) => answer.data?.text?.() ?? answer.error?.message;
const said = ({ data, error }) => (error ? `${error.statusCode ?? error.status} ${error.message}` : data);

/** Buckets by the secret key alone. */
async function buckets() {
  const name = `js-${crypto.randomUUID()}`;
  const made = said(await service.storage.createBucket(name, { public: true, fileSizeLimit: "1KB" }));
  await service.storage.updateBucket(name, { public: false });
  const got = said(await service.storage.getBucket(name));
  const large = said(await service.storage.from(name).upload("large", new Uint8Array(1001)));
  return {
    made: made.name === name,
    public: got.public,
    limit: got.file_size_limit,
    large,
    hers: said(await hers.storage.createBucket("hers")),
    gone: said(await service.storage.deleteBucket(name)),
  };
}

/** A file comes, is read, changed, moved, copied and goes. */
async function files() {
  const path = `${id}/lake é.txt`;
  const named = `${id}/lake.txt`;
  const blob = new Blob(["blue"], { type: "text/plain" });
  const refused = said(await pictures.upload(path, blob));
  const uploaded = said(await pictures.upload(named, blob, { cacheControl: "60", metadata: { camera: "old" } }));
  const again = said(await pictures.upload(named, blob));
  const read = await text(await pictures.download(named));
  const info = said(await pictures.info(named));
  await pictures.update(named, new Blob(["green"]), { contentType: "text/plain" });
  const stream = await pictures.download(named).asStream();
  const streamed = await new Response(stream.data).text();
  await pictures.move(named, `${id}/sea.txt`);
  const copied = said(await pictures.copy(`${id}/sea.txt`, named));
  const exists = [(await pictures.exists(named)).data, (await pictures.exists(`${id}/none`)).data];
  const listed = said(await pictures.list(id, { sortBy: { column: "name", order: "desc" } })).map((one) => one.name);
  const second = said(await pictures.listV2({ prefix: `${id}/`, limit: 1 }));
  const others = said(await anybody.storage.from("pictures").list(id));
  const removed = said(await pictures.remove([named, `${id}/sea.txt`])).map((one) => one.name).sort();
  return {
    refused,
    uploaded: [uploaded.path === named, uploaded.fullPath === `pictures/${named}`],
    again,
    read,
    info: [info.size, info.contentType, info.cacheControl, info.metadata],
    streamed,
    copied: copied.path === `pictures/${named}`,
    exists,
    listed,
    second: [second.objects.length, second.hasNext],
    others,
    removed: removed.map((name) => name.replace(id, "")),
  };
}

/** Addresses that work for a while, of files that are not public. */
async function addresses() {
  const path = `${id}/signed.txt`;
  await pictures.upload(path, new Blob(["blue"], { type: "text/plain" }));
  const one = said(await pictures.createSignedUrl(path, 60, { download: "lake.txt" }));
  const many = said(await pictures.createSignedUrls([path, `${id}/none`], 60));
  const ticket = said(await pictures.createSignedUploadUrl(`${id}/ticket.txt`));
  const put = said(await anybody.storage.from("pictures").uploadToSignedUrl(ticket.path, ticket.token, new Blob(["new"])));
  const answer = await fetch(one.signedUrl);
  return {
    one: [await answer.text(), answer.headers.get("content-disposition")],
    many: [await (await fetch(many[0].signedUrl)).text(), many[1].error],
    anybody: said(await anybody.storage.from("pictures").createSignedUrl(path, 60)),
    put: put.path === ticket.path,
    read: await text(await pictures.download(ticket.path)),
  };
}

/** A public file. */
async function open() {
  const name = `${crypto.randomUUID()}.txt`;
  await service.storage.from("faces").upload(name, new Blob(["me"], { type: "text/plain" }));
  const { publicUrl } = anybody.storage.from("faces").getPublicUrl(name).data;
  return { bytes: await (await fetch(publicUrl)).text(), hers: said(await hers.storage.from("faces").remove([name])) };
}

for (const flow of [buckets, files, addresses, open]) found[flow.name] = await flow();
console.log(JSON.stringify(found));
Deno.exit(0);
