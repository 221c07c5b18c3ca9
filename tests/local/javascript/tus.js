// Uploads by the unmodified tus-js-client through connections that break, and prints what came of it as JSON.
// Takes Storage's address, a person's token, a folder of theirs in bucket `pictures`, a ticket for `ticket.bin` in it,
// and the size of what is uploaded.
import { Buffer } from "node:buffer";
import * as tus from "tus-js-client";

const [url, token, folder, ticket, size] = Deno.args;
const bytes = Buffer.alloc(Number(size));
for (let place = 0; place < bytes.length; place++) bytes[place] = (place * 31 + (place >> 8)) & 255;
const found = {};

/** Uploads as Supabase's guide says, breaking off after so many bytes as often as is said. */
function upload(name, { signed = false, breaks = 0, chunkSize = Infinity, length = bytes.length } = {}) {
  let left = breaks;
  const offsets = [];
  const headers = signed ? { "x-signature": ticket } : { authorization: `Bearer ${token}` };
  return new Promise((resolve, reject) => {
    const begin = (previous) => {
      const one = new tus.Upload(bytes.subarray(0, length), {
        endpoint: `${url}/upload/resumable${signed ? "/sign" : ""}`,
        uploadUrl: previous,
        retryDelays: [0, 100, 500],
        headers,
        uploadDataDuringCreation: true,
        metadata: {
          bucketName: "pictures",
          objectName: `${folder}/${name}`,
          contentType: "image/png",
          cacheControl: 3600,
          metadata: JSON.stringify({ camera: "old" }),
        },
        chunkSize,
        onError: reject,
        onChunkComplete: (_, accepted) => offsets.push(accepted),
        onProgress: (sent) => {
          if (left > 0 && sent > ((breaks - left + 1) * length) / (breaks + 1)) {
            left -= 1;
            one.abort().then(() => begin(one.url), reject);
          }
        },
        onSuccess: () => resolve({ offsets, url: one.url, broken: breaks - left }),
      });
      one.start();
    };
    begin(null);
  });
}

const refused = (going) =>
  going.then(() => "accepted", (error) => [error.originalResponse?.getStatus(), error.originalResponse?.getBody()]);

found.whole = await upload("whole.bin");
found.parts = await upload("parts.bin", { chunkSize: 6 * 1024 * 1024, length: 13 * 1024 * 1024 });
found.broken = await upload("broken.bin", { breaks: 3, chunkSize: 6 * 1024 * 1024 });
found.signed = await upload("ticket.bin", { signed: true, length: 1000 });
found.again = await refused(upload("whole.bin", { length: 10 }));
found.otherTicket = await refused(upload("other.bin", { signed: true, length: 10 }));
const given = new tus.Upload(bytes.subarray(0, 7 * 1024 * 1024), {
  endpoint: `${url}/upload/resumable`,
  headers: { authorization: `Bearer ${token}` },
  metadata: { bucketName: "pictures", objectName: `${folder}/given-up.bin` },
  chunkSize: 1024 * 1024,
});
await new Promise((resolve, reject) => {
  given.options.onError = reject;
  given.options.onChunkComplete = () => given.abort().then(resolve, reject);
  given.start();
});
await given.abort(true);
found.givenUp = await fetch(given.url, {
  method: "HEAD",
  headers: { authorization: `Bearer ${token}`, "tus-resumable": "1.0.0" },
}).then((answer) => answer.status);
console.log(JSON.stringify(found));
Deno.exit(0);
